"""A dictionary that stays as it was made: what scenarios carry beside their columns."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NoReturn, TypeVar

import numpy as np

__all__ = ["FrozenDict", "freeze"]

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dict that refuses changes; `dict(frozen)` or `frozen | {...}` gives a new one that may change.

    Examples
    --------
    >>> FrozenDict(a=1)["a"]
    1
    >>> FrozenDict(a=1).clear()
    Traceback (most recent call last):
    TypeError: a scenario is shared by all its runs and can't be changed; make a new one with dataclasses.replace
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a scenario is shared by all its runs and can't be changed; make a new one with dataclasses.replace")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def freeze(record: Any) -> None:
    """Make the arrays of a dataclass read-only and its dictionaries frozen; called while it is being made."""
    for entry in fields(record):
        value = getattr(record, entry.name)
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        elif type(value) is dict:
            object.__setattr__(record, entry.name, FrozenDict(value))
        elif type(value) is tuple and value and type(value[0]) is dict:
            object.__setattr__(record, entry.name, tuple(FrozenDict(item) for item in value))
