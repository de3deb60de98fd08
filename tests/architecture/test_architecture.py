"""What the folder tree promises: floors, sizes, names at the front door, and how little importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import urbanlab as ul

MAX_LINES = 600
PUBLIC = ["City", "Experiment", "Scenario", "Simulation", "errors", "load"]
HEAVY = {"numba", "llvmlite", "matplotlib", "pyarrow", "scipy", "lxml", "click", "torch", "gymnasium", "starlette", "ray"}

PACKAGE = Path(ul.__file__).parent
ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


def modules_after(code: str) -> set[str]:
    """Top-level modules that are loaded once a fresh interpreter has run the code."""
    report = f"import sys\n{code}\nprint('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_public_names_are_the_documented_ones() -> None:
    assert sorted(ul.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(ul))
    assert all(getattr(ul, name) is not None for name in PUBLIC)
    assert issubclass(ul.errors.UrbanlabError, Exception)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Simulatoin'"):
        _ = ul.Simulatoin


def test_import_loads_nothing_heavy() -> None:
    assert modules_after("import urbanlab") & (HEAVY | {"numpy"}) == set()


def test_front_door_of_reading_and_reporting_loads_no_compiler_and_no_plotting() -> None:
    loaded = modules_after("import urbanlab as ul\nul.load, ul.City, ul.Scenario, ul.errors")
    assert loaded & {"numba", "llvmlite", "matplotlib", "torch", "gymnasium"} == set()


def test_help_of_the_command_line_loads_nothing_heavy() -> None:
    code = "from urbanlab.cli.main import run\nimport io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()): run(['--help'])"
    assert modules_after(code) & (HEAVY - {"click"} | {"numpy"}) == set()


def test_importing_prints_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", "import urbanlab"], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_floors_hold(root: Path) -> None:
    # in a process of its own: it configures logging, and with that silences every logger that exists already
    command = [Path(sys.executable).with_name("lint-imports"), "--config", root / "pyproject.toml", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stdout


def test_modules_can_be_read_in_a_sitting() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert [f"{path.relative_to(PACKAGE)}: {lines} lines" for path, lines in sizes.items() if lines >= MAX_LINES] == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_room_explains_itself(room: Path) -> None:
    lines = (room / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {room.name}"
    assert 5 <= len(lines) <= 14
    assert any("must not" in line for line in lines), "what must the room not know?"


@pytest.mark.parametrize("init", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_packages_hold_no_logic(init: Path) -> None:
    tree = ast.parse(init.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if init.parent == PACKAGE:
        return  # the front door resolves its names
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    assert [type(node).__name__ for node in tree.body if not isinstance(node, allowed)] == []
