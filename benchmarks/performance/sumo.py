"""SUMO as a program and as a library: its speed on a scenario, without loading."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from performance.processes import BenchError, inside, run

__all__ = ["Speed", "begin_of", "config_of", "has_libsumo", "libsumo_speed", "sumo_program", "sumo_speed"]

OPTIONS = ("--no-step-log", "--no-warnings", "--seed", "42", "--route-steps", "0")
"""All routes are read before the first step, so that a run without steps costs the loading alone."""


class Speed(NamedTuple):
    """Work and what it cost."""

    vehicle_steps: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """[1/s] vehicle steps a processor second."""
        return self.vehicle_steps / self.cpu_s


def sumo_program(name: str) -> Path:
    """A program of SUMO's wheel."""
    found = importlib.util.find_spec("sumo")
    if found is None or not found.submodule_search_locations:
        raise BenchError("SUMO is not installed", got="no module 'sumo'", expected="eclipse-sumo", hint="pip install '.[bench]'")
    return Path(found.submodule_search_locations[0]) / "bin" / name


def config_of(folder: Path) -> Path:
    """The SUMO configuration of a scenario's folder."""
    return min(folder.glob("*.sumocfg")).resolve()


def begin_of(config: Path) -> str:
    """[s] when the scenario begins, as its file has it."""
    found = etree.parse(config).find(".//begin")
    return found.get("value") if found is not None else "0"


def sumo_speed(config: Path, end: float | None) -> Speed:
    """One run of the program, less a run that loads only."""
    base: list[str | Path] = [sumo_program("sumo"), "-c", str(config), *OPTIONS]
    load = run([*base, "--end", begin_of(config)]).user_s
    with tempfile.NamedTemporaryFile(suffix=".xml") as statistics:
        full = [*base, "--duration-log.statistics", "--statistic-output", statistics.name]
        spent = run([*full, "--end", str(end)] if end is not None else full).user_s
        performance = etree.parse(statistics.name).find("performance")
    updates = float(performance.get("vehicleUpdatesPerSecond")) * float(performance.get("clockDuration"))
    return Speed(updates, max(spent - load, 1e-3))


def has_libsumo() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("libsumo") is not None


def libsumo_speed(config: Path, end: float | None) -> Speed:
    """One run of the library, stepped from Python, each step counted."""
    found = inside(step_libsumo, config=str(config), end=end)
    return Speed(found["vehicle_steps"], found["cpu_s"])


def step_libsumo(config: str, end: float | None) -> dict[str, Any]:
    """Load, then do every step; in a process of its own."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        import libsumo  # type: ignore[import-untyped]

        last = [] if end is None else ["--end", str(end)]
        libsumo.start(["sumo", "-c", config, *OPTIONS, *last])
        stop = libsumo.simulation.getEndTime() if end is None else end
        started, steps = time.process_time(), 0
        while libsumo.simulation.getMinExpectedNumber() > 0 and not 0.0 <= stop <= libsumo.simulation.getTime():
            libsumo.simulationStep()
            steps += libsumo.vehicle.getIDCount()
        cpu = time.process_time() - started
        libsumo.close()
    return {"vehicle_steps": steps, "cpu_s": cpu}
