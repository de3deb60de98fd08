"""Golden runs: figures that may change only on purpose, with the reason in the commit.

Drivers are perfect and alike here, so that the figures depend on the rules of the engine and hardly on the last
bits of a mathematical library. What changed them is for the other tests to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.traffic.simulation import Simulation

FIGURES = (
    "loaded", "arrived", "running_end", "waiting_end", "teleports", "collisions", "vehicle_steps", "travel_time_mean_s",
    "time_loss_mean_s", "waiting_time_mean_s", "depart_delay_mean_s", "stops_mean", "route_length_mean_m", "delay_mean_s",
    "travel_time_engine_mean_s", "co2_kg", "interventions",
)  # fmt: skip


def perfect_drivers(scenario: Scenario) -> Scenario:
    """The scenario with drivers who neither dawdle nor differ."""
    types = tuple(replace(kind, sigma=0.0, speed_factor=(1.0, 0.0, 1.0, 1.0)) for kind in scenario.demand.vehicle_types)
    return replace(scenario, demand=replace(scenario.demand, vehicle_types=types))


@pytest.mark.parametrize(
    ("name", "spec", "controller"),
    [
        ("grid_program", "grid:rows=3,cols=3,trips=400,duration=600", None),
        ("grid_max_pressure", "grid:rows=3,cols=3,trips=400,duration=600", "max_pressure:interval=15"),
        ("ring_without_signals", "ring:rings=2,radials=5,trips=300,duration=600,signals=false", None),
        ("ring_fixed", "ring:rings=2,radials=5,trips=300,duration=600", "fixed"),
    ],
)
def test_run_is_as_it_was(name: str, spec: str, controller: str | None, golden: Callable[[str, str], None]) -> None:
    with Simulation(perfect_drivers(make(spec, seed=5)), end=1200.0, controller=controller) as run:
        summary = run.run().summary()
    golden(f"{name}.txt", "".join(f"{key} {summary[key]:.6g}\n" for key in FIGURES))
