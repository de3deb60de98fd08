"""Runs without an end last until every vehicle has left. Some vehicles never do: that is noticed here."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from urbanlab.city.scenario import Scenario
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.model import Counts, Model

__all__ = ["Standstill"]

log = logging.getLogger(__name__)

EMPTY = 3600.0
"""[s] that vehicles wait to depart onto an empty network before they are given up."""

LONG = 1e6
"""[s] a closure that ends later is there to stay."""

EVERY = 300
"""Steps between two looks: fixed, so that the end of a run does not depend on how fast it is."""

GRIDLOCK = 86400.0
"""[s] without a departure or an arrival before those on the network are given up, longer than any stop."""


class _Run(Protocol):
    scenario: Scenario
    model: Model
    commands: Commands

    @property
    def time(self) -> float: ...


class Standstill:
    """Watches a run that has no end.

    Parameters
    ----------
    run : the run
    """

    def __init__(self, run: _Run) -> None:
        departs = run.model.expanded.depart
        closures = [closure.end for closure in run.scenario.closures if closure.speed < 0.0 and closure.end < LONG]
        self._quiet_since = max([float(departs[-1]) if len(departs) else run.time, *closures])
        self._last: Counts | None = None

    def state(self) -> dict[str, Any]:
        """What evolves, as plain values."""
        return {"quiet_since": self._quiet_since, "last": self._last}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says."""
        self._quiet_since = state["quiet_since"]
        self._last = None if state["last"] is None else Counts(*state["last"])

    @staticmethod
    def due_in(step: int) -> int:
        """Steps until the next look."""
        return EVERY - step % EVERY

    def is_hopeless(self, run: _Run, step: int) -> bool:
        """Whether, as far as can be seen before a step, nothing can be expected any more; says so in the log."""
        if step % EVERY:
            return False
        counts, last = run.model.counts(), self._last
        self._last = counts
        if last is None or (counts.arrived, counts.waiting, counts.removed) != (last.arrived, last.waiting, last.removed):
            self._quiet_since = max(self._quiet_since, run.time)
        if run.time - self._quiet_since < (GRIDLOCK if counts.running else EMPTY) or run.commands.expects:
            return False
        log.warning(
            "nobody has departed or arrived since %g s: the run is ended at %g s with %d vehicles waiting to depart and %d under way",
            self._quiet_since, run.time, counts.waiting, counts.running,
        )  # fmt: skip
        return True
