"""Which classes of vehicles may drive what, as bit masks."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand
from urbanlab.city.network import ALL_CLASSES, VEHICLE_CLASSES, EdgeFunction, class_mask
from urbanlab.city.scenario import Scenario

__all__ = ["IGNORING", "Masks", "RouteFacts", "class_masks", "route_facts"]

IGNORING = 1  # bit of the class that may drive everywhere
Masks = NDArray[np.int64]


def class_masks(demand: Demand) -> Masks:
    """(V,) class of the vehicle; of a distribution those of all its members."""
    of_type = [class_mask(kind.vehicle_class) if kind.vehicle_class in VEHICLE_CLASSES else 0 for kind in demand.vehicle_types]
    mixed = [int(np.bitwise_or.reduce([of_type[member] for member in members])) for members, _ in demand.distributions]
    table = np.array([*of_type, *mixed], np.int64)
    code = demand.trip_type.astype(np.int64)
    masks: Masks = table[np.where(code >= 0, code, len(of_type) - 2 - code)]
    return masks


def _edge_masks(scenario: Scenario) -> Masks:
    """(E,) classes that may drive on some lane of the edge."""
    network = scenario.network
    masks: Masks = np.bitwise_or.reduceat(network.lane_permissions, network.edge_first_lane[:-1]) | IGNORING
    return masks


class RouteFacts(NamedTuple):
    """What the checks of routes ask for (N routes)."""

    gap: NDArray[np.int64]  # (N,) place in route_edge after which the first gap of the route is, -1 none
    allowed: Masks  # (N,) classes that may drive all of it, gaps set aside


_facts: WeakKeyDictionary[Scenario, RouteFacts] = WeakKeyDictionary()


def route_facts(scenario: Scenario) -> RouteFacts:
    """Gaps of routes and classes that may drive them; worked out once for a scenario."""
    facts = _facts.get(scenario)
    if facts is None:
        facts = _facts[scenario] = _route_facts(scenario)
    return facts


def _route_facts(scenario: Scenario) -> RouteFacts:
    demand = scenario.demand
    num_routes = len(demand.route_start) - 1
    gap = np.full(num_routes, -1, np.int64)
    if num_routes == 0:
        return RouteFacts(gap, np.empty(0, np.int64))
    onward = _route_masks(scenario)
    missing = np.flatnonzero(onward == 0)[::-1]
    gap[np.searchsorted(demand.route_start, missing, side="right") - 1] = missing  # the first of each route is written last
    onward[missing] = ALL_CLASSES
    onward &= _edge_masks(scenario)[demand.route_edge]
    return RouteFacts(gap, np.bitwise_and.reduceat(onward, demand.route_start[:-1]))


def _route_masks(scenario: Scenario) -> Masks:
    """Classes that may drive from each edge of a route to its next one, at the places of `route_edge`.

    0 where no connection leads on; every class at the last edge of a route.
    """
    demand = scenario.demand
    start, following, mask = _successors(scenario)
    edges = demand.route_edge
    masks: Masks = np.zeros(len(edges), np.int64)
    masks[demand.route_start[1:] - 1] = ALL_CLASSES
    is_inner = np.ones(len(edges), np.bool_)
    is_inner[demand.route_start[1:] - 1] = False
    place = np.flatnonzero(is_inner)
    at, end, wanted = start[edges[place]], start[edges[place] + 1], edges[place + 1]
    while len(place):  # one more way out of each edge in a round: few edges have many
        has = at < end
        place, at, end, wanted = place[has], at[has], end[has], wanted[has]
        hit = following[at] == wanted
        masks[place[hit]] = mask[at[hit]]
        rest = ~hit
        place, at, end, wanted = place[rest], at[rest] + 1, end[rest], wanted[rest]
    return masks


def _successors(scenario: Scenario) -> tuple[NDArray[np.int64], NDArray[np.int64], Masks]:
    """Edges that follow each edge as ranges (E+1,), and the classes that may drive there."""
    network = scenario.network
    lanes, edge_of = network.lane_permissions, network.lane_edge
    rows = np.flatnonzero(network.edge_function[edge_of[network.connection_from]] != EdgeFunction.INTERNAL)
    first, last = network.connection_from[rows], network.connection_to[rows]
    usable = lanes[first] & lanes[last] & network.connection_permissions[rows] | IGNORING
    pair = edge_of[first].astype(np.int64) * network.num_edges + edge_of[last]
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    new = np.flatnonzero(np.diff(pair, prepend=-1))
    mask: Masks = np.bitwise_or.reduceat(usable[order], new) if len(new) else np.empty(0, np.int64)
    known = pair[new]
    start = np.searchsorted(known, np.arange(network.num_edges + 1) * network.num_edges)
    return start, known % network.num_edges, mask
