"""Checks of signal programs. Each function lists every offender.

Letters: P phases, F pairs of links whose ways meet, T changes from one phase to a following one. States are
looked at as one long array of characters, so that a metropolis takes a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.checks.finding import Check
from urbanlab.city.checks.network import not_numbers
from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import ProgramError

__all__ = ["PROGRAM_CHECKS", "num_links"]

ALPHABET = "GgyrusoO"
CHUNK = 4_000_000  # comparisons at once
Ints = NDArray[np.int64]


class _States(NamedTuple):
    """All states one after the other."""

    chars: NDArray[np.uint8]
    start: Ints  # (P+1,)
    program: Ints  # (P,)


def _states(programs: SignalPrograms) -> _States:
    length = np.fromiter(map(len, programs.phase_state), np.int64, len(programs.phase_state))
    chars = np.frombuffer("".join(programs.phase_state).encode("ascii", "replace"), np.uint8)
    start = np.concatenate([[0], np.cumsum(length)])
    program = np.repeat(np.arange(len(programs.program_signal)), np.diff(programs.phase_start))
    return _States(chars, start, program)


def num_links(scenario: Scenario) -> Ints:
    """(S,) least length of each signal's states."""
    network = scenario.network
    needed = np.zeros(network.num_signals, np.int64)
    rows = np.flatnonzero(network.connection_signal >= 0)
    np.maximum.at(needed, network.connection_signal[rows], network.connection_link[rows].astype(np.int64) + 1)
    return needed


def _program(scenario: Scenario, program: int) -> str:
    programs = scenario.programs
    signal = scenario.network.signal_id[programs.program_signal[program]]
    return f"program '{programs.program_id[program]}' of signal '{signal}'"


def _phase(scenario: Scenario, phase: int) -> str:
    programs = scenario.programs
    program = int(np.searchsorted(programs.phase_start, phase, side="right")) - 1
    return f"{_program(scenario, program)}, phase {phase - int(programs.phase_start[program])}"


def states_of_unknown_characters(scenario: Scenario) -> list[str]:
    """Phases whose state has a character outside SUMO's alphabet."""
    known = set(ALPHABET)
    return [_phase(scenario, row) for row, state in enumerate(scenario.programs.phase_state) if not known.issuperset(state)]


def states_too_short(scenario: Scenario) -> list[str]:
    """Phases whose state has no character for some link of their signal."""
    programs, states = scenario.programs, _states(scenario.programs)
    needed = num_links(scenario)[programs.program_signal[states.program]]
    have = np.diff(states.start)
    bad = np.flatnonzero(have < needed)
    return [f"{_phase(scenario, row)}: {have[row]} of {needed[row]} characters" for row in bad.tolist()]


def states_too_long(scenario: Scenario) -> list[str]:
    """Programs whose states have more characters than their signal has links, vehicles' and pedestrians'."""
    if scenario.programs.source != "sumo":
        return []
    programs, states = scenario.programs, _states(scenario.programs)
    first = programs.phase_start[:-1]
    rows = np.flatnonzero(np.diff(programs.phase_start) > 0)
    have = np.diff(states.start)[first[rows]]
    known = _known_links(scenario)[programs.program_signal[rows]]
    return [_program(scenario, row) for row in rows[(have > known) & (known >= 0)].tolist()]


def _known_links(scenario: Scenario) -> Ints:
    """(S,) links of each signal; -1 where pedestrians' links, which are no columns, may be among them."""
    network = scenario.network
    known = num_links(scenario)
    walks = np.zeros(network.num_junctions, np.bool_)
    walks[network.edge_to[np.isin(network.edge_function, (2, 3))]] = True
    rows = np.flatnonzero(network.connection_signal >= 0)
    known[network.connection_signal[rows][walks[network.connection_junction[rows]]]] = -1
    return known


def phases_without_time(scenario: Scenario) -> list[str]:
    """Phases that last no time, or whose bounds are out of order."""
    programs = scenario.programs
    duration, least, most = programs.phase_duration, programs.phase_min, programs.phase_max
    bad = not_numbers(duration) | not_numbers(least) | not_numbers(most)
    bad |= ~(duration > 0) | (least < 0) | ~(most > 0)
    return [_phase(scenario, row) for row in np.flatnonzero(bad).tolist()]


def phases_that_lead_nowhere(scenario: Scenario) -> list[str]:
    """Phases whose `next` names a phase that their program lacks."""
    programs = scenario.programs
    found = []
    for row, following in enumerate(programs.phase_next):
        if following:
            program = int(np.searchsorted(programs.phase_start, row, side="right")) - 1
            count = int(programs.phase_start[program + 1] - programs.phase_start[program])
            if min(following) < 0 or max(following) >= count:
                found.append(_phase(scenario, row))
    return found


def signals_without_program(scenario: Scenario) -> list[str]:
    """Signals that control connections and have no program, or one of another signal."""
    programs, network = scenario.programs, scenario.network
    controls = np.zeros(network.num_signals, np.bool_)
    controls[network.connection_signal[network.connection_signal >= 0]] = True
    active = programs.active_program
    bad = controls & (active < 0)
    has = np.flatnonzero(active >= 0)
    bad[has] |= programs.program_signal[active[has]] != has
    return [f"'{network.signal_id[row]}'" for row in np.flatnonzero(bad).tolist()]


def programs_of_one_name(scenario: Scenario) -> list[str]:
    """Programs of a signal that share a name."""
    programs = scenario.programs
    seen: set[tuple[int, str]] = set()
    found = []
    for row, key in enumerate(zip(programs.program_signal.tolist(), programs.program_id, strict=True)):
        if key in seen:
            found.append(_program(scenario, row))
        seen.add(key)
    return found


def programs_out_of_order(scenario: Scenario) -> list[str]:
    """Programs that stand after one of a later signal, or whose offset is no number."""
    programs = scenario.programs
    bad = not_numbers(programs.program_offset)
    bad[1:] |= np.diff(programs.program_signal) < 0
    return [_program(scenario, row) for row in np.flatnonzero(bad).tolist()]


def conflicting_greens(scenario: Scenario) -> list[str]:
    """Phases that show protected green (G) to two links whose ways cross or join."""
    states = _states(scenario.programs)
    signal, one, other = _meeting_links(scenario)
    first, last = _phases_of_signal(scenario)
    count = last[signal] - first[signal]
    found: set[tuple[int, int, int]] = set()
    bounds = np.concatenate([[0], np.cumsum(count)])
    at = 0
    while at < len(signal):
        end = max(int(np.searchsorted(bounds, bounds[at] + CHUNK, side="right")) - 1, at + 1)
        pair = np.repeat(np.arange(at, end), count[at:end])
        phase = first[signal[pair]] + np.arange(len(pair)) - np.repeat(bounds[at:end] - bounds[at], count[at:end])
        both = _shown(states, phase, one[pair]) & _shown(states, phase, other[pair])
        found.update(zip(phase[both].tolist(), one[pair[both]].tolist(), other[pair[both]].tolist(), strict=True))
        at = end
    links: dict[int, list[str]] = {}
    for row, left, right in sorted(found):
        links.setdefault(row, []).append(f"{left} and {right}")
    return [f"{_phase(scenario, row)}: links {', '.join(pairs[:4])}{' ...' if len(pairs) > 4 else ''}" for row, pairs in links.items()]


def _shown(states: _States, phase: Ints, link: Ints) -> NDArray[np.bool_]:
    """Whether a phase shows G to a link."""
    place = states.start[phase] + link
    inside = place < states.start[phase + 1]
    shown: NDArray[np.bool_] = inside & (states.chars[np.where(inside, place, 0)] == ord("G"))
    return shown


def _phases_of_signal(scenario: Scenario) -> tuple[Ints, Ints]:
    """(S,) range of the phases of all programs of a signal; programs are sorted by signal."""
    programs = scenario.programs
    rows = np.searchsorted(programs.program_signal, np.arange(scenario.network.num_signals + 1))
    bounds = programs.phase_start[rows].astype(np.int64)
    return bounds[:-1], bounds[1:]


def _meeting_links(scenario: Scenario) -> tuple[Ints, Ints, Ints]:
    """(F,) signal and both links of pairs whose ways meet, each once."""
    network = scenario.network
    num = len(network.request_junction)
    signal, link = np.full(num, -1, np.int64), np.full(num, -1, np.int64)
    rows = np.flatnonzero((network.connection_request >= 0) & (network.connection_signal >= 0))
    signal[network.connection_request[rows]] = network.connection_signal[rows]
    link[network.connection_request[rows]] = network.connection_link[rows]
    one = np.repeat(np.arange(num), np.diff(network.foe_start))
    other = network.foe_request
    keep = (signal[one] >= 0) & (signal[one] == signal[other]) & (link[one] != link[other])
    one, other = one[keep], other[keep]
    low, high = np.minimum(link[one], link[other]), np.maximum(link[one], link[other])
    most = int(high.max()) + 1 if len(high) else 1
    key = np.unique((signal[one] * most + low) * most + high)
    return key // most // most, key // most % most, key % most


def missing_yellows(scenario: Scenario) -> list[str]:
    """Changes of a program in which a vehicle's link goes from green to red at once.

    CityFlow's format has no yellow: its programs are not looked at.
    """
    if scenario.programs.source != "sumo":
        return []
    states = _states(scenario.programs)
    phase, following = _changes(scenario)
    length = np.minimum(np.diff(states.start)[phase], np.diff(states.start)[following])
    change = np.repeat(np.arange(len(phase)), length)
    link = np.arange(len(change)) - np.repeat(np.cumsum(length) - length, length)
    before, after = states.chars[states.start[phase[change]] + link], states.chars[states.start[following[change]] + link]
    is_green = (before == ord("G")) | (before == ord("g"))
    lost = np.flatnonzero(is_green & (after == ord("r")))
    lost = lost[_is_driven(scenario, states, phase[change[lost]], link[lost])]
    links: dict[int, list[str]] = {}
    for row, place in zip(change[lost].tolist(), link[lost].tolist(), strict=True):
        links.setdefault(row, []).append(str(place))
    base = scenario.programs.phase_start[states.program[phase]]
    return [
        f"{_phase(scenario, int(phase[row]))} -> {int(following[row] - base[row])}: "
        f"link{'s' if len(places) > 1 else ''} {', '.join(places[:8])}{' ...' if len(places) > 8 else ''}"
        for row, places in links.items()
    ]


def _changes(scenario: Scenario) -> tuple[Ints, Ints]:
    """(T,) phases and those that follow them: the next one in the cycle, or those that `next` names."""
    programs = scenario.programs
    moves = np.isin(programs.program_type, (ProgramType.STATIC, ProgramType.ACTUATED, ProgramType.DELAY_BASED, ProgramType.NEMA))
    program = np.repeat(np.arange(len(programs.program_signal)), np.diff(programs.phase_start))
    first, last = programs.phase_start[program], programs.phase_start[program + 1]
    row = np.arange(len(program))
    follows = np.where(row + 1 < last, row + 1, first)
    jumps = [(phase, int(first[phase]) + to) for phase, named in enumerate(programs.phase_next) for to in named]
    plain = np.fromiter((not named for named in programs.phase_next), np.bool_, len(row)) & moves[program] & (follows != row)
    extra = np.array([jump for jump in jumps if moves[program[jump[0]]]], np.int64).reshape(-1, 2)
    return np.concatenate([row[plain], extra[:, 0]]), np.concatenate([follows[plain], extra[:, 1]])


def _is_driven(scenario: Scenario, states: _States, phase: Ints, link: Ints) -> NDArray[np.bool_]:
    """Links that vehicles drive; those of crossings end without a yellow."""
    network = scenario.network
    rows = np.flatnonzero(network.connection_signal >= 0)
    most = max(int(network.connection_link[rows].max(initial=0)), int(link.max(initial=0))) + 1
    driven = np.unique(network.connection_signal[rows].astype(np.int64) * most + network.connection_link[rows])
    signal = scenario.programs.program_signal[states.program[phase]].astype(np.int64)
    return np.isin(signal * most + link, driven)


PROGRAM_CHECKS = (
    Check("signal state with unknown characters", states_of_unknown_characters, f"characters of {ALPHABET}", ProgramError, is_hard=True),
    Check("signal state shorter than its links", states_too_short, "one character a link", ProgramError, is_hard=True),
    Check("signal state longer than its links", states_too_long, "one character a link", ProgramError),
    Check("signal phase without a duration", phases_without_time, "durations above 0 s, bounds not below", ProgramError, is_hard=True),
    Check("signal phase that leads nowhere", phases_that_lead_nowhere, "phases of the same program", ProgramError, is_hard=True),
    Check("signal without a program", signals_without_program, "an active program of its own", ProgramError, is_hard=True),
    Check("signal programs of one name", programs_of_one_name, "a name of its own for each program", ProgramError, is_hard=True),
    Check("signal program out of order", programs_out_of_order, "rows sorted by signal, finite offsets", ProgramError, is_hard=True),
    Check("conflicting greens", conflicting_greens, "protected green for one of two links that meet", ProgramError),
    Check("missing yellow", missing_yellows, "yellow between green and red", ProgramError),
)  # fmt: skip
