"""Study files (`.toml`): a scenario and the two arms that are to be compared.

scenario = "cologne8.sumocfg"
baseline = "program"
candidate = "max_pressure:interval=15"
replications = 20
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from urbanlab.core.errors import ConfigError, FileError

__all__ = ["StudyFile", "read_study_file"]

MOST_BYTES = 1 << 20
KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "float | None": (int, float)}
WORDS = {"str": "a text", "int": "a whole number", "float": "a number", "float | None": "a number"}


@dataclass(frozen=True)
class StudyFile:
    """What a study file says; ranges are checked by `Experiment`."""

    scenario: str  # what `urbanlab simulate` takes, relative to the file, or the specification of a synthetic city
    baseline: str = "fixed"  # a controller with its options, or `program`
    candidate: str = "max_pressure"
    replications: int = 20
    seed: int = 42  # of the first replication, and of a synthetic city
    end_s: float | None = None  # [s] left out: the scenario's
    confidence: float = 0.95


def read_study_file(path: Path) -> tuple[StudyFile, str]:
    """Read a study file; with the SHA-256 of its bytes.

    Raises
    ------
    FileError : missing, unreadable, too large or no TOML
    ConfigError : a key is unknown, missing or of another kind
    """
    content, digest = _parsed(path)
    known = {entry.name: str(entry.type) for entry in fields(StudyFile)}
    unknown = sorted(set(content) - set(known))
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        raise ConfigError(
            f"a study file has the unknown key '{unknown[0]}'", expected="one of " + ", ".join(known), where=path.name, items=unknown,
            hint=f"did you mean '{near[0]}'?" if near else "",
        )  # fmt: skip
    for key, value in content.items():
        if not isinstance(value, KINDS[known[key]]) or isinstance(value, bool):
            raise ConfigError(f"'{key}' is not {WORDS[known[key]]}", got=repr(value)[:80], expected=WORDS[known[key]], where=path.name)
    if not str(content.get("scenario", "")).strip():
        raise ConfigError("a study file names no scenario", expected='scenario = "..."', where=path.name)
    return StudyFile(**content), digest


def _parsed(path: Path) -> tuple[dict[str, Any], str]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise FileError(f"the study file can't be read: {problem.strerror}", where=str(path)) from None
    if len(data) > MOST_BYTES:
        raise FileError("the study file is too large", got="more than 1 MiB", expected="a few lines of TOML", where=str(path))
    try:
        return tomllib.loads(data.decode("utf-8")), hashlib.sha256(data).hexdigest()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise FileError(f"the study file is no TOML: {problem}", where=str(path)) from None
