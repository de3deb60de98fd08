"""Values of JSON objects, checked: the right type, within what makes sense, with the place in the error."""

from __future__ import annotations

import math
from typing import Any

from urbanlab.core.errors import InputError

__all__ = ["LARGEST", "SMALLEST", "Values"]

LARGEST = 1e9
"""[m], [s] more than any street or simulation has; larger numbers are mistakes."""

SMALLEST = 1e-3
"""[m], [m/s], [m/s^2] less than any vehicle or lane has."""


class Values:
    """One JSON object and where it stands.

    Parameters
    ----------
    given : what the file has at this place
    where : such as "roadnet.json, road 'r1'"
    error : kind of error to raise
    """

    def __init__(self, given: Any, where: str, error: type[InputError]) -> None:
        self.where, self.error = where, error
        if not isinstance(given, dict):
            raise error("an object is expected here", got=_shown(given), expected="{...}", where=where)
        self.given: dict[str, Any] = given

    def _get(self, key: str) -> Any:
        if key not in self.given:
            raise self.error(
                f"'{key}' is missing", got="the keys " + ", ".join(sorted(map(str, self.given))[:12]), expected=f"'{key}'", where=self.where
            )
        return self.given[key]

    def _wrong(self, key: str, value: object, expected: str) -> InputError:
        return self.error(f"'{key}' is not what it should be", got=_shown(value), expected=expected, where=self.where)

    def number(self, key: str, *, low: float = -LARGEST, high: float = LARGEST) -> float:
        """A number between low and high."""
        value = self._get(key)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not low <= value <= high or not math.isfinite(value):
            bounds = f"a number from {low:g}" + (f" to {high:g}" if high < LARGEST else "")
            raise self._wrong(key, value, bounds if low > -LARGEST else f"a number below {high:g}")
        return float(value)

    def whole(self, key: str, *, low: int = -(1 << 31), high: int = (1 << 31) - 1) -> int:
        """A whole number between low and high."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def text(self, key: str) -> str:
        """A text."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text")
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false."""
        value = self._get(key) if default is None else self.given.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def array(self, key: str) -> list[Any]:
        """An array."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self._wrong(key, value, "an array")
        return value

    def part(self, key: str) -> Values:
        """An object within this one."""
        return Values(self._get(key), f"{self.where}, '{key}'", self.error)

    def parts(self, key: str) -> list[Values]:
        """The objects of an array."""
        return [Values(item, f"{self.where}, {key}[{n}]", self.error) for n, item in enumerate(self.array(key))]

    def point(self) -> tuple[float, float]:
        """The object as a point (x, y) [m]."""
        return self.number("x"), self.number("y")

    def unknown(self, known: frozenset[str]) -> list[str]:
        """Keys that are not among the known ones."""
        return [key for key in self.given if key not in known]


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 64:
        return "a number of many digits"
    text = repr(value) if not isinstance(value, list | dict) else f"a{'n array' if isinstance(value, list) else 'n object'}"
    return text if len(text) <= 60 else text[:57] + "..."
