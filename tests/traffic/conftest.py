"""What tests of records share: a record written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from urbanlab.traffic.record import EdgePeriod, RunRecord, SignalEvent, SignalEventKind, TripState

# wanted, departed, ended [s], time loss, waiting [s], halts, driven [m], teleports, state
TRIPS = (
    (0.0, 2.0, 52.0, 10.0, 5.0, 1, 400.0, 0, TripState.ARRIVED),
    (10.0, 10.0, 110.0, 40.0, 20.0, 3, 600.0, 1, TripState.ARRIVED),
    (20.0, 30.0, -1.0, 15.0, 4.0, 2, 900.0, 0, TripState.RUNNING),
    (40.0, 41.0, 61.0, 5.0, 0.0, 0, 150.0, 0, TripState.REMOVED),
    (50.0, -1.0, -1.0, 0.0, 0.0, 0, 0.0, 0, TripState.REMOVED),
    (150.0, -1.0, -1.0, 0.0, 0.0, 0, 0.0, 0, TripState.WAITING),
)


def period(begin: float, end: float, scale: int) -> EdgePeriod:
    """Edges: a normal one with vehicles, one inside a junction, a normal one where nobody is, one where somebody stands."""
    whole = {
        "entered": [2, 2, 0, 0], "departed": [1, 0, 0, 1], "left": [2, 2, 0, 0], "arrived": [0, 0, 0, 0],
    }  # fmt: skip
    real = {
        "seconds": [30.0, 4.0, 0.0, 10.0], "metres": [300.0, 40.0, 0.0, 0.0], "waiting": [6.0, 0.0, 0.0, 10.0],
        "time_loss": [8.5, 0.0, 0.0, 10.0],
    }  # fmt: skip
    columns: dict[str, Any] = {name: scale * np.array(values, np.int64) for name, values in whole.items()}
    columns |= {name: scale * np.array(values) for name, values in real.items()}
    return EdgePeriod(begin, end, **columns)


@pytest.fixture(scope="session")
def record_of() -> Callable[..., RunRecord]:
    """Makes a record of the trips above, or of others; any field can be given."""

    def make(trips: Any = TRIPS, **given: Any) -> RunRecord:
        num = len(trips)
        wanted, depart, arrival, loss, waiting, halts, length, teleports, state = (
            [row[k] for row in trips] for k in range(9)
        )  # fmt: skip
        departed = np.array(depart) >= 0.0
        ended = np.array(arrival) >= 0.0
        fields: dict[str, Any] = {
            "scenario": "by hand", "seed": 7, "backend": "cpu", "threads": 1, "step": 1.0, "begin": 0.0, "end": 200.0,
            "trip_id": [f"t{k}" for k in range(num)], "trip_type": ["bus" if k == 1 else "car" for k in range(num)],
            "depart_wanted": np.array(wanted, float), "depart": np.array(depart, float), "arrival": np.array(arrival, float),
            "time_loss": np.array(loss, float), "waiting": np.array(waiting, float), "stops": np.array(halts, np.int32),
            "stop_time": np.zeros(num), "route_length": np.array(length, float), "teleports": np.array(teleports, np.int32),
            "state": np.array(state, np.uint8), "co2_kg": np.full(num, 0.5), "fuel_kg": np.full(num, 0.2),
            "depart_lane": np.where(departed, 0, -1).astype(np.int32), "arrival_lane": np.where(ended, 3, -1).astype(np.int32),
            "depart_pos": np.where(departed, 5.1, 0.0), "depart_speed": np.where(departed, 13.89, 0.0),
            "arrival_pos": np.where(ended, 95.0, 0.0), "arrival_speed": np.where(ended, 8.0, 0.0), "speed_factor": np.ones(num),
            "edge_periods": [period(0.0, 100.0, 1), period(100.0, 200.0, 2)], "edge_ids": ("in", ":j_0", "empty", "out"),
            "edge_is_internal": np.array([False, True, False, False]), "edge_length": np.array([100.0, 10.0, 50.0, 200.0]),
            "edge_lanes": np.array([2, 1, 1, 1], np.int32), "signal_ids": ("north", "south"),
            "signal_events": [
                SignalEvent(0.0, 0, SignalEventKind.PHASE, 0, "Gr"),
                SignalEvent(12.5, 1, SignalEventKind.REFUSED, 2, "rG", "minimum green"),
                SignalEvent(30.0, 0, SignalEventKind.VIOLATION, -1, "GG", "conflict"),
            ],
            "vehicle_steps": 320, "collisions": 0, "emergency_stops": 1, "interventions": 1, "wall_s": 0.5, "cpu_s": 0.4,
            "load_s": 0.1, "compile_s": 0.2, "emission_model": "a model",
            "lane_ids": ("in_0", "in_1", ":j_0_0", "empty_0", "out_0"),
        }  # fmt: skip
        return RunRecord(**(fields | given))

    return make
