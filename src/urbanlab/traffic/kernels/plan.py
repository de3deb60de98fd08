"""First phase of a step: each vehicle looks ahead and finds the speed it may drive next.

Reads the old state of everything, writes only the vehicle's own plan and items. Links that others may hold are
left open here (items) and decided in the next phase, when all approaching vehicles are known.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_CONT, LINK_FOES, LINK_INSIDE, LINK_KEEP_CLEAR, LINK_WATCHED
from urbanlab.traffic.kernels.conflicts import is_priority, is_red, is_yellow, junction_speed, link_state, rear_slot
from urbanlab.traffic.kernels.limits import top_speed
from urbanlab.traffic.physics.following import (
    EPS,
    arrival_time,
    brake_gap,
    follow_speed,
    free_speed,
    safe_stop_speed,
    speed_after,
    stop_speed,
)
from urbanlab.traffic.kernels.state import ITEM_ANNOUNCE, ITEM_ASK, ITEM_ZIPPER, NUM_ITEMS
from urbanlab.traffic.kernels.world import World

__all__ = ["lane_follow", "next_link", "plan_lanes"]

STOP_MARGIN = 0.1
"""[m] nobody stops closer to a line than this."""

YELLOW_DECEL = 3.0
"""[m/s^2] drivers brake at least this hard for yellow and red."""

MAX_LINKS = 12
"""Links looked at before giving up; braking distances span fewer."""


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
def _follow(w: World, kind: int, gap: float, speed: float, desired: float, leader: int) -> float:
    """Safe speed behind the vehicle in a slot."""
    types = w.types
    return follow_speed(
        types.model[kind], gap, speed, w.slots.speed[leader], types.apparent_decel[w.slots.kind[leader]], desired,
        types.accel[kind], types.decel[kind], types.emergency_decel[kind], types.tau[kind], types.delta[kind], w.params.dt,
    )  # fmt: skip


@inline
def lane_follow(w: World, lane: int, kind: int, speed: float, desired: float, offset: float, v: float, slot: int) -> float:
    """Bound from the last vehicle whose front or rear is on a lane; `offset` [m] from the own front to its start."""
    lanes, slots, types = w.lanes, w.slots, w.types
    if lanes.count[lane] > 0:
        last = lanes.first[lane] + lanes.count[lane] - 1
        if last != slot:
            gap = offset + slots.pos[last] - types.length[slots.kind[last]] - types.min_gap[kind]
            v = min(v, _follow(w, kind, gap, speed, desired, last))
        return v
    return _left_follow(w, lane, kind, speed, desired, offset, v, slot)


@inline
def _left_follow(w: World, lane: int, kind: int, speed: float, desired: float, offset: float, v: float, slot: int) -> float:
    """Bound from a vehicle whose front has left the lane and whose rear is still on it."""
    leader = rear_slot(w, lane)
    if leader >= 0 and leader != slot:
        out = w.slots.odo[leader] - w.lanes.left_odo[lane] - w.types.length[w.slots.kind[leader]]
        gap = offset + w.net.lane_length[lane] + out - w.types.min_gap[kind]
        v = min(v, _follow(w, kind, gap, speed, desired, leader))
    return v


@device
def _has_room(w: World, link: int, route: int, need: float, ahead: float) -> bool:
    """Is there room behind the junction for a vehicle of length `need` [m] and those `ahead` of it on its lane?"""
    net, lanes, slots, types = w.net, w.lanes, w.slots, w.types
    space = -ahead
    for _ in range(4):
        lane = net.link_next[link]
        while net.lane_internal[lane] != 0:
            for k in range(lanes.count[lane]):
                kind = slots.kind[lanes.first[lane] + k]
                space -= types.length[kind] + types.min_gap[kind]
            link = net.lane_out[lane]
            lane = net.link_next[link]
        route += 1
        between = 0.0
        standing = False
        for k in range(lanes.count[lane]):
            last = lanes.first[lane] + lanes.count[lane] - 1 - k
            kind = slots.kind[last]
            if slots.speed[last] < 0.1:
                standing = True
                space += slots.pos[last] - types.length[kind] - between
                break
            between += types.length[kind] + types.min_gap[kind]
        if standing:
            return space >= need
        space += net.lane_length[lane] - between
        if space >= need or w.routes.last[route] != 0:
            return True
        link = next_link(w, lane, route)
        if link < 0:
            return True
        state = link_state(w, link)
        if is_red(state) or is_yellow(state) or not is_priority(state):
            return space >= need
    return True


@inline
def _stop_bound(w: World, slot: int, lane: int, kind: int, speed: float, v: float) -> float:
    """Bound from the next scheduled stop, -1 where it is not on this lane."""
    stop = w.slots.stop[slot]
    if stop < 0 or w.stops.lane[stop] != lane or w.stops.route[stop] != w.slots.route[slot]:
        return -1.0
    room = w.stops.end[stop] - w.slots.pos[slot]
    return min(v, stop_speed(room, speed, w.types.decel[kind], w.types.emergency_decel[kind], w.params.dt))


@device
def plan_lanes(w: World, begin: int, end: int, time: float) -> None:
    """Plan all vehicles of a range of active lanes."""
    lanes, slots, types = w.lanes, w.slots, w.types
    for a in range(begin, end):
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes:
            continue
        first = lanes.first[lane]
        ahead = 0.0
        for k in range(lanes.count[lane]):
            slot = first + k
            plan_vehicle(w, lane, slot, k, ahead, time)
            kind = slots.kind[slot]
            ahead += types.length[kind] + types.min_gap[kind]


@device
def plan_vehicle(w: World, lane: int, slot: int, k: int, ahead: float, time: float) -> None:
    """Next speed of one vehicle and the links it approaches; `ahead` [m] is taken by those before it on its lane."""
    net, lanes, slots, types, dt = w.net, w.lanes, w.slots, w.types, w.params.dt
    slots.item[slot] = 0
    if slots.dwell[slot] >= 0.0:
        slots.plan[slot] = 0.0
        return
    kind = slots.kind[slot]
    speed = slots.speed[slot]
    accel, decel = types.accel[kind], types.decel[kind]
    factor = slots.factor[slot]
    max_speed = top_speed(types, kind, factor)
    lowest = max(0.0, speed - decel * dt)
    v_cap = min(speed + accel * dt, max_speed)
    lane_speed = max(min(lanes.speed[lane] * factor, max_speed), lowest)
    v = min(v_cap, lane_speed)
    pos = slots.pos[slot]
    if k > 0:
        gap = slots.pos[slot - 1] - types.length[slots.kind[slot - 1]] - types.min_gap[kind] - pos
        v = min(v, _follow(w, kind, gap, speed, lane_speed, slot - 1))
        if gap + types.min_gap[kind] < -EPS:
            lanes.collisions[lane] += 1
    else:
        v = _left_follow(w, lane, kind, speed, lane_speed, -pos, v, slot)
    stop_bound = _stop_bound(w, slot, lane, kind, speed, v)
    if stop_bound >= 0.0:
        slots.plan[slot] = stop_bound
        return
    seen = net.lane_length[lane] - pos
    look = v_cap * dt + brake_gap(v_cap, decel, types.tau[kind], dt)
    if seen > look and k > 0:
        slots.plan[slot] = v
        return
    slots.plan[slot] = _look_ahead(w, lane, slot, kind, ahead, v, seen, look, lane_speed, lowest, time)


@device
def _look_ahead(
    w: World,
    lane: int,
    slot: int,
    kind: int,
    ahead: float,
    v: float,
    seen: float,
    look: float,
    lane_speed: float,
    lowest: float,
    time: float,
) -> float:
    """Speed after all links within braking reach; writes the items of those that others may hold."""
    net, slots, types, dt = w.net, w.slots, w.types, w.params.dt
    speed = slots.speed[slot]
    accel, decel, emergency = types.accel[kind], types.decel[kind], types.emergency_decel[kind]
    factor = slots.factor[slot]
    max_speed = top_speed(types, kind, factor)
    brake = brake_gap(speed, decel, 0.0, dt)
    route = slots.route[slot]
    here = lane
    slowed = False
    pass_speed = min(speed_after(seen, v, accel), lane_speed)
    last_wait = 0.0
    last_item = -1
    for hop in range(MAX_LINKS):
        if net.lane_internal[here] == 0 and w.routes.last[route] != 0:
            return v
        link = next_link(w, here, route)
        if link < 0:
            return min(v, stop_speed(seen, speed, decel, emergency, dt))
        state = link_state(w, link)
        flags = net.link_flags[link]
        inside = flags & LINK_INSIDE != 0
        held = not inside and (is_red(state) or is_yellow(state))
        priority = is_priority(state)
        stop_decel = max(min(YELLOW_DECEL, emergency), decel) if held else decel
        stop_brake = brake_gap(speed, stop_decel, 0.0, dt) if held else brake
        offset = types.stopline_gap[kind] if held or priority else 0.0
        if priority and not held:
            offset = min(offset, net.link_visibility[link] - STOP_MARGIN)
        if seen >= stop_brake:
            offset = min(offset, seen - stop_brake)
        stop_dist = max(0.0, seen - max(STOP_MARGIN, offset))
        wait = min(v, stop_speed(stop_dist, speed, stop_decel, emergency, dt))
        if inside:
            v = junction_speed(w, slot, lane, here, seen, v, last_wait, last_item >= 0)
            wait = min(wait, v)
        if held and (seen >= stop_brake or is_red(state)):
            return wait
        leaving = inside and hop == 0
        if not leaving and (v <= EPS or (slowed and not inside)):
            return wait
        if not inside and flags & LINK_KEEP_CLEAR != 0 and flags & LINK_FOES != 0:
            need = types.length[kind] + types.min_gap[kind]
            keep = types.keep_clear_time[kind] < 0.0 or slots.halt[slot] < types.keep_clear_time[kind]
            if keep and not _has_room(w, link, route, need, ahead if here == lane else 0.0):
                return wait
        # how and when it arrives, for those it meets
        arrive_speed = pass_speed
        visible = seen <= net.link_visibility[link]
        zipper = state == 90
        free = priority or flags & LINK_CONT != 0 or held or _was_major(w, here, flags)
        if not free and not visible and brake < seen:
            # slow enough to stop if need be when the foes come into sight
            reach = safe_stop_speed(net.link_visibility[link], decel, 0.0, dt)
            arrive_speed = min(pass_speed, speed_after(net.link_visibility[link], reach, accel))
            slowed = True
        if not free and brake < seen and net.edge_roundabout[net.lane_edge[net.link_to[link]]] != 0:
            slowed = True
        asks = not free and (visible or zipper)
        if (asks or flags & LINK_WATCHED != 0) and slots.item[slot] < NUM_ITEMS:
            item = slot * NUM_ITEMS + slots.item[slot]
            slots.item[slot] += 1
            _write_item(w, item, link, kind, seen, v, wait, arrive_speed, time)
            w.items.waited[item] = slots.halt[slot]
            w.items.flags[item] = (ITEM_ASK if asks else 0) | ITEM_ANNOUNCE | (ITEM_ZIPPER if zipper else 0)
        elif asks:
            return wait
        if not free and not asks:
            return wait
        last_item = link
        last_wait = wait
        if seen > look:
            return v
        # onto the next lane
        here = net.link_next[link]
        if net.lane_internal[here] == 0:
            route += 1
        lane_speed = min(w.lanes.speed[here] * factor, max_speed)
        v = min(v, max(free_speed(seen, lane_speed, decel, dt), lowest))
        v = lane_follow(w, here, kind, speed, lane_speed, seen, v, slot)
        last_wait = min(last_wait, v)
        seen += net.lane_length[here]
        pass_speed = min(speed_after(net.lane_length[here], v, accel), lane_speed)
    return v


@inline
def _was_major(w: World, here: int, flags: int) -> bool:
    """Links inside a junction: was it entered with priority, so that the waiting point needs no gap?"""
    if flags & LINK_INSIDE == 0:
        return False
    if w.net.lane_internal[w.net.link_next[w.net.lane_out[here]]] == 0:
        return True
    state = link_state(w, w.net.lane_entry[here])
    return is_priority(state) and state != 90


@inline
def _write_item(
    w: World, item: int, link: int, kind: int, seen: float, v: float, wait: float, arrive_speed: float, time: float
) -> None:
    """Announce when and how fast a vehicle will use a link."""
    types, items, dt = w.types, w.items, w.params.dt
    accel, decel = types.accel[kind], types.decel[kind]
    length = w.net.link_length[link]
    leave_speed = min(w.lanes.speed[w.net.link_next[link]], speed_after(length, arrive_speed, accel))
    arrive = time + arrival_time(seen, max(v, EPS), max(arrive_speed, EPS), accel, decel)
    items.link[item] = link
    items.distance[item] = seen
    items.speed_pass[item] = v
    items.speed_wait[item] = wait
    items.arrive[item] = arrive
    items.arrive_speed[item] = arrive_speed
    items.leave_speed[item] = leave_speed
    items.leave[item] = arrive + (length + types.length[kind]) / max(0.5 * (arrive_speed + leave_speed), EPS)
    brake_speed = 0.0
    if seen < brake_gap(v, decel, types.tau[kind], dt):
        brake_speed = min(arrive_speed, max(0.0, v * v - 2.0 * decel * seen) ** 0.5)
    items.brake_speed[item] = brake_speed
