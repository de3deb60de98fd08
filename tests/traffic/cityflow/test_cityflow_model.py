"""What holds at every step of a run under CityFlow's rules, whatever happens in it."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from urbanlab.city.network import EdgeFunction
from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import ConfigError, DemandError
from urbanlab.traffic.cityflow import model as cityflow_model
from urbanlab.traffic.cityflow.kernels.world import World
from urbanlab.traffic.record import TripState
from urbanlab.traffic.simulation import Simulation

CROSS = Path(__file__).parents[2] / "city" / "files" / "cityflow_cross"
CONTROLLERS = [None, "fixed", "max_pressure:interval=15,yellow=5,phases=1-4"]
Change = Callable[[Callable[[dict[str, Any]], object]], Scenario]


def world(run: Simulation) -> World:
    result: World = run.model.world  # type: ignore[attr-defined]
    return result


def neighbours(w: World) -> tuple[np.ndarray, np.ndarray]:
    """Slots of leaders and of the followers behind them on the same lane."""
    taken = np.flatnonzero(w.slots.trip >= 0)
    lane = w.trips.lane[w.slots.trip[taken]]
    pairs = np.flatnonzero((np.diff(taken) == 1) & (np.diff(lane) == 0))
    return taken[pairs], taken[pairs + 1]


def each_step(run: Simulation, until: int) -> Iterator[World]:
    for step in range(until):
        run.run(step + 1.0)
        yield world(run)


# every step


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_vehicles_are_conserved(cross: Scenario, controller: str | None) -> None:
    run = Simulation(cross, end=600.0, controller=controller)
    for w in each_step(run, 600):
        counts, states = run.model.counts(), np.bincount(w.trips.state, minlength=5)
        due = int(np.count_nonzero(run.model.expanded.depart < run.time))
        assert due == counts.arrived + counts.removed + counts.running + counts.waiting
        assert states[TripState.RUNNING] == counts.running == int(w.lanes.count.sum())
        assert (states[TripState.WAITING], states[TripState.ARRIVED]) == (counts.waiting, counts.arrived)
    assert counts.arrived > 200


def test_lanes_slots_and_trips_tell_the_same(cross: Scenario) -> None:
    for w in each_step(Simulation(cross, end=400.0), 400):
        running = np.flatnonzero(w.trips.slot >= 0)
        assert np.array_equal(w.slots.trip[w.trips.slot[running]], running)
        assert np.array_equal(np.bincount(w.trips.lane[running], minlength=len(w.lanes.count)), w.lanes.count)
        active = w.pool.active[: w.pool.num_active[0]]
        assert set(active.tolist()) == set(np.flatnonzero(w.lanes.count).tolist())
        for lane in active.tolist():
            slots = slice(int(w.lanes.first[lane]), int(w.lanes.first[lane] + w.lanes.count[lane]))
            assert np.all(w.trips.lane[w.slots.trip[slots]] == lane)
        on_links = np.zeros(len(w.lanes.count), np.int64)
        links = np.flatnonzero(w.net.is_link)
        np.add.at(on_links, w.net.link_from[links], w.lanes.count[links])
        assert np.array_equal(on_links, w.lanes.on_links)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_speeds_and_places_stay_in_their_bounds(cross: Scenario, controller: str | None) -> None:
    run = Simulation(cross, end=600.0, controller=controller)
    for w in each_step(run, 600):
        taken = w.slots.trip >= 0
        kind, speed, pos = w.slots.kind[taken], w.slots.speed[taken], w.slots.pos[taken]
        assert np.all(speed >= 0.0) and np.all(speed <= w.types.max_speed[kind] + 1e-9)
        assert np.all(pos >= 0.0) and np.all(pos <= w.net.length[w.trips.lane[w.slots.trip[taken]]])


def test_vehicles_that_came_the_same_way_never_overlap(cross: Scenario) -> None:
    """Those that join from two links can, in CityFlow too, which looks only at the last vehicle of the lane behind."""
    for w in each_step(Simulation(cross, end=1200.0), 1200):
        ahead, behind = neighbours(w)
        gap = w.slots.pos[ahead] - w.types.length[w.slots.kind[ahead]] - w.slots.pos[behind]
        same = w.slots.before[ahead] == w.slots.before[behind]
        assert np.all(gap[same] >= -1e-9)
        assert np.all(w.slots.pos[ahead] > w.slots.pos[behind])


def test_nobody_jumps(cross: Scenario) -> None:
    run = Simulation(cross, end=400.0)
    before: dict[int, tuple[float, float]] = {}
    for w in each_step(run, 400):
        now = {}
        for slot in np.flatnonzero(w.slots.trip >= 0).tolist():
            now[int(w.slots.trip[slot])] = (float(w.slots.odo[slot]), float(w.slots.speed[slot]))
        for trip, (odo, speed) in now.items():
            way, start = before.get(trip, (0.0, 0.0))
            assert odo - way == pytest.approx((start + speed) / 2.0) or speed == 0.0  # it may stop within the step
            assert 0.0 <= odo - way <= (start + speed) / 2.0 + start / 2.0 + 1e-9
        before = now


def test_nobody_enters_on_red_who_could_have_stopped(cross: Scenario) -> None:
    run = Simulation(cross, end=500.0)
    net = world(run).net
    for w in each_step(run, 500):
        entered = np.flatnonzero((w.slots.trip >= 0) & (w.slots.entry == w.step[0] - 1))
        links = w.trips.lane[w.slots.trip[entered]]
        shown = run.signal_states[net.link_signal[links]]
        red = entered[(shown != ord("G")) & (shown != ord("g"))]
        back = (w.slots.speed[red] ** 2) / (2.0 * w.types.max_decel[w.slots.kind[red]])
        assert np.all(back > 0.0)  # only moving ones, and only just: their braking distance was longer than the rest
        assert np.all(w.slots.pos[red] <= 12.0)


# results


def test_results_add_up(cross: Scenario) -> None:
    run = Simulation(cross, end=900.0, edges_every=300.0).run()
    record, network = run.record(), cross.network
    arrived = record.state == TripState.ARRIVED
    assert np.all(record.arrival[arrived] >= record.depart[arrived])
    assert np.all(record.depart[record.depart >= 0.0] >= record.depart_wanted[record.depart >= 0.0])
    links = network.lane_length[(network.edge_function == EdgeFunction.INTERNAL)[network.lane_edge]]
    across = record.route_length[arrived] - 2 * 280.0
    assert np.all(np.abs(across[:, None] - links).min(axis=1) < 1e-6)
    seconds = sum(float(period.seconds.sum()) for period in record.edge_periods)
    metres = sum(float(period.metres.sum()) for period in record.edge_periods)
    assert seconds == record.vehicle_steps * 1.0
    past = metres - float(record.route_length.sum())  # driven beyond the end in the last step: no part of the route
    assert 0.0 <= past <= 11.2 * np.count_nonzero(arrived)
    waiting = sum(float(period.waiting.sum()) for period in record.edge_periods)
    assert waiting == pytest.approx(float(record.waiting.sum()))
    loss = sum(float(period.time_loss.sum()) for period in record.edge_periods)
    assert loss == pytest.approx(float(record.time_loss.sum()))


def test_edges_count_who_came_and_went(cross: Scenario) -> None:
    record = Simulation(cross, end=900.0).run().record()
    total = {name: sum(getattr(period, name) for period in record.edge_periods) for name in ("entered", "departed", "left", "arrived")}
    inside = cross.network.edge_function == EdgeFunction.INTERNAL
    assert total["departed"].sum() == np.count_nonzero(record.depart >= 0.0)
    assert total["arrived"].sum() == np.count_nonzero(record.state == TripState.ARRIVED)
    assert np.all(total["departed"][inside] == 0) and np.all(total["arrived"][inside] == 0)
    assert total["entered"].sum() == total["left"].sum()
    here = total["entered"] + total["departed"] - total["left"] - total["arrived"]
    lanes = np.zeros(cross.network.num_edges, np.int64)
    run = Simulation(cross, end=900.0).run()
    np.add.at(lanes, cross.network.lane_edge, run.model.lane_vehicles())
    assert np.array_equal(here, lanes)


def test_engine_time_counts_from_creation_until_the_step_of_leaving(cross: Scenario) -> None:
    run = Simulation(cross, end=300.0).run()
    record = run.record()
    ended = np.where(record.state == TripState.ARRIVED, record.arrival, 300.0)
    assert run.summary()["travel_time_engine_mean_s"] == pytest.approx(float((ended - record.depart_wanted).mean()), rel=1e-12)


def test_lane_halting_counts_who_stands(cross: Scenario) -> None:
    run = Simulation(cross, end=100.0).run()
    w = world(run)
    expected = np.zeros(cross.network.num_lanes, np.int64)
    for slot in np.flatnonzero(w.slots.trip >= 0).tolist():
        expected[w.trips.lane[w.slots.trip[slot]]] += w.slots.speed[slot] < 0.1
    assert np.array_equal(run.model.lane_halting(), expected) and expected.sum() > 10


def test_an_endless_run_ends_when_it_is_empty(changed: Change) -> None:
    scenario = changed(lambda files: [flow.update(endTime=30) for flow in files["flow"]])
    run = Simulation(scenario, end=math.inf).run()
    summary = run.summary()
    assert run.ended and summary["loaded"] == summary["arrived"] > 30
    assert summary["end_s"] < 600.0


def test_endless_flows_need_an_end(cross: Scenario) -> None:
    with pytest.raises(DemandError, match="never ends"):
        Simulation(cross, end=math.inf)


def test_other_networks_are_refused(cross: Scenario) -> None:
    from dataclasses import replace

    network = replace(cross.network, connection_via=np.full(cross.network.num_connections, -1, np.int32))
    with pytest.raises(ConfigError, match="CityFlow's rules"):
        Simulation(replace(cross, network=network))


# the same bits


def digest(run: Simulation) -> str:
    record = run.record()
    columns = (record.arrival, record.time_loss, record.waiting, record.route_length, record.co2_kg, record.depart)
    return hashlib.sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()


@pytest.fixture(scope="module")
def whole() -> str:
    return digest(Simulation(read_cityflow(CROSS), end=500.0).run())


def test_threads_change_nothing(cross: Scenario, whole: str) -> None:
    assert digest(Simulation(cross, end=500.0, threads=2).run()) == whole


def test_slots_that_grow_change_nothing(cross: Scenario, whole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cityflow_model, "FIRST_SLOTS", 16)
    run = Simulation(cross, end=500.0)
    assert len(run.positions) == 16
    assert digest(run.run()) == whole
    assert len(run.positions) > 512


def test_pieces_of_a_run_change_nothing(cross: Scenario, whole: str) -> None:
    run = Simulation(cross, end=500.0)
    for time in (1.0, 17.0, 18.0, 250.0):
        run.run(time).summary()
    assert digest(run.run()) == whole


def test_another_process_gets_the_same_bits(whole: str) -> None:
    here = Path(__file__).resolve()
    code = (
        f"import runpy; m = runpy.run_path({str(here)!r}); "
        "print(m['digest'](m['Simulation'](m['read_cityflow'](m['CROSS']), end=500.0).run()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == whole


def test_seeds_change_the_lanes(changed: Change) -> None:
    runs = [Simulation(changed(lambda files: None), seed=seed, end=300.0).run() for seed in (1, 2)]
    assert digest(runs[0]) != digest(runs[1])
