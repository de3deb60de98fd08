"""Totals of all edges, period by period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network
from urbanlab.traffic.model import LaneTotals, Model
from urbanlab.traffic.record import EdgePeriod

__all__ = ["PeriodLog"]


class PeriodLog:
    """Closes a period when its time has come; the open one can be read at any time.

    Parameters
    ----------
    network : the streets
    begin : [s] of the first period
    length : [s] of every period
    """

    def __init__(self, network: Network, begin: float, length: float) -> None:
        self._lane_edge, self._num_edges = network.lane_edge, network.num_edges
        self._begin, self._origin, self._length = begin, begin, length
        self._closed: list[EdgePeriod] = []
        self._open: LaneTotals | None = None

    @property
    def due(self) -> float:
        """[s] end of the open period; a multiple of the length after begin."""
        return self._origin + (len(self._closed) + 1) * self._length

    def collect(self, model: Model) -> None:
        """Take what the model has summed up since the last time."""
        taken = model.take_totals()
        if self._open is None:
            self._open = taken
        else:
            for total, part in zip(self._open, taken, strict=True):
                total += part

    def close_if_due(self, model: Model, time: float) -> None:
        """End the open period at a time [s] that is its end; periods end on steps."""
        if time < self.due - 1e-9:
            return
        self.collect(model)
        self._closed.append(self._period(time))
        self._begin, self._open = time, None

    def periods(self, model: Model, time: float) -> list[EdgePeriod]:
        """All periods up to a time [s], the open one included where it has a length."""
        self.collect(model)
        return [*self._closed, self._period(time)] if time > self._begin else list(self._closed)

    def _period(self, end: float) -> EdgePeriod:
        totals = self._open
        assert totals is not None
        columns = {name: self._by_edge(getattr(totals, name)) for name in LaneTotals._fields}
        columns["time_loss"] = columns.pop("loss")
        return EdgePeriod(begin=self._begin, end=end, **columns)

    def _by_edge(self, column: NDArray[np.generic]) -> NDArray[np.generic]:
        """(E,) sums of a lane column; in lane order, so that the bits do not depend on anything else."""
        total = np.zeros(self._num_edges, column.dtype)
        np.add.at(total, self._lane_edge, column)
        return total
