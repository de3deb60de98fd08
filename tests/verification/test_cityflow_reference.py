"""CityFlow itself as the oracle: the traces of its runs, every 300 s, to the last digit that they print.

CityFlow is deterministic without lane changes, so this is no statistics: the same vehicles stand in the same places.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from urbanlab.city.network import EdgeFunction
from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.traffic.simulation import Simulation

SCENARIOS = ("jinan3x4", "hangzhou4x4", "newyork16x1")
QUICK = {("jinan3x4", "flow.json"): 900, ("hangzhou4x4", "flow.json"): 600, ("newyork16x1", "flow.json"): 1800}
"""How far the quick runs go [s]; New York is in a jam then, where every tie counts."""


@cache
def cases(folder: Path) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads((folder / "cityflow-reference.json").read_text())["runs"]
    return [case for case in runs if not case["lane_change"]]


def figures(run: Simulation) -> dict[str, float]:
    """What the trace has, from our run."""
    network = run.scenario.network
    normal = network.edge_function[network.lane_edge] == EdgeFunction.NORMAL
    return {
        "time_s": run.time,
        "running": run.model.counts().running,
        "waiting": int(run.model.lane_halting()[normal].sum()),
        "speed_mean_mps": round(float(run.speeds[run.vehicle_of_slot >= 0].mean()), 4),
        "engine_average_travel_time_s": round(run.summary()["travel_time_engine_mean_s"], 4),
    }


def compare(folder: Path, case: dict[str, Any], until: float) -> Simulation:
    controlled = "interval_s" in case
    controller = f"max_pressure:interval={case['interval_s']},yellow={case['yellow_s']},phases=1-4" if controlled else None
    scenario = read_cityflow(folder, flow=folder / f"{case['flow']}.gz")
    run = Simulation(scenario, seed=0, end=float(case["steps"]), controller=controller)
    for point in case["trace"]:
        if point["time_s"] <= until:
            run.run(point["time_s"])
            assert figures(run) == pytest.approx(point, rel=0.0, abs=1.01e-4), f"at {point['time_s']} s"
    return run


@pytest.mark.parametrize("controlled", [False, True], ids=["fixed", "max_pressure"])
@pytest.mark.parametrize(("name", "flow"), list(QUICK))
def test_trace_of_the_first_minutes(traffic_data: Path, name: str, flow: str, controlled: bool) -> None:
    folder = traffic_data / name
    case = next(c for c in cases(folder) if c["flow"] == flow and ("interval_s" in c) == controlled)
    compare(folder, case, QUICK[name, flow])


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_case_to_its_end(traffic_data: Path, name: str) -> None:
    folder = traffic_data / name
    for case in cases(folder):
        run = compare(folder, case, np.inf)
        summary = run.summary()
        assert summary["running_end"] == case["running_end"]
        assert summary["travel_time_engine_mean_s"] == pytest.approx(case["engine_average_travel_time_s"], rel=1e-12)


def test_phase_changes_of_max_pressure_are_cityflows(traffic_data: Path) -> None:
    """The reference counts them: changes to another phase than the one shown before, transitions not counted."""
    folder = traffic_data / "jinan3x4"
    case = next(c for c in cases(folder) if c["flow"] == "flow.json" and "interval_s" in c)
    run = compare(folder, case, 300.0)
    first = [event for event in run.record().signal_events if event.time < 300.0]
    assert {event.phase for event in first} <= {0, 1, 2, 3, 4}
    transitions = [event for event in first if event.phase == 0]
    assert all(event.time % 15 == 0 for event in transitions)
