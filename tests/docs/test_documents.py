"""Documents: examples that are marked run, links lead somewhere, generated pages are fresh."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from urbanlab.cli.main import run as cli

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(python|sh) run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if BLOCK.search(path.read_text(encoding="utf-8")))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
MAX_EXAMPLE_LINES = 80


def run(command: list[str], folder: Path) -> str:
    """Output of a program that has to succeed; commands of this environment come first."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def docs_script() -> ModuleType:
    """The script that makes and checks documents."""
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
        assert run(command, tmp_path).strip(), f"an example that shows nothing: {code}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_runs_and_ends_in_a_number(example: Path, tmp_path: Path) -> None:
    assert len(example.read_text(encoding="utf-8").splitlines()) < MAX_EXAMPLE_LINES
    last = run([sys.executable, str(example)], tmp_path).strip().splitlines()[-1]
    assert re.search(r"\d", last)


def test_links_lead_somewhere(docs_script: ModuleType) -> None:
    assert [link for document in docs_script.documents() for link in docs_script.dead_links(document)] == []


def test_generated_pages_are_fresh(docs_script: ModuleType) -> None:
    assert docs_script.stale_pages() == []


def test_making_the_page_of_commands_leaves_the_commands_alone(docs_script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    docs_script.cli_page()
    for flag in ("-h", "--help"):
        assert cli([flag]) == 0
        assert "simulate" in capsys.readouterr().out


def test_dead_links_are_found(docs_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "# A b, c\n[ok](#a-b-c) [ok](there.md#x) [no](gone.md) [no](#d) [out](https://example.org)\n```\n[code](gone.md)\n```\n`[c](no)`\n"
    )
    (tmp_path / "page.md").write_text(text)
    (tmp_path / "there.md").write_text("## X\n")
    monkeypatch.setattr(docs_script, "ROOT", tmp_path)
    assert docs_script.dead_links(Path("page.md")) == ["page.md: gone.md", "page.md: #d"]


def test_readme_sets_up_and_tests_in_one_command_each() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("run", "test"):
        blocks = re.findall(rf"^```sh {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert len(blocks) == 1
        assert len(blocks[0].strip().splitlines()) == 1
