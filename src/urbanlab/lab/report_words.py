"""How reports write names and numbers."""

from __future__ import annotations

import html
import math

__all__ = ["interval", "name_of", "number", "p_value", "percent", "plain", "signed"]


def plain(value: str) -> str:
    """A text that stays text on a page, whatever stands in it."""
    return html.escape(value, quote=True)


def name_of(arm: str) -> str:
    """An arm as words.

    Examples
    --------
    >>> name_of("max_pressure:interval=15")
    'max pressure (interval=15)'
    """
    name, _, options = arm.partition(":")
    words = {"fixed": "fixed time", "program": "the source's programs"}.get(name, name.replace("_", " "))
    return f"{words} ({', '.join(options.split(','))})" if options else words


def number(value: float) -> str:
    """Three digits or so; a dash for what is not known.

    Examples
    --------
    >>> number(1234.5), number(12.34), number(float("nan"))
    ('1,234', '12.3', '–')
    """
    if not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return _minus(f"{value:,.{digits}f}")


def signed(value: float) -> str:
    """A number that shows its sign."""
    return ("+" if value > 0 else "") + number(value)


def interval(low: float, high: float, between: str) -> str:
    """Both ends of an interval; a dash where there is none."""
    return f"{signed(low)} {between} {signed(high)}" if math.isfinite(low) and math.isfinite(high) else "–"


def percent(value: float) -> str:
    """A share with its sign."""
    return "–" if not math.isfinite(value) else _minus(f"{value:+.1%}")


def p_value(value: float) -> str:
    """A p value, not more exact than it is."""
    return "–" if not math.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _minus(text: str) -> str:
    """With a minus instead of a hyphen, and no sign before nothing."""
    return text.replace("-", "−") if any(digit in text for digit in "123456789") else text.replace("-", "")
