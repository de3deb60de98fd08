"""The stored durations of the programs, for actuated ones too.

Nothing is decided: the engine compiles all programs as static ones when this controller is named, so that
a run with it costs no decisions and no interlock. Offsets and planned changes of programs hold.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.control import KEEP, SignalLayout, SignalView

__all__ = ["Fixed"]


class Fixed:
    """Marks a run as fixed time; `runs_programs` tells the engine to leave the signals to their programs."""

    interval = math.inf
    yellow = None
    runs_programs = True

    def __init__(self) -> None:
        self._answer: NDArray[np.int32] = np.zeros(0, np.int32)

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Prepare for a run."""
        del seed
        self._answer = np.full(len(layout.signal_id), KEEP, np.int32)

    def decide(self, view: SignalView) -> NDArray[np.int32]:
        """Keep everything as it is."""
        del view
        return self._answer
