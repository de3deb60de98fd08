"""Between a controller and the signals of a running world: when it is asked, what it sees, what becomes of its answer."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.core.control import KEEP, Controller, SignalLayout, SignalView
from urbanlab.core.errors import ConfigError, ControllerError
from urbanlab.core.guests import blamed_on, check_controller
from urbanlab.core.registry import PROGRAM, make_controller
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.lights.interlock import apply_requests
from urbanlab.traffic.lights.signal_events import EVENTS, drain, num_interventions
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState
from urbanlab.traffic.model import Model, controllable_signals
from urbanlab.traffic.record import SignalEvent, SignalEventKind

__all__ = ["ControlLoop", "resolve_controller", "runs_programs", "signal_layout"]

MANY_EVENTS = 256
"""From so many on events are kept as they stand in their buffer: on a large map they would cost more than all vehicles."""


class _Run(Protocol):
    scenario: Scenario
    model: Model
    commands: Commands
    seed: int
    controller_name: str
    begin: float
    step_length: float


def resolve_controller(controller: str | Controller | None) -> Controller | None:
    """The controller that a name stands for; None: the source's own programs run."""
    if controller is None or controller == PROGRAM:
        return None
    if isinstance(controller, str):
        return make_controller(controller)
    check_controller(controller, type(controller).__name__)
    return controller


def runs_programs(controller: Controller | None) -> bool:
    """Does the controller leave the signals to their stored durations?"""
    return bool(getattr(controller, "runs_programs", False))


def signal_layout(scenario: Scenario, plan: SignalPlan, begin: float) -> SignalLayout:
    """What a controller is told of the network before the run."""
    network, programs = scenario.network, scenario.programs
    phase_rows = [
        range(int(programs.phase_start[q]), int(programs.phase_start[q + 1])) if q >= 0 else range(0)
        for q in programs.active_program.tolist()
    ]
    rows = [row for of_signal in phase_rows for row in of_signal]
    links = np.flatnonzero(network.connection_signal >= 0)
    links = links[np.lexsort((network.connection_link[links], network.connection_signal[links]))]
    return SignalLayout(
        signal_id=network.signal_id,
        phase_start=np.concatenate([[0], np.cumsum([len(part) for part in phase_rows])]).astype(np.int64),
        phase_state=tuple(programs.phase_state[row] for row in rows),
        phase_duration=programs.phase_duration[np.array(rows, np.int64)],
        link_signal=network.connection_signal[links],
        link_index=network.connection_link[links],
        link_from_lane=network.connection_from[links],
        link_to_lane=network.connection_to[links],
        link_direction=network.connection_direction[links],
        lane_edge=network.lane_edge,
        edge_first_lane=network.edge_first_lane,
        lane_length=network.lane_length,
        controllable=controllable_signals(scenario),
        step=plan.step_ms / 1000.0,
        begin=begin,
        source=programs.source,
    )


class ControlLoop:
    """Asks a controller at begin, begin + interval, ... before the step, and keeps what signals did.

    Raises
    ------
    ConfigError : the controller's interval is shorter than a step or no number of steps
    ControllerError : the controller fails
    """

    def __init__(self, run: _Run, controller: Controller | None) -> None:
        self._model, self._commands = run.model, run.commands
        self._signal_id = run.scenario.network.signal_id
        self._controller = None if runs_programs(controller) else controller
        self._events: list[SignalEvent] = []
        self._unread: list[SignalState] = []
        self._every: float = math.inf
        self._next = 0
        if self._controller is None:
            return
        self._every = self._steps(self._controller.interval, run.step_length)
        self._name = run.controller_name.partition(":")[0]
        layout = signal_layout(run.scenario, run.model.plan, run.begin)
        self._num_phases, self._controllable = np.diff(layout.phase_start), layout.controllable
        with blamed_on(self._controller, f"controller '{self._name}' failed in start", ControllerError):
            self._controller.start(layout, seed=run.seed)

    @staticmethod
    def _steps(interval: float, step: float) -> float:
        steps = interval / step
        if not steps >= 1.0 - 1e-9 or (math.isfinite(steps) and abs(steps - round(steps)) > 1e-6):
            raise ConfigError(
                "a controller decides at whole steps", got=f"an interval of {interval} s", expected=f"a multiple of the step, {step} s"
            )
        return steps if math.isinf(steps) else float(round(steps))

    @property
    def interventions(self) -> int:
        """Requests that the interlock refused, delayed or altered so far."""
        return num_interventions(self._model.signal_state)

    def next_step(self) -> float:
        """Index of the step before which the controller is asked next; inf: never."""
        return math.inf if self._controller is None else float(self._next)

    def act(self, step: int, time: float) -> None:
        """Ask the controller if this is its step."""
        if self._controller is None or step != self._next:
            return
        with blamed_on(self._controller, f"controller '{self._name}' failed in decide at {time:.10g} s", ControllerError):
            answer = np.asarray(self._controller.decide(self._view(time)))
        self._require_phases(answer, time)
        phase = self._model.signal_state.phase.copy()
        apply_requests(self._model.plan, self._model.signal_state, answer, time)
        asked = np.flatnonzero((answer != KEEP) & (answer != phase)).tolist()
        if asked:
            names = {self._signal_id[signal]: int(answer[signal]) for signal in asked}
            self._commands.note("request_phases", names, "controller", time)
        self._next = math.inf if math.isinf(self._every) else step + int(self._every)  # type: ignore[assignment]

    def _require_phases(self, answer: NDArray[np.generic], time: float) -> None:
        """An answer out of range is a mistake of the controller, never a wish that the interlock could grant later."""
        if answer.shape != self._num_phases.shape or not np.issubdtype(answer.dtype, np.integer):
            return  # the interlock says what is wrong with it
        asked = answer.astype(np.int64)
        wrong = np.flatnonzero((asked != KEEP) & ((asked < 0) | (asked >= self._num_phases)) & self._controllable)
        if len(wrong):
            raise ControllerError(
                f"controller '{self._name}' asks for phases that do not exist, at {time:.10g} s",
                expected=f"a phase of the signal's active program, counted from 0, or KEEP ({KEEP})",
                items=[f"signal '{self._signal_id[s]}': phase {asked[s]}, has 0 to {self._num_phases[s] - 1}" for s in wrong.tolist()],
            )

    def _view(self, time: float) -> SignalView:
        state = self._model.signal_state
        return SignalView(
            time=time,
            phase=state.phase,
            phase_elapsed=np.maximum(0.0, time - state.phase_ms / 1000.0),
            lane_vehicles=self._model.lane_vehicles(),
            lane_halting=self._model.lane_halting(),
        )

    def collect(self) -> None:
        """Take the events of the signals out of their buffer."""
        state = self._model.signal_state
        if state.cursor[EVENTS] < MANY_EVENTS:
            self.events.extend(drain(state))
        else:
            self._unread.append(_taken(state))

    @property
    def events(self) -> list[SignalEvent]:
        """What signals did so far."""
        for taken in self._unread:
            self._events += drain(taken)
        self._unread.clear()
        return self._events

    @property
    def controller(self) -> Controller | None:
        """Who is asked; None: nobody."""
        return self._controller

    def adopt(self, controller: Controller, name: str) -> None:
        """Ask this one from now on, which has been started before."""
        if self._controller is not None:
            self._controller, self._name = controller, name.partition(":")[0]

    def state(self) -> dict[str, Any]:
        """What evolves, as plain values; the controller's own state apart."""
        events = self.events
        return {
            "next": self._next,
            "time": np.array([event.time for event in events], np.float64),
            "signal": np.array([event.signal for event in events], np.int32),
            "kind": np.array([event.kind for event in events], np.uint8),
            "phase": np.array([event.phase for event in events], np.int32),
            "states": [event.state for event in events],
            "reasons": [event.reason for event in events],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says."""
        self._next = state["next"]
        columns = (*(state[name].tolist() for name in ("time", "signal", "kind", "phase")), state["states"], state["reasons"])
        self._unread.clear()
        self._events = [
            SignalEvent(time, signal, SignalEventKind(kind), phase, shown, reason)
            for time, signal, kind, phase, shown, reason in zip(*columns, strict=True)
        ]


def _taken(state: SignalState) -> SignalState:
    """A state that holds the events alone of its own; the buffer of the other is empty afterwards."""
    num = int(state.cursor[EVENTS])
    names = ("event_ms", "event_signal", "event_kind", "event_phase", "event_reason")
    columns: dict[str, Any] = {name: getattr(state, name)[:num].copy() for name in names}
    chars = state.event_chars[: num + 1].copy()
    taken = state._replace(**columns, event_chars=chars, event_state=state.event_state[: int(chars[-1])].copy(), cursor=state.cursor.copy())
    state.cursor[EVENTS] = 0
    return taken
