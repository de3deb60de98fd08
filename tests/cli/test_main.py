"""The command line as a whole: commands, exit statuses, error texts, a quick start."""

from __future__ import annotations

import io
import subprocess
import sys

import click
import pytest

import urbanlab
from urbanlab.cli import main as main_module
from urbanlab.cli.main import run
from urbanlab.cli.options import Call
from urbanlab.core import compiling
from urbanlab.core.errors import ConfigError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `demo` that raises what stands in the list."""
    problems: list[BaseException] = []

    @click.command()
    def demo() -> None:
        raise problems[0]

    monkeypatch.setattr(main_module.LazyGroup, "get_command", lambda self, context, name: demo)
    return problems


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"urbanlab {urbanlab.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    assert run([flag]) == 0
    shown = capsys.readouterr().out
    assert "simulate  Simulate SOURCE once" in shown and "demo " in shown


def test_command_whose_module_is_missing_is_left_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "COMMANDS", ("simulate", "no_such_module"))
    assert run(["--help"]) == 0
    assert "no_such_module" not in capsys.readouterr().out
    assert run(["no_such_module"]) == 2


def test_no_argument_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert "Usage: urbanlab" in captured.out + captured.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["simulat"], "No such command 'simulat'"),
        (["simulate"], "Missing argument 'SOURCE'"),
        (["simulate", "x"], "Missing option '--out'"),
        (["simulate", "x", "--out", "y", "--nothing"], "No such option '--nothing'"),
        (["simulate", "x", "--out", "y", "--seed", "-1"], "-1 is not in the range"),
        (["simulate", "x", "--out", "y", "--end", "soon"], "'soon' is not a valid float"),
        (["simulate", "x", "--out", "y", "--threads", "0"], "0 is not in the range"),
        (["simulate", "x", "--out", "y", "--backend", "abacus"], "'abacus' is not one of 'cpu', 'cuda'"),
    ],
)
def test_wrong_usage_is_status_2_and_one_text(capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert text in captured.err and captured.out == "" and "Traceback" not in captured.err


def test_error_of_ours_is_status_2_and_its_text(capsys: pytest.CaptureFixture[str], failing: list[BaseException]) -> None:
    failing.append(ConfigError("no such thing", got="'a'", expected="b", hint="try c"))
    assert run(["demo"]) == 2
    assert capsys.readouterr().err == "ConfigError: no such thing\n  got 'a', expected b\n  hint: try c\n"


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), click.Abort()])
def test_interrupt_is_status_130(capsys: pytest.CaptureFixture[str], failing: list[BaseException], problem: BaseException) -> None:
    failing.append(problem)
    assert run(["demo"]) == 130
    captured = capsys.readouterr()
    assert captured.err.strip() == "interrupted" and captured.out == ""


@pytest.mark.parametrize("problem", [ZeroDivisionError("by zero"), EOFError("half"), RecursionError(), MemoryError(), OSError(5, "x")])
def test_defect_is_status_1_without_a_traceback(
    capsys: pytest.CaptureFixture[str], failing: list[BaseException], problem: BaseException
) -> None:
    failing.append(problem)
    assert run(["demo"]) == 1
    shown = capsys.readouterr().err.strip()
    assert shown.startswith(f"urbanlab has failed, and the fault is its own: {type(problem).__name__}")
    assert "Traceback" not in shown and "-v" in shown


def test_defect_with_v_shows_where(capsys: pytest.CaptureFixture[str], failing: list[BaseException]) -> None:
    failing.append(ZeroDivisionError("by zero"))
    assert run(["-v", "demo"]) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown and "test_main.py" in shown


def test_command_line_is_kept_as_typed() -> None:
    assert Call(("simulate", "a b.sumocfg", "--out", "run")).text == "urbanlab simulate 'a b.sumocfg' --out run"


def test_start_loads_neither_compiler_nor_tables() -> None:
    code = (
        "import sys; from urbanlab.cli.main import run; run(['simulate', '--help'])\n"
        "slow = {'numba', 'llvmlite', 'pyarrow', 'scipy', 'numpy', 'lxml', 'tqdm'} & set(sys.modules); assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_log_lines_stand_above_a_progress_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from tqdm import tqdm

    @click.command()
    def demo() -> None:
        with tqdm(total=2, file=sys.stderr, leave=False):
            main_module.log.warning("look")

    monkeypatch.setattr(main_module.LazyGroup, "get_command", lambda self, context, name: demo)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    assert run(["demo"]) == 0
    assert "\rurbanlab: look\n" in capsys.readouterr().err


class Terminal(io.StringIO):
    """Standard error of somebody who looks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "flags", "said"), [(Terminal(), (), True), (Terminal(), ("--json",), False), (io.StringIO(), (), False)]
)
def test_compilation_is_announced_to_somebody_who_looks(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, flags: tuple[str, ...], said: bool
) -> None:
    @click.command()
    @click.option("--json", is_flag=True)
    def demo(json: bool) -> None:
        compiling._announce()
        compiling._announce()

    monkeypatch.setattr(main_module.LazyGroup, "get_command", lambda self, context, name: demo)
    monkeypatch.setattr(compiling, "_said", set())
    monkeypatch.setattr(sys, "stderr", stream)
    assert run(["demo", *flags]) == 0
    assert stream.getvalue() == ("urbanlab: compiling the engine (once for this version) ...\n" if said else "")
