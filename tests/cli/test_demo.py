"""`urbanlab demo` on a smaller city: what it prints, what it writes, and that it leaves nothing half done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from urbanlab.cli import demo
from urbanlab.cli.main import run

SMALL = "river:junctions=24,trips=100,duration=300"


@pytest.fixture(autouse=True)
def small_city(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "CITY", SMALL)
    monkeypatch.setattr(demo, "END", 900.0)
    monkeypatch.chdir(tmp_path)


def test_demo_tells_the_whole_story(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["demo", "--replications", "2"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "signals, 100 trips in an hour" in captured.out
    for word in ("travel time [s]", "fixed", "max_pressure", "Better or worse", "million vehicle steps", "Try next:"):
        assert word in captured.out
    assert sorted(entry.name for entry in (tmp_path / "urbanlab-demo").iterdir()) == [
        "comparison.parquet", "report.html", "runs.parquet", "study.json"
    ]  # fmt: skip
    assert "urbanlab-demo/report.html" in captured.out
    text = (tmp_path / "urbanlab-demo" / "report.html").read_text()
    assert "urbanlab demo --replications 2" in text


def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["demo", "--replications", "2", "--json", "--out", str(tmp_path / "x"), "--seed", "5"]) == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    assert captured.err == ""
    assert content["schema"] == "urbanlab/study/1"
    assert content["provenance"]["seed"] == 5
    assert len(content["comparison"]) == 8


def test_same_seed_gives_the_same_figures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        assert run(["demo", "--replications", "2", "--json", "--out", str(tmp_path / name)]) == 0
        contents.append(json.loads(capsys.readouterr().out)["comparison"])
    assert contents[0] == contents[1]


def test_folder_with_other_things_is_refused_before_the_first_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("")
    assert run(["demo", "--out", str(tmp_path / "mine")]) == 2
    assert "something else" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("arguments", [["--replications", "1"], ["--workers", "0"], ["--seed", "-1"], ["extra"]])
def test_options_out_of_range_are_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", *arguments]) == 2
    assert capsys.readouterr().err
