"""Values as SUMO writes them, read strictly: numbers, times, flags, vehicle classes."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping

from urbanlab.city.network import ALL_CLASSES, VEHICLE_CLASSES
from urbanlab.core.errors import InputError

__all__ = ["HUGE", "Values", "nearest"]

HUGE = 1e12  # no length, time, speed or coordinate of a city comes near it
_TRUE = frozenset({"1", "true", "True", "yes", "on", "x", "t", "TRUE"})
_FALSE = frozenset({"0", "false", "False", "no", "off", "-", "f", "FALSE", ""})
_BIT_OF_CLASS = {name: 1 << bit for bit, name in enumerate(VEHICLE_CLASSES)}
# names that older networks use, with SUMO's own translation
_OLD_CLASSES = {
    "public_emergency": "emergency", "public_authority": "authority", "public_army": "army",
    "public_transport": "bus", "transport": "truck", "lightrail": "tram", "cityrail": "rail_urban",
    "rail_slow": "rail", "rail_light": "tram",
}  # fmt: skip


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the known name that looks most like a wrong one; looks at the first 20,000 names."""
    close = difflib.get_close_matches(name, list(itertools.islice(known, 20_000)), n=1, cutoff=0.6)
    return f"the nearest known name is {close[0]!r}" if close else ""


class Values:
    """Reads attributes; a wrong one raises the error kind of the reader that asks."""

    def __init__(self, error: type[InputError]) -> None:
        self.error = error
        self._masks: dict[tuple[str | None, str | None], int] = {}

    def text(self, attributes: Mapping[str, str], key: str) -> str:
        """A required attribute."""
        value = attributes.get(key)
        if value is None:
            known = ", ".join(f'{name}="{text[:40]}"' for name, text in list(attributes.items())[:4])
            raise self.error(f"an element lacks its attribute '{key}'", got=known or "no attributes")
        return value

    def parse(self, text: str, what: str) -> float:
        """A finite number of sensible size."""
        try:
            value = float(text)
        except ValueError:
            value = HUGE
        if not -HUGE < value < HUGE or "_" in text:
            raise self.error(f"'{what}' is not a usable number", got=repr(text[:80]), expected="a finite number") from None
        return value

    def number(self, attributes: Mapping[str, str], key: str, default: float | None = None) -> float:
        """A finite number; required where there is no default."""
        text = attributes.get(key)
        if text is None:
            if default is None:
                self.text(attributes, key)
            else:
                return default
        return self.parse(text or "", key)

    def positive(self, attributes: Mapping[str, str], key: str, default: float | None = None) -> float:
        """A finite number above zero."""
        value = self.number(attributes, key, default)
        if value <= 0:
            raise self.error(f"'{key}' has to be positive", got=attributes.get(key), expected="a number above 0")
        return value

    def not_negative(self, attributes: Mapping[str, str], key: str, default: float | None = None) -> float:
        """A finite number, zero or above."""
        value = self.number(attributes, key, default)
        if value < 0:
            raise self.error(f"'{key}' may not be negative", got=attributes.get(key), expected="0 or above")
        return value

    def whole(self, attributes: Mapping[str, str], key: str, default: int | None = None) -> int:
        """A whole number that fits 32 bits."""
        text = attributes.get(key)
        if text is None and default is not None:
            return default
        if text is None:
            text = self.text(attributes, key)
        try:
            value = int(text)
        except ValueError:
            value = 1 << 40
        if not -(1 << 31) <= value < (1 << 31) or "_" in text:
            raise self.error(f"'{key}' is not a whole number", got=repr(text[:80]), expected="a whole number of 32 bits")
        return value

    def index(self, attributes: Mapping[str, str], key: str) -> int:
        """A required whole number, zero or above."""
        value = self.whole(attributes, key)
        if value < 0:
            raise self.error(f"'{key}' may not be negative", got=value, expected="0 or above")
        return value

    def flag(self, attributes: Mapping[str, str], key: str, *, default: bool) -> bool:
        """Yes or no in SUMO's spellings."""
        text = attributes.get(key)
        if text is None:
            return default
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise self.error(f"'{key}' is neither true nor false", got=repr(text[:80]), expected="true or false")

    def parse_time(self, text: str, what: str) -> float:
        """A time [s]: seconds, or [days:]hours:minutes:seconds."""
        if ":" not in text:
            return self.parse(text, what)
        sign = -1.0 if text.startswith("-") else 1.0
        parts = [self.parse(part, what) for part in text.lstrip("+-").split(":")]
        if not 3 <= len(parts) <= 4 or min(parts) < 0:
            raise self.error(f"'{what}' is not a time", got=repr(text[:80]), expected="seconds or h:mm:ss or d:hh:mm:ss")
        days, hours, minutes, seconds = ([0.0, *parts])[-4:]
        return sign * (((days * 24 + hours) * 60 + minutes) * 60 + seconds)

    def time(self, attributes: Mapping[str, str], key: str, default: float | None = None) -> float:
        """A time [s]; required where there is no default."""
        text = attributes.get(key)
        if text is None:
            if default is not None:
                return default
            text = self.text(attributes, key)
        return self.parse_time(text, key)

    def classes(self, names: str) -> int:
        """Bit mask of a list of vehicle classes."""
        mask = 0
        for name in names.replace("|", " ").split():
            bit = ALL_CLASSES if name == "all" else _BIT_OF_CLASS.get(_OLD_CLASSES.get(name, name), 0)
            if not bit:
                raise self.error(
                    "unknown vehicle class", got=repr(name[:80]), expected="a class of SUMO",
                    hint=nearest(name, VEHICLE_CLASSES),
                )  # fmt: skip
            mask |= bit
        return mask

    def permissions(self, allow: str | None, disallow: str | None) -> int:
        """Bit mask of the classes that may pass; the class 'ignoring' always may."""
        key = (allow, disallow)
        mask = self._masks.get(key)
        if mask is None:
            if allow:
                mask = self.classes(allow)
            elif disallow:
                mask = ALL_CLASSES & ~self.classes(disallow)
            else:
                mask = ALL_CLASSES
            mask |= 1
            self._masks[key] = mask
        return mask
