"""Signals driven alone: the compiled step over lanes that a test fills, and SUMO's own states to compare with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

import urbanlab.traffic.kernels
import urbanlab.traffic.lights  # noqa: F401 - jit.entry wants the packages imported that it hashes
from urbanlab.city.scenario import Scenario
from urbanlab.core import jit
from urbanlab.core.bundle import pack, viewer
from urbanlab.traffic.kernels.state import Lanes, Slots, new_lanes, new_slots
from urbanlab.traffic.lights.interlock import apply_requests, request_states
from urbanlab.traffic.lights.signal_events import drain
from urbanlab.traffic.lights.signal_kernels import step_signals
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState, compile_signals, new_signal_state
from urbanlab.traffic.record import SignalEvent


class Traffic(NamedTuple):
    """Vehicles as signals see them."""

    lanes: Lanes
    slots: Slots
    length: NDArray[np.float64]


_as_plan, _as_state, _as_traffic = viewer(SignalPlan), viewer(SignalState), viewer(Traffic)


@jit.entry(("urbanlab.traffic.lights", "urbanlab.traffic.kernels"))
def run_signals(plan: int, state: int, traffic: int, first: int, num: int) -> int:
    """Do steps of signals alone."""
    p, s, t = _as_plan(plan), _as_state(state), _as_traffic(traffic)
    for step in range(first, first + num):
        step_signals(p, s, t.lanes, t.slots, t.length, step, (p.begin_ms + step * p.step_ms) / 1000.0)
    return num


class Lights:
    """The signals of a scenario in a world of their own."""

    def __init__(self, scenario: Scenario, *, step: float = 1.0, slots: int = 64, **options: Any) -> None:
        network = scenario.network
        self.scenario, self.dt, self.begin = scenario, step, scenario.settings.begin
        self.plan = compile_signals(network, scenario.programs, begin=self.begin, step=step, seed=1, **options)
        self.state = new_signal_state(self.plan)
        types = scenario.demand.vehicle_types
        self.traffic = Traffic(
            new_lanes(np.append(network.lane_speed, 1.0), np.append(network.lane_permissions, 0)),
            new_slots(slots),
            np.array([kind.length for kind in types] or [5.0]),
        )
        self._handles = [pack(self.plan), pack(self.state), pack(self.traffic)]
        self.traffic = self._handles[2].value
        self.step = 0

    @property
    def time(self) -> float:
        return self.begin + self.step * self.dt

    def advance(self, num: int = 1) -> None:
        run_signals(*(handle.address for handle in self._handles), self.step, num)
        self.step += num

    def ask(self, phases: Iterable[int]) -> None:
        apply_requests(self.plan, self.state, np.array(list(phases), np.int64), self.time)

    def ask_states(self, signal: int, states: str) -> bool:
        return request_states(self.plan, self.state, signal, states, self.time)

    def shown(self) -> list[str]:
        text, start = self.state.link_state.tobytes().decode(), self.plan.state_start
        return [text[start[s] : start[s + 1]] for s in range(len(start) - 1)]

    def events(self) -> list[SignalEvent]:
        return drain(self.state)

    def fill(self, vehicles: Iterable[tuple[int, float, float, int]]) -> None:
        """Put (lane, position, speed, vehicle type) on the lanes, and nothing else."""
        lanes, slots = self.traffic.lanes, self.traffic.slots
        lanes.count[:] = 0
        for slot, (lane, pos, speed, kind) in enumerate(sorted(vehicles, key=lambda v: (v[0], -v[1]))):
            if lanes.count[lane] == 0:
                lanes.first[lane] = slot
            lanes.count[lane] += 1
            slots.pos[slot], slots.speed[slot], slots.kind[slot] = pos, speed, kind


@pytest.fixture(scope="session")
def lights() -> type[Lights]:
    """Maker of `Lights`."""
    return Lights


@pytest.fixture(scope="session")
def sumo() -> Callable[..., None]:
    """Run SUMO with options; the test is skipped where it is not installed."""
    found = importlib.util.find_spec("sumo")
    if found is None:
        pytest.skip("SUMO (the package eclipse-sumo) is not installed")
    home = Path(str((found.submodule_search_locations or [""])[0]))

    def run(*arguments: str | Path | float) -> None:
        command = [str(home / "bin" / "sumo"), "--no-step-log", "true", "--no-warnings", "true", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "SUMO_HOME": str(home)})
        assert done.returncode == 0, done.stderr

    return run


@pytest.fixture(scope="session")
def sumo_states(sumo: Callable[..., None]) -> Callable[..., dict[int, dict[str, str]]]:
    """States that SUMO shows second by second: {time [ms]: {signal: state}}."""

    def run(folder: Path, signals: Iterable[str], additional: Iterable[Path], *options: str | Path | float) -> dict[int, dict[str, str]]:
        out, save = folder / "states.xml", folder / "save.add.xml"
        rows = "".join(f'<timedEvent type="SaveTLSStates" source="{name}" dest="{out}"/>' for name in signals)
        save.write_text(f"<additional>{rows}</additional>")
        sumo("-a", ",".join(map(str, [*additional, save])), *options)
        states: dict[int, dict[str, str]] = {}
        for _, element in ElementTree.iterparse(out):
            if element.tag == "tlsState":
                states.setdefault(round(1000 * float(element.attrib["time"])), {})[element.attrib["id"]] = element.attrib["state"]
        return states

    return run
