"""Turns across an oncoming stream, at a signal that shows green to both (permissive left turns)."""

from __future__ import annotations

from typing import Any

PERFECT = '<vType id="c" sigma="0" speedDev="0"/>'


def vehicles(*streams: tuple[str, str, float, int], more: str = 'departLane="best" departSpeed="max"') -> str:
    """Perfect drivers of streams (name, edges, seconds between two, number), in the order of departure."""
    rows = [(k * every, f"{name}{k}", edges) for name, edges, every, num in streams for k in range(num)]
    return PERFECT + "".join(
        f'<vehicle id="{name}" type="c" depart="{depart}" {more}><route edges="{edges}"/></vehicle>' for depart, name, edges in sorted(rows)
    )


def test_of_two_opposing_left_turns_one_waits_inside_the_junction(verify: Any) -> None:
    """The net gives one of the turns way over the other.

    Expected: the state of every vehicle as in SUMO 1.28.0. Source: the streams that a waiting point yields to are those the junction's
    table names on the lanes listed for it (`MSInternalJunction::postloadInit`).
    """
    verify.same_trace(verify.case("left", vehicles(("w", "wc cn", 4, 12), ("e", "ec cs", 5, 6)), end=120.0))


def test_left_turns_take_gaps_of_the_oncoming_stream(verify: Any, flow: Any) -> None:
    """25 % of the seconds bring somebody who wants to turn, 10 % an oncoming car; cycle 90 s, green 42 s.

    Expected: SUMO 1.28.0, 20 seeds; 3 % for the number that gets through in an hour.
    """
    case = verify.case("left", flow("left", 0.25, "wc cn") + flow("opp", 0.1, "ec cw"))
    verify.agrees(case, figures={"left arrived": 0.03, "opp arrived": 0.0, "opp loss": 0.05, "collisions": 0.0})


def test_opposing_left_turns_beside_a_stream_straight_on(verify: Any, flow: Any) -> None:
    """Both directions turn left from one lane, one goes straight on as well. Expected: SUMO 1.28.0, 20 seeds."""
    case = verify.case("left", flow("wt", 0.1, "wc ce") + flow("e", 0.1, "ec cs") + flow("w", 0.04, "wc cn"), end=1800.0)
    verify.agrees(case, figures={"e arrived": 0.05, "w arrived": 0.0, "wt loss": 0.05, "w loss": 0.05, "e waiting": 0.1, "collisions": 0.0})


def test_a_queue_that_stands_is_no_oncoming_stream(verify: Any, flow: Any) -> None:
    """Each direction has one lane for all; behind a left turn that waits, those straight on only creep.

    Expected: SUMO 1.28.0, 20 seeds. Source: nobody is reckoned to arrive at a link faster than it is safe behind its leader now
    (`MSVehicle::adaptToLeader`); reckoned as free, a queue that closes up held the left turns of the other side for seconds.
    """
    streams = flow("left", 0.05, "wc cn") + flow("thr", 0.12, "wc ce") + flow("opp", 0.1, "ec cw") + flow("oppL", 0.05, "ec cs")
    case = verify.case("left", streams)
    verify.agrees(case, figures={"left arrived": 0.02, "thr arrived": 0.02, "opp arrived": 0.08, "oppL arrived": 0.1, "collisions": 0.0})
