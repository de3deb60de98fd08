"""SUMO's options of rerouting devices, as a scenario keeps them: who chooses a way when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, VehicleType
from urbanlab.city.routing import penalties_of
from urbanlab.core.errors import ConfigError
from urbanlab.core.rng import entity_key, stream_key
from urbanlab.traffic.departures import ExpandedTrips

__all__ = ["ReroutingOptions", "Smoothing"]

OPTION = "device.rerouting."
NEVER = -2.0
YES = ("true", "1", "yes", "on", "t", "x")


class Smoothing(NamedTuple):
    """How speeds are smoothed; defaults are SUMO's."""

    interval: float = 1.0  # [s] between two samples; 0: speeds are never looked at
    samples: int = 180  # of the moving mean
    weight: float = 0.0  # [1] of the old value in an exponential mean; 0: a moving mean


class ReroutingOptions:
    """Options of one run.

    Parameters
    ----------
    options : of the scenario's settings
    seed : of the draws who has a device

    Raises
    ------
    ConfigError : they make no sense
    """

    def __init__(self, options: Mapping[str, str], seed: int) -> None:
        self._options = options
        self._given = frozenset(name.removeprefix(OPTION) for name, text in options.items() if name.startswith(OPTION) and text.strip())
        self._share = self._number("probability", -1.0)
        self._explicit = frozenset(name.strip() for name in options.get(f"{OPTION}explicit", "").split(",") if name.strip())
        self._period = max(self._number("period", 0.0), 0.0)
        self.again_after = max(self._number("pre-period", 60.0), 0.0)
        self.at_departure = self.again_after > 0.0
        self.synchronize = options.get(f"{OPTION}synchronize", "false").strip().lower() in YES
        self.penalties = penalties_of(options)
        weight = self._number("adaptation-weight", 0.0)
        samples = int(self._number("adaptation-steps", 180.0))
        interval = self._number("adaptation-interval", 1.0)
        if not (interval >= 0.0 and samples > 0 and 0.0 <= weight <= 1.0):
            raise ConfigError(
                "travel times for rerouting can't be smoothed", got=f"interval {interval:g} s, {samples} steps, weight {weight:g}",
                expected="an interval of 0 s or more, steps above 0, a weight from 0 to 1",
            )  # fmt: skip
        if weight == 1.0:
            interval, weight = 0.0, 0.0  # the old value is all: nothing is ever learned
        self.smoothing = Smoothing(interval, samples, weight if f"{OPTION}adaptation-steps" not in options else 0.0)
        self._key = stream_key(seed, "rerouting device")

    def _number(self, name: str, default: float) -> float:
        text = self._options.get(OPTION + name, "")
        try:
            return float(text) if text.strip() else default
        except ValueError:
            raise ConfigError(f"option '{OPTION}{name}' is no number", got=repr(text[:80]), expected="a number") from None

    def periods(self, demand: Demand, expanded: ExpandedTrips, first: int = 0) -> NDArray[np.float64]:
        """(V,) [s] periods in which drivers of trips from the `first` on choose anew; 0: never, inf: at their departure alone.

        A trip without a route of its own always chooses one at its departure.
        """
        rows, kinds, names = expanded.row[first:], expanded.kind[first:], expanded.trip_id[first:]
        of_kind = np.array([self._period_of(kind) for kind in demand.vehicle_types], np.float64)
        share = np.array([self._share_of(kind) for kind in demand.vehicle_types], np.float64)
        equipped = share[kinds] >= 1.0
        for trip in np.flatnonzero((share[kinds] > 0.0) & ~equipped):
            equipped[trip] = (entity_key(f"{self._key} {names[trip]}") >> 11) * 2.0**-53 < share[kinds[trip]]
        if self._explicit:
            equipped |= np.array([name in self._explicit for name in names], bool) & (share[kinds] > NEVER)
        own = np.where(rows >= 0, demand.trip_rerouting[rows], -1.0)
        routed = (rows < 0) | (demand.trip_from[rows] < 0)
        periods = np.where(equipped | (~routed & ("probability" not in self._given)), of_kind[kinds], 0.0)
        periods = np.where(own >= 0.0, own, periods)
        if not self.at_departure:
            periods = np.where(routed & np.isinf(periods), 0.0, periods)
        return np.where(~routed & (periods == 0.0), math.inf, periods)

    def _period_of(self, kind: VehicleType) -> float:
        period = float(kind.attributes.get("device.rerouting.period", self._period))
        return period if period > 0.0 else math.inf

    def _share_of(self, kind: VehicleType) -> float:
        """Share of a vehicle type that has the device; NEVER where the type itself denies it."""
        has = kind.attributes.get("has.rerouting.device", "").strip().lower()
        if has:
            return 1.0 if has in YES else NEVER
        return float(kind.attributes.get("device.rerouting.probability", self._share))
