"""Two threads against one, and a million vehicles at once: wall clock."""

from __future__ import annotations

import os
from collections.abc import Iterator

from performance.bench import Bench, Column, Part, Row, spread
from performance.stepping import Load, step_grid

__all__ = ["METROPOLIS", "THREADS"]

GIB = 1024.0**3


def measure_threads(bench: Bench) -> Iterator[Row]:
    """A row for one thread and for two, in one process, one after the other."""
    size, vehicles, window = bench.size(60, 5), bench.size(100_000, 100), bench.size(20, 5)
    bench.say(f"{vehicles:,} vehicles on one thread and on two")
    loads = [Load(vehicles, window=window, threads=threads) for threads in (1, 2)]
    found = step_grid(size, loads, bench.repeat)["loads"]
    walls = [spread(run["wall_s"] for run in runs) for runs in found]
    for load, wall, runs in zip(loads, walls, found, strict=True):
        row: Row = {
            "threads": load.threads, "vehicles": runs[0]["running"], "wall_s": wall,
            "rate": spread(run["vehicle_steps"] / run["wall_s"] for run in runs), "gain": walls[0]["median"] / wall["median"],
        }  # fmt: skip
        yield row | ({"goal": {"value": row["gain"], "least": 1.7, "unit": "x one thread"}} if load.threads == 2 else {})


def measure_metropolis(bench: Bench) -> Iterator[Row]:
    """One row: a million vehicles on the road at once."""
    size, vehicles, window = bench.size(190, 6), bench.size(1_080_000, 100), bench.size(15, 5)
    threads = min(2, os.cpu_count() or 1)
    bench.say(f"{vehicles:,} vehicles, {threads} threads: some minutes")
    found = step_grid(size, [Load(vehicles, window=window, threads=threads)], bench.size(min(bench.repeat, 3), 1))
    runs = found["loads"][0]
    factor = spread(run["steps"] / run["wall_s"] for run in runs)
    yield {
        "scenario": f"grid, {found['junctions']:,} junctions", "vehicles": min(run["running"] for run in runs),
        "threads": threads, "factor": factor,
        "rate": spread(run["vehicle_steps"] / run["wall_s"] for run in runs), "ready_s": runs[0]["ready_s"],
        "peak_bytes": found["process"]["peak_bytes"], "held_bytes": max(run["held_bytes"] for run in runs),
        "goal": {"value": factor["median"], "least": 10.0, "unit": "x real time"},
        "goal_memory": {"value": found["process"]["peak_bytes"] / GIB, "most": 8.0, "unit": "GiB"},
    }  # fmt: skip


THREADS = Part(
    "threads",
    "Threads",
    measure_threads,
    (
        Column("threads", "Threads"),
        Column("vehicles", "Vehicles", "{:,.0f}"),
        Column("wall_s", "Wall clock [s]", "{:.2f}"),
        Column("rate", "Vehicle steps a second of the clock [million/s]", "{:.2f}", 1e6),
        Column("gain", "Over one thread", "{:.2f}"),
        Column("goal", "Goal"),
    ),
    "A grid of 60 x 60 signalled junctions made in memory; windows of 20 steps after all have set off. Both give the same bits.",
)
METROPOLIS = Part(
    "metropolis",
    "A million vehicles",
    measure_metropolis,
    (
        Column("scenario", "Scenario"),
        Column("vehicles", "Vehicles, at least", "{:,.0f}"),
        Column("threads", "Threads"),
        Column("factor", "Seconds a second of the clock", "{:.1f}"),
        Column("rate", "Vehicle steps a second of the clock [million/s]", "{:.2f}", 1e6),
        Column("peak_bytes", "Most memory [GiB]", "{:.2f}", GIB),
        Column("goal", "Goal"),
        Column("goal_memory", "Memory's goal"),
    ),
    "A grid of 190 x 190 signalled junctions made in memory. Windows of 15 steps after all have set off; the memory is the most that the "
    "process has held, the making of the city and its demand included.",
)
