"""Signal programs: phases, their times and the rules of actuated ones, as columns."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.frozen import freeze

__all__ = ["ProgramType", "SignalPrograms"]


class ProgramType(enum.IntEnum):
    """How a program moves through its phases."""

    STATIC = 0
    ACTUATED = 1
    DELAY_BASED = 2
    NEMA = 3
    OFF = 4


@dataclass(frozen=True, eq=False)
class SignalPrograms:
    """All programs of all signals (S signals, Q programs, P phases).

    A phase's state has one character a link, in SUMO's alphabet: G priority green, g permissive
    green, y yellow, r red, u red-yellow, o off blinking, O off, s green right-turn arrow.
    """

    program_signal: NDArray[np.int32]  # (Q,) signal, rows sorted by signal, in the order loaded
    program_id: tuple[str, ...]  # (Q,)
    program_type: NDArray[np.uint8]  # (Q,) ProgramType
    program_offset: NDArray[np.float64]  # (Q,) [s]
    program_params: tuple[dict[str, str], ...]  # (Q,) e.g. max-gap, detector-gap, show-detectors
    phase_start: NDArray[np.int64]  # (Q+1,) ranges of the phase columns
    phase_duration: NDArray[np.float64]  # (P,) [s] > 0
    phase_min: NDArray[np.float64]  # (P,) [s] minimum duration; = duration where not given
    phase_max: NDArray[np.float64]  # (P,) [s] maximum duration; = duration where not given
    phase_state: tuple[str, ...]  # (P,)
    phase_next: tuple[tuple[int, ...], ...]  # (P,) phases (within the program) that may follow; () = the next
    phase_name: tuple[str, ...]  # (P,)
    active_program: NDArray[np.int32]  # (S,) program that runs at begin, -1 none
    switch_times: tuple[tuple[int, float, int], ...] = ()  # (signal, time [s], program) planned switches (WAUT)
    # CityFlow: phases are candidates of a controller (phase 0 the transition); the interlock leaves them alone
    source: str = "sumo"
    attributes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze(self)
