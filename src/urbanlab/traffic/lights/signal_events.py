"""What signals show and what is written down about it: kernels, and reading the event buffer.

The buffer is bounded. A run reads it (`drain`) whenever it returns to Python; what does not fit is counted as lost.
"""

from __future__ import annotations

import numpy as np

from urbanlab.core import jit
from urbanlab.traffic.record import SignalEvent, SignalEventKind
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState

__all__ = ["REASONS", "append_event", "colour", "drain", "num_interventions", "num_lost", "record", "set_link", "show_phase"]

EVENTS, LOST, INTERVENTIONS, NEXT_SWITCH = range(4)  # of SignalState.cursor

REASONS = (
    "", "no such phase", "not controllable", "minimum green", "maximum red", "conflicting greens", "missing yellow",
    "malformed states",
)  # fmt: skip
NO_REASON, NO_PHASE, NOT_CONTROLLABLE, MINIMUM_GREEN, MAXIMUM_RED, CONFLICT, NO_YELLOW, MALFORMED = range(8)

PHASE, REFUSED, DELAYED, VIOLATION = range(4)  # SignalEventKind, as plain numbers for kernels
RED, GREEN, YELLOW, DARK = range(4)


@jit.inline
def colour(char: int) -> int:
    """RED, GREEN, YELLOW or DARK of a state character; red-yellow is red, a turn-on-red arrow green."""
    if char == 71 or char == 103 or char == 115:  # G g s
        return GREEN
    if char == 121 or char == 89:  # y Y
        return YELLOW
    if char == 111 or char == 79:  # o O
        return DARK
    return RED


def append_event(
    plan: SignalPlan, state: SignalState, signal: int, now: int, kind: int, phase: int, reason: int
) -> None:
    """Append an event with the states that the signal shows."""
    if kind == REFUSED or kind == DELAYED:
        state.cursor[INTERVENTIONS] += 1
    num = state.cursor[EVENTS]
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    char = state.event_chars[num]
    if num >= len(state.event_ms) or char + (last - first) > len(state.event_state):
        state.cursor[LOST] += 1
        return
    state.event_ms[num] = now
    state.event_signal[num] = signal
    state.event_kind[num] = kind
    state.event_phase[num] = phase
    state.event_reason[num] = reason
    for k in range(first, last):
        state.event_state[char + k - first] = state.link_state[k]
    state.event_chars[num + 1] = char + (last - first)
    state.cursor[EVENTS] = num + 1


record = jit.device(append_event)
"""`append_event` for kernels."""


@jit.inline
def set_link(state: SignalState, link: int, char: int, now: int) -> None:
    """Show a character; the clock of the colour restarts only if the colour changes."""
    if colour(state.link_state[link]) != colour(char):
        state.since_ms[link] = now
    state.link_state[link] = char


@jit.device
def conflicts(plan: SignalPlan, state: SignalState, signal: int) -> bool:
    """Does the signal show two protected greens whose ways cross or join?"""
    safety = plan.safety
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        if state.link_state[k] == 71:
            for c in range(safety.conflict_start[k], safety.conflict_start[k + 1]):
                if state.link_state[safety.conflict_pos[c]] == 71:
                    return True
    return False


@jit.device
def show_phase(plan: SignalPlan, state: SignalState, signal: int, phase: int, now: int, name: int) -> None:
    """Show a phase (row of all phases) as it is; what is unsafe about it is recorded, not altered.

    `name` is the phase within the program, as events give it.
    """
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    char = plan.phase_chars[phase]
    cut = False
    lit = state.program[signal] >= 0
    for k in range(first, last):
        new = plan.chars[char + k - first]
        if plan.safety.yellow_ms[k] > 0 and colour(state.link_state[k]) == GREEN and colour(new) == RED:
            cut = True
        set_link(state, k, new, now)
    record(plan, state, signal, now, PHASE, name, NO_REASON)
    if plan.cityflow == 0:
        if cut and lit:
            record(plan, state, signal, now, VIOLATION, name, NO_YELLOW)
        if conflicts(plan, state, signal):
            record(plan, state, signal, now, VIOLATION, name, CONFLICT)


def num_interventions(state: SignalState) -> int:
    """Requests that the interlock refused, delayed or altered so far."""
    return int(state.cursor[INTERVENTIONS])


def num_lost(state: SignalState) -> int:
    """Events that did not fit into the buffer so far."""
    return int(state.cursor[LOST])


def drain(state: SignalState) -> list[SignalEvent]:
    """Events since the last call; the buffer is empty afterwards."""
    num = int(state.cursor[EVENTS])
    chars = state.event_state[: int(state.event_chars[num])].tobytes().decode("ascii")
    bounds = state.event_chars[: num + 1].tolist()
    rows = zip(
        state.event_ms[:num].tolist(),
        state.event_signal[:num].tolist(),
        state.event_kind[:num].tolist(),
        state.event_phase[:num].tolist(),
        state.event_reason[:num].tolist(),
        strict=True,
    )
    events = [
        SignalEvent(ms / 1000.0, signal, SignalEventKind(kind), phase, chars[bounds[i] : bounds[i + 1]], REASONS[reason])
        for i, (ms, signal, kind, phase, reason) in enumerate(rows)
    ]
    state.cursor[EVENTS] = 0
    state.event_chars[0] = np.int64(0)
    return events
