"""When CityFlow creates its vehicles, and what it draws for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from urbanlab.city.scenario import Scenario
from urbanlab.traffic.cityflow.departures import _numbers
from urbanlab.traffic.simulation import Simulation

Change = Callable[[Callable[[dict[str, Any]], object]], Scenario]


def created(scenario: Scenario, **given: Any) -> dict[str, list[float]]:
    """Times at which the vehicles of each flow are created [s]."""
    run = Simulation(scenario, **given)
    times: dict[str, list[float]] = {}
    for name, time in zip(run.trip_ids, run.model.expanded.depart.tolist(), strict=True):
        times.setdefault(name.rpartition("_")[0], []).append(time)
    return times


def test_random_numbers_are_those_of_mt19937() -> None:
    """The C++ standard says what the 10,000th number of the default seed is."""
    numbers = _numbers(5489)
    assert next(numbers) == 3499211612
    assert next(itertools.islice(numbers, 9998, None)) == 4123659995


def test_vehicles_are_created_at_whole_steps(cross: Scenario) -> None:
    times = created(cross, end=30.0)
    assert times["flow_0"] == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]
    assert times["flow_1"] == [3.0, 10.0, 16.0, 23.0, 29.0]  # every 6.5 s from 3 s on, at the next step
    assert times["flow_11"] == [20.0]  # ends when it begins: one vehicle


def test_a_flow_ends_with_its_end_included(cross: Scenario) -> None:
    times = created(cross, end=3600.0)
    assert times["flow_3"][0] == 10.0
    assert times["flow_3"][-1] == 298.0  # the next would be at 306 s
    assert len(times["flow_0"]) == 720


def test_short_steps_create_at_their_own_times(changed: Change) -> None:
    times = created(changed(lambda files: files["config"].update(interval=0.5)), end=20.0)
    assert times["flow_1"] == [3.0, 9.5, 16.0]


def test_names_are_cityflows(cross: Scenario) -> None:
    run = Simulation(cross, end=6.0)
    assert run.trip_ids[:2] == ["flow_0_0", "flow_2_0"]
    assert "flow_0_1" in run.trip_ids and len(set(run.trip_ids)) == len(run.trip_ids)


def test_a_later_begin_skips_what_was_before(cross: Scenario) -> None:
    run = Simulation(cross, begin=12.0, end=21.0)
    ids = [name for name in run.trip_ids if name.startswith("flow_0_")]
    assert ids == ["flow_0_3", "flow_0_4"]
    assert run.model.expanded.depart.min() >= 12.0


def test_an_empty_run_creates_nobody(cross: Scenario) -> None:
    assert Simulation(cross, end=0.0).trip_ids == []


def test_draws_are_priority_thread_and_lane_in_cityflows_order(cross: Scenario) -> None:
    """Step by step: two numbers a vehicle in the order of the flows, then one a vehicle in the order of the roads."""
    run = Simulation(cross, seed=7, end=1.0)
    world = run.model.world  # type: ignore[attr-defined]
    numbers = _numbers(7)
    flows = [0, 2, 4, 5, 6, 7, 8, 10]  # those that begin at once
    priorities = {f"flow_{flow}_0": (next(numbers), next(numbers))[0] for flow in flows}
    assert list(priorities) == run.trip_ids
    assert world.departures.priority.view(np.uint32).tolist() == list(priorities.values())
    network = cross.network
    by_road = sorted(flows, key=lambda flow: (int(cross.demand.route(flow_route(cross, flow))[0]), flow))
    for flow in by_road:
        draw = next(numbers)
        edge, following = cross.demand.route(flow_route(cross, flow))[:2].tolist()
        first, last = int(network.edge_first_lane[edge]), int(network.edge_first_lane[edge + 1])
        leads = [
            lane for lane in range(last - 1, first - 1, -1)
            if np.any((network.connection_from == lane) & (network.lane_edge[network.connection_to] == following))
        ]  # fmt: skip
        trip = run.trip_ids.index(f"flow_{flow}_0")
        assert world.departures.queue_lane[world.departures.queue[trip]] == leads[draw % len(leads)]


def flow_route(scenario: Scenario, flow: int) -> int:
    return int(scenario.demand.trip_route[scenario.demand.flows[flow].trip])


def test_a_flow_without_a_route_uses_up_its_numbers_once(changed: Change) -> None:
    """CityFlow creates its first vehicle, finds no route, and forgets the flow."""
    cut = changed(lambda files: files["flow"][2].update(route=["south_in"]))
    run = Simulation(cut, seed=7, end=8.0)
    assert not any(name.startswith("flow_2_") for name in run.trip_ids)
    world = run.model.world  # type: ignore[attr-defined]
    numbers = _numbers(7)
    drawn = [(next(numbers), next(numbers))[0] for _ in range(8)]
    assert world.departures.priority.view(np.uint32)[:7].tolist() == [drawn[0], *drawn[2:]]
    assert run.run().summary()["loaded"] == len(run.trip_ids)


@pytest.mark.parametrize("seed", [0, 7, -3, 2**33])
def test_any_seed_makes_a_run(cross: Scenario, seed: int) -> None:
    assert Simulation(cross, seed=seed, end=50.0).run().summary()["loaded"] > 50
