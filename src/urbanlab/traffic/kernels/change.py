"""Third phase: who wants to change lanes, and who may. Decisions only; the moves follow serially.

Model: LC2013 (Erdmann 2014, "Lane-changing model in SUMO"): strategic changes that the route needs, cooperative
speed adjustments, changes to gain speed, and the duty to keep right. MOBIL (Kesting, Treiber, Helbing 2007)
replaces the last two where a vehicle type asks for it. An edge is handled by one thread, its vehicles from front to
back over all lanes, so that those behind know what those before them want.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import EDGE_CHANGES
from urbanlab.traffic.kernels.change_gaps import blocked_by_foes, blocked_by_gaps
from urbanlab.traffic.kernels.change_help import help_blocked, prepare
from urbanlab.traffic.kernels.change_speed import CHANGE_LEFT, CHANGE_RIGHT, FLAG_CHANGE, STAYS, URGENT, WANTS_LEFT, WANTS_RIGHT
from urbanlab.traffic.kernels.change_wish import Side, wish
from urbanlab.traffic.kernels.fetch import fetch_links_ahead
from urbanlab.traffic.kernels.neighbours import gap_behind, leader_after
from urbanlab.traffic.kernels.state import BUSY_FRONT
from urbanlab.traffic.kernels.world import World

__all__ = ["FLAG_CHANGE", "decide_lanes"]


@device
def decide_lanes(w: World, begin: int, end: int, step: int) -> None:
    """Decide for all vehicles on the edges whose first occupied lane is in a range of active lanes."""
    net, lanes = w.net, w.lanes
    for a in range(begin, end):
        fetch_links_ahead(w, a)
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes:
            continue
        edge = net.lane_edge[lane]
        num = net.edge_num_lanes[edge]
        low = net.edge_first_lane[edge]
        if net.edge_flags[edge] & EDGE_CHANGES == 0:
            continue
        is_first = True
        for other in range(low, lane):
            if lanes.busy[other] & BUSY_FRONT != 0:
                is_first = False
        if is_first:
            _decide_edge(w, low, num)


@inline
def _foremost(w: World, low: int, num: int) -> int:
    """Lane whose next undecided vehicle is farthest ahead, -1 none; ties go to the right."""
    lanes, best, where = w.lanes, -1e9, -1
    for lane in range(low, low + num):
        if lanes.handled[lane] < lanes.count[lane]:
            pos = w.slots.pos[lanes.first[lane] + lanes.handled[lane]]
            if pos > best:
                best, where = pos, lane
    return where


@device
def _decide_edge(w: World, low: int, num: int) -> None:
    lanes, slots, types = w.lanes, w.slots, w.types
    for lane in range(low, low + num):
        lanes.handled[lane] = 0
        lanes.occupied[lane] = 0.0
        lanes.joined[lane] = -1
        lanes.first_blocked[lane] = -1
        lanes.last_blocked[lane] = -1
    while True:
        lane = _foremost(w, low, num)
        if lane < 0:
            return
        slot = lanes.first[lane] + lanes.handled[lane]
        kind = slots.kind[slot]
        lanes.handled[lane] += 1
        goes_to = lane
        if slots.dwell[slot] < 0.0:
            goes_to = _decide(w, low, num, lane, slot, kind)
            if goes_to != lane:
                w.flags[lanes.active_at[lane]] = FLAG_CHANGE
                lanes.joined[goes_to] = slot
        lanes.occupied[goes_to] += types.length[kind] + types.min_gap[kind]


@inline
def _usable(w: World, lane: int, kind: int) -> bool:
    return w.lanes.permissions[lane] & w.types.class_bit[kind] != 0


@inline
def _parts(w: World, lane: int, target: int) -> bool:
    """Do two lanes inside a junction come from one lane?"""
    return w.net.lane_internal[lane] != 0 and w.net.lane_before[lane] == w.net.lane_before[target]


@device
def _decide(w: World, low: int, num: int, lane: int, slot: int, kind: int) -> int:
    """Both sides of one vehicle, right first; the lane it will be on."""
    slots, lanes = w.slots, w.lanes
    leader, leader_gap = leader_after(w, lane, slot, kind, slot)
    state = 0
    for turn in range(2):
        direction = -1 if turn == 0 else 1
        target = lane + direction
        if target < low or target >= low + num or not _usable(w, target, kind) or _parts(w, lane, target):
            continue
        undecided = lanes.first[target] + lanes.handled[target]  # of two at the same place the right one is ahead
        front, front_gap = leader_after(w, target, slot, kind, undecided)
        help_blocked(w, slot, kind, lanes.last_blocked[lane])
        if lanes.first_blocked[lane] != lanes.last_blocked[lane]:
            help_blocked(w, slot, kind, lanes.first_blocked[lane])
        flags, left, lanes_to_go = wish(w, slot, kind, low, Side(lane, target, direction, leader, leader_gap, front, front_gap))
        if flags & (WANTS_LEFT | WANTS_RIGHT) == 0:
            continue
        behind, behind_gap = gap_behind(w, target, slot, kind, undecided)  # who wants nothing need not know
        blocked = blocked_by_gaps(w, slot, kind, front, front_gap, behind, behind_gap)
        if blocked == 0:
            blocked = blocked_by_foes(w, slot, kind, target)
        state |= flags & ~STAYS
        if flags & URGENT != 0:
            prepare(w, target, slot, kind, direction, lanes_to_go, left, front, front_gap, behind, behind_gap, blocked)
        if blocked == 0:
            slots.want[slot] |= state | (CHANGE_RIGHT if direction < 0 else CHANGE_LEFT)
            return target
        state |= blocked
        if flags & URGENT != 0:
            if lanes.first_blocked[target] < 0:
                lanes.first_blocked[target] = slot
            lanes.last_blocked[target] = slot
    slots.want[slot] |= state
    return lane
