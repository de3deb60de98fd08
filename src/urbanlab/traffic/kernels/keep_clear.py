"""Nobody blocks the box: links are not asked for while there is no room behind their junction.

Model: SUMO's `checkRewindLinkLanes`: the room behind each link is the length of the lanes up to the first vehicle that
stands or is about to, less what the vehicles between take; a junction that must be kept clear is entered only if
the own length fits. Whether the links of later junctions can be passed is judged by who asked for their foes in the step before.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_CONT, LINK_EXIT, LINK_KEEP_CLEAR
from urbanlab.traffic.kernels.conflicts import last_slot
from urbanlab.traffic.kernels.later_links import seems_open
from urbanlab.traffic.kernels.neighbours import taken
from urbanlab.traffic.kernels.state import ITEM_HELD, ITEM_REQUEST, NO_REQUEST, NUM_ITEMS
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap

__all__ = ["keep_junctions_clear"]

HALTING = 0.1
MARGIN = 0.1


@inline
def _keeps(w: World, slot: int, kind: int, link: int) -> bool:
    """Does the driver keep the junction behind this link clear?"""
    patient = w.types.keep_clear_time[kind] < 0.0 or w.slots.halt[slot] < w.types.keep_clear_time[kind]
    return w.net.link_flags[link] & LINK_KEEP_CLEAR != 0 and patient


@device
def _till_standing(w: World, slot: int, lane: int) -> tuple[float, bool]:
    """Room on a lane up to the rear of the first vehicle from behind that stands [m], and is there one?"""
    between = 0.0
    for k in range(w.lanes.count[lane]):
        other = w.lanes.first[lane] + w.lanes.count[lane] - 1 - k
        kind = w.slots.kind[other]
        if w.slots.speed[other] < HALTING and other != slot and w.net.edge_roundabout[w.net.lane_edge[lane]] == 0:
            back = w.slots.pos[other] - w.types.length[kind]
            return back + brake_gap(w.slots.speed[other], w.types.decel[kind], w.types.tau[kind], w.params.dt) - between, True
        between += w.types.length[kind] + w.types.min_gap[kind]
    return w.net.lane_length[lane] - between, False


@device
def _measure(w: World, lane: int, slot: int, kind: int, ahead: float, num: int) -> bool:
    """Write the room behind each item; does anybody stand there?"""
    net, items = w.net, w.items
    space, found = -ahead, False
    for item in range(slot * NUM_ITEMS, slot * NUM_ITEMS + num):
        link = items.link[item]
        if link < 0 or found:
            items.space[item] = space if found else items.space[item] + space
            continue
        behind = net.link_next[link]
        final = last_slot(w, behind)
        if net.lane_internal[behind] != 0:
            if _keeps(w, slot, kind, link):
                space -= taken(w, behind)
                if behind == lane:
                    space += w.types.length[kind] + w.types.min_gap[kind]
            else:
                room, stands = _till_standing(w, slot, behind)
                space += room
                found = found or stands
        elif final < 0 or final == slot:
            if net.lane_length[behind] > w.types.length[kind] or _keeps(w, slot, kind, link):
                space += net.lane_length[behind]
        else:
            room, stands = _till_standing(w, slot, behind)
            space += room
            if stands or w.slots.waits[final] != 0 or w.slots.dwell[final] >= 0.0:
                found = True
                items.flags[item] |= ITEM_HELD
        items.space[item] = space
    return found


@device
def _carry_back(w: World, slot: int, num: int, time: float) -> bool:
    """Where a link can be passed at once, the room behind the next one counts; is any of them closed?"""
    net, items = w.net, w.items
    closed = False
    base = slot * NUM_ITEMS
    for k in range(num - 1, 0, -1):
        item, after = base + k - 1, base + k
        link = items.link[item]
        can_leave = net.lane_internal[net.link_next[link]] == 0 or items.link[after] < 0 or items.flags[after] & ITEM_REQUEST != 0
        is_open = can_leave and (k == 1 or seems_open(w, slot, item, time))
        goes_on = (net.link_flags[link] & LINK_CONT != 0 or is_open) and items.flags[item] & ITEM_HELD == 0
        if not is_open:
            closed = True
            if k > 1 and items.link[item - 1] >= 0 and net.link_flags[items.link[item - 1]] & LINK_CONT != 0:
                goes_on = True
        if goes_on:
            items.space[item] = items.space[after]
    return closed


@device
def keep_junctions_clear(w: World, lane: int, slot: int, kind: int, ahead: float, num: int, time: float) -> None:
    """Take requests back behind which there is no room; `ahead` [m] is taken by those before it on its lane."""
    net, items, slots, types = w.net, w.items, w.slots, w.types
    if num == 0 or net.edge_roundabout[net.lane_edge[lane]] != 0:
        return
    found = _measure(w, lane, slot, kind, ahead, num)
    found = _carry_back(w, slot, num, time) or found
    if not found:
        return
    base, need = slot * NUM_ITEMS, types.length[kind] + types.min_gap[kind]
    begin = -1
    for k in range(num):
        link = items.link[base + k]
        if begin < 0 and link >= 0 and items.space[base + k] < need and _keeps(w, slot, kind, link):
            begin = k
    if begin < 0 or (begin == 0 and net.lane_internal[lane] != 0):
        return
    reach = brake_gap(slots.speed[slot], types.decel[kind], 0.0, w.params.dt) + MARGIN
    for k in range(begin, num):
        item = base + k
        if items.link[item] < 0:
            return
        items.speed_pass[item] = items.speed_wait[item]
        if items.distance[item] >= reach:
            leaves = net.link_flags[items.link[item]] & LINK_EXIT != 0 and k > 0 and items.flags[item - 1] & ITEM_REQUEST != 0
            if not leaves:
                items.flags[item] &= NO_REQUEST
