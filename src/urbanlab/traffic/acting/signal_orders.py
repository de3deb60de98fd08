"""Commands to signals. Whoever asks a signal for something takes it over from its program, by leave of the interlock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from urbanlab.city.scenario import Scenario
from urbanlab.core.control import KEEP
from urbanlab.core.errors import CommandError, ConfigError
from urbanlab.traffic.acting.lane_orders import nearest_names
from urbanlab.traffic.lights.interlock import apply_requests, request_states
from urbanlab.traffic.lights.signal_events import NEXT_SWITCH
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState
from urbanlab.traffic.model import controllable_signals

__all__ = ["SignalOrders"]

STATES = "Ggyrus"


class _Model(Protocol):
    plan: SignalPlan
    signal_state: SignalState

    def replace_plan(self, plan: SignalPlan) -> None: ...


class SignalOrders:
    """Prepares commands to signals: each method checks its arguments and gives back what is to be done.

    Parameters
    ----------
    scenario : the network and its programs
    model : whose signals they are
    """

    def __init__(self, scenario: Scenario, model: _Model) -> None:
        self._signal_id, self._model = scenario.network.signal_id, model
        self._controllable = controllable_signals(scenario)

    def _signal(self, name: str) -> int:
        if name not in self._signal_id:
            raise ConfigError(f"unknown signal '{name}'", hint=nearest_names(name, self._signal_id))
        signal = self._signal_id.index(name)
        if not self._controllable[signal]:
            raise CommandError(f"signal '{name}' can't be controlled", expected="a signal with two phases or more")
        return signal

    def request(self, *, signal: str, phase: int, time: float) -> Callable[[], None]:
        """A phase of the program that the signal runs."""
        number, plan = self._signal(signal), self._model.plan
        program = self._program(number)
        num = int(plan.phase_start[program + 1] - plan.phase_start[program])
        if not 0 <= phase < num:
            raise ConfigError(f"signal '{signal}' has no such phase", got=phase, expected=f"0 to {num - 1}")

        def act() -> None:
            self._take_over(number)
            requests = np.full(len(self._signal_id), KEEP, np.int32)
            requests[number] = phase
            apply_requests(self._model.plan, self._model.signal_state, requests, time)

        return act

    def show(self, *, signal: str, states: str, time: float) -> Callable[[], None]:
        """A state string, one character a link."""
        number, plan = self._signal(signal), self._model.plan
        num = int(plan.state_start[number + 1] - plan.state_start[number])
        if len(states) != num or not set(states) <= set(STATES):
            raise ConfigError(f"signal '{signal}' can't show '{states}'", expected=f"{num} characters of {STATES}")

        def act() -> None:
            self._take_over(number)
            request_states(self._model.plan, self._model.signal_state, number, states, time)

        return act

    def _program(self, signal: int) -> int:
        shown = int(self._model.signal_state.program[signal])
        return shown if shown >= 0 else int(self._model.plan.first_program[signal])

    def _take_over(self, signal: int) -> None:
        """From now on the signal does not follow its program, nor a plan of programs, but what it is asked for."""
        plan, state = self._model.plan, self._model.signal_state
        if plan.controlled[signal] != 0:
            return
        first, controlled = plan.first_program.copy(), plan.controlled.copy()
        first[signal], controlled[signal] = self._program(signal), 1
        alive = plan.live_signal != signal
        planned = (plan.switch_signal != signal) | (np.arange(len(plan.switch_ms)) < state.cursor[NEXT_SWITCH])
        self._model.replace_plan(
            plan._replace(
                first_program=first,
                controlled=controlled,
                guided=np.union1d(plan.guided, [signal]).astype(np.int32),
                live=plan.live[alive],
                live_signal=plan.live_signal[alive],
                switch_ms=plan.switch_ms[planned],
                switch_signal=plan.switch_signal[planned],
                switch_program=plan.switch_program[planned],
            )
        )
        state.phase[signal] = -1  # whatever is asked for is new, be it what the program shows
