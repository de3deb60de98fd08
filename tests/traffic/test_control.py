"""Controllers of users in a run: their mistakes are errors that name them, and fail a replication, not a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.control import KEEP, SignalLayout, SignalView
from urbanlab.core.errors import ConfigError, ControllerError
from urbanlab.lab.replication import Task, replicate
from urbanlab.traffic import control
from urbanlab.traffic.simulation import Simulation


@pytest.fixture(scope="module")
def city() -> Scenario:
    """Nine junctions with signals."""
    return make("grid:rows=3,cols=3,trips=100,duration=60", seed=1)


class Asking:
    """Answers what a function makes of the number of signals."""

    interval, yellow = 10.0, None

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self._answer = answer

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Remember how many signals there are."""
        del seed
        self._num = len(layout.signal_id)

    def decide(self, view: SignalView) -> Any:
        """Nothing at first, then the answer."""
        return self._answer(self._num) if view.time >= 20.0 else np.full(self._num, KEEP)


def run(city: Scenario, controller: Any) -> Simulation:
    with Simulation(city, end=60.0, controller=controller) as world:
        return world.run()


def test_failure_in_decide_names_the_controller_the_time_and_the_line(city: Scenario) -> None:
    with pytest.raises(ControllerError, match=r"controller 'Asking' failed in decide at 20 s: ZeroDivisionError: division") as caught:
        run(city, Asking(lambda num: num / 0))
    assert "test_control.py:" in caught.value.where


def test_failure_in_start_names_the_controller(city: Scenario) -> None:
    class Lost(Asking):
        def start(self, layout: SignalLayout, *, seed: int) -> None:
            del seed
            raise KeyError(layout.source)

    with pytest.raises(ControllerError, match=r"controller 'Lost' failed in start: KeyError: 'sumo'"):
        run(city, Lost(lambda num: num))


@pytest.mark.parametrize("phase", [99, -2, 2**31 + 1])
def test_phase_that_does_not_exist_is_an_error_with_the_phases_there_are(city: Scenario, phase: int) -> None:
    with pytest.raises(ControllerError, match="controller 'Asking' asks for phases that do not exist, at 20 s") as caught:
        run(city, Asking(lambda num: np.array([KEEP] * (num - 1) + [phase])))
    name = city.network.signal_id[-1]
    last = len(city.programs.phase_state) // city.network.num_signals - 1
    assert caught.value.items == (f"signal '{name}': phase {phase}, has 0 to {last}",)


def test_every_phase_there_is_and_keep_are_valid_also_as_a_list(city: Scenario) -> None:
    assert run(city, Asking(lambda num: [0, 1, KEEP, *[2] * (num - 3)])).time == 60.0


@pytest.mark.parametrize("answer", [lambda num: None, lambda num: np.zeros(num - 1, int), np.zeros])
def test_answer_of_another_form_is_an_error(city: Scenario, answer: Callable[[int], Any]) -> None:
    with pytest.raises(ConfigError, match="one whole number a signal"):
        run(city, Asking(answer))


def test_ragged_answer_is_the_controllers_failure(city: Scenario) -> None:
    with pytest.raises(ControllerError, match="failed in decide at 20 s: ValueError"):
        run(city, Asking(lambda num: [[0], [1, 2]]))


def test_object_that_is_no_controller_is_refused_before_anything_runs(city: Scenario) -> None:
    class NoYellow:
        interval = 5.0
        start = decide = print

    with pytest.raises(ConfigError, match="controller 'NoYellow' has no 'yellow'"):
        Simulation(city, controller=NoYellow())  # type: ignore[arg-type]


def test_failing_controller_fails_its_replication_with_the_reason(city: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urbanlab.traffic.control.make_controller", lambda spec: Asking(lambda num: num / 0))
    outcome = replicate(city, Task("crash", 3, 45, end=60.0))
    assert outcome.summary == {} and outcome.error.startswith("controller 'crash' failed in decide at 20 s: ZeroDivisionError")


@pytest.mark.parametrize("asked_every", [50.0, 600.0])
def test_events_are_the_same_whenever_they_are_read(city: Scenario, monkeypatch: pytest.MonkeyPatch, asked_every: float) -> None:
    """Many events at once are kept as they stand and read when somebody asks."""
    logs = []
    for many in (1, control.MANY_EVENTS):
        monkeypatch.setattr(control, "MANY_EVENTS", many)
        with Simulation(city, seed=1, end=600.0) as run:
            while not run.ended:
                seen = list(run.run(run.time + asked_every).control.events)
            logs.append(seen)
    assert logs[0] == logs[1] and len(logs[0]) > 100
