"""Looking at the links ahead: how fast a vehicle may pass each, how fast it may drive if it has to wait, when it arrives."""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_INSIDE
from urbanlab.traffic.kernels.conflicts import ZIPPER, is_priority, is_red, is_yellow, junction_bounds, last_slot, link_state, rear_slot
from urbanlab.traffic.kernels.limits import following_speed, lane_limit, stopping_speed, top_speed
from urbanlab.traffic.kernels.state import BUSY_FRONT, ITEM_REQUEST, NUM_ITEMS
from urbanlab.traffic.kernels.stopping_place import free_end
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import (
    EPS,
    arrival_time,
    brake_gap,
    can_stop,
    free_speed,
    safe_stop_speed,
    speed_after,
    speed_after_up_to,
    stop_speed,
)

__all__ = ["announce_far", "lane_row", "look_ahead", "next_link", "route_stop", "was_major"]

STOP_MARGIN = 0.1
"""[m] nobody stops closer to a line than this."""

YELLOW_DECEL = 3.0
"""[m/s^2] drivers brake at least this hard for yellow and red (SUMO's tls.yellow.min-decel)."""

MOVING = 1e-4
"""[m/s] slower is standing when it comes to asking for a link."""

ROOM_LENGTHS = 5.0
"""Own lengths that have to be seen behind a junction before it is known whether it can be left."""

HORIZON = 30.0
"""[s] whoever arrives later than this blocks nobody, but at a zipper."""


@inline
def lane_row(w: World, lane: int, route: int) -> int:
    """Row of a lane in the route's table of lanes; inside a junction: of the lane that it leads to."""
    net = w.net
    if net.lane_internal[lane] != 0:
        lane = net.link_to[net.lane_out[lane]]
        route += 1
    return w.routes.best_start[route] + lane - net.edge_first_lane[net.lane_edge[lane]]


@inline
def next_link(w: World, lane: int, route: int) -> int:
    """Link a vehicle takes from a lane, -1 where it can't go on."""
    net = w.net
    if net.lane_internal[lane] != 0:
        link = net.lane_out[lane]
        return link if link < net.lane_out[lane + 1] else -1
    row = w.routes.best_start[route] + lane - net.edge_first_lane[net.lane_edge[lane]]
    return w.routes.best_link[row]


@inline
def route_stop(w: World, slot: int, lane: int, route: int) -> bool:
    """Is the next scheduled stop at this place of the route, on the edge of this lane?"""
    stop = w.slots.stop[slot]
    return (
        stop >= 0
        and w.net.lane_internal[lane] == 0
        and w.stops.route[stop] == route
        and w.net.lane_edge[w.stops.lane[stop]] == w.net.lane_edge[lane]
    )


@device
def was_major(w: World, link: int) -> bool:
    """Links behind a waiting point: was the junction entered with priority, or does the signal there show yellow now?"""
    net = w.net
    if net.link_flags[link] & LINK_INSIDE == 0 or net.lane_internal[net.link_next[link]] == 0:
        return False
    state = link_state(w, net.lane_entry[net.link_from[link]])
    return is_priority(state) or is_yellow(state)


@inline
def _leave_speed(w: World, slot: int, link: int, kind: int, arrive_speed: float) -> float:
    """Speed at the end of the link [m/s]."""
    limit = lane_limit(w, w.net.link_next[link], kind, w.slots.factor[slot])
    return speed_after_up_to(limit, w.net.link_length[link], arrive_speed, w.types.accel[kind])


@inline
def _write_times(w: World, item: int, kind: int, v: float, arrive_speed: float, time: float) -> None:
    """When and how fast a vehicle arrives at the link of an item if it drives `v` now, and if it brakes from now on."""
    items, types, dt = w.items, w.types, w.params.dt
    seen, decel = items.distance[item], types.decel[kind]
    items.arrive[item] = time - dt + arrival_time(seen, v, arrive_speed, types.accel[kind], decel)
    items.arrive_speed[item] = arrive_speed
    items.waited[item] = w.slots.halt[item // NUM_ITEMS]
    items.speed[item] = w.slots.speed[item // NUM_ITEMS]
    slow = 0.0
    if not can_stop(v, seen, decel, types.tau[kind]) and seen < brake_gap(v, decel, types.tau[kind], dt):
        slow = min(arrive_speed, max(0.0, v * v - 2.0 * decel * seen) ** 0.5)
    items.brake_speed[item] = slow


@device
def announce_far(w: World, slot: int, link: int, kind: int, seen: float, v: float, arrive_speed: float, time: float) -> None:
    """Item of a vehicle that is only announced: too far away to be slowed down by the link."""
    late = arrival_time(seen, v, arrive_speed, w.types.accel[kind], w.types.decel[kind]) > HORIZON
    if late and link_state(w, link) != ZIPPER:
        return
    items, item = w.items, slot * NUM_ITEMS
    items.link[item] = link
    items.distance[item] = seen
    items.flags[item] = ITEM_REQUEST
    items.speed_pass[item] = items.speed_wait[item] = v
    items.leave_speed[item] = _leave_speed(w, slot, link, kind, arrive_speed)
    _write_times(w, item, kind, v, arrive_speed, time)
    w.slots.item[slot] = 1
    w.slots.asked[slot] = 1


@inline
def _end(w: World, slot: int, num: int, v: float, seen: float, space: float) -> int:
    """Last item: nothing lies beyond that could be asked for."""
    if num == NUM_ITEMS:
        num -= 1
    item = slot * NUM_ITEMS + num
    w.items.link[item] = -1
    w.items.flags[item] = 0
    w.items.distance[item] = seen
    w.items.space[item] = space
    w.items.speed_pass[item] = w.items.speed_wait[item] = v
    return num + 1


@inline
def _lower_leave(w: World, last: int, speed: float) -> None:
    """The lane behind the last link may only be left more slowly."""
    if last >= 0:
        w.items.leave_speed[last] = min(w.items.leave_speed[last], speed)


@device
def _arrival_bound(w: World, slot: int, lane: int, seen: float, lane_speed: float) -> float:
    """Bound on the last edge: to be at the arrival place with the wanted speed [m/s]."""
    trip, kind = w.slots.trip[slot], w.slots.kind[slot]
    wanted = w.departures.arrival_speed[trip]
    target = wanted if wanted >= 0.0 else lane_speed
    distance = seen + w.departures.arrival_pos[trip] - w.net.lane_length[lane] - target * w.params.dt
    return max(EPS, free_speed(distance, target, w.types.decel[kind], w.params.dt))


@device
def _wait_distance(w: World, lane: int, link: int, kind: int, state: int, seen: float, brake: float) -> float:
    """Where it stops if it has to wait: before a signal with a gap, before a minor road as near as it may [m]."""
    offset = 0.0
    if is_red(state) or is_yellow(state):
        offset = w.types.stopline_gap[kind]
    elif is_priority(state):
        offset = min(w.types.stopline_gap[kind], w.net.link_visibility[link] - STOP_MARGIN)
    if seen >= brake:
        offset = min(offset, seen - brake)
    return max(0.0, seen - max(STOP_MARGIN, offset))


@device
def _onto_lane(w: World, slot: int, link: int, seen: float, v: float, desired: float) -> tuple[float, float, float]:
    """Bounds from the next lane: its limit and its last vehicle: (v, at its start, leave speed of the link) [m/s]."""
    net, lanes, slots, types, dt = w.net, w.lanes, w.slots, w.types, w.params.dt
    kind, speed, here = slots.kind[slot], slots.speed[slot], net.link_next[link]
    if lanes.busy[here] & BUSY_FRONT != 0:
        leader = lanes.first[here] + lanes.count[here] - 1
        back = slots.pos[leader] - types.length[slots.kind[leader]]
    else:
        leader = rear_slot(w, here)
        back = net.lane_length[here] + slots.odo[leader] - lanes.left_odo[here] - types.length[slots.kind[leader]] if leader >= 0 else 0.0
    if leader < 0 or leader == slot:
        return v, 1e9, 1e9
    gap = seen + back - types.min_gap[kind]
    before = net.link_from[link]
    if gap < 0.0 and back < 0.0 and rear_slot(w, before) != leader and before != w.trips.lane[slots.trip[leader]]:
        # its rear still stands on another way to this lane: stop before the junction
        room = seen - STOP_MARGIN - (net.lane_length[before] if net.lane_internal[before] != 0 else 0.0)
        safe = stop_speed(room, speed, types.decel[kind], types.emergency_decel[kind], dt)
    else:
        safe = following_speed(w, kind, gap, speed, leader, desired, max(v, desired))
    return min(v, safe), safe, gap


@device
def look_ahead(w: World, lane: int, slot: int, v: float, lane_speed: float, pass_speed: float, look: float, time: float) -> int:
    """Write the items of one vehicle; their number.

    Parameters
    ----------
    lane, slot : where it is
    v : [m/s] bound from its own lane
    lane_speed : [m/s] desired on its own lane
    pass_speed : [m/s] at the end of its own lane, at most
    look : [m] beyond this nothing can slow it down
    """
    net, slots, types, items, dt = w.net, w.slots, w.types, w.items, w.params.dt
    kind, speed, factor = slots.kind[slot], slots.speed[slot], slots.factor[slot]
    accel, decel, emergency = types.accel[kind], types.decel[kind], types.emergency_decel[kind]
    lowest = max(0.0, speed - decel * dt)
    max_speed = top_speed(types, kind, factor)
    reached = min(speed + accel * dt, types.max_speed[kind])  # SUMO's safe speeds behind somebody are never more than this
    length = types.length[kind]
    brake = brake_gap(speed, decel, 0.0, dt)
    route, here, num, last = slots.route[slot], lane, 0, -1
    seen = net.lane_length[lane] - slots.pos[slot]
    inside_seen = seen if net.lane_internal[lane] != 0 else 0.0
    outside_seen, crossed = 0.0, False
    slowed = False
    while True:
        inside = net.lane_internal[here] != 0
        if route_stop(w, slot, here, route):
            place = free_end(w, slot, slots.stop[slot], time - 1.5 * dt) + EPS
            distance = seen + place - net.lane_length[here]
            stop = max(stopping_speed(distance, speed, decel, emergency, dt, v), lowest)
            _lower_leave(w, last, stop_speed(place, pass_speed, decel, emergency, dt))
            return _end(w, slot, num, min(v, stop), distance, 0.0)
        if not inside and w.routes.last[route] != 0:
            bound = _arrival_bound(w, slot, here, seen, lane_speed)
            _lower_leave(w, last, bound)
            return _end(w, slot, num, min(v, bound), seen, 1000.0)
        link = next_link(w, here, route)
        if link < 0:
            stop = stop_speed(seen, speed, decel, emergency, dt)
            _lower_leave(w, last, min(stop, reached))
            return _end(w, slot, num, min(v, stop), seen, 0.0)
        state = link_state(w, link)
        held = is_red(state) or is_yellow(state)
        stop_decel = max(min(YELLOW_DECEL, emergency), decel) if held else decel
        stop_brake = brake_gap(speed, stop_decel, 0.0, dt) if held else brake
        stop_distance = _wait_distance(w, here, link, kind, state, seen, stop_brake)
        leaving = net.lane_internal[lane] != 0 and num == 0
        asks = (v > MOVING and not (slowed and not inside)) or leaving
        wait = min(v, stopping_speed(stop_distance, speed, stop_decel, emergency, dt, v))
        item = slot * NUM_ITEMS + num
        items.link[item], items.distance[item], items.space[item] = link, seen, 0.0
        if inside:
            v, pass_speed, may_ask = junction_bounds(w, slot, lane, here, seen, v, pass_speed, last)
            wait = min(wait, v)
            asks = asks and may_ask
        if held and seen >= stop_brake:
            items.flags[item] = 0
            items.speed_pass[item], items.speed_wait[item] = v, wait
            _write_times(w, item, kind, v, wait, time)
            items.leave_speed[item] = 0.0
            return num + 1
        _lower_leave(w, last, lane_speed)
        arrive_speed = pass_speed
        minor = not is_priority(state) and brake < seen and not was_major(w, link)
        if minor and seen > net.link_visibility[link]:
            # slow enough to stop when the foes come into sight
            reach = safe_stop_speed(net.link_visibility[link], decel, 0.0, dt)
            arrive_speed = min(pass_speed, speed_after(net.link_visibility[link], reach, accel))
            slowed = True
        elif minor and slots.entry[slot] != 0 and net.edge_roundabout[net.lane_edge[net.link_to[link]]] != 0:
            slowed = True  # it will have to wait here
        items.flags[item] = ITEM_REQUEST if asks else 0
        items.speed_pass[item], items.speed_wait[item] = v, wait
        items.leave_speed[item] = _leave_speed(w, slot, link, kind, arrive_speed)
        _write_times(w, item, kind, v, arrive_speed, time)
        num += 1
        last = item
        following = net.link_next[link]
        crossed = crossed or net.lane_internal[following] == 0
        enough = crossed and outside_seen > max(length * ROOM_LENGTHS, length + inside_seen)
        if num == NUM_ITEMS or ((not asks or v <= 0.0 or seen > look) and enough):
            return num
        # onto the next lane
        here = following
        if net.lane_internal[here] == 0:
            route += 1
            outside_seen += net.lane_length[here]
        else:
            inside_seen += net.lane_length[here]
        lane_speed = min(w.lanes.speed[here] * factor, max_speed)
        if v > lane_speed:
            v = min(v, max(free_speed(seen, lane_speed, decel, dt), lowest))
        pass_speed = speed_after_up_to(lane_speed, net.lane_length[here], v, accel)
        v, safe, gap = _onto_lane(w, slot, link, seen, v, lane_speed)
        if safe < 1e9:
            pass_speed = min(pass_speed, safe, reached)
            _lower_leave(w, last, _future_speed(w, slot, here, link, items.leave_speed[last], gap))
        items.speed_wait[last] = min(items.speed_wait[last], v)
        seen += net.lane_length[here]


@device
def _future_speed(w: World, slot: int, here: int, link: int, speed: float, gap: float) -> float:
    """Safe speed behind the last vehicle of the next lane when driving as fast as at the end of the link [m/s]."""
    kind = w.slots.kind[slot]
    return following_speed(w, kind, gap, speed, last_slot(w, here), w.types.max_speed[kind], speed)
