"""Totals of all edges, period by period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network
from urbanlab.traffic.model import Model
from urbanlab.traffic.record import EdgePeriod

__all__ = ["PeriodLog", "Periods"]


class _Packed(NamedTuple):
    """A period without the edges where nothing happened: memory follows the traffic, not the map."""

    begin: float  # [s]
    end: float  # [s]
    edges: NDArray[np.intp]
    columns: dict[str, NDArray[Any]]  # values at these edges


class Periods(Sequence[EdgePeriod]):
    """Closed periods, spelled out for all edges when they are asked for, so that one of them is in memory at a time."""

    def __init__(self, packed: Sequence[_Packed], num_edges: int) -> None:
        self._packed, self._num_edges = tuple(packed), num_edges

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> EdgePeriod: ...
    @overload
    def __getitem__(self, index: slice) -> Periods: ...
    def __getitem__(self, index: int | slice) -> EdgePeriod | Periods:
        if isinstance(index, slice):
            return Periods(self._packed[index], self._num_edges)
        packed = self._packed[index]
        columns = {name: np.zeros(self._num_edges, values.dtype) for name, values in packed.columns.items()}
        for name, values in packed.columns.items():
            columns[name][packed.edges] = values
        return EdgePeriod(packed.begin, packed.end, **columns)


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
        self._closed: list[_Packed] = []

    @property
    def due(self) -> float:
        """[s] end of the open period; a multiple of the length after begin."""
        return self._origin + (len(self._closed) + 1) * self._length

    def close_if_due(self, model: Model, time: float) -> None:
        """End the open period at a time [s] that is its end; periods end on steps."""
        if time < self.due - 1e-9:
            return
        self._closed.append(self._period(model, time))
        model.clear_totals()
        self._begin = time

    def periods(self, model: Model, time: float) -> Periods:
        """All periods up to a time [s], the open one included where it has a length; reading changes nothing."""
        return Periods([*self._closed, self._period(model, time)] if time > self._begin else self._closed, self._num_edges)

    def state(self) -> dict[str, Any]:
        """What evolves, as plain values."""
        return {"begin": self._begin, "closed": [period._asdict() for period in self._closed]}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says."""
        self._begin, self._closed = state["begin"], [_Packed(**period) for period in state["closed"]]

    def _period(self, model: Model, end: float) -> _Packed:
        columns = {name: self._by_edge(total) for name, total in model.totals()._asdict().items()}
        columns["time_loss"] = columns.pop("loss")
        edges = np.flatnonzero(np.logical_or.reduce([column != 0 for column in columns.values()]))
        return _Packed(self._begin, end, edges, {name: column[edges] for name, column in columns.items()})

    def _by_edge(self, column: NDArray[Any]) -> NDArray[Any]:
        """(E,) sums of a lane column; in lane order, so that the bits do not depend on anything else."""
        total = np.zeros(self._num_edges, column.dtype)
        np.add.at(total, self._lane_edge, column)
        return total
