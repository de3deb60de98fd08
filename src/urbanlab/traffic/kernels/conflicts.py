"""Vehicles inside a junction as leaders of those that follow or cross their path.

Model: SUMO's link leaders (Erdmann and Krajzewicz 2014, "SUMO's road intersection model"): both paths are laid
over each other so that the conflict areas coincide; a vehicle that was on the junction first, or stands in the
way, is followed or waited for; one that will not go on by itself is passed.
"""

from __future__ import annotations

import math

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import (
    MEET_CONT,
    MEET_FOE_FIRST,
    MEET_FOE_YIELDS,
    MEET_SOURCE,
    MEET_TARGET,
    MEET_YIELDS,
)
from urbanlab.traffic.kernels.state import BUSY_FRONT, BUSY_REAR, NO_REQUEST
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap, follow_speed, stop_speed

__all__ = [
    "ZIPPER",
    "clear_rears",
    "forget_rear",
    "is_green",
    "is_priority",
    "is_red",
    "is_yellow",
    "junction_bounds",
    "last_slot",
    "leave_rear",
    "link_state",
    "rear_slot",
    "shift_rear",
]

HUGE = 1e9
ZIPPER = 90
"""State of a link whose stream alternates with another."""

MARGIN = 0.1
HALTING = 0.1
BLOCKED_TIME = 5.0
"""[s] who waits behind a vehicle that stands for longer gives up its own request."""

TURN_SLACK = 2.0
"""[m] added to a turning vehicle's length for the room that its inner side needs."""


@inline
def is_red(state: int) -> bool:
    """r or u (red-yellow)."""
    return state == 114 or state == 117


@inline
def is_yellow(state: int) -> bool:
    """y or Y."""
    return state == 121 or state == 89


@inline
def is_green(state: int) -> bool:
    """g or G."""
    return state == 103 or state == 71


@inline
def is_priority(state: int) -> bool:
    """Capital letters: nobody to yield to (Z, a zipper, is no priority)."""
    return 65 <= state <= 89


@inline
def link_state(w: World, link: int) -> int:
    """Character of a link now."""
    signal = w.net.link_signal[link]
    if signal >= 0:
        return w.links.signal_state[signal]
    return w.net.link_state[link]


@inline
def rear_slot(w: World, lane: int) -> int:
    """Slot of the vehicle that has left a lane with its front only, -1 none."""
    if w.lanes.busy[lane] & BUSY_REAR == 0:
        return -1
    left = w.lanes.left_trip[lane]
    if left < 0:
        return -1
    slot = w.trips.slot[left]
    if slot < 0 or w.slots.odo[slot] - w.lanes.left_odo[lane] >= w.types.length[w.slots.kind[slot]]:
        return -1
    return slot


@inline
def last_slot(w: World, lane: int) -> int:
    """Slot of the last vehicle of a lane, at least with its rear, -1 none."""
    if w.lanes.busy[lane] & BUSY_FRONT == 0:
        return rear_slot(w, lane)
    return w.lanes.first[lane] + w.lanes.count[lane] - 1


@device
def leave_rear(w: World, lane: int, trip: int, odo: float) -> None:
    """The front of a vehicle, which has driven `odo` [m], crosses the end of a lane."""
    if w.lanes.busy[lane] & BUSY_REAR == 0:
        w.lanes.busy[lane] |= BUSY_REAR
        w.pool.trailing[w.pool.num_trailing[0]] = lane
        w.pool.num_trailing[0] += 1
    w.lanes.left_trip[lane] = trip
    w.lanes.left_odo[lane] = odo


@device
def clear_rears(w: World) -> None:
    """Note which lanes the last vehicle has left with its rear, too."""
    pool, k = w.pool, 0
    while k < pool.num_trailing[0]:
        lane = pool.trailing[k]
        if rear_slot(w, lane) >= 0:
            k += 1
            continue
        w.lanes.left_trip[lane] = -1
        w.lanes.busy[lane] &= BUSY_FRONT
        pool.num_trailing[0] -= 1
        pool.trailing[k] = pool.trailing[pool.num_trailing[0]]


@inline
def _rear_before(w: World, lane: int, trip: int) -> int:
    """Lane that leads to a lane and that a vehicle has left with its front only, -1 none."""
    for i in range(w.net.lane_in[lane], w.net.lane_in[lane + 1]):
        before = w.net.link_from[w.net.in_link[i]]
        if w.lanes.left_trip[before] == trip:
            return before
    return -1


@device
def forget_rear(w: World, lane: int, trip: int) -> None:
    """A vehicle vanishes from a lane: its rear no longer stands on those before it."""
    for _ in range(4):
        lane = _rear_before(w, lane, trip)
        if lane < 0:
            return
        w.lanes.left_trip[lane] = -1


@device
def shift_rear(w: World, lane: int, target: int, trip: int) -> None:
    """A vehicle changes lanes: its rear moves over, too, as far back as the lanes behind the two are beside each other."""
    net, lanes = w.net, w.lanes
    for _ in range(4):
        lane = _rear_before(w, lane, trip)
        if lane < 0:
            return
        beside = -1
        for i in range(net.lane_in[target + 1] - 1, net.lane_in[target] - 1, -1):
            before = net.link_from[net.in_link[i]]
            if net.lane_edge[before] == net.lane_edge[lane]:
                beside = before
        if beside < 0:
            return
        if beside != lane:
            lanes.left_trip[lane] = -1
            leave_rear(w, beside, trip, lanes.left_odo[lane])
        target = beside


@device
def _times(w: World, slot: int, inner: int, conflict: int, other: int, foe: int, gap: float) -> tuple[float, float]:
    """When the own vehicle and the foe entered the junction, as their right of way counts it [s]."""
    slots, flags = w.slots, w.net.conflict_flags[conflict]
    own_entry, foe_entry = w.net.lane_entry[inner], w.net.lane_entry[other]
    if w.net.link_from[own_entry] == w.net.link_from[foe_entry]:
        return slots.first_time[slot], slots.first_time[foe]
    own_state, foe_state = link_state(w, own_entry), link_state(w, foe_entry)
    yields, foe_yields = flags & MEET_YIELDS != 0, flags & MEET_FOE_YIELDS != 0
    if is_red(own_state) or is_red(foe_state):
        # whoever was in the other's way first leaves first, unless the foe comes and can't brake any more
        yields, foe_yields = True, True
        if not is_red(foe_state) and slots.speed[foe] > HALTING and gap < 0.0:
            kind, foe_kind, dt = slots.kind[slot], slots.kind[foe], w.params.dt
            room = -gap - w.types.length[foe_kind] - 2.0 * w.types.min_gap[kind]
            next_speed = slots.speed[foe] + w.types.accel[foe_kind] * dt
            yields = room < brake_gap(next_speed, w.types.decel[foe_kind], w.types.tau[foe_kind], dt)
            foe_yields = not yields
    elif is_priority(own_state) != is_priority(foe_state):
        yields = not is_priority(own_state)
        foe_yields = not yields
    elif is_yellow(own_state) and is_yellow(foe_state):
        yields = slots.speed[foe] >= slots.speed[slot]
        foe_yields = slots.speed[slot] >= slots.speed[foe]
    if not yields:
        return slots.junction_time[slot], slots.conflict_time[foe]
    if foe_yields:
        return slots.conflict_time[slot], slots.conflict_time[foe]
    return slots.conflict_time[slot], slots.junction_time[foe]


@device
def _goes_first(w: World, slot: int, lane: int, inner: int, conflict: int, other: int, foe: int, gap: float) -> bool:
    """Is the foe to be followed or waited for? On the same junction: by right of way, then by who entered first."""
    slots, net = w.slots, w.net
    if net.lane_internal[lane] == 0 or net.lane_entry[lane] != net.lane_entry[inner]:
        return True
    front = w.trips.lane[slots.trip[foe]]
    if front < 0 or net.lane_internal[front] == 0 or net.lane_entry[front] != net.lane_entry[other]:
        return True
    own_time, foe_time = _times(w, slot, inner, conflict, other, foe, gap)
    if own_time != foe_time:
        return own_time > foe_time
    if slots.speed[slot] != slots.speed[foe]:
        return slots.speed[slot] < slots.speed[foe]
    return slots.trip[slot] < slots.trip[foe]


@device
def junction_bounds(
    w: World, slot: int, lane: int, inner: int, seen: float, v: float, pass_speed: float, last: int
) -> tuple[float, float, bool]:
    """Bounds from vehicles on the paths that cross, join or leave an internal lane.

    Parameters
    ----------
    lane, inner : lane the vehicle is on; internal lane looked at
    seen : [m] from the vehicle's front to the end of `inner`
    v, pass_speed : [m/s] bounds so far: now, and at the end of `inner`
    last : item of the link before `inner`, -1 none

    Returns
    -------
    v, pass_speed : [m/s]
    may_ask : False where the vehicle gives up its request for what follows
    """
    net, lanes, slots, types = w.net, w.lanes, w.slots, w.types
    may_ask = True
    for c in range(net.conflict_start[inner], net.conflict_start[inner + 1]):
        other = net.conflict_lane[c]
        if lanes.busy[other] == 0:
            continue
        rear = rear_slot(w, other)
        count = lanes.count[other]
        if count == 0 and rear < 0:
            continue
        to_area = seen - net.conflict_behind[c]
        if to_area + net.conflict_size[c] < 0.0 and net.conflict_flags[c] & MEET_TARGET == 0:
            continue
        for k in range(count + 1):
            if k < count:
                foe = lanes.first[other] + k
                back = slots.pos[foe] - types.length[slots.kind[foe]]
            elif rear >= 0:
                foe = rear
                back = net.lane_length[other] + slots.odo[foe] - lanes.left_odo[other] - types.length[slots.kind[foe]]
            else:
                continue
            if foe != slot:
                v, pass_speed, asks = _adapt(w, slot, lane, inner, c, foe, back, k < count, to_area, seen, v, pass_speed, last)
                may_ask = may_ask and asks
    return v, pass_speed, may_ask


@inline
def _past(w: World, kind: int, inner: int, distance: float) -> bool:
    """Is a foe whose rear is `distance` [m] before the end of the area clear of it, the own turn's inner side included?"""
    radius = w.net.lane_radius[inner]
    if radius <= 0.0:
        return distance < 0.0
    half = 0.5 * (w.types.length[kind] + TURN_SLACK)
    if half > radius:
        return False
    return distance + radius - math.sqrt(radius * radius - half * half) < 0.0


@device
def _adapt(
    w: World,
    slot: int,
    lane: int,
    inner: int,
    conflict: int,
    foe: int,
    back: float,
    on_lane: bool,
    to_area: float,
    seen: float,
    v: float,
    pass_speed: float,
    last: int,
) -> tuple[float, float, bool]:
    """Bounds from one vehicle whose rear is at `back` [m] on a conflicting lane."""
    net, slots, types = w.net, w.slots, w.types
    other, flags = net.conflict_lane[conflict], net.conflict_flags[conflict]
    kind, foe_kind = slots.kind[slot], slots.kind[foe]
    foe_length = types.length[foe_kind]
    source, target = flags & MEET_SOURCE != 0, flags & MEET_TARGET != 0
    cont, waits = flags & MEET_CONT != 0, flags & MEET_FOE_FIRST != 0
    foe_size = net.conflict_foe_size[conflict]
    # distance of the foe's rear to the start of the area
    foe_dist = net.lane_length[other] - net.conflict_foe_behind[conflict] - back
    past = _past(w, kind, inner, foe_dist + foe_size)
    in_way = ((not past and to_area > 0.0) or (target and to_area > foe_dist - foe_length)) and foe_dist < foe_length and not waits
    own_entry, foe_entry = net.lane_entry[inner], net.lane_entry[other]
    if not in_way:
        if cont and net.link_from[own_entry] != net.link_from[foe_entry]:
            if is_green(link_state(w, own_entry)) and is_green(link_state(w, foe_entry)):
                return v, pass_speed, True  # it waits for its gap and lets everybody pass
        if to_area < -MARGIN:
            return v, pass_speed, True
    if source and net.lane_edge[lane] == net.lane_edge[inner] and back + foe_length < slots.pos[slot] - types.length[kind]:
        return v, pass_speed, True
    sure = cont or target or source
    if not in_way and on_lane and (not sure or target or slots.dwell[foe] >= 0.0) and slots.requests[foe] & 1 == 0:
        return v, pass_speed, True
    if cont and not source:
        gap = -HUGE
    elif past and not target:
        return v, pass_speed, True
    else:
        if target and foe_dist < 0.0:
            foe_dist += max(0.0, net.conflict_foe_behind[conflict] - net.conflict_behind[conflict])
        gap = to_area - types.min_gap[kind] - foe_dist - foe_size
    if not in_way and not _goes_first(w, slot, lane, inner, conflict, other, foe, gap):
        return v, pass_speed, True
    stop_early = sure if on_lane else (target or source)
    safe = _safe_speed(w, kind, foe, slots.speed[slot], gap, -1.0 if stop_early else to_area, seen - net.lane_length[inner])
    reached = min(safe, slots.speed[slot] + types.accel[kind] * w.params.dt, types.max_speed[kind])
    if last >= 0:
        w.items.leave_speed[last] = min(w.items.leave_speed[last], reached)
    v, pass_speed = min(v, safe), min(pass_speed, reached)
    if last >= 0:
        v = max(v, w.items.speed_wait[last])  # it can still wait before the junction
    return v, pass_speed, not (v < HALTING and _gives_up(w, slot, lane, foe, last))


@device
def _gives_up(w: World, slot: int, lane: int, foe: int, last: int) -> bool:
    """Held up by a foe of the same or the next lane, or one that does not move: leave the right of way to others."""
    slots, net = w.slots, w.net
    front = w.trips.lane[slots.trip[foe]]
    if front >= 0 and net.lane_internal[front] != 0:
        before = net.lane_before[front]
        if before == lane:
            if last >= 0:
                w.items.flags[last] &= NO_REQUEST
            return True
        if net.lane_internal[lane] != 0 and before == net.lane_before[lane]:
            return True
    return slots.dwell[foe] >= 0.0 or slots.halt[foe] > BLOCKED_TIME


@device
def _safe_speed(w: World, kind: int, foe: int, speed: float, gap: float, to_area: float, to_junction: float) -> float:
    """Speed that keeps the gap, or waits before the area, or reaches it after the foe has left it [m/s]."""
    types, dt = w.types, w.params.dt
    foe_speed = w.slots.speed[foe]
    if gap >= 0.0:
        safe = follow_speed(
            types.model[kind], gap, speed, foe_speed, types.apparent_decel[w.slots.kind[foe]], types.max_speed[kind],
            types.accel[kind], types.decel[kind], types.emergency_decel[kind], types.tau[kind], types.delta[kind], dt,
        )  # fmt: skip
    else:
        safe = stop_speed(to_junction - MARGIN, speed, types.decel[kind], types.emergency_decel[kind], dt)
    if to_area < 0.0:
        return safe
    stop = stop_speed(to_area - types.min_gap[kind], speed, types.decel[kind], types.emergency_decel[kind], dt)
    if gap == -HUGE:
        return max(safe, stop)
    clear = (to_area - gap) / max(foe_speed, HALTING)
    final = max(speed, 2.0 * (to_area - types.min_gap[kind]) / clear - speed)
    return max(safe, min(speed + dt * (final - speed) / clear, stop))
