"""Loading: Hamburg from SUMO's files, and synthetic cities from their folders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from performance.bench import Bench, Column, Part, Row, spread
from performance.processes import inside
from performance.sumo import config_of

__all__ = ["LOADING"]

GIB = 1024.0**3
JUNCTIONS, TINY = (1_000, 10_000, 100_000), (40, 80)
AS_XML, TINY_XML = 10_000, 40
"""Junctions of the city that is read as a `.net.xml` too."""

HAMBURG, FOLDER = 2.0, 3.0  # [s] wanted of Hamburg, and of the largest folder
NET, NET_MEMORY = 60.0, 4.0  # [s], [GiB] wanted of 100,000 junctions as a net file


def measure(bench: Bench) -> Iterator[Row]:
    """Hamburg; each city made, read as a folder, the middle one as a net file too."""
    hamburg = bench.data / "hamburg_tavf"
    if hamburg.is_dir() and not bench.tiny:
        yield _load(bench, "hamburg_tavf, SUMO's files", config_of(hamburg), HAMBURG)
    for junctions in TINY if bench.tiny else JUNCTIONS:
        folder = bench.work / f"river-{junctions}"
        made: Row = {}
        if not folder.is_dir():
            bench.say(f"making a city of {junctions:,} junctions")
            found = inside(make_city, folder=str(folder), junctions=junctions)
            made = {"made_s": found["made_s"], "made_bytes": found["process"]["peak_bytes"]}
        wanted = FOLDER if junctions == max(JUNCTIONS) else None
        yield _load(bench, f"city folder, {junctions:,} junctions", folder, wanted) | made
        if junctions == (TINY_XML if bench.tiny else AS_XML):
            yield _load_net(bench, junctions, folder)


def _load_net(bench: Bench, junctions: int, folder: Path) -> Row:
    net = bench.work / f"river-{junctions}.net.xml"
    if not net.is_file():
        inside(write_net, folder=str(folder), net=str(net))
    return _load(bench, f"the same as a .net.xml, {junctions:,} junctions", net, NET * junctions / max(JUNCTIONS))


def _load(bench: Bench, what: str, source: Path, wanted: float | None) -> Row:
    runs = bench.runs(f"loading {what}", lambda: inside(load_source, source=str(source)), budget=40.0)
    wall = spread(run["load_s"] for run in runs)
    row: Row = {"what": what, "wall_s": wall, "peak_bytes": spread(run["process"]["peak_bytes"] for run in runs), **runs[0]["size"]}
    return row | ({"goal": {"value": wall["median"], "most": wanted, "unit": "s"}} if wanted is not None else {})


def load_source(source: str) -> dict[str, Any]:
    """Load once, in a process of its own."""
    from urbanlab.city.load import load

    started = time.perf_counter()
    scenario = load(Path(source))
    took = time.perf_counter() - started
    return {"load_s": took, "size": {"lanes": scenario.network.num_lanes, "trips": scenario.demand.num_trips}}


def make_city(folder: str, junctions: int) -> dict[str, Any]:
    """Make a city and write its folder, in a process of its own."""
    from urbanlab.city.folder import City
    from urbanlab.city.synthetic import make

    started = time.perf_counter()
    City(make(f"river:junctions={junctions}", seed=1)).save(folder)
    return {"made_s": time.perf_counter() - started}


def write_net(folder: str, net: str) -> dict[str, Any]:
    """Write a city's network as SUMO's file, in a process of its own."""
    from urbanlab.city.folder import City
    from urbanlab.city.writers.sumo import write_sumo_net

    scenario = City.load(folder).scenario
    write_sumo_net(scenario.network, scenario.programs, Path(net))
    return {}


LOADING = Part(
    "loading",
    "Loading",
    measure,
    (
        Column("what", "What"),
        Column("lanes", "Lanes", "{:,.0f}"),
        Column("trips", "Trips", "{:,.0f}"),
        Column("wall_s", "Wall clock [s]", "{:.2f}"),
        Column("peak_bytes", "Most memory [GiB]", "{:.2f}", GIB),
        Column("made_s", "Making it [s]", "{:.1f}"),
        Column("goal", "Goal"),
    ),
    "From the files to a scenario in memory, without Python's start. A net file of 100,000 junctions is wanted in 60 s and 4 GiB; "
    "here one of 10,000 is read, of which a tenth of that is wanted.",
)
