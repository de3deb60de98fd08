"""Second phase of a step: links are granted, speeds become final, positions move.

Reads what others announced, writes only the vehicle's own slot and its lane's sums.
"""

from __future__ import annotations


from urbanlab.core.draw import uniform
from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_WATCHED
from urbanlab.traffic.kernels.change_speed import adapted_speed
from urbanlab.traffic.kernels.conflicts import link_state
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.physics.emissions import FUEL_COLUMNS, fuel_rate
from urbanlab.traffic.physics.following import EPS, brake_gap, dawdled, stop_speed
from urbanlab.traffic.physics.gaps import LOOKAHEAD_ZIPPER, blocked_by, braking_arrival, impatience
from urbanlab.traffic.kernels.state import ITEM_ASK, ITEM_ZIPPER, NUM_ITEMS
from urbanlab.traffic.kernels.world import FLAG_CROSS, FLAG_STOP, FLAG_STUCK, World

__all__ = ["announce", "execute_lanes", "forget"]

HALTING = 0.1
DRAW_DAWDLE = 0
STOP_REACHED = 0.5
"""[m] a scheduled stop is reached this close to its place."""


@device
def announce(w: World) -> None:
    """Hang the announcements of this step onto their links. Serial: the lists are shared."""
    items, links, slots = w.items, w.links, w.slots
    for a in range(w.pool.num_active[0]):
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes:
            continue
        first = w.lanes.first[lane]
        for slot in range(first, first + w.lanes.count[lane]):
            for item in range(slot * NUM_ITEMS, slot * NUM_ITEMS + slots.item[slot]):
                link = items.link[item]
                if w.net.link_flags[link] & LINK_WATCHED == 0:
                    continue
                if links.head[link] < 0:
                    links.touched[links.num_touched[0]] = link
                    links.num_touched[0] += 1
                items.next[item] = links.head[link]
                links.head[link] = item


@device
def forget(w: World) -> None:
    """Take all announcements off."""
    for k in range(w.links.num_touched[0]):
        w.links.head[w.links.touched[k]] = -1
    w.links.num_touched[0] = 0


@device
def _is_open(w: World, slot: int, item: int, can_brake: bool, time: float) -> bool:
    """May the vehicle use the link, given everybody that has to be yielded to?"""
    net, items, slots, types, dt = w.net, w.items, w.slots, w.types, w.params.dt
    kind = slots.kind[slot]
    link = items.link[item]
    state = link_state(w, net.lane_entry[net.link_from[link]]) if net.lane_internal[net.link_from[link]] else link_state(w, link)
    waited = slots.halt[slot]
    stop_first = state == 115 or state == 119
    if stop_first and waited <= 0.0:
        return False
    patience = impatience(types.impatience[kind], waited, w.params.impatience_time) if can_brake else 1.0
    margin = LOOKAHEAD_ZIPPER if state == 90 else types.timegap_minor[kind]
    for y in range(net.yield_start[link], net.yield_start[link + 1]):
        other = net.yield_link[y]
        foe_item = w.links.head[other]
        while foe_item >= 0:
            if foe_item // NUM_ITEMS != slot:
                foe_kind = slots.kind[foe_item // NUM_ITEMS]
                if _blocks(w, item, foe_item, kind, foe_kind, patience, margin, state, waited, time, dt):
                    return False
            foe_item = items.next[foe_item]
    return True


@inline
def _blocks(
    w: World,
    item: int,
    foe_item: int,
    kind: int,
    foe_kind: int,
    patience: float,
    margin: float,
    state: int,
    waited: float,
    time: float,
    dt: float,
) -> bool:
    items, types, net = w.items, w.types, w.net
    arrive, foe_arrive = items.arrive[item], items.arrive[foe_item]
    if state == 119:  # all-way stop: who has waited longer goes first
        if waited > items.waited[foe_item]:
            return False
        if waited == items.waited[foe_item] and arrive < foe_arrive:
            return False
    foe_speed = items.brake_speed[foe_item]
    foe_decel = types.decel[foe_kind]
    if patience > 0.0 and arrive < foe_arrive:
        late, slow = braking_arrival(arrive, foe_arrive, items.distance[foe_item], foe_decel * patience, time, dt)
        foe_arrive = (1.0 - patience) * foe_arrive + patience * late
        if slow >= 0.0:
            foe_speed = slow
    same_target = net.link_to[items.link[item]] == net.link_to[items.link[foe_item]]
    return blocked_by(
        arrive, items.leave[item], items.arrive_speed[item], items.leave_speed[item], types.decel[kind],
        foe_arrive, items.leave[foe_item], foe_speed, items.leave_speed[foe_item], foe_decel, margin, same_target,
    )  # fmt: skip


@device
def _granted_speed(w: World, slot: int, time: float) -> tuple[float, float]:
    """Safe speed after asking for the links ahead, and the speed below which it may not dawdle [m/s]."""
    items, slots, types, dt = w.items, w.slots, w.types, w.params.dt
    v = slots.plan[slot]
    kind = slots.kind[slot]
    speed = slots.speed[slot]
    decel = types.decel[kind]
    least = 0.0
    distance = 0.0
    can_brake = True
    for item in range(slot * NUM_ITEMS, slot * NUM_ITEMS + slots.item[slot]):
        if items.flags[item] & ITEM_ASK == 0:
            continue
        brakes = items.distance[item] > brake_gap(speed, decel, 0.0, dt) or speed < decel * dt
        if not _is_open(w, slot, item, brakes, time):
            hopeless = items.distance[item] < brake_gap(speed, types.emergency_decel[kind], 0.0, dt)
            if brakes or w.net.link_signal[items.link[item]] >= 0 or not hopeless:
                return items.speed_wait[item], 0.0
            continue
        if items.flags[item] & ITEM_ZIPPER == 0:
            distance = items.distance[item]
            least = min(distance + 0.1, min(items.speed_pass[item], speed + types.accel[kind] * dt))
            can_brake = brakes
    if v + EPS < least:
        if can_brake and v < speed:
            # it will not make it across in this step, so it has to stop before the link
            slow = max(max(0.0, speed - decel * dt), stop_speed(distance, speed, decel, types.emergency_decel[kind], dt))
            return min(v, slow), 0.0
        least = v
    return v, least


@device
def execute_lanes(w: World, begin: int, end: int, step: int, time: float) -> int:
    """Move all vehicles of a range of active lanes; the number of vehicles moved."""
    moved = 0
    for a in range(begin, end):
        lane = w.pool.active[a]
        w.flags[a] = 0
        if lane >= w.params.num_lanes:
            moved += w.lanes.count[lane]
            continue
        first = w.lanes.first[lane]
        flag = 0
        for slot in range(first, first + w.lanes.count[lane]):
            flag |= _move(w, lane, slot, step, time)
        if w.params.teleport_after > 0.0:
            for slot in range(first, first + w.lanes.count[lane]):
                if w.slots.dwell[slot] < 0.0:
                    if w.slots.halt[slot] > w.params.teleport_after:
                        flag |= FLAG_STUCK
                    break
        w.flags[a] = flag
        moved += w.lanes.count[lane]
    return moved


@device
def _move(w: World, lane: int, slot: int, step: int, time: float) -> int:
    """Final speed and new position of one vehicle; flags for the serial phase."""
    slots, types, lanes, dt = w.slots, w.types, w.lanes, w.params.dt
    kind = slots.kind[slot]
    speed = slots.speed[slot]
    slots.last_speed[slot] = speed
    lane_speed = lane_limit(w, lane, kind, slots.factor[slot])
    if slots.dwell[slot] >= 0.0:
        return _wait_at_stop(w, lane, slot, kind, time)
    safe, least = slots.plan[slot], 0.0
    if slots.item[slot] > 0:
        safe, least = _granted_speed(w, slot, time)
    lowest = max(0.0, speed - types.decel[kind] * dt)
    hardest = max(0.0, speed - types.emergency_decel[kind] * dt)
    v_min = min(lowest, max(safe, hardest))
    v_max = max(v_min, min(safe, min(speed + types.accel[kind] * dt, max(lane_speed, lowest))))
    draw = uniform(w.trips.key[slots.trip[slot]], step, DRAW_DAWDLE)
    v = max(v_min, dawdled(v_max, types.accel[kind], types.sigma[kind], draw, dt)) if types.model[kind] == 0 else v_max
    v = adapted_speed(slots, types, slot, kind, v_min, v, v_max, speed, dt)
    v = max(v, min(least, v_max))
    if speed - v > types.decel[kind] * dt * 1.5 and v < HALTING:
        lanes.braking[lane] += 1
    slots.speed[slot] = v
    slots.pos[slot] += v * dt
    slots.odo[slot] += v * dt
    _count(w, lane, slot, kind, speed, v, lane_speed)
    flag = FLAG_CROSS if slots.pos[slot] > w.net.lane_length[lane] else 0
    if w.net.lane_internal[lane] == 0 and w.routes.last[slots.route[slot]] != 0:
        if slots.pos[slot] > w.departures.arrival_pos[slots.trip[slot]] - 0.1:
            flag |= FLAG_CROSS
    stop = slots.stop[slot]
    if stop >= 0 and w.stops.lane[stop] == lane and w.stops.route[stop] == slots.route[slot] and v < HALTING:
        if slots.pos[slot] >= w.stops.end[stop] - STOP_REACHED or (slots.pos[slot] >= w.stops.start[stop] and v <= EPS):
            until = w.stops.until[stop]
            slots.dwell[slot] = max(w.stops.duration[stop], until - time if until >= 0.0 else 0.0)
            slots.halt[slot] = 0.0
            if w.stops.parking[stop] != 0:
                flag |= FLAG_STOP
    return flag


@inline
def _count(w: World, lane: int, slot: int, kind: int, speed: float, v: float, lane_speed: float) -> None:
    """Times, emissions and the lane's sums."""
    slots, lanes, types, dt = w.slots, w.lanes, w.types, w.params.dt
    lanes.seconds[lane] += dt
    lanes.metres[lane] += v * dt
    if v < HALTING:
        if slots.halt[slot] == 0.0:
            slots.halts[slot] += 1
        slots.halt[slot] += dt
        slots.waiting[slot] += dt
        lanes.waiting[lane] += dt
    else:
        slots.halt[slot] = 0.0
    if v < lane_speed:
        lost = dt * (lane_speed - v) / lane_speed
        slots.loss[slot] += lost
        lanes.loss[lane] += lost
    table, row = types.fuel, types.emission[kind] * FUEL_COLUMNS
    rate = fuel_rate(
        v, (v - speed) / dt, table[row], table[row + 1], table[row + 2], table[row + 3], table[row + 4], table[row + 5]
    )
    slots.fuel[slot] += rate * dt * 1e-3
    slots.co2[slot] += rate * dt * 1e-3 * table[row + 6]


@inline
def _wait_at_stop(w: World, lane: int, slot: int, kind: int, time: float) -> int:
    """A vehicle at a scheduled stop: neither waiting nor loss."""
    slots, dt = w.slots, w.params.dt
    slots.speed[slot] = 0.0
    slots.stop_time[slot] += dt
    w.lanes.seconds[lane] += dt
    slots.dwell[slot] -= dt
    slots.fuel[slot] += w.types.fuel[w.types.emission[kind] * FUEL_COLUMNS] * dt * 1e-3
    if slots.dwell[slot] <= 0.0:
        slots.dwell[slot] = -1.0
        slots.stop[slot] = w.stops.next[slots.stop[slot]]
        slots.route[slot] += 1  # the position behind the stop
    return 0
