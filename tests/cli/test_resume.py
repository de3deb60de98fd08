"""`urbanlab simulate --checkpoint-every`, `--resume`: killed at any moment, a run goes on to the tables of the undisturbed one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from urbanlab.city.synthetic import make
from urbanlab.city.writers.sumo import write_sumo
from urbanlab.cli import long_run
from urbanlab.cli import simulate as command
from urbanlab.cli.main import run
from urbanlab.core.unfinished import checkpoints_in

Capture = pytest.CaptureFixture[str]
TABLES = ("trips.parquet", "edges.parquet", "signals.parquet")
CROSS = Path(__file__).parents[1] / "city" / "files" / "cityflow_cross"
OPTIONS = ("--end", "600", "--controller", "max_pressure", "--seed", "7", "--edges-every", "100", "--sumo-outputs")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of SUMO with ten minutes of demand."""
    return write_sumo(make("grid:rows=3,cols=3,trips=600,duration=500", seed=3), tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def undisturbed(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert simulate(city, folder, *OPTIONS) == 0
    return folder


def simulate(source: Path, out: Path, *options: str) -> int:
    return run(["simulate", str(source), "--out", str(out), *options])


def without_head(path: Path) -> str:
    """A file of SUMO's without the comment that says where it comes from."""
    return "".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("<!-- written by"))


def assert_same(one: Path, two: Path) -> None:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    for name in names:
        if name in TABLES:
            assert pq.read_table(one / name).equals(pq.read_table(two / name)), name
        elif name.endswith(".xml"):
            assert without_head(one / name) == without_head(two / name), name
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (one, two)]
    aside = {"threads", "load_s", "compile_s", "wall_s", "cpu_s", "peak_rss_bytes", "vehicle_steps_per_s", "real_time_factor", "provenance"}
    assert [{key: value for key, value in summary.items() if key not in aside} for summary in summaries[:1]] == [
        {key: value for key, value in summary.items() if key not in aside} for summary in summaries[1:]
    ]


def hidden(parent: Path) -> Path:
    (found,) = [path for path in parent.iterdir() if path.name.startswith(".")]
    return found


def stop_at(monkeypatch: pytest.MonkeyPatch, time: float, *numbers: int) -> None:
    """Send this process signals when the run is at a time [s] or later."""
    left = list(numbers)

    def show(self: object, run: Any) -> None:
        while left and run.time >= time:
            os.kill(os.getpid(), left.pop(0))

    monkeypatch.setattr(command._Bar, "show", show)


def killed(source: Path, out: Path, *options: str, code: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, after some Python code."""
    arguments = ["simulate", str(source), "--out", str(out), *options]
    text = f"import os, sys, threading, time\n{code}\nfrom urbanlab.cli.main import run\nsys.exit(run({arguments!r}))"
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)


AT_TIME = "from urbanlab.cli import simulate\nsimulate._Bar.show = lambda self, run: run.time >= {time} and os.kill(os.getpid(), 9)"
AFTER = (
    "from urbanlab.cli import long_run, simulate\nbegin = long_run.Checkpoints.__init__\n"
    "def wait():\n    time.sleep({delay})\n    os.kill(os.getpid(), 9)\n"
    "def started(self, *args, **options):\n    threading.Thread(target=wait, daemon=True).start()\n    begin(self, *args, **options)\n"
    "long_run.Checkpoints.__init__ = started"
)


# --- killed ----------------------------------------------------------------------------------------------------------


def test_run_that_is_killed_at_random_moments_ends_in_the_same_tables(city: Path, undisturbed: Path, tmp_path: Path) -> None:
    moments = random.Random(5)
    options, kills = [*OPTIONS, "--checkpoint-every", "20"], 0
    for attempt in range(4):
        code = AFTER.format(delay=moments.uniform(0.0, 0.35))
        done = killed(city, tmp_path / "run", *options, *(["--resume"] if attempt else []), code=code)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        kills += done.returncode != 0
    assert kills
    assert simulate(city, tmp_path / "run", "--resume", *options) == 0
    assert_same(undisturbed, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_resumed_run_needs_no_option_but_the_folder(city: Path, undisturbed: Path, tmp_path: Path, capsys: Capture) -> None:
    assert killed(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "50", code=AT_TIME.format(time=230)).returncode == -9
    assert [path.name for path in tmp_path.iterdir()] == [hidden(tmp_path).name]
    assert [path.name for path in checkpoints_in(hidden(tmp_path))] == ["checkpoint-000000000200", "checkpoint-000000000150"]
    assert simulate(city, tmp_path / "run", "--resume") == 0
    assert "going on at 200 s" in capsys.readouterr().err
    assert_same(undisturbed, tmp_path / "run")


def test_killed_while_it_writes_a_checkpoint_it_goes_on_from_the_one_before(city: Path, undisturbed: Path, tmp_path: Path) -> None:
    code = (
        "import pathlib\nold = pathlib.Path.replace\n"
        "def replace(self, target):\n"
        "    if target.name == 'checkpoint-000000000150':\n        os.kill(os.getpid(), 9)\n    return old(self, target)\n"
        "pathlib.Path.replace = replace"
    )
    assert killed(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "50", code=code).returncode == -9
    assert sorted(path.name for path in hidden(tmp_path).iterdir()) == [
        ".checkpoint-000000000150.part", "checkpoint-000000000050", "checkpoint-000000000100", "checkpoint-of", "fcd.xml",
    ]  # fmt: skip
    assert simulate(city, tmp_path / "run", "--resume") == 0
    assert_same(undisturbed, tmp_path / "run")


@pytest.mark.parametrize("moment", ["os.rename", "urbanlab.core.output_folder.clear"])
def test_killed_at_the_end_it_is_finished_or_goes_on(city: Path, undisturbed: Path, tmp_path: Path, moment: str) -> None:
    module = moment.rpartition(".")[0]
    target = "pathlib.Path.rename" if moment == "os.rename" else moment
    code = f"import pathlib, {module}\n{target} = lambda *args, **options: os.kill(os.getpid(), 9)"
    assert killed(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "200", code=code).returncode == -9
    assert simulate(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "200", "--resume") == 0
    if moment.endswith("clear"):
        assert simulate(city, tmp_path / "run", *OPTIONS) == 0  # checkpoints that were left are no obstacle
    assert_same(undisturbed, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_cityflow_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    options = ("--end", "300", "--controller", "max_pressure:yellow=5")
    assert simulate(CROSS, tmp_path / "whole", *options) == 0
    assert killed(CROSS, tmp_path / "run", *options, "--checkpoint-every", "40", code=AT_TIME.format(time=150)).returncode == -9
    assert simulate(CROSS, tmp_path / "run", "--resume", "--threads", "2") == 0
    assert_same(tmp_path / "whole", tmp_path / "run")


# --- interrupted -----------------------------------------------------------------------------------------------------


def test_interrupted_run_keeps_its_last_second_and_goes_on_from_there(
    city: Path, undisturbed: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(monkeypatch, 230.0, signal.SIGINT)
    assert simulate(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "50", "--json") == 130
    summary = json.loads(capsys.readouterr().out)
    names = [path.name for path in checkpoints_in(tmp_path / "run")]
    assert len(names) == 2 and set(names) < set(summary["files"]) and names[0] == f"checkpoint-{int(summary['end_s']):012d}"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == summary["files"]
    assert simulate(city, tmp_path / "run", "--resume") == 0
    assert f"going on at {summary['end_s']:g} s" in capsys.readouterr().err
    assert_same(undisturbed, tmp_path / "run")


def test_second_interrupt_leaves_what_the_run_goes_on_with(
    city: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    stop_at(monkeypatch, 230.0, signal.SIGINT, signal.SIGINT)
    assert simulate(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "50") == 130
    monkeypatch.undo()
    assert simulate(city, tmp_path / "run", *OPTIONS) == 2
    shown = capsys.readouterr().err
    assert "was cut off, and can go on" in shown and "--resume" in shown and "rm -r" in shown
    assert simulate(city, tmp_path / "run", "--resume") == 0
    assert_same(undisturbed, tmp_path / "run")


# --- damage and wrong use --------------------------------------------------------------------------------------------


@pytest.fixture
def cut_off(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was cut off with checkpoints at 150 and 200 s; the hidden folder."""
    stop_at(monkeypatch, 230.0, signal.SIGINT, signal.SIGINT)
    assert simulate(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "50") == 130
    monkeypatch.undo()
    return hidden(tmp_path)


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "flipped": (lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:], "is damaged"),
    "cut off": (lambda data: data[: len(data) // 2], "is cut off"),
    "foreign": (lambda data: b"<net>" * 200, "is no checkpoint"),
    "newer": (lambda data: data.replace(b"checkpoint/1", b"checkpoint/2", 1), "by a newer urbanlab"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_checkpoint_is_named_and_the_older_one_used(
    city: Path, undisturbed: Path, tmp_path: Path, cut_off: Path, capsys: Capture, kind: str
) -> None:
    change, text = DAMAGE[kind]
    last, older = checkpoints_in(cut_off)
    last.write_bytes(change(last.read_bytes()))
    assert simulate(city, tmp_path / "run", "--resume") == 0
    shown = capsys.readouterr().err
    assert f"{last.name} is passed over for {older.name}" in shown and text in shown and "going on at 150 s" in shown
    assert_same(undisturbed, tmp_path / "run")


def test_where_none_is_good_that_is_one_error(city: Path, tmp_path: Path, cut_off: Path, capsys: Capture) -> None:
    for path in checkpoints_in(cut_off):
        path.write_bytes(path.read_bytes()[:700])
    assert simulate(city, tmp_path / "run", "--resume") == 2
    shown = capsys.readouterr().err
    assert "none of the checkpoints can be used" in shown and shown.count("is cut off") == 2 and "Traceback" not in shown
    assert checkpoints_in(cut_off)


def test_positions_that_are_lost_are_noticed(city: Path, tmp_path: Path, cut_off: Path, capsys: Capture) -> None:
    os.truncate(cut_off / "fcd.xml", 1000)
    assert simulate(city, tmp_path / "run", "--resume") == 2
    assert "positions written before the checkpoint are lost" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--seed", "8"], "--seed: 8, was 7"),
        (["--end", "700"], "--end: 700.0, was 600.0"),
        (["--controller", "fixed"], "--controller: fixed, was max_pressure"),
        (["--begin", "10"], "--begin: 10.0, was left out"),
    ],
)
def test_options_that_differ_are_refused(city: Path, tmp_path: Path, cut_off: Path, capsys: Capture, options: list[str], text: str) -> None:
    assert simulate(city, tmp_path / "run", "--resume", *options) == 2
    assert text in capsys.readouterr().err and checkpoints_in(cut_off)


def test_scenario_that_has_changed_is_refused(city: Path, tmp_path: Path, cut_off: Path, capsys: Capture) -> None:
    other = write_sumo(make("grid:rows=3,cols=3,trips=601,duration=500", seed=3), tmp_path / "other")
    assert simulate(other, tmp_path / "run", "--resume") == 2
    shown = capsys.readouterr().err
    assert "files have changed since the checkpoint was written" in shown and "grid_3x3.rou.xml: SHA-256" in shown


def test_without_a_checkpoint_only_a_whole_command_begins_anew(city: Path, undisturbed: Path, tmp_path: Path, capsys: Capture) -> None:
    assert simulate(city, tmp_path / "run", "--resume", *OPTIONS) == 2
    assert "there is nothing to go on with" in capsys.readouterr().err and list(tmp_path.iterdir()) == []
    assert simulate(city, tmp_path / "run", "--resume", "--checkpoint-every", "100", *OPTIONS) == 0
    assert "the run begins anew" in capsys.readouterr().err
    assert_same(undisturbed, tmp_path / "run")


def test_finished_run_is_told_so(city: Path, tmp_path: Path, capsys: Capture) -> None:
    assert simulate(city, tmp_path / "run", "--end", "50") == 0
    before = (tmp_path / "run" / "summary.json").read_bytes()
    capsys.readouterr()
    assert simulate(city, tmp_path / "run", "--resume", "--json") == 0
    captured = capsys.readouterr()
    assert "finished already" in captured.err and json.loads(captured.out) == json.loads(before)
    assert simulate(city, tmp_path / "run", "--resume", "--end", "60") == 2
    assert (tmp_path / "run" / "summary.json").read_bytes() == before


@pytest.mark.parametrize("every", ["0", "0.5", "nan", "inf", "-3"])
def test_times_between_checkpoints_that_make_no_sense_are_refused(city: Path, tmp_path: Path, capsys: Capture, every: str) -> None:
    assert simulate(city, tmp_path / "run", "--checkpoint-every", every) == 2
    assert "the time between checkpoints makes no sense" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_checkpoint_that_can_not_be_written_later_is_told_and_the_run_goes_on(
    city: Path, undisturbed: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    path_at = long_run.path_at

    def once(folder: Path, step: int) -> Path:
        written.append(folder)
        return path_at(folder, step) if len(written) < 3 else folder / "gone" / "checkpoint"

    monkeypatch.setattr(long_run, "path_at", once)
    assert simulate(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "200") == 0
    assert "no checkpoint at 400 s, the run goes on: the output can't be written" in capsys.readouterr().err
    assert_same(undisturbed, tmp_path / "run")


def test_living_run_can_not_be_gone_on_with(city: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []

    def show(self: object, world: Any) -> None:
        if world.time >= 100.0 and not codes:
            codes.append(simulate(city, tmp_path / "run", "--resume"))

    monkeypatch.setattr(command._Bar, "show", show)
    assert simulate(city, tmp_path / "run", *OPTIONS, "--checkpoint-every", "50") == 0
    assert codes == [2] and "another process still writes to this folder" in capsys.readouterr().err


def test_route_files_of_the_beginning_are_read_again(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, routes, more = (city.with_name(city.name.replace("sumocfg", f"{kind}.xml")) for kind in ("net", "rou", "add"))
    given = ("--routes", routes.name, "--additional", more.name, "--end", "200")
    monkeypatch.chdir(city.parent)
    assert simulate(net, tmp_path / "whole", *given) == 0
    stop_at(monkeypatch, 100.0, signal.SIGINT)
    assert simulate(net, tmp_path / "run", *given, "--checkpoint-every", "40") == 130
    monkeypatch.chdir("/")
    assert simulate(net, tmp_path / "run", "--resume") == 0
    assert_same(tmp_path / "whole", tmp_path / "run")


def test_demo_of_closures_and_detectors_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of the scenario, detectors.parquet and SUMO's detector files."""
    from urbanlab.city.folder import City
    from urbanlab.city.scenario import Closure, Detector

    scenario = make("grid:rows=2,cols=3,trips=200,duration=200", seed=3)
    lane = int(scenario.network.edge_first_lane[4])
    loop = Detector("loop", "loop", lane, pos=50.0, period=60.0)
    area = Detector("area", "area", lane, pos=1.0, length=30.0, period=70.0)
    scenario = replace(scenario, closures=(Closure((lane,), begin=50.0, end=150.0),), detectors=(loop, area))
    City(scenario).save(tmp_path / "city")
    options = ("--end", "250", "--sumo-outputs")
    assert simulate(tmp_path / "city", tmp_path / "whole", *options) == 0
    stop_at(monkeypatch, 100.0, signal.SIGINT)
    assert simulate(tmp_path / "city", tmp_path / "run", *options, "--checkpoint-every", "40") == 130
    assert simulate(tmp_path / "city", tmp_path / "run", "--resume") == 0
    assert_same(tmp_path / "whole", tmp_path / "run")
    assert pq.read_table(tmp_path / "whole" / "detectors.parquet").equals(pq.read_table(tmp_path / "run" / "detectors.parquet"))
