"""What a wish to change lanes, or another's, does to the speed.

Source: Erdmann 2014 ("Lane-changing model in SUMO"), section on cooperation and speed adjustment.
"""

from __future__ import annotations

from urbanlab.core.jit import inline
from urbanlab.traffic.kernels.arrays import Types
from urbanlab.traffic.physics.following import stop_speed
from urbanlab.traffic.kernels.state import Slots

__all__ = [
    "ASKED_TO_GO",
    "ASKED_TO_YIELD",
    "BLOCKED_BEHIND",
    "BLOCKED_FRONT",
    "CHANGE_LEFT",
    "CHANGE_RIGHT",
    "NO_ADVICE",
    "STRATEGIC",
    "WANTS",
    "adapted_speed",
]

WANTS = 1  # wants to change
STRATEGIC = 2  # the route needs it
BLOCKED_FRONT = 4
BLOCKED_BEHIND = 8
CHANGE_LEFT = 16  # will change in this step
CHANGE_RIGHT = 32
ASKED_TO_YIELD = 64  # stands in the way of somebody who wants in before it
ASKED_TO_GO = 128  # stands in the way of somebody who wants in behind it

NO_ADVICE = 1e9


@inline
def adapted_speed(
    slots: Slots, types: Types, slot: int, kind: int, v_min: float, wanted: float, v_max: float, speed: float, dt: float
) -> float:
    """Next speed within [v_min, v_max] [m/s] after advice from the last lane change phase, which is used up."""
    want = slots.want[slot]
    advice = slots.advice[slot]
    blocker = slots.blocker[slot]
    left = slots.left_space[slot]
    slots.advice[slot] = NO_ADVICE
    slots.blocker[slot] = 0.0
    slots.want[slot] = 0
    if want == 0 and advice >= NO_ADVICE:
        return wanted
    if blocker > 0.0:
        room = left - blocker - 1.0 - types.min_gap[kind]
        if room > 0.0:
            safe = stop_speed(room, speed, types.decel[kind], types.emergency_decel[kind], dt)
            if safe < wanted:
                return max(safe, v_min)
    if advice < NO_ADVICE:
        weight = min(1.0, max(0.0, types.lc_cooperative[kind]))
        asked = min(max(advice, v_min), v_max)
        return min(wanted, asked * weight + (1.0 - weight) * wanted) if asked < wanted else max(wanted, min(asked, v_max))
    if want & WANTS != 0 and want & (BLOCKED_FRONT | BLOCKED_BEHIND) != 0:
        if want & STRATEGIC != 0:
            return (v_max + wanted) / 2.0
        if want & BLOCKED_BEHIND != 0:
            return (v_max + wanted) / 2.0
    if want & ASKED_TO_GO != 0:
        return (v_max + wanted) / 2.0
    if want & ASKED_TO_YIELD != 0:
        return (v_min + wanted) / 2.0
    return wanted
