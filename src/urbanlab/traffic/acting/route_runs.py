"""The route table of a running world: new routes join it, and lanes that close or open change what it says."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import Handle
from urbanlab.traffic.kernels.arrays import NUM_POSITIONS, NUM_RUNS
from urbanlab.traffic.kernels.world import World
from urbanlab.traffic.routes import expand_run

__all__ = ["RouteRuns", "Run"]

BY_RUN = ("start", "end", "class_bit")
BY_POSITION = ("stop_lane", "stop_end")
ROUTES_BY_POSITION = ("edge", "last", "best_start")
ROUTES_BY_ROW = ("best_length", "best_offset", "best_link")


class Run(NamedTuple):
    """A route as it is to be driven."""

    edges: NDArray[np.int32]
    stops: tuple[tuple[int, int, float], ...]  # (place in `edges`, lane, end [m]) in order
    arrival: tuple[int, float] | None  # lane that is wanted on the last edge and its end [m]
    class_bit: int


class _Model(Protocol):
    world: World
    handle: Handle

    def replace(self, **parts: object) -> None: ...


def _roomy(bundle: Any, names: tuple[str, ...], used: int, wanted: int) -> dict[str, Any]:
    """Columns with room for `wanted` rows; larger ones have twice of it, so that growing is rare."""
    grown = {}
    for name in names:
        column = getattr(bundle, name)
        if len(column) < wanted:
            grown[name] = np.zeros(2 * wanted, column.dtype)
            grown[name][:used] = column[:used]
    return grown


class RouteRuns:
    """Runs of positions of one world.

    Parameters
    ----------
    model : whose world it is
    """

    def __init__(self, model: _Model) -> None:
        self._model = model
        self._known: dict[tuple[bytes, tuple[tuple[int, int, float], ...], tuple[int, float] | None, int], int] = {}

    def add(self, run: Run) -> int:
        """First position of a run; equal runs are kept once."""
        key = (run.edges.tobytes(), run.stops, run.arrival, run.class_bit)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._append(run)
        return known

    def state(self) -> dict[str, Any]:
        """Runs that have been added, as plain values."""
        return {
            "first": np.array(list(self._known.values()), np.int64),
            "edges": [np.frombuffer(edges, np.int32) for edges, _, _, _ in self._known],
            "stops": [stops for _, stops, _, _ in self._known],
            "arrival": [arrival for _, _, arrival, _ in self._known],
            "class_bit": [class_bit for _, _, _, class_bit in self._known],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Know of these runs and no others; the tables are left as they are."""
        columns = (state[name] for name in ("edges", "stops", "arrival", "class_bit"))
        self._known = {
            (edges.tobytes(), tuple((*stop,) for stop in stops), None if arrival is None else (*arrival,), class_bit): first
            for edges, stops, arrival, class_bit, first in zip(*columns, state["first"].tolist(), strict=True)
        }

    def make_room(self, positions: int = 1) -> None:
        """Room for a run of so many positions more."""
        world = self._model.world
        routes, runs = world.routes, world.runs
        num, start, row = runs.used.tolist()
        rows = positions * runs.most
        runs = runs._replace(**_roomy(runs, BY_RUN, num, num + 1), **_roomy(runs, BY_POSITION, start, start + positions))
        routes = routes._replace(
            **_roomy(routes, ROUTES_BY_POSITION, start, start + positions), **_roomy(routes, ROUTES_BY_ROW, row, row + rows)
        )
        self._model.replace(routes=routes, runs=runs)

    def _append(self, run: Run) -> int:
        edge, lane, end = expand_run(run.edges.astype(np.int32), list(run.stops), run.arrival)
        self.make_room(len(edge))
        world = self._model.world
        routes, runs = world.routes, world.runs
        row_of_run, start, row = runs.used.tolist()
        here = slice(start, start + len(edge))
        num = world.net.edge_num_lanes[edge].astype(np.int64)
        routes.edge[here], routes.best_start[here], routes.last[here] = edge, row + np.cumsum(num) - num, 0
        routes.last[here.stop - 1] = 1
        runs.stop_lane[here], runs.stop_end[here] = lane, end
        runs.start[row_of_run], runs.end[row_of_run], runs.class_bit[row_of_run] = start, here.stop, run.class_bit
        runs.used[:] = row_of_run + 1, here.stop, row + int(num.sum())
        self._fill(np.array([row_of_run]))
        return int(start)

    def refill(self, edges: NDArray[np.integer], used: NDArray[np.integer]) -> None:
        """Compute anew the tables of routes that pass edges, by the permissions of the moment.

        Parameters
        ----------
        edges : those whose permissions have changed
        used : positions in use; routes that nobody drives any more are left as they are
        """
        runs, routes = self._model.world.runs, self._model.world.routes
        rows = np.unique(np.searchsorted(runs.start[: runs.used[NUM_RUNS]], used, side="right") - 1)
        hit = np.concatenate([[0], np.cumsum(np.isin(routes.edge[: runs.used[NUM_POSITIONS]], edges))])
        self._fill(rows[hit[runs.end[rows]] > hit[runs.start[rows]]])

    def fill_all(self) -> None:
        """Compute the tables of all routes."""
        self._fill(np.arange(self._model.world.runs.used[NUM_RUNS]))

    def _fill(self, rows: NDArray[np.integer]) -> None:
        from urbanlab.traffic.kernels.best_lanes import fill_runs  # compiled where it is needed

        fill_runs(self._model.handle.address, rows.astype(np.int64))

    def ahead(self, position: int) -> slice:
        """Positions of a route from one of them to its end."""
        runs = self._model.world.runs
        row = int(np.searchsorted(runs.start[: runs.used[NUM_RUNS]], position, side="right")) - 1
        return slice(position, int(runs.end[row]))
