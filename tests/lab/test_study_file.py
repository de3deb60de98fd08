"""Study files: what they may say, and one error for what they may not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from urbanlab.core.errors import ConfigError, FileError, InputError
from urbanlab.lab.study_file import StudyFile, read_study_file


def written(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_keys_arrive(tmp_path: Path) -> None:
    text = (
        'scenario = "a.sumocfg"\nbaseline = "program"\ncandidate = "max_pressure:interval=15"\nreplications = 3\nseed = 9\n'
        "end_s = 600\nconfidence = 0.9\n"
    )
    study, digest = read_study_file(written(tmp_path, text))
    assert study == StudyFile("a.sumocfg", "program", "max_pressure:interval=15", 3, 9, 600, 0.9)
    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_scenario_alone_is_enough(tmp_path: Path) -> None:
    assert read_study_file(written(tmp_path, 'scenario = "demo"'))[0] == StudyFile("demo", "fixed", "max_pressure", 20, 42, None, 0.95)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no scenario"), ('scenario = " "', "names no scenario"),
        ('scenario = "x"\nreplication = 3', "did you mean 'replications'?"),
        ('scenario = "x"\nreplications = "3"', "'replications' is not a whole number"),
        ('scenario = "x"\nreplications = 2.5', "whole number"), ("scenario = 3", "a text"),
        ('scenario = "x"\nseed = true', "whole number"), ('scenario = "x"\nend_s = "1h"', "'end_s' is not a number"),
        ('scenario = "x"\n[measures]\na = 1', "unknown key 'measures'"),
    ],
)  # fmt: skip
def test_what_a_study_may_not_say_is_one_error(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_study_file(written(tmp_path, text))
    assert told in str(caught.value)
    assert "study.toml" in str(caught.value)


@pytest.mark.parametrize("content", [b"scenario = ", b"\xff\xfe\x00", b"a = 1\na = 2", b"x" * (1 << 20) + b"y"])
def test_file_that_is_no_toml_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(FileError, match="study file"):
        read_study_file(path)


def test_file_that_is_missing_or_a_folder_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "no.toml", tmp_path):
        with pytest.raises(FileError, match="can't be read"):
            read_study_file(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=80) | st.text(max_size=80).map(lambda text: ("scenario = '" + text).encode("utf-8", "replace")))
def test_any_bytes_are_a_study_or_one_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    try:
        study, _ = read_study_file(path)
    except InputError:
        return
    assert study.scenario.strip()
