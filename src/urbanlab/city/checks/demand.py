"""Checks of trips, routes, vehicle types and stops. Each function lists every offender."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.checks.finding import Check, named
from urbanlab.city.checks.masks import class_masks, route_facts
from urbanlab.city.checks.network import HUGE, not_numbers, twice
from urbanlab.city.checks.reach import unreachable_destinations
from urbanlab.city.demand import Demand, DepartLane, DepartPos, DepartSpeed, VehicleType
from urbanlab.city.network import VEHICLE_CLASSES, EdgeFunction
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import DemandError

__all__ = ["DEMAND_CHECKS"]

_POSITIVE = ("length", "width", "max_speed", "desired_max_speed", "accel", "decel", "emergency_decel", "apparent_decel",
             "usual_accel", "usual_decel", "turn_speed")  # fmt: skip
_NOT_NEGATIVE = ("min_gap", "sigma", "tau", "start_loss")


def trips_of_one_name(scenario: Scenario) -> list[str]:
    """Trips that share an identifier, or have none."""
    return twice(scenario.demand.trip_id)


def trips_before_begin(scenario: Scenario) -> list[str]:
    """Trips that want to depart before the begin of the scenario."""
    demand = scenario.demand
    return named(demand.trip_id, (demand.trip_depart < scenario.settings.begin) & ~demand.trip_is_template)


def trips_out_of_order(scenario: Scenario) -> list[str]:
    """Trips that depart before the one above them, or at no finite time."""
    demand = scenario.demand
    bad = not_numbers(demand.trip_depart)
    bad[1:] |= np.diff(demand.trip_depart) < 0
    return named(demand.trip_id, bad)


def trips_with_wrong_numbers(scenario: Scenario) -> list[str]:
    """Trips whose departure or arrival has a position or speed that is no usable number."""
    demand = scenario.demand
    bad = (demand.depart_pos == DepartPos.GIVEN) & not_numbers(demand.depart_pos_value)
    given = demand.depart_speed == DepartSpeed.GIVEN
    bad |= given & (not_numbers(demand.depart_speed_value) | (demand.depart_speed_value < 0))
    bad |= np.isneginf(demand.arrival_pos) | not_numbers(demand.arrival_speed)
    return named(demand.trip_id, bad)


def routes_with_gaps(scenario: Scenario) -> list[str]:
    """Trips on routes whose edges do not follow each other."""
    demand, names = scenario.demand, scenario.network.edge_id
    gap = route_facts(scenario).gap
    found = []
    for trip in np.flatnonzero(_of_trips(demand, gap >= 0)).tolist():
        at = next(int(gap[route]) for route in _routes_of(demand, trip) if gap[route] >= 0)
        found.append(f"'{demand.trip_id[trip]}': '{names[demand.route_edge[at]]}' -> '{names[demand.route_edge[at + 1]]}'")
    return found


def _routes_of(demand: Demand, trip: int) -> tuple[int, ...]:
    code = int(demand.trip_route[trip])
    return (code,) if code >= 0 else demand.route_distributions[-2 - code][0] if code < -1 else ()


def _of_trips(demand: Demand, bad_route: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(V,) trips that drive, or may draw, such a route."""
    mixed = [any(bad_route[route] for route in members) for members, _ in demand.route_distributions]
    table = np.concatenate([bad_route, [False], np.array(mixed, np.bool_)])
    code = demand.trip_route.astype(np.int64)
    found: NDArray[np.bool_] = table[np.where(code >= 0, code, len(bad_route) - 1 - code)]
    return found


def routes_over_internal_edges(scenario: Scenario) -> list[str]:
    """Trips whose route, origin, destination or via is an edge that is no street."""
    demand, function = scenario.demand, scenario.network.edge_function
    is_street = np.isin(function, (EdgeFunction.NORMAL, EdgeFunction.CONNECTOR))
    bad_route = np.zeros(len(demand.route_start) - 1, np.bool_)
    places = np.flatnonzero(~is_street[demand.route_edge])
    bad_route[np.searchsorted(demand.route_start, places, side="right") - 1] = True
    bad = _of_trips(demand, bad_route)
    for column in (demand.trip_from, demand.trip_to):
        bad |= (column >= 0) & ~is_street[np.maximum(column, 0)]
    vias = np.flatnonzero(~is_street[demand.via_edge])
    bad[np.searchsorted(demand.trip_via_start, vias, side="right") - 1] = True
    return named(demand.trip_id, bad)


def routes_forbidden_to_their_vehicles(scenario: Scenario) -> list[str]:
    """Trips on routes that lead over an edge, or a turn, closed to the vehicle's class; gaps are counted elsewhere."""
    demand, allowed = scenario.demand, route_facts(scenario).allowed
    wanted = class_masks(demand)
    code = demand.trip_route
    bad = np.zeros(demand.num_trips, np.bool_)
    given = np.flatnonzero(code >= 0)
    bad[given] = (allowed[code[given]] & wanted[given]) != wanted[given]
    for trip in np.flatnonzero(code < -1).tolist():
        bad[trip] = any(allowed[one] & wanted[trip] != wanted[trip] for one in _routes_of(demand, trip))
    return named(demand.trip_id, bad)


def departures_off_their_edge(scenario: Scenario) -> list[str]:
    """Trips that want to begin on a lane, or at a place, that their first edge does not have."""
    demand, network = scenario.demand, scenario.network
    edge = demand.trip_from.astype(np.int64)
    given = np.flatnonzero(demand.trip_route >= 0)
    edge[given] = demand.route_edge[demand.route_start[demand.trip_route[given]]]
    known = edge >= 0
    edge = np.maximum(edge, 0)
    lanes = np.diff(network.edge_first_lane)[edge]
    length = network.lane_length[network.edge_first_lane[edge]]
    bad = (demand.depart_lane == DepartLane.GIVEN) & ((demand.depart_lane_index >= lanes) | (demand.depart_lane_index < 0))
    bad |= (demand.depart_pos == DepartPos.GIVEN) & (np.abs(demand.depart_pos_value) > length + 0.1)
    return named(demand.trip_id, bad & known)


def stops_off_their_route(scenario: Scenario) -> list[str]:
    """Trips with a stop whose lane is not on their route at the place it names, or that reaches beyond its lane."""
    demand, network = scenario.demand, scenario.network
    if not demand.stops:
        return []
    lane = np.array([stop.lane for stop in demand.stops], np.int64)
    place = np.array([stop.on_route for stop in demand.stops], np.int64)
    start, end = np.array([(stop.start, stop.end) for stop in demand.stops]).T
    time = np.array([(stop.duration, stop.until) for stop in demand.stops]).T
    bad = ~((start >= -0.1) & (start <= end) & (end <= network.lane_length[lane] + 0.1))
    bad |= not_numbers(time).any(axis=0) | (time[0] < 0)
    trip = np.repeat(np.arange(demand.num_trips), np.diff(demand.trip_stop_start))
    route = demand.trip_route[trip].astype(np.int64)
    has = np.flatnonzero((route >= 0) & (place >= 0))
    first, last = demand.route_start[route[has]], demand.route_start[route[has] + 1]
    at = first + place[has]
    inside = at < last
    bad[has[~inside]] = True
    ordered = np.flatnonzero((trip[1:] == trip[:-1]) & (place[1:] >= 0) & (place[1:] < place[:-1])) + 1
    bad[ordered] = True
    bad[has[inside]] |= demand.route_edge[at[inside]] != network.lane_edge[lane[has[inside]]]
    return named(demand.trip_id, np.unique(trip[bad]))


def vehicle_types_of_one_name(scenario: Scenario) -> list[str]:
    """Vehicle types that share an identifier, or have none."""
    return twice(kind.vehicle_type_id for kind in scenario.demand.vehicle_types)


def impossible_vehicle_types(scenario: Scenario) -> list[str]:
    """Vehicle types of an unknown class, or with a number that no vehicle can have."""
    kinds = scenario.demand.vehicle_types
    return [f"'{kind.vehicle_type_id}': {problem}" for kind in kinds if (problem := _type_problem(kind))]


def _type_problem(kind: VehicleType) -> str:
    if kind.vehicle_class not in VEHICLE_CLASSES:
        return f"class {kind.vehicle_class!r}"
    for name in (*_POSITIVE, *_NOT_NEGATIVE):
        value = getattr(kind, name)
        if not (0 < value < HUGE or (value == 0 and name in _NOT_NEGATIVE)):
            return f"{name} {value:g}"
    mean, deviation, low, high = kind.speed_factor
    if not (mean > 0 and deviation >= 0 and low <= high and math.isfinite(mean + deviation)):
        return f"speed factor {kind.speed_factor}"
    loose = (kind.delta, kind.impatience, kind.boarding, *kind.lane_change.values(), *kind.junction.values())
    return "" if all(abs(value) < HUGE for value in loose) else "a parameter that is no usable number"


def distributions_that_draw_nothing(scenario: Scenario) -> list[str]:
    """Distributions of types or routes with a negative weight, or with none above 0."""
    demand, found = scenario.demand, []
    for word, mixed in (("types", demand.distributions), ("routes", demand.route_distributions)):
        for row, (_, weights) in enumerate(mixed):
            if not (min(weights) >= 0 and 0 < sum(weights) < HUGE):
                found.append(f"distribution {row} of {word}")
    return found


def flows_without_rate(scenario: Scenario) -> list[str]:
    """Flows that do not say exactly once how often, end before they begin, or whose template is a trip of its own."""
    found = []
    for flow in scenario.demand.flows:
        rates = (flow.period, flow.probability, flow.poisson_rate)
        one = sum(rate > 0 for rate in rates) == 1 and all(0 <= rate < HUGE for rate in rates) and flow.probability <= 1
        if not (one and -HUGE < flow.begin <= flow.end and scenario.demand.trip_is_template[flow.trip]):
            found.append(f"'{flow.flow_id}'")
    return found


DEMAND_CHECKS = (
    Check("trips of one name", trips_of_one_name, "an id of its own for every trip", DemandError, is_hard=True),
    Check("trip out of order", trips_out_of_order, "rows sorted by a finite departure", DemandError, is_hard=True),
    Check("vehicle types of one name", vehicle_types_of_one_name, "an id of its own for every type", DemandError, is_hard=True),
    Check("impossible vehicle type", impossible_vehicle_types, "a known class, lengths, speeds and accelerations above 0",
          DemandError, is_hard=True),
    Check("distribution that draws nothing", distributions_that_draw_nothing, "weights of 0 or above, one above 0", DemandError,
          is_hard=True),
    Check("flow without a rate", flows_without_rate, "one rate, begin <= end, a template", DemandError, is_hard=True),
    Check("trip with a wrong number", trips_with_wrong_numbers, "finite positions, speeds of 0 or above", DemandError, is_hard=True),
    Check("route over an edge that is no street", routes_over_internal_edges, "edges outside of junctions", DemandError,
          is_hard=True),
    Check("trip departs before begin", trips_before_begin, "departures at the begin or later", DemandError),
    Check("route with a gap", routes_with_gaps, "connections from each edge to the next", DemandError),
    Check("route forbidden to its vehicle", routes_forbidden_to_their_vehicles, "edges and turns open to the vehicle's class",
          DemandError),
    Check("departure off its edge", departures_off_their_edge, "a lane and a position of the first edge", DemandError),
    Check("stop off its route", stops_off_their_route, "stops on lanes of the route, in its order", DemandError),
    Check("unreachable destination", unreachable_destinations, "a path that the vehicle's class may drive", DemandError),
)  # fmt: skip
