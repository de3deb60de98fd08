"""Scenario -> the static arrays of CityFlow's model: links, crossing points, vehicle types, routes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, VehicleType
from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.readers.cityflow_crossings import find_crossings
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.cityflow.kernels.world import Net, Routes, Types
from urbanlab.traffic.cityflow.sorting import sorted_order
from urbanlab.traffic.physics.emissions import FUEL_ROWS, row_of_class

__all__ = ["RouteTable", "compile_network", "compile_routes", "compile_types"]

NO_LIMIT = 10000.0
"""[m/s] CityFlow's limit on lane links."""

RANKS = {ord("s"): 3, ord("l"): 2, ord("r"): 1}


class RouteTable(NamedTuple):
    """Routes on the network; N routes of the demand."""

    routes: Routes
    start: NDArray[np.int64]  # (N,) first position of each route
    first_edge: list[int]
    first_lanes: list[list[int]]  # where its trips can begin, in CityFlow's order; none: the route has a gap


def compile_network(network: Network, signal_pos: NDArray[np.int32]) -> Net:
    """Arrays of a network.

    Parameters
    ----------
    signal_pos : (C,) place of a connection in the array of link states, -1 none

    Raises
    ------
    ConfigError : the network was not made of lane links, each a single internal lane
    """
    num = network.num_lanes
    internal = (network.edge_function == EdgeFunction.INTERNAL)[network.lane_edge]
    rows = np.flatnonzero(~internal[network.connection_from])
    via = network.connection_via[rows]
    if np.any(via < 0) or len(np.unique(via)) != len(via) or np.count_nonzero(internal) != len(via):
        raise ConfigError(
            "this network can't be run by CityFlow's rules",
            got="connections without an internal lane of their own",
            expected="a network read from CityFlow's files",
        )
    columns: dict[str, Any] = {name: np.full(num, -1, np.int32) for name in ("link_from", "link_to", "link_signal")}
    columns["link_from"][via] = network.connection_from[rows]
    columns["link_to"][via] = network.connection_to[rows]
    columns["link_signal"][via] = signal_pos[rows]
    direction = network.connection_direction[rows]
    rank, turn = np.zeros(num, np.uint8), np.zeros(num, np.uint8)
    rank[via] = [RANKS.get(value, 0) for value in direction.tolist()]
    turn[via] = (direction == ord("l")) | (direction == ord("r"))
    order = np.argsort(network.connection_from[rows], kind="stable")
    return Net(
        length=network.lane_length.copy(),
        limit=np.where(internal, NO_LIMIT, network.lane_speed),
        desired=network.lane_speed.copy(),
        is_link=internal.astype(np.uint8),
        offset=(np.arange(num) - network.edge_first_lane[network.lane_edge]).astype(np.int32),
        **columns,
        link_rank=rank,
        link_turn=turn,
        out_start=np.searchsorted(network.connection_from[rows][order], np.arange(num + 1)).astype(np.int32),
        out_link=via[order].astype(np.int32),
        **_crossings(network, rows),
    )


def _crossings(network: Network, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Crossing points of all links, by link and distance; those at one distance in the order that CityFlow's sorting has."""
    junction = network.connection_junction[rows]
    order = np.argsort(junction, kind="stable")
    bounds = np.flatnonzero(np.diff(junction[order], prepend=-1, append=-1))
    links: list[NDArray[np.int32]] = []
    foes: list[NDArray[np.int32]] = []
    places: list[NDArray[np.float64]] = []
    for first, last in pairwise(bounds.tolist()):
        members = network.connection_via[rows[order[first:last]]]
        met = find_crossings([network.lane_shape(int(lane)) for lane in members])
        links += [members[met.first], members[met.second]]
        foes += [members[met.second], members[met.first]]
        places += [met.first_distance, met.second_distance]
    num = sum(map(len, links))
    link = np.concatenate([np.zeros(0, np.int32), *links])
    place = np.concatenate([np.zeros(0), *places])
    pair = np.concatenate([np.zeros(0, np.int64), *_pair_numbers(links)])
    by_link = _ordered(np.lexsort((pair, link)), link, place)
    rank = np.empty(num, np.int64)
    rank[by_link] = np.arange(num)
    twin = rank[_twins(links)]
    return {
        "cross_start": np.searchsorted(link[by_link], np.arange(network.num_lanes + 1)).astype(np.int32),
        "cross_pos": place[by_link],
        "cross_foe": np.concatenate([np.zeros(0, np.int32), *foes])[by_link].astype(np.int32),
        "cross_twin": twin[by_link].astype(np.int32),
    }


def _ordered(by_link: NDArray[np.int64], link: NDArray[np.int32], place: NDArray[np.float64]) -> NDArray[np.int64]:
    """Entries sorted by link, now by distance within each link."""
    bounds = np.flatnonzero(np.diff(link[by_link], prepend=-1, append=-1))
    parts = [by_link[first:last] for first, last in pairwise(bounds.tolist())]
    return np.concatenate([np.zeros(0, np.int64), *(part[sorted_order(place[part].tolist())] for part in parts)])


def _pair_numbers(links: Sequence[NDArray[np.int32]]) -> list[NDArray[np.int64]]:
    """A number for every pair, the same for both of its entries."""
    result, number = [], 0
    for one, other in zip(links[::2], links[1::2], strict=True):
        result += [np.arange(number, number + len(one)), np.arange(number, number + len(other))]
        number += len(one)
    return result


def _twins(links: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    """For every entry, the other one of its pair."""
    result, number = [np.zeros(0, np.int64)], 0
    for one, other in zip(links[::2], links[1::2], strict=True):
        result.append(np.arange(number + len(one), number + 2 * len(one)))
        result.append(np.arange(number, number + len(other)))
        number += 2 * len(one)
    return np.concatenate(result)


def compile_types(vehicle_types: Sequence[VehicleType], dt: float) -> Types:
    """Vehicle types as columns."""

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(t, name) for t in vehicle_types], np.float64)

    speed, decel = column("max_speed"), column("usual_decel")
    return Types(
        length=column("length"),
        min_gap=column("min_gap"),
        max_speed=speed,
        max_accel=column("accel"),
        max_decel=column("decel"),
        usual_accel=column("usual_accel"),
        usual_decel=decel,
        headway=column("tau"),
        turn_speed=column("turn_speed"),
        approach=speed * speed / decel / 2.0 + speed * dt * 2.0,
        emission=np.array([row_of_class(t.vehicle_class) for t in vehicle_types], np.int32),
        fuel=np.array(FUEL_ROWS, np.float64).ravel(),
    )


class _Turns:
    """Links to take by lane of an edge, one run of rows for each way on: the next edge and the one behind it."""

    def __init__(self, network: Network) -> None:
        internal = (network.edge_function == EdgeFunction.INTERNAL)[network.lane_edge]
        rows = np.flatnonzero(~internal[network.connection_from])
        self._first = network.edge_first_lane
        self._edge = network.lane_edge
        self._out: dict[int, list[tuple[int, int]]] = {}  # by lane: link and lane behind it
        columns = (network.connection_from[rows], network.connection_via[rows], network.connection_to[rows])
        for lane, via, to in zip(*(column.tolist() for column in columns), strict=True):
            self._out.setdefault(lane, []).append((via, to))
        self.rows: list[int] = []
        self._run_of: dict[tuple[int, int, int], int] = {}

    def lanes(self, edge: int) -> range:
        """Lanes of an edge in CityFlow's order, from the inside."""
        return range(int(self._first[edge + 1]) - 1, int(self._first[edge]) - 1, -1)

    def leads(self, lane: int, edge: int) -> bool:
        """Does a link lead from a lane to an edge?"""
        return any(self._edge[to] == edge for _, to in self._out.get(lane, ()))

    def run(self, edge: int, following: int, then: int) -> int:
        """First row of the links from an edge to the following one; -1: there is none."""
        key = (edge, following, then)
        if key not in self._run_of:
            self._run_of[key] = len(self.rows)
            self.rows += [self._choose(lane, following, then) for lane in range(int(self._first[edge]), int(self._first[edge + 1]))]
        return self._run_of[key]

    def _choose(self, lane: int, following: int, then: int) -> int:
        """The link whose end is nearest to the own lane's place, of those that lead on; the first of equal ones."""
        if following < 0:
            return -1
        own = self._place(lane)
        best, least = -1, len(self._first) + 1 << 31
        for via, to in self._out.get(lane, ()):
            if self._edge[to] != following or (then >= 0 and not self.leads(to, then)):
                continue
            if abs(self._place(to) - own) < least:
                best, least = via, abs(self._place(to) - own)
        return best

    def _place(self, lane: int) -> int:
        """Place of a lane in its edge, counted from the inside."""
        return int(self._first[self._edge[lane] + 1]) - 1 - lane


def compile_routes(network: Network, demand: Demand) -> RouteTable:
    """The demand's routes as positions with the link to take from each lane."""
    turns = _Turns(network)
    joined: dict[tuple[int, int], list[int]] = {}
    turn: list[int] = []
    last: list[int] = []
    first_lanes: list[list[int]] = []
    edges_of = [demand.route(k).tolist() for k in range(len(demand.route_start) - 1)]
    for edges in edges_of:
        whole = len(edges) > 1
        for k, edge in enumerate(edges):
            following, then = (*edges[k + 1 : k + 3], -1, -1)[:2]
            turn.append(turns.run(edge, following, then))
            last.append(int(following < 0))
            if following >= 0 and (edge, following) not in joined:
                joined[edge, following] = [lane for lane in turns.lanes(edge) if turns.leads(lane, following)]
            whole = whole and (following < 0 or bool(joined[edge, following]))
        first_lanes.append(joined[edges[0], edges[1]] if whole else [])
    return RouteTable(
        routes=Routes(np.array(turn, np.int32), np.array(last, np.uint8), np.array(turns.rows, np.int32)),
        start=demand.route_start[:-1].copy(),
        first_edge=[edges[0] for edges in edges_of],
        first_lanes=first_lanes,
    )
