"""UXsim, which moves platoons along streets instead of vehicles along lanes, on the same grid and the same trips."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from performance.bench import Bench, Column, Part, Row, spread
from performance.ours import simulate
from performance.processes import inside
from performance.staircases import staircases
from performance.sumo import config_of
from performance.sumo_grid import make_sumo_grid

__all__ = ["UXSIM"]

PLATOON = 5  # vehicles that UXsim moves together; its default
BLOCK = 200.0  # [m]
FILL, END = 50.0, 3000.0  # [s] in which they set off; when nearly all have arrived
SPEED = 13.89  # [m/s]


def measure(bench: Bench) -> Iterator[Row]:
    """One row: trips a processor second, from the first departure to the end."""
    if importlib.util.find_spec("uxsim") is None:
        bench.say("left out: uxsim is not installed (pip install '.[bench]')")
        return
    size, trips, end = bench.size(60, 5), bench.size(20_000, 60), bench.size(int(END), 300)
    config = config_of(make_sumo_grid(bench.work / f"grid-{size}-{trips}", size, trips, FILL))
    ours = bench.runs("urbanlab", lambda: simulate(config, "--threads", "1", "--end", f"{end}"), budget=40.0)
    theirs = bench.runs("uxsim", lambda: inside(step_uxsim, size=size, trips=trips, end=end), budget=40.0, discard=False)
    row: Row = {
        "scenario": f"grid, {trips:,} trips, {end:,} s",
        "urbanlab": spread(run["arrived"] / run["cpu_s"] for run in ours),
        "uxsim": spread(run["arrived"] / run["cpu_s"] for run in theirs),
        "urbanlab_arrived": ours[0]["arrived"],
        "uxsim_arrived": theirs[0]["arrived"],
    }
    yield row | {"ratio": row["urbanlab"]["median"] / row["uxsim"]["median"]}


def step_uxsim(size: int, trips: int, end: int) -> dict[str, Any]:
    """Build UXsim's world, then run it; in a process of its own."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        world = _world(size, trips, end)
        started = time.process_time()
        world.exec_simulation()
        cpu = time.process_time() - started
    arrived = sum(vehicle.state == "end" for vehicle in world.VEHICLES.values()) * PLATOON
    return {"arrived": arrived, "cpu_s": cpu}


def _world(size: int, trips: int, end: int) -> Any:
    import uxsim  # type: ignore[import-untyped]

    world = uxsim.World(
        name="", deltan=PLATOON, tmax=end, random_seed=1, print_mode=0, save_mode=0, show_mode=0, show_progress=0, cpp=True, threads=1
    )
    for k in range(size * size):
        world.addNode(str(k), BLOCK * (k % size), BLOCK * (k // size))
    for k in range(size * size):
        for other in [k + 1] * (k % size < size - 1) + [k + size] * (k // size < size - 1):
            for tail, head in ((k, other), (other, k)):
                world.addLink(f"{tail}-{head}", str(tail), str(head), length=BLOCK, free_flow_speed=SPEED, number_of_lanes=2)
    ways = staircases(size, size, trips // PLATOON, nearest=min(7.5, 0.4 * size), farthest=min(25.0, 1.2 * (size - 1)), seed=1)
    for k in range(trips // PLATOON):
        first, last = ways.tail[ways.start[k]], ways.head[ways.start[k + 1] - 1]
        world.addVehicle(str(first), str(last), FILL * k * PLATOON / trips)
    return world


UXSIM = Part(
    "uxsim",
    "Beside UXsim",
    measure,
    (
        Column("scenario", "Scenario"),
        Column("urbanlab", "urbanlab [thousand trips/s]", "{:.1f}", 1e3),
        Column("uxsim", "UXsim [thousand trips/s]", "{:.1f}", 1e3),
        Column("ratio", "urbanlab over UXsim", "{:.1f}"),
        Column("urbanlab_arrived", "arrived, urbanlab", "{:,.0f}"),
        Column("uxsim_arrived", "arrived, UXsim", "{:,.0f}"),
    ),
    "Trips that have arrived, a processor second of stepping, one thread. UXsim is mesoscopic: it moves platoons of five vehicles "
    "(its default) along streets without lanes, in steps of five seconds, with its C++ engine; here it has no signals to serve, "
    "chooses the ways itself and gets ends drawn by the same rule. It does a small part of what urbanlab does of a drive.",
)
