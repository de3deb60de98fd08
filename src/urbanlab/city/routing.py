"""Routes: the fastest path of each trip on the empty network, as SUMO's router defines it.

The time of an edge is its length over the smaller of the speed limit of its first lane and the vehicle's
own maximum; each movement adds the time over its internal edges, and a penalty for each internal edge that
is entered over a minor link without a signal (`Penalties`).
Source: SUMO, `MSEdge::recalcCache`, `MSEdge::closeBuilding`, `DijkstraRouter`; compared with SUMO 1.28 in
the tests. Jams and the driver's own speed factor do not count here: trips of SUMO scenarios that have only these routes
choose anew when they depart (`traffic.kernels.choose_way`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, VehicleType
from urbanlab.city.network import VEHICLE_CLASSES, EdgeFunction, Network, class_mask
from urbanlab.city.path_search import Paths, solve_pairs, with_landmarks
from urbanlab.city.routing_kernels import RoutingGraph
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import DemandError

__all__ = [
    "USUAL_PENALTIES",
    "Paths",
    "Penalties",
    "internal_successors",
    "junction_times",
    "link_penalty",
    "penalties_of",
    "route_demand",
    "routing_graph",
    "select_trips",
    "shortest_path",
    "solve_pairs",
    "successor_pairs",
    "with_landmarks",
]

MAX_VIA_CHAIN = 8  # internal lanes of one movement; SUMO writes two at most
TURNS_AROUND = (ord("t"), ord("T"))
Int = NDArray[np.int32]
Float = NDArray[np.float64]


class Penalties(NamedTuple):
    """Seconds that routes are charged for each internal edge entered over a minor link without a signal; defaults are SUMO's."""

    minor: float = 1.5  # weights.minor-penalty
    turnaround: float = 5.0  # weights.turnaround-penalty: instead of it, where the link turns around


USUAL_PENALTIES = Penalties()


def penalties_of(options: Mapping[str, str]) -> Penalties:
    """Penalties as the options of a scenario's settings have them."""
    return Penalties(*(float(options.get(f"weights.{name}-penalty", value)) for name, value in USUAL_PENALTIES._asdict().items()))


def routing_graph(
    network: Network,
    vehicle_class: str = "passenger",
    *,
    max_speed: float = np.inf,
    penalties: Penalties = USUAL_PENALTIES,
) -> RoutingGraph:
    """Successors and times on the empty network for a class of vehicles.

    Parameters
    ----------
    network : the streets
    vehicle_class : one of `network.VEHICLE_CLASSES`; "ignoring" may drive everywhere
    max_speed : [m/s] of the vehicle type
    penalties : for links that have to yield
    """
    mask = _mask(vehicle_class)
    first_lane = network.edge_first_lane[:-1]
    is_normal = network.edge_function == EdgeFunction.NORMAL
    lane_ok = (network.lane_permissions & mask) != 0
    time = network.lane_length[first_lane] / np.minimum(network.lane_speed[first_lane], max_speed)
    via_time = time + link_penalty(network, penalties)[first_lane]
    edge_ok = np.logical_or.reduceat(lane_ok, first_lane) & is_normal
    cost = np.where(edge_ok, time, np.inf)
    start, pair = successor_pairs(network, vehicle_class)
    successor = network.lane_edge[network.connection_to[pair]].astype(np.int32)
    successor_cost = junction_times(network, via_time)[pair]
    first_point = network.lane_shape_start[first_lane]
    x, y = network.shape_x[first_point].copy(), network.shape_y[first_point].copy()
    return RoutingGraph(start, successor, successor_cost, cost, x, y, np.empty((network.num_edges, 0)))


def shortest_path(
    network: Network,
    origin_edges: Sequence[int] | Int,
    destination_edges: Sequence[int] | Int,
    cost: Float | None = None,
    *,
    vehicle_class: str = "passenger",
) -> Paths:
    """Fastest paths of pairs of edges, row by row.

    Parameters
    ----------
    network : the streets
    origin_edges, destination_edges : (N,) edges; a path contains both
    cost : (E,) [s] time along each edge, inf = closed; None: the empty network
    vehicle_class : who drives

    Examples
    --------
    >>> from urbanlab.city.synthetic import make
    >>> net = make("grid:rows=2,cols=2", seed=1).network
    >>> shortest_path(net, [0], [0]).path(0).tolist()
    [0]
    """
    return solve_pairs(routing_graph(network, vehicle_class), np.asarray(origin_edges), np.asarray(destination_edges), cost)


def route_demand(scenario: Scenario) -> Scenario:
    """Give every trip without a route the fastest one; templates of flows too.

    Raises
    ------
    DemandError : where there is no path, unless the source's option `ignore-route-errors` is true:
        then such trips are counted in the report and dropped
    """
    demand = scenario.demand
    rows = np.flatnonzero(demand.trip_route == -1)  # below: drawn from a distribution by the run
    if len(rows) == 0:
        return scenario
    penalties = penalties_of(scenario.settings.options)
    leg_trip, leg_from, leg_to = _legs(demand, scenario.network, rows)
    paths = _solve_legs(scenario.network, demand, leg_trip, leg_from, leg_to, penalties)
    failed = np.unique(leg_trip[~np.isfinite(paths.cost)])
    ignore = scenario.settings.options.get("ignore-route-errors", "false").lower() in (
        "true",
        "1",
        "yes",
        "on",
        "t",
        "x",
    )
    if len(failed) and not ignore:
        raise _no_route(scenario, failed, leg_trip, leg_from, leg_to, paths)
    if "unreachable destination" not in scenario.report.warnings:  # where they are checked, they are counted
        for trip in failed:
            scenario.report.warn("trip without a route", demand.trip_id[trip])
    routed = _with_routes(demand, leg_trip, paths)
    if len(failed):
        keep = np.ones(demand.num_trips, dtype=bool)
        keep[failed] = False
        routed = select_trips(routed, keep)
    return replace(scenario, demand=routed)


def select_trips(demand: Demand, keep: NDArray[np.bool_]) -> Demand:
    """The demand with only the trips (V,) that are kept; flows whose template goes, go too."""
    new_row = np.cumsum(keep) - 1
    kept = np.flatnonzero(keep)
    via_start, via_rows = _kept_ranges(demand.trip_via_start, kept)
    stop_start, stop_rows = _kept_ranges(demand.trip_stop_start, kept)
    columns = {
        name: getattr(demand, name)[kept]
        for name in (
            "trip_type", "trip_depart", "trip_route", "trip_from", "trip_to", "trip_is_template", "depart_lane",
            "depart_lane_index", "depart_pos", "depart_pos_value", "depart_speed", "depart_speed_value",
            "arrival_lane", "arrival_pos", "arrival_speed", "trip_rerouting",
        )
    }  # fmt: skip
    return replace(
        demand,
        trip_id=tuple(demand.trip_id[row] for row in kept),
        trip_via_start=via_start,
        via_edge=demand.via_edge[via_rows],
        trip_stop_start=stop_start,
        stops=tuple(demand.stops[row] for row in stop_rows),
        flows=tuple(replace(flow, trip=int(new_row[flow.trip])) for flow in demand.flows if keep[flow.trip]),
        **columns,
    )


def _mask(vehicle_class: str) -> int:
    if vehicle_class not in VEHICLE_CLASSES:
        raise DemandError(
            f"Vehicle class {vehicle_class!r} is unknown.",
            got=repr(vehicle_class),
            expected="one of " + ", ".join(VEHICLE_CLASSES),
        )
    return -1 if vehicle_class == "ignoring" else class_mask(vehicle_class)


def link_penalty(network: Network, penalties: Penalties) -> Float:
    """(L,) [s] for internal lanes that are entered over a link that has to yield and has no signal; 0 for others."""
    penalty = np.zeros(network.num_lanes)
    with_via = np.flatnonzero(network.connection_via >= 0)[::-1]  # reversed: the first link into a lane decides
    state = network.connection_state[with_via]
    has_priority = (state >= ord("A")) & (state <= ord("Z"))
    is_minor = ~has_priority & (network.connection_signal[with_via] < 0)
    turns_around = np.isin(network.connection_direction[with_via], TURNS_AROUND)
    penalty[network.connection_via[with_via]] = is_minor * np.where(turns_around, penalties.turnaround, penalties.minor)
    return penalty


def internal_successors(network: Network) -> Int:
    """(L+1,) internal lane that follows an internal lane inside a junction, -1 none; the last entry is for lane -1."""
    onward = np.full(network.num_lanes + 1, -1, np.int32)
    order = np.arange(network.num_connections)[::-1]
    onward[network.connection_from[order]] = network.connection_via[order]
    is_internal = network.edge_function[network.lane_edge] == EdgeFunction.INTERNAL
    onward[:-1][~is_internal] = -1
    return onward


def junction_times(network: Network, via_time: Float) -> Float:
    """(C,) [s] over all internal edges of each connection, the waiting points inside included; `via_time` is by edge."""
    onward = internal_successors(network)
    time = np.append(via_time[network.lane_edge], 0.0)
    via = network.connection_via.copy()
    total = np.zeros(network.num_connections)
    for _ in range(MAX_VIA_CHAIN):
        if not np.any(via >= 0):
            break
        total += time[via]
        via = onward[via]
    return total


def successor_pairs(network: Network, vehicle_class: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of edges that a class can drive one after the other, in the order of SUMO's links.

    Returns
    -------
    start : (E+1,) ranges of the pairs by the first edge
    connection : (M,) the connection whose way over the junction counts for a pair
    """
    mask = _mask(vehicle_class)
    lane_ok = (network.lane_permissions & mask) != 0
    edge_of = network.lane_edge
    from_edge, to_edge = edge_of[network.connection_from], edge_of[network.connection_to]
    rows = np.flatnonzero(network.edge_function[from_edge] == EdgeFunction.NORMAL)
    rows = rows[np.argsort(network.connection_from[rows], kind="stable")]
    usable = (
        lane_ok[network.connection_from[rows]] & lane_ok[network.connection_to[rows]] & ((network.connection_permissions[rows] & mask) != 0)
    )
    pair = from_edge[rows].astype(np.int64) * network.num_edges + to_edge[rows]
    distinct, first, row_of = np.unique(pair, return_index=True, return_inverse=True)
    is_open = np.zeros(len(distinct), dtype=bool)
    np.logical_or.at(is_open, row_of.reshape(-1), usable)
    kept = np.sort(first[is_open])  # the way over the junction is that of the pair's first link, whoever may use it
    source = from_edge[rows[kept]]
    start = np.zeros(network.num_edges + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=network.num_edges), out=start[1:])
    return start, rows[kept]


def _legs(demand: Demand, network: Network, rows: NDArray[np.integer]) -> tuple[Int, Int, Int]:
    """Trips split at their via edges and scheduled stops: trip, from, to of each leg."""
    trips: list[int] = []
    origins: list[int] = []
    targets: list[int] = []
    for trip in rows.tolist():
        points = [int(demand.trip_from[trip])]
        points += demand.via_edge[demand.trip_via_start[trip] : demand.trip_via_start[trip + 1]].tolist()
        for stop in demand.stops[demand.trip_stop_start[trip] : demand.trip_stop_start[trip + 1]]:
            edge = int(network.lane_edge[stop.lane])
            if edge not in points:
                points.append(edge)
        points.append(int(demand.trip_to[trip]))
        trips += [trip] * (len(points) - 1)
        origins += points[:-1]
        targets += points[1:]
    return np.array(trips, np.int32), np.array(origins, np.int32), np.array(targets, np.int32)


def _types_of(demand: Demand, trips: Int) -> NDArray[np.int64]:
    """Vehicle type of trips; of a distribution the first, since its draw belongs to the run."""
    first = np.array([members[0] for members, _ in demand.distributions] or [0], np.int64)
    kind = demand.trip_type[trips].astype(np.int64)
    return np.where(kind >= 0, kind, first[np.minimum(np.maximum(-2 - kind, 0), len(first) - 1)])


def _solve_legs(network: Network, demand: Demand, leg_trip: Int, leg_from: Int, leg_to: Int, penalties: Penalties) -> Paths:
    kinds = [_kind(vehicle_type) for vehicle_type in demand.vehicle_types]
    distinct = sorted(set(kinds))
    kind_of_type = np.array([distinct.index(kind) for kind in kinds], np.int64)
    kind_of_leg = kind_of_type[_types_of(demand, leg_trip)]
    parts: list[Paths] = []
    order: list[NDArray[np.int64]] = []
    for number, (vehicle_class, max_speed) in enumerate(distinct):
        legs = np.flatnonzero(kind_of_leg == number)
        if len(legs):
            graph = routing_graph(network, vehicle_class, max_speed=max_speed, penalties=penalties)
            parts.append(solve_pairs(graph, leg_from[legs], leg_to[legs]))
            order.append(legs)
    return _merge(parts, np.concatenate(order))


def _kind(vehicle_type: VehicleType) -> tuple[str, float]:
    return vehicle_type.vehicle_class, min(vehicle_type.max_speed, vehicle_type.desired_max_speed)


def _merge(parts: list[Paths], order: NDArray[np.int64]) -> Paths:
    """One table of paths from several, each row put at its place in `order`."""
    start = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part.start) for part in parts]))])
    edge = np.concatenate([part.edge for part in parts])
    cost = np.concatenate([part.cost for part in parts])
    return Paths(start, edge, cost).take(np.argsort(order, kind="stable"))


def _with_routes(demand: Demand, leg_trip: Int, paths: Paths) -> Demand:
    """The demand with the legs joined; equal routes are stored once."""
    number: dict[bytes, int] = {}
    for route in range(len(demand.route_start) - 1):
        number.setdefault(demand.route(route).astype(np.int32).tobytes(), route)
    known = len(demand.route_start) - 1
    new_routes: list[Int] = []
    trip_route = demand.trip_route.copy()
    bounds = np.flatnonzero(np.diff(leg_trip, prepend=-1, append=-1))
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if not np.all(np.isfinite(paths.cost[first:last])):
            continue
        legs = [paths.path(leg) if leg == first else paths.path(leg)[1:] for leg in range(first, last)]
        edges = legs[0] if len(legs) == 1 else np.concatenate(legs)
        route = number.setdefault(edges.tobytes(), known + len(new_routes))
        if route == known + len(new_routes):
            new_routes.append(edges)
        trip_route[leg_trip[first]] = route
    length = np.concatenate([np.diff(demand.route_start), [len(edges) for edges in new_routes]]).astype(np.int64)
    return replace(
        demand,
        trip_route=trip_route,
        route_start=np.concatenate([[0], np.cumsum(length)]).astype(np.int64),
        route_edge=np.concatenate([demand.route_edge, *new_routes]).astype(np.int32),
    )


def _no_route(scenario: Scenario, failed: Int, leg_trip: Int, leg_from: Int, leg_to: Int, paths: Paths) -> DemandError:
    names = scenario.network.edge_id
    items = []
    for trip in failed.tolist():
        leg = int(np.flatnonzero((leg_trip == trip) & ~np.isfinite(paths.cost))[0])
        kind = scenario.demand.vehicle_types[int(_types_of(scenario.demand, np.array([trip], np.int32))[0])]
        origin, target = names[leg_from[leg]], names[leg_to[leg]]
        items.append(f"trip {scenario.demand.trip_id[trip]!r} ({kind.vehicle_class}) from {origin!r} to {target!r}")
    return DemandError(
        f"No route for {len(failed)} of {scenario.demand.num_trips} trips.",
        expected="a connected path that the vehicle's class may drive",
        where=scenario.source or scenario.name,
        items=items,
        hint="correct the trips, or set ignore-route-errors to drop them",
    )


def _kept_ranges(start: NDArray[np.int64], kept: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranges of the kept rows packed anew, and which members they have."""
    length = np.diff(start)[kept]
    packed = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(length, out=packed[1:])
    return packed, np.arange(packed[-1]) - np.repeat(packed[:-1] - start[:-1][kept], length)
