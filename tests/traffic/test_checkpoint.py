"""A run that is kept and goes on: the same bits as the undisturbed one, whatever evolves in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import urbanlab as ul
from urbanlab.city.program import ProgramType
from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.city.scenario import Closure, Detector, Scenario
from urbanlab.city.synthetic import make
from urbanlab.city.writers.sumo import write_sumo
from urbanlab.core.archive import read_archive, write_archive
from urbanlab.core.bundle import Handle
from urbanlab.core.bundle_tree import tree_of
from urbanlab.core.control import KEEP
from urbanlab.core.errors import ConfigError, ControllerError, FileError
from urbanlab.traffic import street
from urbanlab.traffic.checkpoint import CHECKPOINT_SCHEMA
from urbanlab.traffic.cityflow import model as cityflow
from urbanlab.traffic.outputs.tables import detectors_table, edge_tables, signals_table, trips_table
from urbanlab.traffic.simulation import Simulation
from urbanlab.traffic.street_calls import StreetCalls

CROSS = Path(__file__).parents[1] / "city" / "files" / "cityflow_cross"
END = 240.0
SPARE = {"_rooms", "_graphs", "_inside", "_trip_of_id", "_orders", "_told", "_can_be_kept", "items", "scenario", "_scenario"}
"""Attributes that are caches, callbacks or scratch, or what both runs share."""

COST = {"wall_s", "cpu_s", "load_s", "compile_s"}


# --- scenarios in which everything happens ---------------------------------------------------------------------------


def busy() -> Scenario:
    """Actuated signals, a closure, a speed sign, detectors of each kind, drivers who look again, some by stops."""
    city = make("grid:rows=3,cols=3,trips=500,duration=200", seed=2)
    network, programs = city.network, city.programs
    green = np.array(["y" not in state and "g" in state.lower() for state in programs.phase_state])
    actuated = replace(
        programs,
        program_type=np.full(len(programs.program_type), ProgramType.ACTUATED, np.uint8),
        phase_min=np.where(green, 5.0, programs.phase_duration),
        phase_max=np.where(green, 40.0, programs.phase_duration),
    )
    lanes = tuple(range(network.edge_first_lane[10], network.edge_first_lane[11]))
    streets = tuple(edge for edge in range(network.num_edges) if network.edge_function[edge] == 0)
    lane, other = int(network.edge_first_lane[4]), int(network.edge_first_lane[6])
    options = {"device.rerouting.probability": "0.5", "device.rerouting.period": "40", "device.rerouting.adaptation-steps": "20"}
    return replace(
        city,
        programs=actuated,
        settings=replace(city.settings, teleport_after=60.0, options=options),
        closures=(
            Closure(lanes, begin=35.0, end=150.0, reroute_edges=streets, probability=0.7),
            Closure((lane,), begin=20.0, end=1e6, speed=4.0),
        ),
        detectors=(
            Detector("loop", "loop", lane, pos=80.0, period=45.0),
            Detector("area", "area", lane, pos=20.0, length=60.0, period=45.0),
            Detector("probe", "probe", lane, pos=10.0, period=50.0, end_lane=other, end_pos=20.0),
        ),
    )


def command(run: Simulation) -> None:
    """Orders of all kinds, some at once and some for later."""
    network, orders, first = run.scenario.network, run.commands, run.trip_ids[0]
    names = [name for name, function in zip(network.edge_id, network.edge_function, strict=True) if function == 0]
    orders.request_phase(network.signal_id[0], 0, at=10.0)
    orders.show_states(network.signal_id[1], "r" * len(run.scenario.programs.phase_state[0]), at=90.0)
    orders.close_lane(f"{names[3]}_0", allow=["bus"], at=30.0, until=130.0)
    orders.set_speed_limit(f"{names[5]}_0", 7.0, at=50.0)
    orders.add_trip("visitor", names[0], names[-1], at=15.0)
    orders.add_vehicle("guest", [names[2]], at=70.0)
    orders.reroute_fastest("visitor", destination=names[7], at=40.0)
    orders.remove_vehicle(first, at=60.0)
    orders.resume_vehicle("visitor", at=200.0)


class Learner:
    """Asks for what it draws and remembers; kept as a pickle."""

    interval, yellow = 5.0, None

    def start(self, layout: Any, *, seed: int) -> None:
        self.started = getattr(self, "started", 0) + 1
        self.random = np.random.default_rng(seed)
        self.phases = np.diff(layout.phase_start)
        self.seen: list[float] = []

    def decide(self, view: Any) -> Any:
        self.seen.append(float(view.lane_halting.sum()))
        wish = (self.random.random(len(self.phases)) * self.phases).astype(np.int32)
        return np.where(self.random.random(len(wish)) < 0.5, KEEP, wish).astype(np.int32)


class Teller(Learner):
    """Tells what it remembers itself."""

    def save_state(self) -> Any:
        return {"seen": self.seen, "random": self.random.bit_generator.state, 7: np.arange(3)}

    def load_state(self, state: Any) -> None:
        assert np.array_equal(state[7], [0, 1, 2])
        self.seen, self.random.bit_generator.state = state["seen"], state["random"]


CASES: dict[str, Callable[[], tuple[Scenario, Any]]] = {
    "busy": lambda: (busy(), None),
    "max_pressure": lambda: (make("grid:rows=2,cols=2,trips=300,duration=200", seed=1), "max_pressure:interval=5"),
    "pickled": lambda: (make("grid:rows=2,cols=2,trips=300,duration=200", seed=1), Learner()),
    "telling": lambda: (make("grid:rows=2,cols=2,trips=300,duration=200", seed=1), Teller()),
    "cityflow": lambda: (read_cityflow(CROSS), "max_pressure:interval=10,yellow=5,phases=1-2"),
    "cityflow program": lambda: (read_cityflow(CROSS), None),
}


def begun(case: str, **options: Any) -> Simulation:
    scenario, controller = CASES[case]()
    run = Simulation(scenario, **({"seed": 5, "end": END, "edges_every": 50.0, "controller": controller} | options))
    if case == "busy":
        command(run)
    return run


def kept(run: Simulation, path: Path, **options: Any) -> Simulation:
    """The run as it comes back from a file, with scratch that nobody may rely on."""
    run.save(path)
    given = {"controller": Teller()} if isinstance(run._controller, Teller) else {}
    again = Simulation.load(path, scenario=run.scenario, allow_pickle=isinstance(run._controller, Learner), **given, **options)
    if isinstance(again.model, street.StreetModel):
        for name in street.SCRATCH:
            for column in getattr(again.model.world, name):
                column[:] = 7
    return again


# --- comparing whatever there is -------------------------------------------------------------------------------------


def differences(  # noqa: PLR0911 - one line a kind
    one: Any, two: Any, place: str = "run", seen: set[tuple[int, int]] | None = None
) -> list[str]:
    """Where two objects differ, down to the last bit of every array that can be reached."""
    seen = set() if seen is None else seen
    if one is two or (id(one), id(two)) in seen:
        return []
    seen.add((id(one), id(two)))
    if type(one) is not type(two) or isinstance(one, Handle | StreetCalls) or (callable(one) and not hasattr(one, "__dict__")):
        return [] if type(one) is type(two) else [f"{place}: {type(one).__name__}, {type(two).__name__}"]
    if isinstance(one, np.ndarray):
        same = one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
        return [] if same else [f"{place}: {one.dtype}{one.shape} {two.dtype}{two.shape}"]
    if isinstance(one, dict):
        parts = [(f"[{key}]", one[key], two.get(key)) for key in one]
        return ([] if list(one) == list(two) else [f"{place}: keys"]) + _all(parts, place, seen)
    if isinstance(one, list | tuple):
        names = [f".{name}" for name in getattr(one, "_fields", ())] or [f"[{n}]" for n in range(len(one))]
        wanted = [part for part in zip(names, one, two, strict=False) if part[0][1:] not in SPARE]
        return ([] if len(one) == len(two) else [f"{place}: length"]) + _all(wanted, place, seen)
    if type(one).__module__ == "numpy.random._generator":
        return differences(one.bit_generator.state, two.bit_generator.state, place, seen)
    if hasattr(one, "__dict__") and not isinstance(one, Enum):
        return differences(vars(one), vars(two), place, seen)
    return [] if one == two else [f"{place}: {one!r}, {two!r}"]


def _all(parts: list[tuple[str, Any, Any]], place: str, seen: set[tuple[int, int]]) -> list[str]:
    return [
        text
        for name, one, two in parts
        if name.strip(".[]") not in SPARE | COST and not callable(one)
        for text in differences(one, two, place + name, seen)
    ]


def tables(run: Simulation) -> list[Any]:
    record = run.record()
    return [trips_table(record), *edge_tables(record), signals_table(record), detectors_table(record)]


# --- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_run_that_is_kept_again_and_again_is_the_undisturbed_one(case: str, tmp_path: Path) -> None:
    undisturbed, other = begun(case), begun(case)
    static = cityflow.STATIC if case.startswith("cityflow") else street.STATIC
    before = {name: digest(tree_of(getattr(undisturbed.model.world, name))) for name in static}  # type: ignore[attr-defined]
    gaps = (1, 1, 6, 13, 9, 5, 17, 14, 20, 3, 33)
    time = 0.0
    for gap in gaps:
        other = kept(other, tmp_path / "kept")
        assert differences(undisturbed, other) == []
        time += gap
        undisturbed.run(time)
        other.run(time)
    undisturbed.run()
    other = kept(other.run(), tmp_path / "kept")
    assert differences(undisturbed, other) == []
    assert all(one.equals(two) for one, two in zip(tables(undisturbed), tables(other), strict=True))
    assert undisturbed.commands.log == other.commands.log
    assert {name: digest(tree_of(getattr(undisturbed.model.world, name))) for name in static} == before  # type: ignore[attr-defined]
    if case == "busy":
        assert {entry.source for entry in other.commands.log} == {"command", "scenario", "rerouting"}
        assert undisturbed.summary()["removed"] == 1 and undisturbed.summary()["loaded"] > 450


def digest(tree: dict[str, Any]) -> str:
    total = hashlib.sha256()
    for name, value in tree.items():
        total.update(name.encode() + (digest(value).encode() if isinstance(value, dict) else np.asarray(value).tobytes()))
    return total.hexdigest()


def test_slots_that_run_out_between_checkpoints_and_at_them_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The world begins with room for a thousand vehicles or so; here more drive."""
    scenario = make("grid:rows=2,cols=2,trips=4000,duration=100,lanes=3", seed=1)
    monkeypatch.setattr("urbanlab.traffic.build.FIRST_SLOTS", 8)
    runs = [Simulation(scenario, seed=1, end=80.0) for _ in range(2)]
    sizes = set()
    while not runs[0].ended:
        runs = [runs[0].run(runs[0].time + 5.0), kept(runs[1].run(runs[1].time + 5.0), tmp_path / "kept")]
        sizes.add(len(runs[0].positions))
        assert differences(*runs) == []
    assert len(sizes) > 3


@pytest.mark.parametrize("threads", [1, 2])
def test_another_process_goes_on_with_any_number_of_threads(threads: int, tmp_path: Path) -> None:
    source = write_sumo(make("grid:rows=3,cols=3,trips=400,duration=200", seed=4), tmp_path)
    run = Simulation(ul.load(source), end=END, threads=3 - threads)
    run.run(100.0).save(tmp_path / "kept")
    code = (
        "import sys, hashlib; import urbanlab as ul\n"
        f"run = ul.Simulation.load(sys.argv[1], threads={threads}).run()\n"
        "sys.stdout.write(hashlib.sha256(b''.join(column.tobytes() for column in run.model.results())).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "kept")], capture_output=True, text=True, check=False, cwd="/", env={**os.environ}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == hashlib.sha256(b"".join(column.tobytes() for column in run.run().model.results())).hexdigest()


def test_threads_may_change_at_every_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that a street model can do: closures, detectors, commands, drivers who look again."""
    monkeypatch.setitem(globals(), "COST", COST | {"threads", "moved"})  # the latter: scratch of the threads
    one, two, changing = begun("busy"), begun("busy", threads=2), begun("busy")
    for n in range(6):
        changing = kept(changing, tmp_path / "kept", threads=1 + n % 2)
        for run in (one, two, changing):
            run.run(37.0 * (n + 1))
        assert differences(one, two) == []
        assert differences(one, changing) == []
    assert all(one.equals(two) for one, two in zip(tables(one.run()), tables(changing.run()), strict=True))


def test_run_without_an_end_goes_on_to_the_same_end(tmp_path: Path) -> None:
    scenario = make("grid:rows=2,cols=2,trips=60,duration=100", seed=3)
    scenario = replace(scenario, settings=replace(scenario.settings, end=None))
    one, two = Simulation(scenario, seed=1), Simulation(scenario, seed=1)
    two = kept(two.run(77.0), tmp_path / "kept").run(500.0)
    one, two = one.run(), kept(two, tmp_path / "kept").run()
    assert one.ended and two.ended and one.time == two.time < 1000.0
    assert differences(one, two) == []


def test_every_part_of_a_world_is_kept_static_or_scratch() -> None:
    for case, left_out in (("busy", street.STATIC + street.SCRATCH), ("cityflow", cityflow.STATIC)):
        model: Any = begun(case).model
        assert set(model.state()["world"]) | set(left_out) == set(model.world._fields)
        assert set(model.state()["world"]) & set(left_out) == set()


def test_arrays_that_two_parts_share_are_one_array_again(tmp_path: Path) -> None:
    run = kept(begun("busy").run(50.0), tmp_path / "kept")
    assert isinstance(run.model, street.StreetModel)
    assert run.model.world.links.signal_state is run.model.signal_state.link_state


# --- what can't be kept, or gone on with -----------------------------------------------------------------------------


def test_step_under_way_can_not_be_kept(tmp_path: Path) -> None:
    class Saver(Learner):
        def decide(self, view: Any) -> Any:
            run.save(tmp_path / "kept")
            return super().decide(view)

    run = Simulation(make("grid:rows=2,cols=2,trips=30", seed=1), end=10.0, controller=Saver())
    with pytest.raises(ConfigError, match="in the middle of a step"):
        run.run()
    assert list(tmp_path.iterdir()) == []


def test_controllers_that_can_not_be_kept_are_told_before_the_first_step(tmp_path: Path) -> None:
    city = make("grid:rows=2,cols=2,trips=30", seed=1)

    class Locked(Learner):
        def start(self, layout: Any, *, seed: int) -> None:
            super().start(layout, seed=seed)
            self.lock = threading.Lock()

    class Vague(Teller):
        def save_state(self) -> Any:
            return {"what": [1, object()]}

    with pytest.raises(ConfigError, match="controller 'Locked' can't be kept in a checkpoint") as caught:
        Simulation(city, end=10.0, controller=Locked()).save(tmp_path / "kept")
    assert "save_state" in caught.value.hint
    with pytest.raises(ConfigError, match="state of the controller can't be kept") as caught:
        Simulation(city, end=10.0, controller=Vague()).save(tmp_path / "kept")
    assert caught.value.got == "controller.state.what[1] is a object"
    holder = Learner()
    run = Simulation(city, end=10.0, controller=holder)
    holder.run = run  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="a running world can't be copied or pickled"):
        run.save(tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


def test_pickle_is_read_only_by_leave_and_a_started_controller_is_not_started_again(tmp_path: Path) -> None:
    run = begun("pickled").run(30.0)
    run.save(tmp_path / "kept")
    with pytest.raises(ConfigError, match="kept as a pickle, which can run any code"):
        Simulation.load(tmp_path / "kept", scenario=run.scenario)
    again = Simulation.load(tmp_path / "kept", scenario=run.scenario, allow_pickle=True)
    assert again._controller.started == 1 and again.controller_name == "Learner"  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="keeps its controller"):
        Simulation.load(tmp_path / "kept", scenario=run.scenario, controller=Learner())


def test_controller_of_another_package_comes_back_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Teller):
        def decide(self, view: Any) -> Any:
            if view.time >= 40.0:
                raise ValueError("no idea")
            return super().decide(view)

    for kind in (Learner, Forgetful):
        monkeypatch.setattr("urbanlab.core.registry.resolve", lambda *_, kind=kind: kind)
        city = make("grid:rows=2,cols=2,trips=300,duration=200", seed=1)
        runs = [Simulation(city, seed=5, end=END, controller="plug_in") for _ in range(2)]
        runs[1].run(30.0).save(tmp_path / "kept")
        runs[1] = Simulation.load(tmp_path / "kept", scenario=city, allow_pickle=True)
        assert runs[1].controller_name == "plug_in"
        assert differences(runs[0].run(35.0), runs[1].run(35.0)) == []
    with pytest.raises(ControllerError, match="controller 'plug_in' failed in decide at 40 s: ValueError: no idea"):
        runs[1].run()


def test_object_that_tells_its_state_has_to_be_given_again(tmp_path: Path) -> None:
    run = begun("telling").run(30.0)
    run.save(tmp_path / "kept")
    with pytest.raises(ConfigError, match="controller 'Teller' has to be given"):
        Simulation.load(tmp_path / "kept", scenario=run.scenario)
    with pytest.raises(ConfigError, match="keeps its controller"):
        Simulation.load(tmp_path / "kept", scenario=run.scenario, controller=Learner())


def test_built_in_controllers_need_no_pickle(tmp_path: Path) -> None:
    for controller in (None, "fixed", "max_pressure"):
        run = Simulation(make("grid:rows=2,cols=2,trips=30", seed=1), end=60.0, controller=controller)
        run.run(20.0).save(tmp_path / "kept")
        assert read_archive(tmp_path / "kept", CHECKPOINT_SCHEMA)["controller"]["kind"] != "pickle"
        assert Simulation.load(tmp_path / "kept", scenario=run.scenario).controller_name == (controller or "program")


def test_scenario_is_read_again_and_one_that_has_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_sumo(make("grid:rows=2,cols=2,trips=60", seed=4), tmp_path)
    monkeypatch.chdir(tmp_path)
    scenario = ul.load(source.name, begin=10.0)
    Simulation(scenario, end=100.0).run(50.0).save("kept")
    monkeypatch.chdir("/")
    assert Simulation.load(tmp_path / "kept").run().ended
    changed = replace(scenario, settings=replace(scenario.settings, teleport_after=10.0))
    with pytest.raises(ConfigError, match="not the one of the checkpoint"):
        Simulation.load(tmp_path / "kept", scenario=changed)
    routes = source.with_name(source.name.replace("sumocfg", "rou.xml"))
    routes.write_text(routes.read_text().replace('depart="', 'depart="1', 1))
    with pytest.raises(ConfigError, match="files have changed") as caught:
        Simulation.load(tmp_path / "kept")
    assert len(caught.value.items) == 1 and routes.name in caught.value.items[0]


def test_scenario_that_was_made_has_to_be_given(tmp_path: Path) -> None:
    Simulation(make("grid:rows=2,cols=2,trips=30", seed=1), end=10.0).save(tmp_path / "kept")
    with pytest.raises(ConfigError, match="was not read from files"):
        Simulation.load(tmp_path / "kept")
    assert not Simulation.load(tmp_path / "kept", scenario=make("grid:rows=2,cols=2,trips=30", seed=1)).ended


def test_other_versions_are_named(tmp_path: Path) -> None:
    run = Simulation(make("grid:rows=2,cols=2,trips=30", seed=1), end=10.0)
    run.save(tmp_path / "kept")
    content = read_archive(tmp_path / "kept", CHECKPOINT_SCHEMA)
    write_archive(tmp_path / "older", CHECKPOINT_SCHEMA, content | {"engine": "other", "urbanlab_version": "0.0.1"})
    with pytest.raises(FileError, match="another version of urbanlab") as caught:
        Simulation.load(tmp_path / "older", scenario=run.scenario)
    assert "0.0.1" in str(caught.value.got)
    write_archive(tmp_path / "newer", "urbanlab/checkpoint/2", content)
    with pytest.raises(FileError, match="written by a newer urbanlab"):
        Simulation.load(tmp_path / "newer", scenario=run.scenario)
    write_archive(tmp_path / "empty", CHECKPOINT_SCHEMA, {})
    with pytest.raises(FileError, match="other parts than it should"):
        Simulation.load(tmp_path / "empty", scenario=run.scenario)
    del content["state"]["model"]["world"]["slots"]["speed"]
    write_archive(tmp_path / "lacking", CHECKPOINT_SCHEMA, content)
    with pytest.raises(FileError, match=r"other parts than 'World\.slots'"):
        Simulation.load(tmp_path / "lacking", scenario=run.scenario)


def test_fingerprint_tells_every_field_of_a_scenario(tmp_path: Path) -> None:
    scenario = busy()
    assert scenario.fingerprint == busy().fingerprint == replace(scenario, name="other", source="x").fingerprint
    for part in ("network", "programs", "demand", "settings"):
        whole = getattr(scenario, part)
        assert is_dataclass(whole)
        for entry in fields(whole):
            value = getattr(whole, entry.name)
            if isinstance(value, np.ndarray) and value.size:
                other = value.copy()
                other.flat[-1] = not other.flat[-1] if value.dtype == bool else 97
                assert replace(scenario, **{part: replace(whole, **{entry.name: other})}).fingerprint != scenario.fingerprint, entry.name
    assert replace(scenario, detectors=scenario.detectors[:2]).fingerprint != scenario.fingerprint
    assert replace(scenario, closures=()).fingerprint != scenario.fingerprint
