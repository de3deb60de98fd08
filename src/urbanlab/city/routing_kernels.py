"""Fastest paths over edges: Dijkstra and A* on arrays that are allocated once.

The nodes of the search are edges of the network. The label of an edge is the time at which its start is
reached; ties go to the lower edge, as SUMO's router does it, so equal inputs give equal paths.

Letters: E edges, M successor pairs, G searches, D destinations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.jit import device, entry

__all__ = [
    "RoutingGraph",
    "SearchSpace",
    "dijkstra_edges",
    "new_search_space",
    "path_length",
    "read_path",
    "route_groups",
]

Float = NDArray[np.float64]
Int = NDArray[np.int32]

SOURCES = ("urbanlab.city.routing_kernels",)


class RoutingGraph(NamedTuple):
    """Which edge follows which for one class of vehicles, with times on the empty network."""

    successor_start: NDArray[np.int64]  # (E+1,) ranges of the successor columns
    successor_edge: Int  # (M,)
    successor_cost: Float  # (M,) [s] over the junction
    edge_cost: Float  # (E,) [s] along the edge; inf where the class may not drive
    start_x: Float  # (E,) [m] where the edge begins
    start_y: Float  # (E,) [m]
    pace: float  # [s/m] no pair of edges is faster than this times the distance of their starts


class SearchSpace(NamedTuple):
    """Scratch of one search at a time; each thread needs its own."""

    label: Float  # (E,) [s] time to the start of the edge
    parent: Int  # (E,)
    stamp: NDArray[np.int64]  # (E,) search that wrote the label: 2 n = open, 2 n + 1 = settled
    heap_edge: Int  # (E,)
    heap_place: Int  # (E,) where an open edge is in the heap
    heap_key: Float  # (E,) by edge: label plus what is at least left
    wanted: NDArray[np.int64]  # (E,) search that looks for this edge
    counter: NDArray[np.int64]  # (1,) number of searches so far


def new_search_space(num_edges: int) -> SearchSpace:
    """Scratch for networks of so many edges."""
    return SearchSpace(
        label=np.zeros(num_edges),
        parent=np.full(num_edges, -1, np.int32),
        stamp=np.zeros(num_edges, np.int64),
        heap_edge=np.zeros(num_edges, np.int32),
        heap_place=np.zeros(num_edges, np.int32),
        heap_key=np.zeros(num_edges),
        wanted=np.zeros(num_edges, np.int64),
        counter=np.zeros(1, np.int64),
    )


@device
def _before(space: SearchSpace, one: int, other: int) -> bool:
    key, other_key = space.heap_key[one], space.heap_key[other]
    return key < other_key or (key == other_key and one < other)


@device
def _sift_up(space: SearchSpace, place: int) -> None:
    edge = space.heap_edge[place]
    while place > 0:
        up = (place - 1) >> 1
        other = space.heap_edge[up]
        if not _before(space, edge, other):
            break
        space.heap_edge[place] = other
        space.heap_place[other] = place
        place = up
    space.heap_edge[place] = edge
    space.heap_place[edge] = place


@device
def _pop(space: SearchSpace, size: int) -> int:
    """Take the first of a heap of `size` edges; the heap has one less afterwards."""
    first = space.heap_edge[0]
    edge = space.heap_edge[size - 1]
    size -= 1
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and _before(space, space.heap_edge[child + 1], space.heap_edge[child]):
            child += 1
        other = space.heap_edge[child]
        if not _before(space, other, edge):
            break
        space.heap_edge[place] = other
        space.heap_place[other] = place
        place = child
    space.heap_edge[place] = edge
    space.heap_place[edge] = place
    return first  # type: ignore[no-any-return]


@device
def _left(graph: RoutingGraph, pace: float, edge: int, goal: int) -> float:
    """Time that is at least left from the start of an edge to the start of the goal [s]."""
    if pace == 0.0:
        return 0.0
    dx = graph.start_x[edge] - graph.start_x[goal]
    dy = graph.start_y[edge] - graph.start_y[goal]
    return pace * np.sqrt(dx * dx + dy * dy)  # type: ignore[no-any-return]


@device
def _expand(graph: RoutingGraph, cost: Float, space: SearchSpace, edge: int, size: int, goal: int, pace: float) -> int:
    """Label the successors of a settled edge; the new size of the heap."""
    open_mark = 2 * space.counter[0]
    reached = space.label[edge] + cost[edge]
    for pair in range(graph.successor_start[edge], graph.successor_start[edge + 1]):
        follower = graph.successor_edge[pair]
        if space.stamp[follower] == open_mark + 1 or cost[follower] == np.inf:
            continue
        label = reached + graph.successor_cost[pair]
        if space.stamp[follower] != open_mark:
            space.heap_edge[size] = follower
            space.heap_place[follower] = size
            space.stamp[follower] = open_mark
            size += 1
        elif label >= space.label[follower]:
            continue
        space.label[follower] = label
        space.parent[follower] = edge
        space.heap_key[follower] = label + _left(graph, pace, follower, goal)
        _sift_up(space, space.heap_place[follower])
    return size


@device
def _search(
    graph: RoutingGraph, cost: Float, space: SearchSpace, origin: int, goal: int, left: int, pace: float
) -> int:
    """Settle edges from an origin until no wanted one is left; the number not found."""
    if cost[origin] == np.inf:
        return left
    mark = 2 * space.counter[0]
    space.label[origin] = 0.0
    space.parent[origin] = -1
    space.stamp[origin] = mark
    space.heap_key[origin] = 0.0
    space.heap_edge[0] = origin
    space.heap_place[origin] = 0
    size = 1
    while size > 0 and left > 0:
        edge = _pop(space, size)
        size -= 1
        space.stamp[edge] = mark + 1
        if space.wanted[edge] == space.counter[0]:
            left -= 1
            if left == 0:
                break
        if not space.label[edge] + cost[edge] < np.inf:
            continue
        size = _expand(graph, cost, space, edge, size, goal, pace)
    return left


@device
def dijkstra_edges(
    graph: RoutingGraph, cost: Float, space: SearchSpace, origin: int, destination: int, pace: float
) -> float:
    """Fastest path between two edges; allocates nothing, callable from kernels.

    Parameters
    ----------
    graph : successors
    cost : (E,) [s] >= 0, inf = closed; `graph.edge_cost` or travel times of the moment
    space : scratch; afterwards it holds the path for `path_length` and `read_path`
    origin, destination : edges; the path contains both
    pace : [s/m] A*'s bound: `graph.pace` where cost >= graph.edge_cost, 0 for plain Dijkstra

    Returns
    -------
    time : [s] from the start of the origin to the end of the destination; inf = no path
    """
    space.counter[0] += 1
    space.wanted[destination] = space.counter[0]
    if _search(graph, cost, space, origin, destination, 1, pace) > 0:
        return np.inf
    return space.label[destination] + cost[destination]  # type: ignore[no-any-return]


@device
def path_length(space: SearchSpace, destination: int) -> int:
    """Number of edges of the path to a destination of the last search; 0 = none."""
    if space.stamp[destination] != 2 * space.counter[0] + 1:
        return 0
    length = 0
    edge = destination
    while edge >= 0:
        length += 1
        edge = space.parent[edge]
    return length


@device
def read_path(space: SearchSpace, destination: int, out: Int, start: int) -> int:
    """Write the path of the last search to out[start:]; its number of edges, 0 = none."""
    length = path_length(space, destination)
    edge = destination
    for place in range(start + length - 1, start - 1, -1):
        out[place] = edge
        edge = space.parent[edge]
    return length


@device
def _mark_wanted(space: SearchSpace, destination: Int, first: int, last: int) -> int:
    wanted = 0
    for row in range(first, last):
        edge = destination[row]
        if space.wanted[edge] != space.counter[0]:
            space.wanted[edge] = space.counter[0]
            wanted += 1
    return wanted


@entry(SOURCES)
def route_groups(
    graph: RoutingGraph,
    cost: Float,
    space: SearchSpace,
    origin: Int,
    group_start: NDArray[np.int64],
    destination: Int,
    first_group: int,
    pace: float,
    out_start: NDArray[np.int64],
    out_edge: Int,
    out_cost: Float,
) -> int:
    """One search for each origin (G,), to all its destinations (D,); returns the group to go on with.

    Writes out_start (D+1,), out_edge and out_cost (D,) [s] (inf and an empty range where there is no
    path). Stops before a group whose paths do not fit out_edge any more.
    """
    for group in range(first_group, len(origin)):
        first, last = group_start[group], group_start[group + 1]
        space.counter[0] += 1
        wanted = _mark_wanted(space, destination, first, last)
        goal = destination[first]
        _search(graph, cost, space, origin[group], goal, wanted, pace if wanted == 1 else 0.0)
        needed = out_start[first]
        for row in range(first, last):
            needed += path_length(space, destination[row])
        if needed > len(out_edge):
            return group
        for row in range(first, last):
            length = read_path(space, destination[row], out_edge, out_start[row])
            out_start[row + 1] = out_start[row] + length
            out_cost[row] = np.inf if length == 0 else space.label[destination[row]] + cost[destination[row]]
    return len(origin)
