"""Starts: the first one ever, with an empty cache, and those after it, from shell to shell."""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from performance.bench import Bench, Column, Part, Row, spread
from performance.cityflow_grid import make_cityflow_grid
from performance.ours import simulate
from performance.processes import inside
from performance.sumo import config_of

__all__ = ["START"]

FIRST, WARM = 60.0, 2.0  # [s] wanted
MODELS = "both models, one thread and two"


def measure(bench: Bench) -> Iterator[Row]:
    """A row for each entry kernel, for the first start, for a warm start."""
    source = make_cityflow_grid(bench.work / "cityflow-3-10", 3, 10, 10)
    bench.say("first start with an empty cache: a minute or more")
    with tempfile.TemporaryDirectory(prefix="urbanlab-cold-") as cache:
        cold = inside(compile_all, cityflow=str(source), env={"XDG_CACHE_HOME": cache})
        bench.say("the same start once more, from that cache")
        again = inside(compile_all, cityflow=str(source), env={"XDG_CACHE_HOME": cache})
    for name, seconds in sorted(cold["kernels"].items()):
        yield {"what": f"`{name}`", "first_s": seconds, "again_s": again["kernels"][name]}
    whole, later = cold["process"]["wall_s"], again["process"]["wall_s"]
    yield {"what": f"whole process: {MODELS}", "first_s": whole, "again_s": later, "goal": {"value": whole, "most": FIRST, "unit": "s"}}
    yield {"what": "of that, processor", "first_s": cold["process"]["cpu_s"], "again_s": again["process"]["cpu_s"]}
    yield from _warm(bench)


def _warm(bench: Bench) -> Iterator[Row]:
    folder = bench.data / "cologne8"
    if bench.tiny or not folder.is_dir():
        return
    config = config_of(folder)
    runs = bench.runs("warm start of cologne8", lambda: simulate(config))
    wall = spread(run["process"]["wall_s"] for run in runs)
    yield {
        "what": "`urbanlab simulate cologne8`, its whole hour",
        "again_s": wall,
        "goal": {"value": wall["median"], "most": WARM, "unit": "s"},
    }
    for name in ("load_s", "compile_s", "cpu_s"):
        yield {"what": f"of that, `{name}` (processor)", "again_s": spread(run[name] for run in runs)}


def compile_all(cityflow: str) -> dict[str, Any]:
    """Start every entry kernel by short runs; seconds that each took to compile or to load. In a process of its own."""
    import urbanlab
    from urbanlab.city.load import load
    from urbanlab.city.synthetic import make
    from urbanlab.core import jit
    from urbanlab.traffic.simulation import Simulation

    for module in pkgutil.walk_packages(urbanlab.__path__, "urbanlab."):
        if "kernels" in module.name or module.name.endswith("foes"):
            importlib.import_module(module.name)
    seconds: dict[str, float] = {}
    for entry in jit._entries:  # noqa: SLF001 - whom else to ask what is compiled
        name = f"{entry.kernel.py_func.__module__.removeprefix('urbanlab.')}.{entry.kernel.py_func.__name__}"
        entry.kernel.compile = _timed(entry.kernel.compile, name, seconds)
    city = make("grid:rows=2,cols=2,trips=20", seed=1)
    for scenario, threads in ((city, 1), (city, 2), (load(Path(cityflow)), 1), (load(Path(cityflow)), 2)):
        with Simulation(scenario, end=60.0, threads=threads) as run:
            run.run()
    return {"kernels": seconds}


def _timed(compile_one: Callable[[Any], Any], name: str, seconds: dict[str, float]) -> Callable[[Any], Any]:
    def measured(signature: Any) -> Any:
        started = time.perf_counter()
        try:
            return compile_one(signature)
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - started

    return measured


START = Part(
    "start",
    "Starts",
    measure,
    (
        Column("what", "What"),
        Column("first_s", "First start [s]", "{:.2f}"),
        Column("again_s", "Later starts [s]", "{:.2f}"),
        Column("goal", "Goal"),
    ),
    "Seconds of the clock. The first start has an empty cache and is measured once. A kernel's line is its compilation, or its loading "
    "from the cache; the whole process starts Python, compiles all entry kernels and runs four short runs.",
)
