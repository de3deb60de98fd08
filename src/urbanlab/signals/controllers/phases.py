"""What controllers need to know of phases: candidates, and which movements each lets go.

Letters: S signals, P phases, K links, A candidates, M (candidate, movement, lane) rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.control import SignalLayout
from urbanlab.core.errors import ConfigError

__all__ = ["Candidates", "Movements", "candidates", "movements", "parse_phases"]

RIGHT_TURNS = (ord("r"), ord("R"))


class Candidates(NamedTuple):
    """Phases that a controller may choose, sorted by signal and phase."""

    phase: NDArray[np.int32]  # (A,) phase within the active program
    row: NDArray[np.int64]  # (A,) row of all phases
    signal: NDArray[np.int32]  # (A,)
    start: NDArray[np.int64]  # (S+1,) ranges of a signal's candidates


class Movements(NamedTuple):
    """Edge-to-edge turns that are green in a candidate, as sparse rows."""

    lane: NDArray[np.int32]  # (M,) a lane that the movement starts from
    lane_candidate: NDArray[np.int32]  # (M,) the candidate
    exit_edge: NDArray[np.int32]  # (N,) one row a movement: the edge it leads to
    exit_candidate: NDArray[np.int32]  # (N,)


def parse_phases(text: str | int) -> tuple[int, ...]:
    """Phase numbers such as `1-4` or `0+2+4-6`.

    Examples
    --------
    >>> parse_phases("1-4")
    (1, 2, 3, 4)
    >>> parse_phases("0+2")
    (0, 2)
    """
    numbers: set[int] = set()
    for part in str(text).split("+"):
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()) or int(high or low) < int(low) or len(part) > 12:
            raise ConfigError("phases are not understood", got=repr(text), expected="numbers such as 1-4 or 0+2+4")
        if int(high or low) - int(low) > 1000:
            raise ConfigError("too many phases", got=repr(text), expected="at most 1000")
        numbers |= set(range(int(low), int(high or low) + 1))
    return tuple(sorted(numbers))


def candidates(layout: SignalLayout, phases: tuple[int, ...] | None) -> Candidates:
    """Candidate phases of all signals that can be controlled.

    Without `phases`: those with a green and no yellow, on CityFlow networks all but the transition (0).

    Raises
    ------
    ConfigError : a signal has none of the phases asked for
    """
    rows, owners, numbers = [], [], []
    lacking = []
    for signal, name in enumerate(layout.signal_id):
        if not layout.controllable[signal]:
            continue
        first, last = int(layout.phase_start[signal]), int(layout.phase_start[signal + 1])
        if phases is not None:
            chosen = [p for p in phases if first + p < last]
        elif layout.source == "cityflow":
            chosen = list(range(1, last - first))
        else:
            states = layout.phase_state[first:last]
            chosen = [p for p, s in enumerate(states) if ("G" in s or "g" in s) and "y" not in s]
        if not chosen:
            lacking.append(f"signal '{name}' has {last - first} phases")
        rows += [first + p for p in chosen]
        owners += [signal] * len(chosen)
        numbers += chosen
    if lacking and phases is not None:
        raise ConfigError("signals have none of the phases asked for", got=phases, items=lacking)
    signal_of = np.array(owners, np.int32)
    return Candidates(
        phase=np.array(numbers, np.int32),
        row=np.array(rows, np.int64),
        signal=signal_of,
        start=np.searchsorted(signal_of, np.arange(len(layout.signal_id) + 1)),
    )


def movements(layout: SignalLayout, chosen: Candidates) -> Movements:
    """Movements other than right turns that are green in each candidate.

    A movement is a turn from one edge to another; its lanes are those of its links that are green.
    """
    lane_rows: list[tuple[int, int, int, int]] = []
    order = np.argsort(layout.link_signal, kind="stable")
    bounds = np.searchsorted(layout.link_signal[order], np.arange(len(layout.signal_id) + 1))
    turns = ~np.isin(layout.link_direction, RIGHT_TURNS)
    for candidate, (row, signal) in enumerate(zip(chosen.row.tolist(), chosen.signal.tolist(), strict=True)):
        state = layout.phase_state[row]
        for link in order[bounds[signal] : bounds[signal + 1]].tolist():
            index = int(layout.link_index[link])
            if turns[link] and index < len(state) and state[index] in "Gg":
                lane = int(layout.link_from_lane[link])
                exit_edge = int(layout.lane_edge[layout.link_to_lane[link]])
                lane_rows.append((candidate, int(layout.lane_edge[lane]), exit_edge, lane))
    table = np.array(sorted(set(lane_rows)), np.int32).reshape(-1, 4)
    turn = np.unique(table[:, :3], axis=0)
    return Movements(
        lane=table[:, 3].copy(),
        lane_candidate=table[:, 0].copy(),
        exit_edge=turn[:, 2].copy(),
        exit_candidate=turn[:, 0].copy(),
    )
