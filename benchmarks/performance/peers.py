"""How many times faster than SUMO: the same files, one thread each, in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from performance.bench import Bench, Column, Part, Row, spread
from performance.ours import simulate
from performance.sumo import Speed, config_of, has_libsumo, libsumo_speed, sumo_speed
from performance.sumo_grid import make_sumo_grid

__all__ = ["PEERS"]

PEER_BUDGET = 25.0
"""[s] of the clock after which no further run of a peer begins."""

OUR_BUDGET = 40.0
GRID = 60


class Case(NamedTuple):
    """A scenario, and how many times SUMO's speed is wanted on it."""

    name: str
    least: float
    end: float | None = None  # [s]
    vehicles: int = 0  # of a grid; 0: a scenario of the data folder


CASES = (
    Case("cologne8", 15.0),
    Case("ingolstadt7", 40.0),
    Case("bologna_acosta", 40.0),
    Case("bologna_pasubio", 40.0),
    Case("hamburg_tavf", 100.0),
    Case("grid, 20,000 vehicles", 200.0, 250.0, 20_000),
    Case("grid, 100,000 vehicles", 150.0, 120.0, 100_000),
)
TINY = (Case("grid, 60 vehicles", 0.0, 60.0, 60),)
FILL = 50.0  # [s] in which a grid's vehicles set off


def measure(bench: Bench) -> Iterator[Row]:
    """A row for each scenario that is there."""
    for case in TINY if bench.tiny else CASES:
        folder = _folder(bench, case)
        if folder.is_dir():
            yield _row(bench, case, config_of(folder))
        else:
            bench.say(f"{case.name}: left out, no {folder}")


def _folder(bench: Bench, case: Case) -> Path:
    if not case.vehicles:
        return bench.data / case.name
    size = bench.size(GRID, 5)
    return make_sumo_grid(bench.work / f"grid-{size}-{case.vehicles}", size, case.vehicles, FILL)


def _row(bench: Bench, case: Case, config: Path) -> Row:
    last = () if case.end is None else ("--end", f"{case.end:g}")
    ours = bench.runs(f"{case.name}: urbanlab", lambda: _ours(config, last), budget=OUR_BUDGET)
    theirs = _peer(bench, f"{case.name}: sumo", lambda: sumo_speed(config, case.end))
    row: Row = {
        "scenario": case.name,
        "end_s": case.end,
        "vehicle_steps": ours[0]["vehicle_steps"],
        "sumo_updates": theirs[0]["vehicle_steps"],
        "urbanlab": spread(run["rate"] for run in ours),
        "sumo": spread(run["rate"] for run in theirs),
        "nanoseconds": 1e9 / spread(run["rate"] for run in ours)["median"],
    }
    if has_libsumo() and case.least <= 40.0:
        row["libsumo"] = spread(run["rate"] for run in _peer(bench, f"{case.name}: libsumo", lambda: libsumo_speed(config, case.end)))
    row["ratio"] = row["urbanlab"]["median"] / row["sumo"]["median"]
    row["goal"] = {"value": row["ratio"], "least": case.least, "unit": "x SUMO"}
    return row


def _peer(bench: Bench, what: str, speed: Callable[[], Speed]) -> list[Row]:
    return bench.runs(what, lambda: _as_row(speed()), budget=PEER_BUDGET, discard=False)


def _as_row(speed: Speed) -> Row:
    return {"vehicle_steps": speed.vehicle_steps, "rate": speed.rate}


def _ours(config: Path, last: tuple[str, ...]) -> Row:
    summary = simulate(config, "--threads", "1", *last)
    return _as_row(Speed(summary["vehicle_steps"], summary["cpu_s"]))


PEERS = Part(
    "peers",
    "Beside SUMO",
    measure,
    (
        Column("scenario", "Scenario"),
        Column("urbanlab", "urbanlab [million/s]", "{:.2f}", 1e6),
        Column("nanoseconds", "ns a vehicle step", "{:.0f}"),
        Column("sumo", "SUMO [million/s]", "{:.3f}", 1e6),
        Column("libsumo", "libsumo [million/s]", "{:.3f}", 1e6),
        Column("ratio", "urbanlab over SUMO", "{:.0f}"),
        Column("goal", "Goal"),
    ),
    "Vehicle steps a processor second of stepping, one thread. The same files and the same end for both. SUMO's time is that of its "
    "process less that of one that only loads (all routes are read before the first step), its work what it counts itself. "
    "`libsumo` is stepped from Python. Urbanlab's time is `cpu_s` of its summary: insertion, routing under way, detectors and the "
    "records of the run included. The grid has 60 x 60 signalled junctions.",
)
