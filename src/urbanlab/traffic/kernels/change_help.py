"""A change that can't wait: adjust the own speed and ask those on the other lane for room.

Source: Erdmann 2014 ("Lane-changing model in SUMO"), sections on preparing a change and on cooperation.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.change_gaps import behind_speed, secure
from urbanlab.traffic.kernels.change_speed import (
    ASKED_TO_GO,
    ASKED_TO_YIELD,
    BLOCKED_BEHIND,
    BLOCKED_FRONT,
    FLAG_CHANGE,
    FROM_LEFT,
    FROM_RIGHT,
    GOES_ON,
    WANTS_LEFT,
    WANTS_RIGHT,
    advice_of,
    advise,
)
from urbanlab.traffic.kernels.look_ahead import lane_row
from urbanlab.traffic.kernels.neighbours import NONE
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap, stop_speed

__all__ = ["HELP_OVERTAKE", "congested", "help_blocked", "prepare"]

HALTING = 0.1
MARGIN = 0.1
HELP_OVERTAKE = 10.0 / 3.6
"""[m/s] by which one has to be faster to pass another."""
FALL_BEHIND = 7.0 / 3.6
"""[m/s^2] least deceleration for getting behind a leader on the other lane."""
URGENCY = 2.0
CUT_IN_LEFT = 27.0
"""[m/s] above this, those on the left are asked to slow down."""
LONGEST_RAMP = 200.0
"""[m] longer lanes are no ramps: those on the left are asked to slow down."""
CONGESTED_SPEED, CONGESTED_LIMIT = 60.0 / 3.6, 60.1 / 3.6
"""[m/s] below either, vehicles may be passed on the right."""
RESERVE_RIGHT, RESERVE_LEFT = 20.0, 40.0
"""[m] kept free at the end of the lane for vehicles that are not seen yet, where several changes are needed."""


@inline
def _on_edge(w: World, slot: int, target: int) -> bool:
    """Is a vehicle on a lane of the same edge, whose vehicles are all decided by one thread?"""
    lane = w.trips.lane[w.slots.trip[slot]]
    return lane >= 0 and w.net.lane_edge[lane] == w.net.lane_edge[target]


@inline
def _tell(w: World, slot: int, behind: int, speed: float, mark: int) -> None:
    """Ask a follower for room; one of another edge, which decides by itself, will be told when all have decided."""
    slots = w.slots
    lane = w.trips.lane[slots.trip[slot]]
    if _on_edge(w, behind, lane):
        advise(slots, behind, speed)
        slots.want[behind] |= mark
        return
    slots.ask_trip[slot] = slots.trip[behind]
    slots.ask_speed[slot] = speed
    slots.ask_mark[slot] = mark
    w.flags[w.lanes.active_at[lane]] = FLAG_CHANGE


@device
def help_blocked(w: World, slot: int, kind: int, blocked: int) -> None:
    """A slow vehicle leaves room for one before it that can't get onto its lane."""
    if blocked < 0 or blocked == slot:
        return
    slots, types = w.slots, w.types
    gap = slots.pos[blocked] - types.length[slots.kind[blocked]] - slots.pos[slot] - types.min_gap[kind]
    if gap > MARGIN and slots.speed[slot] < types.decel[kind]:
        advise(slots, slot, behind_speed(w, slot, kind, gap - MARGIN, slots.speed[blocked], types.decel[slots.kind[blocked]]))


@device
def _reserve(w: World, slot: int, kind: int, blocker: int, direction: int, left: float, leads_on: bool) -> bool:
    """Where a vehicle ahead wants the opposite change, one of the two keeps room for the other; False where neither can."""
    slots, types = w.slots, w.types
    counter = WANTS_LEFT if direction < 0 else WANTS_RIGHT
    if blocker < 0 or slots.want[blocker] & counter == 0:
        return True
    other = slots.kind[blocker]
    need = types.length[other] + types.min_gap[other]
    if need <= left - brake_gap(slots.speed[slot], types.decel[kind], 0.0, w.params.dt):
        slots.blocker[slot] = max(need, slots.blocker[slot])
        return True
    own = types.length[kind] + types.min_gap[kind]
    reach = brake_gap(slots.speed[blocker], types.decel[other], w.params.dt, w.params.dt)
    if own <= slots.left_space[blocker] - reach or slots.left_space[blocker] > left:
        slots.blocker[blocker] = max(own, slots.blocker[blocker])
        return True
    if not leads_on:
        slots.blocker[slot] = max(need, slots.blocker[slot])
    return False


@device
def prepare(
    w: World,
    target: int,
    slot: int,
    kind: int,
    direction: int,
    lanes_to_go: int,
    left: float,
    front: int,
    front_gap: float,
    behind: int,
    behind_gap: float,
    blocked: int,
) -> None:
    """Adjust the own speed for an urgent change over `lanes_to_go` lanes within `left` [m] and ask for room."""
    slots, types, dt = w.slots, w.types, w.params.dt
    slots.left_space[slot] = left
    if lanes_to_go > 1:
        slots.blocker[slot] = max(RESERVE_RIGHT if direction < 0 else RESERVE_LEFT, slots.blocker[slot])
    leads_on = w.routes.best_link[lane_row(w, target - direction, slots.route[slot])] >= 0
    both = front == NONE or not _on_edge(w, front, target) or _reserve(w, slot, kind, front, direction, left, leads_on)
    first = w.lanes.first_blocked[target - direction]
    if first != front and not _reserve(w, slot, kind, first, direction, left, leads_on):
        both = False
    if leads_on and not both:
        slots.want[slot] |= GOES_ON
    seconds = max(dt, left / max(slots.look_speed[slot], 1e-3) / max(1, lanes_to_go) / URGENCY)
    planned = _ask_front(w, target, slot, kind, direction, front, front_gap, seconds, blocked)
    if planned >= 0.0 and behind != NONE:
        if blocked & BLOCKED_BEHIND != 0:
            _ask_behind(w, target, slot, kind, direction, behind, behind_gap, seconds, planned)
        elif blocked & BLOCKED_FRONT != 0:
            # the follower is far enough away: let it stay so
            other = slots.kind[behind]
            v = behind_speed(w, behind, other, behind_gap + planned * dt, planned, types.decel[kind])
            v = behind_speed(w, behind, other, behind_gap + (planned - v) * dt, planned, types.decel[kind])
            _tell(w, slot, behind, v, FROM_LEFT if direction < 0 else FROM_RIGHT)


@device
def _planned(w: World, slot: int, kind: int) -> float:
    """Speed of the next step: not faster, able to stop before the space kept free, heeding what is asked already [m/s]."""
    slots, types, dt = w.slots, w.types, w.params.dt
    speed = slots.speed[slot]
    room = slots.left_space[slot] - slots.blocker[slot]
    planned = min(speed, stop_speed(room, speed, types.decel[kind], types.emergency_decel[kind], dt))
    lowest = speed - types.decel[kind] * dt
    for k in range(slots.advices[slot]):
        advice = advice_of(slots, slot, k)
        if advice >= lowest:
            planned = min(planned, advice)
    return planned


@device
def _overtake_distance(w: World, follower: int, leader: int, gap: float, follower_speed: float, leader_speed: float) -> float:
    """Way until a follower is safely before its leader [m]."""
    types, slots = w.types, w.slots
    kind, other = slots.kind[follower], slots.kind[leader]
    way = gap + types.length[other] + types.min_gap[other] + types.length[kind]
    return max(0.0, way + secure(w, leader, leader_speed, follower, follower_speed))


@device
def _ask_front(w: World, target: int, slot: int, kind: int, direction: int, front: int, gap: float, seconds: float, blocked: int) -> float:
    """Speed planned with regard to the leader on the other lane [m/s]; -1 where it is to be overtaken."""
    slots, types, dt = w.slots, w.types, w.params.dt
    speed = slots.speed[slot]
    planned = _planned(w, slot, kind)
    if front == NONE:
        return planned
    front_speed, front_decel = slots.speed[front], types.decel[slots.kind[front]]
    braking = (slots.last_speed[front] - front_speed) / dt
    next_speed = front_speed - max(1.0, braking) * dt
    next_gap = gap + (next_speed - planned) * dt
    behind = max(max(0.0, speed - types.decel[kind] * dt), behind_speed(w, slot, kind, next_gap, max(0.0, next_speed), front_decel))
    if blocked & BLOCKED_FRONT == 0:
        advise(slots, slot, behind)
        return min(behind, planned)
    faster = planned - front_speed
    way = _overtake_distance(w, slot, front, gap, speed, front_speed)
    room = slots.left_space[slot] - slots.blocker[slot] - brake_gap(speed, types.decel[kind], types.tau[kind], dt)
    stays_behind = faster <= 0.0 or (direction > 0 and not congested(w, slot)) or room < way or seconds < way / max(faster, 1e-9)
    mark = FROM_LEFT if direction < 0 else FROM_RIGHT
    if stays_behind and slots.dwell[front] < 0.0:
        if _on_edge(w, front, target):
            slots.want[front] |= mark | ASKED_TO_GO
        if behind < speed:
            decel = min(types.decel[kind], max(FALL_BEHIND, (speed - behind) / seconds))
            planned = min(planned, max(0.0, speed - decel * dt))
            advise(slots, slot, planned)
            return planned
        advise(slots, slot, behind)
        return planned
    if _on_edge(w, front, target):
        advise(slots, front, front_speed)
        slots.want[front] |= mark | ASKED_TO_GO
    return -1.0


@inline
def congested(w: World, slot: int) -> bool:
    """Is the vehicle so slow for its road that passing on the right is allowed?"""
    lane = w.trips.lane[w.slots.trip[slot]]
    return w.slots.speed[slot] < CONGESTED_SPEED or w.lanes.speed[lane] < CONGESTED_LIMIT


@device
def _ask_behind(
    w: World, target: int, slot: int, kind: int, direction: int, behind: int, gap: float, seconds: float, planned: float
) -> None:
    """Ask the follower on the other lane to open a gap, or let it pass."""
    slots, types, dt = w.slots, w.types, w.params.dt
    other = slots.kind[behind]
    speed, own_speed = slots.speed[behind], slots.speed[slot]
    mark = (FROM_LEFT if direction < 0 else FROM_RIGHT) | ASKED_TO_YIELD
    if planned - speed >= HELP_OVERTAKE:
        need = secure(w, behind, speed, slot, planned)
        if (need - gap) / seconds < planned - speed:
            _tell(w, slot, behind, planned - HELP_OVERTAKE, mark)
            return
    decel = types.decel[other]
    slower, slower_1s = max(0.0, speed - decel * dt), max(0.0, speed - decel)
    opening = planned - slower_1s
    opened = gap + opening
    need = secure(w, behind, slower_1s, slot, planned)
    if opened > 0.0 and opened >= need:
        v = max(slower, behind_speed(w, behind, other, gap + planned * dt, planned, types.decel[kind]))
        v = behind_speed(w, behind, other, gap + (planned - v) * dt, planned, types.decel[kind])
        _tell(w, slot, behind, max(slower, v), mark)
    elif opening > 0.0 and opening * seconds > need - opened + MARGIN:
        _tell(w, slot, behind, slower, mark)
    elif direction < 0 and not congested(w, behind):
        _tell(w, slot, behind, max(slower, HELP_OVERTAKE), mark)
    else:
        helps = max(speed, own_speed + HELP_OVERTAKE)
        ramp = w.net.lane_length[w.trips.lane[slots.trip[slot]]]
        if speed > own_speed and (direction < 0 or planned > CUT_IN_LEFT or ramp > LONGEST_RAMP):
            helps = max(slower, own_speed + HELP_OVERTAKE)
            if (speed - own_speed) / decel < seconds:
                _tell(w, slot, behind, helps, mark)
                return
        _tell(w, slot, behind, helps, mark)
        # it is to pass: make way
        way = _overtake_distance(w, behind, slot, gap, helps, planned)
        advise(slots, slot, max(helps - way / seconds, own_speed - types.decel[kind] * dt))
