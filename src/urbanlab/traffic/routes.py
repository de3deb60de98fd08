"""Routes as the engine drives them: which lane leads on, how far, and which is best.

Model: the best lanes of Erdmann 2014 ("Lane-changing model in SUMO", section 3): each lane of an edge gets the
distance that can be driven from its start along the route without a change, and the number of
lanes to the best one. A scheduled stop ends what is looked at; behind it the route goes on in
a position of its own, so an edge with a stop has two: before and after it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand
from urbanlab.city.network import Network
from urbanlab.core import jit
from urbanlab.core.bundle import pack, viewer
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.kernels.arrays import Net, Routes, Stops

__all__ = ["CompiledRoutes", "RunTable", "compile_routes", "expand_run", "fill_tables", "wanted_arrival"]

LOOK_MANY = 3000.0
"""[m] looked at where edges are long (more than 4 of them)."""

LOOK_URBAN = 1000.0
"""[m] looked at where edges are short (more than 8 of them)."""

ARRIVAL_LANE_MARGIN = 1.0
"""[m] by which lanes other than a wanted arrival lane count as shorter."""

MAX_WINDOW = 128


class RunTable(NamedTuple):
    """Runs of positions: R runs, P positions; beside `Routes` what its tables are computed from."""

    routes: Routes
    start: NDArray[np.int64]  # (R,) first position
    end: NDArray[np.int64]  # (R,) position behind the last
    class_bit: NDArray[np.int64]  # (R,)
    stop_lane: NDArray[np.int32]  # (P,) lane of the stop here, on the last position of the wanted arrival; -1 none
    stop_end: NDArray[np.float64]  # (P,) [m]


class CompiledRoutes(NamedTuple):
    """Routes of all trips with their stops."""

    runs: RunTable
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


def compile_routes(
    network: Network, net: Net, permissions: NDArray[np.int64], demand: Demand, trips: ExpandedTrips, class_bit: NDArray[np.int64]
) -> CompiledRoutes:
    """Tables for trips.

    Parameters
    ----------
    network, net : the streets and their arrays
    permissions : (L,) classes that may use each lane now
    demand : trips with routes
    trips : those that depart, with their rows and routes of `demand`
    class_bit : (V,) class of each trip's vehicle
    """
    runs = _Runs()
    stop_rows: list[tuple[int, float, float, float, float, int, int, int]] = []
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
        stops = _place_stops(network, demand, row, edges)
        arrival = wanted_arrival(network, int(edges[-1]), int(arrival_lane[row]))
        key = (route, bit, tuple((at, lane, end) for at, lane, _, end, _, _, _ in stops), arrival)
        start = runs.add(key, edges, [(at, lane, end) for at, lane, _, end, _, _, _ in stops], arrival, bit)
        trip_route[v] = start
        for n, (at, lane, begin, end, duration, until, parking) in enumerate(stops):
            if n == 0:
                trip_stop[v] = len(stop_rows)
            after = len(stop_rows) + 1 if n + 1 < len(stops) else -1
            stop_rows.append((lane, begin, end, duration, until, int(parking), start + at + n, after))
    return CompiledRoutes(_tables(net, permissions, runs), _stop_table(stop_rows), trip_route, trip_stop)


def wanted_arrival(network: Network, last: int, index: int) -> tuple[int, float] | None:
    """Lane on which a trip wants to arrive, by its index on the last edge, and its end [m]; None: any (-1)."""
    if index < 0:
        return None
    lane = min(int(network.edge_first_lane[last]) + index, int(network.edge_first_lane[last + 1]) - 1)
    # just short of the end, so that the other lanes are not as good
    return lane, float(network.lane_length[lane]) - ARRIVAL_LANE_MARGIN


def _place_stops(
    network: Network, demand: Demand, row: int, edges: NDArray[np.int32]
) -> list[tuple[int, int, float, float, float, float, bool]]:
    """Stops of a trip as (place in the route, lane, start, end, duration, until, parking) in driving order.

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
        found.append((at, stop.lane, stop.start, stop.end, stop.duration, stop.until, stop.parking))
    return found


def _stop_table(rows: list[tuple[int, float, float, float, float, int, int, int]]) -> Stops:
    table = np.array(rows, np.float64).reshape(-1, 8)
    kinds = (np.int32, np.float64, np.float64, np.float64, np.float64, np.uint8, np.int32, np.int32)
    return Stops(*(table[:, k].astype(kind) for k, kind in enumerate(kinds)))


def _tables(net: Net, permissions: NDArray[np.int64], runs: _Runs) -> RunTable:
    edge = np.concatenate(runs.edges).astype(np.int32) if runs.edges else np.zeros(0, np.int32)
    stop_lane = np.concatenate(runs.stop_lanes) if runs.edges else np.zeros(0, np.int32)
    stop_end = np.concatenate(runs.stop_ends) if runs.edges else np.zeros(0)
    starts = np.array([*runs.starts, runs.total], np.int64)
    last = np.zeros(runs.total, np.uint8)
    last[starts[1:] - 1] = 1
    num = net.edge_num_lanes[edge].astype(np.int64)
    best_start = np.concatenate([[0], np.cumsum(num)])[:-1].astype(np.int64)
    total = int(num.sum())
    routes = Routes(
        edge=edge,
        last=last,
        best_start=best_start,
        best_length=np.zeros(total, np.float32),
        best_offset=np.zeros(total, np.int8),
        best_link=np.full(total, -1, np.int32),
    )
    table = RunTable(routes, starts[:-1].copy(), starts[1:].copy(), np.array(runs.classes, np.int64), stop_lane, stop_end)
    fill_tables(net, permissions, table)
    return table


class _Job(NamedTuple):
    """What the kernel below reads and writes; scratch rows are (MAX_WINDOW, most lanes), flattened."""

    net: Net
    permissions: NDArray[np.int64]
    runs: RunTable
    length: NDArray[np.float64]
    offset: NDArray[np.int64]
    link: NDArray[np.int64]
    go_on: NDArray[np.uint8]
    most: int


_as_job = viewer(_Job)


def fill_tables(net: Net, permissions: NDArray[np.int64], runs: RunTable) -> None:
    """Compute the best lanes of runs."""
    most = int(net.edge_num_lanes.max(initial=1))
    size = MAX_WINDOW * most
    scratch = (np.zeros(size), np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.uint8))
    job = pack(_Job(net, permissions, runs, *scratch, most))
    _fill(job.address)


@jit.entry(("urbanlab.traffic.routes", "urbanlab.traffic.kernels"))
def _fill(address: int) -> None:
    """Best lanes at each position of each run."""
    j = _as_job(address)
    net, routes = j.net, j.runs.routes
    for run in range(len(j.runs.start)):
        for here in range(j.runs.start[run], j.runs.end[run]):
            size = _window(j, here, j.runs.end[run])
            for k in range(size - 1, -1, -1):
                _start_lanes(j, j.runs.class_bit[run], here + k, k * j.most)
                if k == size - 1:
                    _last_lanes(j, net.edge_num_lanes[routes.edge[here + k]], k * j.most)
                else:
                    _join_lanes(j, j.runs.class_bit[run], here + k, k * j.most)
            row = routes.best_start[here]
            for i in range(net.edge_num_lanes[routes.edge[here]]):
                routes.best_length[row + i] = j.length[i]
                routes.best_offset[row + i] = j.offset[i]
                routes.best_link[row + i] = j.link[i]


@jit.device
def _window(j: _Job, here: int, end: int) -> int:
    """Positions looked at from `here`."""
    seen, metres = 0, 0.0
    while here + seen < end and seen < MAX_WINDOW:
        position = here + seen
        metres += j.net.lane_length[j.net.edge_first_lane[j.runs.routes.edge[position]]]
        seen += 1
        if j.runs.stop_lane[position] >= 0 and j.runs.routes.last[position] == 0:
            break
        if not ((seen <= 4 or metres < LOOK_MANY) and (seen <= 8 or metres < LOOK_URBAN)):
            break
    return seen


@jit.device
def _start_lanes(j: _Job, bit: int, position: int, row: int) -> None:
    """Length of each lane by itself, and whether it may lead on."""
    net = j.net
    edge = j.runs.routes.edge[position]
    low = net.edge_first_lane[edge]
    for i in range(net.edge_num_lanes[edge]):
        lane = low + i
        j.length[row + i] = net.lane_length[lane] if j.permissions[lane] & bit != 0 else 0.0
        j.go_on[row + i] = 1
        if j.runs.stop_lane[position] >= 0 and j.runs.stop_lane[position] != lane:
            j.length[row + i] = min(j.length[row + i], j.runs.stop_end[position])
            j.go_on[row + i] = 0


@jit.device
def _last_lanes(j: _Job, num: int, row: int) -> None:
    """Where the look ends: the best lanes are the longest ones."""
    best, low, high = -1.0, 0, 0
    for i in range(num):
        j.link[row + i] = -1
        if j.length[row + i] > best:
            best, low, high = j.length[row + i], i, i
        elif j.length[row + i] == best:
            high = i
    for i in range(num):
        j.offset[row + i] = 0
        if j.length[row + i] < best:
            j.offset[row + i] = low - i if abs(low - i) < abs(high - i) else high - i


@jit.device
def _best_next(j: _Job, bit: int, lane: int, next_low: int, next_num: int, after: int) -> int:
    """Link from a lane to the best lane of the next edge it leads to, -1 none."""
    net = j.net
    chosen, best = -1, -1
    for way in range(net.lane_out[lane], net.lane_out[lane + 1]):
        target = net.link_to[way] - next_low
        if target < 0 or target >= next_num or j.permissions[next_low + target] & net.link_permissions[way] & bit == 0:
            continue
        better = best < 0 or j.length[after + target] > j.length[after + best]
        if not better and j.length[after + target] == j.length[after + best]:
            better = abs(j.offset[after + target]) < abs(j.offset[after + best])
        if better:
            chosen, best = way, target
    return chosen


@jit.device
def _join_lanes(j: _Job, bit: int, position: int, row: int) -> None:
    """From the next edge back to this one: lanes that lead to better lanes are better."""
    net = j.net
    edge, next_edge = j.runs.routes.edge[position], j.runs.routes.edge[position + 1]
    low, next_low = net.edge_first_lane[edge], net.edge_first_lane[next_edge]
    num, next_num = net.edge_num_lanes[edge], net.edge_num_lanes[next_edge]
    after = row + j.most
    best_all, best_connected = -1.0, -1.0
    for i in range(next_num):
        best_all = max(best_all, j.length[after + i])
    for way in range(net.lane_out[low], net.lane_out[low + num]):
        target = net.link_to[way] - next_low
        if 0 <= target < next_num:
            best_connected = max(best_connected, j.length[after + target])
    for i in range(num):
        j.offset[row + i] = 0
        j.link[row + i] = _best_next(j, bit, low + i, next_low, next_num, after) if j.go_on[row + i] != 0 else -1
        if j.link[row + i] < 0:
            j.go_on[row + i] = 0
            continue
        chosen = after + net.link_to[j.link[row + i]] - next_low
        if j.length[chosen] == best_connected and abs(j.offset[chosen]) < 2:
            j.length[row + i] += best_all
        else:
            j.length[row + i] += j.length[chosen]
        j.offset[row + i] = j.offset[chosen]
    _rank_lanes(j, num, row)


@jit.device
def _priority(net: Net, link: int) -> int:
    """1 with right of way, 0 without, -1 no link."""
    if link < 0:
        return -1
    return 1 if net.link_signal[link] >= 0 or 65 <= net.link_state[link] <= 89 else 0


@jit.device
def _rank_lanes(j: _Job, num: int, row: int) -> None:
    """Best lanes: longest, then nearest to the best lane of the next edge, then with right of way."""
    length, offset, link = j.length, j.offset, j.link
    low, high = 0, 0
    for i in range(1, num):
        a, b = abs(offset[row + low]), abs(offset[row + i])
        first, second = _priority(j.net, link[row + low]), _priority(j.net, link[row + i])
        longer = length[row + low] < length[row + i]
        equal = length[row + low] == length[row + i]
        if longer or (equal and (a > b or (a == b and first < second))):
            low, high = i, i
        elif equal and a == b and first == second:
            high = i
    best, least, priority = length[row + low], abs(offset[row + low]), _priority(j.net, link[row + low])
    for i in range(num):
        worse = length[row + i] < best or (length[row + i] == best and abs(offset[row + i]) > least)
        if worse or _priority(j.net, link[row + i]) < priority:
            offset[row + i] = low - i if abs(low - i) < abs(high - i) else high - i
        else:
            offset[row + i] = 0
