"""Drivers without a route of their own choose one when they want to depart, by the speeds of the moment.

Model: SUMO's trips (`MSDevice_Routing::preInsertionReroute`, `MSRoutingEngine::getEffort`): the fastest way, where an edge takes
its length over its smoothed speed, but no less than the driver would need alone; the internal edges of a junction count the same
way, and those entered over a minor link without a signal a penalty more. Dijkstra over edges; ties go to the lower edge.
"""

from __future__ import annotations

from urbanlab.city.routing_kernels import pop, read_path, sift_up
from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import NUM_POSITIONS, NUM_ROWS, NUM_RUNS
from urbanlab.traffic.kernels.best_lanes import fill_run
from urbanlab.traffic.kernels.limits import top_speed
from urbanlab.traffic.kernels.navigation import SLOWEST
from urbanlab.traffic.kernels.world import CHOICE_AGAIN, CHOICE_ONCE, World
from urbanlab.traffic.physics.following import brake_gap

__all__ = ["choose_again", "choose_late", "choose_way", "is_late"]

HASH_FACTOR = 1099511628211
HASH_BITS = (1 << 31) - 1


@device
def choose_way(w: World, trip: int, kept: int) -> bool:
    """Give a trip that is about to depart the fastest way now; False where the tables of routes have no room for it.

    It leads over the first edges of its route, `kept` of them behind the one on which it departs. Where there is none, the
    trip keeps the one it has.
    """
    d, nav = w.departures, w.nav
    end = d.route[trip]
    while w.routes.last[end] == 0:
        end += 1
    length = kept + 1
    for k in range(length):
        nav.path[k] = w.routes.edge[d.route[trip] + k]
    for k in range(d.via_num[trip] + 1):
        goal = nav.via_edge[d.via_start[trip] + k] if k < d.via_num[trip] else w.routes.edge[end]
        if not _search(w, trip, nav.path[length - 1], goal):
            return True
        length += read_path(nav.space, goal, nav.path, length - 1) - 1
    if _is_run(w, d.route[trip], end + 1, length):
        return True
    run = _known_run(w, trip, end, length)
    if run < 0:
        run = _add_run(w, trip, end, length)
        if run < 0:
            return False
    d.route[trip] = w.runs.start[run]
    return True


@device
def choose_again(w: World, trip: int, time: float) -> bool:
    """The same for one who waits to depart and whose lane depends on its way, every minute."""
    d = w.departures
    if d.choice[trip] != CHOICE_AGAIN or time < d.choose_next[trip] - 1e-9:
        return True
    if not choose_way(w, trip, 0):
        return False
    while d.choose_next[trip] <= time + 1e-9:
        d.choose_next[trip] += w.nav.again_after
    return True


@inline
def is_late(w: World, trip: int, time: float) -> bool:
    """Has a trip that chose once waited so long to depart that it chooses again when it does?"""
    d = w.departures
    return d.choice[trip] == CHOICE_ONCE and 0.0 < w.nav.again_after < time - d.depart[trip]


@device
def choose_late(w: World, trip: int, lane: int, pos: float, speed: float) -> bool:
    """The same for one who departs late, at a place of a lane; too near to the end to stop there, it keeps the next edge."""
    d = w.departures
    near = pos > w.net.lane_length[lane] - brake_gap(speed, w.types.decel[d.kind[trip]], 0.0, w.params.dt)
    return choose_way(w, trip, 1 if near and w.routes.last[d.route[trip]] == 0 else 0)


# --- search ----------------------------------------------------------------------------------------------------------


@inline
def _time_along(w: World, lane: int, edge: int, top: float, factor: float, extra: float) -> float:
    """[s] along an edge whose first lane is `lane`."""
    nav = w.nav
    length = w.net.lane_length[lane]
    alone = length / min(top, w.lanes.speed[lane] * factor) + extra
    return max(length / max(nav.limit[edge] - nav.lost[edge] * nav.scale, SLOWEST), alone)


@device
def _time_over(w: World, pair: int, top: float, factor: float) -> float:
    """[s] over a junction."""
    nav, net = w.nav, w.net
    total = 0.0
    lane = nav.via[pair]
    while lane >= 0:
        edge = net.lane_edge[lane]
        total += _time_along(w, net.edge_first_lane[edge], edge, top, factor, nav.penalty[edge])
        lane = nav.onward[lane]
    return total


@device
def _search(w: World, trip: int, origin: int, goal: int) -> bool:
    """Settle edges from an origin until the goal is; False where there is no way."""
    nav, net, d = w.nav, w.net, w.departures
    space = nav.space
    kind, factor = d.kind[trip], d.factor[trip]
    top = top_speed(w.types, kind, factor)
    base = nav.graph[kind] * len(nav.limit)
    space.counter[0] += 1
    mark = 2 * space.counter[0]
    space.label[origin], space.heap_key[origin] = 0.0, 0.0
    space.parent[origin] = -1
    space.stamp[origin] = mark
    space.heap_edge[0] = origin
    space.heap_place[origin] = 0
    size = 1
    while size > 0:
        edge = pop(space, size)
        size -= 1
        space.stamp[edge] = mark + 1
        if edge == goal:
            return True
        reached = space.label[edge] + _time_along(w, net.edge_first_lane[edge], edge, top, factor, 0.0)
        for pair in range(nav.start[base + edge], nav.start[base + edge + 1]):
            follower = nav.follower[pair]
            if space.stamp[follower] == mark + 1:
                continue
            label = reached + _time_over(w, pair, top, factor)
            if space.stamp[follower] != mark:
                space.heap_edge[size] = follower
                space.heap_place[follower] = size
                space.stamp[follower] = mark
                size += 1
            elif label >= space.label[follower]:
                continue
            space.label[follower], space.heap_key[follower] = label, label
            space.parent[follower] = edge
            sift_up(space, space.heap_place[follower])
    return False


# --- table -----------------------------------------------------------------------------------------------------------


@device
def _is_run(w: World, first: int, end: int, length: int) -> bool:
    """Are these positions the way that has been found?"""
    if end - first != length:
        return False
    for k in range(length):
        if w.routes.edge[first + k] != w.nav.path[k]:
            return False
    return True


@device
def _place_in_index(w: World, class_bit: int, length: int) -> int:
    """Where the index is to be looked into for the way that has been found: FNV-1a over its edges."""
    key = class_bit & HASH_BITS
    for k in range(length):
        key = ((key ^ w.nav.path[k]) * HASH_FACTOR) & HASH_BITS
    return (key ^ (key >> 15)) & (len(w.nav.by_hash) - 1)


@device
def _known_run(w: World, trip: int, end: int, length: int) -> int:
    """Run that is the way that has been found, with the arrival that the run up to `end` has; -1 none."""
    runs, index = w.runs, w.nav.by_hash
    bit = w.types.class_bit[w.departures.kind[trip]]
    at = _place_in_index(w, bit, length)
    while index[at] >= 0:
        run = index[at]
        last = runs.end[run] - 1
        same = runs.class_bit[run] == bit and runs.stop_lane[last] == runs.stop_lane[end] and runs.stop_end[last] == runs.stop_end[end]
        if same and _is_run(w, runs.start[run], runs.end[run], length):
            return run
        at = (at + 1) & (len(index) - 1)
    return -1


@device
def _add_run(w: World, trip: int, end: int, length: int) -> int:
    """Make the way that has been found a run of its own; -1 where the tables have no room for it."""
    runs, routes, nav, net = w.runs, w.routes, w.nav, w.net
    run, first, row = runs.used[NUM_RUNS], runs.used[NUM_POSITIONS], runs.used[NUM_ROWS]
    rows = 0
    for k in range(length):
        rows += net.edge_num_lanes[nav.path[k]]
    if run >= len(runs.start) or first + length > len(routes.edge) or row + rows > len(routes.best_link):
        return -1
    for k in range(length):
        edge = nav.path[k]
        routes.edge[first + k], routes.last[first + k], routes.best_start[first + k] = edge, 0, row
        runs.stop_lane[first + k], runs.stop_end[first + k] = -1, 0.0
        row += net.edge_num_lanes[edge]
    last = first + length - 1
    routes.last[last] = 1
    runs.stop_lane[last], runs.stop_end[last] = runs.stop_lane[end], runs.stop_end[end]
    runs.start[run], runs.end[run] = first, first + length
    runs.class_bit[run] = w.types.class_bit[w.departures.kind[trip]]
    runs.used[NUM_RUNS], runs.used[NUM_POSITIONS], runs.used[NUM_ROWS] = run + 1, first + length, row
    fill_run(w, run)
    if 4 * (run + 1) < 3 * len(nav.by_hash):  # beyond that equal ways are kept more than once
        at = _place_in_index(w, runs.class_bit[run], length)
        while nav.by_hash[at] >= 0:
            at = (at + 1) & (len(nav.by_hash) - 1)
        nav.by_hash[at] = run
    return run
