"""What a check is: a name, a question to a scenario, and every offender it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import InputError

__all__ = ["Check", "Finding", "named"]


class Check(NamedTuple):
    """One possible inconsistency."""

    kind: str  # short phrase, as it is counted in an import report
    find: Callable[[Scenario], list[str]]  # every offender
    expected: str
    error: type[InputError]
    is_hard: bool = False  # an error in imported files too: their readers let none pass


class Finding(NamedTuple):
    """A check that failed."""

    check: Check
    items: tuple[str, ...]  # every offender


def named(names: Sequence[str], rows: NDArray[np.integer] | NDArray[np.bool_]) -> list[str]:
    """Names of rows, given by number or by mask."""
    chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    return [f"'{names[row]}'" for row in chosen.tolist()]
