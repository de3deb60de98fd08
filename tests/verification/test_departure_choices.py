"""Which way drivers take, and those who have waited to depart: they choose when they want to depart, and anew if they wait for long.

Equal and perfect drivers of long vehicles, who all want to depart within half a minute and get a place one after the other. Meanwhile the
straight way becomes slow, and quick again. SUMO's rule (`MSDevice_Routing`): who has waited for longer than `device.rerouting.pre-period`
(60 s) chooses once more when it departs; who waits for the best lane does so every 60 s instead, whether it is its turn or not.
"""

from __future__ import annotations

from typing import Any

import pytest

from urbanlab.city.readers.sumo import read_sumo
from urbanlab.city.scenario import RunSettings
from urbanlab.traffic.simulation import Simulation

KIND = '<vType id="car" length="20" sigma="0" speedDev="0"/>'
SLOW = '<variableSpeedSign id="s" lanes="bc_0"><step time="20" speed="3"/><step time="120" speed="13.89"/></variableSpeedSign>'


@pytest.mark.parametrize(("lane", "back"), [("first", 11), ("best", 3)])
def test_those_who_waited_choose_by_the_speeds_of_later(verify: Any, lane: str, back: int) -> None:
    cars = f'<flow id="car" type="car" begin="0" end="30" number="60" from="ab" to="cd" departLane="{lane}"/>'
    trace = verify.same_trace(verify.case("two_ways", KIND + cars, end=400.0, additional=SLOW))
    around = {int(car.split(".")[1]) for car, states in trace.items() if any(where == "bu_0" for where, _, _ in states.values())}
    assert min(around) > 10  # who departs soon goes by what it knew when it wanted to
    assert max(around) == 59 - back  # the last ones go straight on again


@pytest.mark.parametrize(("penalty", "turns"), [("5", False), ("4", True)])
def test_turning_around_takes_longer_by_what_sumo_charges(verify: Any, penalty: str, turns: bool) -> None:
    """SUMO 1.28.0 drives around the block with its default of 5 s for each internal edge of the turn, and turns around with 4 s."""
    case = verify.case("around", KIND + '<trip id="car" type="car" depart="0" from="ab" to="ba"/>', end=120.0)
    settings = RunSettings(end=case.end, options={"weights.turnaround-penalty": penalty})
    with Simulation(read_sumo(case.net, [case.routes], settings=settings)) as run:
        length = run.run().record().route_length
    assert (length < 400.0) == turns
    if not turns:
        verify.same_trace(case)
