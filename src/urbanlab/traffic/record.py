"""What a run leaves behind: plain columns that measures, reports and writers read.

Letters: V loaded trips, E edges, T periods, X signal events.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["EdgePeriod", "RunRecord", "SignalEvent", "SignalEventKind", "TripState"]


class TripState(enum.IntEnum):
    """Where a trip stands; `loaded` counts those that are not PENDING."""

    PENDING = 0  # wanted departure not reached yet
    WAITING = 1  # due, not inserted
    RUNNING = 2  # on the network, parked or teleporting
    ARRIVED = 3
    REMOVED = 4  # taken out by command or because its departure was delayed too long


class SignalEventKind(enum.IntEnum):
    """What happened at a signal."""

    PHASE = 0  # a phase began
    REFUSED = 1  # the interlock refused a request
    DELAYED = 2  # the interlock granted it later (minimum green, yellow, all-red)
    VIOLATION = 3  # source mode: recorded, not altered


@dataclass(frozen=True)
class SignalEvent:
    """One row of signals.parquet."""

    time: float  # [s]
    signal: int
    kind: SignalEventKind
    phase: int  # phase within the active program; -1 raw states
    state: str  # state string that is shown from then on
    reason: str = ""


@dataclass(frozen=True, eq=False)
class EdgePeriod:
    """Totals of all edges over one period; sums are over vehicles and steps."""

    begin: float  # [s]
    end: float  # [s]
    entered: NDArray[np.int64]  # (E,) vehicles that drove onto the edge from another
    departed: NDArray[np.int64]  # (E,) vehicles inserted on the edge
    left: NDArray[np.int64]  # (E,) vehicles that drove off it onto another
    arrived: NDArray[np.int64]  # (E,) vehicles whose trip ended on it
    seconds: NDArray[np.float64]  # (E,) [s] vehicle seconds spent
    metres: NDArray[np.float64]  # (E,) [m] driven
    waiting: NDArray[np.float64]  # (E,) [s] below 0.1 m/s, scheduled stops left out
    time_loss: NDArray[np.float64]  # (E,) [s]


@dataclass(eq=False)
class RunRecord:
    """All results of a run. A time of -1 means "not yet"."""

    scenario: str
    seed: int
    backend: str
    threads: int
    step: float  # [s]
    begin: float  # [s]
    end: float  # [s] where the run stands
    trip_id: list[str]
    trip_type: list[str]  # (V,) vehicle type of each trip
    depart_wanted: NDArray[np.float64]  # (V,) [s]
    depart: NDArray[np.float64]  # (V,) [s]
    arrival: NDArray[np.float64]  # (V,) [s]
    time_loss: NDArray[np.float64]  # (V,) [s] so far
    waiting: NDArray[np.float64]  # (V,) [s] so far
    stops: NDArray[np.int32]  # (V,) times it came to a halt
    stop_time: NDArray[np.float64]  # (V,) [s] at scheduled stops so far
    route_length: NDArray[np.float64]  # (V,) [m] driven so far
    teleports: NDArray[np.int32]  # (V,)
    state: NDArray[np.uint8]  # (V,) TripState
    co2_kg: NDArray[np.float64]  # (V,)
    fuel_kg: NDArray[np.float64]  # (V,)
    depart_lane: NDArray[np.int32]  # (V,) lane, -1 not yet
    arrival_lane: NDArray[np.int32]  # (V,) lane, -1 not yet
    depart_pos: NDArray[np.float64]  # (V,) [m]
    depart_speed: NDArray[np.float64]  # (V,) [m/s]
    arrival_pos: NDArray[np.float64]  # (V,) [m]
    arrival_speed: NDArray[np.float64]  # (V,) [m/s]
    speed_factor: NDArray[np.float64]  # (V,) [1]
    edge_periods: Sequence[EdgePeriod]
    edge_ids: tuple[str, ...]
    edge_is_internal: NDArray[np.bool_]  # (E,)
    edge_length: NDArray[np.float64]  # (E,) [m]
    edge_lanes: NDArray[np.int32]  # (E,)
    signal_ids: tuple[str, ...]
    signal_events: list[SignalEvent]
    vehicle_steps: int
    collisions: int
    emergency_stops: int
    interventions: int
    wall_s: float
    cpu_s: float
    load_s: float
    compile_s: float
    emission_model: str
    lane_ids: tuple[str, ...] = ()
    detectors: list[dict[str, object]] = field(default_factory=list)  # one row a detector and period
    reroutes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # (V,) new ways under way; (0,) none at all
