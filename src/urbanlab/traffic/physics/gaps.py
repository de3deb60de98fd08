"""Gap acceptance at junctions: may a vehicle go before, or after, another that approaches a crossing path?

Model: Krajzewicz and Erdmann 2013 ("Road intersection model in SUMO"): each approaching vehicle announces when
it will enter and leave the junction; a vehicle without priority goes if its own interval is clear of those of
all streams it yields to, by a safety margin.
"""

from __future__ import annotations

import math

from urbanlab.core.jit import inline

__all__ = ["LOOKAHEAD_ZIPPER", "blocked_by", "braking_arrival", "impatience", "unsafe_merge"]

LOOKAHEAD_ZIPPER = 16.0
"""[s] margin at a zipper, where streams alternate (SUMO 1.28; earlier versions had 4 s)."""


MILLISECOND = 1e-3
"""[s] SUMO's times are whole ones."""


@inline
def unsafe_merge(leader_speed: float, follower_speed: float, leader_decel: float, follower_decel: float) -> bool:
    """Would the follower need a longer way to stop than the one it follows?"""
    return leader_speed * leader_speed / leader_decel <= follower_speed * follower_speed / follower_decel


@inline
def braking_arrival(arrive: float, foe_arrive: float, foe_distance: float, foe_decel: float, now: float, dt: float) -> tuple[float, float]:
    """When, and how fast, a foe arrives that brakes from the moment the own vehicle enters: (time [s], speed [m/s]).

    It drives v = distance / time until the end of the step of `arrive` and brakes with `foe_decel` from then on. If that brings
    it to a stop before the junction its arrival is put off by 30 s.
    """
    if math.floor(arrive / dt) == math.floor(foe_arrive / dt):
        return foe_arrive, -1.0
    arrive = math.ceil((arrive - MILLISECOND / 2.0) / dt) * dt
    speed = foe_distance / max(foe_arrive - now + dt, dt)
    rest = foe_distance - speed * (arrive - now)
    if 0.5 * speed * speed / foe_decel <= rest:
        return foe_arrive + 30.0, 0.0
    early = foe_arrive - arrive
    lost = early * foe_decel
    root = math.sqrt(max(0.0, (speed - lost) * (speed - lost) - foe_decel * early * lost))
    late = (speed - lost - root) / foe_decel
    return foe_arrive + late, speed - (early + late) * foe_decel


@inline
def blocked_by(
    arrive: float,
    leave: float,
    arrive_speed: float,
    leave_speed: float,
    decel: float,
    foe_arrive: float,
    foe_leave: float,
    foe_arrive_speed: float,
    foe_leave_speed: float,
    foe_decel: float,
    margin: float,
    same_target: bool,
) -> bool:
    """Does the foe's announced passage forbid the own one? Times in [s], speeds in [m/s]."""
    if foe_leave < arrive:
        if not same_target:
            return False
        return arrive - foe_leave < margin or unsafe_merge(foe_leave_speed, arrive_speed, foe_decel, decel)
    if foe_arrive > leave + margin:
        return same_target and unsafe_merge(leave_speed, foe_arrive_speed, decel, foe_decel)
    return True


@inline
def impatience(base: float, waited: float, full_after: float) -> float:
    """Impatience in 0..1: grows with the time waited [s] until it is full."""
    grown = base + (waited / full_after if full_after > 0.0 else 0.0)
    return min(1.0, max(0.0, grown))
