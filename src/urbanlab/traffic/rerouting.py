"""Drivers who look for a faster way again and again: SUMO's rerouting devices.

Who they are is said by the trip itself, else by its vehicle type, else drawn as the scenario's options say
(`device.rerouting.probability`, `.explicit`, `.period`). A driver looks when it has departed (SUMO: just before that, and while it
waits; not with a `pre-period` of 0) and every period from then on, by the smoothed travel times of the moment (`acting.live_times`).
Compared with SUMO 1.28 in the tests.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import VehicleType
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import ConfigError
from urbanlab.core.rng import entity_key, stream_key
from urbanlab.traffic.acting.live_times import LiveTimes, Smoothing
from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.model import Model
from urbanlab.traffic.record import TripState

__all__ = ["Rerouting"]

OPTION = "device.rerouting."
YES = ("true", "1", "yes", "on", "t", "x")


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
        self._options = _Options(run.scenario.settings.options, run.seed)
        self._period = np.zeros(0)  # (V,) [s] of each trip; 0: never
        self._coming: NDArray[np.int64] = np.zeros(0, np.int64)  # trips that will look once they have departed
        self._queue: list[tuple[int, int]] = []  # step and trip of those who look next; -1 - trip: at its departure, once
        self._sampled = 0  # samples so far
        self._times: LiveTimes | None = None
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
        demand = self._run.scenario.demand
        rows = expanded.row[known:].tolist()
        kinds = [demand.vehicle_types[kind] for kind in expanded.kind[known:].tolist()]
        own = [float(demand.trip_rerouting[row]) if row >= 0 else -1.0 for row in rows]
        names = expanded.trip_id[known:]
        periods = [self._options.period(*entry) for entry in zip(own, kinds, names, strict=True)]
        self._period = np.concatenate([self._period, np.array(periods, np.float64)])
        self._coming = np.concatenate([self._coming, known + np.flatnonzero(self._period[known:] > 0.0)])
        if len(self._coming) and self._times is None:
            self._times = LiveTimes(self._run.scenario.network, lambda: self._acts.world, self._options.smoothing)

    def next_step(self) -> float:
        """Index of the step before which there is something to do; inf: nobody ever looks."""
        if self._times is None or not (len(self._coming) or self._queue):
            return math.inf
        sample = self._run.step_at(self._run.begin + (self._sampled + 1) * self._options.smoothing.interval)
        return min(sample, float(self._queue[0][0])) if self._queue else sample

    def act(self, step: int, time: float) -> None:
        """Take a sample of the speeds and let those choose whose time has come."""
        if self._run.model.acts is None:
            return
        self._take_in()
        if self._times is None:
            return
        passed = int((time - self._run.begin) / self._options.smoothing.interval + 1e-9)
        if passed > self._sampled:
            self._times.sample()
            self._sampled = passed
        self._note_departures(step)
        self._choose(step, time, self._times)

    def _note_departures(self, step: int) -> None:
        """Who has departed looks at once, unless the options forbid it, and a period later."""
        depart = self._acts.world.trips.depart[self._coming]
        gone = depart >= 0.0
        for trip, begin in zip(self._coming[gone].tolist(), depart[gone].tolist(), strict=True):
            period = float(self._period[trip])
            start = begin - begin % period if self._options.synchronize else begin
            heapq.heappush(self._queue, (int(self._run.step_at(start + period)), trip))
            if self._options.at_departure:
                heapq.heappush(self._queue, (step, -1 - trip))
        ended = self._acts.world.trips.state[self._coming] > TripState.RUNNING
        self._coming = self._coming[~gone & ~ended]

    def _choose(self, step: int, time: float, times: LiveTimes) -> None:
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
        for trip, way in vehicles.choices.fastest_now(sorted(due), times.cost):
            self._acts.set_way(trip, way)
            arguments = {"vehicle": names[trip], "edges": [edges[edge] for edge in way.edges.tolist()]}
            self._run.commands.note("reroute", arguments, "rerouting", time)


class _Options:
    """SUMO's options of rerouting devices, as a scenario keeps them."""

    def __init__(self, options: Mapping[str, str], seed: int) -> None:
        self._options = options
        self._share = self._number("probability", -1.0)
        self._explicit = frozenset(name.strip() for name in options.get(f"{OPTION}explicit", "").split(",") if name.strip())
        self._period = max(self._number("period", 0.0), 0.0)
        self.at_departure = self._number("pre-period", 60.0) > 0.0
        self.synchronize = options.get(f"{OPTION}synchronize", "false").strip().lower() in YES
        weight = self._number("adaptation-weight", 0.0)
        samples = int(self._number("adaptation-steps", 180.0))
        interval = self._number("adaptation-interval", 1.0)
        if not (interval > 0.0 and samples > 0 and 0.0 <= weight < 1.0):
            raise ConfigError(
                "travel times for rerouting can't be smoothed", got=f"interval {interval:g} s, {samples} steps, weight {weight:g}",
                expected="an interval and steps above 0, a weight from 0 to below 1",
            )  # fmt: skip
        self.smoothing = Smoothing(interval, samples, weight if f"{OPTION}adaptation-steps" not in options else 0.0)
        self._key = stream_key(seed, "rerouting device")

    def _number(self, name: str, default: float) -> float:
        text = self._options.get(OPTION + name, "")
        try:
            return float(text) if text.strip() else default
        except ValueError:
            raise ConfigError(f"option '{OPTION}{name}' is no number", got=repr(text[:80]), expected="a number") from None

    def period(self, own: float, kind: VehicleType, name: str) -> float:
        """Period [s] in which a trip's driver looks for a faster way; 0: never.

        Parameters
        ----------
        own : [s] what the trip says; -1 nothing
        kind, name : of the vehicle
        """
        if own >= 0.0:
            return own
        has = kind.attributes.get("has.rerouting.device", "").strip().lower()
        period = float(kind.attributes.get("device.rerouting.period", self._period))
        if has:
            return period if has in YES else 0.0
        share = float(kind.attributes.get("device.rerouting.probability", self._share))
        draws = (entity_key(f"{self._key} {name}") >> 11) * 2.0**-53 < share
        return period if period > 0.0 and (draws or name in self._explicit) else 0.0
