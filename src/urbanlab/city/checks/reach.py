"""Whether every trip that is still to be routed can get where it wants to go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.checks.masks import class_masks
from urbanlab.city.network import VEHICLE_CLASSES, EdgeFunction, Network
from urbanlab.city.scenario import Scenario

__all__ = ["unreachable_destinations"]

Flags = NDArray[np.bool_]


def unreachable_destinations(scenario: Scenario) -> list[str]:
    """Trips without a route that no path leads from their origin over their via edges to their destination."""
    demand, network = scenario.demand, scenario.network
    rows = np.flatnonzero(demand.trip_route == -1)
    if len(rows) == 0:
        return []
    trip, origin, target = _legs(scenario, rows)
    wanted = class_masks(demand)
    bad = np.zeros(demand.num_trips, np.bool_)
    for bit in range(len(VEHICLE_CLASSES)):
        legs = np.flatnonzero((wanted[trip] >> bit) & 1)
        if len(legs):
            bad[trip[legs[~_is_connected(network, bit, origin[legs], target[legs])]]] = True
    names = network.edge_id
    return [
        f"'{demand.trip_id[row]}' from '{names[demand.trip_from[row]]}' to '{names[demand.trip_to[row]]}'"
        for row in np.flatnonzero(bad).tolist()
    ]


def _legs(scenario: Scenario, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Trip, first and last edge of each part of the way between two edges that have to be passed."""
    demand = scenario.demand
    count = np.diff(demand.trip_via_start)[rows]
    trip = np.repeat(rows, count + 1)
    origin, target = np.empty(len(trip), np.int64), np.empty(len(trip), np.int64)
    first = np.cumsum(count + 1) - (count + 1)
    last = first + count
    is_first, is_last = np.zeros(len(trip), np.bool_), np.zeros(len(trip), np.bool_)
    is_first[first], is_last[last] = True, True
    passed = np.repeat(demand.trip_via_start[rows] - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    origin[first], target[last] = demand.trip_from[rows], demand.trip_to[rows]
    origin[~is_first] = target[~is_last] = demand.via_edge[passed]
    return trip, origin, target


def _is_connected(network: Network, bit: int, origin: NDArray[np.int64], target: NDArray[np.int64]) -> Flags:
    """Whether a class of vehicles gets from each origin to its target."""
    may_drive = ((network.lane_permissions >> bit) & 1 == 1) | (bit == 0)
    on_edge = np.logical_or.reduceat(may_drive, network.edge_first_lane[:-1])
    start, end = network.connection_from, network.connection_to
    usable = may_drive[start] & may_drive[end] & (((network.connection_permissions >> bit) & 1 == 1) | (bit == 0))
    usable &= network.edge_function[network.lane_edge[start]] != EdgeFunction.INTERNAL
    one, other = network.lane_edge[start[usable]], network.lane_edge[end[usable]]
    forward, backward = _Links.of(one, other, network.num_edges), _Links.of(other, one, network.num_edges)
    return _search(forward, backward, origin, target) & on_edge[origin] & on_edge[target]


def _search(forward: _Links, backward: _Links, origin: NDArray[np.int64], target: NDArray[np.int64]) -> Flags:
    """Whether there is a way, leg by leg.

    One leg's way leads through the middle of the map; an edge there, searched both ways, answers for nearly all
    other legs. What is left, in corners of the map, is searched in the same manner.
    """
    ways_out = np.minimum(np.diff(forward.start), np.diff(backward.start))
    result: Flags = origin == target
    open_legs = np.flatnonzero(~result)
    while len(open_legs):
        edge = origin[open_legs[0]]
        from_edge = forward.reached(edge)
        mine = open_legs[origin[open_legs] == edge]
        result[mine] = from_edge[target[mine]]
        if np.any(result[mine]):
            goal = target[mine[np.argmax(result[mine])]]
            on_the_way = from_edge & backward.reached(goal)
            centre = np.argmax(np.where(on_the_way, ways_out, -1))
            result |= backward.reached(centre)[origin] & forward.reached(centre)[target]
        open_legs = open_legs[~result[open_legs] & (origin[open_legs] != edge)]
    return result


class _Links(NamedTuple):
    """Where one gets from each edge."""

    start: NDArray[np.int64]  # (E+1,) ranges of following
    following: NDArray[np.int32]

    @classmethod
    def of(cls, one: NDArray[np.int32], other: NDArray[np.int32], num_edges: int) -> _Links:
        """From pairs of edges."""
        start = np.zeros(num_edges + 1, np.int64)
        np.cumsum(np.bincount(one, minlength=num_edges), out=start[1:])
        return cls(start, other[np.argsort(one, kind="stable")])

    def reached(self, edge: np.integer) -> Flags:
        """(E,) what is reached from an edge, itself included; searched ring by ring."""
        found = np.zeros(len(self.start) - 1, np.bool_)
        ring = np.array([edge], np.int64)
        while len(ring):
            found[ring] = True
            first, count = self.start[ring], self.start[ring + 1] - self.start[ring]
            place = np.repeat(first - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
            onward = self.following[place]
            ring = np.unique(onward[~found[onward]])
        return found
