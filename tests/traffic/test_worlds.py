"""Many worlds in one pass: each gives the bits that it gives alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import urbanlab as ul
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.outputs.tables import edge_tables, trips_table
from urbanlab.traffic.simulation import Simulation
from urbanlab.traffic.worlds import Worlds

SPEC = "grid:rows=3,cols=3,trips=700,duration=500"
CONTROLLERS = [None, "max_pressure", "fixed", "max_pressure:interval=15"]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return make(SPEC, seed=3)


def alone(scenario: Scenario, **options: Any) -> Simulation:
    with Simulation(scenario, **options) as run:
        return run.run()


def assert_same(one: Simulation, other: Simulation) -> None:
    for name, a, b in zip(one.model.results()._fields, one.model.results(), other.model.results(), strict=True):
        assert np.array_equal(a, b), name
    assert trips_table(one.record()) == trips_table(other.record())
    assert list(edge_tables(one.record())) == list(edge_tables(other.record()))


@pytest.mark.parametrize("threads", [1, 2])
def test_worlds_give_the_bits_of_runs_alone(scenario: Scenario, threads: int) -> None:
    with Worlds(scenario, seeds=range(4), controllers=CONTROLLERS, end=700.0, threads=threads, edges_every=200.0) as worlds:
        worlds.run(250.0).run()
        assert worlds.ended
        for seed, (run, controller) in enumerate(zip(worlds.runs, CONTROLLERS, strict=True)):
            assert_same(run, alone(scenario, seed=seed, controller=controller, end=700.0, edges_every=200.0))


def test_worlds_that_end_at_different_times_each_run_to_their_own(scenario: Scenario) -> None:
    later = replace(scenario, demand=replace(scenario.demand, trip_depart=scenario.demand.trip_depart + 300.0))
    with Worlds([scenario, later], seeds=[1, 1]) as worlds:
        worlds.run()
    assert worlds.runs[1].time > worlds.runs[0].time + 200.0
    for run, one in zip(worlds.runs, (scenario, later), strict=True):
        assert run.model.counts().running == 0
        assert_same(run, alone(one, seed=1))


def test_worlds_share_the_tables_of_streets(scenario: Scenario) -> None:
    with Worlds(scenario, seeds=[1, 2], end=10.0) as worlds:
        one, two = (run.model.world.net for run in worlds.runs)  # type: ignore[attr-defined]
    assert one.lane_length.ctypes.data == two.lane_length.ctypes.data


def test_same_seed_twice_is_the_same_world_twice(scenario: Scenario) -> None:
    with Worlds(scenario, seeds=[5, 5], end=400.0) as worlds:
        assert_same(*worlds.run().runs)


def test_run_of_many_can_be_kept_and_goes_on_alone(scenario: Scenario, tmp_path: Path) -> None:
    with Worlds(scenario, seeds=[1, 2], end=500.0) as worlds:
        kept = worlds.run(200.0).runs[1].save(tmp_path / "kept")
        worlds.run()
        with Simulation.load(kept, scenario=scenario) as one:
            assert_same(one.run(), worlds.runs[1])


def test_cityflow_worlds_give_the_bits_of_runs_alone(traffic_data: Path) -> None:
    scenario = ul.load(traffic_data / "hangzhou4x4")
    with Worlds(scenario, seeds=[1, 2], end=600.0) as worlds:
        worlds.run()
        assert_same(worlds.runs[1], alone(scenario, seed=2, end=600.0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": []}, "no world"),
        ({"seeds": [1, 2], "controllers": ["fixed"]}, "as many controllers as seeds"),
        ({"seeds": [1, 2], "end": -1.0}, "end lies before the begin"),
    ],
)
def test_what_makes_no_sense_is_an_error(scenario: Scenario, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Worlds(scenario, **options)


def test_worlds_of_two_cities_are_an_error(scenario: Scenario) -> None:
    with pytest.raises(ConfigError, match="not of one city"):
        Worlds([scenario, make(SPEC, seed=4)], seeds=[1, 2])


def test_scenarios_that_are_not_as_many_as_seeds_are_an_error(scenario: Scenario) -> None:
    with pytest.raises(ConfigError, match="as many scenarios as seeds"):
        Worlds([scenario], seeds=[1, 2])
