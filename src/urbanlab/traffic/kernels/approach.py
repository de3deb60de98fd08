"""Announcements at links, and who may pass: gap acceptance, all-way stops, right before left, zippers.

Model: Krajzewicz and Erdmann 2013, "Road intersection model in SUMO".
"""

from __future__ import annotations

import math

from urbanlab.core.draw import uniform
from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_WATCHED
from urbanlab.traffic.kernels.conflicts import link_state
from urbanlab.traffic.kernels.fetch import fetch_ahead
from urbanlab.traffic.kernels.gap_acceptance import ASK, HALTING, OPEN, RED, foe_forbids, leave_time, unasked
from urbanlab.traffic.kernels.later_links import forget_earlier, remember
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.state import ITEM_REQUEST, NO_REQUEST, NUM_ITEMS
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap, follow_speed, speed_after
from urbanlab.traffic.physics.gaps import impatience

__all__ = ["announce", "forget", "is_open", "zipper_speed"]

EPS = 1e-3
DRAW_TIE, DRAW_ARRIVAL = 5, 6
STRAIGHT_TIE, TURN_TIE = 0.25, 0.75
"""Share of drivers that let another go first where everybody waits for everybody."""

TIE_BREAKER = 1e-3
"""[s] half of the drivers at an all-way stop say in a step that they arrive this much later, so that one of two may go."""

EQUAL, ALLWAY = 61, 119
MAX_CIRCLE = 16


@device
def announce(w: World, step: int) -> None:
    """Hang the announcements of this step onto their links. Serial: the lists are shared."""
    items, links, slots = w.items, w.links, w.slots
    equal = False
    forget_earlier(w)
    for a in range(w.pool.num_active[0]):
        fetch_ahead(w, a)
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes:
            continue
        first = w.lanes.first[lane]
        for slot in range(first, first + w.lanes.count[lane]):
            for item in range(slot * NUM_ITEMS, slot * NUM_ITEMS + slots.item[slot]):
                link = items.link[item]
                if link < 0 or items.flags[item] & ITEM_REQUEST == 0 or w.net.link_flags[link] & LINK_WATCHED == 0:
                    continue
                if links.head[link] < 0:
                    links.touched[links.num_touched[0]] = link
                    links.num_touched[0] += 1
                items.next[item] = links.head[link]
                links.head[link] = item
                if links.memory[link] >= 0:
                    remember(w, slot, item, links.memory[link])
                equal = equal or (w.net.link_state[link] == EQUAL and slots.halt[slot] > 0.0)
                if link_state(w, link) == ALLWAY and uniform(w.trips.key[slots.trip[slot]], step, DRAW_ARRIVAL) < 0.5:
                    items.arrive[item] += TIE_BREAKER
    if equal:
        _break_circles(w, step)


@device
def _break_circles(w: World, step: int) -> None:
    """Right before left: where everybody waits for somebody in a circle, some give up their turn for this step."""
    for k in range(w.links.num_touched[0]):
        link = w.links.touched[k]
        if link_state(w, link) != EQUAL:
            continue
        item = w.links.head[link]
        while item >= 0:
            slot = item // NUM_ITEMS
            if w.slots.halt[slot] > 0.0 and item == slot * NUM_ITEMS and _in_circle(w, link):
                share = STRAIGHT_TIE if w.net.link_direction[link] == 115 else TURN_TIE
                if uniform(w.trips.key[w.slots.trip[slot]], step, DRAW_TIE) < share:
                    w.items.flags[item] &= NO_REQUEST
                    w.slots.asked[slot] &= ~1
            item = w.items.next[item]


@device
def _first_foe_link(w: World, link: int, start: int) -> int:
    """Link of the nearest vehicle that a link yields to; `start` where that one comes from its lane; -1 none."""
    nearest, found = 1e9, -1
    for y in range(w.net.yield_start[link], w.net.yield_start[link + 1]):
        other = w.net.yield_link[y]
        item = w.links.head[other]
        while item >= 0:
            if w.net.link_from[other] == w.net.link_from[start]:
                return start
            if w.items.distance[item] < nearest and w.items.flags[item] & ITEM_REQUEST != 0:
                nearest, found = w.items.distance[item], other
            item = w.items.next[item]
    return found


@device
def _in_circle(w: World, start: int) -> bool:
    """Does the chain of those that are yielded to come back to a link?"""
    link = _first_foe_link(w, start, start)
    for _ in range(MAX_CIRCLE):
        if link < 0:
            return False
        if link == start:
            return True
        link = _first_foe_link(w, link, start)
    return False


@device
def forget(w: World) -> None:
    """Take all announcements off."""
    for k in range(w.links.num_touched[0]):
        w.links.head[w.links.touched[k]] = -1
    w.links.num_touched[0] = 0


@device
def is_open(w: World, slot: int, item: int, can_brake: bool, time: float) -> bool:
    """May the vehicle pass the link, given everybody that has to be yielded to?"""
    net, items, slots, types = w.net, w.items, w.slots, w.types
    kind, link = slots.kind[slot], items.link[item]
    verdict, before = unasked(w, slot, link)
    if verdict != ASK:
        return verdict == OPEN
    patience = impatience(types.impatience[kind], slots.halt[slot], w.params.impatience_time) if can_brake else 1.0
    for y in range(net.yield_start[link], net.yield_start[link + 1]):
        other = net.yield_link[y]
        foe_item = w.links.head[other]
        while foe_item >= 0:
            foe = foe_item // NUM_ITEMS
            moves = before != RED or items.speed[foe_item] > HALTING  # after green, those that stand let the others out
            if foe != slot and moves and _blocks(w, slot, item, foe, foe_item, patience, time):
                return False
            foe_item = items.next[foe_item]
    return True


@device
def _blocks(w: World, slot: int, item: int, foe: int, foe_item: int, patience: float, time: float) -> bool:
    """Does a foe's announced passage forbid the own one?"""
    items, foe_kind = w.items, w.slots.kind[foe]
    if items.flags[foe_item] & ITEM_REQUEST == 0:
        return False
    return foe_forbids(
        w, slot, item, patience, time, items.link[foe_item], foe_kind, items.waited[foe_item], items.distance[foe_item],
        items.arrive[foe_item], leave_time(w, foe_item, foe_kind), items.brake_speed[foe_item], items.leave_speed[foe_item],
    )  # fmt: skip


@inline
def _could_follow(distance: float, speed: float, decel: float, lead_distance: float, lead_speed: float) -> bool:
    """Could a vehicle, braking for a second, stay behind another that is nearer to a common point?"""
    return distance > lead_distance and distance - lead_distance > speed - decel - lead_speed


@device
def zipper_speed(w: World, slot: int, item: int, can_brake: bool, time: float) -> float:
    """Speed that lets the streams of a zipper alternate [m/s].

    Model: SUMO's zipper (`MSLink::getZipperSpeed`), as version 1.28 does it, found from its traces: who lets a vehicle of the other
    stream go first slows down evenly so as to be at the link a reaction time after it, or to a stop where that is sooner; it need not
    drive slower than it would behind that vehicle. The nearer the link, the harder it may brake.
    """
    net, items, slots, types = w.net, w.items, w.slots, w.types
    kind, link = slots.kind[slot], items.link[item]
    safe, distance = items.speed_pass[item], items.distance[item]
    if distance > max(net.link_visibility[link], brake_gap(slots.speed[slot], types.decel[kind], 0.0, w.params.dt)):
        return safe
    patience = impatience(types.impatience[kind], slots.halt[slot], w.params.impatience_time) if can_brake else 1.0
    for y in range(net.yield_start[link], net.yield_start[link + 1]):
        foe_item = w.links.head[net.yield_link[y]]
        while foe_item >= 0:
            foe = foe_item // NUM_ITEMS
            if foe != slot and _blocks(w, slot, item, foe, foe_item, patience, time):
                safe = min(safe, _behind_zipper(w, slot, item, foe, foe_item, safe))
            foe_item = items.next[foe_item]
    return safe


@device
def _behind_zipper(w: World, slot: int, item: int, foe: int, foe_item: int, safe: float) -> float:
    """Speed that makes a vehicle the follower of one of the other stream [m/s]."""
    items, slots, types, dt = w.items, w.slots, w.types, w.params.dt
    kind, foe_kind = slots.kind[slot], slots.kind[foe]
    v, u = items.speed[item], items.speed[foe_item]
    distance, foe_distance = items.distance[item], items.distance[foe_item]
    decel, foe_decel = types.decel[kind], types.decel[foe_kind]
    own_later = items.arrive[foe_item] > items.arrive[item] and not _could_follow(distance, v, decel, foe_distance, u)
    tie = items.arrive[foe_item] == items.arrive[item] and foe_distance == distance and slots.trip[slot] < slots.trip[foe]
    if own_later or _could_follow(foe_distance, u, foe_decel, distance, v) or tie:
        return safe
    foe_lane, own_lane = w.trips.lane[slots.trip[foe]], w.trips.lane[slots.trip[slot]]
    u_end = min(lane_limit(w, foe_lane, foe_kind, slots.factor[foe]), speed_after(foe_distance, u, types.accel[foe_kind]))
    foe_time = max(1.0, math.ceil(foe_distance / max(EPS, 0.5 * (u + u_end)) / dt) * dt)
    top = lane_limit(w, own_lane, kind, slots.factor[slot])
    # be there a reaction time after the foe, or slow down evenly to a stop where that is sooner
    time = foe_time + types.tau[kind]
    if time * safe < 2.0 * distance:
        change = 2.0 * (distance - time * safe) / (time * time)
    else:
        change = -safe * safe / (2.0 * max(EPS, distance))
    gap = distance - types.length[foe_kind] - types.min_gap[kind] - foe_distance
    follow = follow_speed(
        types.model[kind], gap, v, u, foe_decel, types.max_speed[kind], types.accel[kind], decel, types.emergency_decel[kind],
        types.tau[kind], types.delta[kind], dt,
    )  # fmt: skip
    v_end = min(top, max(u_end, speed_after(distance, v, -decel)))
    own_time = max(1.0, math.ceil(distance / max(EPS, 0.5 * (v + v_end)) / dt) * dt)
    weight = min(1.0, own_time / 10.0)
    hardest = weight * decel + (1.0 - weight) * types.emergency_decel[kind]
    return max(follow, v - hardest * dt, v + change * dt)
