"""Routes as the engine drives them: runs of positions, for which `kernels.best_lanes` finds which lane leads on how far.

A scheduled stop ends what is looked at; behind it the route goes on in a position of its own, so an edge with
a stop has two: before and after it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand
from urbanlab.city.network import Network
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.kernels.arrays import MAX_WINDOW, Net, Routes, Runs, Stops

__all__ = ["CompiledRoutes", "compile_routes", "expand_run", "wanted_arrival"]

ARRIVAL_LANE_MARGIN = 1.0
"""[m] by which lanes other than a wanted arrival lane count as shorter."""


class CompiledRoutes(NamedTuple):
    """Routes of all trips with their stops."""

    routes: Routes  # best lanes are still to be filled in
    runs: Runs
    stops: Stops
    trip_route: NDArray[np.int32]  # (V,) first position
    trip_stop: NDArray[np.int32]  # (V,) first stop, -1 none


class _Runs:
    """Distinct (route, class, stops, arrival lane) as runs of positions."""

    def __init__(self) -> None:
        self.of_key: dict[tuple[object, ...], int] = {}
        self.edges: list[NDArray[np.int32]] = []
        self.stop_lanes: list[NDArray[np.int32]] = []
        self.stop_ends: list[NDArray[np.float64]] = []
        self.classes: list[int] = []
        self.starts: list[int] = []
        self.total = 0

    def add(
        self,
        key: tuple[object, ...],
        edges: NDArray[np.int32],
        stops: list[tuple[int, int, float]],
        arrival: tuple[int, float] | None,
        class_bit: int,
    ) -> int:
        """Start of a run; `stops` are (place in `edges`, lane, end [m])."""
        known = self.of_key.get(key)
        if known is not None:
            return known
        run, lanes, ends = expand_run(edges, stops, arrival)
        start = self.total
        self.of_key[key] = start
        self.edges.append(run)
        self.stop_lanes.append(lanes)
        self.stop_ends.append(ends)
        self.classes.append(class_bit)
        self.starts.append(start)
        self.total += len(run)
        return start


def expand_run(
    edges: NDArray[np.int32], stops: list[tuple[int, int, float]], arrival: tuple[int, float] | None
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Positions of a route: (edge, lane of the stop, its end [m]); `stops` are (place in `edges`, lane, end) in order."""
    lanes = np.full(len(edges) + len(stops), -1, np.int32)
    ends = np.zeros(len(edges) + len(stops))
    run = edges.repeat(1 + np.bincount([s[0] for s in stops], minlength=len(edges))) if stops else edges
    for n, (at, lane, end) in enumerate(stops):
        lanes[at + n], ends[at + n] = lane, end
    if arrival is not None:
        lanes[-1], ends[-1] = arrival
    return run, lanes, ends


def compile_routes(network: Network, net: Net, demand: Demand, trips: ExpandedTrips, class_bit: NDArray[np.int64]) -> CompiledRoutes:
    """Tables for trips.

    Parameters
    ----------
    network, net : the streets and their arrays
    demand : trips with routes
    trips : those that depart, with their rows and routes of `demand`
    class_bit : (V,) class of each trip's vehicle
    """
    runs = _Runs()
    stop_rows: list[tuple[int, float, float, float, float, int, int, int, int]] = []
    place_of: dict[tuple[str, int, float, float], int] = {}
    rows = trips.row
    trip_route = np.zeros(len(rows), np.int32)
    trip_stop = np.full(len(rows), -1, np.int32)
    has_stops = np.diff(demand.trip_stop_start) > 0
    arrival_lane = demand.arrival_lane
    plain: dict[tuple[int, int], int] = {}
    for v in range(len(rows)):
        row = int(rows[v])
        route = int(trips.route[v])
        bit = int(class_bit[v])
        if not has_stops[row] and arrival_lane[row] < 0:
            start = plain.get((route, bit), -1)
            if start < 0:
                start = runs.add((route, bit), demand.route(route), [], None, bit)
                plain[(route, bit)] = start
            trip_route[v] = start
            continue
        edges = demand.route(route)
        stops = _place_stops(network, demand, row, edges, place_of)
        arrival = wanted_arrival(network, int(edges[-1]), int(arrival_lane[row]))
        key = (route, bit, tuple((at, lane, end) for at, lane, _, end, _, _, _, _ in stops), arrival)
        start = runs.add(key, edges, [(at, lane, end) for at, lane, _, end, _, _, _, _ in stops], arrival, bit)
        trip_route[v] = start
        for n, (at, lane, begin, end, duration, until, parking, place) in enumerate(stops):
            if n == 0:
                trip_stop[v] = len(stop_rows)
            after = len(stop_rows) + 1 if n + 1 < len(stops) else -1
            stop_rows.append((lane, begin, end, duration, until, int(parking), start + at + n, after, place))
    return CompiledRoutes(*_tables(net, runs), _stop_table(stop_rows), trip_route, trip_stop)


def wanted_arrival(network: Network, last: int, index: int) -> tuple[int, float] | None:
    """Lane on which a trip wants to arrive, by its index on the last edge, and its end [m]; None: any (-1)."""
    if index < 0:
        return None
    lane = min(int(network.edge_first_lane[last]) + index, int(network.edge_first_lane[last + 1]) - 1)
    # just short of the end, so that the other lanes are not as good
    return lane, float(network.lane_length[lane]) - ARRIVAL_LANE_MARGIN


def _place_stops(
    network: Network, demand: Demand, row: int, edges: NDArray[np.int32], place_of: dict[tuple[str, int, float, float], int]
) -> list[tuple[int, int, float, float, float, float, bool, int]]:
    """Stops of a trip as (place in the route, lane, start, end, duration, until, parking, stopping place) in driving order.

    `place_of` numbers the stopping places that vehicles share; -1 where the stop has no name.
    A stop that the rest of the route does not pass is left out: the readers have reported it.
    """
    found = []
    at, last_end = 0, -1.0
    for n in range(int(demand.trip_stop_start[row]), int(demand.trip_stop_start[row + 1])):
        stop = demand.stops[n]
        edge = network.lane_edge[stop.lane]
        begin = at if stop.end > last_end or edges[at] != edge else at + 1
        places = np.flatnonzero(edges[max(begin, stop.on_route) :] == edge)
        if len(places) == 0:
            continue
        at = max(begin, stop.on_route) + int(places[0])
        last_end = stop.end
        place = place_of.setdefault((stop.stop_id, stop.lane, stop.start, stop.end), len(place_of)) if stop.stop_id else -1
        found.append((at, stop.lane, stop.start, stop.end, stop.duration, stop.until, stop.parking, place))
    return found


def _stop_table(rows: list[tuple[int, float, float, float, float, int, int, int, int]]) -> Stops:
    table = np.array(rows, np.float64).reshape(-1, 9)
    kinds = (np.int32, np.float64, np.float64, np.float64, np.float64, np.uint8, np.int32, np.int32, np.int32)
    return Stops(*(table[:, k].astype(kind) for k, kind in enumerate(kinds)))


def _tables(net: Net, runs: _Runs) -> tuple[Routes, Runs]:
    edge = np.concatenate(runs.edges).astype(np.int32) if runs.edges else np.zeros(0, np.int32)
    stop_lane = np.concatenate(runs.stop_lanes) if runs.edges else np.zeros(0, np.int32)
    stop_end = np.concatenate(runs.stop_ends) if runs.edges else np.zeros(0)
    starts = np.array([*runs.starts, runs.total], np.int64)
    last = np.zeros(runs.total, np.uint8)
    last[starts[1:] - 1] = 1
    num = net.edge_num_lanes[edge].astype(np.int64)
    total, most = int(num.sum()), int(net.edge_num_lanes.max(initial=1))
    routes = Routes(
        edge=edge,
        last=last,
        best_start=np.cumsum(num) - num,
        best_length=np.zeros(total, np.float32),
        best_offset=np.zeros(total, np.int8),
        best_link=np.full(total, -1, np.int32),
    )
    size = MAX_WINDOW * most
    return routes, Runs(
        used=np.array([len(runs.starts), runs.total, total], np.int64),
        start=starts[:-1].copy(),
        end=starts[1:].copy(),
        class_bit=np.array(runs.classes, np.int64),
        stop_lane=stop_lane,
        stop_end=stop_end,
        length=np.zeros(size),
        offset=np.zeros(size, np.int64),
        link=np.zeros(size, np.int64),
        go_on=np.zeros(size, np.uint8),
        most=most,
    )
