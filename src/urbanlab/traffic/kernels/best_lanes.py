"""Which lanes of a route lead on how far: the tables behind strategic lane changes.

Model: the best lanes of Erdmann 2014 ("Lane-changing model in SUMO", section 3): each lane of an edge gets the
distance that can be driven from its start along the route without a change, and the number of
lanes to the best one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import viewer
from urbanlab.core.jit import device, entry
from urbanlab.traffic.kernels.arrays import MAX_WINDOW, Net
from urbanlab.traffic.kernels.world import World

__all__ = ["fill_run", "fill_runs"]

LOOK_MANY = 3000.0
"""[m] looked at where edges are long (more than 4 of them)."""

LOOK_URBAN = 1000.0
"""[m] looked at where edges are short (more than 8 of them)."""

_as_world = viewer(World)


@entry(("urbanlab.traffic.kernels", "urbanlab.city.routing_kernels"))
def fill_runs(world: int, rows: NDArray[np.int64]) -> None:
    """Compute the best lanes of runs."""
    w = _as_world(world)
    for k in range(len(rows)):
        fill_run(w, rows[k])


@device
def fill_run(w: World, run: int) -> None:
    """Best lanes at each position of a run."""
    net, routes = w.net, w.routes
    for here in range(w.runs.start[run], w.runs.end[run]):
        size = _window(w, here, w.runs.end[run])
        for k in range(size - 1, -1, -1):
            _start_lanes(w, w.runs.class_bit[run], here + k, k * w.runs.most)
            if k == size - 1:
                _last_lanes(w, net.edge_num_lanes[routes.edge[here + k]], k * w.runs.most)
            else:
                _join_lanes(w, w.runs.class_bit[run], here + k, k * w.runs.most)
        row = routes.best_start[here]
        for i in range(net.edge_num_lanes[routes.edge[here]]):
            routes.best_length[row + i] = w.runs.length[i]
            routes.best_offset[row + i] = w.runs.offset[i]
            routes.best_link[row + i] = w.runs.link[i]


@device
def _window(w: World, here: int, end: int) -> int:
    """Positions looked at from `here`."""
    seen, metres = 0, 0.0
    while here + seen < end and seen < MAX_WINDOW:
        position = here + seen
        metres += w.net.lane_length[w.net.edge_first_lane[w.routes.edge[position]]]
        seen += 1
        if w.runs.stop_lane[position] >= 0 and w.routes.last[position] == 0:
            break
        if not ((seen <= 4 or metres < LOOK_MANY) and (seen <= 8 or metres < LOOK_URBAN)):
            break
    return seen


@device
def _start_lanes(w: World, bit: int, position: int, row: int) -> None:
    """Length of each lane by itself, and whether it may lead on."""
    net = w.net
    edge = w.routes.edge[position]
    low = net.edge_first_lane[edge]
    for i in range(net.edge_num_lanes[edge]):
        lane = low + i
        w.runs.length[row + i] = net.lane_length[lane] if w.lanes.permissions[lane] & bit != 0 else 0.0
        w.runs.go_on[row + i] = 1
        if w.runs.stop_lane[position] >= 0 and w.runs.stop_lane[position] != lane:
            w.runs.length[row + i] = min(w.runs.length[row + i], w.runs.stop_end[position])
            w.runs.go_on[row + i] = 0


@device
def _last_lanes(w: World, num: int, row: int) -> None:
    """Where the look ends: the best lanes are the longest ones."""
    best, low, high = -1.0, 0, 0
    for i in range(num):
        w.runs.link[row + i] = -1
        if w.runs.length[row + i] > best:
            best, low, high = w.runs.length[row + i], i, i
        elif w.runs.length[row + i] == best:
            high = i
    for i in range(num):
        w.runs.offset[row + i] = 0
        if w.runs.length[row + i] < best:
            w.runs.offset[row + i] = low - i if abs(low - i) < abs(high - i) else high - i


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
        w.runs.offset[row + i] = 0
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
    _rank_lanes(w, num, row)


@device
def _priority(net: Net, link: int) -> int:
    """1 with right of way, 0 without, -1 no link."""
    if link < 0:
        return -1
    return 1 if net.link_signal[link] >= 0 or 65 <= net.link_state[link] <= 89 else 0


@device
def _rank_lanes(w: World, num: int, row: int) -> None:
    """Best lanes: longest, then nearest to the best lane of the next edge, then with right of way."""
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
    best, least, priority = length[row + low], abs(offset[row + low]), _priority(w.net, link[row + low])
    for i in range(num):
        worse = length[row + i] < best or (length[row + i] == best and abs(offset[row + i]) > least)
        if worse or _priority(w.net, link[row + i]) < priority:
            offset[row + i] = low - i if abs(low - i) < abs(high - i) else high - i
        else:
            offset[row + i] = 0
