"""Closures and variable speed signs of a scenario: they come and go by the clock, and drivers choose other ways.

Model: SUMO's rerouters (`MSTriggeredRerouter`, compared with SUMO 1.28 in the tests). A vehicle that is on one of a rerouter's edges,
or enters one, while an edge of its route is closed to its class takes the fastest other way, by the limits and permissions of
the moment and without regard to jams. A closure that names no classes forbids nothing: those who do not obey drive
through it. Whoever has a closed edge without named classes for a destination ends its trip where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import ALL_CLASSES, VEHICLE_CLASSES
from urbanlab.city.scenario import Closure, Scenario
from urbanlab.core.rng import entity_key, stream_key
from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.acting.ways import Way
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.model import Model

__all__ = ["Closures"]

SOURCE = "scenario"


class _Run(Protocol):
    scenario: Scenario
    model: Model
    commands: Commands
    seed: int
    begin: float
    end: float

    @property
    def time(self) -> float: ...


class Closures:
    """Has the closures of a run begin and end, and shows drivers the way around them.

    Parameters
    ----------
    run : whose scenario may have closures
    """

    def __init__(self, run: _Run) -> None:
        self._run, self._network = run, run.scenario.network
        self._all = run.scenario.closures
        self._active: list[int] = []  # closures that show other ways now
        self._edges = [np.unique(self._network.lane_edge[list(closure.lanes)]) for closure in self._all]
        run.commands.register("begin_detours", self._begin)
        run.commands.register("end_detours", self._end)
        events = [(closure.begin, 1, n) for n, closure in enumerate(self._all)]
        events += [(closure.end, 0, n) for n, closure in enumerate(self._all)]
        for time, begins, n in sorted(events):
            closure = self._all[n]
            if closure.begin < closure.end and closure.end > run.begin and closure.begin < run.end and time < run.end:
                self._plan(n, closure, max(time, run.begin), begins=bool(begins))

    def _plan(self, number: int, closure: Closure, time: float, *, begins: bool) -> None:
        lanes = {"lanes": [self._network.lane_id(lane) for lane in closure.lanes]}
        name = {"by": f"closure {number}"}
        plan = self._run.commands.schedule
        if closure.speed >= 0.0:
            plan("set_speed_limit", lanes | {"speed": closure.speed if begins else None}, time, SOURCE)
            return
        if closure.permissions != ALL_CLASSES:
            allowed = [word for bit, word in enumerate(VEHICLE_CLASSES) if closure.permissions >> bit & 1]
            plan("close_lanes" if begins else "open_lanes", lanes | name | ({"allow": allowed} if begins else {}), time, SOURCE)
        if closure.reroute_edges:
            plan("begin_detours" if begins else "end_detours", {"closure": number}, time, SOURCE)

    @property
    def active(self) -> list[int]:
        """Closures that show other ways now; `restore` takes it back."""
        return list(self._active)

    def restore(self, active: list[int]) -> None:
        """Show the ways around these and no others."""
        self._active = list(active)
        if active:
            self._watch()

    # --- drivers choose other ways ---------------------------------------------------------------------------------

    def _begin(self, *, closure: int) -> Callable[[], None]:
        def act() -> None:
            self._active.append(closure)
            self._watch()
            lanes = self._lanes(self._all[closure].reroute_edges)
            self._look(self._acts.on_lanes(lanes), [closure], self._run.time)

        return act

    def _end(self, *, closure: int) -> Callable[[], None]:
        def act() -> None:
            self._active.remove(closure)
            self._watch()

        return act

    @property
    def _acts(self) -> StreetActs:
        acts = self._run.model.acts
        assert acts is not None, "commands to lanes are refused before detours begin"
        return acts

    def _lanes(self, edges: Sequence[int]) -> list[int]:
        first = self._network.edge_first_lane
        return [lane for edge in edges for lane in range(first[edge], first[edge + 1])]

    def _watch(self) -> None:
        edges = sorted({edge for n in self._active for edge in self._all[n].reroute_edges})
        self._acts.watch(self._lanes(edges), lambda trips, time: self._look(trips, self._active, time))

    def _look(self, trips: Sequence[int], closures: Sequence[int], time: float) -> None:
        """Let drivers who are on an edge where other ways are shown look whether they need one."""
        for trip in trips:
            lane, _ = self._acts.lane_and_position(trip)
            if lane < 0:
                continue
            way, here = self._acts.way(trip), int(self._network.lane_edge[lane])
            obeyed = [
                n for n in closures if here in self._all[n].reroute_edges and self._concerns(n, trip, way) and self._obeys(n, trip, here)
            ]
            if obeyed:
                self._reroute(trip, way, obeyed, time)

    def _concerns(self, number: int, trip: int, way: Way) -> bool:
        """Is a closed edge ahead that is closed to this driver, or to all who obey?"""
        mask = self._all[number].permissions
        closed = mask == ALL_CLASSES or mask & self._acts.class_bit(trip) == 0
        return closed and bool(np.isin(way.edges[1:], self._edges[number]).any())

    def _obeys(self, number: int, trip: int, edge: int) -> bool:
        """Drawn anew on every edge where the closure is shown, as in SUMO."""
        share = self._all[number].probability
        if share >= 1.0:
            return True
        key = stream_key(self._run.seed, f"closure {number} seen from {self._network.edge_id[edge]}")
        return (entity_key(f"{key} {self._run.model.expanded.trip_id[trip]}") >> 11) * 2.0**-53 < share

    def _reroute(self, trip: int, way: Way, obeyed: list[int], time: float) -> None:
        vehicles = self._run.commands.vehicles
        assert vehicles is not None
        avoid = self._forbidden(obeyed)
        if any(self._all[n].permissions == ALL_CLASSES and way.edges[-1] in self._edges[n] for n in obeyed):
            ends = [row for row, place in zip(way.stops, way.places, strict=True) if place == 0]
            new: Way | None = Way(way.edges[:1], tuple(ends), (0,) * len(ends))
        else:
            new = vehicles.choices.fastest(trip, avoid=avoid)
        if new is None or np.array_equal(new.edges, way.edges):
            return
        self._acts.set_way(trip, new)
        names = [self._network.edge_id[edge] for edge in new.edges.tolist()]
        self._run.commands.note("reroute", {"vehicle": self._run.model.expanded.trip_id[trip], "edges": names}, SOURCE, time)

    def _forbidden(self, closures: list[int]) -> NDArray[np.int32]:
        """Edges that those who obey do not use; where only some lanes are closed, the permissions of the moment decide."""
        first = self._network.edge_first_lane
        whole = [
            edge
            for n in closures
            for edge in self._edges[n].tolist()
            if set(range(first[edge], first[edge + 1])) <= set(self._all[n].lanes)
        ]
        return np.array(sorted(set(whole)), np.int32)
