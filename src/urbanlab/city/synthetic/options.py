"""Options that all kinds of synthetic cities share, and how a specification is read."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from urbanlab.core.errors import ConfigError

__all__ = ["CommonOptions", "check_range", "read_options"]

MAX_TRIPS = 5_000_000
TRIPS_PER_JUNCTION = 20.0  # an hour; keeps the default city below capacity
MOST_DEFAULT_TRIPS = 100_000
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
Options = TypeVar("Options", bound="CommonOptions")


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Demand and signals of any synthetic city."""

    trips: int = -1  # -1: by the size of the city
    begin: float = 0.0  # [s]
    duration: float = 3600.0  # [s] of the departures
    signals: bool = True  # False: right of way alone
    protected: bool = True  # left turns get phases of their own where there are many

    def __post_init__(self) -> None:
        check_range("trips", self.trips, -1, MAX_TRIPS)
        check_range("begin", self.begin, 0.0, 1e7)
        check_range("duration", self.duration, 1.0, 1e6)

    def num_trips(self, junctions: int) -> int:
        """Trips of the peak: what is asked for, else in proportion to the city."""
        if self.trips >= 0:
            return self.trips
        return int(min(TRIPS_PER_JUNCTION * junctions * self.duration / 3600.0, MOST_DEFAULT_TRIPS))


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse what is not a number between two bounds."""
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"Option {name!r} is out of range.", got=value, expected=f"a number from {low:g} to {high:g}")


def read_options(kind: type[Options], text: str, where: str) -> Options:
    """Options from `key=value,key=value`."""
    known = {entry.name: str(entry.type) for entry in fields(kind)}
    values: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ConfigError(f"Option {key!r} has no value.", got=repr(part), expected="key=value", where=where)
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else ""
            every = "one of " + ", ".join(known)
            raise ConfigError(f"Option {key!r} is unknown.", got=repr(key), expected=every, where=where, hint=hint)
        if key in values:
            raise ConfigError(f"Option {key!r} is given twice.", got=text, expected="each option once", where=where)
        values[key] = _value(key, value, known[key], where)
    return kind(**values)


def _value(key: str, text: str, kind: str, where: str) -> object:
    try:
        if kind == "bool":
            return WORDS[text.lower()]
        return int(text) if kind == "int" else float(text)
    except (ValueError, KeyError):
        expected = {"bool": "true or false", "int": "a whole number"}.get(kind, "a number")
        raise ConfigError(f"Option {key!r} can't be read.", got=repr(text), expected=expected, where=where) from None
