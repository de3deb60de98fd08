"""How long a change of signals takes: yellow and all-red of every link, and who conflicts with whom.

Sources: ITE 2020, "Guidelines for Determining Traffic Signal Change and Clearance Intervals": yellow
t + v / (2 a) on level ground with t = 1 s and a = 3.05 m/s^2, red clearance (W + L) / v with L = 6.1 m.
MUTCD 2009, 4E.06: people on foot clear a crossing at 3.5 ft/s.

Which vehicles meet people on foot is not in the network's columns, but the stored programs know it: a
crossing conflicts with every link that no phase ever shows green beside it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.program import SignalPrograms

__all__ = ["Safety", "clearance_time", "compile_safety", "conflicts_of", "yellow_time"]

REACTION_TIME = 1.0  # [s]
DECELERATION = 3.05  # [m/s^2] 10 ft/s^2
VEHICLE_LENGTH = 6.1  # [m] 20 ft
YELLOW_MIN, YELLOW_MAX = 3.0, 6.0  # [s]
CLEARANCE_MIN, CLEARANCE_MAX = 1.0, 3.0  # [s]; longer than 3 s teaches drivers to start late (ITE)
GREEN_MIN = 5.0  # [s]
WALKING_SPEED = 1.07  # [m/s] 3.5 ft/s
RED_MAX = 180.0  # [s] after which a link is served whatever is asked for


class Safety(NamedTuple):
    """Limits of every link position (K,)."""

    yellow_ms: NDArray[np.int64]  # 0 where no vehicle is signalled (pedestrian crossings, spare characters)
    clearance_ms: NDArray[np.int64]  # all-red; of a crossing: the time to walk it
    green_ms: NDArray[np.int64]  # shortest green
    red_ms: NDArray[np.int64]  # longest red; never for links that no phase serves
    serving_phase: NDArray[np.int32]  # phase of the active program that serves the link, -1 none
    conflict_start: NDArray[np.int32]  # (K+1,) ranges of conflict_pos
    conflict_pos: NDArray[np.int32]  # link positions whose path crosses or joins
    conflict_yields: NDArray[np.uint8]  # this one has to yield to that one


def yellow_time(speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yellow [s] for approach speeds [m/s], in 3..6 s.

    Examples
    --------
    >>> float(yellow_time(np.array([18.3]))[0])
    4.0
    """
    return np.clip(REACTION_TIME + speed / (2.0 * DECELERATION), YELLOW_MIN, YELLOW_MAX)


def clearance_time(path: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """All-red [s] that lets the last vehicle leave a path [m] at its speed [m/s], in 1..3 s."""
    return np.clip((path + VEHICLE_LENGTH) / np.maximum(speed, 0.1), CLEARANCE_MIN, CLEARANCE_MAX)


def compile_safety(
    network: Network,
    where: NDArray[np.int32],
    state_start: NDArray[np.int32],
    programs: SignalPrograms,
    yellow: float | None,
) -> Safety:
    """Limits of all link positions.

    Parameters
    ----------
    where : (C,) link position of each connection, -1 none
    state_start : (S+1,) ranges of link positions
    yellow : [s] a controller's own yellow instead of ITE's; the clearance stays
    """
    num_links = int(state_start[-1])
    rows = np.flatnonzero(where >= 0)
    approach = network.lane_speed[network.connection_from[rows]]
    own_yellow = yellow_time(approach) if yellow is None else np.full(len(rows), yellow)
    path, speed = _paths(network, rows)
    yellow_ms, clearance_ms = np.zeros(num_links, np.int64), np.zeros(num_links, np.int64)
    np.maximum.at(yellow_ms, where[rows], np.ceil(own_yellow * 1000.0 - 1e-6).astype(np.int64))
    np.maximum.at(clearance_ms, where[rows], np.ceil(clearance_time(path, speed) * 1000.0).astype(np.int64))
    serving = _serving_phases(programs, state_start)
    walked, walking_ms = _crossings(network, state_start, yellow_ms)
    clearance_ms[walked] = walking_ms
    pairs = np.array(_walkers_conflicts(programs, state_start, walked, yellow_ms > 0), np.int64).reshape(-1, 2)
    start, pos, yields = conflicts_of(network, where, num_links, pairs)
    return Safety(
        yellow_ms=yellow_ms,
        clearance_ms=clearance_ms,
        green_ms=np.full(num_links, round(GREEN_MIN * 1000), np.int64),
        red_ms=np.where((serving >= 0) & (yellow_ms > 0), round(RED_MAX * 1000), 1 << 61).astype(np.int64),
        serving_phase=serving,
        conflict_start=start,
        conflict_pos=pos,
        conflict_yields=yields,
    )


def _paths(network: Network, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length [m] and speed [m/s] of the ways through the junction, over one or two internal lanes."""
    onward = np.full(network.num_lanes, -1, np.int64)
    inner = np.flatnonzero(network.connection_via >= 0)
    onward[network.connection_from[inner]] = network.connection_via[inner]
    via = network.connection_via[rows].astype(np.int64)
    speed = network.lane_speed[network.connection_from[rows]].copy()
    length = np.zeros(len(rows))
    for _ in range(3):
        has = via >= 0
        length[has] += network.lane_length[via[has]]
        speed[has] = np.minimum(speed[has], network.lane_speed[via[has]])
        via = np.where(has, onward[np.maximum(via, 0)], -1)
    return length, speed


def _serving_phases(programs: SignalPrograms, state_start: NDArray[np.int32]) -> NDArray[np.int32]:
    """(K,) first phase of the active program that shows the link green, green phases before mixed ones."""
    serving = np.full(int(state_start[-1]), -1, np.int32)
    for signal, program in enumerate(programs.active_program):
        if program < 0:
            continue
        first, last = int(programs.phase_start[program]), int(programs.phase_start[program + 1])
        states = programs.phase_state[first:last]
        order = sorted(range(len(states)), key=lambda p: ("y" in states[p], p))
        for phase in reversed(order):
            for link, char in enumerate(states[phase]):
                if char in "Gg":
                    serving[state_start[signal] + link] = phase
    return serving


def _crossings(
    network: Network, state_start: NDArray[np.int32], yellow_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Link positions of crossings and the time to walk each [ms].

    They are the positions without vehicles of signals at junctions that have crossings; which position belongs
    to which crossing is not known, so the longest one of the signal counts.
    """
    edges = np.flatnonzero(network.edge_function == EdgeFunction.CROSSING)
    longest = np.zeros(network.num_junctions)
    np.maximum.at(longest, network.edge_to[edges], network.lane_length[network.edge_first_lane[edges]])
    of_signal = np.zeros(network.num_signals)
    rows = np.flatnonzero(network.connection_signal >= 0)
    np.maximum.at(of_signal, network.connection_signal[rows], longest[network.connection_junction[rows]])
    signal = np.repeat(np.arange(network.num_signals), np.diff(state_start))
    walked = np.flatnonzero((yellow_ms == 0) & (of_signal[signal] > 0))
    return walked, np.ceil(of_signal[signal[walked]] / WALKING_SPEED * 1000.0).astype(np.int64)


def _walkers_conflicts(
    programs: SignalPrograms, state_start: NDArray[np.int32], walked: NDArray[np.int64], is_driven: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """(crossing, link of vehicles) that no phase of the signal shows green together."""
    signal_of = np.searchsorted(state_start, walked, side="right") - 1
    pairs = []
    for signal in np.unique(signal_of).tolist():
        first, last = int(state_start[signal]), int(state_start[signal + 1])
        together = np.zeros((last - first, last - first), bool)
        for program in np.flatnonzero(programs.program_signal == signal).tolist():
            for state in programs.phase_state[int(programs.phase_start[program]) : int(programs.phase_start[program + 1])]:
                green = np.array([char in "Gg" for char in state.ljust(last - first, "r")])
                together |= np.outer(green, green)
        for position in (walked[signal_of == signal] - first).tolist():
            pairs += [(first + position, first + link) for link in np.flatnonzero(is_driven[first:last] & ~together[position]).tolist()]
    return pairs


def conflicts_of(
    network: Network, where: NDArray[np.int32], num_links: int, others: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    """Pairs of link positions whose ways meet, sorted by the first; and whether the first yields.

    Parameters
    ----------
    where : (C,) link position of each connection, -1 none
    others : (N, 2) further pairs, in which neither yields
    """
    num_requests = len(network.request_junction)
    link_of_request = np.full(num_requests, -1, np.int64)
    rows = np.flatnonzero((network.connection_request >= 0) & (where >= 0))
    link_of_request[network.connection_request[rows]] = where[rows]
    own = np.repeat(np.arange(num_requests), np.diff(network.foe_start))
    first, second = link_of_request[own], link_of_request[network.foe_request]
    keep = (first >= 0) & (second >= 0) & (first != second)
    first, second = np.concatenate([first[keep], others[:, 0]]), np.concatenate([second[keep], others[:, 1]])
    pairs = np.unique(np.concatenate([first * num_links + second, second * num_links + first]))
    own = np.repeat(np.arange(num_requests), np.diff(network.response_start))
    first, second = link_of_request[own], link_of_request[network.response_request]
    keep = (first >= 0) & (second >= 0)
    yields = np.isin(pairs, first[keep] * num_links + second[keep])
    start = np.searchsorted(pairs, np.arange(num_links + 1) * max(num_links, 1)).astype(np.int32)
    return start, (pairs % max(num_links, 1)).astype(np.int32), yields.astype(np.uint8)
