"""Endless runs end where nothing can be expected any more, at a step that does not depend on the machine."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from urbanlab.traffic.model import Counts
from urbanlab.traffic.standstill import EMPTY, EVERY, GRIDLOCK, Standstill


class Run:
    """As much of a run as is looked at."""

    def __init__(self, *, running: int, waiting: int, closed_until: float = 0.0) -> None:
        self.scenario = SimpleNamespace(closures=[SimpleNamespace(end=closed_until, speed=-1.0)])
        self.commands = SimpleNamespace(expects=False)
        self.model: Any = SimpleNamespace(expanded=SimpleNamespace(depart=np.array([0.0, 100.0])), counts=lambda: self.counts)
        self.counts = Counts(0, running, 10, 0, waiting, 0, 0, 0)
        self.time = 0.0


def end_of(run: Run, *, changes: dict[int, dict[str, int]] | None = None, stride: int = EVERY) -> float:
    """Time at which the run is given up; a second a step."""
    standstill: Any = Standstill(run)  # type: ignore[arg-type]
    for step in range(stride, 400_000, stride):
        run.time = float(step)
        run.counts = run.counts._replace(**(changes or {}).get(step, {}))
        if standstill.is_hopeless(run, step):
            return run.time
    return float("inf")


def test_trips_that_cannot_depart_end_the_run_after_an_hour() -> None:
    assert end_of(Run(running=0, waiting=3)) == EMPTY + EVERY


def test_gridlock_ends_the_run_after_a_day() -> None:
    assert end_of(Run(running=5, waiting=3)) == GRIDLOCK + EVERY


@pytest.mark.parametrize("change", [{"arrived": 11}, {"waiting": 2}, {"removed": 1}])
def test_any_departure_arrival_or_removal_starts_the_wait_anew(change: dict[str, int]) -> None:
    assert end_of(Run(running=0, waiting=3), changes={3000: change}) == 3000 + EMPTY


def test_closures_and_later_departures_are_waited_for() -> None:
    assert end_of(Run(running=0, waiting=1, closed_until=9000.0)) == 9000 + EMPTY


def test_commands_still_to_come_are_waited_for() -> None:
    run = Run(running=0, waiting=1)
    run.commands.expects = True
    assert end_of(run) == float("inf")


def test_limits_and_closures_without_end_are_not_waited_for() -> None:
    run = Run(running=0, waiting=1)
    run.scenario.closures += [SimpleNamespace(end=2147483.647, speed=-1.0), SimpleNamespace(end=50_000.0, speed=5.0)]
    assert end_of(run) == EMPTY + EVERY


def test_steps_between_looks_do_not_matter() -> None:
    assert end_of(Run(running=0, waiting=3), stride=20) == end_of(Run(running=0, waiting=3))


def test_next_look_is_at_a_fixed_step() -> None:
    assert [Standstill.due_in(step) for step in (0, 1, EVERY - 1, EVERY)] == [EVERY, EVERY - 1, 1, EVERY]


def test_the_log_says_what_was_left(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        end_of(Run(running=0, waiting=3))
    assert "3 vehicles waiting to depart and 0 under way" in caplog.text
