"""How a signal controller and the engine talk: plain arrays in, plain arrays out.

Letters: S signals, P phases of the active programs, K links (a link = one position of a signal's state
string and one connection it governs), L lanes, E edges.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["KEEP", "Controller", "SignalLayout", "SignalView"]

KEEP = -1


class SignalLayout(NamedTuple):
    """What does not change during a run."""

    signal_id: tuple[str, ...]  # (S,)
    phase_start: NDArray[np.int64]  # (S+1,) phases of the signal's active program
    phase_state: tuple[str, ...]  # (P,) SUMO alphabet, one character a link position
    phase_duration: NDArray[np.float64]  # (P,) [s]
    link_signal: NDArray[np.int32]  # (K,)
    link_index: NDArray[np.int32]  # (K,) position in the state string
    link_from_lane: NDArray[np.int32]  # (K,)
    link_to_lane: NDArray[np.int32]  # (K,)
    link_direction: NDArray[np.uint8]  # (K,) ord of s l r L R t
    lane_edge: NDArray[np.int32]  # (L,)
    edge_first_lane: NDArray[np.int32]  # (E+1,)
    lane_length: NDArray[np.float64]  # (L,) [m]
    controllable: NDArray[np.bool_]  # (S,) False for virtual intersections and signals without phases
    step: float  # [s]
    begin: float  # [s]
    source: str  # "sumo" or "cityflow": in the latter phase 0 is the transition


class SignalView(NamedTuple):
    """What a controller sees at a decision; arrays are views, valid during the call."""

    time: float  # [s]
    phase: NDArray[np.int32]  # (S,) phase within the active program that is shown or being changed to
    phase_elapsed: NDArray[np.float64]  # (S,) [s]
    lane_vehicles: NDArray[np.int32]  # (L,) vehicles on the lane
    lane_halting: NDArray[np.int32]  # (L,) of these slower than 0.1 m/s


class Controller(Protocol):
    """Anything that chooses phases. Decisions at begin, begin + interval, ... before the step."""

    interval: float  # [s] between decisions
    yellow: float | None  # [s] length of the transition; None: the interlock's own value

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Prepare for a run."""

    def decide(self, view: SignalView) -> NDArray[np.int32]:
        """(S,) the wanted phase of each signal within its active program; KEEP = as it is."""
