"""Room on another lane, and safe speeds as the lane change phase reckons them."""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.change_speed import BLOCKED_BEHIND, BLOCKED_FRONT
from urbanlab.traffic.kernels.neighbours import NONE
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.physics.following import brake_gap, safe_stop_speed, secure_gap

__all__ = ["behind_speed", "blocked_by_gaps", "secure"]


@inline
def secure(w: World, follower: int, speed: float, leader: int, leader_speed: float) -> float:
    """Gap that one vehicle has to keep to another at given speeds [m]."""
    kind, other = w.slots.kind[follower], w.slots.kind[leader]
    return secure_gap(speed, w.types.decel[kind], w.types.tau[kind], leader_speed, w.types.decel[other], w.params.dt)


@inline
def behind_speed(w: World, kind: int, gap: float, leader_speed: float, leader_decel: float) -> float:
    """Safe speed behind a leader [m/s], without the harder braking of emergencies: nobody has to be on that lane."""
    decel, dt = w.types.decel[kind], w.params.dt
    reach = brake_gap(leader_speed, max(decel, leader_decel), 0.0, dt)
    return safe_stop_speed(gap + reach, decel, w.types.tau[kind], dt)


@device
def blocked_by_gaps(w: World, slot: int, kind: int, front: int, front_gap: float, behind: int, behind_gap: float) -> int:
    """Is there too little room before or behind on the other lane?"""
    slots = w.slots
    factor = 1.0 / w.types.lc_assertive[kind]
    blocked = 0
    if front != NONE:
        need = secure(w, slot, slots.speed[slot], front, slots.speed[front])
        if front_gap < 0.0 or front_gap < need * factor:
            blocked |= BLOCKED_FRONT
    if behind != NONE:
        need = secure(w, behind, slots.speed[behind], slot, slots.speed[slot])
        if behind_gap < 0.0 or behind_gap < need * factor:
            blocked |= BLOCKED_BEHIND
    return blocked
