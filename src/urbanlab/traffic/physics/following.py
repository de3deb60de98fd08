"""Car following: how fast a vehicle may drive next, given what is ahead.

Krauss: Krauss 1998 ("Microscopic Modeling of Traffic Flow"), in the discrete form that SUMO uses as its default:
positions are advanced by the new speed (semi-implicit Euler), so all distances below are sums over whole
steps. IDM: Treiber, Hennecke, Helbing 2000, Phys. Rev. E 62, eq. 2-4.

Assumptions: speeds >= 0, decel > 0, one step is `dt` [s]; a gap excludes the follower's minimum gap.
"""

from __future__ import annotations

import math

from urbanlab.core.jit import device, inline

__all__ = [
    "EPS",
    "IDM",
    "arrival_time",
    "brake_gap",
    "can_stop",
    "dawdled",
    "follow_speed",
    "free_speed",
    "minimal_next_speed",
    "safe_stop_speed",
    "secure_gap",
    "speed_after",
    "speed_after_up_to",
    "stop_speed",
    "stops_before",
]

EPS = 0.001
"""[m], [m/s] distances and speeds below this are nothing."""

EMERGENCY_AMPLIFIER = 1.2
"""Drivers brake this much harder than an emergency needs."""

HALTING = 0.1
"""[m/s] slower is waiting."""

KRAUSS = 0
IDM = 1

IDM_STEP = 0.25
"""[s] longest inner step of IDM, whose acceleration is not stable over whole seconds."""


@inline
def brake_gap(speed: float, decel: float, reaction: float, dt: float) -> float:
    """Distance driven until standstill when braking with `decel` after `reaction` [m].

    Speeds fall by decel * dt a step; the last, partial step is driven at the remaining speed.
    """
    if speed < EPS:
        return 0.0
    drop = decel * dt
    steps = math.floor(speed / drop)
    return dt * (steps * speed - drop * steps * (steps + 1.0) / 2.0) + speed * reaction


@inline
def can_stop(speed: float, gap: float, decel: float, reaction: float) -> bool:
    """Can certainly be stopped from within `gap` [m], braking evenly after `reaction` [s].

    The way in whole steps, h of `safe_stop_speed`, is never longer than in continuous time; no root and no quotient are needed
    to see it. Where this is true, safe speeds are at least `speed`, whatever a leader does.
    """
    return speed * speed <= 2.0 * decel * (gap - 2.0 * EPS - speed * reaction)


@inline
def stops_before(gap: float, speed: float, decel: float, reaction: float, dt: float) -> bool:
    """Is `brake_gap` less than `gap` [m]? It is worked out only where the plain bound does not tell."""
    return can_stop(speed, gap, decel, reaction) or gap > brake_gap(speed, decel, reaction, dt)


@inline
def safe_stop_speed(gap: float, decel: float, reaction: float, dt: float) -> float:
    """Highest speed now from which one can still stop within `gap`, braking evenly [m/s].

    The stop takes n whole steps with speed falling by decel * dt; n is the largest number whose distance
    h(n) = n (n - 1) / 2 * decel dt^2 + n decel dt reaction fits; the rest of the gap is spread over them.
    """
    room = gap - EPS
    if room < 0.0:
        return 0.0
    drop = decel * dt
    root = math.sqrt(dt * dt + 4.0 * (dt * (2.0 * room / drop - reaction) + reaction * reaction))
    n = math.floor(0.5 - (reaction - 0.5 * root) / dt)
    used = 0.5 * n * (n - 1.0) * drop * dt + n * drop * reaction
    rest = (room - used) / (n * dt + reaction)
    return n * drop + rest


@inline
def minimal_next_speed(speed: float, decel: float, dt: float) -> float:
    """Speed after one step of full braking [m/s]."""
    return max(0.0, speed - decel * dt)


@inline
def _emergency_decel(gap: float, speed: float, leader_speed: float, leader_decel: float, emergency_decel: float) -> float:
    """Deceleration that just avoids hitting a leader who brakes to a standstill [m/s^2]."""
    if gap <= 0.0:
        return emergency_decel
    needed = 0.5 * speed * speed / (gap + 0.5 * leader_speed * leader_speed / leader_decel)
    if needed <= leader_decel:
        return needed
    return 0.5 * (speed * speed - leader_speed * leader_speed) / gap


@inline
def _krauss_follow(
    gap: float, speed: float, leader_speed: float, leader_decel: float, decel: float, emergency_decel: float, tau: float, dt: float
) -> float:
    if gap < 0.0:
        return max(0.0, speed - emergency_decel * dt)
    reach = brake_gap(leader_speed, max(decel, leader_decel), 0.0, dt)
    safe = safe_stop_speed(gap + reach, decel, tau, dt)
    if speed - safe > (decel + EPS) * dt:
        # an emergency: brake as hard as the situation needs rather than down to the comfortable safe speed
        hard = EMERGENCY_AMPLIFIER * _emergency_decel(gap, speed, leader_speed, leader_decel, emergency_decel)
        hard = min(max(hard, decel), (speed - safe) / dt)
        safe = max(0.0, speed - hard * dt)
    return safe


@device
def _idm_speed(
    gap: float, speed: float, leader_speed: float, desired: float, accel: float, decel: float, tau: float, delta: float, dt: float
) -> float:
    """IDM over one step, in inner steps of at most a quarter second; the leader keeps its speed."""
    inner = int(math.ceil(dt / IDM_STEP - 1e-9))
    h = dt / inner
    v = speed
    for _ in range(inner):
        wanted = max(0.0, v * tau + v * (v - leader_speed) / (2.0 * math.sqrt(accel * decel)))
        space = max(gap, 0.01)
        v = max(0.0, v + h * accel * (1.0 - (v / max(desired, 0.1)) ** delta - (wanted / space) ** 2))
        gap -= max(0.0, h * (v - leader_speed))
    return v


@device
def follow_speed(
    model: int,
    gap: float,
    speed: float,
    leader_speed: float,
    leader_decel: float,
    desired: float,
    accel: float,
    decel: float,
    emergency_decel: float,
    tau: float,
    delta: float,
    dt: float,
) -> float:
    """Highest safe speed behind a leader [m/s], whatever the model; may exceed what can be reached."""
    if model == IDM:
        # the minimum gap is part of IDM's own equilibrium and was taken off the gap already
        return _idm_speed(gap, speed, leader_speed, desired, accel, decel, tau, delta, dt)
    return _krauss_follow(gap, speed, leader_speed, leader_decel, decel, emergency_decel, tau, dt)


@inline
def stop_speed(gap: float, speed: float, decel: float, emergency_decel: float, dt: float) -> float:
    """Highest speed that still lets the vehicle stand after `gap` [m/s]; no reaction time is involved."""
    safe = safe_stop_speed(gap, decel, dt, dt)
    if speed - safe > (decel + EPS) * dt:
        hard = EMERGENCY_AMPLIFIER * _emergency_decel(gap, speed, 0.0, 1.0, emergency_decel)
        hard = min(max(hard, decel), (speed - safe) / dt)
        safe = max(0.0, speed - hard * dt)
    return safe


@inline
def free_speed(distance: float, target: float, decel: float, dt: float) -> float:
    """Highest speed now that still allows `target` [m/s] at `distance` [m] when braking with decel.

    With y whole braking steps the distance (y^2 + y) / 2 * decel dt^2 + y target dt is covered.
    """
    step = target * dt
    if distance < step:
        return target
    b = decel * dt * dt
    root = math.sqrt((b + 2.0 * step) * (b + 2.0 * step) + 8.0 * b * distance)
    y = max(0.0, ((root - b) * 0.5 - step) / b)
    whole = math.floor(y)
    covered = (whole * whole + whole) * 0.5 * b + whole * step
    if y > whole:
        covered += step
    return max(0.0, distance - covered) / ((whole + 1.0) * dt) + whole * decel * dt + target


@inline
def secure_gap(speed: float, decel: float, tau: float, leader_speed: float, leader_decel: float, dt: float) -> float:
    """Gap from which braking is enough even if the leader brakes to a standstill [m]."""
    ahead = brake_gap(leader_speed, max(decel, leader_decel), 0.0, dt)
    return max(0.0, brake_gap(speed, decel, tau, dt) - ahead)


@inline
def speed_after(distance: float, speed: float, accel: float) -> float:
    """Speed after accelerating evenly over a distance [m/s]."""
    return math.sqrt(max(0.0, speed * speed + 2.0 * accel * distance))


@inline
def speed_after_up_to(bound: float, distance: float, speed: float, accel: float) -> float:
    """The same, where no more than `bound` >= 0 [m/s] is driven."""
    square = speed * speed + 2.0 * accel * distance
    return bound if square >= bound * bound else math.sqrt(max(0.0, square))


@inline
def arrival_time(distance: float, speed: float, target: float, accel: float, decel: float) -> float:
    """Time to cover a distance when changing from `speed` to `target` and then holding it [s]."""
    if distance <= 0.0:
        return 0.0
    rate = accel if target >= speed else -decel
    change = (target - speed) / rate
    way = change * (target + speed) * 0.5
    if distance >= way:
        return change + (distance - way) / max(speed, target, HALTING)
    return (-speed + math.sqrt(max(0.0, speed * speed + 2.0 * rate * distance))) / rate


@inline
def dawdled(speed: float, accel: float, sigma: float, draw: float, dt: float) -> float:
    """Krauss' imperfect driver: a random part of an acceleration is lost [m/s]; draw in [0, 1).

    Slow vehicles lose in proportion to their speed, so that nobody is kept from starting.
    """
    return max(0.0, speed - dt * sigma * draw * min(speed, accel))
