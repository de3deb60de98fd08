"""Demand of generated cities: drivable routes, a morning peak from homes to work places; and SUMO drives it."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from urbanlab.city.network import EdgeFunction
from urbanlab.city.routing import shortest_path
from urbanlab.city.scenario import Scenario
from urbanlab.city.writers.sumo import write_sumo

SPECS = ("grid:rows=4,cols=5", "ring:rings=3,radials=7", "river:junctions=150", "demo", "river:junctions=60,begin=25200,duration=900")


@pytest.mark.parametrize("spec", SPECS)
def test_every_trip_can_be_driven(spec: str, city: Callable[..., Scenario]) -> None:
    scenario = city(spec, 42)
    network, demand = scenario.network, scenario.demand
    follows = set(zip(network.lane_edge[network.connection_from].tolist(), network.lane_edge[network.connection_to].tolist(), strict=True))
    for number in range(len(demand.route_start) - 1):
        route = demand.route(number).tolist()
        assert len(route) >= 2
        assert len(set(route)) == len(route)
        assert all(network.edge_function[edge] == EdgeFunction.NORMAL for edge in route)
        assert all(pair in follows for pair in itertools.pairwise(route))
    assert set(demand.trip_route.tolist()) == set(range(len(demand.route_start) - 1))
    assert len(set(demand.trip_id)) == demand.num_trips


@pytest.mark.parametrize("spec", SPECS)
def test_departures_come_in_order_and_within_the_duration(spec: str, city: Callable[..., Scenario]) -> None:
    depart = city(spec, 42).demand.trip_depart
    begin, duration = (25200.0, 900.0) if "begin" in spec else (0.0, 3600.0)
    assert np.all(np.diff(depart) >= 0)
    assert begin <= depart[0] and depart[-1] < begin + duration


def test_peak_is_in_the_middle(city: Callable[..., Scenario]) -> None:
    """60 % of the trips in a bump of deviation 0.2: the middle third has (0.4 / 3 + 0.6 * 0.595 / 0.988) = 0.495 of them."""
    depart = city("demo", 42).demand.trip_depart
    middle = np.mean((depart >= 1200) & (depart < 2400))
    assert abs(middle - 0.495) < 6 * np.sqrt(0.25 / len(depart))


def test_people_drive_inwards_in_the_morning(city: Callable[..., Scenario]) -> None:
    scenario = city("demo", 42)
    network, demand = scenario.network, scenario.demand
    first, last = demand.route_edge[demand.route_start[:-1]], demand.route_edge[demand.route_start[1:] - 1]
    x, y = network.junction_x[network.edge_to], network.junction_y[network.edge_to]
    away = np.hypot(x - x.mean(), y - y.mean())
    home, work = away[first[demand.trip_route]], away[last[demand.trip_route]]
    assert work.mean() < 0.93 * home.mean()


def test_nobody_drives_within_the_own_street(city: Callable[..., Scenario]) -> None:
    scenario = city("demo", 42)
    for number in range(len(scenario.demand.route_start) - 1):
        names = [scenario.network.edge_id[edge].lstrip("-") for edge in scenario.demand.route(number)[[0, -1]]]
        assert names[0] != names[1]


def test_nearer_work_places_are_likelier(city: Callable[..., Scenario]) -> None:
    """Trips are shorter than those between random homes and work places of the same city."""
    scenario = city("river:junctions=1000,trips=4000", 2)
    network, demand = scenario.network, scenario.demand
    first, last = (
        demand.route_edge[demand.route_start[:-1]][demand.trip_route],
        demand.route_edge[demand.route_start[1:] - 1][demand.trip_route],
    )
    x, y = network.junction_x[network.edge_to], network.junction_y[network.edge_to]

    def mean_distance(targets: np.ndarray) -> float:
        return float(np.hypot(x[first] - x[targets], y[first] - y[targets]).mean())

    mixed = np.random.default_rng(1).permutation(last)
    assert mean_distance(last) < 0.9 * mean_distance(mixed)


def test_most_routes_are_near_the_fastest(city: Callable[..., Scenario]) -> None:
    """They spread over parallel streets under load, but nobody drives far out of the way."""
    scenario = city("demo", 42)
    network, demand = scenario.network, scenario.demand
    rows = np.arange(0, len(demand.route_start) - 1, 7)
    first, last = demand.route_edge[demand.route_start[rows]], demand.route_edge[demand.route_start[rows + 1] - 1]
    fastest = shortest_path(network, first, last)
    length = network.lane_length[network.edge_first_lane[:-1]]
    own = np.array([length[demand.route(int(row))].sum() for row in rows])
    best = np.array([length[fastest.path(k)].sum() for k in range(len(rows))])
    assert np.median(own / best) < 1.05
    assert np.quantile(own / best, 0.95) < 1.6


def test_vehicle_mix_is_as_told(city: Callable[..., Scenario]) -> None:
    kind = city("demo", 42).demand.trip_type
    share = np.bincount(kind, minlength=3) / len(kind)
    for got, told in zip(share, (0.90, 0.07, 0.03), strict=True):
        assert abs(got - told) < 6 * np.sqrt(told * (1 - told) / len(kind))


# --- SUMO ------------------------------------------------------------------------------------------------------------

FOUND = importlib.util.find_spec("sumo")
needs_sumo = pytest.mark.skipif(FOUND is None, reason="SUMO (the package eclipse-sumo) is not installed")


def drive(scenario: Scenario, folder: Path) -> tuple[str, list[dict[str, str]], dict[str, dict[str, str]]]:
    """What SUMO says on stderr, its trips and its statistics."""
    assert FOUND is not None
    home = Path(str((FOUND.submodule_search_locations or [""])[0]))
    command = [
        str(home / "bin" / "sumo"), "-c", str(write_sumo(scenario, folder)), "--no-step-log", "true",
        "--tripinfo-output", str(folder / "trips.xml"), "--statistic-output", str(folder / "statistics.xml"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "SUMO_HOME": str(home)})
    assert done.returncode == 0, done.stderr
    trips = [entry.attrib for entry in ElementTree.parse(folder / "trips.xml").iter("tripinfo")]
    statistics = {entry.tag: entry.attrib for entry in ElementTree.parse(folder / "statistics.xml").getroot()}
    return done.stderr, trips, statistics


@needs_sumo
@pytest.mark.parametrize("spec", ["grid:rows=4,cols=4,lanes=1", "grid:rows=2,cols=2", "ring:rings=3,radials=8", "river:junctions=120"])
def test_sumo_loads_and_drives_small_cities_without_a_word(spec: str, city: Callable[..., Scenario], tmp_path: Path) -> None:
    """No warning at all: no sharp turn, no unsafe green, no unused state, no teleport; everybody arrives."""
    scenario = city(spec, 42)
    said, trips, statistics = drive(scenario, tmp_path)
    assert said == ""
    assert len(trips) == scenario.demand.num_trips
    assert statistics["teleports"]["total"] == "0"
    assert statistics["safety"]["collisions"] == "0"


@needs_sumo
@pytest.mark.slow
@pytest.mark.parametrize("seed", [42, 1, 2])
def test_sumo_drives_the_demo_city(seed: int, city: Callable[..., Scenario], tmp_path: Path) -> None:
    """10,000 trips of about 2.4 km within 5 to 6 minutes each, of them 2 lost; at most two teleports."""
    scenario = city("demo", seed)
    said, trips, statistics = drive(scenario, tmp_path)
    assert not re.sub(r"Warning: (Teleporting vehicle|Vehicle '\w+' ends teleporting)[^\n]*\n", "", said)
    assert len(trips) == 10_000
    assert int(statistics["teleports"]["total"]) <= 2
    assert statistics["safety"]["collisions"] == "0"
    assert 250 < np.mean([float(trip["duration"]) for trip in trips]) < 360
    assert np.mean([float(trip["timeLoss"]) for trip in trips]) < 150
    assert max(float(trip["arrival"]) for trip in trips) < 5400
