"""A run's arrays -> the plain columns that measures, reports and writers read."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction
from urbanlab.city.scenario import Scenario
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.control import ControlLoop
from urbanlab.traffic.detectors import DetectorLog
from urbanlab.traffic.model import Model
from urbanlab.traffic.periods import PeriodLog
from urbanlab.traffic.physics.emissions import EMISSION_MODEL
from urbanlab.traffic.record import RunRecord, TripState

__all__ = ["make_record"]

BACKEND = "cpu"
REROUTING = ("reroute", "reroute_fastest")
"""Kinds of commands that give a vehicle a new way."""


class _Run(Protocol):
    scenario: Scenario
    model: Model
    control: ControlLoop
    commands: Commands
    detectors: DetectorLog
    seed: int
    begin: float
    step_length: float
    threads: int
    wall_s: float
    cpu_s: float
    load_s: float
    compile_s: float

    @property
    def time(self) -> float: ...


def make_record(run: _Run, periods: PeriodLog) -> RunRecord:
    """Everything a run has left behind so far; trips that are not due yet are left out."""
    model, network = run.model, run.scenario.network
    trips, counts, expanded = model.results(), model.counts(), model.expanded
    state = trips.state.copy()
    if run.scenario.settings.model != "cityflow":  # which knows no departure between its steps
        state[(state == TripState.PENDING) & (expanded.depart < run.time - 1e-9)] = TripState.WAITING
    due = np.flatnonzero(state != TripState.PENDING)
    types = run.scenario.demand.vehicle_types
    columns: dict[str, Any] = {
        "depart": trips.depart, "arrival": trips.arrival, "time_loss": trips.loss, "waiting": trips.waiting, "stops": trips.halts,
        "stop_time": trips.stop_time, "route_length": trips.length, "teleports": trips.teleports, "state": state,
        "co2_kg": trips.co2, "fuel_kg": trips.fuel, "depart_lane": trips.depart_lane, "arrival_lane": trips.arrival_lane,
        "depart_pos": trips.depart_pos, "depart_speed": trips.depart_speed, "arrival_pos": trips.arrival_pos,
        "arrival_speed": trips.arrival_speed, "speed_factor": trips.factor,
    }  # fmt: skip
    return RunRecord(
        scenario=run.scenario.name,
        seed=run.seed,
        backend=BACKEND,
        threads=run.threads,
        step=run.step_length,
        begin=run.begin,
        end=run.time,
        trip_id=[expanded.trip_id[k] for k in due.tolist()],
        trip_type=[types[kind].vehicle_type_id for kind in expanded.kind[due].tolist()],
        depart_wanted=expanded.depart[due],
        **{name: column[due] for name, column in columns.items()},
        edge_periods=periods.periods(model, run.time),
        edge_ids=network.edge_id,
        edge_is_internal=network.edge_function != EdgeFunction.NORMAL,
        edge_length=network.lane_length[network.edge_first_lane[:-1]],
        edge_lanes=np.diff(network.edge_first_lane).astype(np.int32),
        signal_ids=network.signal_id,
        signal_events=run.control.events,
        vehicle_steps=counts.vehicle_steps,
        collisions=counts.collisions,
        emergency_stops=counts.emergency_stops,
        interventions=run.control.interventions,
        wall_s=run.wall_s,
        cpu_s=run.cpu_s,
        load_s=run.load_s,
        compile_s=run.compile_s,
        emission_model=EMISSION_MODEL,
        detectors=run.detectors.rows(run.time),
        reroutes=_reroutes(run.commands, [expanded.trip_id[k] for k in due.tolist()]),
        lane_ids=tuple(network.lane_id(lane) for lane in range(network.num_lanes)),
    )


def _reroutes(commands: Commands, names: list[str]) -> NDArray[np.int32]:
    """(V,) how often each trip was given a new way; (0,) where no trip was."""
    given = Counter(entry.arguments["vehicle"] for entry in commands.log if entry.kind in REROUTING and not entry.refused)
    return np.array([given[name] for name in names] if given else [], np.int32)
