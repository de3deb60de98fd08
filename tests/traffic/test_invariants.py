"""What holds in every run and at every step, whatever the city: bookkeeping, room on lanes, movement, threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import urbanlab as ul
from urbanlab.city.synthetic import make
from urbanlab.traffic.kernels.state import BUSY_FRONT, BUSY_REAR
from urbanlab.traffic.outputs.tables import edge_tables, trips_table
from urbanlab.traffic.simulation import Simulation
from urbanlab.traffic.street import StreetModel

SPECS = [
    "grid:rows=3,cols=3,trips=900,duration=600",
    "ring:rings=2,radials=5,trips=700,duration=600",
    "ring:rings=2,radials=4,trips=500,duration=600,signals=false",
]
TOUCH = 0.01
"""[m] overlap that rounding explains."""


def street(run: Simulation) -> StreetModel:
    assert isinstance(run.model, StreetModel)
    return run.model


def rows_of_lanes(run: Simulation) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Slots of each occupied lane, front to back."""
    lanes = street(run).world.lanes
    used = np.flatnonzero(lanes.count[: run.scenario.network.num_lanes])
    return [np.arange(lanes.first[lane], lanes.first[lane] + lanes.count[lane]) for lane in used]


def assert_room(run: Simulation) -> None:
    """Nobody drives backwards, and fronts and rears on a lane are in order."""
    world = street(run).world
    slots, length = world.slots, world.types.length
    for row in rows_of_lanes(run):
        assert (slots.speed[row] >= 0.0).all()
        rear = slots.pos[row] - length[slots.kind[row]]
        assert (rear[:-1] - slots.pos[row][1:] >= -TOUCH).all(), f"overlap at {run.time} s"


def assert_presence(run: Simulation) -> None:
    """The bytes that say whether somebody is on a lane agree with who is there."""
    world = street(run).world
    lanes, slots, pool = world.lanes, world.slots, world.pool
    assert np.array_equal(lanes.busy & BUSY_FRONT != 0, lanes.count > 0)
    trailing = np.sort(pool.trailing[: pool.num_trailing[0]])
    assert np.array_equal(trailing, np.flatnonzero(lanes.busy & BUSY_REAR))
    left = np.flatnonzero(lanes.left_trip >= 0)
    assert np.isin(left, trailing).all()
    slot = world.trips.slot[lanes.left_trip[left]]
    out = slots.odo[slot] - lanes.left_odo[left]
    assert (out[slot >= 0] < world.types.length[slots.kind[slot[slot >= 0]]] + slots.speed[slot[slot >= 0]] + TOUCH).all()


@pytest.mark.parametrize("spec", SPECS)
def test_every_step_keeps_count_and_room(spec: str) -> None:
    with Simulation(make(spec, seed=3), seed=3, end=900.0) as run:
        while not run.ended:
            run.step()
            counts, states = run.model.counts(), run.model.results().state
            loaded = int((states > 0).sum())
            assert loaded == counts.arrived + counts.removed + counts.running + counts.waiting
            assert_room(run)
            assert_presence(run)
        assert run.model.counts().arrived > 0
        assert run.summary()["collisions"] == 0


def test_nobody_jumps() -> None:
    with Simulation(make(SPECS[0], seed=4), seed=4, end=600.0) as run:
        before: dict[int, float] = {}
        while not run.ended:
            run.step()
            world = street(run).world
            now = {}
            for row in rows_of_lanes(run):
                for slot in row:
                    trip = int(world.slots.trip[slot])
                    now[trip] = float(world.slots.odo[slot])
                    if trip in before and world.trips.state[trip] == 2:
                        assert now[trip] - before[trip] == pytest.approx(world.slots.speed[slot] * run.step_length, abs=1e-9)
            before = now


@pytest.mark.parametrize("spec", SPECS[:2])
def test_threads_do_not_change_a_bit(spec: str) -> None:
    results = []
    for threads in (1, 2):
        with Simulation(make(spec, seed=5), seed=5, end=900.0, threads=threads) as run:
            results.append(run.run().model.results())
    for name, one, two in zip(results[0]._fields, *results, strict=True):
        assert np.array_equal(one, two), name


def test_same_seed_same_bits_other_seed_other_drivers() -> None:
    def arrivals(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        with Simulation(make(SPECS[0], seed=6), seed=seed, end=900.0) as run:
            return run.run().model.results().arrival

    assert np.array_equal(arrivals(1), arrivals(1))
    assert not np.array_equal(arrivals(1), arrivals(2))


@pytest.mark.parametrize("name", ["cologne3", "ingolstadt1"])
def test_real_cities_keep_room_and_threads_do_not_matter(traffic_data: Path, name: str) -> None:
    scenario = ul.load(next((traffic_data / name).glob("*.sumocfg")))
    begin = scenario.settings.begin
    results = []
    for threads in (1, 2):
        with Simulation(scenario, seed=1, end=begin + 900.0, threads=threads) as run:
            while not run.ended:
                run.run(run.time + 60.0)
                assert_room(run)
            results.append(run.model.results())
    assert all(np.array_equal(one, two) for one, two in zip(*results, strict=True))


def test_looking_changes_nothing() -> None:
    tables = []
    for every in (None, 100.0):
        with Simulation(make(SPECS[0], seed=7), seed=7, end=700.0, edges_every=300.0) as run:
            while every is not None and not run.ended:
                run.run(run.time + every).summary()
            record = run.run().record()
            tables.append([*edge_tables(record), trips_table(record)])
    assert tables[0] == tables[1]
