"""Detectors of actuated signal programs: where they are and which phases they extend.

Source: the documented behaviour of SUMO's actuated traffic lights (Simulation/Traffic_Lights, "Actuated
Traffic Lights"), whose parameters `max-gap`, `detector-gap`, `passing-time` and `inactive-threshold` hold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network, class_mask
from urbanlab.city.program import SignalPrograms
from urbanlab.core.errors import ProgramError

__all__ = ["Detectors", "compile_detectors"]

MAX_GAP, DETECTOR_GAP, PASSING_TIME, INACTIVE_THRESHOLD = 3.0, 2.0, 1.9, 180.0  # [s] SUMO's defaults
QUEUE_SPACING = 7.5  # [m] a standing car and its gap
NO_DETECTOR = "NO_DETECTOR"
UNMOTORISED = class_mask("pedestrian", "bicycle")


class Detectors(NamedTuple):
    """Loops of all actuated programs (D,), and what they decide."""

    lane: NDArray[np.int32]  # (D,)
    pos: NDArray[np.float64]  # (D,) [m] from the start of the lane
    max_gap: NDArray[np.float64]  # (D,) [s] longest gap that extends the green
    lane_length: NDArray[np.float64]  # (D,) [m]
    beyond_start: NDArray[np.int32]  # (D+1,) ranges of beyond_lane
    beyond_lane: NDArray[np.int32]  # internal lanes behind the stop line, where a front may be already
    phase_start: NDArray[np.int32]  # (P+1,) ranges of phase_detector
    phase_detector: NDArray[np.int32]  # loops that extend a phase
    program_start: NDArray[np.int32]  # (Q+1,) ranges of loops (they are numbered by program)
    gap: NDArray[np.float64]  # (Q,) [s] travel time from loop to stop line
    inactive_ms: NDArray[np.int64]  # (Q,) [ms] red after which waiting vehicles gain priority


class _Links(NamedTuple):
    """The links of one signal: by position, the lanes that lead there and whether all of them turn around."""

    lanes: list[list[int]]
    turns_around: list[bool]


def compile_detectors(network: Network, programs: SignalPrograms, is_actuated: NDArray[np.bool_]) -> Detectors:
    """Place the loops of the actuated programs."""
    num_programs, num_phases = len(programs.program_id), len(programs.phase_state)
    rows: list[tuple[int, float, float]] = []
    phase_loops: list[list[int]] = [[] for _ in range(num_phases)]
    program_start = [0]
    order = np.argsort(network.connection_signal, kind="stable")
    bounds = np.searchsorted(network.connection_signal[order], np.arange(network.num_signals + 1))
    for program in range(num_programs):
        if is_actuated[program]:
            signal = int(programs.program_signal[program])
            links = _links(network, programs, program, order[bounds[signal] : bounds[signal + 1]])
            _place(network, programs, program, links, rows, phase_loops)
        program_start.append(len(rows))
    lane = np.array([row[0] for row in rows], np.int32)
    beyond = [_beyond(network, int(value)) for value in lane]
    return Detectors(
        lane=lane,
        pos=np.array([row[1] for row in rows], np.float64),
        max_gap=np.array([row[2] for row in rows], np.float64),
        lane_length=network.lane_length[lane],
        beyond_start=np.concatenate([[0], np.cumsum([len(b) for b in beyond])]).astype(np.int32),
        beyond_lane=np.array([b for part in beyond for b in part], np.int32),
        phase_start=np.concatenate([[0], np.cumsum([len(p) for p in phase_loops])]).astype(np.int32),
        phase_detector=np.array([d for part in phase_loops for d in part], np.int32),
        program_start=np.array(program_start, np.int32),
        gap=np.array([_param(programs, q, "detector-gap", DETECTOR_GAP) for q in range(num_programs)], np.float64),
        inactive_ms=np.array(
            [round(1000 * _param(programs, q, "inactive-threshold", INACTIVE_THRESHOLD)) for q in range(num_programs)],
            np.int64,
        ),
    )


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


def _links(network: Network, programs: SignalPrograms, program: int, rows: NDArray[np.int64]) -> _Links:
    num = len(programs.phase_state[int(programs.phase_start[program])])
    lanes: list[list[int]] = [[] for _ in range(num)]
    around = [True] * num
    for row in rows[np.argsort(network.connection_link[rows], kind="stable")]:
        link = int(network.connection_link[row])
        lanes[link].append(int(network.connection_from[row]))
        around[link] &= chr(network.connection_direction[row]) == "t"
    return _Links(lanes, around)


def _place(
    network: Network,
    programs: SignalPrograms,
    program: int,
    links: _Links,
    rows: list[tuple[int, float, float]],
    phase_loops: list[list[int]],
) -> None:
    """Loops of one program, at most one a lane, and the phases that each extends."""
    phases = range(int(programs.phase_start[program]), int(programs.phase_start[program + 1]))
    actuated = [p for p in phases if programs.phase_min[p] != programs.phase_max[p]]
    params = programs.program_params[program]
    links_of_lane: dict[int, list[int]] = {}
    for link, lanes in enumerate(links.lanes):
        for lane in lanes:
            links_of_lane.setdefault(lane, []).append(link)
    loop_of_lane: dict[int, int] = {}
    for lane, own in links_of_lane.items():
        served = [p for p in actuated if any(programs.phase_state[p][link] in "Gg" for link in own)]
        name = network.lane_id(lane)
        if not served or not network.lane_permissions[lane] or params.get(name) == NO_DETECTOR:
            continue
        shortest = min(float(programs.phase_min[p]) for p in served)
        distance = min(
            _param(programs, program, "detector-gap", DETECTOR_GAP) * float(network.lane_speed[lane]),
            (shortest / _param(programs, program, "passing-time", PASSING_TIME) + 0.5) * QUEUE_SPACING,
        )
        gap = _param(programs, program, f"max-gap:{name}", _param(programs, program, "max-gap", MAX_GAP))
        loop_of_lane[lane] = len(rows)
        rows.append((*_upstream(network, lane, distance), gap))
    states = [programs.phase_state[p] for p in phases]
    for p in actuated:
        green = _green_links(network, programs.phase_state[p], states, links)
        for lane, loop in loop_of_lane.items():
            if all(link in green for link in links_of_lane[lane]) and _joined(network, lane, loop_of_lane, links_of_lane, green):
                phase_loops[p].append(loop)


def _upstream(network: Network, lane: int, distance: float) -> tuple[int, float]:
    """Place of a loop before the end of a lane, over the lanes before it while there is just one way in."""
    pos = float(network.lane_length[lane]) - distance
    while pos < 0:
        before = np.flatnonzero((network.connection_to == lane) & (network.connection_via < 0))
        if len(before) != 1:
            return lane, 0.0
        lane = int(network.connection_from[before[0]])
        while network.edge_function[network.lane_edge[lane]] == EdgeFunction.INTERNAL:
            pos += float(network.lane_length[lane])
            if pos >= 0:
                return lane, pos
            lane = int(network.connection_from[np.flatnonzero(network.connection_via == lane)[0]])
        pos += float(network.lane_length[lane])
    return lane, pos


def _green_links(network: Network, state: str, states: list[str], links: _Links) -> set[int]:
    """Links whose vehicles surely drive in a phase.

    A permissive green counts only if it is never protected (or turns around) and a protected one of the
    same lane is on too, or if its edge has a single lane for motor vehicles.
    """
    protected_lanes = {lane for link, lanes in enumerate(links.lanes) if state[link] == "G" for lane in lanes}
    green = set()
    for link, lanes in enumerate(links.lanes):
        if state[link] == "G":
            green.add(link)
        elif state[link] == "g":
            minor = links.turns_around[link] or all(s[link] != "G" for s in states)
            shared = any(lane in protected_lanes for lane in lanes)
            if (minor and shared) or any(_is_single(network, lane) for lane in lanes):
                green.add(link)
    return green


def _is_single(network: Network, lane: int) -> bool:
    edge = int(network.lane_edge[lane])
    part = network.lane_permissions[network.edge_first_lane[edge] : network.edge_first_lane[edge + 1]]
    return int(np.count_nonzero(part & ~UNMOTORISED)) == 1


def _joined(
    network: Network, lane: int, loop_of_lane: dict[int, int], links_of_lane: dict[int, list[int]], green: set[int]
) -> bool:
    """May the loop be used although the next lane has a signal of the same program?"""
    rows = np.flatnonzero((network.connection_from == lane) & (network.connection_direction != ord("t")))
    return all(
        link in green
        for target in network.connection_to[rows].tolist()
        if target in loop_of_lane
        for link in links_of_lane[target]
    )


def _beyond(network: Network, lane: int) -> list[int]:
    """Internal lanes that follow a lane; only vehicles from it are on them."""
    vias = network.connection_via[(network.connection_from == lane) & (network.connection_via >= 0)]
    return sorted(set(vias.tolist()))
