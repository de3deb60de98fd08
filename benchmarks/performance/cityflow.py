"""Networks of CityFlow: our speed on them. CityFlow has no wheel, so its figures are quoted and not measured beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from performance.bench import Bench, Column, Part, Row, spread
from performance.cityflow_grid import make_cityflow_grid
from performance.ours import simulate

__all__ = ["CITYFLOW"]

SETS = ("jinan3x4", "hangzhou4x4")
WANTED = 6e6  # [1/s] vehicle steps, on its own sets
QUOTED = {"jinan3x4": "1.6 to 2.5", "hangzhou4x4": "1.6 to 2.5", 20_000: "0.29", 100_000: "0.21"}
"""[million/s] CityFlow's vehicle steps a processor second, as the project's issue 4 states them for its reference machine."""

GRIDS = ((20_000, 250, 30 * 0.29e6), (100_000, 120, 30 * 0.21e6))  # vehicles, end [s], wanted [1/s]
FILL = 50  # [s]


def measure(bench: Bench) -> Iterator[Row]:
    """A row for each set that is there, and for the grid."""
    for name in SETS if not bench.tiny else ():
        folder = bench.data / name
        if folder.is_dir():
            yield _row(bench, name, folder, QUOTED[name], WANTED)
        else:
            bench.say(f"{name}: left out, no {folder}")
    for vehicles, end, wanted in GRIDS if not bench.tiny else ((60, 60, 0.0),):
        size = bench.size(60, 4)
        config = make_cityflow_grid(bench.work / f"cityflow-{size}-{vehicles}", size, vehicles, FILL)
        yield _row(bench, f"grid, {vehicles:,} vehicles", config, QUOTED.get(vehicles, ""), wanted, "--end", f"{end}")


def _row(bench: Bench, name: str, source: Path, quoted: str, wanted: float, *options: str) -> Row:
    own = name in SETS  # the grid takes half a minute to read, and comes when all is compiled
    found = bench.runs(name, lambda: simulate(source, "--threads", "1", *options), budget=25.0, discard=own or bench.tiny)
    rate = spread(run["vehicle_steps"] / run["cpu_s"] for run in found)
    goal = {"value": rate["median"] / 1e6, "least": wanted / 1e6, "unit": "million/s"}
    return {"scenario": name, "urbanlab": rate, "cityflow": quoted, "vehicle_steps": found[0]["vehicle_steps"], "goal": goal}


CITYFLOW = Part(
    "cityflow",
    "In CityFlow's form",
    measure,
    (
        Column("scenario", "Scenario"),
        Column("urbanlab", "urbanlab [million/s]", "{:.2f}", 1e6),
        Column("cityflow", "CityFlow, quoted [million/s]"),
        Column("goal", "Goal"),
    ),
    "Vehicle steps a processor second of stepping, one thread, CityFlow's own rules, step 1 s. CityFlow has no wheel: its figures are "
    "those that issue 4 of the project states for its reference machine (of the grid's two, the larger is taken to be the smaller "
    "number of vehicles), not measured beside ours.",
)
