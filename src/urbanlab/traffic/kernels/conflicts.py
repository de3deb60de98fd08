"""Vehicles inside a junction as leaders of those that follow or cross their path.

Model: as SUMO's link leaders (Erdmann and Krajzewicz 2014, "SUMO's road intersection model"): both paths are laid
over each other so that the conflict points coincide; a vehicle that is on the junction first, or stands in the
way, is followed or waited for.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import CONFLICT_DIVERGE, CONFLICT_MERGE
from urbanlab.traffic.physics.following import brake_gap, follow_speed, stop_speed
from urbanlab.traffic.kernels.world import World

__all__ = [
    "forget_rear",
    "is_green",
    "is_priority",
    "is_red",
    "is_yellow",
    "junction_speed",
    "link_state",
    "rear_slot",
]

HUGE = 1e9
MARGIN = 0.1
HALTING = 0.1


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
    left = w.lanes.left_trip[lane]
    if left < 0:
        return -1
    slot = w.trips.slot[left]
    if slot < 0 or w.slots.odo[slot] - w.lanes.left_odo[lane] >= w.types.length[w.slots.kind[slot]]:
        return -1
    return slot


@device
def forget_rear(w: World, lane: int, trip: int) -> None:
    """A vehicle vanishes from a lane: its rear no longer stands on those before it."""
    for _ in range(4):
        found = -1
        for i in range(w.net.lane_in[lane], w.net.lane_in[lane + 1]):
            before = w.net.link_from[w.net.in_link[i]]
            if w.lanes.left_trip[before] == trip:
                w.lanes.left_trip[before] = -1
                found = before
        if found < 0:
            return
        lane = found


@device
def _goes_first(w: World, slot: int, conflict: int, own_entry: int, foe_entry: int, foe: int, same_source: bool, gap: float) -> bool:
    """Does the foe, on the same junction, go first? By right of way, then by who entered first."""
    slots = w.slots
    own_time = slots.conflict_time[slot]
    foe_time = slots.junction_time[foe]
    if same_source:
        own_time = slots.junction_time[slot]
    else:
        own_state = link_state(w, own_entry)
        foe_state = link_state(w, foe_entry)
        yields = w.net.conflict_yield[conflict] & 1 != 0
        foe_yields = w.net.conflict_yield[conflict] & 2 != 0
        if is_red(own_state) or is_red(foe_state):
            # whoever is stuck on the junction after green may leave it
            yields = is_red(foe_state)
            foe_yields = is_red(own_state)
            if not is_red(foe_state) and slots.speed[foe] > HALTING and gap < 0.0:
                kind = slots.kind[foe]
                room = -gap - w.types.length[kind]
                yields = room < brake_gap(slots.speed[foe], w.types.decel[kind], w.types.tau[kind], w.params.dt)
                foe_yields = not yields
        elif is_priority(own_state) != is_priority(foe_state):
            yields = not is_priority(own_state)
            foe_yields = not yields
        if not yields:
            foe_time = slots.conflict_time[foe]
            own_time = slots.junction_time[slot]
        elif foe_yields:
            foe_time = slots.conflict_time[foe]
    if own_time != foe_time:
        return own_time > foe_time
    if slots.speed[slot] != slots.speed[foe]:
        return slots.speed[slot] < slots.speed[foe]
    return slots.trip[slot] > slots.trip[foe]


@device
def junction_speed(w: World, slot: int, lane: int, inner: int, seen: float, v: float, wait: float, ahead_link: bool) -> float:
    """Speed bound from vehicles on the paths that cross, join or leave an internal lane [m/s].

    Parameters
    ----------
    lane, inner : lane the vehicle is on; internal lane looked at
    seen : [m] from the vehicle's front to the end of `inner`
    v, wait : [m/s] bound so far; speed that stops before the junction
    ahead_link : the vehicle has a link ahead at which it could still wait
    """
    net, lanes, slots, types = w.net, w.lanes, w.slots, w.types
    start = seen - net.lane_length[inner]
    for c in range(net.conflict_start[inner], net.conflict_start[inner + 1]):
        other = net.conflict_lane[c]
        rear = rear_slot(w, other)
        if lanes.count[other] == 0 and rear < 0:
            continue
        kind_of_conflict = net.conflict_kind[c]
        own_dist = start + net.conflict_own[c]
        if own_dist + net.conflict_own_size[c] < 0.0 and kind_of_conflict != CONFLICT_MERGE:
            continue
        for k in range(lanes.count[other] + 1):
            if k < lanes.count[other]:
                foe = lanes.first[other] + k
                back = slots.pos[foe] - types.length[slots.kind[foe]]
                on_lane = True
            else:
                if rear < 0:
                    continue
                foe = rear
                back = net.lane_length[other] + slots.odo[foe] - lanes.left_odo[other] - types.length[slots.kind[foe]]
                on_lane = False
            if foe != slot:
                v = _adapt(w, slot, lane, inner, c, other, foe, back, on_lane, own_dist, seen, v, wait, ahead_link)
    return v


@device
def _adapt(
    w: World,
    slot: int,
    lane: int,
    inner: int,
    conflict: int,
    other: int,
    foe: int,
    back: float,
    on_lane: bool,
    own_dist: float,
    seen: float,
    v: float,
    wait: float,
    ahead_link: bool,
) -> float:
    """Bound from one vehicle on a conflicting lane [m/s]."""
    net, slots, types, dt = w.net, w.slots, w.types, w.params.dt
    kind, foe_kind = slots.kind[slot], slots.kind[foe]
    foe_length = types.length[foe_kind]
    merge = net.conflict_kind[conflict] == CONFLICT_MERGE
    diverge = net.conflict_kind[conflict] == CONFLICT_DIVERGE
    foe_size = net.conflict_foe_size[conflict]
    back_dist = net.conflict_foe[conflict] - back
    past = back_dist + foe_size < 0.0
    entered = back_dist < foe_length
    foe_exit = net.lane_out[other]
    waits_inside = net.lane_internal[net.link_next[foe_exit]] != 0
    own_waits = net.lane_internal[net.link_next[net.lane_out[inner]]] != 0 or net.link_from[net.lane_entry[inner]] != _before(w, inner)
    cont = waits_inside and not own_waits
    in_way = (
        ((not past and own_dist > 0.0) or (merge and own_dist > back_dist - foe_length)) and entered and not waits_inside
    )
    own_entry, foe_entry = net.lane_entry[inner], net.lane_entry[other]
    if not in_way:
        if cont and is_green(link_state(w, own_entry)) and is_green(link_state(w, foe_entry)) and not diverge:
            return v
        if own_dist < -MARGIN:
            return v
    if diverge and lane == inner and back + foe_length < slots.pos[slot] - types.length[kind]:
        return v
    if cont and not diverge:
        gap = -HUGE
    elif past and not merge:
        return v
    else:
        gap = own_dist - types.min_gap[kind] - back_dist - foe_size
    on_junction = net.lane_internal[lane] != 0 and net.lane_entry[lane] == own_entry
    leads = True
    if on_junction and on_lane and not in_way:
        leads = _goes_first(w, slot, conflict, own_entry, foe_entry, foe, diverge, gap)
    if not leads:
        return v
    speed = slots.speed[slot]
    if gap >= 0.0:
        safe = follow_speed(
            types.model[kind], gap, speed, slots.speed[foe], types.apparent_decel[foe_kind], types.max_speed[kind],
            types.accel[kind], types.decel[kind], types.emergency_decel[kind], types.tau[kind], types.delta[kind], dt,
        )  # fmt: skip
    else:
        safe = stop_speed(seen - net.lane_length[inner] - MARGIN, speed, types.decel[kind], types.emergency_decel[kind], dt)
    stop_early = (cont or merge or diverge) if on_lane else (merge or diverge)
    if own_dist >= 0.0 and not stop_early:
        stop = stop_speed(own_dist - types.min_gap[kind], speed, types.decel[kind], types.emergency_decel[kind], dt)
        if gap == -HUGE:
            safe = max(safe, stop)
        else:
            # reach the crossing only after the foe has left it
            clear = (own_dist - gap) / max(slots.speed[foe], HALTING)
            final = max(speed, 2.0 * (own_dist - types.min_gap[kind]) / clear - speed)
            safe = max(safe, min(speed + dt * (final - speed) / clear, stop))
    v = min(v, safe)
    if ahead_link:
        v = max(v, wait)
    return v


@inline
def _before(w: World, inner: int) -> int:
    """Lane before an internal lane."""
    return w.net.link_from[w.net.in_link[w.net.lane_in[inner]]]


