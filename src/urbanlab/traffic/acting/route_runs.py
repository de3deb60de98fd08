"""The route table of a running world: new routes join it, and lanes that close or open change what it says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.traffic.acting.grow import Rooms
from urbanlab.traffic.kernels.arrays import Net, Routes
from urbanlab.traffic.routes import RunTable, expand_run, fill_tables

__all__ = ["RouteRuns", "Run"]


class Run(NamedTuple):
    """A route as it is to be driven."""

    edges: NDArray[np.int32]
    stops: tuple[tuple[int, int, float], ...]  # (place in `edges`, lane, end [m]) in order
    arrival: tuple[int, float] | None  # lane that is wanted on the last edge and its end [m]
    class_bit: int


class RouteRuns:
    """Runs of positions of one world; the table it holds is the one that kernels read.

    Parameters
    ----------
    net : the streets
    table : routes known at begin
    """

    def __init__(self, net: Net, table: RunTable) -> None:
        self._net = net
        self.table = table
        self._rooms = Rooms()
        self._known: dict[tuple[bytes, tuple[tuple[int, int, float], ...], tuple[int, float] | None, int], int] = {}

    @property
    def routes(self) -> Routes:
        """The part that a world holds."""
        return self.table.routes

    def add(self, run: Run, permissions: NDArray[np.int64]) -> int:
        """First position of a run; equal runs are kept once.

        The arrays of `routes` may be others afterwards: they have to be handed to the world again.
        """
        key = (run.edges.tobytes(), run.stops, run.arrival, run.class_bit)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._append(run, permissions)
        return known

    def _append(self, run: Run, permissions: NDArray[np.int64]) -> int:
        edge, lane, end = expand_run(run.edges.astype(np.int32), list(run.stops), run.arrival)
        routes = self.table.routes
        start, num = len(routes.edge), self._net.edge_num_lanes[edge].astype(np.int64)
        last = np.zeros(len(edge), np.uint8)
        last[-1] = 1
        rows, total = len(routes.best_link) + np.cumsum(num) - num, int(num.sum())
        routes = self._rooms.extended(
            routes,
            {
                "edge": edge, "last": last, "best_start": rows, "best_length": np.zeros(total), "best_offset": np.zeros(total),
                "best_link": np.full(total, -1),
            },
        )  # fmt: skip
        whole = {"start": [start], "end": [start + len(edge)], "class_bit": [run.class_bit], "stop_lane": lane, "stop_end": end}
        self.table = self._rooms.extended(self.table._replace(routes=routes), whole)
        self._fill(np.array([len(self.table.start) - 1]), permissions)
        return start

    def refill(self, permissions: NDArray[np.int64], edges: NDArray[np.integer], used: NDArray[np.integer]) -> None:
        """Compute anew the tables of routes that pass edges.

        Parameters
        ----------
        permissions : (L,) classes that may use each lane now
        edges : those whose permissions have changed
        used : positions in use; routes that nobody drives any more are left as they are
        """
        table = self.table
        rows = np.unique(np.searchsorted(table.start, used, side="right") - 1)
        hit = np.concatenate([[0], np.cumsum(np.isin(table.routes.edge, edges))])
        self._fill(rows[hit[table.end[rows]] > hit[table.start[rows]]], permissions)

    def _fill(self, rows: NDArray[np.integer], permissions: NDArray[np.int64]) -> None:
        table = self.table
        part = table._replace(start=table.start[rows], end=table.end[rows], class_bit=table.class_bit[rows])
        fill_tables(self._net, permissions, part)

    def ahead(self, position: int) -> slice:
        """Positions of a route from one of them to its end."""
        row = int(np.searchsorted(self.table.start, position, side="right")) - 1
        return slice(position, int(self.table.end[row]))
