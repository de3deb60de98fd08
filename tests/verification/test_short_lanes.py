"""Links behind lanes shorter than a vehicle, impatience, and how soon a vehicle behind another is reckoned to arrive. By SUMO's traces."""

from __future__ import annotations

from typing import Any

import pytest

PERFECT = '<vType id="c" sigma="0" speedDev="0"/>'
MINOR = {"crossings": "sa ab bn", "chain": "sa ak kl lb bn"}
"""By net: a minor road over two one-way roads between which a car does not fit."""


def vehicles(*streams: tuple[str, str, float, int, float]) -> str:
    """Perfect drivers of streams (name, edges, seconds between two, number, first departure), in the order of departure."""
    rows = [(begin + k * every, f"{name}{k}", edges) for name, edges, every, num, begin in streams for k in range(num)]
    return PERFECT + "".join(
        f'<vehicle id="{name}" type="c" depart="{depart:g}" departLane="best" departSpeed="max"><route edges="{edges}"/></vehicle>'
        for depart, name, edges in sorted(rows)
    )


def entered(trace: Any, name: str, lane: str) -> list[float]:
    """When vehicles of a stream were first on a lane [s]."""
    times = [min([t for t, state in rows.items() if state[0] == lane], default=-1.0) for key, rows in trace.items() if key[0] == name]
    return [time for time in times if time >= 0.0]


@pytest.mark.parametrize("net", MINOR)
@pytest.mark.parametrize(("near", "far"), [(5, 6), (7, 8)])
def test_who_does_not_fit_between_two_crossings_waits_until_both_are_free(verify: Any, net: str, near: int, far: int) -> None:
    """A minor road over two roads with right of way; between them a lane of 6 m, or three of 3.5 to 4 m. A car every `near` and `far` s.

    Expected: the state of every vehicle as in SUMO 1.28.0 for 150 s, and nobody stands between the crossings. Source: SUMO's
    `MSVehicle::checkRewindLinkLanes`, which asks `MSLink::opened` for links behind the next one by who announced an arrival the step
    before. Asked for nobody, cars would stand on the first crossing; taken as closed, nobody would ever pass.
    """
    streams = vehicles(("m", MINOR[net], 6, 8, 0), ("w", "wa ae", near, 24, 0), ("e", "Eb bW", far, 20, 1.5))
    trace = verify.same_trace(verify.case(net, streams, end=150.0))
    between = MINOR[net].split()[1:-1]
    assert entered(trace, "m", "bn_0")
    stands = [state for rows in trace.values() for state in rows.values() if state[0].rsplit("_", 1)[0] in between and state[2] < 0.1]
    assert not stands


@pytest.mark.parametrize("net", MINOR)
def test_nobody_stands_forever_before_short_lanes(verify: Any, flow: Any, net: str) -> None:
    """The same with random streams, the minor one saturated.

    Expected: what gets through in 30 minutes in SUMO 1.28.0, 20 seeds, within 6 %, and nobody is teleported.
    """
    streams = flow("m", 0.3, MINOR[net]) + flow("w", 0.1, "wa ae") + flow("e", 0.1, "Eb bW")
    case = verify.case(net, streams, end=1800.0)
    verify.agrees(case, seeds=6, figures={"m arrived": 0.06, "w loss": 0.1, "e loss": 0.1, "teleports": 0.0, "collisions": 0.0})


def test_impatience_counts_whole_steps(verify: Any) -> None:
    """A car every 5 s has right of way: a gap too short for a patient driver who starts from standing.

    Expected: the state of every vehicle as in SUMO 1.28.0; the second car waits for 47 s, the third for 50 s. Source: with time a driver
    relies on others braking from the moment it is on the junction, the end of a step (`MSLink::computeFoeArrivalTimeBraking`). Reckoned
    from the arrival itself, both went ten seconds earlier and more.
    """
    streams = vehicles(("m", MINOR["crossings"], 6, 8, 0), ("w", "wa ae", 5, 24, 0))
    trace = verify.same_trace(verify.case("crossings", streams, end=150.0))
    assert entered(trace, "m", ":a_1_0")[:3] == [15.0, 68.0, 118.0]


def test_who_follows_another_is_not_reckoned_to_arrive_at_full_speed(verify: Any) -> None:
    """A car starts from standing 36 m before the junction every 5 s; the one before it is then still on the lane.

    Expected: the state of every vehicle as in SUMO 1.28.0; of those who wait one passes in every gap, as soon as the next car has come.
    Source: a safe speed behind a leader is never above what is reached in a step (`MSCFModel_Krauss::followSpeed`), and the arrival
    is announced with it. Reckoned as free, they waited a second more.
    """
    rows = [(5.0 * k, f"x{k}", "wc ce", 'departPos="257" departSpeed="0"') for k in range(22)]
    rows += [(4.0 * k + 0.5, f"m{k}", "sc cn", 'departSpeed="max"') for k in range(20)]
    cars = "".join(f'<vehicle id="{n}" type="c" depart="{t}" {how}><route edges="{e}"/></vehicle>' for t, n, e, how in sorted(rows))
    trace = verify.same_trace(verify.case("priority", PERFECT + cars, end=120.0))
    assert len(entered(trace, "m", "cn_0")) == 20
