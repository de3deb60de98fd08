"""Would a link behind the next one be open? Known is who asked for the links it yields to in the step before.

Model: SUMO's `checkRewindLinkLanes`, which asks `MSLink::opened` while everybody still plans. That matters where a vehicle does not
fit between two junctions; so only links are remembered to which those behind such short lanes yield, and of each the first few to arrive.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.arrays import LINK_CONT, LINK_INSIDE
from urbanlab.traffic.kernels.conflicts import is_priority, is_red, link_state
from urbanlab.traffic.kernels.world import NUM_REMEMBERED, World
from urbanlab.traffic.physics.gaps import LOOKAHEAD_ZIPPER, blocked_by, braking_arrival, impatience

__all__ = ["entry_state", "forget_earlier", "leave_time", "remember", "seems_open"]

HALTING = 0.1
EPS = 1e-3
ZIPPER, ALLWAY, STOP, MAJOR_GREEN, RED = 90, 119, 115, 71, 114


@device
def forget_earlier(w: World) -> None:
    """Nobody is remembered any more."""
    for row in range(len(w.memory.num)):
        w.memory.num[row] = 0


@device
def remember(w: World, slot: int, item: int, row: int) -> None:
    """Keep an announcement until the next step, if it is one of the first to arrive at its link."""
    memory, items = w.memory, w.items
    num, base = memory.num[row], row * NUM_REMEMBERED
    place = num
    while place > 0 and items.arrive[item] < memory.arrive[base + place - 1]:
        place -= 1
    if place == NUM_REMEMBERED:
        return
    for k in range(min(num, NUM_REMEMBERED - 1), place, -1):
        _copy(w, base + k - 1, base + k)
    memory.num[row] = min(num + 1, NUM_REMEMBERED)
    here = base + place
    memory.trip[here], memory.kind[here] = w.slots.trip[slot], w.slots.kind[slot]
    memory.arrive[here], memory.leave[here] = items.arrive[item], leave_time(w, item, w.slots.kind[slot])
    memory.brake_speed[here], memory.leave_speed[here] = items.brake_speed[item], items.leave_speed[item]
    memory.distance[here], memory.speed[here] = items.distance[item], items.speed[item]
    memory.waited[here] = items.waited[item]


@device
def _copy(w: World, source: int, target: int) -> None:
    m = w.memory
    m.trip[target], m.kind[target], m.arrive[target], m.leave[target] = m.trip[source], m.kind[source], m.arrive[source], m.leave[source]
    m.brake_speed[target], m.leave_speed[target] = m.brake_speed[source], m.leave_speed[source]
    m.distance[target], m.speed[target], m.waited[target] = m.distance[source], m.speed[source], m.waited[source]


@device
def leave_time(w: World, item: int, kind: int) -> float:
    """When the vehicle's rear has left the lane behind the link [s]."""
    items = w.items
    mean = max(0.5 * (items.arrive_speed[item] + items.leave_speed[item]), EPS)
    return items.arrive[item] + (w.net.link_length[items.link[item]] + w.types.length[kind]) / mean


@device
def entry_state(w: World, link: int) -> int:
    """Behind a waiting point: state of the link by which the junction was entered; 0 elsewhere."""
    net = w.net
    if net.link_flags[link] & LINK_INSIDE == 0 or net.lane_internal[net.link_next[link]] == 0:
        return 0
    return link_state(w, net.lane_entry[net.link_from[link]])


@device
def seems_open(w: World, slot: int, item: int, time: float) -> bool:
    """May the vehicle pass the link when it gets there, by what is known of the step before?"""
    net, memory = w.net, w.memory
    link = w.items.link[item]
    state = link_state(w, link)
    if is_red(state):
        return False
    if net.link_flags[link] & LINK_CONT != 0:
        return True
    before = entry_state(w, link)
    if is_priority(state) or (before == MAJOR_GREEN and state != ZIPPER):
        return True
    waited = w.slots.halt[slot]
    if (state == STOP or state == ALLWAY) and waited <= 0.0:
        return False
    patience = impatience(w.types.impatience[w.slots.kind[slot]], waited, w.params.impatience_time)
    for y in range(net.yield_start[link], net.yield_start[link + 1]):
        row = w.links.memory[net.yield_link[y]]
        if row < 0:
            continue
        for foe in range(row * NUM_REMEMBERED, row * NUM_REMEMBERED + memory.num[row]):
            moves = before != RED or memory.speed[foe] > HALTING
            if moves and memory.trip[foe] != w.slots.trip[slot] and _blocks(w, slot, item, net.yield_link[y], foe, patience, time):
                return False
    return True


@device
def _blocks(w: World, slot: int, item: int, foe_link: int, foe: int, patience: float, time: float) -> bool:
    """Does the passage of a remembered vehicle forbid the own one?"""
    items, types, memory = w.items, w.types, w.memory
    kind = w.slots.kind[slot]
    arrive, foe_arrive, foe_speed, foe_decel = (
        items.arrive[item],
        memory.arrive[foe],
        memory.brake_speed[foe],
        types.decel[memory.kind[foe]],
    )
    foe_state = link_state(w, foe_link)
    if foe_state == ALLWAY:
        if items.waited[item] > memory.waited[foe] or (items.waited[item] == memory.waited[foe] and arrive < foe_arrive):
            return False
    if patience > 0.0 and arrive < foe_arrive:
        late, slow = braking_arrival(arrive, foe_arrive, memory.distance[foe], foe_decel * patience, time, w.params.dt)
        foe_arrive = (1.0 - patience) * foe_arrive + patience * late
        if slow >= 0.0:
            foe_speed = slow
    margin = LOOKAHEAD_ZIPPER if foe_state == ZIPPER else types.timegap_minor[kind]
    same_target = w.net.link_to[items.link[item]] == w.net.link_to[foe_link]
    return blocked_by(
        arrive, leave_time(w, item, kind), items.arrive_speed[item], items.leave_speed[item], types.decel[kind],
        foe_arrive, memory.leave[foe], foe_speed, memory.leave_speed[foe], foe_decel, margin, same_target,
    )  # fmt: skip
