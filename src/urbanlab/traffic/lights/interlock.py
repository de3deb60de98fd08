"""The interlock: what a controller asks for becomes what is safe to show.

It acts link by link, so that phases and raw state strings pass the same rules: a green lasts its minimum; it
ends through yellow and red; a link turns green only after every link whose way meets its own has been
cleared; of two meeting links at most one is protected; a link that a phase could serve is never red for
longer than its maximum plus the time of the changes before it. CityFlow networks have their own rule: phase
0 for the time of yellow, then the phase. In `source` mode requests are shown as they are.
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
    NOT_CONTROLLABLE,
    PHASE,
    RED,
    REFUSED,
    VIOLATION,
    YELLOW,
    append_event,
    colour,
    conflicts,
    record,
    set_link,
    show_phase,
)
from urbanlab.traffic.lights.signal_state import NEVER, SignalPlan, SignalState, milliseconds

__all__ = ["apply_requests", "request_states", "step_controlled"]

TOLD_DELAY, TOLD_CONFLICT = 1, 2  # bits of SignalState.delayed
CLEAR, WAIT, SHARE = range(3)


@jit.inline
def _target(plan: SignalPlan, state: SignalState, signal: int, link: int) -> int:
    """Character that the link is to show in the end."""
    forced = state.forced[signal]
    if forced < 0:
        return state.wanted[link]
    phase = plan.phase_start[state.program[signal]] + forced
    return plan.chars[plan.phase_chars[phase] + link - plan.state_start[signal]]


@jit.device
def _force_starved(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Begin to serve the link that has been red for too long, or end doing so."""
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    if state.forced[signal] >= 0:
        for k in range(first, last):
            served = colour(state.link_state[k]) == GREEN and now - state.since_ms[k] >= plan.safety.green_ms[k]
            if not served and colour(_target(plan, state, signal, k)) == GREEN and plan.safety.yellow_ms[k] > 0:
                return
        state.forced[signal] = -1
    worst, most = -1, 0
    for k in range(first, last):
        over = now - state.since_ms[k] - plan.safety.red_ms[k]
        if colour(state.link_state[k]) == RED and over >= 0 and over + 1 > most:
            worst, most = k, over + 1
    if worst >= 0:
        state.forced[signal] = plan.safety.serving_phase[worst]
        record(plan, state, signal, now, REFUSED, state.phase[signal], MAXIMUM_RED)


@jit.device
def _end_greens(plan: SignalPlan, state: SignalState, signal: int, now: int) -> bool:
    """Take greens that are no longer wanted to red; True when all are there."""
    settled = True
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        shown = colour(state.link_state[k])
        elapsed = now - state.since_ms[k]
        if shown == YELLOW:
            if elapsed >= plan.safety.yellow_ms[k]:
                set_link(state, k, 114, now)
            else:
                settled = False
        elif shown == GREEN and colour(_target(plan, state, signal, k)) != GREEN:
            if elapsed < plan.safety.green_ms[k]:
                settled = False
                if state.delayed[signal] & TOLD_DELAY == 0:
                    state.delayed[signal] |= TOLD_DELAY
                    record(plan, state, signal, now, DELAYED, state.phase[signal], MINIMUM_GREEN)
            elif plan.safety.yellow_ms[k] > 0:
                set_link(state, k, 121, now)
                settled = False
            else:
                set_link(state, k, 114, now)
        elif shown != GREEN and shown != RED:
            set_link(state, k, 114, now)
    return settled


@jit.device
def _admission(plan: SignalPlan, state: SignalState, signal: int, link: int, wish: int, now: int) -> int:
    """CLEAR: may be shown as wished; SHARE: only as a permissive green; WAIT: not yet."""
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    safety = plan.safety
    result = CLEAR
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        foe = safety.conflict_pos[c]
        shown = colour(state.link_state[foe])
        own_signal = first <= foe < last
        goal = _target(plan, state, signal, foe) if own_signal else state.link_state[foe]
        if shown == YELLOW or (shown == RED and now - state.since_ms[foe] < safety.clearance_ms[foe]):
            return WAIT
        if shown == GREEN and colour(goal) != GREEN:
            return WAIT
        if wish == 71 and (state.link_state[foe] == 71 or goal == 71) and _gives_way(plan, link, foe):
            result = SHARE
    return result


@jit.device
def _gives_way(plan: SignalPlan, link: int, foe: int) -> bool:
    """Of two protected greens that meet, is this the one to become permissive? Ties go to the lower link."""
    yields, foe_yields = _yields(plan, link, foe), _yields(plan, foe, link)
    return foe < link if yields == foe_yields else yields


@jit.device
def _yields(plan: SignalPlan, link: int, foe: int) -> bool:
    """Has a link to yield to a foe?"""
    safety = plan.safety
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        if safety.conflict_pos[c] == foe:
            return safety.conflict_yields[c] != 0
    return False


@jit.device
def _make_permissive(plan: SignalPlan, state: SignalState, link: int, now: int) -> None:
    """Foes that are protected and give way to a link that has just become protected."""
    safety = plan.safety
    for c in range(safety.conflict_start[link], safety.conflict_start[link + 1]):
        if state.link_state[safety.conflict_pos[c]] == 71:
            set_link(state, safety.conflict_pos[c], 103, now)


@jit.device
def _begin_greens(plan: SignalPlan, state: SignalState, signal: int, now: int) -> bool:
    """Show the greens that are wanted and safe; True when all are shown as well as they ever will be."""
    settled = True
    for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
        wish = _target(plan, state, signal, k)
        shown = state.link_state[k]
        if colour(wish) != GREEN or colour(shown) == YELLOW or shown == wish:
            continue
        if colour(shown) == GREEN and wish != 71:
            set_link(state, k, wish, now)
            continue
        admission = _admission(plan, state, signal, k, wish, now)
        if admission == CLEAR:
            set_link(state, k, wish, now)
            if wish == 71:
                _make_permissive(plan, state, k, now)
        elif admission == SHARE:
            set_link(state, k, 103, now)
            if state.delayed[signal] & TOLD_CONFLICT == 0:
                state.delayed[signal] |= TOLD_CONFLICT
                record(plan, state, signal, now, REFUSED, state.phase[signal], CONFLICT)
        else:
            settled = False
    return settled


@jit.device
def _enforce(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    first, last = plan.state_start[signal], plan.state_start[signal + 1]
    _force_starved(plan, state, signal, now)
    before = 0
    for k in range(first, last):
        before = before * 31 + state.link_state[k]
    ended = _end_greens(plan, state, signal, now)
    begun = _begin_greens(plan, state, signal, now)
    after = 0
    for k in range(first, last):
        after = after * 31 + state.link_state[k]
    settled = ended and begun
    if before != after:
        phase = state.phase[signal] if settled and state.forced[signal] < 0 else -1
        record(plan, state, signal, now, PHASE, phase, NO_REASON)
    state.next_ms[signal] = now + plan.step_ms
    if settled and state.forced[signal] < 0:
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
    """Phase 0 for the time of yellow, then the phase; while it lasts another phase may still be asked for."""
    program = plan.first_program[signal]
    begin = plan.phase_start[program]
    yellow = plan.yellow_ms if plan.yellow_ms >= 0 else plan.phase_duration[begin]
    fresh = state.program[signal] < 0
    before = 1 if fresh else state.phase[signal]
    in_change = state.raw[signal] != 0
    _take_up(plan, state, signal, now)
    if not in_change and state.phase[signal] != before and yellow > 0:
        show_phase(plan, state, signal, begin, now, 0)
        state.last_start_ms[begin] = now
        state.raw[signal] = 1
        state.next_ms[signal] = now + yellow
        return
    due = state.last_start_ms[begin] + yellow
    if in_change and now < due:
        state.raw[signal] = 1
        state.next_ms[signal] = due
        return
    state.raw[signal] = 0
    if fresh or in_change or state.phase[signal] != before:
        show_phase(plan, state, signal, begin + state.phase[signal], now, state.phase[signal])
    state.next_ms[signal] = NEVER


@jit.device
def step_controlled(plan: SignalPlan, state: SignalState, signal: int, now: int) -> None:
    """Look at one controlled signal that is due."""
    if plan.cityflow != 0:
        _cityflow(plan, state, signal, now)
        return
    taken = _take_up(plan, state, signal, now)
    if plan.mode == 1:
        _enforce(plan, state, signal, now)
        return
    if taken:
        show_phase(plan, state, signal, plan.phase_start[state.program[signal]] + state.phase[signal], now, state.phase[signal])
    elif state.raw[signal] != 0:
        for k in range(plan.state_start[signal], plan.state_start[signal + 1]):
            set_link(state, k, state.wanted[k], now)
        record(plan, state, signal, now, PHASE, -1, NO_REASON)
        if conflicts(plan, state, signal):
            record(plan, state, signal, now, VIOLATION, -1, CONFLICT)
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
    """Ask for a raw state string at one signal; False (and a record) where it is refused."""
    first, last = int(plan.state_start[signal]), int(plan.state_start[signal + 1])
    if plan.controlled[signal] == 0:
        append_event(plan, state, signal, milliseconds(time), REFUSED, -1, NOT_CONTROLLABLE)
        return False
    if len(states) != last - first or not set(states) <= set("GgyrusoO"):
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
