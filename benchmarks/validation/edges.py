"""Counts and speeds of edges, period by period, beside SUMO's.

Letters: T periods, E edges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.traffic.record import RunRecord

__all__ = ["LEAST_COUNT", "EdgeAgreement", "EdgeValues", "agreement", "mean_of", "of_record", "of_reference"]

LEAST_COUNT = 10.0
"""Vehicles in a period from which on an edge's speed is compared."""

Float = NDArray[np.float64]


@dataclass(frozen=True)
class EdgeValues:
    """Figures of edges by period; NaN where there is no speed."""

    count: Float  # (T, E) vehicles that entered or departed
    speed: Float  # (T, E) [m/s] metres over seconds while the front is on the edge
    overlap_speed: Float | None = None  # (T, E) [m/s] while any part of the vehicle is


@dataclass(frozen=True)
class EdgeAgreement:
    """How far two sets of edge figures agree."""

    num_counts: int  # edges and periods where either has vehicles
    num_vehicles: float  # sum of SUMO's counts
    count_error: float  # [1] absolute errors of counts over all counts
    num_speeds: int  # edges and periods whose speeds are compared
    num_busy: int  # edges and periods that are busy in SUMO; those without a speed of ours cannot be compared
    speed_fit: float  # [1] coefficient of determination, weighted by SUMO's counts; NaN where all speeds are alike


def of_record(record: RunRecord) -> EdgeValues:
    """Figures of our run; edges inside junctions are left out."""
    edges = np.flatnonzero(~record.edge_is_internal)
    periods = list(record.edge_periods)
    count = np.array([(period.entered + period.departed)[edges] for period in periods], np.float64)
    seconds = np.array([period.seconds[edges] for period in periods])
    metres = np.array([period.metres[edges] for period in periods])
    return EdgeValues(count, _ratio(metres, seconds))


def of_reference(stored: Mapping[str, Any], edge_ids: Sequence[str]) -> EdgeValues:
    """Figures of a reference's `edges`, with the columns of the edges named; its speeds are SUMO's `speed`."""
    column = {name: k for k, name in enumerate(edge_ids)}
    shape = len(stored["intervals"]), len(edge_ids)
    count, speed = np.zeros(shape), np.full(shape, np.nan)
    for t, begin in enumerate(sorted(stored["intervals"], key=float)):
        for name, values in stored["intervals"][begin].items():
            count[t, column[name]] = values["count"]
            if values["speed"] is not None:
                speed[t, column[name]] = values["speed"]
    return EdgeValues(count, speed, speed)


def mean_of(runs: Sequence[EdgeValues]) -> EdgeValues:
    """Means over seeds; runs that ended earlier have no vehicles afterwards, and speeds count where there are any."""
    periods = max(len(run.count) for run in runs)
    count = np.mean([_padded(run.count, periods, 0.0) for run in runs], axis=0)
    overlaps = [run.overlap_speed for run in runs if run.overlap_speed is not None]
    return EdgeValues(count, _mean_speed([run.speed for run in runs], periods), _mean_speed(overlaps, periods) if overlaps else None)


def agreement(ours: EdgeValues, theirs: EdgeValues, *, overlap: bool = False) -> EdgeAgreement:
    """Errors of counts over all edges and periods, fit of speeds where SUMO has at least LEAST_COUNT vehicles.

    Parameters
    ----------
    ours, theirs : means over seeds
    overlap : compare with the speeds that SUMO calls `speed`
    """
    periods = max(len(ours.count), len(theirs.count))
    count, want = _padded(ours.count, periods, 0.0), _padded(theirs.count, periods, 0.0)
    got = _padded(ours.speed, periods, np.nan)
    speeds = theirs.overlap_speed if overlap and theirs.overlap_speed is not None else theirs.speed
    speed = _padded(speeds, periods, np.nan)
    busy = (want >= LEAST_COUNT) & np.isfinite(speed)
    used = busy & np.isfinite(got)
    weight = want[used]
    centre = np.average(speed[used], weights=weight)
    unexplained = float((weight * (got[used] - speed[used]) ** 2).sum())
    total = float((weight * (speed[used] - centre) ** 2).sum())
    return EdgeAgreement(
        num_counts=int(((count > 0.0) | (want > 0.0)).sum()),
        num_vehicles=float(want.sum()),
        count_error=float(np.abs(count - want).sum() / want.sum()),
        num_speeds=int(used.sum()),
        num_busy=int(busy.sum()),
        speed_fit=1.0 - unexplained / total if total > 0.0 else math.nan,
    )


def _ratio(metres: Float, seconds: Float) -> Float:
    return np.asarray(np.divide(metres, seconds, out=np.full(metres.shape, np.nan), where=seconds > 0.0))


def _padded(values: Float, periods: int, fill: float) -> Float:
    missing = np.full((periods - len(values), values.shape[1]), fill)
    return np.concatenate([values, missing])


def _mean_speed(speeds: Sequence[Float], periods: int) -> Float:
    """(T, E) means of what is not NaN."""
    stack = np.array([_padded(speed, periods, np.nan) for speed in speeds])
    known = np.isfinite(stack)
    return _ratio(np.where(known, stack, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))
