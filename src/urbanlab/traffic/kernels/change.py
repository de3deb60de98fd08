"""Third phase: who wants to change lanes, and who may. Decisions only; the moves follow serially.

Model: LC2013 (Erdmann 2014, "Lane-changing model in SUMO"): strategic changes that the route needs, cooperative
speed adjustments, changes to gain speed, and the duty to keep right. MOBIL (Kesting, Treiber, Helbing 2007)
replaces the last two where a vehicle type asks for it. An edge is handled by one thread.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.change_speed import (
    ASKED_TO_GO,
    ASKED_TO_YIELD,
    BLOCKED_BEHIND,
    BLOCKED_FRONT,
    CHANGE_LEFT,
    CHANGE_RIGHT,
    STRATEGIC,
    WANTS,
)
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.neighbours import NONE, gap_behind, gap_front, own_leader
from urbanlab.traffic.physics.following import EPS, follow_speed, safe_stop_speed, secure_gap
from urbanlab.traffic.physics.lane_change import (
    LOOK_FORWARD,
    SPEED_MEMORY,
    KeepRight,
    gain_after,
    keep_right_after,
    mobil_gain,
    too_far,
)
from urbanlab.traffic.kernels.world import World

__all__ = ["FLAG_CHANGE", "blocked_by_gaps", "decide_lanes"]

FLAG_CHANGE = 8
URGENCY = 2.0
HELP_OVERTAKE = 10.0 / 3.6
REMAIN_TIME = 20.0
STAY = 1024
URGENT = 512


@device
def decide_lanes(w: World, begin: int, end: int, step: int) -> None:
    """Decide for all vehicles on the edges whose first occupied lane is in a range of active lanes."""
    net, lanes = w.net, w.lanes
    for a in range(begin, end):
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes or net.lane_internal[lane] != 0:
            continue
        edge = net.lane_edge[lane]
        num = net.edge_num_lanes[edge]
        low = net.edge_first_lane[edge]
        if num < 2:
            continue
        is_first = True
        for other in range(low, lane):
            if lanes.count[other] > 0:
                is_first = False
        if is_first:
            _decide_edge(w, low, num, step)


@device
def _decide_edge(w: World, low: int, num: int, step: int) -> None:
    lanes, slots, types = w.lanes, w.slots, w.types
    for lane in range(low, low + num):
        taken = 0.0
        for slot in range(lanes.first[lane], lanes.first[lane] + lanes.count[lane]):
            taken += types.length[slots.kind[slot]] + types.min_gap[slots.kind[slot]]
        lanes.occupied[lane] = taken
    for lane in range(low, low + num):
        flag = 0
        for slot in range(lanes.first[lane], lanes.first[lane] + lanes.count[lane]):
            if slots.dwell[slot] < 0.0:
                flag |= _decide(w, low, num, lane, slot, step)
        if flag != 0:
            w.flags[lanes.active_at[lane]] = FLAG_CHANGE


@inline
def _usable(w: World, lane: int, kind: int) -> bool:
    return w.lanes.permissions[lane] & w.types.class_bit[kind] != 0


@device
def _decide(w: World, low: int, num: int, lane: int, slot: int, step: int) -> int:
    """Both directions of one vehicle; nonzero where it will change."""
    slots = w.slots
    kind = slots.kind[slot]
    leader, leader_gap = own_leader(w, lane, slot, kind)
    state = 0
    for side in range(2):
        direction = -1 if side == 0 else 1
        target = lane + direction
        if target < low or target >= low + num or not _usable(w, target, kind):
            continue
        front, front_gap = gap_front(w, target, slot, kind)
        behind, behind_gap = gap_behind(w, target, slot, kind)
        blocked = blocked_by_gaps(w, slot, kind, front, front_gap, behind, behind_gap)
        wish = _wish(w, low, lane, target, slot, kind, direction, leader, leader_gap, front, front_gap, blocked)
        if wish & WANTS == 0:
            continue
        if blocked == 0:
            slots.want[slot] |= CHANGE_RIGHT if direction < 0 else CHANGE_LEFT
            return 1
        if wish & URGENT != 0:
            _ask(w, lane, slot, kind, direction, target, front, front_gap, behind, behind_gap, blocked)
        state |= (wish | blocked) & 15
    slots.want[slot] |= state
    return 0


@inline
def blocked_by_gaps(w: World, slot: int, kind: int, front: int, front_gap: float, behind: int, behind_gap: float) -> int:
    """Is there too little room before or behind on the other lane?"""
    slots, types, dt = w.slots, w.types, w.params.dt
    factor = 1.0 / types.lc_assertive[kind]
    blocked = 0
    if front != NONE:
        need = secure_gap(
            slots.speed[slot], types.decel[kind], types.tau[kind], slots.speed[front], types.decel[slots.kind[front]], dt
        )
        if front_gap < 0.0 or front_gap < need * factor:
            blocked |= BLOCKED_FRONT
    if behind != NONE:
        other = slots.kind[behind]
        need = secure_gap(
            slots.speed[behind], types.decel[other], types.tau[other], slots.speed[slot], types.decel[kind], dt
        )
        if behind_gap < 0.0 or behind_gap < need * factor:
            blocked |= BLOCKED_BEHIND
    return blocked


@device
def _wish(
    w: World,
    low: int,
    lane: int,
    target: int,
    slot: int,
    kind: int,
    direction: int,
    leader: int,
    leader_gap: float,
    front: int,
    front_gap: float,
    blocked: int,
) -> int:
    """What the vehicle wants in one direction: 0, or WANTS with STRATEGIC and URGENT."""
    slots, types, lanes = w.slots, w.types, w.lanes
    row = w.routes.best_start[slots.route[slot]] + lane - low
    offset = w.routes.best_offset[row]
    pos, speed = slots.pos[slot], slots.speed[slot]
    distance = w.routes.best_length[row]
    other_distance = w.routes.best_length[row + direction]
    look = slots.look_speed[slot]
    look = speed if speed > look else SPEED_MEMORY * look + (1.0 - SPEED_MEMORY) * speed
    slots.look_speed[slot] = look
    ahead = look * LOOK_FORWARD * types.lc_strategic[kind]
    if direction > 0:
        ahead *= types.lc_lookahead_left[kind]
    ahead += 2.0 * (types.length[kind] + types.min_gap[kind])
    if offset == 0 and leader != NONE and slots.dwell[leader] >= 0.0 and leader_gap < distance - pos:
        other = slots.kind[leader]
        ahead = 0.5 * (types.length[kind] + types.min_gap[kind] + types.length[other] + types.min_gap[other]) + leader_gap
    to_best = offset * direction > 0
    slots.left_space[slot] = distance - pos
    usable = distance - pos - lanes.occupied[lane + offset]
    strategic = types.lc_strategic[kind] >= 0.0
    if to_best and strategic and too_far(usable, abs(offset), ahead):
        return WANTS | STRATEGIC | URGENT
    if strategic:
        jam = max(lanes.occupied[target], lanes.occupied[lane])
        place = max(0.0, other_distance - pos - jam)
        if not to_best and too_far(place, abs(offset) + 2, ahead):
            return 0
        if offset == 0 and 2.0 * place < ahead:
            return 0
    return _gain_wish(
        w, lane, target, slot, kind, direction, to_best, distance, other_distance, leader, leader_gap, front, front_gap, blocked
    )


@device
def _gain_wish(
    w: World,
    lane: int,
    target: int,
    slot: int,
    kind: int,
    direction: int,
    to_best: bool,
    distance: float,
    other_distance: float,
    leader: int,
    leader_gap: float,
    front: int,
    front_gap: float,
    blocked: int,
) -> int:
    """Wishes that the route does not force: more speed, keeping right, and a change that will be needed anyway."""
    slots, types, dt = w.slots, w.types, w.params.dt
    if blocked != 0:
        return 0
    speed, pos = slots.speed[slot], slots.pos[slot]
    desired = lane_limit(w, lane, kind, slots.factor[slot])
    other_desired = lane_limit(w, target, kind, slots.factor[slot])
    here = _expected(w, slot, kind, leader, leader_gap, distance - pos, desired)
    there = _expected(w, slot, kind, front, front_gap, other_distance - pos, other_desired)
    if types.lc_mobil[kind] != 0:
        return WANTS if mobil_gain(here, there, speed, direction, dt) else 0
    gain = gain_after(slots.gain[slot], here, there, direction, dt)
    slots.gain[slot] = gain
    remain = other_distance / max(0.1, speed)
    threshold = 0.2 / max(1e-9, types.lc_speed_gain[kind])
    if direction < 0:
        right = threshold / types.lc_speed_gain_right[kind]
        if here - 5.0 / 3.6 <= there:
            front_speed, need = NO_LEADER, 0.0
            if front != NONE:
                front_speed = slots.speed[front]
                need = secure_gap(desired, types.decel[kind], types.tau[kind], front_speed, types.decel[slots.kind[front]], dt)
            case = KeepRight(other_distance - pos, front_gap, front_speed, need, desired, w.lanes.speed[lane], speed)
            duty = keep_right_after(slots.keep_right[slot], case, right, dt)
            slots.keep_right[slot] = duty
            if duty * types.lc_keep_right[kind] < -right:
                return WANTS
        if gain < -right and remain > REMAIN_TIME:
            return WANTS
        return WANTS | STRATEGIC if to_best and gain < 0.0 else 0
    if gain > threshold and there > here + EPS and remain > REMAIN_TIME:
        return WANTS
    return WANTS | STRATEGIC if to_best and gain > 0.0 else 0


NO_LEADER = 1e9


@inline
def _expected(w: World, slot: int, kind: int, leader: int, gap: float, room: float, desired: float) -> float:
    """Speed that a lane promises [m/s]."""
    types, dt = w.types, w.params.dt
    v = min(desired, safe_stop_speed(room, types.decel[kind], types.tau[kind], dt))
    if leader != NONE:
        v = min(
            v,
            follow_speed(
                types.model[kind], gap, w.slots.speed[slot], w.slots.speed[leader], types.decel[w.slots.kind[leader]],
                desired, types.accel[kind], types.decel[kind], types.emergency_decel[kind], types.tau[kind],
                types.delta[kind], dt,
            ),
        )  # fmt: skip
    return v


@inline
def _advise(w: World, slot: int, speed: float) -> None:
    w.slots.advice[slot] = min(w.slots.advice[slot], speed)


@device
def _ask(
    w: World,
    lane: int,
    slot: int,
    kind: int,
    direction: int,
    target: int,
    front: int,
    front_gap: float,
    behind: int,
    behind_gap: float,
    blocked: int,
) -> None:
    """Adjust the own speed for a necessary change and ask those on the other lane for room."""
    slots, types, dt = w.slots, w.types, w.params.dt
    row = w.routes.best_start[slots.route[slot]] + lane - w.net.edge_first_lane[w.net.lane_edge[lane]]
    lanes_to_go = max(1, abs(w.routes.best_offset[row]))
    speed = slots.speed[slot]
    left = slots.left_space[slot]
    seconds = max(dt, left / max(slots.look_speed[slot], EPS) / lanes_to_go / URGENCY)
    planned = min(speed, safe_stop_speed(left, types.decel[kind], dt, dt))
    if front != NONE:
        front_speed = slots.speed[front]
        follow = follow_speed(
            types.model[kind], front_gap, speed, front_speed, types.decel[slots.kind[front]], types.max_speed[kind],
            types.accel[kind], types.decel[kind], types.emergency_decel[kind], types.tau[kind], types.delta[kind], dt,
        )  # fmt: skip
        if blocked & BLOCKED_FRONT != 0:
            pass_way = front_gap + types.length[kind] + types.min_gap[kind] + types.length[slots.kind[front]] + types.min_gap[kind]
            faster = planned - front_speed
            if faster < EPS or pass_way / faster > seconds or left < pass_way * speed / max(faster, EPS):
                if follow < speed:
                    brake = min(types.decel[kind], max(0.5, (speed - follow) / seconds))
                    planned = min(planned, speed - brake * dt)
                    _advise(w, slot, planned)
                else:
                    _advise(w, slot, follow)
            else:
                if w.trips.lane[slots.trip[front]] == target:
                    slots.want[front] |= ASKED_TO_YIELD
                return
        else:
            _advise(w, slot, max(follow, speed - types.decel[kind] * dt))
            planned = min(planned, follow)
    if behind != NONE and blocked & BLOCKED_BEHIND != 0 and w.trips.lane[slots.trip[behind]] == target:
        _ask_behind(w, slot, kind, behind, behind_gap, planned, seconds)


@device
def _ask_behind(w: World, slot: int, kind: int, behind: int, gap: float, planned: float, seconds: float) -> None:
    """Ask the follower on the other lane to open a gap, or let it pass."""
    slots, types, dt = w.slots, w.types, w.params.dt
    other = slots.kind[behind]
    speed = slots.speed[behind]
    if planned - speed >= HELP_OVERTAKE:
        need = secure_gap(speed, types.decel[other], types.tau[other], planned, types.decel[kind], dt)
        if (need - gap) / seconds < planned - speed:
            return
    slower = max(0.0, speed - types.decel[other] * dt)
    slower_1s = max(0.0, speed - types.decel[other])
    opening = planned - slower_1s
    opened = gap + opening
    need = secure_gap(slower_1s, types.decel[other], types.tau[other], planned, types.decel[kind], dt)
    if opened > 0.0 and opened >= need:
        v = slower
        for _ in range(2):
            room = gap + dt * (planned - v if _ == 1 else planned)
            v = max(slower, follow_speed(
                types.model[other], room, speed, planned, types.decel[kind], types.max_speed[other], types.accel[other],
                types.decel[other], types.emergency_decel[other], types.tau[other], types.delta[other], dt,
            ))  # fmt: skip
        _advise(w, behind, v)
        slots.want[behind] |= ASKED_TO_YIELD
    elif opening > 0.0 and opening * seconds > need - opened:
        _advise(w, behind, slower)
        slots.want[behind] |= ASKED_TO_YIELD
    else:
        slots.want[behind] |= ASKED_TO_GO
        if speed > slots.speed[slot]:
            _advise(w, slot, max(0.0, slots.speed[slot] - types.decel[kind] * dt / 2.0))
