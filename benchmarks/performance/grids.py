"""A grid of signalled streets full of vehicles, made in memory: any size of map, any number of vehicles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from performance.staircases import Staircases, staircases
from urbanlab.city.demand import Demand, DepartLane, DepartPos, DepartSpeed, VehicleType
from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make

__all__ = ["BLOCK", "empty_grid", "trip_time", "with_vehicles"]

BLOCK = 200.0
"""[m] between two junctions."""

NEAREST, FARTHEST = 1500.0, 5000.0  # [m] straight-line distance that a trip bridges
PACE = 8.0
"""[m/s] of a trip, about, its stops at signals included."""

MANY = 1 << 32


def empty_grid(size: int, *, signals: bool = True) -> Scenario:
    """`size` times `size` junctions, two lanes a direction; its two trips are there to be replaced."""
    return make(f"grid:rows={size},cols={size},length={BLOCK:g},trips=2,signals={str(signals).lower()}", seed=1)


def with_vehicles(grid: Scenario, size: int, depart: NDArray[np.float64], *, seed: int = 1) -> Scenario:
    """The grid with vehicles that set off anywhere on their first street.

    Parameters
    ----------
    grid : of `empty_grid`
    size : junctions of a row
    depart : (V,) [s] ascending
    seed : of the ways
    """
    ways = _ways(size, len(depart), seed)
    return replace(grid, demand=_demand(ways, _edges_between(grid.network, ways), depart))


def trip_time(size: int) -> float:
    """[s] that a trip lasts, about."""
    return float(np.diff(_ways(size, 1000, 1).start).mean()) * BLOCK / PACE


def _ways(size: int, num: int, seed: int) -> Staircases:
    nearest, farthest = min(NEAREST / BLOCK, 0.4 * size), min(FARTHEST / BLOCK, 1.2 * (size - 1))
    return staircases(size, size, num, nearest=nearest, farthest=farthest, seed=seed)


def _edges_between(network: Network, ways: Staircases) -> NDArray[np.int32]:
    """The street of each step; junctions of a synthetic grid are numbered row by row."""
    normal = np.flatnonzero(network.edge_function == EdgeFunction.NORMAL)
    key = network.edge_from[normal].astype(np.int64) * MANY + network.edge_to[normal]
    order = np.argsort(key)
    place = np.searchsorted(key[order], ways.tail * MANY + ways.head)
    return normal[order][place].astype(np.int32)


def _demand(ways: Staircases, edges: NDArray[np.int32], depart: NDArray[np.float64]) -> Demand:
    num = len(depart)
    return Demand(
        trip_id=tuple(map(str, range(num))), trip_type=np.zeros(num, np.int32), trip_depart=depart,
        trip_route=np.arange(num, dtype=np.int32), trip_from=np.full(num, -1, np.int32), trip_to=np.full(num, -1, np.int32),
        trip_via_start=np.zeros(num + 1, np.int64), via_edge=np.empty(0, np.int32), trip_is_template=np.zeros(num, np.bool_),
        depart_lane=np.full(num, DepartLane.BEST, np.uint8), depart_lane_index=np.full(num, -1, np.int32),
        depart_pos=np.full(num, DepartPos.RANDOM_FREE, np.uint8), depart_pos_value=np.zeros(num),
        depart_speed=np.full(num, DepartSpeed.MAX, np.uint8), depart_speed_value=np.zeros(num),
        arrival_lane=np.full(num, -1, np.int32), arrival_pos=np.full(num, np.inf), arrival_speed=np.full(num, -1.0),
        trip_stop_start=np.zeros(num + 1, np.int64), stops=(),
        route_start=ways.start, route_edge=edges, vehicle_types=(VehicleType("car"),),
    )  # fmt: skip
