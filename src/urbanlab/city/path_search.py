"""Fastest paths of many pairs of edges on a graph that is built already: grouped, directed by landmarks, on all cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.routing_kernels import RoutingGraph, measure_landmarks, new_search_space, route_groups

__all__ = ["Paths", "solve_pairs", "with_landmarks"]

DIRECTED_FROM = 20_000  # successor pairs; larger networks are searched with landmarks
NUM_LANDMARKS = 16  # one cache line of the table holds half of them
PAIRS_OF_WORKER = 2_000  # fewer are not worth a thread
PARTS_OF_WORKER = 4  # so that nobody waits long for the slowest
Int = NDArray[np.int32]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
    """Paths of pairs (origin, destination), one row a pair."""

    start: NDArray[np.int64]  # (N+1,) ranges of edge; empty where there is no path
    edge: Int
    cost: Float  # (N,) [s] inf where there is no path

    def path(self, pair: int) -> Int:
        """Edges of one pair's path."""
        return self.edge[self.start[pair] : self.start[pair + 1]]

    def take(self, rows: NDArray[np.integer]) -> Paths:
        """The table of these rows, in this order; rows may repeat."""
        length = np.diff(self.start)[rows]
        start = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(length, out=start[1:])
        place = np.arange(start[-1]) - np.repeat(start[:-1] - self.start[:-1][rows], length)
        return Paths(start, self.edge[place], self.cost[rows])


def with_landmarks(graph: RoutingGraph) -> RoutingGraph:
    """The graph with landmarks around the edge of the city, the farthest in each direction from its middle."""
    usable = np.flatnonzero(np.isfinite(graph.edge_cost))
    x, y = graph.start_x[usable], graph.start_y[usable]
    x, y = x - x.mean(), y - y.mean()
    sector = np.floor(np.arctan2(y, x) / (2 * np.pi) * NUM_LANDMARKS).astype(np.int64) % NUM_LANDMARKS
    order = np.lexsort((-np.hypot(x, y), sector))
    farthest = order[np.flatnonzero(np.diff(sector[order], prepend=-1))]
    landmark = usable[farthest].astype(np.int32)
    times = np.empty((len(graph.edge_cost), len(landmark)))
    measure_landmarks(graph, new_search_space(len(graph.edge_cost)), landmark, times)
    return graph._replace(landmark_time=times)


def solve_pairs(graph: RoutingGraph, origin: NDArray[np.integer], destination: NDArray[np.integer], cost: Float | None = None) -> Paths:
    """Fastest paths on a graph that is built already; equal pairs are searched once, equal origins together."""
    num_edges = len(graph.edge_cost)
    pair = origin.astype(np.int64) * num_edges + destination.astype(np.int64)
    distinct, row_of = np.unique(pair, return_inverse=True)
    origins, group_start = np.unique(distinct // num_edges, return_index=True)
    bounds = np.append(group_start, len(distinct)).astype(np.int64)
    solved = _solve_groups(graph, cost, origins.astype(np.int32), bounds, (distinct % num_edges).astype(np.int32))
    if len(distinct) == len(pair) and np.array_equal(row_of, np.arange(len(pair))):
        return solved
    return solved.take(row_of.reshape(-1))


def _solve_groups(graph: RoutingGraph, cost: Float | None, origin: Int, bounds: NDArray[np.int64], to: Int) -> Paths:
    used = graph.edge_cost if cost is None else np.ascontiguousarray(cost, dtype=np.float64)
    # plain Dijkstra breaks ties as SUMO does; it is quick enough where a city is small
    if len(graph.successor_edge) > DIRECTED_FROM and len(to) > NUM_LANDMARKS and graph.landmark_time.shape[1] == 0:
        graph = with_landmarks(graph)
    is_bound = cost is None or bool(np.all(used >= graph.edge_cost))
    landmarks = graph.landmark_time.shape[1] if is_bound else 0
    workers = min(_num_cores(), 1 + len(to) // PAIRS_OF_WORKER)
    cuts = np.searchsorted(bounds, np.linspace(0, len(to), workers * PARTS_OF_WORKER + 1)) if workers > 1 else np.array([0, len(origin)])

    def solve(part: tuple[int, int]) -> Paths:
        first, last = part
        own = bounds[first : last + 1] - bounds[first]
        return _solve_part(graph, used, origin[first:last], own, to[bounds[first] : bounds[last]], landmarks)

    parts = [(first, last) for first, last in pairwise(cuts.tolist()) if first < last]
    if workers == 1:
        return _joined([solve(part) for part in parts])
    with ThreadPoolExecutor(workers) as pool:
        return _joined(list(pool.map(solve, parts)))


def _num_cores() -> int:
    """Cores that this process may use; searches let go of the interpreter."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _solve_part(graph: RoutingGraph, used: Float, origin: Int, bounds: NDArray[np.int64], to: Int, landmarks: int) -> Paths:
    """Paths of some groups; each is a function of its own pairs alone."""
    space = new_search_space(len(graph.edge_cost))
    out_start = np.zeros(len(to) + 1, np.int64)
    out_cost = np.full(len(to), np.inf)
    out_edge = np.empty(max(1024, 64 * len(to)), np.int32)
    group = 0
    while group < len(origin):
        done = route_groups(graph, used, space, origin, bounds, to, group, landmarks, out_start, out_edge, out_cost)
        if done < len(origin):
            out_edge = np.concatenate([out_edge, np.empty_like(out_edge)])
        group = done
    return Paths(out_start, out_edge[: out_start[-1]].copy(), out_cost)


def _joined(parts: Sequence[Paths]) -> Paths:
    """One table of the rows of all."""
    if len(parts) == 1:
        return parts[0]
    length = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.start) for part in parts)])
    edge = np.concatenate([np.empty(0, np.int32), *(part.edge for part in parts)])
    return Paths(np.cumsum(length), edge, np.concatenate([np.empty(0), *(part.cost for part in parts)]))
