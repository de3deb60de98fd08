"""What signals show and what is written down about it: kernels, and reading the event buffer.

The buffer is bounded. A run reads it (`drain`) whenever it returns to Python; what does not fit is counted as lost.
"""

from __future__ import annotations

import numpy as np

from urbanlab.core import jit
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState
from urbanlab.traffic.record import SignalEvent, SignalEventKind

__all__ = [
    "REASONS", "append_event", "colour", "drain", "is_unsafe", "num_interventions", "num_lost", "record", "set_link",
    "show_phase", "show_wanted", "yields_to",
]  # fmt: skip

EVENTS, LOST, INTERVENTIONS, NEXT_SWITCH = range(4)  # of SignalState.cursor

REASONS = (
    "", "no such phase", "not controllable", "minimum green", "maximum red", "conflicting greens", "missing yellow",
    "malformed states",
)  # fmt: skip
NO_REASON, NO_PHASE, NOT_CONTROLLABLE, MINIMUM_GREEN, MAXIMUM_RED, CONFLICT, NO_YELLOW, MALFORMED = range(8)

PHASE, REFUSED, DELAYED, VIOLATION = range(4)  # SignalEventKind, as plain numbers for kernels
RED, GREEN, YELLOW, DARK = range(4)
PROTECTED, PERMISSIVE, YELLOW_STATE, RED_STATE = 71, 103, 121, 114  # G g y r


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


def append_event(plan: SignalPlan, state: SignalState, signal: int, now: int, kind: int, phase: int, reason: int) -> None:
    """Append an event with the states that the signal shows."""
    if kind in (REFUSED, DELAYED):
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
def yields_to(plan: SignalPlan, link: int, foe: int) -> bool:
    """Has a link to yield to a foe by the rules of the road?"""
    safety = plan.safety
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        if safety.conflict_pos[c] == foe:
            return safety.conflict_yields[c] != 0
    return False


@jit.device
def is_unsafe(plan: SignalPlan, state: SignalState, signal: int) -> bool:
    """Does the signal show a protected green to a link whose way meets another green one that does not yield?"""
    safety = plan.safety
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        if state.link_state[k] == PROTECTED:
            for c in range(safety.conflict_start[k], safety.conflict_start[k + 1]):
                foe = safety.conflict_pos[c]
                shown = state.link_state[foe]
                if shown == PROTECTED or (colour(shown) == GREEN and not yields_to(plan, foe, k)):
                    return True
    return False


@jit.device
def _show(plan: SignalPlan, state: SignalState, signal: int, row: int, now: int, name: int) -> None:
    """Show a phase (row of all phases), or the wanted states where row is -1; record what is unsafe about it."""
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    safety = plan.safety
    cut, short, starved = False, False, False
    for k in range(first, last):
        new = plan.chars[plan.phase_chars[row] + k - first] if row >= 0 else state.wanted[k]
        old, elapsed = colour(state.link_state[k]), now - state.since_ms[k]
        if old == GREEN and colour(new) != GREEN:
            # how long a green of the first moment has been on is not known
            short = short or (elapsed < safety.green_ms[k] and state.since_ms[k] > plan.begin_ms)
            cut = cut or (safety.yellow_ms[k] > 0 and colour(new) == RED)
        elif old == RED and colour(new) != RED:
            starved = starved or elapsed > safety.red_ms[k]
        set_link(state, k, new, now)
    record(plan, state, signal, now, PHASE, name, NO_REASON)
    if plan.cityflow != 0:
        return
    if state.program[signal] >= 0:
        if cut:
            record(plan, state, signal, now, VIOLATION, name, NO_YELLOW)
        if short:
            record(plan, state, signal, now, VIOLATION, name, MINIMUM_GREEN)
        if starved:
            record(plan, state, signal, now, VIOLATION, name, MAXIMUM_RED)
    if is_unsafe(plan, state, signal):
        record(plan, state, signal, now, VIOLATION, name, CONFLICT)


@jit.device
def show_phase(plan: SignalPlan, state: SignalState, signal: int, phase: int, now: int, name: int) -> None:
    """Show a phase (row of all phases) as it is; what is unsafe about it is recorded, not altered.

    `name` is the phase within the program, as events give it.
    """
    _show(plan, state, signal, phase, now, name)


@jit.device
def show_wanted(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Show the wanted states as they are, as `show_phase` does."""
    _show(plan, state, signal, -1, now, -1)


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
