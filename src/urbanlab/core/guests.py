"""Code of others that runs inside urbanlab: what it must offer, and errors of it told as its own.

Built-in controllers are no guests: what they raise unexpectedly is a defect of urbanlab.
"""

from __future__ import annotations

import inspect
import math
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

from urbanlab.core.errors import ConfigError, InputError, UrbanlabError

__all__ = ["blamed_on", "check_controller"]

OURS = Path(__file__).resolve().parents[1]
LONGEST = 300  # characters of a guest's own error text that are shown


@contextmanager
def blamed_on(guest: object, what: str, kind: type[InputError], *, hint: str = "") -> Iterator[None]:
    """Turn what a guest raises into an error that names the guest and the line of its code.

    Parameters
    ----------
    guest : the object or function whose code runs in the block
    what : how the sentence begins, such as "controller 'crash' failed in decide at 30 s"
    kind : of the error that is raised; errors of urbanlab pass as they are
    """
    try:
        yield
    except UrbanlabError:
        raise
    except Exception as problem:
        if _is_ours(guest):
            raise
        text = str(problem).strip()[:LONGEST]
        raise kind(f"{what}: {type(problem).__name__}{': ' + text if text else ''}", where=_place(problem, guest), hint=hint) from problem


def check_controller(controller: Any, name: str) -> None:
    """Refuse what is no controller.

    Raises
    ------
    ConfigError : `interval`, `yellow`, `start` or `decide` is missing or of no use
    """
    if isinstance(controller, type):
        raise ConfigError(f"controller '{name}' is a class", expected="an object", hint=f"{controller.__name__}(...) makes one")
    lacking = [entry for entry in ("interval", "yellow", "start", "decide") if not hasattr(controller, entry)]
    if lacking:
        raise ConfigError(
            f"controller '{name}' has no {' and no '.join(repr(entry) for entry in lacking)}",
            expected="interval [s], yellow ([s] or None), start(layout, *, seed) and decide(view)",
            where=_home(controller),
        )
    for entry in ("start", "decide"):
        if not callable(getattr(controller, entry)):
            raise ConfigError(
                f"'{entry}' of controller '{name}' is no method", got=repr(getattr(controller, entry)), where=_home(controller)
            )
    if not _is_number(controller.interval):
        raise ConfigError(
            f"'interval' of controller '{name}' is no number", got=repr(controller.interval), expected="[s] > 0", where=_home(controller)
        )
    yellow = controller.yellow
    if yellow is not None and not (_is_number(yellow) and math.isfinite(yellow) and yellow >= 0):
        raise ConfigError(
            f"'yellow' of controller '{name}' is no time", got=repr(yellow), expected="[s] >= 0, or None", where=_home(controller)
        )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_ours(guest: object) -> bool:
    kind = guest if inspect.isroutine(guest) or isinstance(guest, type) else type(guest)
    return str(getattr(kind, "__module__", "")).partition(".")[0] == __name__.partition(".")[0]


def _place(problem: BaseException, guest: object) -> str:
    """File and line of the guest's code that was at work, even if what it called has failed."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if not _in_urbanlab(frame.filename)]
    if not frames:
        return _home(guest)
    last = [frame for frame in frames if frame.filename == frames[0].filename][-1]
    return f"{last.filename}:{last.lineno}"


def _in_urbanlab(filename: str) -> bool:
    return Path(filename).resolve().is_relative_to(OURS)


def _home(guest: object) -> str:
    """Where a guest is written down."""
    kind: Any = guest if inspect.isroutine(guest) or isinstance(guest, type) else type(guest)
    try:
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', repr(kind))}"
