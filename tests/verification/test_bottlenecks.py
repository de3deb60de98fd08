"""Lanes that end: their capacity, merging from a ramp, the zipper."""

from __future__ import annotations

from typing import Any

import pytest

LOOP = '<e1Detector id="d" lane="bc_0" pos="700" period="3600" file="e1.xml"/>'


def test_capacity_of_a_lane_drop(verify: Any, flow: Any) -> None:
    """Two lanes become one, more cars than it can take.

    Expected: what a loop behind it counts in an hour in SUMO 1.28.0, 20 seeds, within 2 %.
    """
    case = verify.case("drop", flow("x", 0.8, "ab bc"), additional=LOOP)
    verify.agrees(case, figures={"loop d": 0.02, "x duration": 0.03, "collisions": 0.0})


def test_lane_drop_below_capacity(verify: Any, flow: Any) -> None:
    """0.35 / s. Expected: SUMO 1.28.0, 20 seeds; 5 % of the time loss."""
    case = verify.case("drop", flow("x", 0.35, "ab bc"), additional=LOOP)
    verify.agrees(case, seeds=6, figures={"x loss": 0.05, "x duration": 0.01, "collisions": 0.0})


def test_ramp_merges_into_a_motorway(verify: Any, flow: Any) -> None:
    """0.3 / s on two lanes, 0.1 / s from a ramp with 200 m to merge.

    Expected: SUMO 1.28.0, 20 seeds; 5 % of the time loss of those who pass, 10 % of those who merge.
    """
    case = verify.case("ramp", flow("m", 0.3, "ab bc cd") + flow("r", 0.1, "rb bc cd"))
    verify.agrees(case, figures={"m loss": 0.05, "m duration": 0.01, "r loss": 0.1, "r duration": 0.01, "collisions": 0.0})


def test_zipper_below_capacity(verify: Any, flow: Any) -> None:
    """0.3 / s on both lanes together. Expected: SUMO 1.28.0, 20 seeds; 5 % of the time loss."""
    case = verify.case("zipper", flow("x", 0.3, "ab bc", 'departLane="random" departSpeed="max"'), additional=LOOP)
    verify.agrees(case, figures={"x loss": 0.05, "x duration": 0.01, "collisions": 0.0})


def test_capacity_of_a_zipper(verify: Any, flow: Any) -> None:
    """More cars than it can take. Expected: what a loop counts in an hour in SUMO 1.28.0, 20 seeds, within 2 %."""
    case = verify.case("zipper", flow("x", 0.8, "ab bc", 'departLane="random" departSpeed="max"'), additional=LOOP)
    verify.agrees(case, figures={"loop d": 0.02, "x duration": 0.05, "collisions": 0.0})


@pytest.mark.parametrize(("every", "later", "num", "place"), [(5, 1.0, 10, 500), (3, 1.5, 10, 500), (2, 1.0, 10, 500), (1.8, 0.9, 25, 700)])
def test_streams_of_a_zipper_alternate(verify: Any, every: float, later: float, num: int, place: int) -> None:
    """Perfect drivers on both lanes, one stream `later` s behind the other; the last case is a jam.

    Expected: the state of every vehicle as in SUMO 1.28.0. Source: `MSLink::getZipperSpeed`; who lets another go first slows down evenly so
    as to be at the link a reaction time after it. Within sight of the zipper nobody changes lanes (`MSVehicle::unsafeLinkAhead`).
    """
    rows = [(k * every + lane * later, f"{'ab'[lane]}{k}", lane) for k in range(num) for lane in (0, 1)]
    how = f'departPos="{place}" departSpeed="max"><route edges="ab bc"/></vehicle>'
    cars = "".join(f'<vehicle id="{n}" type="c" depart="{t:g}" departLane="{lane}" {how}' for t, n, lane in sorted(rows))
    verify.same_trace(verify.case("zipper", '<vType id="c" sigma="0" speedDev="0"/>' + cars, end=90.0))
