"""Who is before and behind on this and on other lanes, and how far."""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.change_speed import CHANGE_LEFT, CHANGE_RIGHT
from urbanlab.traffic.kernels.conflicts import rear_slot
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.look_ahead import next_link
from urbanlab.traffic.kernels.state import BUSY_FRONT
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import EPS, brake_gap, can_stop

__all__ = ["NONE", "gap_behind", "gap_front", "leader_after", "place_on_lane", "taken"]

NONE = -1
FAR = 1e9
FASTEST = 1.5
"""[1] drivers go at most so much faster than the limit when it comes to how far they have to be looked for."""
MAX_BEFORE, MAX_WAYS = 8, 32
"""Lanes, one before the other, and ways that lead to a lane, that are looked at for a follower."""


@device
def taken(w: World, lane: int) -> float:
    """Lengths and gaps of the vehicles on a lane [m]."""
    total = 0.0
    if w.lanes.busy[lane] & BUSY_FRONT == 0:
        return total
    for slot in range(w.lanes.first[lane], w.lanes.first[lane] + w.lanes.count[lane]):
        total += w.types.length[w.slots.kind[slot]] + w.types.min_gap[w.slots.kind[slot]]
    return total


@device
def place_on_lane(w: World, lane: int, pos: float) -> int:
    """Slot of the first vehicle on a lane whose front is not beyond `pos` [m]; one past the last where there is none."""
    low = w.lanes.first[lane]
    high = low + w.lanes.count[lane]
    while low < high:
        middle = (low + high) // 2
        if w.slots.pos[middle] > pos:
            low = middle + 1
        else:
            high = middle
    return low


@device
def _beyond(w: World, lane: int, slot: int, kind: int) -> tuple[int, float]:
    """Leader past the end of a lane, along the vehicle's route, within braking reach or on a junction that begins there, at red too."""
    net, lanes, slots, types, dt = w.net, w.lanes, w.slots, w.types, w.params.dt
    route = slots.route[slot]
    seen = net.lane_length[lane] - slots.pos[slot]
    leader = rear_slot(w, lane)
    if leader >= 0 and leader != slot:
        out = slots.odo[leader] - lanes.left_odo[lane] - types.length[slots.kind[leader]]
        return leader, seen + out - types.min_gap[kind]
    speed, decel, tau = slots.speed[slot], types.decel[kind], types.tau[kind]
    if net.lane_internal[lane] == 0 and can_stop(speed, seen - types.min_gap[kind], decel, tau):
        return NONE, FAR
    reach = brake_gap(speed, decel, tau, dt) + types.min_gap[kind]
    while seen <= reach or net.lane_internal[lane] != 0:
        if net.lane_internal[lane] == 0 and w.routes.last[route] != 0:
            return NONE, FAR
        link = next_link(w, lane, route)
        if link < 0:
            return NONE, FAR
        lane = net.link_next[link]
        if net.lane_internal[lane] == 0:
            route += 1
        if lanes.busy[lane] & BUSY_FRONT != 0:
            last = lanes.first[lane] + lanes.count[lane] - 1
            return last, seen + slots.pos[last] - types.length[slots.kind[last]] - types.min_gap[kind]
        limit = lane_limit(w, lane, kind, slots.factor[slot])
        if limit < speed:
            reach = brake_gap(limit, decel, tau, dt)
        seen += net.lane_length[lane]
    return NONE, FAR


@device
def _led_by(w: World, lane: int, front: int, slot: int, kind: int) -> tuple[int, float]:
    """The vehicle before on a lane, or where there is none the one beyond its end, and the gap to it [m]."""
    if front == NONE:
        return _beyond(w, lane, slot, kind)
    slots, types = w.slots, w.types
    return front, slots.pos[front] - types.length[slots.kind[front]] - slots.pos[slot] - types.min_gap[kind]


@device
def leader_after(w: World, lane: int, slot: int, kind: int, place: int) -> tuple[int, float]:
    """Leader on a lane, and the gap to it [m], where those ahead are on the lanes that they have decided to be on.

    `place` is the first slot of the lane that is not ahead.
    """
    lanes, slots = w.lanes, w.slots
    front = NONE
    if lanes.count[lane] > 0:
        k = place - 1
        while k >= lanes.first[lane] and slots.want[k] & (CHANGE_LEFT | CHANGE_RIGHT) != 0:
            k -= 1
        if k >= lanes.first[lane]:
            front = k
    joined = lanes.joined[lane]
    if joined >= 0 and (front == NONE or slots.pos[joined] < slots.pos[front]):
        front = joined
    return _led_by(w, lane, front, slot, kind)


@device
def gap_front(w: World, target: int, slot: int, kind: int, place: int) -> tuple[int, float]:
    """Leader on another lane, whose first slot that is not ahead is `place`, and the gap to it [m]."""
    has_front = place > w.lanes.first[target] and w.lanes.count[target] > 0
    return _led_by(w, target, place - 1 if has_front else NONE, slot, kind)


@device
def _on_way_back(w: World, lane: int, offset: float, reach: float, slot: int, way: int) -> tuple[int, float, int]:
    """Follow one of the ways that lead to a lane back to the first vehicle.

    Parameters
    ----------
    offset, reach : [m] from the start of the lane to the point that gaps are reckoned from; how far to look from there
    way : its digits are the choices where lanes join

    Returns
    -------
    follower, its gap [m], number of ways up to there
    """
    net, lanes, slots = w.net, w.lanes, w.slots
    num = 1
    for _ in range(MAX_BEFORE):
        joining = net.lane_in[lane + 1] - net.lane_in[lane]
        if joining == 0 or offset >= reach:
            break
        lane = net.link_from[net.in_link[net.lane_in[lane] + (way // num) % joining]]
        num *= joining
        offset += net.lane_length[lane]
        if lanes.busy[lane] & BUSY_FRONT != 0:
            first = lanes.first[lane]
            if first == slot:
                break
            return first, offset - slots.pos[first] - w.types.min_gap[slots.kind[first]], num
    return NONE, FAR, num


@device
def gap_behind(w: World, target: int, slot: int, kind: int, place: int) -> tuple[int, float]:
    """Follower on another lane, whose first slot that is not ahead is `place`, or on a lane that leads there, and its gap [m]."""
    lanes, slots, types = w.lanes, w.slots, w.types
    back = slots.pos[slot] - types.length[kind]
    if lanes.count[target] > 0 and place < lanes.first[target] + lanes.count[target]:
        return place, back - slots.pos[place] - types.min_gap[slots.kind[place]]
    fastest = FASTEST * lanes.speed[target]
    reach = max(fastest * fastest / (2.0 * types.decel[kind]), back + EPS)
    found, gap, way, num = NONE, FAR, 0, 1
    while way < num and way < MAX_WAYS:
        follower, room, ways = _on_way_back(w, target, back, reach, slot, way)
        num = max(num, ways)
        way += 1
        if room < gap:
            found, gap = follower, room
    return found, gap
