"""May a link be passed? What needs no look at others, and whether the announced passage of one of them forbids it.

Model: Krajzewicz and Erdmann 2013, "Road intersection model in SUMO".
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.arrays import LINK_CONT, LINK_INSIDE
from urbanlab.traffic.kernels.conflicts import ZIPPER, is_priority, is_red, link_state
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.gaps import LOOKAHEAD_ZIPPER, blocked_by, braking_arrival

__all__ = ["ASK", "HALTING", "OPEN", "RED", "foe_forbids", "leave_time", "unasked"]

HALTING = 0.1
EPS = 1e-3
ALLWAY, STOP, MAJOR_GREEN, RED = 119, 115, 71, 114

CLOSED, OPEN, ASK = range(3)
"""Verdicts without a look at others; ASK: it depends on them."""


@device
def leave_time(w: World, item: int, kind: int) -> float:
    """When the vehicle's rear has left the lane behind the link [s]."""
    items = w.items
    mean = max(0.5 * (items.arrive_speed[item] + items.leave_speed[item]), EPS)
    return items.arrive[item] + (w.net.link_length[items.link[item]] + w.types.length[kind]) / mean


@device
def _entry_state(w: World, link: int) -> int:
    """Behind a waiting point: state of the link by which the junction was entered; 0 elsewhere."""
    net = w.net
    if net.link_flags[link] & LINK_INSIDE == 0 or net.lane_internal[net.link_next[link]] == 0:
        return 0
    return link_state(w, net.lane_entry[net.link_from[link]])


@device
def unasked(w: World, slot: int, link: int) -> tuple[int, int]:
    """Verdict on a link by its own state, and the state of the link by which the vehicle entered the junction (0: it has not)."""
    state = link_state(w, link)
    if is_red(state):
        return CLOSED, 0
    if w.net.link_flags[link] & LINK_CONT != 0:
        return OPEN, 0
    before = _entry_state(w, link)
    if is_priority(state) or (before == MAJOR_GREEN and state != ZIPPER):
        return OPEN, before
    if (state == STOP or state == ALLWAY) and w.slots.halt[slot] <= 0.0:
        return CLOSED, before
    return ASK, before


@device
def foe_forbids(
    w: World,
    slot: int,
    item: int,
    patience: float,
    time: float,
    foe_link: int,
    foe_kind: int,
    foe_waited: float,
    foe_distance: float,
    foe_arrive: float,
    foe_leave: float,
    foe_speed: float,
    foe_leave_speed: float,
) -> bool:
    """Does the announced passage of a foe forbid that of a vehicle over the link of its item?

    Parameters
    ----------
    patience : [1] the own driver's impatience
    foe_waited, foe_arrive, foe_leave : [s]
    foe_distance : [m] to its link
    foe_speed, foe_leave_speed : [m/s] when it arrives braking, and when it leaves
    """
    items, types = w.items, w.types
    kind, arrive, foe_decel = w.slots.kind[slot], items.arrive[item], types.decel[foe_kind]
    foe_state = link_state(w, foe_link)
    if foe_state == ALLWAY:  # who has waited longer goes first, ties by arrival; nobody while both are the same
        if items.waited[item] > foe_waited or (items.waited[item] == foe_waited and arrive < foe_arrive):
            return False
    if patience > 0.0 and arrive < foe_arrive:
        late, slow = braking_arrival(arrive, foe_arrive, foe_distance, foe_decel * patience, time, w.params.dt)
        foe_arrive = (1.0 - patience) * foe_arrive + patience * late
        if slow >= 0.0:
            foe_speed = slow
    margin = LOOKAHEAD_ZIPPER if foe_state == ZIPPER else types.timegap_minor[kind]
    same_target = w.net.link_to[items.link[item]] == w.net.link_to[foe_link]
    return blocked_by(
        arrive, leave_time(w, item, kind), items.arrive_speed[item], items.leave_speed[item], types.decel[kind],
        foe_arrive, foe_leave, foe_speed, foe_leave_speed, foe_decel, margin, same_target,
    )  # fmt: skip
