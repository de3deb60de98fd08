"""Signals of a run as arrays: what stays (`SignalPlan`) and what evolves (`SignalState`).

Letters: S signals, Q programs, P phases of all programs, K link positions (all signals' state strings one
after another), C connections, D detectors of actuated programs, X signal events not read yet.
All clocks are integer milliseconds, as in SUMO, so that no switch drifts however long a run is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network
from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.lights.actuated import Detectors, compile_detectors
from urbanlab.traffic.lights.actuated_phases import is_green
from urbanlab.traffic.lights.clearance import Safety, compile_safety

__all__ = ["MODES", "SignalPlan", "SignalState", "compile_signals", "milliseconds", "new_signal_state", "num_positions"]

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

MODES = {"source": 0, "enforce": 1}
STATIC, ACTUATED, OFF = 0, 1, 2
NEVER = 1 << 62
READ_EVERY = 300  # steps between two readings of the events at most
EVENTS_OF_CHANGE = 4  # a phase and what is unsafe about it
EVENTS_OF_GUIDED = 64  # requests come and events are read more often than that
NOBODY_YET = -3600.0  # [s] as in SUMO: before begin no loop has seen a vehicle
CLEARED_MS = 30_000  # before begin nobody has been in a junction: the first greens need no clearance


class SignalPlan(NamedTuple):
    """What does not change during a run; see `Detectors` and `Safety` for the parts."""

    begin_ms: int
    step_ms: int
    mode: int  # see MODES
    cityflow: int  # 1: a requested change shows phase 0, without clearance
    yellow_ms: int  # of a requested change on CityFlow networks
    state_start: I32  # (S+1,) ranges of link positions
    connection_signal_pos: I32  # (C,) link position, -1 none
    program_start: I32  # (S+1,) ranges of programs
    program_type: U8  # (Q,) STATIC, ACTUATED or OFF
    program_offset: I64  # (Q,) [ms]
    program_cycle: I64  # (Q,) [ms] sum of durations
    phase_start: I32  # (Q+1,) ranges of phases
    phase_duration: I64  # (P,) [ms]
    phase_min: I64  # (P,) [ms]
    phase_max: I64  # (P,) [ms]
    phase_is_green: U8  # (P,) has a green and no yellow
    phase_chars: I64  # (P+1,) ranges of chars, one a link position of the signal
    chars: U8  # phase states
    dark: U8  # (K,) what links show while the signal is off: O where they have right of way, else o
    next_start: I32  # (P+1,) ranges of next_phase
    next_phase: I32  # phases within the program that may follow; none = the next one
    first_program: I32  # (S,) program at begin, -1 none
    live: I32  # programs that run by themselves: those of signals without a controller, and planned ones
    live_signal: I32  # their signals
    guided: I32  # signals whose phases a controller chooses
    switch_ms: I64  # planned changes of programs, sorted
    switch_signal: I32
    switch_program: I32
    controlled: U8  # (S,) a controller chooses the phases
    detectors: Detectors
    safety: Safety


class SignalState(NamedTuple):
    """All that evolves, so that a copy of it is a checkpoint."""

    link_state: U8  # (K,) shown character
    program: I32  # (S,) program that is shown, -1 none
    phase: I32  # (S,) phase within the program shown or being changed to, -1 raw states
    phase_ms: I64  # (S,) when that phase began
    next_ms: I64  # (S,) when a guided signal is to be looked at again
    program_phase: I32  # (Q,) phase (row of all phases) of each live program, -1 none
    program_ms: I64  # (Q,) when it is to change or decide
    last_start_ms: I64  # (P,) when each phase began the last time
    request: I32  # (S,) phase asked for and not taken up yet, -1 none
    raw: U8  # (S,) 1: `wanted` holds raw states by command
    wanted: U8  # (K,) states that a controller asks for
    before: U8  # (K,) scratch: states before the present look
    since_ms: I64  # (K,) when the link's present colour (green, yellow or red) began
    forced: I32  # (S,) link position (of all) that maximum red forces, -1 none
    delayed: U8  # (S,) what has been counted of the present wish, bits of interlock.TOLD_...
    changing: U8  # (S,) CityFlow: phase 0 is shown before the phase asked for
    detector_leave: NDArray[np.float64]  # (D,) [s] when the last vehicle left the loop

    detector_on: U8  # (D,) a vehicle is on the loop
    detector_green: I64  # (D,) [ms] when a phase that it serves began the last time
    event_ms: I64  # (X,)
    event_signal: I32  # (X,)
    event_kind: U8  # (X,) SignalEventKind
    event_phase: I32  # (X,)
    event_reason: U8  # (X,) see interlock.REASONS
    event_chars: I64  # (X+1,) ranges of event_state
    event_state: U8  # states shown
    cursor: I64  # (4,) events held, events lost, interventions, next planned change of programs


def milliseconds(seconds: float) -> int:
    """Whole milliseconds; unbounded times become NEVER.

    Examples
    --------
    >>> milliseconds(2.5)
    2500
    """
    return NEVER if seconds > 1e12 else round(seconds * 1000.0)


def compile_signals(
    network: Network,
    programs: SignalPrograms,
    *,
    begin: float,
    step: float,
    seed: int,
    mode: str = "source",
    controller_used: bool = False,
    static: bool = False,
    yellow: float | None = None,
    controllable: NDArray[np.bool_] | None = None,
) -> SignalPlan:
    """Programs and the network's conflicts as arrays.

    Parameters
    ----------
    begin, step : [s]
    seed : of the run; signals draw nothing, it is part of the interface for those that will
    mode : "enforce" or "source", DESIGN 4
    controller_used : a controller chooses the phases of all signals that can be controlled
    static : actuated programs run their stored durations (controller `fixed`)
    yellow : [s] transition of controlled signals; None: by approach speed (CityFlow: phase 0's time)
    controllable : (S,) False for virtual intersections; None: all that have phases

    Raises
    ------
    ConfigError : unknown mode, step or yellow that is not positive
    """
    del seed
    if mode not in MODES:
        raise ConfigError("unknown mode of the interlock", got=repr(mode), expected=" or ".join(MODES))
    if not step > 0 or (yellow is not None and not yellow >= 0):
        raise ConfigError("step and yellow have to be positive", got=f"step {step}, yellow {yellow}")
    positions = num_positions(network, programs)
    state_start = np.concatenate([[0], np.cumsum(positions)]).astype(np.int32)
    signal = network.connection_signal
    where = np.where(signal >= 0, state_start[np.maximum(signal, 0)] + network.connection_link, -1).astype(np.int32)
    chars, chars_start = _phase_chars(programs, positions)
    kind = _types(programs, static=static)
    is_guided = _controlled(programs, network.num_signals, controllable) & controller_used
    first, switches = _schedule(programs, is_guided, milliseconds(begin))
    live = sorted({q for q in (*first[~is_guided].tolist(), *(q for _, _, q in switches)) if q >= 0 and kind[q] != OFF})
    detectors = compile_detectors(network, programs, (kind == ACTUATED) & np.isin(np.arange(len(kind)), live))
    cityflow = programs.source == "cityflow"
    counts = np.bincount(programs.program_signal, minlength=network.num_signals)
    return SignalPlan(
        begin_ms=milliseconds(begin),
        step_ms=milliseconds(step),
        mode=MODES[mode],
        cityflow=int(cityflow),
        yellow_ms=milliseconds(yellow) if yellow is not None else -1,
        state_start=state_start,
        connection_signal_pos=where,
        program_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        program_type=kind,
        program_offset=_ms(programs.program_offset),
        program_cycle=_cycles(programs),
        phase_start=programs.phase_start.astype(np.int32),
        phase_duration=np.maximum(_ms(programs.phase_duration), 1),
        phase_min=_ms(programs.phase_min),
        phase_max=_ms(programs.phase_max),
        phase_is_green=np.array([is_green(state) for state in programs.phase_state], np.uint8),
        phase_chars=chars_start,
        chars=chars,
        dark=_dark(network, where, int(state_start[-1])),
        next_start=np.concatenate([[0], np.cumsum([len(n) for n in programs.phase_next])]).astype(np.int32),
        next_phase=np.array([p for following in programs.phase_next for p in following], np.int32),
        first_program=first,
        live=np.array(live, np.int32),
        live_signal=programs.program_signal[np.array(live, np.int64)],
        guided=np.flatnonzero(is_guided).astype(np.int32),
        switch_ms=np.array([time for time, _, _ in switches], np.int64),
        switch_signal=np.array([s for _, s, _ in switches], np.int32),
        switch_program=np.array([q for _, _, q in switches], np.int32),
        controlled=is_guided.astype(np.uint8),
        detectors=detectors,
        safety=compile_safety(network, where, state_start, programs, yellow),
    )


def _schedule(programs: SignalPrograms, is_guided: NDArray[np.bool_], begin_ms: int) -> tuple[I32, list[tuple[int, int, int]]]:
    """(S,) program at begin, and the changes of programs after it as (time [ms], signal, program).

    Changes planned for begin or before have happened already; signals with a controller follow that instead.
    """
    first = programs.active_program.astype(np.int32)
    later = []
    for signal, time, program in programs.switch_times:
        if is_guided[signal]:
            continue
        if milliseconds(time) <= begin_ms:
            first[signal] = program
        else:
            later.append((milliseconds(time), signal, program))
    return first, later


def num_positions(network: Network, programs: SignalPrograms) -> NDArray[np.int64]:
    """(S,) length of each signal's state string: the longest of its programs, at least its links."""
    result = np.zeros(network.num_signals, np.int64)
    has = network.connection_signal >= 0
    np.maximum.at(result, network.connection_signal[has], network.connection_link[has] + 1)
    lengths = np.array([len(state) for state in programs.phase_state], np.int64)
    owner = np.repeat(programs.program_signal, np.diff(programs.phase_start))
    np.maximum.at(result, owner, lengths)
    return result


def _ms(seconds: NDArray[np.float64]) -> I64:
    return np.array([milliseconds(float(value)) for value in seconds], np.int64)


def _cycles(programs: SignalPrograms) -> I64:
    durations = np.maximum(_ms(programs.phase_duration), 1)
    total = np.concatenate([[0], np.cumsum(durations)])
    return (total[programs.phase_start[1:]] - total[programs.phase_start[:-1]]).astype(np.int64)


def _types(programs: SignalPrograms, *, static: bool) -> U8:
    """Delay based and NEMA programs run their stored durations; the reader reports them as not modelled."""
    table = {ProgramType.OFF: OFF, ProgramType.ACTUATED: STATIC if static else ACTUATED}
    kinds = [table.get(ProgramType(kind), STATIC) for kind in programs.program_type]
    empty = np.diff(programs.phase_start) == 0
    return np.where(empty, OFF, np.array(kinds, np.uint8)).astype(np.uint8)


def _phase_chars(programs: SignalPrograms, positions: NDArray[np.int64]) -> tuple[U8, I64]:
    owner = np.repeat(programs.program_signal, np.diff(programs.phase_start))
    padded = [state.ljust(int(positions[s]), "r") for state, s in zip(programs.phase_state, owner, strict=True)]
    start = np.concatenate([[0], np.cumsum([len(state) for state in padded])]).astype(np.int64)
    return np.frombuffer("".join(padded).encode("ascii"), np.uint8).copy(), start


def _dark(network: Network, where: NDArray[np.int32], num_links: int) -> U8:
    yields, has = np.zeros(num_links, bool), np.zeros(num_links, bool)
    rows = np.flatnonzero(where >= 0)
    has[where[rows]] = True
    yields[where[rows[~np.isin(network.connection_state[rows], (ord("O"), ord("M")))]]] = True
    return np.where(has & ~yields, ord("O"), ord("o")).astype(np.uint8)


def _controlled(programs: SignalPrograms, num_signals: int, controllable: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Signals with at least two phases in their active program."""
    active = programs.active_program
    phases = np.diff(programs.phase_start)
    many = np.array([active[s] >= 0 and phases[active[s]] >= 2 for s in range(num_signals)], bool)
    return many if controllable is None else many & controllable


def new_signal_state(plan: SignalPlan) -> SignalState:
    """The state before the first step; the first step at begin lights the signals."""
    num_signals, num_links = len(plan.first_program), int(plan.state_start[-1])
    num_detectors = len(plan.detectors.lane)
    num_events, num_chars = _room_for_events(plan)
    begin = plan.begin_ms
    return SignalState(
        link_state=np.full(num_links, ord("r"), np.uint8),
        program=np.full(num_signals, -1, np.int32),
        phase=np.full(num_signals, -1, np.int32),
        phase_ms=np.full(num_signals, begin, np.int64),
        next_ms=np.full(num_signals, begin, np.int64),
        program_phase=np.full(len(plan.program_type), -1, np.int32),
        program_ms=np.full(len(plan.program_type), NEVER, np.int64),
        last_start_ms=np.full(len(plan.phase_duration), begin, np.int64),
        request=np.full(num_signals, -1, np.int32),
        raw=np.zeros(num_signals, np.uint8),
        wanted=np.full(num_links, ord("r"), np.uint8),
        before=np.zeros(num_links, np.uint8),
        since_ms=np.full(num_links, begin - CLEARED_MS, np.int64),
        forced=np.full(num_signals, -1, np.int32),
        delayed=np.zeros(num_signals, np.uint8),
        changing=np.zeros(num_signals, np.uint8),
        detector_leave=np.full(num_detectors, NOBODY_YET),
        detector_on=np.zeros(num_detectors, np.uint8),
        detector_green=np.zeros(num_detectors, np.int64),
        event_ms=np.zeros(num_events, np.int64),
        event_signal=np.zeros(num_events, np.int32),
        event_kind=np.zeros(num_events, np.uint8),
        event_phase=np.zeros(num_events, np.int32),
        event_reason=np.zeros(num_events, np.uint8),
        event_chars=np.zeros(num_events + 1, np.int64),
        event_state=np.zeros(num_chars, np.uint8),
        cursor=np.zeros(4, np.int64),
    )


def _room_for_events(plan: SignalPlan) -> tuple[int, int]:
    """Events that may come between two readings, and the characters of their states."""
    per_signal = np.full(len(plan.first_program), 2 * EVENTS_OF_CHANGE, np.int64)
    per_signal[plan.guided] += EVENTS_OF_GUIDED
    for program, signal in zip(plan.live.tolist(), plan.live_signal.tolist(), strict=True):
        part = slice(int(plan.phase_start[program]), int(plan.phase_start[program + 1]))
        shortest = np.minimum(plan.phase_duration[part], np.maximum(plan.phase_min[part], 1)).sum()
        changes = min(READ_EVERY, (part.stop - part.start) * (READ_EVERY * plan.step_ms // int(shortest) + 1))
        per_signal[signal] += EVENTS_OF_CHANGE * changes
    np.add.at(per_signal, plan.switch_signal, EVENTS_OF_CHANGE)
    length = np.diff(plan.state_start).astype(np.int64)
    return int(per_signal.sum()) + 1, int((per_signal * length).sum()) + int(length.max(initial=0))
