"""Scenario files (`.toml`): a source, and how it is to be run where that differs from what the source says.

source = "cologne8.sumocfg"
begin_s = 25200
end_s = 27000
teleport_after_s = -1
"""

from __future__ import annotations

import difflib
import hashlib
import math
import tomllib
import types
import typing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from urbanlab.city.readers.xml_stream import XmlLimits, open_chunks
from urbanlab.core.errors import ConfigError, FileError

__all__ = ["ScenarioFile", "read_scenario_file"]

LIMITS = XmlLimits(max_bytes=1 << 20)
LATEST = 1e9  # [s] more than thirty years


@dataclass(frozen=True)
class ScenarioFile:
    """What a scenario file says. A key that is left out leaves the source's own word in place."""

    source: str  # a .sumocfg, .net.xml, CityFlow configuration or folder, or city folder; relative to the file
    routes: tuple[str, ...] = ()  # route files instead of the source's; of CityFlow: one flow file
    additional: tuple[str, ...] = ()  # additional files instead of the source's
    name: str = ""  # "": the file's
    begin_s: float | None = None  # [s]
    end_s: float | None = None  # [s] inf: until every vehicle has left
    step_s: float | None = None  # [s] 0.1 to 1
    seed: int | None = None
    teleport_after_s: float | None = None  # [s] of waiting; 0 or below: never
    teleport_after_highways_s: float | None = None  # [s] 0: as everywhere
    max_depart_delay_s: float | None = None  # [s] -1: vehicles wait for ever
    ignore_junction_blocker_s: float | None = None  # [s] -1: never
    lane_change: bool | None = None
    ballistic: bool | None = None  # integration: true ballistic, false Euler
    eager_insert: bool | None = None

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise ConfigError("a scenario file names no source", expected='source = "..."')
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, float) and not (math.isfinite(value) or (entry.name == "end_s" and value > 0)):
                raise ConfigError(f"'{entry.name}' is not a usable number", got=value, expected="a finite number [s]")
        _check("begin_s", self.begin_s, 0.0, LATEST)
        _check("end_s", None if self.end_s == math.inf else self.end_s, self.begin_s or 0.0, LATEST)
        _check("step_s", self.step_s, 0.1, 1.0)
        _check("seed", self.seed, 0, (1 << 63) - 1)

    def settings(self) -> dict[str, Any]:
        """Fields of the run's settings that are given."""
        found = {
            entry.name.removesuffix("_s"): getattr(self, entry.name)
            for entry in fields(self)
            if entry.name not in ("source", "routes", "additional", "name") and getattr(self, entry.name) is not None
        }
        return found | ({"end": None} if self.end_s == math.inf else {})


def _check(key: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise ConfigError(f"'{key}' is out of range", got=value, expected=f"{low:g} to {high:g}")


def read_scenario_file(path: Path) -> tuple[ScenarioFile, str]:
    """Read a scenario file, plain or gzipped. Returns it with the sha256 of its bytes.

    Raises
    ------
    FileError : missing, unreadable, or no TOML
    ConfigError : an unknown key, or a value that makes no sense
    """
    digest = hashlib.sha256()
    try:
        text = b"".join(open_chunks(path, LIMITS, digest.update)).decode("utf-8")
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise FileError(f"{path.name} is not TOML", got=str(problem)[:120], where=str(path)) from None
    try:
        return ScenarioFile(**_values(content, path)), digest.hexdigest()
    except ConfigError as problem:
        problem.where = problem.where or path.name
        raise


def _values(content: dict[str, Any], path: Path) -> dict[str, Any]:
    kinds = typing.get_type_hints(ScenarioFile)
    for key in content:
        if key not in kinds:
            if "scenario" in content and "source" not in content:
                raise ConfigError("this is the file of a study, not of a scenario", hint=f"urbanlab run {path} --out DIR")
            near = difflib.get_close_matches(key, kinds, n=1)
            raise ConfigError(
                f"unknown key '{key}'", expected="one of " + ", ".join(kinds), hint=f"did you mean '{near[0]}'?" if near else ""
            )
    if "source" not in content:
        raise ConfigError("a scenario file names no source", expected='source = "..."')
    return {key: _value(key, value, kinds[key]) for key, value in content.items()}


def _value(key: str, value: Any, kind: Any) -> Any:
    """A value of the type that its field has; whole numbers serve as numbers."""
    if isinstance(kind, types.UnionType):
        kind = kind.__args__[0]
    if typing.get_origin(kind) is tuple:
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ConfigError(f"'{key}' is not a list of files", got=repr(value)[:80], expected='["a.xml", "b.xml"]')
        return tuple(entries)
    if kind is float and type(value) is int and abs(value) < 1 << 60:
        return float(value)
    if type(value) is not kind:
        expected = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}[kind]
        raise ConfigError(f"'{key}' has another type than it should", got=repr(value)[:80], expected=expected)
    return value
