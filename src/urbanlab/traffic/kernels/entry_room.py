"""Room for a vehicle that enters a lane: is it safe there, how fast may it be, and where does it fit?

Model: SUMO's `MSLane::isInsertionSuccess` and `MSLane::freeInsertion`: a safe distance to those ahead and behind, able to stop before
links that are closed to it; a free choice of speed is lowered until that holds.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.conflicts import is_priority, is_red, is_yellow, link_state, rear_slot
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.look_ahead import next_link
from urbanlab.traffic.kernels.neighbours import place_on_lane
from urbanlab.traffic.kernels.state import BUSY_REAR
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap, follow_speed, free_speed, secure_gap, stop_speed

__all__ = ["NO_SPEED", "fits", "free_place"]

NO_SPEED = -1.0
POS_MARGIN = 0.1
"""[m] more than is needed to the vehicle behind, against rounding."""

FAR = 1e9


@inline
def _lowered(bound: float, speed: float, may_lower: bool) -> float:
    """Speed after a bound; NO_SPEED where it may not be lowered."""
    if bound >= speed:
        return speed
    if may_lower:
        return bound
    return NO_SPEED if speed > 0.0 else speed


@device
def fits(w: World, lane: int, pos: float, speed: float, may_lower: bool, kind: int, route: int, factor: float, stop_end: float) -> float:
    """Speed with which a vehicle can enter a lane at a place, -1 where it cannot [m/s]."""
    types, dt = w.types, w.params.dt
    if pos < 0.0 or pos > w.net.lane_length[lane]:
        return NO_SPEED
    if stop_end >= 0.0:
        bound = stop_speed(stop_end - pos, speed, types.decel[kind], types.emergency_decel[kind], dt)
        speed = _lowered(bound, speed, may_lower)
        if speed < 0.0:
            return NO_SPEED
    speed = _fits_links(w, lane, pos, speed, may_lower, kind, route, factor)
    if speed < 0.0:
        return NO_SPEED
    place = w.lanes.first[lane]
    if w.lanes.count[lane] > 0:
        place = place_on_lane(w, lane, pos)
        if place > w.lanes.first[lane]:
            speed = _behind(w, kind, -pos, place - 1, speed, may_lower)
            if speed < 0.0:
                return NO_SPEED
    if place == w.lanes.first[lane] and w.lanes.busy[lane] & BUSY_REAR != 0:
        speed = _behind_left(w, lane, kind, -pos, speed, may_lower)
        if speed < 0.0:
            return NO_SPEED
    return speed if _fits_before(w, lane, pos, place, speed, kind) else NO_SPEED


@inline
def _behind(w: World, kind: int, offset: float, leader: int, speed: float, may_lower: bool) -> float:
    """Bound from a leader whose lane starts `offset` [m] ahead."""
    types = w.types
    gap = offset + w.slots.pos[leader] - types.length[w.slots.kind[leader]] - types.min_gap[kind]
    return _behind_gap(w, kind, gap, leader, speed, may_lower)


@device
def _behind_gap(w: World, kind: int, gap: float, leader: int, speed: float, may_lower: bool) -> float:
    types = w.types
    if gap < 0.0:
        return NO_SPEED
    bound = follow_speed(
        types.model[kind], gap, speed, w.slots.speed[leader], types.apparent_decel[w.slots.kind[leader]],
        types.max_speed[kind], types.accel[kind], types.decel[kind], types.emergency_decel[kind], types.tau[kind],
        types.delta[kind], w.params.dt,
    )  # fmt: skip
    return _lowered(bound, speed, may_lower)


@device
def _behind_left(w: World, lane: int, kind: int, offset: float, speed: float, may_lower: bool) -> float:
    """Bound from a vehicle that has left the lane with its front only."""
    leader = rear_slot(w, lane)
    if leader < 0:
        return speed
    out = w.slots.odo[leader] - w.lanes.left_odo[lane] - w.types.length[w.slots.kind[leader]]
    gap = offset + w.net.lane_length[lane] + out - w.types.min_gap[kind]
    return _behind_gap(w, kind, gap, leader, speed, may_lower)


@device
def _fits_links(w: World, lane: int, pos: float, speed: float, may_lower: bool, kind: int, route: int, factor: float) -> float:
    """Bound from links, slower lanes and vehicles beyond the end of the lane."""
    net, types, dt = w.net, w.types, w.params.dt
    decel, emergency = types.decel[kind], types.emergency_decel[kind]
    seen = net.lane_length[lane] - pos
    reach = brake_gap(speed, decel, types.tau[kind], dt) + types.min_gap[kind]
    here = lane
    while seen < reach:
        if net.lane_internal[here] == 0 and w.routes.last[route] != 0:
            return speed
        link = next_link(w, here, route)
        if link < 0:
            return _lowered(stop_speed(seen, speed, decel, emergency, dt), speed, may_lower)
        state = link_state(w, link)
        inside = net.lane_internal[here] != 0
        if not inside and (is_red(state) or is_yellow(state) or not is_priority(state)):
            return _lowered(stop_speed(max(0.0, seen - types.stopline_gap[kind]), speed, decel, emergency, dt), speed, may_lower)
        here = net.link_next[link]
        if net.lane_internal[here] == 0:
            route += 1
        limit = lane_limit(w, here, kind, factor)
        if speed > limit:
            speed = _lowered(free_speed(seen, limit, decel, dt), speed, may_lower)
        count = w.lanes.count[here]
        if speed >= 0.0 and count > 0:
            return _behind(w, kind, seen, w.lanes.first[here] + count - 1, speed, may_lower)
        if speed >= 0.0 and w.lanes.busy[here] & BUSY_REAR != 0:
            speed = _behind_left(w, here, kind, seen, speed, may_lower)
        if speed < 0.0:
            return NO_SPEED
        seen += net.lane_length[here]
        reach = brake_gap(speed, decel, types.tau[kind], dt) + types.min_gap[kind]
    return speed


@inline
def _missing(w: World, follower: int, gap: float, speed: float, kind: int) -> float:
    """Room that a follower lacks to brake behind the inserted vehicle [m]; `gap` [m] between them."""
    types = w.types
    other = w.slots.kind[follower]
    need = secure_gap(w.slots.speed[follower], types.decel[other], types.tau[other], speed, types.decel[kind], w.params.dt)
    return need - (gap - types.min_gap[other])


@device
def _missing_behind(w: World, lane: int, back: float, speed: float, kind: int) -> float:
    """The most that first vehicles on the lanes that lead to a lane lack, where the inserted one's rear is at `back` [m] on it."""
    net, lanes, slots = w.net, w.lanes, w.slots
    most = -FAR
    for i in range(net.lane_in[lane], net.lane_in[lane + 1]):
        before = net.link_from[net.in_link[i]]
        offset = net.lane_length[before]
        for _ in range(3):
            if lanes.count[before] > 0:
                first = lanes.first[before]
                if _comes_here(w, before, first, lane):
                    most = max(most, _missing(w, first, back + offset - slots.pos[first], speed, kind))
                break
            if net.lane_internal[before] == 0 or net.lane_in[before] >= net.lane_in[before + 1]:
                break
            before = net.link_from[net.in_link[net.lane_in[before]]]
            offset += net.lane_length[before]
    return most


@device
def _fits_before(w: World, lane: int, pos: float, place: int, speed: float, kind: int) -> bool:
    """Enough room for the follower, on this lane or on those that lead to it?"""
    lanes, back = w.lanes, pos - w.types.length[kind]
    if lanes.count[lane] > 0 and place < lanes.first[lane] + lanes.count[lane]:
        return _missing(w, place, back - w.slots.pos[place], speed, kind) <= 0.0
    return _missing_behind(w, lane, back, speed, kind) <= 0.0


@inline
def _comes_here(w: World, before: int, slot: int, lane: int) -> bool:
    """Does the front vehicle of an upstream lane go to `lane`?"""
    link = next_link(w, before, w.slots.route[slot])
    return link >= 0 and w.net.link_to[link] == lane


@device
def free_place(w: World, lane: int, kind: int, route: int, factor: float) -> tuple[float, float]:
    """Where a vehicle that comes back from elsewhere fits on a lane, and how fast it is there: (position [m], speed [m/s]); -1 nowhere.

    Model: SUMO's `MSLane::freeInsertion`: as a whole at the begin of the lane, else before one of its vehicles, from the last one on.
    """
    types, slots, lanes, dt = w.types, w.slots, w.lanes, w.params.dt
    length, end = types.length[kind], w.net.lane_length[lane]
    wanted = min(lanes.speed[lane], types.max_speed[kind])
    begin = pos = min(end, length)
    count = lanes.count[lane]
    if count == 0:
        pos += max(0.0, _missing_behind(w, lane, begin - length, wanted, kind))
        return pos, fits(w, lane, pos, wanted, True, kind, route, factor, -1.0)
    speed = fits(w, lane, pos, wanted, True, kind, route, factor, -1.0)
    for k in range(count):
        if speed >= 0.0:
            break
        follower = lanes.first[lane] + count - 1 - k
        leader = follower - 1 if k + 1 < count else rear_slot(w, lane)
        room, v = end, wanted
        if leader >= 0:
            v = min(wanted, slots.speed[leader])
            need = secure_gap(v, types.decel[kind], types.tau[kind], slots.speed[leader], types.decel[slots.kind[leader]], dt)
            rear = slots.pos[leader] if k + 1 < count else end + slots.odo[leader] - lanes.left_odo[lane]
            room = rear - types.length[slots.kind[leader]] - need - types.min_gap[kind]
        least = slots.pos[follower] + length + max(0.0, _missing(w, follower, 0.0, v, kind)) + POS_MARGIN
        if room > begin and least < room:
            pos, speed = least, fits(w, lane, least, v, True, kind, route, factor, -1.0)
    return pos, speed
