"""What a vehicle wants: the lane its route needs, room for others, more speed, the right-hand lane.

Source: Erdmann 2014, "Lane-changing model in SUMO".
"""

from __future__ import annotations

from typing import NamedTuple

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.change_gaps import behind_speed, past_junction, safe_behind, secure
from urbanlab.traffic.kernels.change_help import HELP_OVERTAKE, congested
from urbanlab.traffic.kernels.change_roundabout import roundabout_bonus
from urbanlab.traffic.kernels.change_speed import (
    ASKED_TO_YIELD,
    COOPERATIVE,
    FROM_LEFT,
    FROM_RIGHT,
    STAYS,
    STRATEGIC,
    URGENT,
    WANTS_LEFT,
    WANTS_RIGHT,
    advise,
)
from urbanlab.traffic.kernels.limits import lane_limit, top_speed
from urbanlab.traffic.kernels.look_ahead import lane_row, next_link
from urbanlab.traffic.kernels.neighbours import NONE, taken
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import EPS, brake_gap, can_stop, safe_stop_speed
from urbanlab.traffic.physics.lane_change import LOOK_FORWARD, SPEED_MEMORY, KeepRight, gain_after, keep_right_after, mobil_gain, too_far

__all__ = ["Side", "wish"]

REMAIN_TIME = 20.0
"""[s] a lane that can't be driven on for so long is not worth a change for speed."""
TURN_LANE = 200.0
"""[m] nobody leaves the best lane for one that ends within this."""
REACT_TO_STOPPED = 100.0
"""[m] from here on a stopped leader is driven around."""
ON_RAMP_LIMIT = 80.0 / 3.6
NO_LEADER = 1e9
PLENTY = 1000.0
"""[m] more than what vehicles beyond the end of a lane ever take."""
FEW_EDGES, MANY_EDGES = 4, 8
FEW_METRES = 3000.0
"""[m] how far a driver thinks ahead when choosing a lane: at least a few edges, many only as far as this or a braking distance."""


class Side(NamedTuple):
    """The present lane and the one on one side, as a vehicle sees them."""

    lane: int
    target: int
    direction: int  # -1 right, 1 left
    leader: int  # on the own lane, NONE
    leader_gap: float  # [m]
    front: int  # on the other lane, NONE
    front_gap: float  # [m]


@device
def _exceeds(w: World, slot: int, kind: int, lane: int, room: float) -> bool:
    """Do the vehicles on the lanes that a lane leads to along the route take more than some room [m] with their gaps?"""
    types, route, total = w.types, w.slots.route[slot], 0.0
    if room < 0.0:
        return True
    fastest = top_speed(types, kind, w.slots.factor[slot])
    metres, edges = w.net.lane_length[lane], 1
    braking = metres + fastest * types.tau[kind] + types.min_gap[kind]
    braking += brake_gap(fastest, types.decel[kind], types.tau[kind], w.params.dt)
    while (edges <= FEW_EDGES or metres < FEW_METRES) and (edges <= MANY_EDGES or metres < braking):
        if w.routes.last[route] != 0:
            return False
        link = next_link(w, lane, route)
        if link < 0:
            return False
        lane = w.net.link_to[link]
        route += 1
        edges += 1
        metres += w.net.lane_length[lane]
        total += taken(w, lane)
        if total > room:
            return True
    return False


@inline
def _look_distance(w: World, slot: int, kind: int, direction: int) -> float:
    """How far ahead a necessary change is thought of [m]; the speed it depends on falls slowly."""
    slots, types = w.slots, w.types
    speed, look = slots.speed[slot], slots.look_speed[slot]
    look = speed if speed > look else SPEED_MEMORY * look + (1.0 - SPEED_MEMORY) * speed
    slots.look_speed[slot] = look
    ahead = look * LOOK_FORWARD * types.lc_strategic[kind]
    if direction > 0:
        ahead *= types.lc_lookahead_left[kind]
    return ahead + 2.0 * (types.length[kind] + types.min_gap[kind])


@inline
def _is_stopped(w: World, slot: int) -> bool:
    return slot != NONE and w.slots.dwell[slot] >= 0.0


@device
def _around_stopped(w: World, slot: int, kind: int, side: Side, distance: float, other: float) -> bool:
    """Is the leader at a stop, and can it be driven around on the other lane?"""
    types, slots = w.types, w.slots
    if not _is_stopped(w, side.leader) or side.leader_gap >= REACT_TO_STOPPED:
        return False
    ahead = slots.kind[side.leader]
    way = side.leader_gap + types.length[kind] + types.length[ahead] + types.min_gap[ahead]
    free = not _is_stopped(w, side.front) or side.front_gap > way
    right_allowed = side.direction > 0 or congested(w, slot)
    return min(other, distance) - slots.pos[slot] > way and right_allowed and free


@device
def wish(w: World, slot: int, kind: int, low: int, side: Side) -> tuple[int, float, int]:
    """What a vehicle wants on one side: (flags, room left before it has to be done [m], lanes to go)."""
    slots, types, lanes = w.slots, w.types, w.lanes
    lane, target, direction = side.lane, side.target, side.direction
    route, pos = slots.route[slot], slots.pos[slot]
    row, other_row = lane_row(w, lane, route), lane_row(w, target, route)
    # inside a junction the best lane may be none of those beside each other there
    leftmost = low + w.net.edge_num_lanes[w.net.lane_edge[lane]] - 1
    offset = min(max(int(w.routes.best_offset[row]), low - lane), leftmost - lane)
    other_offset = min(max(int(w.routes.best_offset[other_row]), low - target), leftmost - target)
    distance, other = float(w.routes.best_length[row]), float(w.routes.best_length[other_row])
    own_offset = offset
    if offset == 0 and other_offset == 0:
        offset = direction
    wants = WANTS_RIGHT if direction < 0 else WANTS_LEFT
    ahead = _look_distance(w, slot, kind, direction)
    if offset == 0 and _is_stopped(w, side.leader) and side.leader_gap < distance - pos:
        after = slots.kind[side.leader]
        ahead = 0.5 * (types.length[kind] + types.min_gap[kind] + types.length[after] + types.min_gap[after] + side.leader_gap)
    elif offset == direction and _is_stopped(w, side.front) and side.front_gap < distance - pos:
        after = slots.kind[side.front]
        ahead = types.length[kind] + types.min_gap[kind] + types.length[after] + types.min_gap[after] + side.front_gap
    bonus = roundabout_bonus(w, slot, kind, lane + offset, max(lane, target))
    distance += bonus
    other += bonus
    strategic = types.lc_strategic[kind] >= 0.0
    if not strategic:
        ahead = -1e3
    to_best = offset * direction > 0
    if to_best and offset == own_offset:
        best = lane + offset
        if _exceeds(w, slot, kind, best, distance - pos - lanes.occupied[best] - ahead * abs(offset)):
            return wants | STRATEGIC | URGENT, distance - pos, abs(offset)
    if direction > 0 and side.front != NONE and not congested(w, slot):
        _stay_behind_left(w, slot, kind, side)
    if _around_stopped(w, slot, kind, side, distance, other):
        return wants | STRATEGIC | URGENT, side.leader_gap, max(1, abs(offset))
    if not to_best and strategic and _is_full(w, slot, kind, lane, target, other - pos - ahead * (abs(offset) + 2)):
        return STAYS, 0.0, 0
    if offset == 0:
        leads_on = w.routes.best_link[other_row] >= 0 or other_offset != 0
        if not _is_stopped(w, side.leader) and leads_on and strategic and bonus == 0.0 and other < TURN_LANE:
            return STAYS, 0.0, 0
    if bonus > 0.0 and direction > 0:
        return wants | COOPERATIVE, distance - pos, max(1, abs(offset))  # onto the inner lanes while it can
    if bonus > 0.0:
        return STAYS, 0.0, 0
    flags = _other_wish(w, slot, kind, side, ahead, distance, other, to_best, offset, own_offset)
    return flags, distance - pos, max(1, abs(offset))


@device
def _is_full(w: World, slot: int, kind: int, lane: int, target: int, room: float) -> bool:
    """Do the vehicles ahead, on either of two lanes and beyond, take more than some room [m]?"""
    own, other = w.lanes.occupied[lane], w.lanes.occupied[target]
    if room > max(own, other) + PLENTY:
        return False
    return _exceeds(w, slot, kind, target, room - other) or _exceeds(w, slot, kind, lane, room - own)


@device
def _stay_behind_left(w: World, slot: int, kind: int, side: Side) -> None:
    """On fast roads nobody passes on the right: stay behind a slower vehicle on the left, and think of following it."""
    slots, types, dt = w.slots, w.types, w.params.dt
    other = slots.kind[side.front]
    desired = lane_limit(w, side.lane, kind, slots.factor[slot])
    front_speed, front_decel = slots.speed[side.front], types.decel[other]
    faster = max(desired - lane_limit(w, side.target, other, slots.factor[side.front]), slots.speed[slot] - front_speed)
    if faster <= 0.0:
        return
    slowest = slots.speed[slot] - types.decel[kind] * dt
    follow = behind_speed(w, slot, kind, side.front_gap, front_speed, front_decel)
    safe = follow if follow >= slowest else max(slowest, front_speed - HELP_OVERTAKE)
    if slots.gain[slot] < 0.2 / max(1e-9, types.lc_speed_gain[kind]):
        safe = max(safe, front_speed)
    advise(slots, slot, safe)
    if behind_speed(w, slot, kind, side.front_gap - 8.0 * faster, front_speed, front_decel) < safe:
        slots.gain[slot] += dt * faster / max(desired, 10.0)


@inline
def _gathers_speed(w: World, leader: int) -> bool:
    return leader != NONE and w.slots.speed[leader] > w.slots.last_speed[leader]


@inline
def _expected(w: World, slot: int, kind: int, leader: int, gap: float, room: float, desired: float, soon: bool) -> float:
    """Speed that a lane promises [m/s]: some time from now, or within the next second where leaders still gather speed."""
    types, slots, dt = w.types, w.slots, w.params.dt
    enough = max(desired, slots.speed[slot] + types.accel[kind] * dt)
    if can_stop(enough, room if leader == NONE else gap, types.decel[kind], types.tau[kind]):
        safe = enough
    elif leader == NONE:
        safe = safe_stop_speed(room, types.decel[kind], types.tau[kind], dt)
    else:
        safe = safe_behind(w, kind, gap, slots.speed[leader], types.decel[slots.kind[leader]])
    if soon:
        speed = slots.speed[slot]
        safe = max(min(safe, speed + types.accel[kind] * dt), speed - types.emergency_decel[kind] * dt)
    return min(desired, safe)


@device
def _duty(w: World, slot: int, kind: int, side: Side, other: float, desired: float, right: float) -> None:
    """The duty to keep right grows beside a free right-hand lane."""
    types, slots, dt = w.types, w.slots, w.params.dt
    speed, need = NO_LEADER, 0.0
    if side.front != NONE:
        speed = slots.speed[side.front]
        need = secure(w, slot, desired, side.front, speed)
    room = other - brake_gap(desired, types.decel[kind], types.tau[kind], dt)
    case = KeepRight(room, side.front_gap, speed, need, desired, w.lanes.speed[side.lane], slots.speed[slot])
    slots.keep_right[slot] = keep_right_after(slots.keep_right[slot], case, right, dt)


@device
def _other_wish(
    w: World,
    slot: int,
    kind: int,
    side: Side,
    ahead: float,
    distance: float,
    other: float,
    to_best: bool,
    offset: int,
    own_offset: int,
) -> int:
    """Wishes that can wait: room for others, more speed, keeping right, and a change that will be needed anyway."""
    slots, types, dt = w.slots, w.types, w.params.dt
    lane, target, direction = side.lane, side.target, side.direction
    wants = WANTS_RIGHT if direction < 0 else WANTS_LEFT
    speed = slots.speed[slot]
    desired = lane_limit(w, lane, kind, slots.factor[slot])
    soon = _gathers_speed(w, side.leader) or _gathers_speed(w, side.front)
    here = _expected(w, slot, kind, side.leader, side.leader_gap, distance, desired, soon)
    there = _expected(w, slot, kind, side.front, side.front_gap, other, lane_limit(w, target, kind, slots.factor[slot]), soon)
    if w.net.lane_internal[lane] != 0 or side.leader == NONE:
        here = min(here, past_junction(w, slot, kind, lane, desired))
    if w.net.lane_internal[lane] != 0 or side.front == NONE:
        there = min(there, past_junction(w, slot, kind, target, desired))
    left = 0.2 / max(1e-9, types.lc_speed_gain[kind])
    right = left / types.lc_speed_gain_right[kind]
    gain = slots.gain[slot]
    if direction < 0 and offset == 0 and w.lanes.speed[lane] > ON_RAMP_LIMIT and slots.look_speed[slot] > 0.1:
        return STAYS
    burden = max(here / max(there, EPS) - 1.0, gain / right if direction < 0 else -gain / left)
    asked = slots.want[slot] & ASKED_TO_YIELD != 0 and slots.want[slot] & (FROM_LEFT if direction < 0 else FROM_RIGHT) != 0
    if asked and min(1.0, burden) <= types.lc_cooperative[kind] and (to_best or not too_far(other, abs(offset) + 1, ahead)):
        return wants | COOPERATIVE | URGENT
    if types.lc_mobil[kind] != 0:
        return wants if mobil_gain(here, there, speed, direction, dt) else 0
    gain = gain_after(gain, here, there, direction, dt)
    slots.gain[slot] = gain
    lasts = other / max(0.1, speed) > REMAIN_TIME
    if direction < 0:
        if here - 5.0 / 3.6 <= there:
            _duty(w, slot, kind, side, other, desired, right)
            if slots.keep_right[slot] * types.lc_keep_right[kind] < -right:
                return wants
        if gain < -right and lasts:
            return wants
    elif gain > left and there - here > EPS and lasts:
        return wants
    if to_best and offset == own_offset and types.lc_strategic[kind] >= 0.0 and there >= here and gain * direction > 0.0:
        return wants | STRATEGIC
    return 0
