"""What the verification scenarios share: small streets, vehicles by both programs, SUMO's figures.

The streets are made by netconvert from `nets.toml` and stored, so that the tests need no SUMO. What it gives is in `sumo/`: means and
standard deviations over 20 seeds, or traces. `scripts/test --update-golden tests/verification` makes all of it anew with SUMO.
"""

from __future__ import annotations

import json
import math
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree

from urbanlab.city.readers.sumo import read_sumo
from urbanlab.core.provenance import Provenance
from urbanlab.traffic.outputs.sumo_detectors import write_detectors
from urbanlab.traffic.record import TripState
from urbanlab.traffic.simulation import Simulation

HERE = Path(__file__).parent
VERSION = "1.28.0"
SIDES = {"w": (-300, 0), "e": (300, 0), "n": (0, 300), "s": (0, -300)}
PARTS = (("nodes", "n", "nodes"), ("edges", "e", "edges"), ("connections", "x", "connections"), ("signals", "i", "tlLogics"))
SEEDS_OF_SUMO = 20
NOISE = 4.5
"""Standard errors of the difference of two means that are noise: less than 1 in 100,000 by chance."""

Figures = dict[str, float]
Trips = dict[str, list[tuple[float, ...]]]
Trace = dict[str, dict[float, tuple[str, float, float]]]


def recipe(name: str) -> dict[str, Any]:
    """What netconvert takes; a cross has arms of 300 m, west to east before north to south."""
    net: dict[str, Any] = tomllib.loads((HERE / "nets.toml").read_text())[name]
    if "cross" in net:
        lanes, major = net.get("lanes", 1), net.get("major", 1)
        places = "".join(f'<node id="{arm}" x="{x}" y="{y}"/>' for arm, (x, y) in SIDES.items())
        net["nodes"] = f'<node id="c" x="0" y="0" type="{net["cross"]}"/>{places}'
        net["edges"] = "".join(
            f'<edge id="{a}{b}" from="{a}" to="{b}" numLanes="{lanes}" speed="13.89" priority="{major if arm in "we" else 1}"/>'
            for arm in SIDES
            for a, b in ((arm, "c"), ("c", arm))
        )
    return net


def tool(name: str) -> str:
    """A program of SUMO; tests that need it are skipped where it is not installed."""
    sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
    return str(Path(sumo.SUMO_HOME) / "bin" / name)


def make_net(name: str, folder: Path) -> bytes:
    """The net by netconvert, without what depends on the machine and the day."""
    net = recipe(name)
    command = [tool("netconvert"), "--no-turnarounds", "true", "--junctions.corner-detail", "0", "-o", "net.net.xml"]
    for part, letter, root in PARTS:
        if part in net:
            (folder / part).with_suffix(".xml").write_text(f"<{root}>{net[part]}</{root}>")
            command += [f"-{letter}", f"{part}.xml"]
    subprocess.run([*command, *net.get("options", ())], cwd=folder, check=True, capture_output=True)
    tree = etree.parse(folder / "net.net.xml", etree.XMLParser(remove_comments=True))
    return bytes(etree.tostring(tree.getroot())) + b"\n"


@dataclass(frozen=True)
class Case:
    """Streets and vehicles, in a folder of their own."""

    folder: Path
    net: Path
    end: float
    options: tuple[str, ...] = ()

    @property
    def routes(self) -> Path:
        return self.folder / "r.rou.xml"

    @property
    def additional(self) -> list[Path]:
        return [path] if (path := self.folder / "a.add.xml").is_file() else []


def by_ours(case: Case, seed: int) -> Figures:
    """One run of the engine."""
    trips: Trips = defaultdict(list)
    with Simulation(read_sumo(case.net, [case.routes], case.additional), seed=seed, end=case.end) as run:
        record = run.run().record()
    for k in np.flatnonzero(record.state == TripState.ARRIVED).tolist():
        times = (record.arrival[k] - record.depart[k], record.time_loss[k], record.waiting[k], record.depart[k] - record.depart_wanted[k])
        trips[record.trip_id[k].split(".")[0]].append(times)
    figures = of_trips(trips) | {"teleports": float(record.teleports.sum()), "collisions": float(record.collisions)}
    if record.detectors:
        path = case.folder / "ours.xml"
        write_detectors(path, "loop", record, Provenance("", {}, 1, {}))
        figures |= of_loops(path)
    return figures


def by_sumo(case: Case, seed: int) -> Figures:
    """One run of SUMO."""
    run_sumo(case, seed, "--tripinfo-output", "t.xml", "--statistic-output", "s.xml")
    trips: Trips = defaultdict(list)
    for trip in etree.parse(case.folder / "t.xml").iter("tripinfo"):
        times = tuple(float(trip.get(key)) for key in ("duration", "timeLoss", "waitingTime", "departDelay"))
        trips[trip.get("id").split(".")[0]].append(times)
    statistics = etree.parse(case.folder / "s.xml")
    figures = of_trips(trips)
    figures["teleports"] = float(statistics.find("teleports").get("total"))
    figures["collisions"] = float(statistics.find("safety").get("collisions"))
    loops = case.folder / "e1.xml"
    return figures | (of_loops(loops) if loops.is_file() else {})


def run_sumo(case: Case, seed: int, *outputs: str) -> None:
    command = [
        tool("sumo"),
        "-n",
        str(case.net),
        "-r",
        "r.rou.xml",
        "--end",
        str(case.end),
        "--seed",
        str(seed),
        "--no-step-log",
        *case.options,
    ]
    for path in case.additional:
        command += ["-a", path.name]
    subprocess.run([*command, *outputs], cwd=case.folder, check=True, capture_output=True)


def of_trips(trips: Trips) -> Figures:
    """Number arrived and mean times [s] of each flow."""
    figures: Figures = {}
    for flow, rows in trips.items():
        means = np.mean(rows, axis=0).tolist()
        figures[f"{flow} arrived"] = float(len(rows))
        figures |= {f"{flow} {name}": mean for name, mean in zip(("duration", "loss", "waiting", "delay"), means, strict=True)}
    return figures


def of_loops(path: Path) -> Figures:
    """Vehicles that each loop counted."""
    figures: Figures = defaultdict(float)
    for interval in etree.parse(path).iter("interval"):
        figures[f"loop {interval.get('id')}"] += float(interval.get("nVehContrib"))
    return dict(figures)


def trace_of_ours(case: Case, seed: int = 1) -> Trace:
    """Lane ("" beside the road), position [m] and speed [m/s] of every vehicle at the end of each step, as the figures of its begin."""
    scenario = read_sumo(case.net, [case.routes], case.additional)
    lanes, trace = [*(scenario.network.lane_id(k) for k in range(scenario.network.num_lanes)), ""], Trace()

    def look(run: Simulation) -> None:
        for slot in np.flatnonzero(run.vehicle_of_slot >= 0).tolist():
            vehicle = run.vehicle_of_slot[slot]
            state = lanes[run.lane_of_vehicle[vehicle]], float(run.positions[slot]), float(run.speeds[slot])
            trace.setdefault(run.trip_ids[vehicle], {})[run.time - run.step_length] = state

    with Simulation(scenario, seed=seed, end=case.end) as run:
        run.run(each_step=look)
    return trace


def trace_of_sumo(case: Case, seed: int = 1) -> Trace:
    """The same by SUMO."""
    run_sumo(case, seed, "--fcd-output", "f.xml", "--precision", "4")
    trace: Trace = {}
    for step in etree.parse(case.folder / "f.xml").iter("timestep"):
        for vehicle in step.iter("vehicle"):
            state = vehicle.get("lane"), float(vehicle.get("pos")), float(vehicle.get("speed"))
            trace.setdefault(vehicle.get("id"), {})[float(step.get("time"))] = state
    return trace


@dataclass(frozen=True)
class Verify:
    """Makes cases, runs them and compares with what is stored."""

    folder: Path
    name: str
    update: bool
    stored: dict[str, Any]
    done: list[int] = field(default_factory=list)

    def case(self, net: str, vehicles: str, *, end: float = 3600.0, additional: str = "", options: tuple[str, ...] = ()) -> Case:
        """A street of `nets.toml` with these vehicles and additional elements."""
        self.done.append(1)
        folder = self.folder / str(len(self.done))
        folder.mkdir()
        (folder / "r.rou.xml").write_text(f"<routes>{vehicles}</routes>")
        if additional:
            (folder / "a.add.xml").write_text(f"<additional>{additional}</additional>")
        path = HERE / "nets" / f"{net}.net.xml"
        if self.update:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(make_net(net, folder))
        return Case(folder, path, end, options)

    def agrees(self, case: Case, *, seeds: int = 3, figures: Mapping[str, float], label: str = "") -> None:
        """The means of some figures are SUMO's but for noise and a share of SUMO's mean that is stated for each.

        Noise is 4.5 standard errors of the difference, from SUMO's own spread over 20 seeds.
        """
        key = f"{self.name} {label}".strip()
        if self.update:
            runs = [by_sumo(case, seed) for seed in range(SEEDS_OF_SUMO)]
            values = {name: [run.get(name, 0.0) for run in runs] for name in figures}
            self.stored[key] = {name: [round(float(np.mean(row)), 4), round(float(np.std(row, ddof=1)), 4)] for name, row in values.items()}
        runs = [by_ours(case, seed) for seed in range(100, 100 + seeds)]
        wrong = []
        for name, share in figures.items():
            mean, spread = self.stored[key][name]
            got = float(np.mean([run.get(name, 0.0) for run in runs]))
            allowed = NOISE * spread * math.sqrt(1.0 / seeds + 1.0 / SEEDS_OF_SUMO) + share * abs(mean)
            if abs(got - mean) > allowed:
                wrong.append(f"{name}: {got:.2f}, SUMO {mean:.2f}, allowed {allowed:.2f}")
        assert not wrong, "; ".join(wrong)

    def trace(self, case: Case, seed: int = 1) -> Trace:
        """One run of the engine, step by step."""
        return trace_of_ours(case, seed)

    def agrees_on(self, case: Case, name: str, measure: Callable[[Trace], float], *, share: float, seeds: int = 3) -> None:
        """The same for one figure of traces."""
        if self.update:
            values = [measure(trace_of_sumo(case, seed)) for seed in range(SEEDS_OF_SUMO)]
            self.stored[self.name] = {name: [round(float(np.mean(values)), 4), round(float(np.std(values, ddof=1)), 4)]}
        mean, spread = self.stored[self.name][name]
        got = float(np.mean([measure(trace_of_ours(case, seed)) for seed in range(100, 100 + seeds)]))
        assert abs(got - mean) <= NOISE * spread * math.sqrt(1.0 / seeds + 1.0 / SEEDS_OF_SUMO) + share * abs(mean), (got, mean, spread)

    def same_trace(self, case: Case, within: float = 0.02) -> Trace:
        """Perfect and equal drivers: every vehicle's lane, position and speed as in SUMO at every step; the trace."""
        ours, theirs = trace_of_ours(case), self._stored_trace(case)
        for time, vehicle, (lane, pos, speed) in theirs:
            got = ours.get(vehicle, {}).get(time)
            assert got is not None, f"{vehicle} is not on the road at {time} s, in SUMO on {lane} at {pos} m"
            close = got[0] in (lane, "") and abs(got[1] - pos) <= within and abs(got[2] - speed) <= within
            assert close, f"{vehicle} at {time} s: {got}, in SUMO {(lane, pos, speed)}"
        return ours

    def _stored_trace(self, case: Case) -> list[tuple[float, str, tuple[str, float, float]]]:
        """SUMO's states at every fifth second, from the store."""
        key = f"{self.name} trace {len(self.done)}"
        if self.update:
            trace = trace_of_sumo(case)
            self.stored[key] = {
                vehicle: {f"{time:g}": [lane, round(pos, 2), round(speed, 2)] for time, (lane, pos, speed) in rows.items() if time % 5 == 0}
                for vehicle, rows in trace.items()
            }
        rows = [
            (float(time), vehicle, (str(state[0]), float(state[1]), float(state[2])))
            for vehicle, states in self.stored[key].items()
            for time, state in states.items()
        ]
        return sorted(rows)


@pytest.fixture
def verify(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Cases of this test, and SUMO's figures for them."""
    path = HERE / "sumo" / f"{request.node.path.stem.removeprefix('test_')}.json"
    update = bool(request.config.getoption("--update-golden"))
    stored = json.loads(path.read_text()) if path.is_file() else {"version": VERSION}
    found = Verify(tmp_path, request.node.name, update, stored)
    yield found
    if update and len(stored) > 1:
        path.parent.mkdir(exist_ok=True)
        text = ",\n".join(f"{json.dumps(key)}: {json.dumps(stored[key])}" for key in sorted(stored))
        path.write_text(f"{{\n{text}\n}}\n")


@pytest.fixture(scope="session")
def flow() -> Callable[..., str]:
    """A flow of an hour along edges, at random with a probability per second unless another rate is given."""

    def make(name: str, rate: float | str, edges: str, more: str = 'departLane="best" departSpeed="max"', *, end: int = 3600) -> str:
        every = f'probability="{rate}"' if isinstance(rate, float) else rate
        return f'<flow id="{name}" begin="0" end="{end}" {every} {more}><route edges="{edges}"/></flow>'

    return make
