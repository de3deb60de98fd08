"""Room on another lane, and safe speeds as the lane change phase reckons them."""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import MEET_SOURCE
from urbanlab.traffic.kernels.change_speed import BLOCKED_BEHIND, BLOCKED_FRONT
from urbanlab.traffic.kernels.conflicts import ZIPPER, is_red, junction_bounds, link_state
from urbanlab.traffic.kernels.look_ahead import next_link
from urbanlab.traffic.kernels.neighbours import NONE
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import EPS, brake_gap, safe_stop_speed, secure_gap, stops_before

__all__ = ["behind_speed", "blocked_by_foes", "blocked_by_gaps", "past_junction", "safe_behind", "secure"]


@inline
def secure(w: World, follower: int, speed: float, leader: int, leader_speed: float) -> float:
    """Gap that one vehicle has to keep to another at given speeds [m]; who brakes already reacts no more, it goes on as it does."""
    types, dt = w.types, w.params.dt
    kind, other = w.slots.kind[follower], w.slots.kind[leader]
    need = secure_gap(speed, types.decel[kind], types.tau[kind], leader_speed, types.decel[other], dt)
    braking = (w.slots.last_speed[follower] - w.slots.speed[follower]) / dt
    if braking > EPS:
        ahead = brake_gap(leader_speed, max(types.decel[kind], types.decel[other]), 0.0, dt)
        need = min(need, max(0.0, brake_gap(speed, braking, 0.0, dt) - ahead))
    return need


@inline
def safe_behind(w: World, kind: int, gap: float, leader_speed: float, leader_decel: float) -> float:
    """Safe speed behind a leader [m/s], without the harder braking of emergencies: nobody has to be on that lane."""
    decel, dt = w.types.decel[kind], w.params.dt
    reach = brake_gap(leader_speed, max(decel, leader_decel), 0.0, dt)
    return safe_stop_speed(gap + reach, decel, w.types.tau[kind], dt)


@inline
def behind_speed(w: World, slot: int, kind: int, gap: float, leader_speed: float, leader_decel: float) -> float:
    """The same, or as much of it as the vehicle can reach in a step [m/s]."""
    reached = min(w.slots.speed[slot] + w.types.accel[kind] * w.params.dt, w.types.max_speed[kind])
    return min(safe_behind(w, kind, gap, leader_speed, leader_decel), reached)


@device
def blocked_by_gaps(w: World, slot: int, kind: int, front: int, front_gap: float, behind: int, behind_gap: float) -> int:
    """Is there too little room before or behind on the other lane?"""
    slots = w.slots
    factor = 1.0 / w.types.lc_assertive[kind]
    blocked = 0
    if front != NONE:
        need = secure(w, slot, slots.speed[slot], front, slots.speed[front])
        if front_gap < 0.0 or front_gap < need * factor:
            blocked |= BLOCKED_FRONT
    if behind != NONE:
        need = secure(w, behind, slots.speed[behind], slot, slots.speed[slot])
        if behind_gap < 0.0 or behind_gap < need * factor:
            blocked |= BLOCKED_BEHIND
    return blocked


@device
def past_junction(w: World, slot: int, kind: int, lane: int, v: float) -> float:
    """Speed that vehicles on other ways through the junction leave to whoever takes a lane through it [m/s]."""
    net, pos = w.net, w.slots.pos[slot]
    seen, inner = net.lane_length[lane] - pos, lane
    if net.lane_internal[lane] == 0:
        room, speed = seen - w.types.min_gap[kind], w.slots.speed[slot]
        if stops_before(room, speed, w.types.decel[kind], w.types.tau[kind], w.params.dt):
            return v
        link = next_link(w, lane, w.slots.route[slot])
        if link < 0 or is_red(link_state(w, link)) or net.lane_internal[net.link_next[link]] == 0:
            return v
        inner = net.link_next[link]
        seen += net.lane_length[inner]
    return junction_bounds(w, slot, lane, inner, seen, v, v, -1)[0]


@device
def _cuts_in(w: World, slot: int, kind: int, target: int) -> bool:
    """Inside a junction: would its rear be on what the new way shares with another from the same lane, and is somebody on that one there?

    Who is wholly ahead is a leader. Found by SUMO 1.28's behaviour in 75 small cases; no gap is asked for.
    """
    net, lanes, slots = w.net, w.lanes, w.slots
    pos = slots.pos[slot]
    rear = pos - w.types.length[kind]
    for c in range(net.conflict_start[target], net.conflict_start[target + 1]):
        other = net.conflict_lane[c]
        if net.conflict_flags[c] & MEET_SOURCE == 0 or rear >= net.lane_length[target] - net.conflict_behind[c]:
            continue
        if lanes.count[other] > 0:
            last = lanes.first[other] + lanes.count[other] - 1
            shared = net.lane_length[other] - net.conflict_foe_behind[c]
            if slots.pos[last] - w.types.length[slots.kind[last]] < min(shared, pos):
                return True
    return False


@device
def blocked_by_foes(w: World, slot: int, kind: int, target: int) -> int:
    """Would vehicles whose ways through the junction meet that of the other lane make it brake harder than it likes to?

    Close to a zipper and in it nobody changes: the own lane's stream has to be let in there (SUMO's `unsafeLinkAhead`).
    """
    net, inside = w.net, w.net.lane_internal[target] != 0
    link = net.lane_entry[target] if inside else next_link(w, target, w.slots.route[slot])
    if link >= 0 and link_state(w, link) == ZIPPER and (inside or net.lane_length[target] - w.slots.pos[slot] < net.link_visibility[link]):
        return BLOCKED_FRONT
    if inside and _cuts_in(w, slot, kind, target):
        return BLOCKED_BEHIND
    speed = w.slots.speed[slot]
    safe = past_junction(w, slot, kind, target, speed)
    return BLOCKED_FRONT if safe < speed - w.types.decel[kind] * w.params.dt else 0
