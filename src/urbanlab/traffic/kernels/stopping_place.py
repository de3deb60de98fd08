"""Room at stopping places: bus stops and the like, which those who stop there share, on the road as beside it.

Model: SUMO's `MSStoppingPlace`: whoever stops takes its length from its front back, beside the road as well; others stop behind the
last rear, or before it where there is a gap, and wait on the road where less than half of them would be within the place. Who wants back
onto the road keeps its room until it is there. So one that waits too far ahead shuts it in, until it is teleported.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import EPS

__all__ = ["free_end", "has_room"]

FAR = 1e9
POS_MARGIN = 0.1
"""[m] so close to its end a vehicle may stop, however long it is."""

STAYS = 10.0
"""[s] the place before a vehicle on the road that leaves sooner is not taken."""


@inline
def has_room(w: World, stop: int, kind: int, pos: float) -> bool:
    """May a vehicle whose front is at `pos` [m] make its stop there?"""
    return pos + POS_MARGIN >= w.stops.end[stop] or pos - w.stops.start[stop] >= 0.5 * w.types.length[kind]


@inline
def _stands_at(w: World, slot: int, place: int) -> bool:
    stop = w.slots.stop[slot]
    return w.slots.dwell[slot] >= 0.0 and stop >= 0 and w.stops.place[stop] == place


@device
def _next_back(w: World, lane: int, own: int, place: int, best: int, before: float) -> int:
    """Of those who stop at a place on a lane or off the road: who has the foremost front behind `before` [m], or `best`."""
    slots = w.slots
    for slot in range(w.lanes.first[lane], w.lanes.first[lane] + w.lanes.count[lane]):
        if slot != own and _stands_at(w, slot, place) and slots.pos[slot] < before:
            if best < 0 or slots.pos[slot] > slots.pos[best]:
                best = slot
    return best


@device
def free_end(w: World, slot: int, stop: int, since: float) -> float:
    """Where the front of a vehicle should be at its next stop, as far as others leave room [m].

    Parameters
    ----------
    slot, stop : the vehicle and its stop
    since : [s] who came back from beside the road at this time or later counts as still there
    """
    place, end, lane = w.stops.place[stop], w.stops.end[stop], w.stops.lane[stop]
    if place < 0:
        return end
    slots, types, limbo, places = w.slots, w.types, w.params.num_lanes, w.places
    kind = slots.kind[slot]
    before, ahead, gap_end, last = FAR, end, -1.0, FAR
    while True:
        other = _next_back(w, limbo, slot, place, _next_back(w, lane, slot, place, -1, before), before)
        if places.time[place] >= since and places.front[place] < before and (other < 0 or places.front[place] > slots.pos[other]):
            before, whose, stays = places.front[place], places.kind[place], True
        elif other >= 0:
            before, whose = slots.pos[other], slots.kind[other]
            stays = w.stops.parking[slots.stop[other]] != 0 or slots.dwell[other] > STAYS
        else:
            break
        if gap_end < 0.0 and stays and ahead - before - types.min_gap[whose] + EPS >= types.length[kind]:
            gap_end = ahead
        ahead = before - types.length[whose] - types.min_gap[kind]
        last = min(last, ahead)
    if last == FAR:
        return end
    last -= EPS
    return gap_end if gap_end >= 0.0 and not has_room(w, stop, kind, last) else last
