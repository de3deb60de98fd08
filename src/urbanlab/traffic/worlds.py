"""Many worlds of one city in one pass: replications, variants of demand, learning episodes."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from urbanlab.city.scenario import Scenario
from urbanlab.core import jit
from urbanlab.core.control import Controller
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.run_times import FIRST_CALL, next_call
from urbanlab.traffic.simulation import Simulation

__all__ = ["Worlds"]


class Worlds:
    """Runs of one city that are moved together: each gives the bits that it gives alone.

    Parameters
    ----------
    scenario : of all worlds; or one a world, of the same network and signal programs (`dataclasses.replace(scenario, demand=...)`)
    seeds : one a world
    controllers : None or "program": the source's signal programs; a name, for all; or one of these or an object a world
    begin, end, edges_every : as of `Simulation`
    threads : they share the worlds; results do not depend on it

    Raises
    ------
    ConfigError : no world, or numbers of seeds, scenarios and controllers that do not go together, or scenarios of several cities

    Examples
    --------
    >>> from urbanlab.city.synthetic import make
    >>> from urbanlab.traffic.worlds import Worlds
    >>> with Worlds(make("grid:rows=2,cols=2", seed=1), seeds=range(8), end=60.0) as worlds:  # doctest: +SKIP
    ...     [summary["arrived"] for summary in worlds.run().summaries()]
    """

    def __init__(
        self,
        scenario: Scenario | Sequence[Scenario],
        *,
        seeds: Sequence[int],
        controllers: str | Sequence[str | Controller | None] | None = None,
        begin: float | None = None,
        end: float | None = None,
        threads: int = 1,
        edges_every: float = 900.0,
    ) -> None:
        num = len(seeds)
        if num == 0:
            raise ConfigError("there is no world to run", got="no seeds", expected="one seed a world")
        scenarios = _one_each("scenarios", [scenario] * num if isinstance(scenario, Scenario) else scenario, num)
        first = scenarios[0]
        if any(other.network is not first.network or other.programs is not first.programs for other in scenarios):
            raise ConfigError(
                "the worlds are not of one city", expected="scenarios that share their network and signal programs",
                hint="make variants with dataclasses.replace(scenario, demand=...)",
            )  # fmt: skip
        chosen = _one_each("controllers", [controllers] * num if controllers is None or isinstance(controllers, str) else controllers, num)
        self.threads = threads
        runs: list[Simulation] = []
        for one, seed, controller in zip(scenarios, seeds, chosen, strict=True):
            like = runs[0] if runs else None
            runs.append(
                Simulation(one, seed=seed, begin=begin, end=end, threads=threads, controller=controller, edges_every=edges_every, like=like)
            )
        self.runs = tuple(runs)

    @property
    def ended(self) -> bool:
        """Have all runs reached their ends?"""
        return all(run.ended for run in self.runs)

    def run(self, until: float | None = None, *, progress: Callable[[Worlds], None] | None = None) -> Worlds:
        """Run every world until a time [s], at most until its end.

        Parameters
        ----------
        until : [s] None: the end
        progress : called several times a second; what it raises leaves every run at a whole step

        Returns
        -------
        self, so that calls can be chained
        """
        jit.set_threads(self.threads)
        stops = [run.stop_at(until) for run in self.runs]
        size = FIRST_CALL
        while True:
            going = [(run, stop) for run, stop in zip(self.runs, stops, strict=True) if run.goes_on(stop)]
            if not going:
                return self
            took = self._advance(going, size)
            size = next_call(size, took)
            if progress is not None:
                progress(self)

    def _advance(self, going: Sequence[tuple[Simulation, float]], size: int) -> float:
        """Some steps of each run; the wall-clock time they took [s]."""
        started, cpu = clock.perf_counter(), clock.process_time()
        wanted = [run.before_call(min(size, stop - run.steps_done)) for run, stop in going]
        models = [run.model for run, _ in going]
        done = models[0].advance_together(models, wanted, [run.until_empty for run, _ in going], self.threads)
        for (run, _), asked, steps in zip(going, wanted, done, strict=True):
            run.after_call(asked, steps)
        took, cpu = clock.perf_counter() - started, clock.process_time() - cpu
        for run, _ in going:
            run.wall_s += took / len(going)
            run.cpu_s += cpu / len(going)
        return took

    def summaries(self) -> list[dict[str, Any]]:
        """The figures of `summary.json` of each run so far; cost is shared evenly."""
        return [run.summary() for run in self.runs]

    def close(self) -> None:
        """Let go of the arrays."""
        for run in self.runs:
            run.close()

    def __enter__(self) -> Worlds:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _one_each(what: str, given: Sequence[Any], num: int) -> Sequence[Any]:
    if len(given) != num:
        raise ConfigError(f"there are not as many {what} as seeds", got=f"{len(given)} {what}, {num} seeds", expected="one of each a world")
    return given
