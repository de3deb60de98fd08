"""Lane changes carried out, serial: each is checked once more, since others may have changed before it."""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.change_gaps import blocked_by_gaps
from urbanlab.traffic.kernels.change_speed import CHANGE_LEFT, CHANGE_RIGHT, advise, forget_wishes
from urbanlab.traffic.kernels.conflicts import shift_rear
from urbanlab.traffic.kernels.neighbours import gap_behind, gap_front, place_on_lane
from urbanlab.traffic.kernels.slots import copy_slot, insert_slot, remove_slot
from urbanlab.traffic.kernels.world import MOVE_NEXT, MOVE_NUM, World

__all__ = ["apply_changes"]


@device
def apply_changes(w: World, step: int) -> bool:
    """Work off the list of lanes with changes; False where slots ran out (call again after making room)."""
    while w.cursor[MOVE_NEXT] < w.cursor[MOVE_NUM]:
        lane = w.moves[w.cursor[MOVE_NEXT]]
        k = 0
        while k < w.lanes.count[lane]:
            slot = w.lanes.first[lane] + k
            if w.slots.ask_trip[slot] >= 0:
                _pass_on(w, slot)
            want = w.slots.want[slot]
            result = 0
            if want & CHANGE_LEFT != 0:
                result = _change(w, lane, lane + 1, slot, step)
            elif want & CHANGE_RIGHT != 0:
                result = _change(w, lane, lane - 1, slot, step)
            if result < 0:
                return False
            if result == 0:
                k += 1
        w.cursor[MOVE_NEXT] += 1
    return True


@device
def _pass_on(w: World, slot: int) -> None:
    """A vehicle of another edge learns that it is asked for room."""
    slots = w.slots
    asked = w.trips.slot[slots.ask_trip[slot]]
    if asked >= 0 and w.trips.lane[slots.ask_trip[slot]] >= 0:
        advise(slots, asked, slots.ask_speed[slot])
        slots.want[asked] |= slots.ask_mark[slot]
    slots.ask_trip[slot] = -1


@device
def _change(w: World, lane: int, target: int, slot: int, step: int) -> int:
    """1 changed, 0 no longer possible, -1 no slot."""
    slots = w.slots
    kind = slots.kind[slot]
    place = place_on_lane(w, target, slots.pos[slot])
    front, front_gap = gap_front(w, target, slot, kind, place)
    behind, behind_gap = gap_behind(w, target, slot, kind, place)
    if blocked_by_gaps(w, slot, kind, front, front_gap, behind, behind_gap) != 0:
        slots.want[slot] &= ~(CHANGE_LEFT | CHANGE_RIGHT)
        return 0
    pos = slots.pos[slot]
    new = insert_slot(w.lanes, slots, w.trips, w.pool, target, pos)
    if new < 0:
        return -1
    copy_slot(slots, slot, new)
    trip = slots.trip[new]
    remove_slot(w.lanes, slots, w.trips, w.pool, lane, slot)
    w.trips.slot[trip] = new
    w.trips.lane[trip] = target
    if pos < w.types.length[kind]:
        shift_rear(w, lane, target, trip)
    forget_wishes(slots, new)
    slots.blocker[new] = 0.0
    slots.advices[new] = 0
    slots.changed[new] = step
    return 1
