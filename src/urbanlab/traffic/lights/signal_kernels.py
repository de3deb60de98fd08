"""Signals of one step: programs run by themselves, guided signals through the interlock.

Each program and each guided signal has the time at which it is to be looked at again, so that a sleeping one
costs a comparison. As in SUMO, what is due within a step happens at its beginning, and programs that a plan
will switch to (WAUT) run in the background.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.traffic.kernels.state import Lanes, Slots
from urbanlab.traffic.lights.actuated_kernels import actuated_switch, watch_loops
from urbanlab.traffic.lights.interlock import step_controlled
from urbanlab.traffic.lights.signal_events import NEXT_SWITCH, NO_REASON, PHASE, record, set_link, show_phase
from urbanlab.traffic.lights.signal_state import ACTUATED, OFF, SignalPlan, SignalState

__all__ = ["step_signals"]


@jit.device
def _show_program(plan: SignalPlan, state: SignalState, signal: int, program: int, now: int) -> None:
    """Show what a program is at; without a program, or with one that is off, the signal is dark."""
    if program < 0 or plan.program_type[program] == OFF:
        state.phase[signal] = -1
        state.phase_ms[signal] = now
        for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
            set_link(state, k, plan.dark[k], now)
        record(plan, state, signal, now, PHASE, -1, NO_REASON)
    else:
        row = state.program_phase[program]
        state.phase[signal] = row - plan.phase_start[program]
        state.phase_ms[signal] = state.last_start_ms[row]
        show_phase(plan, state, signal, row, now, state.phase[signal])
    state.program[signal] = program


@jit.device
def _start_program(plan: SignalPlan, state: SignalState, program: int, now: int) -> None:
    """Where a program's own clock stands at begin."""
    place = (now - plan.program_offset[program]) % plan.program_cycle[program]
    row = plan.phase_start[program]
    while place >= plan.phase_duration[row]:
        place -= plan.phase_duration[row]
        row += 1
    state.program_phase[program] = row
    if plan.program_type[program] == ACTUATED:  # SUMO: the phase of the stored durations, as if it had just begun
        state.last_start_ms[row] = now
        state.program_ms[program] = now + max(plan.phase_min[row], 1)
    else:
        state.last_start_ms[row] = now - place
        state.program_ms[program] = now - place + plan.phase_duration[row]


@jit.device
def _run_program(plan: SignalPlan, state: SignalState, program: int, now: int) -> bool:
    """Changes of phase that are due in this step, several where phases are shorter; is it another phase now?"""
    before = state.program_phase[program]
    row = before
    while state.program_ms[program] < now + plan.step_ms:
        if plan.program_type[program] == ACTUATED:
            chosen, wait = actuated_switch(plan, state, program, row, now)
        else:
            chosen = _following(plan, program, row)
            wait = plan.phase_duration[chosen]
        if chosen != row:
            state.last_start_ms[chosen] = now
        row = chosen
        state.program_ms[program] += max(wait, 1)
    state.program_phase[program] = row
    return row != before


@jit.inline
def _following(plan: SignalPlan, program: int, row: int) -> int:
    """Phase (row of all phases) after this one."""
    begin = plan.phase_start[program]
    if plan.next_start[row + 1] > plan.next_start[row]:
        return begin + plan.next_phase[plan.next_start[row]]
    return row + 1 if row + 1 < plan.phase_start[program + 1] else begin


@jit.device
def _begin(plan: SignalPlan, state: SignalState, now: int) -> None:
    for i in range(len(plan.live)):
        _start_program(plan, state, plan.live[i], now)
    for signal in range(len(plan.first_program)):
        if plan.controlled[signal] == 0:
            _show_program(plan, state, signal, plan.first_program[signal], now)


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
    if step == 0:
        _begin(plan, state, now)
    elif len(plan.detectors.lane) > 0:
        watch_loops(plan, state, lanes, slots, length, time)
    for i in range(len(plan.live)):
        program = plan.live[i]
        if state.program_ms[program] < now + plan.step_ms:
            signal = plan.live_signal[i]
            if _run_program(plan, state, program, now) and state.program[signal] == program:
                _show_program(plan, state, signal, program, now)
    for i in range(len(plan.guided)):
        signal = plan.guided[i]
        if state.next_ms[signal] <= now:
            step_controlled(plan, state, signal, now)
    planned = state.cursor[NEXT_SWITCH]
    while planned < len(plan.switch_ms) and plan.switch_ms[planned] < now + plan.step_ms:
        signal, program = plan.switch_signal[planned], plan.switch_program[planned]
        if state.program[signal] != program:
            _show_program(plan, state, signal, program, now)
        planned += 1
    state.cursor[NEXT_SWITCH] = planned
