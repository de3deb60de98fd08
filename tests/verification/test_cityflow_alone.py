"""CityFlow's rules on cases that can be worked out by hand: one car, a queue, a light, two ways that cross."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.city.scenario import Scenario
from urbanlab.traffic.simulation import Simulation

CROSS = Path(__file__).parents[1] / "city" / "files" / "cityflow_cross"
CAR = {
    "length": 5.0, "width": 2.0, "maxPosAcc": 2.0, "maxNegAcc": 4.5, "usualPosAcc": 2.0, "usualNegAcc": 4.5, "minGap": 2.5,
    "maxSpeed": 10.0, "headwayTime": 2,
}  # fmt: skip
RIGHT_TURNS = {2, 5, 8, 11}
Build = Callable[..., Scenario]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """The crossroads with given flows (from, to, interval, start, end) and phases (time, open road links)."""

    def make(flows: list[tuple[str, str, float, int, int]], phases: list[tuple[float, set[int]]]) -> Scenario:
        net = json.loads((CROSS / "roadnet.json").read_text())
        net["intersections"][0]["trafficLight"]["lightphases"] = [
            {"time": time, "availableRoadLinks": sorted(links)} for time, links in phases
        ]
        entries: list[dict[str, Any]] = [
            {"vehicle": CAR, "route": [f"{start}_in", f"{end}_out"], "interval": interval, "startTime": first, "endTime": last}
            for start, end, interval, first, last in flows
        ]
        (tmp_path / "roadnet.json").write_text(json.dumps(net))
        (tmp_path / "flow.json").write_text(json.dumps(entries))
        return read_cityflow(tmp_path)

    return make


def slots(run: Simulation) -> dict[str, tuple[float, float]]:
    """Place and speed of every vehicle by name."""
    found = np.flatnonzero(run.vehicle_of_slot >= 0).tolist()
    return {run.trip_ids[run.vehicle_of_slot[s]]: (float(run.positions[s]), float(run.speeds[s])) for s in found}


def test_one_car_accelerates_evenly_and_drives_at_its_own_speed(build: Build) -> None:
    """2, 4, 6, 8, 10 m/s after 1, ..., 5 s and 1, 4, 9, 16, 25 m; then 10 m a second; the last road ends at 600 m."""
    scenario = build([("west", "east", 1, 0, 0)], [(1000, set(range(12)))])
    run = Simulation(scenario, seed=3)
    for second, place in enumerate([1.0, 4.0, 9.0, 16.0, 25.0, 35.0, 45.0], start=1):
        run.run(second)
        assert slots(run)["flow_0_0"] == pytest.approx((place, min(2.0 * second, 10.0)))
    record = run.run().record()
    length = float(record.route_length[0])
    assert length == pytest.approx(600.0, abs=0.5)  # 280 m, a link of some 40 m, 280 m
    assert record.arrival[0] == 5.0 + math.ceil((length - 25.0) / 10.0) - 1.0  # the clock at the begin of its last step
    assert (record.waiting[0], record.stops[0]) == (0.0, 0)
    assert record.time_loss[0] == pytest.approx(2.5)  # 5 s for 25 m


def test_a_car_turns_slowly(build: Build) -> None:
    """Within 25 m, the way of braking from 10 m/s and of two steps (11.1 + 20 m), it is no faster than 8.3333 m/s."""
    run = Simulation(build([("west", "south", 1, 0, 0)], [(1000, set(range(12)))]), seed=3)
    top = {"far": 0.0, "near": 0.0}
    while not run.ended and run.time < 60.0:
        before = slots(run).get("flow_0_0", (0.0, 0.0))[0]
        run.step()
        if run.model.lane_of_vehicle[0] < 0 or "_in_" not in scenario_lane(run):
            break
        near = 280.0 - before <= 10.0 * 10.0 / 4.5 / 2.0 + 20.0
        top["near" if near else "far"] = max(top["near" if near else "far"], slots(run)["flow_0_0"][1])
    assert (top["far"], top["near"]) == (10.0, 8.3333)


def scenario_lane(run: Simulation) -> str:
    return run.scenario.network.lane_id(int(run.model.lane_of_vehicle[0]))


def test_a_queue_stands_at_the_minimum_gap_and_the_first_at_the_line(build: Build) -> None:
    scenario = build([("west", "east", 4, 0, 60)], [(1000, RIGHT_TURNS)])
    run = Simulation(scenario, seed=3).run(200.0)
    by_lane: dict[int, list[float]] = {}
    for name, (place, speed) in slots(run).items():
        assert speed == 0.0
        by_lane.setdefault(int(run.model.lane_of_vehicle[run.trip_ids.index(name)]), []).append(place)
    assert sum(map(len, by_lane.values())) == 16
    for places in by_lane.values():
        places.sort(reverse=True)
        assert 280.0 - 1.5 <= places[0] <= 280.0
        spacing = -np.diff(places)
        assert np.all(spacing >= 7.5 - 1e-6) and np.all(spacing <= 8.6)


def test_the_light_lets_go_in_its_second(build: Build) -> None:
    scenario = build([("west", "east", 1, 0, 0)], [(60, RIGHT_TURNS), (60, {0} | RIGHT_TURNS)])
    run = Simulation(scenario, seed=3).run(60.0)
    place, speed = slots(run)["flow_0_0"]
    assert speed == 0.0 and 278.5 <= place <= 280.0
    run.step()
    assert slots(run)["flow_0_0"][1] == 2.0
    assert chr(run.signal_states[0]) == "G"


def test_cars_are_inserted_when_the_lane_has_room(build: Build) -> None:
    """Twenty at once on two lanes: each goes when the one before it is more than 5 + 2.5 m away."""
    scenario = build([("west", "east", 1, 0, 0)] * 20, [(1000, RIGHT_TURNS)])
    run = Simulation(scenario, seed=3).run(1.0)
    assert (run.model.counts().running, run.model.counts().waiting) == (2, 18)
    departures = run.model.world.departures  # type: ignore[attr-defined]
    while run.model.counts().waiting:
        tails: dict[int, float] = {}
        for name, (place, _) in slots(run).items():
            lane = int(run.model.lane_of_vehicle[run.trip_ids.index(name)])
            tails[lane] = min(place, tails.get(lane, math.inf))
        queued = departures.queue_lane[departures.queue_head >= 0].tolist()
        before = run.model.counts().running
        run.step()
        assert run.model.counts().running - before == sum(tails[lane] > 7.5 for lane in queued)
    assert 10.0 < run.time < 60.0


def test_a_left_turn_lets_oncoming_traffic_pass(build: Build) -> None:
    everything = set(range(12))
    alone = Simulation(build([("west", "north", 1, 40, 40)], [(1000, everything)]), seed=3).run().record()
    flows = [("west", "north", 1, 40, 40), ("east", "west", 3, 0, 90)]
    scenario = build(flows, [(1000, everything)])  # type: ignore[arg-type]
    record = Simulation(scenario, seed=3).run().record()
    turning = record.trip_id.index("flow_0_0")
    assert record.arrival[turning] > alone.arrival[0] + 5.0
    assert record.stops[turning] >= 1
    oncoming = [k for k, name in enumerate(record.trip_id) if name.startswith("flow_1_")]
    assert np.all(record.stops[oncoming] == 0)


def test_a_car_that_waits_for_a_gap_leaves_five_metres_to_the_crossing_point(build: Build) -> None:
    flows = [("west", "north", 1, 40, 40), ("east", "west", 3, 0, 300)]
    run = Simulation(build(flows, [(1000, set(range(12)))]), seed=3)  # type: ignore[arg-type]
    w = run.model.world  # type: ignore[attr-defined]
    turning = run.trip_ids.index("flow_0_0")

    def place_on_link(trip: int) -> tuple[int, float]:
        """Link that a vehicle is on or about to enter, and its place on it, negative before it."""
        slot, lane = int(w.trips.slot[trip]), int(w.trips.lane[trip])
        here = float(w.slots.pos[slot])
        return (lane, here) if w.net.is_link[lane] else (int(w.slots.next[slot]), here - float(w.net.length[lane]))

    standing = []
    while run.time < 120.0:
        run.step()
        slot = int(w.trips.slot[turning])
        if slot >= 0 and w.slots.speed[slot] == 0.0 and w.slots.blocker[slot] >= 0:
            link, place = place_on_link(turning)
            foe = place_on_link(int(w.slots.blocker[slot]))[0]
            points = range(int(w.net.cross_start[link]), int(w.net.cross_start[link + 1]))
            standing += [float(w.net.cross_pos[k]) - place for k in points if w.net.cross_foe[k] == foe]
    assert len(standing) > 3
    assert 5.0 <= min(standing) <= max(standing) <= 6.5
