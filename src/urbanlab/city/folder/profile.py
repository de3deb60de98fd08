"""Departures over time: of single trips, and of flows without drawing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Flow

__all__ = ["Spread", "flow_of", "profile_of"]

PERIOD = 900.0  # [s] of the profile
MOST_PERIODS = 96  # a longer demand is shown in longer periods


class Spread(NamedTuple):
    """Departures of a flow, as many as are to be expected."""

    begin: float  # [s]
    spacing: float  # [s] mean, between two vehicles
    number: float  # of vehicles; 0 of a flow that would never end


def flow_of(flow: Flow, end: float) -> Spread:
    """What a flow adds in a run until a time [s]; a flow without an end in a run without one adds what nobody knows, here nothing."""
    rate = flow.probability or flow.poisson_rate
    spacing = flow.period if flow.period > 0.0 else 1.0 / rate
    span = min(flow.end, end) - flow.begin
    if np.isinf(span):
        return Spread(flow.begin, spacing, float(max(flow.number, 0)))
    if flow.period > 0.0:
        before = np.ceil((end - flow.begin) / spacing - 1e-9)  # nobody departs at the end of a run
        number = min(np.floor(span / spacing + 1e-9) + 1.0 if flow.at_begin_and_end else np.ceil(span / spacing - 1e-9), before)
    else:
        number = span / spacing
    number = max(float(number), 0.0)
    return Spread(flow.begin, spacing, min(number, flow.number) if flow.number >= 0 else number)


def profile_of(depart: NDArray[np.float64], flows: Sequence[Spread] = ()) -> dict[str, Any]:
    """Departures by period, from the start of the first one's on.

    Parameters
    ----------
    depart : (V,) [s] of single trips, rising
    flows : beside them
    """
    flows = [flow for flow in flows if flow.number > 0.0]
    bounds = [(flow.begin, flow.begin + (max(flow.number, 1.0) - 1.0) * flow.spacing) for flow in flows]
    bounds += [(float(depart[0]), float(depart[-1]))] if len(depart) else []
    if not bounds:
        return {"begin_s": 0.0, "period_s": PERIOD, "departures": []}
    first, last = min(begin for begin, _ in bounds), max(end for _, end in bounds)
    period = PERIOD
    while last // period - first // period >= MOST_PERIODS:
        period *= 2.0
    edges = (first // period + np.arange(last // period - first // period + 2)) * period
    count = np.bincount((depart // period - first // period).astype(np.int64), minlength=len(edges) - 1).astype(np.float64)
    for flow in flows:
        # the k-th vehicle departs k spacings after the begin: those before a time are a rounded-up share
        count += np.diff(np.clip(np.ceil((edges - flow.begin) / flow.spacing), 0.0, np.ceil(flow.number)))
    return {"begin_s": float(edges[0]), "period_s": period, "departures": count.astype(np.int64).tolist()}
