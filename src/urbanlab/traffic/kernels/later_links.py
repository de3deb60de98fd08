"""Would a link behind the next one be open? Known is who asked for the links it yields to in the step before.

Model: SUMO's `checkRewindLinkLanes`, which asks `MSLink::opened` while everybody still plans. That matters where a vehicle does not
fit between two junctions; so only links are remembered to which those behind such short lanes yield, and of each the first few to arrive.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.gap_acceptance import ASK, HALTING, OPEN, RED, foe_forbids, leave_time, unasked
from urbanlab.traffic.kernels.world import NUM_REMEMBERED, World
from urbanlab.traffic.physics.gaps import impatience

__all__ = ["forget_earlier", "remember", "seems_open"]


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
def seems_open(w: World, slot: int, item: int, time: float) -> bool:
    """May the vehicle pass the link when it gets there, by what is known of the step before?"""
    net, memory = w.net, w.memory
    link = w.items.link[item]
    verdict, before = unasked(w, slot, link)
    if verdict != ASK:
        return verdict == OPEN
    patience = impatience(w.types.impatience[w.slots.kind[slot]], w.slots.halt[slot], w.params.impatience_time)
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
    m = w.memory
    return foe_forbids(
        w, slot, item, patience, time, foe_link, m.kind[foe], m.waited[foe], m.distance[foe], m.arrive[foe], m.leave[foe],
        m.brake_speed[foe], m.leave_speed[foe],
    )  # fmt: skip
