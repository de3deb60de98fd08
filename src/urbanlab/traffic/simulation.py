"""A run of a scenario: the friendly face of the traffic engine."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.core import jit
from urbanlab.core.control import Controller
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.checkpoint import (
    Checkpoint,
    Started,
    controller_state,
    kept_controller,
    read_checkpoint,
    remember,
    same_scenario,
    write_checkpoint,
)
from urbanlab.traffic.closures import Closures
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.control import ControlLoop, resolve_controller, runs_programs
from urbanlab.traffic.detectors import DetectorLog
from urbanlab.traffic.measures import summarise
from urbanlab.traffic.model import Model, ModelInput, new_model
from urbanlab.traffic.periods import PeriodLog
from urbanlab.traffic.record import RunRecord
from urbanlab.traffic.report_run import make_record
from urbanlab.traffic.rerouting import Rerouting
from urbanlab.traffic.run_times import FIRST_CALL, MAX_CALL, check_times, next_call, require_whole_steps
from urbanlab.traffic.standstill import Standstill

__all__ = ["DEFAULT_SEED", "Simulation"]

T = TypeVar("T", bound=np.generic)
DEFAULT_SEED = 42


class Simulation:
    """One world that runs.

    Parameters
    ----------
    scenario : what to run
    seed : of all draws; None: the source's own, else 42
    begin, end : [s] None: the source's; without any end the run lasts until every vehicle has left
    threads : results do not depend on it
    controller : None or "program": the source's signal programs; a name (`max_pressure:interval=15`); an object
    edges_every : [s] length of the periods of edge totals
    like : a run of the same city, with which the tables of streets are shared; it changes nothing but memory and time

    Raises
    ------
    ConfigError : begin, end, threads, the period or the controller make no sense

    Examples
    --------
    >>> import urbanlab as ul
    >>> from urbanlab.city.synthetic import make
    >>> with ul.Simulation(make("grid:rows=2,cols=2", seed=1), end=60.0) as run:  # doctest: +SKIP
    ...     run.run().summary()["loaded"]
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        begin: float | None = None,
        end: float | None = None,
        threads: int = 1,
        controller: str | Controller | None = None,
        edges_every: float = 900.0,
        like: Simulation | None = None,
    ) -> None:
        started = clock.process_time()
        settings = scenario.settings
        self.scenario = scenario
        self.seed = int(_first(seed, settings.seed, DEFAULT_SEED))
        self.begin = float(_first(begin, settings.begin))
        wanted_end = end if end is not None else settings.end
        self.end = math.inf if wanted_end is None else float(wanted_end)
        self.step_length = settings.step
        self.threads = threads
        self.edges_every = float(edges_every)
        self._asked = (begin, end)
        check_times(self.begin, self.end, self.edges_every, self.step_length, threads)
        if begin is not None or end is not None:
            require_whole_steps(self.begin, self.end, self.step_length)
        chosen = resolve_controller(controller)
        self._named = controller is None or isinstance(controller, str)
        self._controller = chosen
        self.controller_name = controller if isinstance(controller, str) else "program" if controller is None else type(controller).__name__
        self.model: Model = new_model(self._input(chosen, None if like is None else like.model))
        self.commands = Commands(self)
        self.closures, self.rerouting = Closures(self), Rerouting(self)
        self.control = ControlLoop(self, chosen)
        self.detectors = DetectorLog(self)
        self._periods = PeriodLog(scenario.network, self.begin, self.edges_every)
        self._step = 0
        self._over = False
        self._at_rest, self._can_be_kept = True, False
        self._standstill = Standstill(self) if math.isinf(self.end) else None
        self.wall_s = self.cpu_s = 0.0
        warm = clock.process_time()
        self.model.warm_up()
        self.compile_s = clock.process_time() - warm
        self.load_s = warm - started

    def _input(self, chosen: Controller | None, like: Model | None) -> ModelInput:
        """Controllers and commands pass the interlock, programs do not; CityFlow networks have their own rule (DESIGN 4)."""
        controlled = chosen is not None and not runs_programs(chosen)
        return ModelInput(
            scenario=self.scenario,
            seed=self.seed,
            begin=self.begin,
            end=self.end,
            threads=self.threads,
            mode="enforce" if self.scenario.programs.source != "cityflow" else "source",
            controlled=controlled,
            static=runs_programs(chosen),
            yellow=chosen.yellow if chosen is not None and controlled else None,
            like=like,
        )

    # --- running -------------------------------------------------------------------------------------------------

    @property
    def time(self) -> float:
        """[s] start of the next step."""
        return self.begin + self._step * self.step_length

    @property
    def steps_done(self) -> int:
        """Steps since the begin."""
        return self._step

    @property
    def ended(self) -> bool:
        """Whether the run has reached its end, or every vehicle its own."""
        return self._over or self._step >= self._last_step()

    def _last_step(self) -> float:
        return self.step_at(self.end)

    def step_at(self, time: float) -> float:
        """Index of the first step that starts at a time [s] or later."""
        return math.inf if math.isinf(time) else math.ceil((time - self.begin) / self.step_length - 1e-9)

    def step(self) -> Simulation:
        """Do one step."""
        return self.run(self.time + self.step_length)

    def run(
        self,
        until: float | None = None,
        *,
        progress: Callable[[Simulation], None] | None = None,
        each_step: Callable[[Simulation], None] | None = None,
    ) -> Simulation:
        """Run until a time [s], at most until the end.

        Parameters
        ----------
        until : [s] None: the end
        progress : called several times a second; what it raises leaves the run at a whole step
        each_step : called after every step, which is slower

        Returns
        -------
        self, so that calls can be chained
        """
        stop = self.stop_at(until)
        longest = MAX_CALL if each_step is None else 1
        jit.set_threads(self.threads)
        size = FIRST_CALL
        while self.goes_on(stop):
            started, cpu = clock.perf_counter(), clock.process_time()
            wanted = self.before_call(min(size, longest, stop - self._step))
            done = self.model.advance(wanted, until_empty=self.until_empty)
            self.after_call(wanted, done)
            if each_step is not None and done:
                each_step(self)
            took = clock.perf_counter() - started
            self.wall_s += took
            self.cpu_s += clock.process_time() - cpu
            size = next_call(size, took)
            if progress is not None:
                progress(self)
        return self

    def stop_at(self, until: float | None) -> float:
        """Index of the step before which a call of `run` with this argument stops; who will be added makes a run that was over go on."""
        self._over = self._over and not self.commands.adds_later
        return self._last_step() if until is None else min(self._last_step(), self.step_at(until))

    def goes_on(self, stop: float) -> bool:
        """Is there a step to do before the step `stop`?"""
        return self._step < stop and not self._over

    @property
    def until_empty(self) -> bool:
        """Whether the run is over once every vehicle has left."""
        return math.isinf(self.end) and not self.commands.adds_later

    def before_call(self, most: float) -> int:
        """Commands, controllers and drivers act; the steps until somebody does again, at most `most`."""
        self._at_rest = False
        self.commands.apply(self._step, self.time)
        self.rerouting.act(self._step, self.time)
        self.control.act(self._step, self.time)
        return int(min(most, *self._due_in()))

    def after_call(self, wanted: int, done: int) -> None:
        """What the steps have left behind is collected."""
        self._step += done
        self._over = done < wanted or (self._standstill is not None and self._standstill.is_hopeless(self, self._step))
        self.control.collect()
        self._periods.close_if_due(self.model, self.time)
        self.detectors.close_if_due(self.time)
        self._at_rest = True

    def _due_in(self) -> tuple[float, float, float]:
        """Steps until somebody decides or commands, until the end of a period and until the next look for a standstill."""
        due = min(self._periods.due, self.detectors.due)
        period = math.ceil((due - self.time) / self.step_length - 1e-9)
        look = math.inf if self._standstill is None else self._standstill.due_in(self._step)
        asked = min(self.control.next_step(), self.commands.next_step(), self.rerouting.next_step()) - self._step
        return max(1, asked), max(1, period), look

    # --- results -------------------------------------------------------------------------------------------------

    def record(self) -> RunRecord:
        """Everything the run has left behind so far."""
        return make_record(self, self._periods)

    def summary(self) -> dict[str, Any]:
        """The figures of `summary.json` so far."""
        return summarise(self.record())

    # --- keeping ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, notes: dict[str, Any] | None = None) -> Path:
        """Write where the run stands to a file, from which `load` goes on with the same bits.

        Parameters
        ----------
        path : of the file, which is there whole or not at all
        notes : plain values of the caller, kept beside the run

        Raises
        ------
        OutputError : it can't be written
        ConfigError : the controller can't be kept, or a step is under way
        """
        if not self._at_rest:
            raise ConfigError("a run can't be kept in the middle of a step", expected="between two steps, such as in each_step")
        asked = self._controller if self.control.controller is not None or not self._named else None
        controller = controller_state(asked, self.controller_name, checked=self._can_be_kept)
        begin, end = self._asked
        settings = {
            "seed": self.seed, "begin": begin, "end": end, "threads": self.threads, "edges_every": self.edges_every,
            "controller": self.controller_name, "controller_is_named": self._named, "time": self.time, "step": self._step,
        }  # fmt: skip
        parts = {"run": settings, "controller": controller, "state": self._state(), "notes": notes or {}}
        write_checkpoint(Path(path), self.scenario, parts)
        self._can_be_kept = True
        return Path(path)

    @classmethod
    def load(
        cls,
        path: str | Path | Checkpoint,
        *,
        scenario: Scenario | None = None,
        controller: Controller | None = None,
        threads: int | None = None,
        allow_pickle: bool = False,
    ) -> Simulation:
        """The run that `save` has written, to go on with; commands still to come and open periods included.

        Parameters
        ----------
        path : of the file, or what `read_checkpoint` has made of it
        scenario : None: read again from its files
        controller : for a controller that was given as an object and has `save_state`; None: as it was
        threads : None: as before
        allow_pickle : read a controller without `save_state`. A pickle can run any code: only from files that you wrote yourself

        Raises
        ------
        FileError : the file is missing, no checkpoint, of another version or damaged
        ConfigError : the scenario or the controller is another one, or the controller is a pickle
        """
        kept = path if isinstance(path, Checkpoint) else read_checkpoint(Path(path))
        settings = kept.run
        run = cls(
            same_scenario(kept, scenario),
            seed=settings["seed"],
            begin=settings["begin"],
            end=settings["end"],
            threads=settings["threads"] if threads is None else threads,
            controller=kept_controller(kept, controller, allow_pickle=allow_pickle),
            edges_every=settings["edges_every"],
        )
        run._go_on(kept)
        return run

    def _go_on(self, kept: Checkpoint) -> None:
        """Stand where a checkpoint stands."""
        if isinstance(self._controller, Started):
            self._controller = self._controller.controller
            self.control.adopt(self._controller, kept.run["controller"])
        elif self._controller is not None and kept.controller["kind"] == "state":
            remember(self._controller, kept)
        self.controller_name, self._named = kept.run["controller"], kept.run["controller_is_named"]
        self._restore(kept.state)

    def _state(self) -> dict[str, Any]:
        """Everything that evolves, as arrays and plain values."""
        return {
            "step": self._step, "over": self._over, "wall_s": self.wall_s, "cpu_s": self.cpu_s,
            "model": self.model.state(), "commands": self.commands.state(), "closures": self.closures.active,
            "rerouting": self.rerouting.state(), "control": self.control.state(), "detectors": self.detectors.state(),
            "periods": self._periods.state(), "standstill": None if self._standstill is None else self._standstill.state(),
        }  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        """Stand where `_state` says; closures first, since they watch lanes of the world that the model then exchanges."""
        self._step, self._over, self.wall_s, self.cpu_s = (state[name] for name in ("step", "over", "wall_s", "cpu_s"))
        self.closures.restore(state["closures"])
        self.model.restore(state["model"])
        self.commands.restore(state["commands"])
        self.rerouting.restore(state["rerouting"])
        self.control.restore(state["control"])
        self.detectors.restore(state["detectors"])
        self._periods.restore(state["periods"])
        if self._standstill is not None:
            self._standstill.restore(state["standstill"])

    # --- views: valid until the next step --------------------------------------------------------------------------

    @property
    def positions(self) -> NDArray[np.float64]:
        """(N,) [m] front of the vehicle in each slot, from the start of its lane; see `vehicle_of_slot`."""
        return _read_only(self.model.positions)

    @property
    def speeds(self) -> NDArray[np.float64]:
        """(N,) [m/s] by slot."""
        return _read_only(self.model.speeds)

    @property
    def vehicle_of_slot(self) -> NDArray[np.int32]:
        """(N,) trip in each slot, -1 empty."""
        return _read_only(self.model.vehicle_of_slot)

    @property
    def lane_of_vehicle(self) -> NDArray[np.int32]:
        """(V,) lane of each trip, -1 not on the road."""
        return _read_only(self.model.lane_of_vehicle)

    @property
    def signal_states(self) -> NDArray[np.uint8]:
        """(K,) character each signal link shows, signals one after another."""
        return _read_only(self.model.signal_state.link_state)

    @property
    def trip_ids(self) -> list[str]:
        """Identifier of each trip."""
        return self.model.expanded.trip_id

    def close(self) -> None:
        """Give the memory of the world back."""
        self.model.close()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _read_only(array: NDArray[T]) -> NDArray[T]:
    """A view that nobody can write through."""
    view = array.view()
    view.flags.writeable = False
    return view


def _first(*values: float | None) -> float:
    """The first value that is given."""
    return next(value for value in values if value is not None)
