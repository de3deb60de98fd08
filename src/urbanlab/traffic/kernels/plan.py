"""First phase of a step: each vehicle looks ahead and finds the speed it may drive next.

Reads the old state of everything, writes only the vehicle's own plan and items. Whether the links it means to pass are
open is decided in the next phase, when all approaching vehicles are known.

Model: the order of SUMO's `planMoveInternal` (Krajzewicz 2010, "Traffic simulation with SUMO", section 3, and Erdmann and
Krajzewicz 2014): leader on the lane, next stop, end of the route, then link by link.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_WATCHED
from urbanlab.traffic.kernels.conflicts import is_priority, is_red, is_yellow, link_state, rear_slot
from urbanlab.traffic.kernels.fetch import fetch_links_ahead
from urbanlab.traffic.kernels.keep_clear import keep_junctions_clear
from urbanlab.traffic.kernels.limits import following_speed, top_speed
from urbanlab.traffic.kernels.look_ahead import announce_far, look_ahead, next_link, route_stop
from urbanlab.traffic.kernels.state import EXPECTS_TO_WAIT, ITEM_REQUEST, NUM_ITEMS
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import EPS, brake_gap, can_stop, speed_after_up_to

__all__ = ["plan_lanes"]

HALTING = 0.1
NOBODY = 1e9
"""[m/s] no bound: there is no leader."""


@device
def plan_lanes(w: World, begin: int, end: int, time: float) -> None:
    """Plan all vehicles of a range of active lanes."""
    lanes, slots, types = w.lanes, w.slots, w.types
    for a in range(begin, end):
        fetch_links_ahead(w, a)
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes:
            continue
        first = lanes.first[lane]
        ahead = 0.0
        for k in range(lanes.count[lane]):
            slot = first + k
            _plan(w, lane, slot, k, ahead, time)
            kind = slots.kind[slot]
            ahead += types.length[kind] + types.min_gap[kind]


@inline
def _leader_speed(w: World, lane: int, slot: int, k: int, kind: int, desired: float) -> float:
    """Bound from the vehicle ahead on the lane, or whose rear is still on it [m/s]; NOBODY without one."""
    slots, types = w.slots, w.types
    pos = slots.pos[slot]
    if k > 0:
        leader = slot - 1
        gap = slots.pos[leader] - types.length[slots.kind[leader]] - types.min_gap[kind] - pos
        if gap + types.min_gap[kind] < -EPS:
            w.lanes.collisions[lane] += 1
    else:
        leader = rear_slot(w, lane)
        if leader < 0 or leader == slot:
            return NOBODY
        out = slots.odo[leader] - w.lanes.left_odo[lane] - types.length[slots.kind[leader]]
        gap = w.net.lane_length[lane] + out - types.min_gap[kind] - pos
    return following_speed(w, kind, gap, slots.speed[slot], leader, desired, desired)


@device
def _plan(w: World, lane: int, slot: int, k: int, ahead: float, time: float) -> None:
    """Next speed of one vehicle and the links it looks at; `ahead` [m] is taken by those before it on its lane."""
    net, lanes, slots, types, dt = w.net, w.lanes, w.slots, w.types, w.params.dt
    slots.item[slot] = 0
    slots.asked[slot] = 0
    if slots.dwell[slot] >= 0.0:
        slots.plan[slot] = 0.0
        return
    kind = slots.kind[slot]
    speed = slots.speed[slot]
    decel = types.decel[kind]
    max_speed = top_speed(types, kind, slots.factor[slot])
    v_cap = min(speed + types.accel[kind] * dt, max_speed)
    lane_speed = max(min(lanes.speed[lane] * slots.factor[slot], max_speed), speed - decel * dt)
    v = min(v_cap, lane_speed)
    seen = net.lane_length[lane] - slots.pos[slot]
    behind = _leader_speed(w, lane, slot, k, kind, lane_speed)
    arrive_speed = speed_after_up_to(lane_speed, seen, v, types.accel[kind])
    if behind < NOBODY:
        arrive_speed = min(arrive_speed, behind, v_cap)  # who has a leader is not reckoned to gather more speed than in this step
    v = min(v, behind)
    may_be_far = k > 0 and not route_stop(w, slot, lane, slots.route[slot])
    is_far = may_be_far and can_stop(v_cap, seen - v_cap * dt, decel, types.tau[kind])
    look = 0.0 if is_far else v_cap * dt + brake_gap(v_cap, decel, types.tau[kind], dt)
    if is_far or (may_be_far and seen > look):
        # too far from the end of the lane to be slowed down by what lies beyond
        slots.plan[slot] = v
        link = next_link(w, lane, slots.route[slot])
        if link >= 0:
            state = link_state(w, link)
            held = is_red(state) or is_yellow(state)
            if net.link_flags[link] & LINK_WATCHED != 0 and v > EPS and not held:
                announce_far(w, slot, link, kind, seen, v, arrive_speed, time)
            elif v < HALTING or (v < speed if held else (v < decel and v < v_cap) or not is_priority(state)):
                slots.asked[slot] = EXPECTS_TO_WAIT
        return
    num = look_ahead(w, lane, slot, v, lane_speed, arrive_speed, look, time)
    slots.item[slot] = num
    slots.plan[slot] = v
    keep_junctions_clear(w, lane, slot, kind, ahead, num, time)
    asked = 0
    for n in range(num):
        if w.items.flags[slot * NUM_ITEMS + n] & ITEM_REQUEST != 0:
            asked |= 1 << n
    slots.asked[slot] = asked
