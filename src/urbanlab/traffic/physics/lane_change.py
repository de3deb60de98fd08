"""Lane change as scalar functions: memories of speed gain and of the duty to keep right, MOBIL.

Sources: Erdmann 2014, "Lane-changing model in SUMO" (the memories and their constants); Kesting, Treiber,
Helbing 2007, "General lane-changing model MOBIL" (incentive and safety criterion).
"""

from __future__ import annotations

from typing import NamedTuple

from urbanlab.core.jit import inline

__all__ = ["LOOK_FORWARD", "SPEED_MEMORY", "KeepRight", "gain_after", "keep_right_after", "mobil_gain", "too_far"]

LOOK_FORWARD = 10.0
"""[s] how far ahead, at the present speed, a necessary change is thought of."""

SPEED_MEMORY = 0.9
"""[1] share of the old look-ahead speed that a slower vehicle keeps each step."""

RELATIVE_MIN_SPEED = 10.0
"""[m/s] speed gains are seen relative to at least this."""

KEEP_RIGHT_TIME = 5.0
ACCEPTANCE_TIME = 7.0

MOBIL_THRESHOLD = 0.1
MOBIL_RIGHT_BIAS = 0.2


class KeepRight(NamedTuple):
    """The lane to the right, seen by a vehicle."""

    distance: float  # [m] that can be driven on it and still be braked on
    gap: float  # [m] to its leader
    leader_speed: float  # [m/s]; >= 1e9 none
    need: float  # [m] secure gap at the desired speed
    desired: float  # [m/s]
    limit: float  # [m/s] of the present lane
    speed: float  # [m/s]


@inline
def too_far(room: float, num_lanes: int, reach: float) -> bool:
    """Is the room for a number of changes shorter than what the driver wants to see?"""
    return room < reach * num_lanes


@inline
def _after(share: float, dt: float) -> float:
    """What is left after a step of that of which `share` is left after a second."""
    return share if dt == 1.0 else share**dt


@inline
def gain_after(gain: float, here: float, there: float, direction: int, dt: float) -> float:
    """Memory of speed gain (left positive) after comparing the speeds two lanes promise [m/s]."""
    relative = (there - here) / max(there, RELATIVE_MIN_SPEED)
    if direction < 0:
        if here - 5.0 / 3.6 > there:
            return gain * _after(0.5, dt) if gain < 0.0 else gain
        return gain - dt * relative if gain < 0.0 or relative > 0.0 else gain
    if here > there:
        return gain * _after(0.5, dt) if gain > 0.0 else gain
    if here == there:
        return gain * _after(0.8, dt) if gain > 0.0 else gain
    return gain + dt * relative


@inline
def keep_right_after(duty: float, case: KeepRight, threshold: float, dt: float) -> float:
    """Memory of the duty to keep right (negative) after a step beside a free right lane."""
    ratio = case.desired / case.limit
    accept = ACCEPTANCE_TIME * ratio * max(1.0, case.speed)
    room = max(0.0, case.distance)
    seconds = min(accept, room / max(case.desired, 0.1))
    if case.leader_speed < case.desired:
        room = max(0.0, min(room, case.gap - case.need))
        seconds = min(seconds, room / (case.desired - case.leader_speed))
    return duty - dt * threshold * (seconds / accept) / KEEP_RIGHT_TIME


@inline
def mobil_gain(here: float, there: float, speed: float, direction: int, dt: float) -> bool:
    """MOBIL's incentive for a driver without politeness: acceleration gained above the threshold.

    The safety criterion is the secure gap that every change has to keep.
    """
    bias = MOBIL_RIGHT_BIAS if direction < 0 else -MOBIL_RIGHT_BIAS
    return (there - speed) / dt - (here - speed) / dt + bias > MOBIL_THRESHOLD
