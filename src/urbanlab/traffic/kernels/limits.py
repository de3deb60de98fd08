"""How fast a driver wants to be on a lane, and may be behind a leader or before a place to stop."""

from __future__ import annotations

from urbanlab.core.jit import inline
from urbanlab.traffic.kernels.arrays import Types
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import IDM, can_stop, follow_speed, stop_speed

__all__ = ["following_speed", "lane_limit", "stopping_speed", "top_speed"]


@inline
def top_speed(types: Types, kind: int, factor: float) -> float:
    """What the vehicle can and its driver ever wants to drive [m/s]."""
    return min(types.max_speed[kind], types.desired_max_speed[kind] * factor)


@inline
def lane_limit(w: World, lane: int, kind: int, factor: float) -> float:
    """Desired speed on a lane [m/s]: its limit times the driver's own factor, or what the vehicle can do."""
    return min(w.lanes.speed[lane] * factor, top_speed(w.types, kind, factor))


@inline
def following_speed(w: World, kind: int, gap: float, speed: float, leader: int, desired: float, enough: float) -> float:
    """Safe speed behind the vehicle in a slot [m/s]; at least `enough` where that is safe: nobody asks for more."""
    types = w.types
    if types.model[kind] != IDM and can_stop(enough, gap, types.decel[kind], types.tau[kind]):
        return enough
    return follow_speed(
        types.model[kind], gap, speed, w.slots.speed[leader], types.apparent_decel[w.slots.kind[leader]], desired, types.accel[kind],
        types.decel[kind], types.emergency_decel[kind], types.tau[kind], types.delta[kind], w.params.dt,
    )  # fmt: skip


@inline
def stopping_speed(gap: float, speed: float, decel: float, emergency_decel: float, dt: float, enough: float) -> float:
    """Speed that still lets a vehicle stand after `gap` [m], in [m/s]; at least `enough` where that is so."""
    return enough if can_stop(enough, gap, decel, dt) else stop_speed(gap, speed, decel, emergency_decel, dt)
