"""Departures of flows as they are shown of a city, against those that a run draws."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import urbanlab as ul
from urbanlab.city.demand import Flow
from urbanlab.city.folder import City
from urbanlab.city.folder.profile import flow_of, profile_of
from urbanlab.city.synthetic import make
from urbanlab.traffic.departures import expand_flows

FLOWS = (
    Flow("regular", 0, 100.0, 2000.0, period=7.0),
    Flow("ends_on_a_departure", 0, 0.0, 70.0, period=7.0),
    Flow("cityflow", 0, 0.0, 70.0, period=7.0, at_begin_and_end=True),
    Flow("cityflow_once", 0, 950.0, 950.0, period=1.0, at_begin_and_end=True),
    Flow("cityflow_beyond", 0, 0.0, 5000.0, period=100.0, at_begin_and_end=True),
    Flow("so_many", 0, 10.0, math.inf, number=5, period=3.0),
    Flow("beyond_the_end", 0, 0.0, 9000.0, period=900.0),
    Flow("after_the_end", 0, 7000.0, 9000.0, period=1.0),
)
END = 3600.0


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.flow_id)
def test_regular_flows_are_counted_as_a_run_counts_them(flow: Flow) -> None:
    base = make("grid:rows=2,cols=2,trips=1,signals=false", seed=1).demand
    demand = replace(base, trip_is_template=np.array([True]), flows=(flow,))
    times = expand_flows(demand, begin=0.0, end=END, seed=1).depart
    spread = flow_of(flow, END)
    assert spread.number == len(times)
    profile = profile_of(np.zeros(0), [spread])
    assert sum(profile["departures"]) == len(times)
    if len(times):
        number = (times // profile["period_s"] - profile["begin_s"] // profile["period_s"]).astype(int)
        assert profile["departures"] == np.bincount(number).tolist()


def test_random_flows_are_as_many_as_is_to_be_expected() -> None:
    assert flow_of(Flow("bernoulli", 0, 0.0, 1000.0, probability=0.1), END).number == pytest.approx(100.0)
    assert flow_of(Flow("poisson", 0, 3000.0, math.inf, poisson_rate=0.5), END).number == pytest.approx(300.0)
    assert flow_of(Flow("endless", 0, 0.0, math.inf, probability=0.1), math.inf).number == 0.0
    assert flow_of(Flow("endless_but_few", 0, 0.0, math.inf, number=7, poisson_rate=0.1), math.inf).number == 7.0


def test_trips_and_flows_share_a_profile() -> None:
    flow = flow_of(Flow("f", 0, 1000.0, 2000.0, period=100.0), END)
    profile = profile_of(np.array([10.0, 20.0, 1900.0]), [flow])
    assert profile == {"begin_s": 0.0, "period_s": 900.0, "departures": [2, 8, 3]}


def test_a_cityflow_city_has_vehicles(traffic_data: Path) -> None:
    scenario = ul.load(traffic_data / "jinan3x4")
    demand = City(scenario).figures()["demand"]
    departures = expand_flows(scenario.demand, begin=0.0, end=3600.0, seed=1).depart
    assert demand["flow_vehicles"] == len(departures) == sum(demand["vehicle_types"].values()) == sum(demand["profile"]["departures"])
    assert demand["profile"]["departures"] == np.bincount((departures // 900.0).astype(int)).tolist()
