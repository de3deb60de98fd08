"""Cost follows vehicles: steps a second against the size of the map and against the number of vehicles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from performance.bench import Bench, Column, Part, Row, spread
from performance.stepping import Load, step_grid

__all__ = ["MAPS", "VEHICLES"]

SIZES, TINY_SIZES = (10, 32, 100, 316), (4, 6)
"""Junctions of a row."""

MIDDLE = 100  # from where on making a run ready takes so long that the first level alone is measured
LEVELS, TINY_LEVELS = (10, 1_000), (10, 40)
CROWDS, TINY_CROWDS = (10, 100, 1_000, 10_000, 100_000, 300_000), (10, 60)
HOUR = 3600  # [s]
LONGEST = 1_000_000  # vehicle steps that are measured at a time, about, and steps times junctions
SHORTEST, CYCLES = 10, 120  # [steps] in any case; where there are few vehicles: a cycle of the signals and more


def _load(bench: Bench, vehicles: int, size: int) -> Load:
    """About as many vehicle steps for each number of vehicles, within an hour; large maps are watched for a shorter time."""
    window = min(HOUR, max(SHORTEST, LONGEST / vehicles))
    return Load(vehicles, window=bench.size(int(min(window, max(CYCLES, LONGEST / size**2))), 20))


def measure_maps(bench: Bench) -> Iterator[Row]:
    """A row for each map and number of vehicles."""
    for size in TINY_SIZES if bench.tiny else SIZES:
        loads = [_load(bench, vehicles, size) for vehicles in (TINY_LEVELS if bench.tiny else LEVELS)]
        for signals in (True, False):
            bench.say(f"{size * size:,} junctions {'with' if signals else 'without'} signals")
            found = step_grid(size, loads if signals and size <= MIDDLE else loads[:1], bench.repeat, signals=signals)
            yield from (_row(found, load, runs, signals=signals) for load, runs in zip(loads, found["loads"], strict=False))


def measure_vehicles(bench: Bench) -> Iterator[Row]:
    """A row for each number of vehicles on one map."""
    for vehicles in TINY_CROWDS if bench.tiny else CROWDS:
        size = bench.size(60, 6)
        load = _load(bench, vehicles, size)
        bench.say(f"{vehicles:,} vehicles")
        found = step_grid(size, [load], bench.repeat)
        yield _row(found, load, found["loads"][0], signals=True)


def _row(found: dict[str, Any], load: Load, runs: list[dict[str, float]], *, signals: bool) -> Row:
    return {
        "junctions": found["junctions"],
        "lane_metres": found["lane_metres"],
        "signals": "yes" if signals else "none",
        "level": load.vehicles,
        "vehicles": sum(run["vehicle_steps"] for run in runs) / sum(run["steps"] for run in runs),
        "steps": runs[0]["steps"],
        "rate": spread(run["steps"] / run["cpu_s"] for run in runs),
        "nanoseconds": spread(1e9 * run["cpu_s"] / run["vehicle_steps"] for run in runs),
        "hour_s": spread(HOUR * run["cpu_s"] / run["steps"] for run in runs),
    }


COLUMNS = (
    Column("junctions", "Junctions", "{:,.0f}"),
    Column("signals", "Signals"),
    Column("vehicles", "Vehicles at a time, mean", "{:,.1f}"),
    Column("steps", "Steps", "{:,.0f}"),
    Column("rate", "Steps a processor second", "{:,.0f}"),
    Column("nanoseconds", "ns a vehicle step", "{:,.0f}"),
    Column("hour_s", "Processor seconds an hour of the city", "{:,.2f}"),
)
MAPS = Part(
    "maps",
    "Against the size of the map",
    measure_maps,
    COLUMNS,
    "The same number of vehicles on grids of growing size, made in memory, one thread. Wanted: the same cost on each of them.",
)
VEHICLES = Part(
    "vehicles",
    "Against the number of vehicles",
    measure_vehicles,
    COLUMNS,
    "More and more vehicles on one signalled grid of 60 x 60 junctions, made in memory, one thread. Wanted: the same cost of a vehicle's "
    "step for any number of them.",
)
