"""Which lane drivers choose before a signal and before a turn."""

from __future__ import annotations

from typing import Any

import pytest

PERFECT = '<vType id="c" sigma="0" speedDev="0"/>'


def vehicles(*streams: tuple[str, str, float, int]) -> str:
    """Perfect drivers of streams (name, edges, seconds between two, number), in the order of departure."""
    rows = [(k * every, f"{name}{k}", edges) for name, edges, every, num in streams for k in range(num)]
    return PERFECT + "".join(
        f'<vehicle id="{name}" type="c" depart="{depart}" departLane="best" departSpeed="max"><route edges="{edges}"/></vehicle>'
        for depart, name, edges in sorted(rows)
    )


def test_drivers_leave_a_lane_that_waits_for_a_left_turn(verify: Any) -> None:
    """Two lanes, the left one shared by those who turn and those who do not.

    Expected: the state of every vehicle as in SUMO 1.28.0 for 160 s. Sources: Erdmann 2014, "Lane-changing model in SUMO"; while leaders
    gather speed lanes are compared by what the next second brings (`MSLCM_LC2013::anticipateFollowSpeed`); who brakes already needs
    no time to react (SUMO's secure gap of lane changes, found from its lane change output).
    """
    streams = ("l", "wc cn", 17, 9), ("t", "wc ce", 3, 53), ("o", "ec cw", 4, 40), ("ol", "ec cs", 13, 12)
    verify.same_trace(verify.case("two_lanes", vehicles(*streams), end=160.0))


@pytest.mark.parametrize(
    "cars", [[(8, 0, 225)], [(8, 1, 210)], [(7, 0, 200), (9, 0, 200)], [(7, 1, 200), (7, 0, 205)]], ids=["right", "left", "two", "both"]
)
def test_lanes_are_compared_by_who_is_in_the_way_in_the_junction(verify: Any, cars: list[tuple[int, int, int]]) -> None:
    """A long vehicle that does 1.5 m/s comes out of a side road; cars, by departure [s], lane and place [m], have right of way.

    Expected: the state of every vehicle as in SUMO 1.28.0: who is on the lane that it joins takes the other one, and who is on the other
    one stays there. Source: `MSLane::getLeaderOnConsecutive`, where whoever is on a path that meets the own one is a leader.
    """
    slow = '<vType id="slow" vClass="truck" length="16" maxSpeed="1.5" sigma="0" speedDev="0"/>'
    slow += '<vehicle id="t" type="slow" depart="0" departPos="130"><route edges="sc ce"/></vehicle>'
    rows = "".join(
        f'<vehicle id="v{k}" type="c" depart="{t}" departLane="{lane}" departPos="{pos}" departSpeed="max"><route edges="wc ce"/></vehicle>'
        for k, (t, lane, pos) in enumerate(cars)
    )
    trace = verify.same_trace(verify.case("side", PERFECT + slow + rows, end=60.0))
    assert all("ce_1" in {state[0] for state in trace[f"v{k}"].values()} for k in range(len(cars)))


@pytest.mark.parametrize(
    ("ahead", "apart", "truck_speed", "car_speed"), [(1, 2, 3, 0), (1, 6, 5, 5), (1, 8, 3, 5), (3, 10, 5, 7), (8, 2, 5, 7), (8, 8, 3, 5)]
)
def test_nobody_cuts_in_beside_a_turning_car(verify: Any, ahead: int, apart: int, truck_speed: int, car_speed: int) -> None:
    """A truck has to get onto the right lane inside a junction, where the way of a car that turns right begins with that lane.

    Expected: every state as in SUMO 1.28.0: it changes where either rear is past what both ways share, or the car is wholly ahead.
    Cutting in had made the car brake from 9 m/s to a standstill at once, and cars behind run into each other.
    """
    line = 176.8 - ahead
    truck = '<vType id="t" vClass="truck" sigma="0" speedDev="0" lcStrategic="10"/>'
    rows = ("T", "t", 1, line, truck_speed, "ab bc ce"), ("C", "c", 0, line - apart, car_speed, "ab bd")
    both = "".join(
        f'<vehicle id="{name}" type="{kind}" depart="0" departLane="{lane}" departPos="{pos}" departSpeed="{speed}">'
        f'<route edges="{edges}"/></vehicle>'
        for name, kind, lane, pos, speed, edges in rows
    )
    verify.same_trace(verify.case("fork", PERFECT + truck + both, end=30.0))


@pytest.mark.parametrize(("gap", "apart"), [(5, 7.6), (5, 12), (12, 9), (20, 7.6)])
def test_those_behind_know_who_changes_before_them(verify: Any, gap: float, apart: float) -> None:
    """Cars, `apart` [m], come to stand `gap` [m] behind one that does 0.2 m/s; the right lane is free.

    Expected: every state as in SUMO 1.28.0: whoever is first moves over, and in the same step the one behind sees a free lane before it
    and stays. Source: `MSLaneChanger`, which moves each vehicle at once, from front to back over the lanes of an edge.
    """
    slow = '<vType id="t" maxSpeed="0.2" sigma="0" speedDev="0" lcKeepRight="0" lcSpeedGain="0" lcStrategic="-1"/>'
    rows = [("T", "t", 150.0), *((name, "c", 145 - gap - k * apart) for k, name in enumerate("ABC"))]
    cars = "".join(
        f'<vehicle id="{name}" type="{kind}" depart="0" departLane="1" departPos="{pos}" departSpeed="0"><route edges="ce"/></vehicle>'
        for name, kind, pos in rows
    )
    trace = verify.same_trace(verify.case("two_lanes", PERFECT + slow + cars, end=40.0))
    assert "ce_0" in {state[0] for state in trace["A"].values()}


@pytest.mark.parametrize(("truck_speed", "gap", "apart"), [(0.3, 2, 9), (0.3, 0.5, 14), (0.6, 4, 14), (1.0, 2, 9)])
def test_the_rear_changes_lanes_with_the_vehicle(verify: Any, truck_speed: float, gap: float, apart: float) -> None:
    """Cars, `apart` [m], come out of a junction behind a crawling truck and move over while their rears are still in the junction.

    Expected: every state as in SUMO 1.28.0: the rear is on the lane that leads to the new one, so that those behind drive on at once.
    Source: `MSVehicle::enterLaneAtLaneChange`.
    """
    slow = f'<vType id="t" vClass="truck" length="8" maxSpeed="{truck_speed}" sigma="0" speedDev="0" lcKeepRight="0" lcSpeedGain="0"/>'
    slow += f'<vehicle id="T" type="t" depart="0" departLane="1" departPos="{8 + gap}" departSpeed="0"><route edges="cs"/></vehicle>'
    cars = "".join(
        f'<vehicle id="{name}" type="c" depart="0" departLane="1" departPos="{270 - k * apart}" departSpeed="max">'
        '<route edges="nc cs"/></vehicle>'
        for k, name in enumerate("ABC")
    )
    verify.same_trace(verify.case("two_lanes", PERFECT + slow + cars, end=40.0))


@pytest.mark.parametrize(("lane", "truck_speed"), [(0, 3), (1, 5)])
def test_first_at_a_red_light_sees_who_crawls_beyond_the_junction(verify: Any, lane: int, truck_speed: float) -> None:
    """A car waits at red; a slow vehicle turns onto the lane that the car's own leads to.

    Expected: every state as in SUMO 1.28.0: the car moves over to the other lane. Source: `MSLane::getLeaderOnConsecutive`,
    which looks past the whole junction, whatever its signals show, from where braking distance and minimum gap reach the line.
    """
    slow = f'<vType id="t" maxSpeed="{truck_speed}" sigma="0" speedDev="0" lcKeepRight="0" lcSpeedGain="0" lcStrategic="-1"/>'
    rows = ("A", "c", 0, lane, 0, "wc ce"), ("B", "t", 6, "best", "max", "sc ce")
    both = "".join(
        f'<vehicle id="{name}" type="{kind}" depart="{depart}" departLane="{start}" departPos="280" departSpeed="{speed}">'
        f'<route edges="{edges}"/></vehicle>'
        for name, kind, depart, start, speed, edges in rows
    )
    trace = verify.same_trace(verify.case("two_lanes", PERFECT + slow + both, end=40.0))
    assert trace["A"][20.0][0] == "wc_1"
