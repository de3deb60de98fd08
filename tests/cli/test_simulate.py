"""`urbanlab simulate`, end to end on a small city as SUMO's files: outputs, options, interrupts, bad input."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from urbanlab.city.synthetic import make
from urbanlab.city.writers.sumo import write_sumo
from urbanlab.cli import simulate as command
from urbanlab.cli.main import run
from urbanlab.core.schema import SUMMARY, SUMMARY_FILE, TABLES

RUN_FILES = ["edges.parquet", "import.json", "signals.parquet", "summary.json", "trips.parquet"]
SUMO_FILES = ["edgedata.xml", "fcd.xml", "tripinfo.xml"]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of SUMO with ten minutes of demand."""
    return write_sumo(make("grid:rows=3,cols=3,trips=300", seed=3), tmp_path_factory.mktemp("city"))


def simulate(source: Path, out: Path, *options: str) -> int:
    return run(["simulate", str(source), "--out", str(out), "--end", "600", *options])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_run_leaves_all_files_and_shows_the_main_figures(city: Path, tmp_path: Path, capsys: Capture) -> None:
    assert simulate(city, tmp_path / "run") == 0
    captured = capsys.readouterr()
    assert sorted(content(tmp_path / "run")) == RUN_FILES
    assert "0 to 600 s, seed 3, signals: program" in captured.out and "travel time" in captured.out
    assert captured.out.rstrip().endswith(f"files  {tmp_path / 'run'}: {', '.join(RUN_FILES)}")
    assert "\r" not in captured.err  # no progress bar where there is no terminal
    for table in TABLES:
        table.check(pq.read_table(tmp_path / "run" / f"{table.name}.parquet"))


def test_json_is_one_object_and_that_of_the_file(city: Path, tmp_path: Path, capsys: Capture) -> None:
    assert simulate(city, tmp_path / "run", "--json", "--seed", "7", "--edges-every", "60") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert list(printed) == [column.name for column in SUMMARY + SUMMARY_FILE]
    assert printed["seed"] == 7 and printed["loaded"] > 0 and printed["interrupted"] is False
    assert printed["provenance"]["command"].startswith("urbanlab simulate ") and len(printed["provenance"]["input_hashes"]) == 4
    assert pq.read_table(tmp_path / "run" / "edges.parquet")["end_s"].to_pylist()[0] == 60.0


def test_sumo_files_come_on_request_and_change_nothing(city: Path, tmp_path: Path) -> None:
    assert simulate(city, tmp_path / "a") == 0
    assert simulate(city, tmp_path / "b", "--sumo-outputs") == 0
    assert sorted(content(tmp_path / "b")) == sorted(RUN_FILES + SUMO_FILES)
    for table in TABLES:
        one, other = (pq.read_table(tmp_path / name / f"{table.name}.parquet") for name in "ab")
        assert one.equals(other)


def test_network_with_routes_is_the_same_scenario(city: Path, tmp_path: Path) -> None:
    net, routes, more = (city.with_name(city.name.replace("sumocfg", f"{kind}.xml")) for kind in ("net", "rou", "add"))
    assert simulate(city, tmp_path / "a") == 0
    assert simulate(net, tmp_path / "b", "--routes", str(routes), "--additional", str(more), "--seed", "3") == 0
    one, other = (pq.read_table(tmp_path / name / "trips.parquet") for name in "ab")
    assert one.equals(other)


def test_network_without_trips_is_an_error_that_names_the_option(city: Path, tmp_path: Path, capsys: Capture) -> None:
    assert simulate(city.with_name(city.name.replace("sumocfg", "net.xml")), tmp_path / "run") == 2
    shown = capsys.readouterr().err
    assert "nothing to simulate: no trips" in shown and "--routes" in shown
    assert list(tmp_path.iterdir()) == []


def test_study_instead_of_a_scenario_is_told_its_command(tmp_path: Path, capsys: Capture) -> None:
    study = tmp_path / "study.toml"
    study.write_text('scenario = "demo"\nbaseline = "fixed"\n')
    assert simulate(study, tmp_path / "run") == 2
    assert f"hint: urbanlab run {study}" in capsys.readouterr().err


def test_controller_is_named_in_the_figures(city: Path, tmp_path: Path, capsys: Capture) -> None:
    assert simulate(city, tmp_path / "run", "--controller", "max_pressure:interval=15") == 0
    assert "signals: max_pressure:interval=15" in capsys.readouterr().out


def test_begin_is_recorded_and_earlier_trips_are_left_out(city: Path, tmp_path: Path) -> None:
    assert simulate(city, tmp_path / "run", "--begin", "300") == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    wanted = pq.read_table(tmp_path / "run" / "trips.parquet")["depart_wanted_s"].to_pylist()
    assert summary["begin_s"] == 300.0 and min(wanted) >= 300.0


def test_second_run_replaces_the_first(city: Path, tmp_path: Path) -> None:
    assert simulate(city, tmp_path / "run", "--sumo-outputs") == 0
    assert simulate(city, tmp_path / "run") == 0
    assert sorted(content(tmp_path / "run")) == RUN_FILES
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_line_on_the_import_names_what_is_not_modelled_and_strict_refuses_it(city: Path, tmp_path: Path, capsys: Capture) -> None:
    routes = tmp_path / "more.rou.xml"
    routes.write_text('<routes><person id="p" depart="0"><walk edges="x"/></person></routes>')
    net = city.with_name(city.name.replace("sumocfg", "net.xml"))
    assert simulate(net, tmp_path / "run", "--routes", str(routes)) == 0
    assert "import: not modelled: element person (1)" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "import.json").read_text())["not_modelled"]["element person"] == 1
    assert simulate(net, tmp_path / "strict", "--routes", str(routes), "--strict") == 2
    assert "element person: 1" in capsys.readouterr().err
    assert not (tmp_path / "strict").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--backend", "cuda"], "there is no CUDA back end yet"),
        (["--controller", "max_presure"], "did you mean 'max_pressure'?"),
        (["--controller", "max_pressure:15"], "is not KEY=VAL"),
        (["--begin", "700"], "the end lies before the begin"),
        (["--end", "nan"], "'end' is out of range"),
        (["--end", "inf"], "'end' is out of range"),
        (["--begin", "200.5"], "expected an end such as 599.5 or 600.5 s"),
        (["--begin", "inf"], "'begin' is out of range"),
        (["--edges-every", "0"], "period of edge totals"),
        (["--edges-every", "inf"], "period of edge totals"),
        (["--routes", "missing.rou.xml"], "missing.rou.xml"),
    ],
)
def test_wrong_options_are_one_text_and_leave_nothing(city: Path, tmp_path: Path, capsys: Capture, options: list[str], text: str) -> None:
    assert simulate(city, tmp_path / "run", *options) == 2
    captured = capsys.readouterr()
    assert text in captured.err and captured.out == "" and "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("nothing.sumocfg", None), ("cut.sumocfg", "<configuration><input>"), ("other.sumocfg", "<net/>"), ("x.txt", "hello")],
)
def test_bad_sources_are_one_text_and_leave_nothing(tmp_path: Path, capsys: Capture, name: str, text: str | None) -> None:
    source = tmp_path / "in" / name
    source.parent.mkdir()
    if text is not None:
        source.write_text(text)
    assert simulate(source, tmp_path / "run") == 2
    captured = capsys.readouterr()
    assert name in captured.err and captured.out == "" and "Traceback" not in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_folder_with_something_else_is_refused_before_anything_is_read(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    assert simulate(tmp_path / "missing.sumocfg", tmp_path / "run") == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert content(tmp_path / "run") == {"thesis.txt": b"mine"}


# --- interrupts --------------------------------------------------------------------------------------------------


def signalled(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Send this process signals when the run first reports its progress."""
    left = list(numbers)

    def show(self: object, run: object) -> None:
        while left:
            os.kill(os.getpid(), left.pop(0))

    monkeypatch.setattr(command._Bar, "show", show)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_complete_results_up_to_that_second(
    city: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    signalled(monkeypatch, number)
    assert simulate(city, tmp_path / "run", "--sumo-outputs", "--json") == 130
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert "interrupted at 1 s; the results up to then are complete" in captured.err
    assert summary["interrupted"] is True and summary["end_s"] == 1.0
    assert sorted(content(tmp_path / "run")) == sorted(RUN_FILES + SUMO_FILES)
    assert summary == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["loaded"] == pq.read_table(tmp_path / "run" / "trips.parquet").num_rows
    assert (tmp_path / "run" / "fcd.xml").read_text().endswith("</fcd-export>\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_interrupt_leaves_nothing(city: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    signalled(monkeypatch, signal.SIGINT, signal.SIGINT)
    assert simulate(city, tmp_path / "run", "--sumo-outputs") == 130
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr().out == ""


@pytest.mark.parametrize("where", ["_read", "_world"])
def test_interrupt_before_the_first_step_leaves_nothing(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, where, interrupted)
    assert simulate(city, tmp_path / "run") == 130
    assert list(tmp_path.iterdir()) == []


def test_interrupt_while_writing_leaves_the_earlier_run(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    assert simulate(city, tmp_path / "run") == 0
    before = content(tmp_path / "run")
    monkeypatch.setattr("urbanlab.traffic.outputs.run_folder.write_edges", interrupted)
    assert simulate(city, tmp_path / "run") == 130
    assert content(tmp_path / "run") == before and [path.name for path in tmp_path.iterdir()] == ["run"]


# --- disks that are full, processes that die ----------------------------------------------------------------------


def test_full_disk_is_one_text_and_leaves_the_earlier_run(
    city: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert simulate(city, tmp_path / "run") == 0
    before = content(tmp_path / "run")
    monkeypatch.setattr("urbanlab.traffic.outputs.run_folder.write_table", full)
    assert simulate(city, tmp_path / "run") == 2
    shown = capsys.readouterr().err
    assert "No space left on device" in shown and "trips.parquet" in shown and "make room" in shown
    assert content(tmp_path / "run") == before and [path.name for path in tmp_path.iterdir()] == ["run"]


def in_process(source: Path, out: Path, *options: str, code: str = "", limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, after some Python code, under a limit of the size of files [byte]."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    arguments = ["simulate", str(source), "--out", str(out), "--end", "600", *options]
    text = f"import sys\n{code}\nfrom urbanlab.cli.main import run\nsys.exit(run({arguments!r}))"
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, preexec_fn=None if limit is None else limited
    )


def test_disk_that_fills_while_positions_are_written_leaves_the_earlier_run(city: Path, tmp_path: Path) -> None:
    assert simulate(city, tmp_path / "run") == 0  # kernels are in the cache from here on
    before = content(tmp_path / "run")
    done = in_process(city, tmp_path / "run", "--sumo-outputs", limit=200_000)
    assert done.returncode == 2 and "fcd.xml" in done.stderr and "File too large" in done.stderr, done.stderr
    assert content(tmp_path / "run") == before and [path.name for path in tmp_path.iterdir()] == ["run"]


def test_killed_process_leaves_the_earlier_run_and_the_next_one_clears_up(city: Path, tmp_path: Path) -> None:
    assert simulate(city, tmp_path / "run") == 0
    before = content(tmp_path / "run")
    code = "import os; from urbanlab.cli import simulate; simulate._Bar.show = lambda self, run: os.kill(os.getpid(), 9)"
    assert in_process(city, tmp_path / "run", code=code).returncode == -9
    assert content(tmp_path / "run") == before and len(list(tmp_path.iterdir())) == 2
    assert simulate(city, tmp_path / "run") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_processor_time_adds_up_to_that_of_the_process(city: Path, tmp_path: Path) -> None:
    simulate(city, tmp_path / "warm")  # kernels are in the cache from here on
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = in_process(city, tmp_path / "run", "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    summary = json.loads(done.stdout)
    process = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    stated = summary["load_s"] + summary["compile_s"] + summary["cpu_s"]
    assert stated <= process + 0.02
    assert process - stated < 1.0  # what is left: writing, and the end of Python


# --- progress ----------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """Standard error of somebody who looks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("end", "unit"), [("600", "s, vehicles="), ("inf", "trip/s, vehicles=")])
def test_progress_is_shown_on_a_terminal(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, unit: str) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    show: Callable[[Any, Any], None] = command._Bar.show

    def show_at_once(bar: Any, world: Any) -> None:
        bar._bar.mininterval = 0.0
        show(bar, world)

    monkeypatch.setattr(command._Bar, "show", show_at_once)
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(f"source = '{city}'\nend_s = {end}\n")
    assert run(["simulate", str(scenario), "--out", str(tmp_path / "run")]) == 0
    assert unit in terminal.getvalue(), terminal.getvalue()[-300:]


def test_progress_is_hidden_beside_json(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert simulate(city, tmp_path / "run", "--json") == 0
    assert terminal.getvalue() == ""
