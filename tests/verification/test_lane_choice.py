"""Which lane drivers choose before a signal and before a turn."""

from __future__ import annotations

from typing import Any

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


def test_drivers_change_lanes_before_somebody_who_is_in_the_way_in_the_junction(verify: Any) -> None:
    """A long vehicle that does 1.5 m/s comes out of a side road; cars on the lane that it joins have right of way, but it is in their way.

    Expected: the state of every vehicle as in SUMO 1.28.0: cars look past the line and take the other lane, hardly braking. Source:
    `MSLane::getLeaderOnConsecutive`, where whoever is on a path that meets the own one counts as the lane's leader.
    """
    slow = '<vType id="slow" vClass="truck" length="16" maxSpeed="1.5" sigma="0" speedDev="0"/>'
    slow += '<vehicle id="t" type="slow" depart="0" departPos="130"><route edges="sc ce"/></vehicle>'
    how = 'departLane="0" departPos="100" departSpeed="max"'
    cars = "".join(f'<vehicle id="v{k}" type="c" depart="{8 + 3 * k}" {how}><route edges="wc ce"/></vehicle>' for k in range(3))
    trace = verify.same_trace(verify.case("side", PERFECT + slow + cars, end=90.0))
    assert all(any(state[0] == "wc_1" for state in trace[f"v{k}"].values()) for k in range(3))
    assert min(state[2] for k in range(3) for state in trace[f"v{k}"].values()) > 11.0
