"""CityFlow's rules of driving as plain arithmetic: following, stopping, and who goes first.

Source: Zhang et al. 2019, "CityFlow: A Multi-Agent Reinforcement Learning Environment for Large Scale City Traffic
Scenario", and the behaviour of its engine (github.com/cityflow-project/CityFlow, commit 81ee0f47, `Vehicle` and
`Cross`). Operations stand in the engine's order, so that results come out with the same bits, oddities included.

Domain: dt > 0 [s], decelerations > 0 [m/s^2], speeds >= 0 [m/s]. Vehicles move by the mean of their old and new speed.
"""

from __future__ import annotations

import math

from urbanlab.core.jit import inline

__all__ = [
    "braking_distance",
    "can_yield",
    "follow_speed",
    "lower",
    "no_collision_speed",
    "reach_steps",
    "stop_speed",
]

NO_SPEED = -100.0
"""[m/s] what no_collision_speed answers where no speed is safe; the limit of deceleration then holds."""

YIELD_DISTANCE = 5.0
"""[m] a yielding vehicle stops this far before the crossing point (VehicleInfo::yieldDistance)."""

TINY = 1e-8
"""[m/s] added to a speed before dividing by it (CityFlow's eps)."""


@inline
def lower(a: float, b: float) -> float:
    """The lower of two numbers; b where one of them is NaN, as CityFlow's min2double."""
    return a if a < b else b


@inline
def braking_distance(speed: float, decel: float) -> float:
    """Way until standstill under constant braking [m]."""
    return 0.5 * speed * speed / decel


@inline
def no_collision_speed(
    leader_speed: float, leader_decel: float, speed: float, decel: float, gap: float, dt: float, target_gap: float
) -> float:
    """Highest next speed from which a vehicle can still stop behind a leader who brakes [m/s]; NO_SPEED: none.

    With the new speed v the vehicle drives (speed + v) dt / 2 and then brakes over v^2 / (2 decel); it has
    gap + leader_speed^2 / (2 leader_decel) - target_gap to do so. The second bound keeps the gap over the step itself
    while the leader brakes.

    Parameters
    ----------
    gap : [m] leader's rear to own front
    target_gap : [m] to be left at standstill

    Examples
    --------
    >>> no_collision_speed(10.0, 5.0, 10.0, 5.0, 100.0, 1.0, 0.0) > 25.0
    True
    """
    c = speed * dt / 2.0 + target_gap - 0.5 * leader_speed * leader_speed / leader_decel - gap
    a = 0.5 / decel
    b = 0.5 * dt
    root = b * b - 4.0 * a * c
    if b * b < 4.0 * a * c:
        return NO_SPEED
    braking = 0.5 / a * (math.sqrt(root) - b)
    keeping = 2.0 * leader_speed - leader_decel * dt + 2.0 * (gap - target_gap) / dt
    return lower(braking, keeping)


@inline
def follow_speed(
    leader_speed: float, leader_max_decel: float, leader_usual_decel: float, gap: float, speed: float, max_decel: float,
    usual_decel: float, min_gap: float, headway: float, dt: float,
) -> float:  # fmt: skip
    """Next speed behind a leader [m/s]: no collision, the usual braking with the minimum gap, and the headway.

    Parameters
    ----------
    gap : [m] leader's rear to own front
    max_decel, usual_decel : [m/s^2]
    min_gap : [m] at standstill
    headway : [s] wanted time gap
    """
    v = no_collision_speed(leader_speed, leader_max_decel, speed, max_decel, gap, dt, 0.0)
    closing = speed - leader_speed if speed > leader_speed else 0.0
    v = lower(v, no_collision_speed(leader_speed, leader_usual_decel, speed, usual_decel, gap, dt, min_gap))
    return lower(v, (gap + (leader_speed + closing / 2.0) * dt - speed * dt / 2.0) / (headway + dt / 2.0))


@inline
def stop_speed(distance: float, speed: float, accel: float, decel: float, dt: float) -> float:
    """Next speed of a vehicle that has to stop within a distance [m/s].

    It accelerates as usual while it can still brake as usual afterwards; else its speed falls by equal parts over
    the whole steps that an even braking takes. The answer is negative where that is less than a step.

    Parameters
    ----------
    distance : [m]
    accel, decel : [m/s^2] usual ones

    Returns
    -------
    speed : [m/s]; at no distance, -inf for a moving vehicle and NaN for a standing one, as the engine's divisions have it
    """
    faster = speed + accel * dt
    if (speed + faster) * dt / 2.0 + faster * faster / decel / 2.0 < distance:
        return faster
    steps = 2.0 * distance / (speed + TINY) / dt
    if steps >= 1.0:
        return speed - speed / math.floor(steps)
    if steps != 0.0:
        return speed - speed / steps
    return -math.inf if speed > 0.0 else math.nan


@inline
def _distance_until(speed: float, target: float, accel: float, dt: float) -> float:
    """Way driven while accelerating to a speed [m], whole steps first; none if it is reached already."""
    if target <= speed:
        return 0.0
    steps = math.floor((target - speed) / accel / dt)
    reached = speed + steps * accel / dt
    way = (speed + reached) * (steps * dt) / 2.0
    return way + ((reached + target) * dt / 2.0 if reached < target else 0.0)


@inline
def reach_steps(distance: float, speed: float, target: float, accel: float, dt: float) -> float:
    """Steps until a vehicle has driven a distance [1], a whole number.

    It accelerates as usual to the target speed; one that is faster keeps its speed.

    Parameters
    ----------
    distance : [m]
    target : [m/s] > 0
    accel : [m/s^2] usual one
    """
    if distance <= 0.0:
        return 0.0
    if speed > target:
        return math.ceil(distance / speed)
    way = _distance_until(speed, target, accel, dt)
    if way > distance:
        return math.ceil((math.sqrt(speed * speed + 2.0 * accel * distance) - speed) / accel / dt)
    return math.ceil((target - speed) / accel / dt) + math.ceil((distance - way) / target / dt)


@inline
def can_yield(distance: float, speed: float, decel: float, length: float) -> bool:
    """Can a vehicle still let another one pass at a crossing point, or has it left it behind?

    Parameters
    ----------
    distance : [m] to the point, negative behind it
    decel : [m/s^2] hardest
    length : [m]
    """
    return (distance > 0.0 and braking_distance(speed, decel) < distance - YIELD_DISTANCE) or (distance < 0.0 and distance + length < 0.0)
