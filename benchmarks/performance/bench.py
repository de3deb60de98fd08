"""What every benchmark gets: its folders, how often it repeats, and how it says where it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Bench", "Column", "Part", "Row", "spread"]

Row = dict[str, Any]
"""One line of a table: plain values, or what `spread` makes of several."""


class Column(NamedTuple):
    """How a value of a row is shown."""

    key: str
    heading: str
    form: str = "{}"  # of one number
    scale: float = 1.0  # the value is divided by it


class Part(NamedTuple):
    """A benchmark: a table of the page."""

    name: str
    title: str
    measure: Callable[[Bench], Iterable[Row]]
    columns: tuple[Column, ...]
    about: str  # below the title: what is measured, and how


@dataclass(frozen=True)
class Bench:
    """Settings of a call."""

    work: Path  # for what is made on the way, and found again the next time
    data: Path  # scenarios of others
    repeat: int  # runs of each measurement, one more being discarded before
    tiny: bool  # the smallest cases, to see that all of it works
    say: Callable[[str], None]

    def runs(self, what: str, measure: Callable[[], Row], *, budget: float = 60.0, discard: bool = True) -> list[Row]:
        """Several runs of one measurement.

        Parameters
        ----------
        what : is said before
        measure : one run
        budget : [s] of the clock after which no further run begins; one is always made
        discard : leave out the first, in which kernels are compiled or loaded
        """
        self.say(what)
        if discard:
            measure()
        started = time.perf_counter()
        found: list[Row] = []
        while len(found) < self.repeat and (not found or time.perf_counter() - started < budget):
            found.append(measure())
        return found

    def size(self, whole: int, tiny: int) -> int:
        """One number for real, another for a trial."""
        return tiny if self.tiny else whole


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least, most and number of several runs.

    Examples
    --------
    >>> spread([3.0, 1.0, 2.0])
    {'median': 2.0, 'low': 1.0, 'high': 3.0, 'runs': 3}
    """
    found = sorted(values)
    return {"median": statistics.median(found), "low": found[0], "high": found[-1], "runs": len(found)}
