"""First phase of a step: every vehicle's next speed and place, from the state that all of them see.

Source: the behaviour of CityFlow's `Vehicle::getNextSpeed`, `Vehicle::getIntersectionRelatedSpeed` and
`Cross::canPass` (commit 81ee0f47). Writes only the vehicle's own slot and its lane's sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.jit import device, inline
from urbanlab.traffic.cityflow.kernels.tell import is_open
from urbanlab.traffic.cityflow.kernels.world import COUNT_STEPS, World
from urbanlab.traffic.cityflow.physics import (
    YIELD_DISTANCE,
    braking_distance,
    can_yield,
    follow_speed,
    lower,
    no_collision_speed,
    reach_steps,
    stop_speed,
)
from urbanlab.traffic.physics.emissions import CO2_COLUMN, FUEL_COLUMNS, fuel_rate

__all__ = ["drive_all"]

HALTING = 0.1
"""[m/s] slower is waiting."""

MOVING_TAIL = 2.0
"""[m/s] a lane can be entered behind a vehicle that is this fast, however near it is (Lane::canEnter)."""

FASTEST = 100.0
"""[m/s] what SimpleLaneChange::yieldSpeed answers where nobody asks for room."""


@device
def drive_all(w: World, signal_state: NDArray[np.uint8], step: int) -> None:
    """Work out the next speed and place of all vehicles."""
    lanes, slots, net = w.lanes, w.slots, w.net
    moved = 0
    for a in range(w.pool.num_active[0]):
        lane = w.pool.active[a]
        first, count = lanes.first[lane], lanes.count[lane]
        moved += count
        seconds = metres = waiting = loss = 0.0
        for slot in range(first, first + count):
            v = _next_speed(w, signal_state, lane, slot, slot == first, step)
            way = _move(w, slot, v)
            top = min(w.types.max_speed[slots.kind[slot]], net.desired[lane])
            stood, lost = _count(w, slot, way, top)
            seconds += w.params.dt
            metres += way
            waiting += stood
            loss += lost
        lanes.seconds[lane] += seconds
        lanes.metres[lane] += metres
        lanes.waiting[lane] += waiting
        lanes.loss[lane] += loss
    w.counts[COUNT_STEPS] += moved


@device
def _next_speed(w: World, signal_state: NDArray[np.uint8], lane: int, slot: int, is_front: bool, step: int) -> float:
    """Next speed of a vehicle [m/s]; negative: it stops within the step."""
    net, slots, types, dt = w.net, w.slots, w.types, w.params.dt
    kind, speed, pos = slots.kind[slot], slots.speed[slot], slots.pos[slot]
    max_decel = types.max_decel[kind]
    slots.next_blocker[slot] = -1
    v = lower(types.max_speed[kind], speed + types.max_accel[kind] * dt)
    v = lower(v, net.limit[lane])
    v = lower(v, _behind_leader(w, lane, slot, is_front))
    following = slots.next[slot]
    if net.is_link[lane] != 0:
        v = lower(v, _through_crossings(w, lane, slot, pos, types.max_speed[kind], step))
    elif following >= 0 and net.length[lane] - pos <= types.approach[kind]:
        v = lower(v, _into_link(w, signal_state, lane, following, slot, step))
    v = lower(v, FASTEST)
    if following < 0 and w.routes.last[slots.route[slot]] == 0:
        v = lower(v, no_collision_speed(0.0, 1.0, speed, max_decel, net.length[lane] - pos, dt, types.min_gap[kind]))
    lowest = speed - max_decel * dt
    return v if v > lowest else lowest


@inline
def _behind_leader(w: World, lane: int, slot: int, is_front: bool) -> float:
    slots, types = w.slots, w.types
    kind = slots.kind[slot]
    if is_front:
        ahead = w.lanes.ahead[lane]
        if ahead < 0:
            return types.max_speed[kind]
        leader, gap = w.trips.slot[ahead], w.lanes.gap[lane]
    else:
        leader = slot - 1
        gap = slots.pos[leader] - types.length[slots.kind[leader]] - slots.pos[slot]
    other = slots.kind[leader]
    return follow_speed(
        slots.speed[leader], types.max_decel[other], types.usual_decel[other], gap, slots.speed[slot], types.max_decel[kind],
        types.usual_decel[kind], types.min_gap[kind], types.headway[kind], w.params.dt,
    )  # fmt: skip


@device
def _into_link(w: World, signal_state: NDArray[np.uint8], lane: int, link: int, slot: int, step: int) -> float:
    """Speed before a link [m/s]: it may be closed or full, and others may cross it."""
    net, slots, types = w.net, w.slots, w.types
    kind, speed = slots.kind[slot], slots.speed[slot]
    rest = net.length[lane] - slots.pos[slot]
    if not is_open(w, signal_state, link) or not _can_enter(w, net.link_to[link], kind):
        if not braking_distance(speed, types.max_decel[kind]) > rest:
            stop = stop_speed(rest, speed, types.usual_accel[kind], types.usual_decel[kind], w.params.dt)
            return lower(types.max_speed[kind], stop)
    v = types.max_speed[kind]
    if net.link_turn[link] != 0:
        v = lower(v, types.turn_speed[kind])
    return _through_crossings(w, link, slot, -rest, v, step)


@inline
def _can_enter(w: World, lane: int, kind: int) -> bool:
    """Is there room behind the last vehicle of a lane, or does it move?"""
    if w.lanes.count[lane] == 0:
        return True
    tail = w.lanes.first[lane] + w.lanes.count[lane] - 1
    room = w.types.length[w.slots.kind[tail]] + w.types.length[kind]
    return w.slots.pos[tail] > room or w.slots.speed[tail] >= MOVING_TAIL


@device
def _through_crossings(w: World, link: int, slot: int, pos: float, v: float, step: int) -> float:
    """Speed on the way through a link [m/s]: stop before the first point where another goes first.

    `pos` is the place on the link [m], negative before it.
    """
    net, lanes, types = w.net, w.lanes, w.types
    kind = w.slots.kind[slot]
    for point in range(net.cross_start[link], net.cross_start[link + 1]):
        foe_link, twin = net.cross_foe[point], net.cross_twin[point]
        if lanes.told[foe_link] != step or twin < lanes.told_from[foe_link] or net.cross_pos[point] < pos:
            continue
        distance = net.cross_pos[point] - pos
        if not _may_pass(w, link, foe_link, slot, w.told.slot[twin], distance, w.told.distance[twin]):
            stop = stop_speed(distance - YIELD_DISTANCE, w.slots.speed[slot], types.usual_accel[kind], types.usual_decel[kind], w.params.dt)
            w.slots.next_blocker[slot] = w.slots.trip[w.told.slot[twin]]
            return lower(v, stop)
    return v


@inline
def _steps_to(w: World, link: int, slot: int, distance: float) -> float:
    types, kind = w.types, w.slots.kind[slot]
    target = types.turn_speed[kind] if w.net.link_turn[link] != 0 else types.max_speed[kind]
    return reach_steps(distance, w.slots.speed[slot], target, types.usual_accel[kind], w.params.dt)


@device
def _may_pass(w: World, link: int, foe_link: int, slot: int, foe: int, distance: float, foe_distance: float) -> bool:
    """May a vehicle pass a crossing point before the one that has announced itself there?"""
    slots, types = w.slots, w.types
    kind, foe_kind = slots.kind[slot], slots.kind[foe]
    if not can_yield(distance, slots.speed[slot], types.max_decel[kind], types.length[kind]):
        return True
    if can_yield(foe_distance, slots.speed[foe], types.max_decel[foe_kind], types.length[foe_kind]):
        if _goes_first(w, link, foe_link, slot, foe, distance, foe_distance):
            return True
    return _in_circle(w, foe)


@device
def _goes_first(w: World, link: int, foe_link: int, slot: int, foe: int, distance: float, foe_distance: float) -> bool:
    """Between two vehicles that both can yield: rank, then who is there first."""
    slots = w.slots
    rank, foe_rank = w.net.link_rank[link], w.net.link_rank[foe_link]
    if rank > foe_rank:
        return True
    if foe_distance <= 0.0:
        return foe_distance + w.types.length[slots.kind[foe]] < 0.0
    foe_steps, steps = _steps_to(w, foe_link, foe, foe_distance), _steps_to(w, link, slot, distance)
    if foe_steps > steps:
        return True
    if rank < foe_rank or foe_steps < steps:
        return False
    if slots.entry[slot] != slots.entry[foe]:
        return slots.entry[slot] < slots.entry[foe]
    if distance == foe_distance:
        return slots.priority[slot] > slots.priority[foe]
    return distance < foe_distance


@inline
def _blocker(w: World, slot: int) -> int:
    """Slot of the vehicle that another gave way to in the last step, -1 none or gone since."""
    trip = w.slots.blocker[slot]
    return w.trips.slot[trip] if trip >= 0 else -1


@device
def _in_circle(w: World, foe: int) -> bool:
    """Do vehicles wait for each other in a circle, as seen from one of them? Two walkers meet in a circle."""
    fast = slow = foe
    while fast >= 0:
        fast = _blocker(w, fast)
        if fast < 0:
            return False
        slow = _blocker(w, slow)
        fast = _blocker(w, fast)
        if fast == slow:
            return True
    return False


@inline
def _move(w: World, slot: int, v: float) -> float:
    """Keep the next speed and place of a vehicle; the way [m]."""
    slots, dt = w.slots, w.params.dt
    speed = slots.speed[slot]
    if v < 0.0:
        way = 0.5 * speed * speed / w.types.max_decel[slots.kind[slot]]
        v = 0.0
    else:
        way = (speed + v) * dt / 2.0
    slots.next_speed[slot] = v
    slots.next_pos[slot] = way + slots.pos[slot]
    slots.odo[slot] += way
    return way


@inline
def _count(w: World, slot: int, way: float, top: float) -> tuple[float, float]:
    """Times and emissions of a vehicle in this step; seconds waited and lost."""
    slots, types, dt = w.slots, w.types, w.params.dt
    speed, v = slots.speed[slot], slots.next_speed[slot]
    stood = 0.0
    if v < HALTING:
        stood = dt
        slots.waiting[slot] += dt
        if slots.halted[slot] == 0:
            slots.halts[slot] += 1
            slots.halted[slot] = 1
    else:
        slots.halted[slot] = 0
    lost = max(0.0, dt - way / top)
    slots.loss[slot] += lost
    table, row = types.fuel, types.emission[slots.kind[slot]] * FUEL_COLUMNS
    rate = fuel_rate(v, (v - speed) / dt, table, row)
    slots.fuel[slot] += rate * dt * 1e-3
    slots.co2[slot] += rate * dt * 1e-3 * table[row + CO2_COLUMN]
    return stood, lost
