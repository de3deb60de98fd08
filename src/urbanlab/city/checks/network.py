"""Checks of streets. Each function lists every offender."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.checks.finding import Check, named
from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import NetworkError

__all__ = ["HUGE", "NETWORK_CHECKS", "not_numbers", "twice"]

HUGE = 1e12  # no length, time, speed or coordinate of a city comes near it


def twice(names: Iterable[str]) -> list[str]:
    """Names that occur more than once, and empty ones."""
    every = tuple(names)
    if len(set(every)) == len(every) and "" not in every:
        return []
    seen: set[str] = set()
    return [f"'{name}'" for name in every if name == "" or name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def not_numbers(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Values that are nan, infinite or far too large."""
    return ~(np.abs(values) < HUGE)


def names_used_twice(scenario: Scenario) -> list[str]:
    """Edges, junctions or signals of one name, or without one."""
    network = scenario.network
    found: list[str] = []
    if len(network.edge_of_id) < network.num_edges or "" in network.edge_of_id:  # lookups that are needed later anyway
        found += [f"edge {name}" for name in twice(network.edge_id)]
    if len(network.junction_of_id) < network.num_junctions or "" in network.junction_of_id:
        found += [f"junction {name}" for name in twice(network.junction_id)]
    found += [f"signal {name}" for name in twice(network.signal_id)]
    return found


def lanes_without_length(scenario: Scenario) -> list[str]:
    """Lanes whose length is zero, negative, or no number."""
    return _lanes(scenario.network, scenario.network.lane_length)


def lanes_without_speed(scenario: Scenario) -> list[str]:
    """Lanes whose limit is zero, negative, or no number."""
    return _lanes(scenario.network, scenario.network.lane_speed)


def lanes_without_width(scenario: Scenario) -> list[str]:
    """Lanes whose width is zero, negative, or no number."""
    return _lanes(scenario.network, scenario.network.lane_width)


def _lanes(network: Network, values: NDArray[np.float64]) -> list[str]:
    bad = np.flatnonzero(not_numbers(values) | ~(values > 0))
    return [f"lane '{network.lane_id(lane)}': {values[lane]:g}" for lane in bad.tolist()]


def places_that_are_no_numbers(scenario: Scenario) -> list[str]:
    """Junctions and shapes with coordinates that are nan, infinite or far too large."""
    network = scenario.network
    bad = not_numbers(network.junction_x) | not_numbers(network.junction_y)
    found = [f"junction {name}" for name in named(network.junction_id, bad)]
    points = np.flatnonzero(not_numbers(network.shape_x) | not_numbers(network.shape_y))
    lanes = np.unique(np.searchsorted(network.lane_shape_start, points, side="right") - 1)
    return found + [f"lane '{network.lane_id(lane)}'" for lane in lanes.tolist()]


def dangling_connections(scenario: Scenario) -> list[str]:
    """Connections whose lanes do not meet: the first has to end where the second begins, over internal lanes of that junction."""
    network = scenario.network
    from_edge, to_edge = network.lane_edge[network.connection_from], network.lane_edge[network.connection_to]
    junction, via = network.connection_junction, network.connection_via
    is_inside = network.edge_function == EdgeFunction.INTERNAL
    bad = (network.edge_to[from_edge] != junction) | (network.edge_from[to_edge] != junction) | is_inside[to_edge]
    via_edge = network.lane_edge[np.maximum(via, 0)]
    bad |= (via >= 0) & ~(is_inside[via_edge] & (network.edge_to[via_edge] == junction))
    return [_connection(network, row) for row in np.flatnonzero(bad).tolist()]


def connections_that_nobody_may_use(scenario: Scenario) -> list[str]:
    """Connections without a class that may use both their lanes and themselves."""
    network = scenario.network
    lanes = network.lane_permissions
    shared = lanes[network.connection_from] & lanes[network.connection_to] & network.connection_permissions
    shared &= np.where(network.connection_via >= 0, lanes[np.maximum(network.connection_via, 0)], -1)
    ignoring = np.int64(1)  # may go everywhere and says nothing
    bad = ((shared & ~ignoring) == 0) & ((lanes[network.connection_from] & ~ignoring) != 0)
    bad &= (lanes[network.connection_to] & ~ignoring) != 0
    return [_connection(network, row) for row in np.flatnonzero(bad).tolist()]


def connections_without_sight(scenario: Scenario) -> list[str]:
    """Connections whose visibility is zero, negative, or no number."""
    network = scenario.network
    bad = np.flatnonzero(not_numbers(network.connection_visibility) | ~(network.connection_visibility > 0))
    return [f"{_connection(network, row)}: {network.connection_visibility[row]:g}" for row in bad.tolist()]


def _connection(network: Network, row: int) -> str:
    start, end = network.lane_id(int(network.connection_from[row])), network.lane_id(int(network.connection_to[row]))
    return f"'{start}' -> '{end}'"


def right_of_way_across_junctions(scenario: Scenario) -> list[str]:
    """Requests that yield to, or meet, one at another junction."""
    network = scenario.network
    owner = network.request_junction
    bad = np.zeros(len(owner), np.bool_)
    for start, other in ((network.response_start, network.response_request), (network.foe_start, network.foe_request)):
        own = np.repeat(np.arange(len(owner)), np.diff(start))
        bad[own[owner[own] != owner[other]]] = True
    rows = np.flatnonzero(network.connection_request >= 0)
    bad[network.connection_request[rows][owner[network.connection_request[rows]] != network.connection_junction[rows]]] = True
    return [f"request {row} of junction '{network.junction_id[owner[row]]}'" for row in np.flatnonzero(bad).tolist()]


def detectors_off_their_lane(scenario: Scenario) -> list[str]:
    """Detectors beyond their lane, or without a period."""
    length, found = scenario.network.lane_length, []
    for detector in scenario.detectors:
        places = [(detector.lane, detector.pos), (detector.lane, detector.pos + detector.length)]
        if detector.end_lane >= 0:
            places.append((detector.end_lane, detector.end_pos))
        if not (all(-0.1 <= pos <= length[lane] + 0.1 for lane, pos in places) and 0 < detector.period < HUGE and detector.length >= 0):
            found.append(f"'{detector.detector_id}' on lane '{scenario.network.lane_id(detector.lane)}'")
    return found


def closures_without_sense(scenario: Scenario) -> list[str]:
    """Closures that end before they begin, or that a part of drivers outside 0 to 1 obeys."""
    return [
        f"closure {row} from {closure.begin:g} to {closure.end:g} s, {closure.probability:g} of the drivers"
        for row, closure in enumerate(scenario.closures)
        if not (closure.begin <= closure.end and 0 <= closure.probability <= 1 and closure.speed == closure.speed)
    ]


NETWORK_CHECKS = (
    Check("name of the network used twice", names_used_twice, "a name of its own for everything", NetworkError, is_hard=True),
    Check("lane without a length", lanes_without_length, "a length above 0 m", NetworkError, is_hard=True),
    Check("lane without a speed limit", lanes_without_speed, "a limit above 0 m/s", NetworkError, is_hard=True),
    Check("lane without a width", lanes_without_width, "a width above 0 m", NetworkError, is_hard=True),
    Check("place that is not a usable number", places_that_are_no_numbers, "finite coordinates [m]", NetworkError, is_hard=True),
    Check("connection without visibility", connections_without_sight, "a distance above 0 m", NetworkError, is_hard=True),
    Check("dangling connection", dangling_connections, "lanes that meet at the connection's junction", NetworkError),
    Check("connection that nobody may use", connections_that_nobody_may_use, "a vehicle class that may drive all of it",
          NetworkError),
    Check("right of way across junctions", right_of_way_across_junctions, "requests of one junction", NetworkError),
    Check("detector off its lane", detectors_off_their_lane, "positions within the lane, a period above 0 s", NetworkError),
    Check("closure without sense", closures_without_sense, "begin <= end, a share from 0 to 1", NetworkError),
)  # fmt: skip
