"""Specifications: the same bits for the same seed, clear errors, the sizes that were asked for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from urbanlab.city.network import JunctionType
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import ConfigError

SPECS = ("grid:rows=3,cols=4,trips=150", "ring:rings=3,radials=6,trips=150", "river:junctions=90,trips=300")


def digest(scenario: Scenario) -> str:
    """Hash of every bit of a scenario."""
    total = hashlib.sha256()
    for part in (scenario.network, scenario.programs, scenario.demand):
        for entry in fields(part):
            value = getattr(part, entry.name)
            total.update(entry.name.encode())
            total.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return total.hexdigest()


def test_another_process_makes_the_same_bits() -> None:
    text = ";".join(SPECS)
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from test_make import digest, make\n"
        "print(' '.join(digest(make(spec, seed=11)) for spec in sys.argv[1].split(';')))"
    )
    folder = __file__.rpartition("/")[0]
    done = subprocess.run([sys.executable, "-c", script, text, folder], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [digest(make(spec, seed=11)) for spec in SPECS]


@pytest.mark.parametrize("spec", SPECS)
def test_other_seeds_make_other_cities(spec: str, city: Callable[..., Scenario]) -> None:
    one, other = city(spec, 1), city(spec, 2)
    assert digest(one) != digest(other)
    assert one.demand.trip_depart.tolist() != other.demand.trip_depart.tolist()
    if spec.startswith("river"):
        assert one.network.shape_x.tolist() != other.network.shape_x.tolist()


def test_demo_city_is_of_the_size_that_is_told(city: Callable[..., Scenario]) -> None:
    demo = city("demo", 42)
    assert demo.name == "demo"
    assert 90 <= demo.network.num_signals <= 140
    assert demo.demand.num_trips == 10_000
    assert len(demo.network.roundabouts) >= 1


@pytest.mark.parametrize(("spec", "junctions"), [("river:junctions=10", 10), ("river:junctions=400", 400), ("river:junctions=2500", 2500)])
def test_river_city_has_about_the_junctions_asked_for(spec: str, junctions: int, city: Callable[..., Scenario]) -> None:
    network = city(f"{spec},trips=0").network
    real = np.count_nonzero(network.junction_type != JunctionType.INTERNAL)
    assert abs(real - junctions) <= 0.05 * junctions + 6


def test_trips_are_as_many_as_asked_for(city: Callable[..., Scenario]) -> None:
    for trips in (0, 1, 37, 2000):
        assert city(f"river:junctions=60,trips={trips}").demand.num_trips == trips
    assert city("grid:rows=4,cols=4").demand.num_trips == 320


def test_signals_can_be_left_out(city: Callable[..., Scenario]) -> None:
    scenario = city("river:junctions=60,trips=50,signals=no")
    assert scenario.network.num_signals == 0
    assert scenario.programs.phase_state == ()
    assert JunctionType.TRAFFIC_LIGHT not in scenario.network.junction_type


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("gird:rows=2", "grid"), ("grid:row=2", "rows"), ("grid:rows", "key=value"), ("grid:rows=two", "whole number"),
        ("grid:rows=2,rows=3", "twice"), ("grid:rows=0", "from 1"), ("grid:rows=2000,cols=2000", "rows \\* cols"),
        ("river:junctions=9", "from 10"), ("river:junctions=1e9", "whole number"), ("river:oneway=0.9", "0.5"),
        ("ring:radials=2", "from 3"), ("ring:radials=400,square=60", "square"), ("grid:speed=nan", "speed"),
        ("grid:signals=perhaps", "true or false"), ("river:trips=-2", "trips"), ("grid:duration=0", "duration"), ("", "one of"),
        ("grid:rows=1,cols=2,trips=5", "too small"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_one_error(spec: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(spec, seed=1)
    assert told.replace("\\", "") in str(caught.value)
