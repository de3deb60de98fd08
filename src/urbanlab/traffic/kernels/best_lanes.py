"""Which lanes of a route lead on how far: the tables behind strategic lane changes.

Model: the best lanes of Erdmann 2014 ("Lane-changing model in SUMO", section 3): each lane of an edge gets the
distance that can be driven from its start along the route without a change, and the number of
lanes to the best one. How far is looked, ties, lanes that end behind a minor link and lanes from which the way to a
better one is barred: SUMO's `MSVehicle::updateBestLanes`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import viewer
from urbanlab.core.jit import device, entry, inline
from urbanlab.traffic.kernels.arrays import MAX_WINDOW, Net
from urbanlab.traffic.kernels.limits import top_speed
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap

__all__ = ["fill_run", "fill_runs"]

FEW_EDGES, MANY_EDGES = 4, 8
FEW_METRES, MANY_METRES = 3000.0, 200.0
"""[m] looked at beyond a few, and beyond many edges; a braking distance from top speed at least."""

_as_world = viewer(World)


@entry(("urbanlab.traffic.kernels", "urbanlab.traffic.physics", "urbanlab.city.routing_kernels"))
def fill_runs(world: int, rows: NDArray[np.int64]) -> None:
    """Compute the best lanes of runs."""
    w = _as_world(world)
    for k in range(len(rows)):
        fill_run(w, rows[k])


@device
def fill_run(w: World, run: int) -> None:
    """Best lanes at each position of a run."""
    net, routes = w.net, w.routes
    braking = _braking(w, w.runs.class_bit[run])
    for here in range(w.runs.start[run], w.runs.end[run]):
        size = _window(w, here, w.runs.end[run], braking)
        for k in range(size - 1, -1, -1):
            _start_lanes(w, w.runs.class_bit[run], here + k, k * w.runs.most)
            if k < size - 1:
                _join_lanes(w, w.runs.class_bit[run], here + k, k * w.runs.most)
            _rank_lanes(w, w.runs.class_bit[run], here + k, k * w.runs.most)
        row = routes.best_start[here]
        for i in range(net.edge_num_lanes[routes.edge[here]]):
            routes.best_length[row + i] = w.runs.length[i]
            routes.best_offset[row + i] = w.runs.offset[i]
            routes.best_link[row + i] = w.runs.link[i]


@device
def _braking(w: World, bit: int) -> float:
    """Braking distance from top speed, of those vehicle types of a class that need most [m]."""
    types, most = w.types, 0.0
    for kind in range(len(types.class_bit)):
        if types.class_bit[kind] == bit:
            fastest = top_speed(types, kind, 1.0)
            metres = brake_gap(fastest, types.decel[kind], types.tau[kind], w.params.dt)
            most = max(most, metres + fastest * types.tau[kind] + types.min_gap[kind])
    return most


@device
def _window(w: World, here: int, end: int, braking: float) -> int:
    """Positions looked at from `here`."""
    seen, metres = 0, 0.0
    braking += w.net.lane_length[w.net.edge_first_lane[w.routes.edge[here]]]
    while here + seen < end and seen < MAX_WINDOW:
        position = here + seen
        metres += w.net.lane_length[w.net.edge_first_lane[w.routes.edge[position]]]
        seen += 1
        if w.runs.stop_lane[position] >= 0 and w.routes.last[position] == 0:
            break
        few = seen <= FEW_EDGES or metres < max(FEW_METRES, braking)
        if not (few and (seen <= MANY_EDGES or metres < max(MANY_METRES, braking))):
            break
    return seen


@inline
def _own_length(w: World, bit: int, position: int, lane: int) -> float:
    """Length of a lane by itself [m]: none where the class may not drive, up to the stop where that is on another lane."""
    length = w.net.lane_length[lane] if w.lanes.permissions[lane] & bit != 0 else 0.0
    stop = w.runs.stop_lane[position]
    return min(length, w.runs.stop_end[position]) if stop >= 0 and stop != lane else length


@device
def _start_lanes(w: World, bit: int, position: int, row: int) -> None:
    """Length of each lane by itself, and whether it may lead on."""
    edge, stop = w.routes.edge[position], w.runs.stop_lane[position]
    low = w.net.edge_first_lane[edge]
    for i in range(w.net.edge_num_lanes[edge]):
        w.runs.length[row + i] = _own_length(w, bit, position, low + i)
        w.runs.go_on[row + i] = 1 if stop < 0 or stop == low + i else 0
        w.runs.offset[row + i] = 0
        w.runs.link[row + i] = -1


@device
def _best_next(w: World, bit: int, lane: int, next_low: int, next_num: int, after: int) -> int:
    """Link from a lane to the best lane of the next edge it leads to, -1 none."""
    net = w.net
    chosen, best = -1, -1
    for way in range(net.lane_out[lane], net.lane_out[lane + 1]):
        target = net.link_to[way] - next_low
        if target < 0 or target >= next_num or w.lanes.permissions[next_low + target] & net.link_permissions[way] & bit == 0:
            continue
        better = best < 0 or w.runs.length[after + target] > w.runs.length[after + best]
        if not better and w.runs.length[after + target] == w.runs.length[after + best]:
            better = abs(w.runs.offset[after + target]) < abs(w.runs.offset[after + best])
        if better:
            chosen, best = way, target
    return chosen


@device
def _join_lanes(w: World, bit: int, position: int, row: int) -> None:
    """From the next edge back to this one: lanes that lead to better lanes are better."""
    net = w.net
    edge, next_edge = w.routes.edge[position], w.routes.edge[position + 1]
    low, next_low = net.edge_first_lane[edge], net.edge_first_lane[next_edge]
    num, next_num = net.edge_num_lanes[edge], net.edge_num_lanes[next_edge]
    after = row + w.runs.most
    best_all, best_connected = -1.0, -1.0
    for i in range(next_num):
        best_all = max(best_all, w.runs.length[after + i])
    for way in range(net.lane_out[low], net.lane_out[low + num]):
        target = net.link_to[way] - next_low
        if 0 <= target < next_num:
            best_connected = max(best_connected, w.runs.length[after + target])
    for i in range(num):
        w.runs.link[row + i] = _best_next(w, bit, low + i, next_low, next_num, after) if w.runs.go_on[row + i] != 0 else -1
        if w.runs.link[row + i] < 0:
            w.runs.go_on[row + i] = 0
            continue
        chosen = after + net.link_to[w.runs.link[row + i]] - next_low
        if w.lanes.permissions[low + i] & bit == 0:
            continue  # whoever is here drives on, but nobody changes to it
        if w.runs.length[chosen] == best_connected and abs(w.runs.offset[chosen]) < 2:
            w.runs.length[row + i] += best_all
        else:
            w.runs.length[row + i] += w.runs.length[chosen]
        w.runs.offset[row + i] = w.runs.offset[chosen]


@device
def _priority(net: Net, link: int) -> int:
    """1 with right of way, 0 without, -1 no link."""
    if link < 0:
        return -1
    return 1 if net.link_signal[link] >= 0 or 65 <= net.link_state[link] <= 90 else 0


@device
def _best_lanes(w: World, num: int, row: int) -> tuple[int, int]:
    """First and last of the best lanes: longest, then nearest to the best lane of the next edge, then with right of way."""
    length, offset, link = w.runs.length, w.runs.offset, w.runs.link
    low, high = 0, 0
    for i in range(1, num):
        a, b = abs(offset[row + low]), abs(offset[row + i])
        first, second = _priority(w.net, link[row + low]), _priority(w.net, link[row + i])
        longer = length[row + low] < length[row + i]
        equal = length[row + low] == length[row + i]
        if longer or (equal and (a > b or (a == b and first < second))):
            low, high = i, i
        elif equal and a == b and first == second:
            high = i
    return low, high


@device
def _rank_lanes(w: World, bit: int, position: int, row: int) -> None:
    """Lanes to the best ones; a lane that leads over a minor link beside one of priority counts as ending there."""
    length, offset, link, go_on = w.runs.length, w.runs.offset, w.runs.link, w.runs.go_on
    edge = w.routes.edge[position]
    first, num = w.net.edge_first_lane[edge], w.net.edge_num_lanes[edge]
    low, high = _best_lanes(w, num, row)
    best, priority = length[row + low], _priority(w.net, link[row + low])
    right_barred, left_barred = False, -1
    for i in range(num):
        minor = _priority(w.net, link[row + i]) < priority
        farther = length[row + i] == best and abs(offset[row + i]) > abs(offset[row + low])
        if not (length[row + i] < best or farther or minor):
            offset[row + i] = 0
            continue
        offset[row + i] = low - i if abs(low - i) < abs(high - i) else high - i
        own = _own_length(w, bit, position, first + i)
        if minor:
            length[row + i] = own
        if go_on[row + i] != 0 or offset[row + i] == 0:
            continue
        beside = w.lanes.permissions[first + i + (1 if offset[row + i] > 0 else -1)] & bit
        if offset[row + i] < 0 and (beside == 0 or right_barred):
            right_barred = True
            length[row + i] = 0.0 if length[row + i] == own else length[row + i]
        elif offset[row + i] > 0 and beside == 0:
            left_barred = i
    for i in range(left_barred + 1):
        if offset[row + i] > 0 and length[row + i] == _own_length(w, bit, position, first + i):
            length[row + i] = 0.0
