"""What a step costs, counted and not timed: nothing is allocated, memory stays level, work follows vehicles and not the map."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from types import FrameType
from typing import Any

import numba
import pytest

from urbanlab.city.synthetic import make
from urbanlab.traffic.simulation import Simulation
from urbanlab.traffic.street import StreetModel

compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiler")
CITY = "grid:rows=3,cols=3,trips=900,duration=900"
EMPTY_MAPS = (3, 12)
FEW = 12


def street(run: Simulation) -> StreetModel:
    assert isinstance(run.model, StreetModel)
    return run.model


@compiled
@pytest.mark.parametrize("threads", [1, 2])
def test_steps_allocate_nothing(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither objects nor arrays, however many steps one call does, as long as there is room: only the number that it returns."""
    monkeypatch.setattr("urbanlab.traffic.build.FIRST_SLOTS", 1 << 15)
    with Simulation(make(CITY, seed=1), seed=1, end=1200.0, threads=threads) as run:
        run.run(400.0)
        gc.collect()
        gc.disable()
        try:
            run.model.advance(1, until_empty=False)
            tracemalloc.start()
            blocks, (traced, _) = sys.getallocatedblocks(), tracemalloc.get_traced_memory()
            run.model.advance(200, until_empty=False)
            (after, peak), more = tracemalloc.get_traced_memory(), sys.getallocatedblocks() - blocks
        finally:
            tracemalloc.stop()
            gc.enable()
        assert run.model.counts().running > 100
    assert more < 20  # the few numbers and frames of the call itself
    assert after - traced < 2000
    assert peak - traced < 4000


@compiled
def test_room_for_vehicles_stays_what_it_was_over_a_day() -> None:
    """Vehicles come and go; their slots are used again."""
    with Simulation(make("grid:rows=2,cols=2,trips=4800,duration=86400", seed=1), seed=1, end=86400.0) as run:
        run.run(2 * 3600.0)
        slots, world = len(run.positions), street(run).world
        held = sum(column.nbytes for column in world.slots + world.items + world.pool)
        run.run(23 * 3600.0)
        world = street(run).world
        assert run.model.counts().arrived > 4000
        assert len(run.positions) == slots
        assert sum(column.nbytes for column in world.slots + world.items + world.pool) == held


@compiled
def test_a_long_run_grows_by_its_records_alone() -> None:
    """What is left behind after hours: a record of each signal's change and of each edge and period, and nothing else."""
    with Simulation(make("grid:rows=3,cols=3,trips=1200,duration=21600", seed=1), seed=1, end=21600.0) as run:
        run.run(2 * 3600.0)
        gc.collect()
        tracemalloc.start()
        try:
            events, before = len(run.control.events), tracemalloc.get_traced_memory()[0]
            run.run(6 * 3600.0)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        recorded = len(run.control.events) - events
        periods = 4 * 4 * run.scenario.network.num_edges
    assert recorded > 500
    assert grown < 300 * recorded + 100 * periods + 100_000


@compiled
def test_active_lanes_follow_vehicles() -> None:
    """Lanes that a step looks at: those with vehicles, and no more of them on a map that is thirty times as large."""
    for size in (4, 22):
        with Simulation(make(f"grid:rows={size},cols={size},trips={FEW},duration=1", seed=1), seed=1, end=200.0) as run:
            while not run.ended:
                run.run(run.time + 10.0)
                pool = street(run).world.pool
                assert pool.num_active[0] <= run.model.counts().running <= FEW
                assert pool.num_trailing[0] <= FEW


def lines_of(size: int, trips: int, steps: int) -> tuple[int, int]:
    """Lines of the engine that the interpreter runs in some steps on a grid without signals, and vehicle steps done."""
    done = 0

    def count(_: FrameType, event: str, __: Any) -> Any:
        nonlocal done
        done += event == "line"
        return count

    def enter(frame: FrameType, _: str, __: Any) -> Any:
        return count if "urbanlab" in frame.f_code.co_filename else None

    spec = f"grid:rows={size},cols={size},trips={max(trips, 2)},duration=1,begin={0 if trips else 1000},signals=false"
    with Simulation(make(spec, seed=1), seed=1, begin=0.0, end=2000.0) as run:
        run.run(10.0)
        before = run.model.counts().vehicle_steps
        sys.settrace(enter)
        try:
            run.model.advance(steps, until_empty=False)
        finally:
            sys.settrace(None)
        return done, run.model.counts().vehicle_steps - before


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="this starts the run without the compiler")
def test_work_follows_vehicles_and_not_the_map() -> None:
    """Lines run without the compiler: the same to the line on any empty map; on a full one, as many as there are vehicles."""
    command = [sys.executable, __file__]
    done = subprocess.run(command, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    empty, few = json.loads(done.stdout)
    assert empty[0] == empty[1] and empty[0][1] == 0
    small, large = (lines / steps for lines, steps in few)
    assert 0.5 < large / small < 2.0  # they drive other ways; the larger map has sixteen times the junctions


if __name__ == "__main__":
    empty_maps = [lines_of(size, 0, 20) for size in EMPTY_MAPS]
    sys.stdout.write(json.dumps([empty_maps, [lines_of(size, FEW, 20) for size in EMPTY_MAPS]]))
