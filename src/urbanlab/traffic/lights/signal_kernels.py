"""Signals of one step: programs run by themselves, controlled signals through the interlock.

Each signal has the time at which it is to be looked at again, so that a sleeping one costs a comparison.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.traffic.lights.actuated_kernels import actuated_switch, watch_loops
from urbanlab.traffic.lights.interlock import step_controlled
from urbanlab.traffic.lights.signal_events import (
    NEXT_SWITCH,
    NO_REASON,
    PHASE,
    record,
    set_link,
    show_phase,
)
from urbanlab.traffic.lights.signal_state import ACTUATED, NEVER, OFF, SignalPlan, SignalState
from urbanlab.traffic.kernels.state import Lanes, Slots

__all__ = ["step_signals"]


@jit.device
def _show(plan: SignalPlan, state: SignalState, signal: int, phase: int, now: int) -> None:
    program = state.program[signal]
    state.phase[signal] = phase - plan.phase_start[program]
    state.phase_ms[signal] = now
    state.last_start_ms[phase] = now
    show_phase(plan, state, signal, phase, now, state.phase[signal])


@jit.device
def _place_in_cycle(plan: SignalPlan, program: int, now: int) -> tuple[int, int]:
    """Phase (row of all phases) of a program at a time and [ms] since it began."""
    place = (now - plan.program_offset[program]) % plan.program_cycle[program]
    phase = plan.phase_start[program]
    while place >= plan.phase_duration[phase]:
        place -= plan.phase_duration[phase]
        phase += 1
    return phase, place


@jit.device
def _start_program(plan: SignalPlan, state: SignalState, signal: int, program: int, now: int) -> None:
    """A program takes over, at begin or as planned: where its own clock stands."""
    state.program[signal] = program
    state.next_ms[signal] = NEVER
    if program < 0 or plan.program_type[program] == OFF:
        state.phase[signal] = -1
        for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
            set_link(state, k, 111, now)
        record(plan, state, signal, now, PHASE, -1, NO_REASON)
        return
    phase, place = _place_in_cycle(plan, program, now)
    _show(plan, state, signal, phase, now)
    if plan.program_type[program] == ACTUATED:  # SUMO: the phase of the stored durations, as if it had just begun
        state.next_ms[signal] = now + max(plan.phase_min[phase], 1)
        return
    state.phase_ms[signal] = now - place
    state.next_ms[signal] = now - place + plan.phase_duration[phase]


@jit.device
def _switch_static(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Next phase, several where phases are shorter than a step; only the last of them is shown."""
    program = state.program[signal]
    begin = plan.phase_start[program]
    phase = begin + state.phase[signal]
    while state.next_ms[signal] <= now:
        if plan.next_start[phase + 1] > plan.next_start[phase]:
            phase = begin + plan.next_phase[plan.next_start[phase]]
        else:
            phase = phase + 1 if phase + 1 < plan.phase_start[program + 1] else begin
        state.next_ms[signal] += plan.phase_duration[phase]
    _show(plan, state, signal, phase, now)


@jit.device
def _switch_actuated(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    program = state.program[signal]
    phase = plan.phase_start[program] + state.phase[signal]
    chosen, wait = actuated_switch(plan, state, program, phase, now)
    if chosen != phase:
        _show(plan, state, signal, chosen, now)
    state.next_ms[signal] = now + max(wait, 1)


@jit.device
def step_signals(
    plan: SignalPlan,
    state: SignalState,
    lanes: Lanes,
    slots: Slots,
    length: NDArray[np.float64],
    step: int,
    time: float,
) -> None:
    """Bring all signals to the step that begins at `time`.

    Parameters
    ----------
    lanes, slots : vehicles after the step before
    length : (T,) length of each vehicle type [m]
    step : index of the step
    time : [s]
    """
    now = plan.begin_ms + step * plan.step_ms
    if len(plan.detectors.lane) > 0 and step > 0:
        watch_loops(plan, state, lanes, slots, length, time)
    planned = state.cursor[NEXT_SWITCH]
    for signal in range(len(state.next_ms)):
        if state.next_ms[signal] > now:
            continue
        if plan.controlled[signal] != 0:
            step_controlled(plan, state, signal, now)
        elif step == 0 and state.program[signal] < 0:
            _start_program(plan, state, signal, plan.first_program[signal], now)
        elif plan.program_type[state.program[signal]] == ACTUATED:
            _switch_actuated(plan, state, signal, now)
        else:
            _switch_static(plan, state, signal, now)
    while planned < len(plan.switch_ms) and plan.switch_ms[planned] <= now:
        signal, program = plan.switch_signal[planned], plan.switch_program[planned]
        if plan.controlled[signal] == 0 and state.program[signal] != program:
            _start_program(plan, state, signal, program, now)
        planned += 1
    state.cursor[NEXT_SWITCH] = planned
