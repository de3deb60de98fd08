"""`urbanlab run`: a study file becomes a folder; what is wrong is found before the first run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from urbanlab.city.synthetic import make
from urbanlab.city.writers.sumo import write_sumo
from urbanlab.cli.main import run

STUDY = 'scenario = "grid:rows=2,cols=3,trips=60,duration=300"\nreplications = 2\nend_s = 600\nseed = 5\n'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_study_becomes_a_folder(study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["run", str(study), "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "max_pressure against fixed" in captured.out
    assert "files" in captured.out and "report.html" in captured.out
    content = json.loads((tmp_path / "out" / "study.json").read_text())
    assert content["provenance"]["input_hashes"]["study.toml"]
    assert content["provenance"]["configuration"]["end_s"] == 600
    assert content["replications"] == 2


def test_scenario_is_looked_for_beside_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    scenario = make("grid:rows=2,cols=3,trips=60,duration=300", seed=1)
    config = write_sumo(scenario, tmp_path / "city")
    (tmp_path / "city" / "s.toml").write_text(f'scenario = "{config.name}"\nbaseline = "program"\nreplications = 2\nend_s = 600\n')
    assert run(["run", str(tmp_path / "city" / "s.toml"), "--out", str(tmp_path / "out"), "--json"]) == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    assert content["baseline"] == "program"
    assert config.name in content["provenance"]["input_hashes"]


def test_cluster_is_one_clear_error(study: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["run", str(study), "--out", str(tmp_path / "out"), "--cluster", "ray://head:10001"]) == 2
    assert capsys.readouterr().err.startswith("ConfigError: there is no cluster back end yet")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('scenario = "nowhere.sumocfg"', "does not exist"), ('scenario = "grid:row=2"', "rows"),
        (STUDY + 'baseline = "max_pressure"', "the same"),
        (STUDY + 'candidate = "max_pressure:phases=90"', "none of the phases"), (STUDY + "x = 1", "unknown key 'x'"), ("=", "no TOML"),
        (STUDY.replace("replications = 2", "replications = 1"), "pairs"), (STUDY.replace("end_s = 600", "end_s = -1"), "end"),
    ],
)  # fmt: skip
def test_study_that_is_wrong_is_one_error_and_leaves_nothing(
    text: str, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text(text)
    assert run(["run", str(tmp_path / "s.toml"), "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err and captured.out == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.toml"]


@pytest.mark.parametrize("arguments", [[], ["missing.toml"], ["--out", "x"]])
def test_call_that_lacks_something_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", *arguments]) == 2
    assert capsys.readouterr().err
