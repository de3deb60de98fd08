"""Actuated programs: loops are watched every step, a green ends when its gap grows too long.

Source: the documented behaviour of SUMO's actuated traffic lights; the names of its parameters are kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.traffic.kernels.state import Lanes, Slots
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState

__all__ = ["actuated_switch", "watch_loops"]

SECOND = 1000  # [ms]
NO_GAP = 1e30
CURRENT_PRIORITY = 10  # SUMO's bonus of a loop that the present phase serves
F64 = NDArray[np.float64]


@jit.device
def _watch_lane(
    lanes: Lanes, slots: Slots, length: F64, lane: int, shift: float, loop: float, time: float, dt: float
) -> tuple[bool, float]:
    """Is a vehicle of the lane on the loop, and when did the last one leave it in this step (-1 none)?"""
    on, leave = False, -1.0
    for k in range(lanes.count[lane]):
        slot = lanes.first[lane] + k
        front = slots.pos[slot] + shift
        if front < loop:
            break
        rear = front - length[slots.kind[slot]]
        if rear <= loop:
            on = True
        elif rear - slots.speed[slot] * dt <= loop:
            leave = max(leave, time - (rear - loop) / slots.speed[slot])
    return on, leave


@jit.device
def watch_loops(plan: SignalPlan, state: SignalState, lanes: Lanes, slots: Slots, length: F64, time: float) -> None:
    """Bring the loops up to date with the movement of the step that ended at `time`."""
    detectors = plan.detectors
    dt = plan.step_ms / 1000.0
    for d in range(len(detectors.lane)):
        loop = detectors.pos[d]
        on, leave = _watch_lane(lanes, slots, length, detectors.lane[d], 0.0, loop, time, dt)
        for b in range(detectors.beyond_start[d], detectors.beyond_start[d + 1]):
            beyond = detectors.beyond_lane[b]
            if lanes.count[beyond] > 0:
                also, later = _watch_lane(lanes, slots, length, beyond, detectors.beyond_shift[b], loop, time, dt)
                on, leave = on or also, max(leave, later)
        if leave < 0.0 and not on and state.detector_on[d] != 0:
            leave = time - dt  # it changed lanes, in the step that has just ended
        if leave >= 0.0:
            state.detector_leave[d] = leave
        state.detector_on[d] = on


@jit.inline
def _gap(state: SignalState, loop: int, now: int) -> float:
    """[s] since the last vehicle was on the loop."""
    return 0.0 if state.detector_on[loop] != 0 else now / 1000.0 - state.detector_leave[loop]


@jit.device
def _shortest_gap(plan: SignalPlan, state: SignalState, phase: int, now: int) -> float:
    """Shortest gap that extends a phase (row of all phases), NO_GAP if nothing does or its time is up."""
    elapsed = now - state.last_start_ms[phase]
    result = NO_GAP
    if plan.phase_is_green[phase] == 0 or elapsed >= plan.phase_max[phase]:
        return result
    for i in range(plan.detectors.phase_start[phase], plan.detectors.phase_start[phase + 1]):
        loop = plan.detectors.phase_detector[i]
        gap = _gap(state, loop, now)
        if gap < plan.detectors.max_gap[loop]:
            result = min(result, gap)
    return result


@jit.device
def _extension(plan: SignalPlan, state: SignalState, program: int, phase: int, gap: float, now: int) -> int:
    """[ms] that the green goes on: the vehicle seen last may reach the stop line; whole seconds in all."""
    elapsed = now - state.last_start_ms[phase]
    wanted = max(plan.phase_min[phase] - elapsed, int((plan.detectors.gap[program] - gap) * 1000.0 + 0.5), 1)
    if wanted % SECOND != 0:
        wanted = ((wanted + elapsed) // SECOND + 1) * SECOND - elapsed
    return min(wanted, plan.phase_max[phase] - elapsed)


@jit.device
def _loop_priority(plan: SignalPlan, state: SignalState, program: int, phase: int, loop: int, now: int) -> int:
    """How much a loop wants its green; phase is the present one."""
    seen = now if state.detector_on[loop] != 0 else int(state.detector_leave[loop] * 1000.0 + 0.5)
    if _gap(state, loop, now) >= plan.detectors.max_gap[loop] and seen <= state.detector_green[loop]:
        return 0
    inactive = now - state.detector_green[loop]
    if inactive > plan.detectors.inactive_ms[program]:
        return inactive // SECOND
    for i in range(plan.detectors.phase_start[phase], plan.detectors.phase_start[phase + 1]):
        if plan.detectors.phase_detector[i] == loop:
            can_extend = now - state.last_start_ms[phase] < plan.phase_max[phase]
            return CURRENT_PRIORITY if can_extend else 0
    return 1


@jit.device
def _phase_priority(plan: SignalPlan, state: SignalState, program: int, phase: int, target: int, now: int) -> int:
    total = 0
    for i in range(plan.detectors.phase_start[target], plan.detectors.phase_start[target + 1]):
        total += _loop_priority(plan, state, program, phase, plan.detectors.phase_detector[i], now)
    return total


@jit.device
def _choose(plan: SignalPlan, state: SignalState, program: int, phase: int, now: int) -> int:
    """Among several phases that may follow, the way to most of those who wait; the first where nobody waits."""
    begin = plan.phase_start[program]
    first = plan.next_start[phase]
    result, most = begin + plan.next_phase[first], 0
    if now - state.last_start_ms[phase] < plan.phase_max[phase]:
        priority = _phase_priority(plan, state, program, phase, phase, now)
        if priority > most:
            result, most = phase, priority
    for i in range(first, plan.next_start[phase + 1]):
        priority = 0
        for t in range(plan.detectors.target_start[i], plan.detectors.target_start[i + 1]):
            priority += _phase_priority(plan, state, program, phase, plan.detectors.target_phase[t], now)
        if priority > most:
            result, most = begin + plan.next_phase[i], priority
    return result


@jit.device
def actuated_switch(plan: SignalPlan, state: SignalState, program: int, phase: int, now: int) -> tuple[int, int]:
    """Phase from now on (row of all phases) and [ms] until the next decision."""
    following = plan.next_start[phase + 1] - plan.next_start[phase]
    if following > 1:
        chosen = _choose(plan, state, program, phase, now)
    else:
        gap = _shortest_gap(plan, state, phase, now)
        if gap < NO_GAP:
            return phase, _extension(plan, state, program, phase, gap, now)
        if following == 1:
            chosen = plan.phase_start[program] + plan.next_phase[plan.next_start[phase]]
        else:
            chosen = phase + 1 if phase + 1 < plan.phase_start[program + 1] else plan.phase_start[program]
    if plan.detectors.chooses[program] != 0 and plan.phase_is_green[chosen] != 0:
        for i in range(plan.detectors.phase_start[chosen], plan.detectors.phase_start[chosen + 1]):
            state.detector_green[plan.detectors.phase_detector[i]] = now
    if chosen != phase:
        return chosen, plan.phase_min[chosen]
    return chosen, max(SECOND, plan.phase_min[chosen] - (now - state.last_start_ms[phase]))
