"""Fastest paths over edges: Dijkstra, and A* with landmarks, on arrays that are allocated once.

The nodes of the search are edges of the network. The label of an edge is the time at which its start is
reached; ties go to the lower edge, as SUMO's router does it, so equal inputs give equal paths.

Landmarks: the times from a landmark to two edges differ by at most the time between these, which bounds what
is left to a goal (Goldberg and Harrelson 2005, "Computing the shortest path: A* search meets graph theory").

Letters: E edges, M successor pairs, K landmarks, G groups of searches, D destinations.
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
    "pop",
    "read_path",
    "route_groups",
    "sift_up",
]

Float = NDArray[np.float64]
Int = NDArray[np.int32]

FEW = 12  # destinations of one origin that are searched one by one
SOURCES = ("urbanlab.city.routing_kernels",)


class RoutingGraph(NamedTuple):
    """Which edge follows which for one class of vehicles, with times on the empty network."""

    successor_start: NDArray[np.int64]  # (E+1,) ranges of the successor columns
    successor_edge: Int  # (M,)
    successor_cost: Float  # (M,) [s] over the junction
    edge_cost: Float  # (E,) [s] along the edge; inf where the class may not drive
    start_x: Float  # (E,) [m] where the edge begins
    start_y: Float  # (E,) [m]
    landmark_time: Float  # (E, K) [s] from landmarks to the start of the edge; inf = no way; K = 0: none chosen


class SearchSpace(NamedTuple):
    """Scratch of one search at a time; each thread needs its own."""

    label: Float  # (E,) [s] time to the start of the edge
    parent: Int  # (E,)
    stamp: NDArray[np.int64]  # (E,) search that wrote the label: 2 n = open, 2 n + 1 = settled
    heap_edge: Int  # (E,)
    heap_place: Int  # (E,) where an open edge is in the heap
    heap_key: Float  # (E,) by edge: label plus what is at least left
    left: Float  # (E,) [s] what is at least left, of open edges
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
        left=np.zeros(num_edges),
        wanted=np.zeros(num_edges, np.int64),
        counter=np.zeros(1, np.int64),
    )


@device
def _before(space: SearchSpace, one: int, other: int) -> bool:
    key, other_key = space.heap_key[one], space.heap_key[other]
    return key < other_key or (key == other_key and one < other)


@device
def sift_up(space: SearchSpace, place: int) -> None:
    """Move the edge at a place of the heap up to where its key belongs."""
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
def pop(space: SearchSpace, size: int) -> int:
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
def _left(graph: RoutingGraph, landmarks: int, edge: int, goal: int) -> float:
    """Time that is at least left from the start of an edge to the start of the goal [s]."""
    least = 0.0
    for landmark in range(landmarks):
        bound = graph.landmark_time[goal, landmark] - graph.landmark_time[edge, landmark]
        if bound > least:  # noqa: PLR1730 - false for inf - inf, which max is not
            least = bound
    return least * (1.0 - 1e-12)


@device
def _expand(graph: RoutingGraph, cost: Float, space: SearchSpace, edge: int, size: int, goal: int, landmarks: int) -> int:
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
            space.left[follower] = _left(graph, landmarks, follower, goal)
            size += 1
        elif label >= space.label[follower]:
            continue
        space.label[follower] = label
        space.parent[follower] = edge
        space.heap_key[follower] = label + space.left[follower]
        sift_up(space, space.heap_place[follower])
    return size


@device
def _search(graph: RoutingGraph, cost: Float, space: SearchSpace, origin: int, goal: int, left: int, landmarks: int) -> int:
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
        edge = pop(space, size)
        size -= 1
        space.stamp[edge] = mark + 1
        if space.wanted[edge] == space.counter[0]:
            left -= 1
            if left == 0:
                break
        if not space.label[edge] + cost[edge] < np.inf:
            continue
        size = _expand(graph, cost, space, edge, size, goal, landmarks)
    return left


@device
def dijkstra_edges(graph: RoutingGraph, cost: Float, space: SearchSpace, origin: int, destination: int, landmarks: int) -> float:
    """Fastest path between two edges; allocates nothing, callable from kernels.

    Parameters
    ----------
    graph : successors
    cost : (E,) [s] >= 0, inf = closed; `graph.edge_cost` or travel times of the moment
    space : scratch; afterwards it holds the path for `path_length` and `read_path`
    origin, destination : edges; the path contains both
    landmarks : how many to use, right only where cost >= graph.edge_cost everywhere; 0 = plain Dijkstra

    Returns
    -------
    time : [s] from the start of the origin to the end of the destination; inf = no path
    """
    space.counter[0] += 1
    space.wanted[destination] = space.counter[0]
    if _search(graph, cost, space, origin, destination, 1, landmarks) > 0:
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
def _store(
    space: SearchSpace,
    cost: Float,
    destination: int,
    row: int,
    out_start: NDArray[np.int64],
    out_edge: Int,
    out_cost: Float,
) -> bool:
    """Keep the path of the last search to a destination; False where it does not fit any more."""
    length = path_length(space, destination)
    if out_start[row] + length > len(out_edge):
        return False
    read_path(space, destination, out_edge, out_start[row])
    out_start[row + 1] = out_start[row] + length
    out_cost[row] = np.inf if length == 0 else space.label[destination] + cost[destination]
    return True


@entry(SOURCES)
def route_groups(
    graph: RoutingGraph,
    cost: Float,
    space: SearchSpace,
    origin: Int,
    group_start: NDArray[np.int64],
    destination: Int,
    first_group: int,
    landmarks: int,
    out_start: NDArray[np.int64],
    out_edge: Int,
    out_cost: Float,
) -> int:
    """Paths from each origin (G,) to all its different destinations (D,); returns the group to go on with.

    With landmarks, each destination has a directed search (A*) of its own where an origin has few; else one
    search settles all of them. Writes out_start (D+1,), out_edge and out_cost (D,) [s] (inf and an empty range
    where there is no path). Stops at a group whose paths do not fit out_edge any more.
    """
    for group in range(first_group, len(origin)):
        first, last = group_start[group], group_start[group + 1]
        if landmarks > 0 and last - first <= FEW:
            for row in range(first, last):
                dijkstra_edges(graph, cost, space, origin[group], destination[row], landmarks)
                if not _store(space, cost, destination[row], row, out_start, out_edge, out_cost):
                    return group
            continue
        space.counter[0] += 1
        for row in range(first, last):
            space.wanted[destination[row]] = space.counter[0]
        _search(graph, cost, space, origin[group], destination[first], last - first, 0)
        for row in range(first, last):
            if not _store(space, cost, destination[row], row, out_start, out_edge, out_cost):
                return group
    return len(origin)


@entry(SOURCES)
def measure_landmarks(graph: RoutingGraph, space: SearchSpace, landmark: Int, out: Float) -> None:
    """Fill out (E, K) with the times from each landmark (K,) to the start of every edge [s]."""
    for place in range(len(landmark)):
        space.counter[0] += 1  # nothing is wanted: the search settles all it can reach
        _search(graph, graph.edge_cost, space, landmark[place], landmark[place], 1, 0)
        for edge in range(len(graph.edge_cost)):
            is_settled = space.stamp[edge] == 2 * space.counter[0] + 1
            out[edge, place] = space.label[edge] if is_settled else np.inf
