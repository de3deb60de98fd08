"""Drivers who look for a faster way again and again: SUMO's rerouting devices.

Who they are is said by the trip itself, else by its vehicle type, else drawn as the scenario's options say
(`rerouting_options`). Most choose a first time when they want to depart, in the kernels (`kernels.choose_way`); those with scheduled
stops on their way do it here, as soon as they have departed. All of them choose anew every period from then on, by the smoothed
speeds of the moment. Compared with SUMO 1.28 in the tests.
"""

from __future__ import annotations

import heapq
import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.kernels.navigation import smoothed_speed
from urbanlab.traffic.kernels.world import CHOICE_NONE
from urbanlab.traffic.model import Model
from urbanlab.traffic.record import TripState
from urbanlab.traffic.rerouting_options import ReroutingOptions

__all__ = ["Rerouting"]


class _Run(Protocol):
    scenario: Scenario
    model: Model
    commands: Commands
    seed: int
    begin: float
    step_length: float

    def step_at(self, time: float) -> float: ...


class Rerouting:
    """Has drivers choose anew in time.

    Parameters
    ----------
    run : whose drivers they are

    Raises
    ------
    ConfigError : options of the scenario make no sense
    """

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._options = ReroutingOptions(run.scenario.settings.options, run.seed)
        self._period = np.zeros(0)  # (V,) [s] of each trip; 0: never
        self._coming: NDArray[np.int64] = np.zeros(0, np.int64)  # trips that will look once they have departed
        self._queue: list[tuple[int, int]] = []  # step and trip of those who look next; -1 - trip: at its departure, once
        if run.model.acts is not None:
            self._take_in()

    @property
    def _acts(self) -> StreetActs:
        acts = self._run.model.acts
        assert acts is not None, "only worlds that can be acted on have such drivers"
        return acts

    def _take_in(self) -> None:
        """Learn of trips that have joined."""
        expanded, known = self._run.model.expanded, len(self._period)
        if known == len(expanded.trip_id) and known:
            return
        periods = self._options.periods(self._run.scenario.demand, expanded, known)
        self._period = np.concatenate([self._period, periods])
        choice = self._acts.world.departures.choice[known:]
        looks = (periods > 0.0) & (np.isfinite(periods) | (choice == CHOICE_NONE)) & (self._acts.world.nav.interval > 0)
        self._coming = np.concatenate([self._coming, known + np.flatnonzero(looks)])

    def state(self) -> dict[str, Any]:
        """What evolves, as plain values."""
        return {"period": self._period, "coming": self._coming, "queue": np.array(self._queue, np.int64).reshape(-1, 2)}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says."""
        self._period, self._coming = state["period"], state["coming"]
        self._queue = [(step, trip) for step, trip in state["queue"].tolist()]

    def next_step(self) -> float:
        """Index of the step before which there is something to do; inf: nobody ever looks."""
        wanted = self._run.model.expanded.depart[self._coming].min(initial=math.inf)
        departs = self._run.step_at(float(wanted)) + 1.0  # whoever departs then is to be noted
        return min(departs, float(self._queue[0][0])) if self._queue else departs

    def act(self, step: int, time: float) -> None:
        """Let those choose whose time has come."""
        if self._run.model.acts is None:
            return
        self._take_in()
        if len(self._coming) or self._queue:
            self._note_departures(step)
            self._choose(step, time)

    def _note_departures(self, step: int) -> None:
        """Who has departed looks at once, unless the options forbid it, and a period later."""
        depart = self._acts.world.trips.depart[self._coming]
        gone = depart >= 0.0
        for trip, begin in zip(self._coming[gone].tolist(), depart[gone].tolist(), strict=True):
            period = float(self._period[trip])
            if math.isfinite(period):
                start = begin - begin % period if self._options.synchronize else begin
                heapq.heappush(self._queue, (int(self._run.step_at(start + period)), trip))
            if self._acts.world.departures.choice[trip] == CHOICE_NONE and (self._options.at_departure or math.isinf(period)):
                heapq.heappush(self._queue, (step, -1 - trip))
        ended = self._acts.world.trips.state[self._coming] > TripState.RUNNING
        self._coming = self._coming[~gone & ~ended]

    def _choose(self, step: int, time: float) -> None:
        due = set[int]()
        while self._queue and self._queue[0][0] <= step:
            _, entry = heapq.heappop(self._queue)
            trip = entry if entry >= 0 else -1 - entry
            if self._acts.state(trip) == TripState.RUNNING:
                due.add(trip)
                if entry >= 0:
                    heapq.heappush(self._queue, (int(self._run.step_at(time + float(self._period[trip]))), trip))
        vehicles = self._run.commands.vehicles
        if not due or vehicles is None:
            return
        names, edges = self._run.model.expanded.trip_id, self._run.scenario.network.edge_id
        for trip, way in vehicles.choices.fastest_now(sorted(due), smoothed_speed(self._acts.world.nav)):
            self._acts.set_way(trip, way)
            arguments = {"vehicle": names[trip], "edges": [edges[edge] for edge in way.edges.tolist()]}
            self._run.commands.note("reroute", arguments, "rerouting", time)
