"""Detectors of actuated signal programs: where they are and which phases they extend.

Source: the documented behaviour of SUMO's actuated traffic lights (Simulation/Traffic_Lights, "Actuated
Traffic Lights"), whose parameters `max-gap`, `detector-gap`, `passing-time` and `inactive-threshold` hold.

Letters: D loops, Q programs, P phases, N entries of `next_phase`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network, class_mask
from urbanlab.city.program import SignalPrograms
from urbanlab.core.errors import ProgramError
from urbanlab.traffic.lights.actuated_phases import PhaseTargets, greens_of, is_actuated_phase, phase_targets
from urbanlab.traffic.lights.signal_links import SignalLinks, Ways, entry_of, links_of_signal, rows_of, ways_of

__all__ = ["Detectors", "compile_detectors"]

MAX_GAP, DETECTOR_GAP, PASSING_TIME, INACTIVE_THRESHOLD = 3.0, 2.0, 1.9, 180.0  # [s] SUMO's defaults
QUEUE_SPACING, BICYCLE_SPACING = 7.5, 2.1  # [m] a standing car or bicycle and its gap
BICYCLE_SPEED = 20.0 / 3.6  # [m/s]
REACH = 50.0  # [m] fronts are looked for so far behind a loop: a long vehicle and a fast step
NO_DETECTOR = "NO_DETECTOR"
BICYCLE, PEDESTRIAN = class_mask("bicycle"), class_mask("pedestrian")


class Detectors(NamedTuple):
    """Loops of all live actuated programs (D,), and what they decide."""

    lane: NDArray[np.int32]  # (D,)
    pos: NDArray[np.float64]  # (D,) [m] from the start of the lane
    max_gap: NDArray[np.float64]  # (D,) [s] longest gap that extends the green
    beyond_start: NDArray[np.int32]  # (D+1,) ranges of beyond_lane
    beyond_lane: NDArray[np.int32]  # lanes behind that of the loop, where a front may be already
    beyond_shift: NDArray[np.float64]  # [m] from the start of the loop's lane to the start of those
    phase_start: NDArray[np.int32]  # (P+1,) ranges of phase_detector
    phase_detector: NDArray[np.int32]  # loops that extend a phase
    gap: NDArray[np.float64]  # (Q,) [s] travel time from loop to stop line
    inactive_ms: NDArray[np.int64]  # (Q,) [ms] red after which waiting vehicles gain priority
    chooses: NDArray[np.uint8]  # (Q,) 1: some phase may be followed by several
    target_start: NDArray[np.int32]  # (N+1,) ranges of target_phase
    target_phase: NDArray[np.int32]  # phases (rows of all phases) that this next one is the best way to


class _Placing(NamedTuple):
    """Loops as they are placed."""

    network: Network
    programs: SignalPrograms
    ways: Ways
    rows: list[tuple[int, float, float]]  # lane, position [m], maximum gap [s]
    of_phase: list[list[int]]


def compile_detectors(network: Network, programs: SignalPrograms, is_live: NDArray[np.bool_]) -> Detectors:
    """Place the loops of the actuated programs that will run."""
    num_programs, num_phases = len(programs.program_id), len(programs.phase_state)
    loops = _Placing(network, programs, ways_of(network), [], [[] for _ in range(num_phases)])
    chooses = np.zeros(num_programs, np.uint8)
    reached: list[list[int]] = [[] for following in programs.phase_next for _ in following]
    first_next = np.concatenate([[0], np.cumsum([len(following) for following in programs.phase_next])]).astype(np.int64)
    for program in np.flatnonzero(is_live).tolist():
        targets = phase_targets(programs, program)
        _place(loops, program, targets)
        chooses[program] = targets.chooses
        begin = int(programs.phase_start[program])
        for (phase, place), best in targets.best.items():
            if programs.phase_next[begin + phase]:
                reached[int(first_next[begin + phase]) + place] = [begin + target for target in best]
    beyond = [_beyond(network, loops.ways, row[0], row[1]) for row in loops.rows]
    gap = [_param(programs, q, "detector-gap", DETECTOR_GAP) for q in range(num_programs)]
    inactive = [_param(programs, q, "inactive-threshold", INACTIVE_THRESHOLD) for q in range(num_programs)]
    return Detectors(
        lane=np.array([row[0] for row in loops.rows], np.int32),
        pos=np.array([row[1] for row in loops.rows], np.float64),
        max_gap=np.array([row[2] for row in loops.rows], np.float64),
        beyond_start=_starts([len(part) for part in beyond]),
        beyond_lane=np.array([lane for part in beyond for lane, _ in part], np.int32),
        beyond_shift=np.array([shift for part in beyond for _, shift in part], np.float64),
        phase_start=_starts([len(part) for part in loops.of_phase]),
        phase_detector=np.array([d for part in loops.of_phase for d in part], np.int32),
        gap=np.array(gap, np.float64),
        inactive_ms=np.round(1000.0 * np.array(inactive)).astype(np.int64),
        chooses=chooses,
        target_start=_starts([len(part) for part in reached]),
        target_phase=np.array([target for part in reached for target in part], np.int32),
    )


def _starts(counts: list[int]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def _param(programs: SignalPrograms, program: int, key: str, default: float) -> float:
    text = programs.program_params[program].get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        name = programs.program_id[program]
        raise ProgramError(f"parameter '{key}' of signal program '{name}' is no number", got=repr(text), expected="[s]")
    return value


def _place(loops: _Placing, program: int, targets: PhaseTargets) -> None:
    """Loops of one program, at most one a lane, and the phases that each extends."""
    network, programs = loops.network, loops.programs
    begin, end = int(programs.phase_start[program]), int(programs.phase_start[program + 1])
    states = programs.phase_state[begin:end]
    links = links_of_signal(network, loops.ways, int(programs.program_signal[program]), len(states[0]))
    actuated = [is_actuated_phase(programs, begin + p) for p in range(end - begin)]
    watched = [p for p in range(end - begin) if actuated[p] or p in targets.choice]
    loop_of_lane: dict[int, int] = {}
    params = programs.program_params[program]
    for lane, own in links.of_lane.items():
        served = [p for p in watched if any(states[p][link] in "Gg" for link in own)]
        name = network.lane_id(lane)
        if not served or not network.lane_permissions[lane] or params.get(name) == NO_DETECTOR:
            continue
        shortest = min(float(programs.phase_min[begin + p]) if actuated[p] else 0.0 for p in served)
        gap = _param(programs, program, f"max-gap:{name}", _param(programs, program, "max-gap", MAX_GAP))
        loop_of_lane[lane] = len(loops.rows)
        loops.rows.append((*_upstream(loops, lane, _distance(loops, program, lane, shortest)), gap))
    for p in watched:
        green = greens_of(network, states[p], states, links)
        for lane, loop in loop_of_lane.items():
            if all(link in green for link in links.of_lane[lane]) and _joined(loops, lane, loop_of_lane, links, green):
                loops.of_phase[begin + p].append(loop)


def _distance(loops: _Placing, program: int, lane: int, shortest: float) -> float:
    """[m] from loop to stop line: some seconds at the limit, but no longer than the queue that the minimum green clears."""
    network, programs = loops.network, loops.programs
    is_cycle_path = int(network.lane_permissions[lane]) & ~PEDESTRIAN == BICYCLE
    spacing = BICYCLE_SPACING if is_cycle_path else QUEUE_SPACING
    speed = BICYCLE_SPEED if is_cycle_path else float(network.lane_speed[lane])
    queue = (shortest / _param(programs, program, "passing-time", PASSING_TIME) + 0.5) * spacing
    return min(_param(programs, program, "detector-gap", DETECTOR_GAP) * speed, queue)


def _upstream(loops: _Placing, lane: int, distance: float) -> tuple[int, float]:
    """Place of a loop before the end of a lane, over the lanes before it while there is one way in, without a signal."""
    network, ways = loops.network, loops.ways
    pos = float(network.lane_length[lane]) - distance
    while pos < 0:
        before = rows_of(ways.into, lane)
        if len(before) != 1 or network.connection_signal[entry_of(network, ways, before[0])] >= 0:
            return lane, 0.0
        lane = int(network.connection_from[before[0]])
        pos += float(network.lane_length[lane])
    return lane, pos


def _joined(loops: _Placing, lane: int, loop_of_lane: dict[int, int], links: SignalLinks, green: set[int]) -> bool:
    """May the loop be used although the next lane has a signal of the same program?"""
    network = loops.network
    rows = [row for row in rows_of(loops.ways.out, lane) if network.connection_direction[row] != ord("t")]
    return all(link in green for target in network.connection_to[rows].tolist() if target in loop_of_lane for link in links.of_lane[target])


def _beyond(network: Network, ways: Ways, lane: int, pos: float) -> list[tuple[int, float]]:
    """Lanes that follow the loop's, and how far on they begin, while whoever has just passed the loop may be there.

    Only lanes that can't be reached but over the loop's lane: others on them would be mistaken for its vehicles.
    """
    found: list[tuple[int, float]] = []
    ends = [(lane, float(network.lane_length[lane]))]
    while ends:
        place, shift = ends.pop()
        if shift - pos > REACH:
            continue
        rows = rows_of(ways.out, place)
        following = {int(network.connection_via[row] if network.connection_via[row] >= 0 else network.connection_to[row]) for row in rows}
        for target in sorted(following):
            if len(rows_of(ways.into, target)) == 1:
                found.append((target, shift))
                ends.append((target, shift + float(network.lane_length[target])))
    return found
