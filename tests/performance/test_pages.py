"""Tables, picture and page made of figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from performance.bench import Bench, Column, Part, spread
from performance.page import with_results
from performance.parts import PARTS, RUN_ORDER
from performance.picture import draw
from performance.tables import goals_table, machine_table, part_table

PART = Part(
    "x", "An example", lambda _: [], (Column("what", "What"), Column("rate", "Rate", "{:.1f}", 10.0), Column("goal", "Goal")), "About."
)
ROWS = [
    {"what": "a", "rate": {"median": 20.0, "low": 10.0, "high": 30.0, "runs": 3}, "goal": {"value": 3.0, "least": 2.0, "unit": "x"}},
    {"what": "b", "rate": {"median": 20.0, "low": 20.0, "high": 20.0, "runs": 1}, "goal": {"value": 3.0, "most": 2.0, "unit": "s"}},
    {"what": "c"},
]


def result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    versions = {"urbanlab": "1.0", "uxsim": None}
    now = {
        "date": "2026-01-02T03:04+00:00", "cpu": "a processor", "cores": 2, "memory_bytes": 2**33, "system": "Linux", "load_before": 0.1,
        "versions": versions, "commit": "abc", "repeat": 5,
    }  # fmt: skip
    return {"rows": rows, "circumstances": now}


def test_table_shows_spread_scale_and_goal() -> None:
    lines = part_table(PART, ROWS).splitlines()
    assert lines[0] == "| What | Rate | Goal |"
    assert lines[2] == "| a | 2.0 (1.0 .. 3.0) | at least 2 x: reached |"
    assert lines[3] == "| b | 2.0 | at most 2 s: **not reached** |"
    assert lines[4] == "| c |  |  |"


def test_column_without_values_is_left_out() -> None:
    assert "Rate" not in part_table(PART, [{"what": "a"}])


def test_goals_and_machine_name_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    assert goals_table([PART], {"x": result(ROWS)}).splitlines()[2] == "| An example: a | 3 x | at least 2 x | reached |"
    assert "a processor, 2 cores, 8 GiB" in machine_table({"x": result(ROWS)})
    assert "uxsim" not in machine_table({"x": result(ROWS)})


def test_marked_blocks_are_replaced_and_the_rest_stays() -> None:
    page = "before\n<!-- measured: peers -->\nold\n<!-- end -->\nafter\n"
    new = with_results(page, {})
    assert "old" not in new and new.startswith("before\n") and new.endswith("<!-- end -->\nafter\n") and "Not measured yet" in new
    assert with_results(new, {}) == new


def test_page_is_made_of_the_figures_kept(root: Path) -> None:
    page, kept = (root / "docs" / name for name in ("performance.md", "performance.json"))
    parts = json.loads(kept.read_text(encoding="utf-8"))["parts"] if kept.is_file() else {}
    text = page.read_text(encoding="utf-8")
    assert with_results(text, parts) == text, "stale: scripts/bench --page-only"
    assert [part.name for part in PARTS if f"<!-- measured: {part.name} -->" not in text] == []


def test_every_part_runs_once() -> None:
    assert sorted(part.name for part in PARTS) == sorted(part.name for part in RUN_ORDER)


def test_picture_is_well_formed() -> None:
    rate = spread([1000.0])
    maps = [{"junctions": 10.0**k, "level": level, "rate": rate, "signals": "yes"} for k in (2, 3) for level in (10, 1000)]
    vehicles = [{"junctions": 100, "vehicles": 10.0**k, "rate": spread([10.0 ** (6 - k)])} for k in (1, 2, 4)]
    picture = ElementTree.fromstring(draw(maps, vehicles))
    assert len(picture.findall(".//{http://www.w3.org/2000/svg}circle")) == 4 + 3


def test_runs_stop_when_their_time_is_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tmp_path, 3, tiny=True, say=lambda _: None)
    made: list[int] = []

    def measure() -> dict[str, Any]:
        made.append(1)
        return {"number": len(made)}

    assert [run["number"] for run in bench.runs("x", measure)] == [2, 3, 4]
    assert len(bench.runs("x", measure, budget=0.0, discard=False)) == 1


@pytest.mark.slow
def test_every_program_runs_end_to_end(root: Path, tmp_path: Path) -> None:
    """All but the starts, which compile everything anew."""
    names = [part.name for part in PARTS if part.name != "start"]
    call = [root / "scripts" / "bench", "--tiny", "--repeat", "1", "--work", tmp_path / "work", "--out", tmp_path / "out", *names]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    parts = json.loads((tmp_path / "out" / "performance.json").read_text())["parts"]
    lacking = [name for name in names if not parts[name]["rows"]]
    assert lacking in ([], ["uxsim"])
    assert (tmp_path / "out" / "images" / "performance.svg").is_file()
    assert "Not measured yet" in (tmp_path / "out" / "performance.md").read_text()  # the starts


def test_list_names_the_parts(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "performance", "--list"], cwd=root / "benchmarks", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert [line.split()[0] for line in done.stdout.splitlines()] == [part.name for part in PARTS]
