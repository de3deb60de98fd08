"""Runs of both programs on the same files."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import FileError
from urbanlab.traffic.measures import durations, summarise
from urbanlab.traffic.record import RunRecord, TripState
from urbanlab.traffic.simulation import Simulation
from validation.edges import EdgeValues, of_record

__all__ = ["PERIOD", "Run", "Sumo", "config_of", "our_record", "our_run"]

PERIOD = 900.0
"""[s] of the edge figures."""

TRIPS, EDGES, DONE = "tripinfo.xml", "edgedata.xml", "inputs.json"


@dataclass(frozen=True)
class Run:
    """What is compared of one run."""

    summary: dict[str, Any]  # ours: as in summary.json; SUMO's: the mean travel time
    travel_times: NDArray[np.float64]  # [s] of arrived vehicles
    edges: EdgeValues


def config_of(folder: Path) -> Path:
    """The SUMO configuration of a scenario's folder."""
    found = sorted(folder.glob("*.sumocfg"))
    if not found:
        raise FileError("a scenario has no SUMO configuration", got=f"no *.sumocfg in {folder}", expected="one")
    return found[0]


def our_record(scenario: Scenario, seed: int) -> RunRecord:
    """Record of one run of the engine."""
    with Simulation(scenario, seed=seed, edges_every=PERIOD) as run:
        return run.run().record()


def our_run(scenario: Scenario, seed: int) -> Run:
    """One run of the engine."""
    record = our_record(scenario, seed)
    return Run(summarise(record), durations(record)[record.state == TripState.ARRIVED], of_record(record))


class Sumo:
    """SUMO, and the folder of what it has written; a run whose inputs have not changed is read again instead of run again.

    Parameters
    ----------
    work : folder for all of its files
    """

    def __init__(self, work: Path) -> None:
        try:
            home = Path(importlib.import_module("sumo").SUMO_HOME)
        except ModuleNotFoundError:
            raise FileError(
                "SUMO is not installed", got="no module 'sumo'", expected="eclipse-sumo", hint="pip install '.[test]'"
            ) from None
        self.program = home / "bin" / "sumo"
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        match = re.search(r"sumo v?(\d[\d.]*)", said)
        if match is None:
            raise FileError("SUMO does not say its version", got=said[:80], expected="sumo 1.28.0")
        self.version = match[1]
        self.work = work / f"sumo-{self.version}"

    def run(self, folder: Path, seed: int, edge_ids: Sequence[str], edge_length: NDArray[np.float64]) -> Run:
        """One run of a scenario's folder, with the columns of the edges named and their lengths [m]."""
        place = self.work / folder.name / f"seed-{seed}"
        inputs = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()}
        done = place / DONE
        if not done.is_file() or json.loads(done.read_text()) != inputs:
            done.unlink(missing_ok=True)
            self._run(config_of(folder).resolve(), seed, place)
            done.write_text(json.dumps(inputs, indent=1))
        times = _travel_times(place / TRIPS)
        return Run({"travel_time_mean_s": float(times.mean())}, times, _edges(place / EDGES, edge_ids, edge_length))

    def _run(self, config: Path, seed: int, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        more = place / "edges.add.xml"
        more.write_text(f'<additional><edgeData id="edges" freq="{PERIOD:g}" file="{EDGES}"/></additional>\n')
        found = re.search(r'<additional-files\s+value="([^"]*)"', config.read_text())
        own = [str(config.parent / name.strip()) for name in found[1].split(",")] if found else []
        options = ["--seed", str(seed), "--tripinfo-output", str(place / TRIPS), "--precision", "6"]
        quiet = ["--no-step-log", "--no-warnings"]
        subprocess.run(
            [self.program, "-c", config, "-a", ",".join([*own, str(more)]), *options, *quiet], cwd=place, check=True, capture_output=True
        )


def _travel_times(path: Path) -> NDArray[np.float64]:
    """(V,) [s] of arrived vehicles."""
    times = []
    for _, trip in etree.iterparse(path, tag="tripinfo"):
        if not trip.get("vaporized"):
            times.append(float(trip.get("duration")))
        trip.clear()
    return np.array(times)


def _edges(path: Path, edge_ids: Sequence[str], length: NDArray[np.float64]) -> EdgeValues:
    """SUMO's edge figures.

    Its `speed` counts a vehicle from when its front enters until its rear has left; its `traveltime` is that of the front
    alone: length times seconds over metres.
    """
    column = {name: k for k, name in enumerate(edge_ids)}
    rows = []
    for _, interval in etree.iterparse(path, tag="interval"):
        values = np.full((3, len(edge_ids)), np.nan)
        values[0] = 0.0
        for edge in interval:
            k = column[edge.get("id")]
            values[0, k] = int(edge.get("entered")) + int(edge.get("departed"))
            if edge.get("traveltime") is not None:
                values[1, k] = length[k] / float(edge.get("traveltime"))
            if edge.get("speed") is not None:
                values[2, k] = float(edge.get("speed"))
        rows.append(values)
        interval.clear()
    stack = np.array(rows)
    return EdgeValues(stack[:, 0], stack[:, 1], stack[:, 2])
