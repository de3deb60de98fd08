"""Routes between the roads that a flow names, as CityFlow finds them.

CityFlow joins the named roads by shortest paths over the mean length of the roads' lanes and takes the first of equal paths that
its priority queue yields. The queue here is the same binary heap (C++'s `push_heap` and `pop_heap` as libstdc++ has
them), so that ties on regular grids fall the same way. Source: the behaviour of CityFlow's `Router::dijkstra` and
`Router::updateShortestPath` (commit 81ee0f47).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from urbanlab.city.network import Network
from urbanlab.city.readers.cityflow_roadnet import RoadNet

__all__ = ["CostHeap", "RouteFinder"]

Entry = tuple[float, int]  # cost, item


class CostHeap:
    """Binary heap with the cheapest item on top; items of equal cost leave it in libstdc++'s order."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, cost: float, item: int) -> None:
        """Add an item."""
        self._entries.append((cost, item))
        self._rise(len(self._entries) - 1, 0)

    def pop(self) -> Entry:
        """Take the item on top off."""
        entries = self._entries
        top, last = entries[0], entries.pop()
        if not entries:
            return top
        hole, child, size = 0, 0, len(entries)
        while child < (size - 1) // 2:
            child = 2 * (child + 1)
            if entries[child][0] > entries[child - 1][0]:
                child -= 1
            entries[hole] = entries[child]
            hole = child
        if size % 2 == 0 and child == (size - 2) // 2:
            child = 2 * (child + 1)
            entries[hole] = entries[child - 1]
            hole = child - 1
        entries[hole] = last
        self._rise(hole, 0)
        return top

    def _rise(self, hole: int, top: int) -> None:
        entries = self._entries
        entry = entries[hole]
        while hole > top and entries[(hole - 1) // 2][0] > entry[0]:
            entries[hole] = entries[(hole - 1) // 2]
            hole = (hole - 1) // 2
        entries[hole] = entry


class RouteFinder:
    """Fills the gaps of routes.

    Parameters
    ----------
    net : the roads, and the order in which intersections list them
    network : their lengths and connections
    """

    def __init__(self, net: RoadNet, network: Network) -> None:
        roads = {road.road_id: k for k, road in enumerate(net.roads)}
        ends = {item.intersection_id: item for item in net.intersections}
        normal = np.flatnonzero(network.connection_via >= 0)
        joined: dict[int, set[int]] = {}
        start, end = network.lane_edge[network.connection_from[normal]], network.lane_edge[network.connection_to[normal]]
        for a, b in zip(start.tolist(), end.tolist(), strict=True):
            joined.setdefault(a, set()).add(b)
        self._next = [
            [roads[name] for name in ends[road.end].roads if roads[name] in joined.get(k, ())] for k, road in enumerate(net.roads)
        ]
        lanes = network.edge_first_lane
        self._length = [_mean(network.lane_length[lanes[k] : lanes[k + 1]][::-1].tolist()) for k in range(len(net.roads))]
        self._known: dict[tuple[int, int], tuple[int, ...] | None] = {}

    def route(self, anchors: Sequence[int]) -> tuple[int, ...] | None:
        """All roads from the first of the named roads to the last; None: CityFlow leaves such a flow out.

        That is the case where no path joins two of them, and where there is but one road.
        """
        edges = [anchors[0]]
        for a, b in pairwise(anchors):
            if a == b:
                continue
            if (a, b) not in self._known:
                self._known[a, b] = self._path(a, b)
            path = self._known[a, b]
            if path is None:
                return None
            edges += path
        return tuple(edges) if len(edges) > 1 else None

    def _path(self, start: int, end: int) -> tuple[int, ...] | None:
        """Roads behind `start` up to `end`."""
        cost: dict[int, float] = {start: 0.0}
        before: dict[int, int] = {}
        heap, done = CostHeap(), set()
        heap.push(0.0, start)
        while len(heap):
            road = heap.pop()[1]
            if road == end:
                path = [end]
                while before.get(path[-1], start) != start:
                    path.append(before[path[-1]])
                return tuple(reversed(path))
            if road in done:
                continue
            done.add(road)
            for following in self._next[road]:
                new = cost[road] + self._length[following]
                if following not in cost or new < cost[following]:
                    cost[following], before[following] = new, road
                    heap.push(new, following)
        return None


def _mean(lengths: Sequence[float]) -> float:
    total = 0.0
    for length in lengths:
        total += length
    return total / len(lengths)
