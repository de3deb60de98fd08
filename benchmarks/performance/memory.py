"""Memory: of a vehicle, of a metre of lane, and over a long run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

from performance.bench import Bench, Column, Part, Row
from performance.processes import inside
from performance.stepping import Load, resident_bytes, step_grid

__all__ = ["GROWTH", "MEMORY"]

HOURS, WARM_HOURS = 24, 2
MOST_GROWTH = 1.0  # [%] of the memory held, in a day


def measure_memory(bench: Bench) -> Iterator[Row]:
    """Differences between processes: more vehicles on one map, and a larger map with the same vehicles."""
    size, few, many = bench.size(60, 4), bench.size(10_000, 20), bench.size(110_000, 60)
    bench.say(f"{few:,} and {many:,} vehicles on one map, then a larger map")
    window = bench.size(20, 5)
    little, much = (step_grid(size, [Load(vehicles, window=window)], 1) for vehicles in (few, many))
    vehicles = much["loads"][0][0]["running"] - little["loads"][0][0]["running"]
    yield {
        "what": "a vehicle", "first": little["loads"][0][0]["running"], "second": much["loads"][0][0]["running"], "unit": "vehicles",
        "bytes": (_held(much) - _held(little)) / max(vehicles, 1),
    }  # fmt: skip
    larger = step_grid(2 * size, [Load(few, window=window)], 1)
    for what, held in (("a metre of lane, city and world", _held), ("of that, the city as it is read", _map)):
        yield {
            "what": what, "first": little["lane_metres"], "second": larger["lane_metres"], "unit": "m",
            "bytes": (held(larger) - held(little)) / (larger["lane_metres"] - little["lane_metres"]),
        }  # fmt: skip


def _held(found: dict[str, Any]) -> float:
    return float(found["loads"][0][-1]["held_bytes"])


def _map(found: dict[str, Any]) -> float:
    return float(found["map_bytes"])


def measure_growth(bench: Bench) -> Iterator[Row]:
    """One row: a day of a small city."""
    hours = bench.size(HOURS, 3)
    bench.say(f"{hours} hours of a small city")
    found = inside(run_day, hours=hours)
    first, last = found["held"][WARM_HOURS], found["held"][-1]
    percent = 100.0 * (last - first) / first
    yield {
        "what": f"grid of 9 junctions, {hours} h, {found['arrived']:,} trips", "first_bytes": first, "last_bytes": last,
        "hourly": (last - first) / (hours - WARM_HOURS), "percent": percent, "vehicle_steps": found["vehicle_steps"],
        "goal": {"value": percent, "most": MOST_GROWTH, "unit": "% in the rest of the day"},
    }  # fmt: skip


def run_day(hours: int) -> dict[str, Any]:
    """Memory held after each hour; in a process of its own."""
    from urbanlab.city.synthetic import make
    from urbanlab.traffic.simulation import Simulation

    city = make(f"grid:rows=3,cols=3,trips={300 * hours},duration={3600 * hours}", seed=1)
    held = []
    with Simulation(city, seed=1, end=3600.0 * hours) as run:
        for hour in range(hours + 1):
            run.run(3600.0 * hour)
            gc.collect()
            held.append(resident_bytes())
        counts = run.model.counts()
    return {"held": held, "arrived": counts.arrived, "vehicle_steps": counts.vehicle_steps}


MEMORY = Part(
    "memory",
    "Memory",
    measure_memory,
    (
        Column("what", "Of"),
        Column("first", "From", "{:,.0f}"),
        Column("second", "to", "{:,.0f}"),
        Column("unit", ""),
        Column("bytes", "Bytes each", "{:,.0f}"),
    ),
    "What a process holds at the end of a run, less what another holds, over the difference in vehicles or in metres of lane: trips, "
    "ways and spare room of tables that grow by doubling included.",
)
GROWTH = Part(
    "growth",
    "A long run",
    measure_growth,
    (
        Column("what", "What"),
        Column("first_bytes", "Held after 2 h [MiB]", "{:,.1f}", 1024.0**2),
        Column("last_bytes", "at the end [MiB]", "{:,.1f}", 1024.0**2),
        Column("hourly", "More each hour [KiB]", "{:,.1f}", 1024.0),
        Column("percent", "More [%]", "{:.2f}"),
        Column("goal", "Goal"),
    ),
    "What grows are the records that the run is asked for: a row a signal's change and a row an edge and period.",
)
