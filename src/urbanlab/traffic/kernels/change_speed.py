"""What a wish to change lanes, or another's, does to the speed.

Source: Erdmann 2014 ("Lane-changing model in SUMO"), section on cooperation and speed adjustment.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import Types
from urbanlab.traffic.kernels.state import Slots
from urbanlab.traffic.physics.following import stop_speed

__all__ = [
    "ASKED_TO_GO", "ASKED_TO_YIELD", "BLOCKED", "BLOCKED_BEHIND", "BLOCKED_FRONT", "CHANGE_LEFT", "CHANGE_RIGHT", "COOPERATIVE",
    "FLAG_CHANGE", "FROM_LEFT", "FROM_RIGHT", "GOES_ON", "STAYS", "STRATEGIC", "URGENT", "WANTS_LEFT", "WANTS_RIGHT", "adapted_speed",
    "advice_of", "advise", "forget_wishes",
]  # fmt: skip

WANTS_LEFT = 1
WANTS_RIGHT = 2
STRATEGIC = 4  # the route needs it
COOPERATIVE = 8  # it makes room for another
URGENT = 16
BLOCKED_FRONT = 32
BLOCKED_BEHIND = 64
CHANGE_LEFT = 128  # will change in this step
CHANGE_RIGHT = 256
ASKED_TO_GO = 512  # stands in the way of somebody who wants in behind it
ASKED_TO_YIELD = 1024  # stands in the way of somebody who wants in before it
FROM_LEFT = 2048  # that somebody changes to the right
FROM_RIGHT = 4096
STAYS = 8192  # must not leave its lane
GOES_ON = 16384  # neither it nor a vehicle that wants the opposite change can make room: it does not brake, since its lane leads on

FLAG_CHANGE = 8
"""Lanes where somebody will change lanes, or asks a vehicle of another edge for room."""

BLOCKED = BLOCKED_FRONT | BLOCKED_BEHIND
WANTS = WANTS_LEFT | WANTS_RIGHT
MERGE_MARGIN = 1.0
"""[m] kept besides the length of a vehicle that is to merge in at the end of the lane."""


@device
def advise(slots: Slots, slot: int, speed: float) -> None:
    """Note a speed [m/s] that helps a change; a fifth one replaces the fourth if it is lower."""
    num = slots.advices[slot]
    if num == 0:
        slots.advice_1[slot] = speed
    elif num == 1:
        slots.advice_2[slot] = speed
    elif num == 2:
        slots.advice_3[slot] = speed
    elif num == 3:
        slots.advice_4[slot] = speed
    else:
        slots.advice_4[slot] = min(slots.advice_4[slot], speed)
        return
    slots.advices[slot] = num + 1


@inline
def advice_of(slots: Slots, slot: int, k: int) -> float:
    """The k-th speed asked for [m/s]; k below `advices`."""
    if k == 0:
        return slots.advice_1[slot]
    if k == 1:
        return slots.advice_2[slot]
    return slots.advice_3[slot] if k == 2 else slots.advice_4[slot]


@inline
def forget_wishes(slots: Slots, slot: int) -> None:
    """On a road of one lane, and after a change, nothing is remembered."""
    slots.want[slot] = 0
    slots.gain[slot] = 0.0
    slots.keep_right[slot] = 0.0
    slots.look_speed[slot] = 0.0


@inline
def _followed(advice: float, v_min: float, wanted: float, v_max: float, weight: float, best: float) -> float:
    """Speed after one more advice [m/s]; what can't be driven in this step is not heeded."""
    if advice < v_min or advice > v_max:
        return best
    return min(advice * weight + (1.0 - weight) * wanted, best)


@device
def adapted_speed(
    slots: Slots, types: Types, slot: int, kind: int, v_min: float, wanted: float, v_max: float, speed: float, dt: float
) -> float:
    """Next speed within [v_min, v_max] [m/s] after the advice of the last lane change phase, which is used up."""
    want, num = slots.want[slot], slots.advices[slot]
    blocker, left = slots.blocker[slot], slots.left_space[slot]
    slots.left_space[slot] = 0.0
    slots.advices[slot] = 0
    slots.blocker[slot] = 0.0
    # a strategic wish is remembered until the next phase, so that others know of it
    slots.want[slot] = want & WANTS if want & STRATEGIC != 0 else 0
    if want == 0 and num == 0 and blocker == 0.0:
        return wanted
    best, heeded = wanted, False
    if blocker > 0.0:
        room = left - blocker - MERGE_MARGIN - types.min_gap[kind]
        if room > 0.0:
            hardest = max(0.0, speed - types.emergency_decel[kind] * dt)
            safe = stop_speed(room, speed, types.decel[kind], types.emergency_decel[kind], dt)
            v_max = min(v_max, max(safe, hardest))
            if safe < wanted:
                if hardest <= safe < v_min:
                    v_min = max(hardest, safe)
                best, heeded = max(v_min, safe), True
    weight = min(1.0, max(0.0, types.lc_cooperative[kind]))
    for k in range(num):
        advice = advice_of(slots, slot, k)
        heeded = heeded or v_min <= advice <= v_max
        best = _followed(advice, v_min, wanted, v_max, weight, best)
    if heeded and want & GOES_ON == 0:
        return best
    if want & WANTS != 0 and want & BLOCKED != 0:
        if want & STRATEGIC != 0:
            return (v_max + wanted) / 2.0
        if want & COOPERATIVE != 0:
            return (v_min + wanted) / 2.0 if want & BLOCKED_FRONT != 0 else (v_max + wanted) / 2.0
    if want & ASKED_TO_GO != 0:
        return (v_max + wanted) / 2.0
    return wanted
