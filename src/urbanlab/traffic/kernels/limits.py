"""How fast a driver wants to be on a lane."""

from __future__ import annotations

from urbanlab.core.jit import inline
from urbanlab.traffic.kernels.arrays import Types
from urbanlab.traffic.kernels.world import World

__all__ = ["lane_limit", "top_speed"]


@inline
def top_speed(types: Types, kind: int, factor: float) -> float:
    """What the vehicle can and its driver ever wants to drive [m/s]."""
    return min(types.max_speed[kind], types.desired_max_speed[kind] * factor)


@inline
def lane_limit(w: World, lane: int, kind: int, factor: float) -> float:
    """Desired speed on a lane [m/s]: its limit times the driver's own factor, or what the vehicle can do."""
    return min(w.lanes.speed[lane] * factor, top_speed(w.types, kind, factor))
