"""Who departs when: single trips and flows of a demand, spelled out in order for one seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, Flow
from urbanlab.core.errors import DemandError
from urbanlab.core.rng import entity_key, generator, stream_key

__all__ = ["ExpandedTrips", "expand_flows"]


@dataclass(frozen=True, eq=False)
class ExpandedTrips:
    """Departures in the order of their wanted time; those of one time in the source's order."""

    trip_id: list[str]  # (V,)
    depart: NDArray[np.float64]  # (V,) [s] wanted
    row: NDArray[np.int64]  # (V,) row of the demand
    kind: NDArray[np.int32]  # (V,) vehicle type
    route: NDArray[np.int32]  # (V,) route of the demand

    def extended(self, trip_id: list[str], depart: NDArray[np.float64], kind: NDArray[np.int32]) -> ExpandedTrips:
        """With trips that are no rows of the demand; the list of names is the same one, longer."""
        self.trip_id.extend(trip_id)
        none = np.full(len(trip_id), -1)
        return ExpandedTrips(
            self.trip_id,
            depart=np.append(self.depart, depart),
            row=np.append(self.row, none),
            kind=np.append(self.kind, kind),
            route=np.append(self.route, none.astype(np.int32)),
        )


def expand_flows(demand: Demand, *, begin: float, end: float, seed: int) -> ExpandedTrips:
    """All trips that want to depart in [begin, end).

    Flows are spelled out with SUMO's names (`flow.0`, `flow.1`, ...; CityFlow's `flow_0` where a flow departs
    at its begin and its end). Draws depend on the seed and on identifiers alone, so that adding
    a trip changes no other.

    Raises
    ------
    DemandError : a flow never ends and the run has no end either
    """
    single = np.flatnonzero(~demand.trip_is_template)
    trip_id = [demand.trip_id[k] for k in single]
    depart = [demand.trip_depart[single]]
    row = [single]
    for flow in demand.flows:
        times, numbers = _flow_times(flow, begin, end, seed)
        joint = "_" if flow.at_begin_and_end else "."
        trip_id += [f"{flow.flow_id}{joint}{k}" for k in numbers]
        depart.append(times)
        row.append(np.full(len(times), flow.trip, np.int64))
    all_depart, all_row = np.concatenate(depart), np.concatenate(row).astype(np.int64)
    keep = np.flatnonzero((all_depart >= begin) & (all_depart < end))
    order = keep[np.argsort(all_depart[keep], kind="stable")]
    names = [trip_id[k] for k in order]
    rows = all_row[order]
    kind = _drawn(demand.trip_type[rows], demand.distributions, names, stream_key(seed, "vehicle type"))
    route = _drawn(demand.trip_route[rows], demand.route_distributions, names, stream_key(seed, "route"))
    return ExpandedTrips(names, np.ascontiguousarray(all_depart[order]), rows, kind, route)


def _flow_times(flow: Flow, begin: float, end: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Departures of a flow [s] within the run, and their numbers."""
    last = min(flow.end, end)
    if flow.number >= 0 and flow.period > 0.0:
        last = min(last, flow.begin + flow.number * flow.period)
    if math.isinf(last) and flow.number < 0:
        raise DemandError(
            f"flow '{flow.flow_id}' never ends",
            got="neither an end nor a number of vehicles, in a run without an end",
            expected="one of them",
            hint="give the run an end",
        )
    if flow.period > 0.0:
        times = _regular(flow, last)
    elif flow.probability > 0.0:
        seconds = np.arange(math.ceil(flow.begin), math.ceil(last), dtype=np.float64)
        draws = generator(seed, f"flow {flow.flow_id}").random(len(seconds))
        times = seconds[draws < flow.probability]
    else:
        times = _poisson(flow, last, seed)
    if flow.number >= 0:
        times = times[: flow.number]
    numbers = np.arange(len(times))
    within = (times >= begin) & (times < end)
    return times[within], numbers[within]


def _regular(flow: Flow, last: float) -> NDArray[np.float64]:
    """Fixed spacing; CityFlow departs at both ends of the interval, SUMO never at the end."""
    span = last - flow.begin
    fits = span / flow.period
    count = math.floor(fits + 1e-9) + 1 if flow.at_begin_and_end else math.ceil(fits - 1e-9)
    if flow.number >= 0:
        count = min(count, flow.number)
    return flow.begin + np.arange(max(0, count), dtype=np.float64) * flow.period


def _poisson(flow: Flow, last: float, seed: int) -> NDArray[np.float64]:
    """Exponential spacing."""
    random = generator(seed, f"flow {flow.flow_id}")
    times: list[float] = []
    now = flow.begin + random.exponential(1.0 / flow.poisson_rate)
    while now < last and (flow.number < 0 or len(times) < flow.number):
        times.append(now)
        now += random.exponential(1.0 / flow.poisson_rate)
    return np.array(times, np.float64)


def _drawn(
    value: NDArray[np.int32], distributions: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...], names: list[str], key: int
) -> NDArray[np.int32]:
    """Where a value is -2 - d, one of distribution d, drawn by the trip's name."""
    result = value.astype(np.int32)
    for v in np.flatnonzero(value <= -2).tolist():
        choices, weights = distributions[-2 - int(value[v])]
        total = np.cumsum(weights)
        draw = (entity_key(f"{key} {names[v]}") >> 11) * 2.0**-53 * total[-1]
        result[v] = choices[min(int(np.searchsorted(total, draw, side="right")), len(choices) - 1)]
    return result
