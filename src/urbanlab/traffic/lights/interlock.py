"""The interlock: what a controller asks for becomes what is safe to show.

It acts link by link, so that phases and raw state strings pass the same rules: a green lasts its minimum; it
ends through yellow and its all-red; a link turns green only after every link whose way meets its own has been
cleared; of two links whose ways meet, at most one is protected, and only one that the other yields to by the
rules of the road; where neither yields, never both are green; a link that a phase could serve is never red
for longer than its maximum plus the time of the changes before it. CityFlow networks have their own rule:
phase 0 for the time of yellow, then the phase. In `source` mode requests are shown as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.core.control import KEEP
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.lights.signal_events import (
    CONFLICT,
    DELAYED,
    GREEN,
    MALFORMED,
    MAXIMUM_RED,
    MINIMUM_GREEN,
    NO_PHASE,
    NO_REASON,
    NO_YELLOW,
    NOT_CONTROLLABLE,
    PERMISSIVE,
    PHASE,
    PROTECTED,
    RED,
    RED_STATE,
    REFUSED,
    YELLOW,
    YELLOW_STATE,
    append_event,
    colour,
    record,
    set_link,
    show_phase,
    show_wanted,
    yields_to,
)
from urbanlab.traffic.lights.signal_state import MODES, NEVER, SignalPlan, SignalState, milliseconds

__all__ = ["apply_requests", "request_states", "step_controlled"]

TOLD_DELAY, TOLD_CONFLICT, TOLD_YELLOW = 1, 2, 4  # bits of SignalState.delayed
CLEAR, SHARE, WAIT, BLOCKED = range(4)


@jit.device
def _never_together(plan: SignalPlan, link: int, foe: int) -> bool:
    """Do the ways of two links meet without either yielding to the other?"""
    safety = plan.safety
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        if safety.conflict_pos[c] == foe:
            return safety.conflict_yields[c] == 0 and not yields_to(plan, foe, link)
    return False


@jit.device
def _target(plan: SignalPlan, state: SignalState, signal: int, link: int) -> int:
    """Character that the link is to show in the end."""
    served = state.forced[signal]
    if served < 0:
        return state.wanted[link]
    phase = plan.phase_start[state.program[signal]] + plan.safety.serving_phase[served]
    char = plan.chars[plan.phase_chars[phase] + link - plan.state_start[signal]]
    if link != served and colour(char) == GREEN and _never_together(plan, link, served):
        return RED_STATE
    return char


@jit.device
def _force_starved(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Begin to serve the link that has been red for too long, or end doing so."""
    served = state.forced[signal]
    if served >= 0:
        if colour(state.link_state[served]) != GREEN or now - state.since_ms[served] < plan.safety.green_ms[served]:
            return
        state.forced[signal] = -1
    worst, most = -1, 0
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        over = now - state.since_ms[k] - plan.safety.red_ms[k]
        if colour(state.link_state[k]) == RED and over >= 0 and over + 1 > most:
            worst, most = k, over + 1
    if worst >= 0:
        state.forced[signal] = worst
        record(plan, state, signal, now, REFUSED, state.phase[signal], MAXIMUM_RED)


@jit.device
def _tell(plan: SignalPlan, state: SignalState, signal: int, now: int, kind: int, reason: int, told: int) -> None:
    """Count, once a wish, that it is not granted as it is."""
    if state.delayed[signal] & told == 0 and state.forced[signal] < 0:
        state.delayed[signal] |= told
        record(plan, state, signal, now, kind, state.phase[signal], reason)


@jit.device
def _end_greens(plan: SignalPlan, state: SignalState, signal: int, now: int) -> bool:
    """Take greens that are no longer wanted to red; True when all are there."""
    settled = True
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        shown = colour(state.link_state[k])
        elapsed = now - state.since_ms[k]
        if shown == YELLOW:
            if elapsed >= plan.safety.yellow_ms[k]:
                set_link(state, k, RED_STATE, now)
            else:
                settled = False
        elif shown == GREEN:
            wish = colour(_target(plan, state, signal, k))
            if wish == GREEN:
                continue
            if elapsed < plan.safety.green_ms[k]:
                settled = False
                _tell(plan, state, signal, now, DELAYED, MINIMUM_GREEN, TOLD_DELAY)
                continue
            if plan.safety.yellow_ms[k] > 0:
                set_link(state, k, YELLOW_STATE, now)
                settled = False
                if state.raw[signal] != 0 and wish != YELLOW:
                    _tell(plan, state, signal, now, DELAYED, NO_YELLOW, TOLD_YELLOW)
            else:
                set_link(state, k, RED_STATE, now)
        elif shown != RED:
            set_link(state, k, RED_STATE, now)
    return settled


@jit.device
def _admission(plan: SignalPlan, state: SignalState, signal: int, link: int, wish: int, now: int) -> int:
    """May a link be shown as wished: CLEAR; only as a permissive green: SHARE; not yet: WAIT; not beside a foe: BLOCKED."""
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    safety = plan.safety
    result = CLEAR
    if colour(state.link_state[link]) == RED and now - state.since_ms[link] < safety.clearance_ms[link]:
        return WAIT
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        foe = safety.conflict_pos[c]
        shown = state.link_state[foe]
        if colour(shown) == YELLOW or (colour(shown) == RED and now - state.since_ms[foe] < safety.clearance_ms[foe]):
            return WAIT
        if colour(shown) != GREEN:
            continue
        is_own = first <= foe < last
        if is_own and colour(_target(plan, state, signal, foe)) != GREEN:
            return WAIT
        yields, foe_yields = safety.conflict_yields[c] != 0, yields_to(plan, foe, link)
        # the signals of others are not ours to change: what they show has to be lived with
        if not yields and (not foe_yields or (not is_own and shown == PROTECTED)):
            result = BLOCKED
        elif result == CLEAR and wish == PROTECTED and yields and (not foe_yields or foe < link or not is_own):
            result = SHARE
    return result


@jit.device
def _make_permissive(plan: SignalPlan, state: SignalState, link: int, now: int) -> bool:
    """Take protection from foes that have to yield to a link that has just turned green; was there one?"""
    safety = plan.safety
    changed = False
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        foe = safety.conflict_pos[c]
        if state.link_state[foe] == PROTECTED and (state.link_state[link] == PROTECTED or safety.conflict_yields[c] == 0):
            set_link(state, foe, PERMISSIVE, now)
            changed = True
    return changed


@jit.device
def _begin_greens(plan: SignalPlan, state: SignalState, signal: int, now: int) -> bool:
    """Show the greens that are wanted and safe; True when all are shown as well as they will be beside each other."""
    settled = True
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        wish = _target(plan, state, signal, k)
        shown = state.link_state[k]
        if colour(wish) != GREEN or colour(shown) == YELLOW or shown == wish:
            continue
        if colour(shown) == GREEN and wish != PROTECTED and shown != PROTECTED:
            set_link(state, k, wish, now)
            continue
        admission = _admission(plan, state, signal, k, wish, now)
        if admission in (WAIT, BLOCKED):
            settled = False
            if admission == BLOCKED:
                _tell(plan, state, signal, now, REFUSED, CONFLICT, TOLD_CONFLICT)
            continue
        set_link(state, k, PERMISSIVE if admission == SHARE else wish, now)
        if _make_permissive(plan, state, k, now) or admission == SHARE:
            _tell(plan, state, signal, now, REFUSED, CONFLICT, TOLD_CONFLICT)
    return settled


@jit.device
def _enforce(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    _force_starved(plan, state, signal, now)
    for k in range(first, last):
        state.before[k] = state.link_state[k]
    ended = _end_greens(plan, state, signal, now)
    begun = _begin_greens(plan, state, signal, now)
    settled = ended and begun and state.forced[signal] < 0
    changed = False
    for k in range(first, last):
        changed = changed or state.before[k] != state.link_state[k]
    if changed:
        record(plan, state, signal, now, PHASE, state.phase[signal] if settled else -1, NO_REASON)
    state.next_ms[signal] = now + plan.step_ms
    if settled:
        soonest = NEVER
        for k in range(first, last):
            if colour(state.link_state[k]) == RED:
                soonest = min(soonest, state.since_ms[k] + plan.safety.red_ms[k])
        state.next_ms[signal] = max(soonest, now + plan.step_ms)


@jit.device
def _begin_control(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """First phase of a controlled signal: 1 on CityFlow networks, else the first green one."""
    program = plan.first_program[signal]
    state.program[signal] = program
    begin, end = plan.phase_start[program], plan.phase_start[program + 1]
    phase = 1 if plan.cityflow != 0 else 0
    for p in range(begin, end if plan.cityflow == 0 else begin):
        if plan.phase_is_green[p] != 0:
            phase = p - begin
            break
    state.phase[signal] = phase
    state.phase_ms[signal] = now


@jit.device
def _take_up(plan: SignalPlan, state: SignalState, signal: int, now: int) -> bool:
    """The request becomes the wish; False if there is nothing new."""
    asked = state.request[signal]
    state.request[signal] = -1
    fresh = state.program[signal] < 0
    if fresh:
        _begin_control(plan, state, signal, now)
    if asked < 0 and not fresh:
        return False
    if asked >= 0 and asked != state.phase[signal]:
        state.phase[signal] = asked
        state.phase_ms[signal] = now
    row = plan.phase_start[state.program[signal]] + state.phase[signal]
    first = plan.state_start[signal]
    for k in range(first, plan.state_start[signal + 1]):
        state.wanted[k] = plan.chars[plan.phase_chars[row] + k - first]
    state.raw[signal] = 0
    state.delayed[signal] = 0
    return True


@jit.device
def _cityflow(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Phase 0 for the time of yellow, then the phase; meanwhile another phase may still be asked for."""
    begin = plan.phase_start[plan.first_program[signal]]
    yellow = plan.yellow_ms if plan.yellow_ms >= 0 else plan.phase_duration[begin]
    fresh = state.program[signal] < 0
    before = 1 if fresh else state.phase[signal]
    taken = _take_up(plan, state, signal, now)
    due = state.last_start_ms[begin] + yellow
    if state.changing[signal] != 0 and now < due:
        state.next_ms[signal] = due
        return
    row = begin + state.phase[signal]
    state.next_ms[signal] = NEVER
    if state.changing[signal] == 0 and state.phase[signal] != before and state.phase[signal] != 0 and yellow > 0:
        state.changing[signal] = 1
        state.last_start_ms[begin] = now
        state.next_ms[signal] = now + yellow
        row = begin
    elif state.changing[signal] == 0 and not taken:
        return
    else:
        state.changing[signal] = 0
    show_phase(plan, state, signal, row, now, row - begin)


@jit.device
def step_controlled(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Look at one controlled signal that is due."""
    if state.raw[signal] != 0 and state.request[signal] < 0 and (plan.cityflow != 0 or plan.mode == 0):
        show_wanted(plan, state, signal, now)
        state.changing[signal] = 0
        state.next_ms[signal] = NEVER
    elif plan.cityflow != 0:
        _cityflow(plan, state, signal, now)
    else:
        taken = _take_up(plan, state, signal, now)
        if plan.mode == 1:
            _enforce(plan, state, signal, now)
            return
        if taken:
            row = plan.phase_start[state.program[signal]] + state.phase[signal]
            show_phase(plan, state, signal, row, now, state.phase[signal])
        state.next_ms[signal] = NEVER


def apply_requests(plan: SignalPlan, state: SignalState, requests: NDArray[np.int32], time: float) -> None:
    """Hand a controller's answer to the interlock; it takes effect in the step that begins at `time`.

    Parameters
    ----------
    requests : (S,) phase within the active program, -1 = as it is. What does not exist is refused and recorded.
    time : [s]

    Raises
    ------
    ConfigError : another shape or numbers that are not whole
    """
    answer = np.asarray(requests)
    if answer.shape != (len(plan.first_program),) or not np.issubdtype(answer.dtype, np.integer):
        raise ConfigError(
            "a controller has to answer with one whole number a signal",
            got=f"{answer.dtype} of shape {answer.shape}",
            expected=f"integers of shape ({len(plan.first_program)},)",
        )
    now = milliseconds(time)
    asked = np.clip(answer, -2, 2**31 - 1).astype(np.int32)
    asks = asked != KEEP
    known = (asked >= 0) & (asked < _num_phases(plan))
    for signal in np.flatnonzero(asks & ~(known & (plan.controlled != 0))).tolist():
        reason = NO_PHASE if plan.controlled[signal] else NOT_CONTROLLABLE
        append_event(plan, state, signal, now, REFUSED, int(asked[signal]), reason)
    new = (asked != state.phase) | (state.raw != 0) | (state.program < 0)
    taken = np.flatnonzero(asks & known & (plan.controlled != 0) & new)
    state.request[taken] = asked[taken]
    state.next_ms[taken] = now


def _num_phases(plan: SignalPlan) -> NDArray[np.int32]:
    """(S,) phases of each signal's active program."""
    phases = np.append(np.diff(plan.phase_start), 0)  # the last one stands for "no program"
    return phases[plan.first_program].astype(np.int32)


def request_states(plan: SignalPlan, state: SignalState, signal: int, states: str, time: float) -> bool:
    """Ask for a raw state string at one signal; False (and a record) where it is refused.

    Only a signal that a controller guides can be asked; the interlock lets none go dark.
    """
    first, last = int(plan.state_start[signal]), int(plan.state_start[signal + 1])
    if plan.controlled[signal] == 0:
        append_event(plan, state, signal, milliseconds(time), REFUSED, -1, NOT_CONTROLLABLE)
        return False
    known = "Ggyrus" if plan.mode == MODES["enforce"] and plan.cityflow == 0 else "GgyrusoO"
    if len(states) != last - first or not set(states) <= set(known):
        append_event(plan, state, signal, milliseconds(time), REFUSED, -1, MALFORMED)
        return False
    if state.program[signal] < 0:
        state.program[signal] = plan.first_program[signal]
    state.wanted[first:last] = np.frombuffer(states.encode("ascii"), np.uint8)
    state.request[signal] = -1
    state.raw[signal] = 1
    state.phase[signal] = -1
    state.delayed[signal] = 0
    state.next_ms[signal] = milliseconds(time)
    return True
