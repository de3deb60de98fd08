"""Flows of SUMO: how often a vehicle departs."""

from __future__ import annotations

import re

from urbanlab.city.demand import Flow
from urbanlab.city.readers.sumo_values import Values
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import DemandError

__all__ = ["read_flow"]

Attributes = dict[str, str]
_EXPONENTIAL = re.compile(r"\s*exp\(([^()]*)\)\s*\Z")
_AT_ONCE = 1e-6  # [s] spacing of a flow whose vehicles all want to depart at one time


def read_flow(attributes: Attributes, begin: float, values: Values, report: ImportReport) -> Flow | None:
    """One flow, its template's row still open (-1); None where no vehicle would ever depart.

    Rates stand as `period` [s], `period="exp(rate [1/s])"`, `vehsPerHour`, `perHour` or `probability` [1/s];
    `number` bounds the count, and alone it spreads the vehicles evenly from begin to end.
    """
    name = values.text(attributes, "id")
    end = values.time(attributes, "end", float("inf")) if "end" in attributes else float("inf")
    if end < begin:
        raise DemandError(f"flow '{name}' ends before it begins", got=f"{begin:g} to {end:g} s")
    number = values.index(attributes, "number") if "number" in attributes else -1
    rates = [key for key in ("period", "vehsPerHour", "perHour", "probability") if key in attributes]
    if len(rates) > 1:
        raise DemandError(f"flow '{name}' has several rates", got=", ".join(rates), expected="one of them")
    if number == 0 or (not rates and number < 0):
        if number == 0:
            report.warn("flow without vehicles", name)
            return None
        raise DemandError(f"flow '{name}' does not say how often", expected="period, vehsPerHour, probability or number")
    flow = Flow(name, -1, begin, end, number)
    if not rates:
        if end == float("inf"):
            raise DemandError(f"flow '{name}' has a number of vehicles but no end", expected="an 'end' or a rate")
        return Flow(name, -1, begin, end, number, period=max((end - begin) / number, _AT_ONCE))
    return _with_rate(flow, rates[0], attributes, values, report)


def _with_rate(flow: Flow, key: str, attributes: Attributes, values: Values, report: ImportReport) -> Flow | None:
    name, begin, end, number = flow.flow_id, flow.begin, flow.end, flow.number
    text = attributes[key]
    match = _EXPONENTIAL.match(text) if key == "period" else None
    if match is not None:
        rate = values.parse(match[1], "period")
        if rate < 0:
            raise DemandError(f"flow '{name}' has a negative rate", got=text)
        flow = Flow(name, -1, begin, end, number, poisson_rate=rate)
    elif key == "period":
        flow = Flow(name, -1, begin, end, number, period=values.parse_time(text, key))
        if flow.period <= 0:
            raise DemandError(f"flow '{name}' has no period", got=text, expected="more than 0 s")
    elif key == "probability":
        share = values.not_negative(attributes, key)
        if share > 1:
            raise DemandError(f"flow '{name}' has a probability above 1", got=text, expected="0 to 1 a second")
        flow = Flow(name, -1, begin, end, number, probability=share)
    else:
        hourly = values.not_negative(attributes, key)
        flow = Flow(name, -1, begin, end, number, period=3600.0 / hourly if hourly > 0 else 0.0)
    if not (flow.period or flow.probability or flow.poisson_rate):
        report.warn("flow without vehicles", name)
        return None
    return flow
