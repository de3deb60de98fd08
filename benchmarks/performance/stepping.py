"""Runs on a grid in memory, in a process of their own: what steps cost, without reading files."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from performance.grids import empty_grid, trip_time, with_vehicles
from performance.processes import inside
from urbanlab.city.scenario import Scenario
from urbanlab.traffic.simulation import Simulation

__all__ = ["Load", "resident_bytes", "step_grid"]


@dataclass(frozen=True)
class Load:
    """Vehicles on a grid, and the steps that are measured; who arrives is replaced by somebody who sets off."""

    vehicles: int  # about so many are on the road
    window: int = 60  # [s] of one measurement
    threads: int = 1
    fill: int = 50  # [s] in which they set off, before the first measurement


def step_grid(size: int, loads: list[Load], repeat: int, *, signals: bool = True) -> dict[str, Any]:
    """What each load costs on one map.

    Parameters
    ----------
    size : junctions of a row
    loads : one run each
    repeat : windows measured of each run, one after the other
    signals : at all junctions of three streets or more; without them by right of way alone

    Returns
    -------
    `loads`: for each a list of windows with cpu_s, wall_s, steps, vehicle_steps, running, the seconds in which the run was made ready and
    the memory held at its end; `lane_metres`, `junctions`, and the memory held with the map alone [bytes]
    """
    return inside(_step_grid, size=size, loads=[asdict(load) for load in loads], repeat=repeat, signals=signals)


def _step_grid(*, size: int, loads: list[dict[str, Any]], repeat: int, signals: bool) -> dict[str, Any]:
    grid = empty_grid(size, signals=signals)
    empty = resident_bytes()
    found = [_run(grid, size, Load(**given), repeat) for given in loads]
    return {"loads": found, "map_bytes": empty, "lane_metres": float(grid.network.lane_length.sum()), "junctions": size * size}


def _run(grid: Scenario, size: int, load: Load, repeat: int) -> list[dict[str, float]]:
    """One run; kernels are compiled, or loaded, before its first step."""
    end = load.fill + repeat * load.window
    scenario = with_vehicles(grid, size, _departures(load, end, trip_time(size)))
    started = time.perf_counter()
    with Simulation(scenario, seed=1, end=float(end), threads=load.threads) as run:
        ready = time.perf_counter() - started
        run.run(float(load.fill))
        windows = [_window(run, load.window) for _ in range(repeat)]
        gc.collect()
        return [window | {"ready_s": ready, "held_bytes": resident_bytes()} for window in windows]


def _departures(load: Load, end: int, trip: float) -> NDArray[np.float64]:
    first = np.linspace(0.0, load.fill, load.vehicles, endpoint=False)
    more = np.linspace(load.fill, end, int(load.vehicles * (end - load.fill) / trip), endpoint=False)
    return np.round(np.concatenate([first, more]), 2)


def _window(run: Simulation, window: int) -> dict[str, float]:
    counts, wall, cpu = run.model.counts(), run.wall_s, run.cpu_s
    run.run(run.time + window)
    return {
        "wall_s": run.wall_s - wall,
        "cpu_s": run.cpu_s - cpu,
        "steps": window / run.step_length,
        "vehicle_steps": run.model.counts().vehicle_steps - counts.vehicle_steps,
        "running": counts.running,
    }


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not tell."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.is_file() else 0
