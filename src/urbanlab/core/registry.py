"""Names of controllers and technologies, resolved over Python entry points.

The built-in ones come the same way as those of other packages, so that a lower room can be told a name
without importing the room that implements it.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from urbanlab.core.control import Controller
from urbanlab.core.errors import ConfigError
from urbanlab.core.guests import blamed_on, check_controller

__all__ = ["CONTROLLERS", "PROGRAM", "TECHNOLOGIES", "make_controller", "names", "parse_spec", "resolve"]

CONTROLLERS = "urbanlab.controllers"
TECHNOLOGIES = "urbanlab.technologies"
PROGRAM = "program"
"""Instead of a controller's name: the source's own signal programs run."""


def parse_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split a name with options, `NAME[:KEY=VAL,...]`.

    Raises
    ------
    ConfigError : no name, an option without `=`, an option given twice

    Examples
    --------
    >>> parse_spec("max_pressure:interval=15,phases=1-4")
    ('max_pressure', {'interval': '15', 'phases': '1-4'})
    """
    name, _, rest = spec.partition(":")
    if not name.strip():
        raise ConfigError("a name is missing", got=repr(spec), expected="NAME or NAME:KEY=VAL,...")
    options: dict[str, str] = {}
    for item in rest.split(",") if rest.strip() else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not key or not equals or not value:
            raise ConfigError(f"option {item!r} of '{name}' is not KEY=VAL", got=repr(spec), expected="KEY=VAL,...")
        if key in options:
            raise ConfigError(f"option '{key}' of '{name}' is given twice", got=repr(spec))
        options[key] = value
    return name.strip(), options


@cache
def _points(group: str) -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> tuple[str, ...]:
    """Names known in a group, sorted."""
    return tuple(sorted(_points(group)))


def resolve(group: str, name: str) -> Callable[..., Any]:
    """What a name stands for.

    Raises
    ------
    ConfigError : nobody offers the name, or what offers it can't be imported
    """
    point = _points(group).get(name)
    kind = group.rpartition(".")[2].removesuffix("s")
    if point is None:
        known = names(group) if group != CONTROLLERS else tuple(sorted({PROGRAM, *names(group)}))
        raise ConfigError(
            f"unknown {kind} '{name}'",
            expected="one of " + ", ".join(known),
            hint=_nearest(name, known),
        )
    try:
        target = point.load()
    except (ImportError, AttributeError) as problem:
        raise ConfigError(f"{kind} '{name}' can't be imported: {problem}", where=point.value) from problem
    if not callable(target):
        raise ConfigError(f"{kind} '{name}' is not callable", got=repr(target), where=point.value)
    return target  # type: ignore[no-any-return]


def make_controller(spec: str) -> Controller:
    """A controller from its name and options; options are passed by keyword as text, numbers as numbers.

    Raises
    ------
    ConfigError : unknown name or option, or a value that the controller refuses
    """
    name, options = parse_spec(spec)
    factory = resolve(CONTROLLERS, name)
    known = [p.name for p in inspect.signature(factory).parameters.values() if p.kind is not p.VAR_KEYWORD]
    for key in options:
        if key not in known:
            raise ConfigError(
                f"controller '{name}' has no option '{key}'",
                expected="one of " + ", ".join(known) if known else "no option",
                hint=_nearest(key, known),
            )
    with blamed_on(factory, f"controller '{name}' can't be made from '{spec}'", ConfigError):
        controller: Controller = factory(**{key: _value(text) for key, text in options.items()})
    check_controller(controller, name)
    return controller


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else ""
