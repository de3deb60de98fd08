"""The measures, against values worked out by hand and the definitions of their sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlab.city.synthetic import make
from urbanlab.core.schema import SUMMARY
from urbanlab.traffic.measures import delays, durations, engine_times, peak_memory, summarise
from urbanlab.traffic.record import RunRecord, TripState
from urbanlab.traffic.simulation import Simulation

Record = Callable[..., RunRecord]

BY_HAND = {
    "loaded": 6, "inserted": 4, "arrived": 2, "removed": 2, "running_end": 1, "waiting_end": 1, "teleports": 1,
    # the two arrived trips: 50 s and 100 s, 400 m and 600 m
    "travel_time_mean_s": 75.0, "travel_time_median_s": 75.0, "travel_time_p95_s": 97.5,
    "time_loss_mean_s": 25.0, "waiting_time_mean_s": 12.5, "depart_delay_mean_s": 1.0, "stops_mean": 2.0,
    "route_length_mean_m": 500.0, "speed_mean_mps": 7.0, "speed_distance_weighted_mps": 1000.0 / 150.0,
    # from the wanted departure to the end of the trip, or to 200 s
    "travel_time_engine_mean_s": (52.0 + 100.0 + 180.0 + 21.0 + 150.0 + 50.0) / 6.0,
    # loss and depart delay: 12 + 40 + 25 + 6; never departed: 150 + 50
    "delay_mean_s": (12.0 + 40.0 + 25.0 + 6.0 + 150.0 + 50.0) / 6.0,
    "co2_kg": 3.0, "fuel_kg": pytest.approx(1.2), "vehicle_steps_per_s": 640.0, "real_time_factor": 400.0,
}  # fmt: skip


@pytest.mark.parametrize("key", BY_HAND)
def test_figure_is_what_the_hand_finds(record_of: Record, key: str) -> None:
    assert summarise(record_of())[key] == BY_HAND[key]


def test_keys_are_those_of_the_schema_in_order(record_of: Record) -> None:
    assert list(summarise(record_of())) == [column.name for column in SUMMARY]


def test_kinds_are_those_of_the_schema(record_of: Record) -> None:
    kinds = {"string": str, "int64": int, "float64": float}
    summary = summarise(record_of())
    for column in SUMMARY:
        assert type(summary[column.name]) is kinds[column.kind], column


def test_means_over_nothing_are_null_and_counts_zero(record_of: Record) -> None:
    summary = summarise(record_of((), vehicle_steps=0, wall_s=0.0, end=0.0, edge_periods=[]))
    for column in SUMMARY:
        assert (summary[column.name] is None) == column.nullable, column
    assert summary["loaded"] == 0 and summary["co2_kg"] == 0.0


def test_trip_without_duration_has_no_speed_of_its_own(record_of: Record) -> None:
    summary = summarise(record_of([(5.0, 5.0, 5.0, 0.0, 0.0, 0, 0.0, 0, TripState.ARRIVED)]))
    assert summary["travel_time_mean_s"] == 0.0
    assert summary["speed_mean_mps"] is None and summary["speed_distance_weighted_mps"] is None


def test_columns_by_trip(record_of: Record) -> None:
    record = record_of()
    assert durations(record).tolist() == [50.0, 100.0, 170.0, 20.0, 0.0, 0.0]
    assert engine_times(record).tolist() == [52.0, 100.0, 180.0, 21.0, 150.0, 50.0]
    assert delays(record).tolist() == [12.0, 40.0, 25.0, 6.0, 150.0, 50.0]


def test_peak_memory_is_that_of_a_process() -> None:
    held = np.ones(3_000_000)
    assert peak_memory() > held.nbytes


times = st.floats(0.0, 1e5, allow_nan=False)


@st.composite
def trips(draw: st.DrawFn) -> list[tuple[float, float, float, float, float, int, float, int, TripState]]:
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        state = draw(st.sampled_from([s for s in TripState if s != TripState.PENDING]))
        wanted, wait, drive = draw(times), draw(times), draw(times)
        departed = state in (TripState.RUNNING, TripState.ARRIVED) or (state == TripState.REMOVED and draw(st.booleans()))
        ended = departed and state != TripState.RUNNING
        rows.append((
            wanted, wanted + wait if departed else -1.0, wanted + wait + drive if ended else -1.0, draw(times) if departed else 0.0,
            0.0, 0, draw(times), 0, state,
        ))  # fmt: skip
    return rows


@settings(max_examples=60, deadline=None)
@given(rows=trips())
def test_books_balance_and_means_lie_within_their_trips(record_of: Record, rows: list[tuple[float, ...]]) -> None:
    record = record_of(rows, end=4e5)
    summary = summarise(record)
    assert summary["loaded"] == sum(summary[key] for key in ("arrived", "removed", "running_end", "waiting_end"))
    json.dumps(summary, allow_nan=False)
    if rows:
        assert summary["delay_mean_s"] >= 0.0
        assert engine_times(record).min() - 1e-6 <= summary["travel_time_engine_mean_s"] <= engine_times(record).max() + 1e-6


def test_trips_due_within_the_last_step_are_loaded() -> None:
    """A trip that wants to depart half a second before the end has no step left: it waits, and is not forgotten."""
    city = make("grid:rows=2,cols=3,trips=40,duration=60", seed=1)
    late = city.demand.trip_depart.copy()
    late[-1] = 119.5
    scenario = replace(city, demand=replace(city.demand, trip_depart=late))
    with Simulation(scenario, seed=1, end=120.0) as run:
        figures = run.run().summary()
    assert figures["loaded"] == 40 == sum(figures[name] for name in ("arrived", "removed", "running_end", "waiting_end"))
    assert figures["waiting_end"] == 1
