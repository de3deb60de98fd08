"""One replication of one arm: a run and what a study keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import UrbanlabError
from urbanlab.traffic.record import RunRecord

__all__ = ["EdgeTotals", "Outcome", "Task", "edge_totals", "replicate"]


@dataclass(frozen=True)
class Task:
    """What to run: an arm is the name of a controller, or `program`."""

    arm: str
    replication: int
    seed: int
    end: float | None = None  # [s] None: the scenario's
    threads: int = 1


@dataclass(frozen=True, eq=False)
class EdgeTotals:
    """Sums over a run by edge (E,)."""

    time_loss: NDArray[np.float64]  # [s]
    seconds: NDArray[np.float64]  # [s] vehicle seconds
    metres: NDArray[np.float64]  # [m] driven

    def __add__(self, other: EdgeTotals) -> EdgeTotals:
        return EdgeTotals(self.time_loss + other.time_loss, self.seconds + other.seconds, self.metres + other.metres)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a replication gave; a failed one has an error text and no figures."""

    arm: str
    replication: int
    seed: int
    summary: dict[str, Any]
    edges: EdgeTotals | None
    error: str = ""


def edge_totals(record: RunRecord) -> EdgeTotals:
    """Sum the periods of a run."""
    num = len(record.edge_ids)
    loss, seconds, metres = np.zeros(num), np.zeros(num), np.zeros(num)
    for period in record.edge_periods:
        loss += period.time_loss
        seconds += period.seconds
        metres += period.metres
    return EdgeTotals(loss, seconds, metres)


def replicate(scenario: Scenario, task: Task) -> Outcome:
    """Run an arm once; errors of urbanlab become part of the outcome."""
    from urbanlab.traffic.simulation import Simulation  # loads the compiler, which reports don't need

    try:
        with Simulation(scenario, seed=task.seed, end=task.end, threads=task.threads, controller=task.arm) as run:
            record = run.run().record()
            return Outcome(task.arm, task.replication, task.seed, run.summary(), edge_totals(record))
    except UrbanlabError as problem:
        return Outcome(task.arm, task.replication, task.seed, {}, None, str(problem))
