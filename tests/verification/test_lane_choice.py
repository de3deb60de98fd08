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
