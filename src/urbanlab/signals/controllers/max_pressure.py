"""Max pressure: the phase whose queues are longest against those where they want to go.

Source: Varaiya 2013, "Max pressure control of a network of signalized intersections", Transportation Research
Part C 36, in the form that signal-control studies use: queues of halting vehicles, decisions at fixed intervals.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.control import KEEP, SignalLayout, SignalView
from urbanlab.core.errors import ConfigError
from urbanlab.signals.controllers.phases import (
    Candidates,
    Movements,
    candidates,
    movements,
    parse_phases,
)

__all__ = ["MaxPressure"]


class MaxPressure:
    """Chooses, for every signal, the candidate phase of the highest pressure.

    The pressure of a phase is the sum over its movements other than right turns of the vehicles slower than
    0.1 m/s on the lanes that the movement starts from, minus those on all lanes of its exit edge. Ties go to
    the lowest phase.

    Parameters
    ----------
    interval : [s] between decisions
    yellow : [s] of a change; None: the interlock's own value
    phases : candidates, such as "1-4"; None: phases with a green and no yellow
    """

    def __init__(self, *, interval: float = 10.0, yellow: float | None = None, phases: str | int | None = None) -> None:
        for name, value in (("interval", interval), ("yellow", 0.0 if yellow is None else yellow)):
            if not _is_time(value) or (name == "interval" and value == 0):
                raise ConfigError(f"option '{name}' of max_pressure is not a time", got=repr(value), expected="[s] > 0")
        if yellow is not None and yellow >= interval:
            raise ConfigError("yellow leaves no green", got=f"{yellow} s", expected=f"less than interval, {interval} s")
        self.interval, self.yellow = float(interval), None if yellow is None else float(yellow)
        self._phases = None if phases is None else parse_phases(phases)
        self._candidates: Candidates
        self._movements: Movements
        self._edge_first_lane: NDArray[np.int32]
        self._busy: NDArray[np.int64]

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Work out which lanes and edges each candidate phase depends on."""
        del seed  # nothing is drawn
        self._candidates = candidates(layout, self._phases)
        self._movements = movements(layout, self._candidates)
        self._edge_first_lane = layout.edge_first_lane
        self._busy = np.flatnonzero(np.diff(self._candidates.start) > 0)

    def pressures(self, lane_halting: NDArray[np.int32]) -> NDArray[np.int64]:
        """(A,) pressure of every candidate phase, from halting vehicles by lane (L,)."""
        total = np.concatenate([[0], np.cumsum(lane_halting, dtype=np.int64)])
        by_edge = total[self._edge_first_lane[1:]] - total[self._edge_first_lane[:-1]]
        num = len(self._candidates.phase)
        rows = self._movements
        gained = np.bincount(rows.lane_candidate, lane_halting[rows.lane], num)
        lost = np.bincount(rows.exit_candidate, by_edge[rows.exit_edge], num)
        return (gained - lost).astype(np.int64)

    def save_state(self) -> None:
        """Nothing is remembered from one decision to the next."""

    def load_state(self, state: None) -> None:
        """Nothing is to be remembered."""

    def decide(self, view: SignalView) -> NDArray[np.int32]:
        """(S,) the phase of the highest pressure; KEEP where there is no candidate."""
        start = self._candidates.start
        answer = np.full(len(start) - 1, KEEP, np.int32)
        if not len(self._busy):
            return answer
        pressure = self.pressures(view.lane_halting)
        first = start[self._busy]
        best = np.maximum.reduceat(pressure, first)
        is_best = pressure == np.repeat(best, np.diff(start)[self._busy])
        place = np.where(is_best, np.arange(len(pressure)), len(pressure))
        answer[self._busy] = self._candidates.phase[np.minimum.reduceat(place, first)]
        return answer


def _is_time(value: object) -> bool:
    """Is an option, which may come as text, a finite number that is not negative?"""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
