"""Second phase of a step: links are granted, speeds become final, positions move.

Reads what others announced, writes only the vehicle's own slot and its lane's sums.
"""

from __future__ import annotations

from urbanlab.core.draw import uniform
from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.approach import is_open, zipper_speed
from urbanlab.traffic.kernels.arrays import LINK_CONT
from urbanlab.traffic.kernels.change_speed import adapted_speed, forget_wishes
from urbanlab.traffic.kernels.conflicts import ZIPPER, is_priority, is_yellow, link_state
from urbanlab.traffic.kernels.fetch import fetch_links_ahead
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.look_ahead import route_stop, was_major
from urbanlab.traffic.kernels.state import EXPECTS_TO_WAIT, ITEM_REQUEST, NEVER, NUM_ITEMS
from urbanlab.traffic.kernels.stopping_place import free_end, has_room
from urbanlab.traffic.kernels.world import FLAG_CROSS, FLAG_STOP, FLAG_STUCK, World
from urbanlab.traffic.physics.emissions import CO2_COLUMN, FUEL_COLUMNS, fuel_rate
from urbanlab.traffic.physics.following import EPS, brake_gap, dawdled, stop_speed, stops_before

__all__ = ["execute_lanes"]

HALTING = 0.1
DRAW_DAWDLE = 0
STOP_REACHED = 0.5
"""[m] a scheduled stop is reached this close to its place."""


@inline
def _can_brake(distance: float, speed: float, decel: float, dt: float) -> bool:
    return speed < decel * dt or stops_before(distance, speed, decel, 0.0, dt)


@device
def _granted_speed(w: World, lane: int, slot: int, time: float) -> tuple[float, float]:
    """Safe speed after asking for the links ahead, and the speed below which it may not dawdle [m/s]."""
    net, items, slots, types, dt = w.net, w.items, w.slots, w.types, w.params.dt
    v = slots.plan[slot]
    kind = slots.kind[slot]
    speed = slots.speed[slot]
    decel = types.decel[kind]
    least, least_distance, least_brakes = 0.0, 0.0, False
    zipper = 1e9
    waits, closed_entry = 0, 0
    for item in range(slot * NUM_ITEMS, slot * NUM_ITEMS + slots.item[slot]):
        link = items.link[item]
        if link < 0 or items.flags[item] & ITEM_REQUEST == 0:
            if link >= 0 and net.lane_internal[lane] != 0 and net.lane_entry[net.link_from[link]] == net.lane_entry[lane]:
                # it stands on the junction and gives up its turn
                slots.junction_time[slot] = NEVER
                slots.conflict_time[slot] = NEVER
            v = items.speed_wait[item]
            if (v < speed or v < HALTING) and (link >= 0 or route_stop(w, slot, lane, slots.route[slot])):
                waits = 1
            break
        state = link_state(w, link)
        can_brake = _can_brake(items.distance[item], speed, decel, dt)
        yellow = is_yellow(state)
        if yellow and can_brake:
            v, waits = items.speed_wait[item], 1
            break
        opened = yellow or is_open(w, slot, item, can_brake, time)
        if not opened and net.edge_roundabout[net.lane_edge[net.link_to[link]]] != 0:
            closed_entry = 1
        if opened and not (is_priority(state) or net.link_flags[link] & LINK_CONT != 0 or was_major(w, link)):
            if items.distance[item] > net.link_visibility[link] and (can_brake or not yellow):
                v, waits = items.speed_wait[item], 1
                break
            # past the point of no return: be fast enough to get across
            least_distance, least_brakes = items.distance[item], can_brake
            least = min(least_distance / dt + 0.1, min(items.speed_pass[item], speed + types.accel[kind] * dt))
        if opened:
            v = items.speed_pass[item]
            if v < decel and v <= items.speed_wait[item] and v < speed + types.accel[kind] * dt:
                waits = 1
        elif state == ZIPPER:
            zipper = min(zipper, zipper_speed(w, slot, item, can_brake, time))
        elif not can_brake and net.link_signal[link] < 0 and items.distance[item] < brake_gap(speed, types.emergency_decel[kind], 0.0, dt):
            v = items.speed_pass[item]
        else:
            v, waits = items.speed_wait[item], 1
            break
        if net.lane_internal[lane] != 0 and slots.junction_time[slot] >= NEVER:
            slots.junction_time[slot] = time  # its turn has come again
    if v + EPS < least:
        if least_brakes and v < speed:
            # it will not make it across in this step, so it has to stop before the link
            slow = max(max(0.0, speed - decel * dt), stop_speed(least_distance, speed, decel, types.emergency_decel[kind], dt))
            v, least, waits = min(v, slow), 0.0, 1
        else:
            least = v
    slots.entry[slot] = closed_entry
    slots.waits[slot] = 0 if net.edge_roundabout[net.lane_edge[lane]] != 0 else waits
    return min(v, zipper), least


@device
def execute_lanes(w: World, begin: int, end: int, step: int, time: float) -> int:
    """Move all vehicles of a range of active lanes; the number of vehicles moved."""
    moved = 0
    for a in range(begin, end):
        fetch_links_ahead(w, a)
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
        return _wait_at_stop(w, lane, slot, kind)
    safe, least = slots.plan[slot], 0.0
    if slots.item[slot] > 0:
        safe, least = _granted_speed(w, lane, slot, time)
    else:
        slots.waits[slot] = 1 if slots.asked[slot] & EXPECTS_TO_WAIT != 0 else 0
        slots.entry[slot] = 0
    slots.requests[slot] = slots.asked[slot] & ~EXPECTS_TO_WAIT
    lowest = max(0.0, speed - types.decel[kind] * dt)
    hardest = max(0.0, speed - types.emergency_decel[kind] * dt)
    v_min = min(lowest, max(safe, hardest))
    v_max = max(v_min, min(safe, min(speed + types.accel[kind] * dt, max(lane_speed, lowest))))
    draw = uniform(w.trips.key[slots.trip[slot]], step, DRAW_DAWDLE)
    v = max(v_min, dawdled(v_max, types.accel[kind], types.sigma[kind], draw, dt)) if types.model[kind] == 0 else v_max
    v = adapted_speed(slots, types, slot, kind, v_min, v, v_max, speed, dt)
    if w.net.edge_num_lanes[w.net.lane_edge[lane]] < 2:
        forget_wishes(slots, slot)
    if v > 0.0:
        v = max(v, min(least, v_max))
    if speed - v > types.decel[kind] * dt * 1.5 and v < HALTING:
        lanes.braking[lane] += 1
    slots.speed[slot] = v
    slots.pos[slot] += v * dt
    slots.odo[slot] += v * dt
    flag = 0
    if _reaches_stop(w, lane, slot, v, time):
        _count_stop(w, lane, slot, kind)
        if w.stops.parking[slots.stop[slot]] != 0:
            flag = FLAG_STOP
        elif slots.dwell[slot] <= EPS:
            _leave_stop(w, slot)
    else:
        _count(w, lane, slot, kind, speed, v, lane_speed)
    if slots.pos[slot] > w.net.lane_length[lane]:
        flag |= FLAG_CROSS
    if w.net.lane_internal[lane] == 0 and w.routes.last[slots.route[slot]] != 0:
        if slots.pos[slot] > w.departures.arrival_pos[slots.trip[slot]] - 0.1:
            flag |= FLAG_CROSS
    return flag


@inline
def _reaches_stop(w: World, lane: int, slot: int, v: float, time: float) -> bool:
    """Does the vehicle stand at its next scheduled stop? The step in which it gets there counts as the first of its stay."""
    slots, stop = w.slots, w.slots.stop[slot]
    if stop < 0 or v >= HALTING or w.stops.lane[stop] != lane or w.stops.route[stop] != slots.route[slot]:
        return False
    pos, kind = slots.pos[slot], slots.kind[slot]
    if w.stops.place[stop] < 0:
        if pos < w.stops.end[stop] - STOP_REACHED and (pos < w.stops.start[stop] or v > EPS):
            return False
    elif not has_room(w, stop, kind, pos):
        return False
    elif pos < free_end(w, slot, stop, NEVER) - STOP_REACHED:
        # in a queue, but as a whole within the stop: that will do
        if pos - w.types.length[kind] < w.stops.start[stop] or slots.halt[slot] < 1.5 * w.params.dt:
            return False
    until = w.stops.until[stop]
    stay = max(w.stops.duration[stop], until - time if until >= 0.0 else 0.0)
    slots.dwell[slot] = max(0.0, stay - w.params.dt)
    slots.halt[slot] = 0.0
    return True


@inline
def _count_stop(w: World, lane: int, slot: int, kind: int) -> None:
    """A step at a scheduled stop: neither waiting nor loss."""
    dt = w.params.dt
    w.slots.stop_time[slot] += dt
    w.lanes.seconds[lane] += dt
    table, row = w.types.fuel, w.types.emission[kind] * FUEL_COLUMNS
    w.slots.fuel[slot] += table[row] * dt * 1e-3
    w.slots.co2[slot] += table[row] * dt * 1e-3 * table[row + CO2_COLUMN]


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
    rate = fuel_rate(v, (v - speed) / dt, table, row)
    slots.fuel[slot] += rate * dt * 1e-3
    slots.co2[slot] += rate * dt * 1e-3 * table[row + CO2_COLUMN]


@inline
def _wait_at_stop(w: World, lane: int, slot: int, kind: int) -> int:
    """A vehicle at a scheduled stop."""
    slots = w.slots
    slots.speed[slot] = 0.0
    slots.dwell[slot] -= w.params.dt
    _count_stop(w, lane, slot, kind)
    if slots.dwell[slot] <= EPS:
        _leave_stop(w, slot)
    return 0


@inline
def _leave_stop(w: World, slot: int) -> None:
    """The stay at a scheduled stop is over: the vehicle is free from the next step on."""
    slots = w.slots
    slots.dwell[slot] = -1.0
    slots.stop[slot] = w.stops.next[slots.stop[slot]]
    slots.route[slot] += 1  # the position behind the stop
