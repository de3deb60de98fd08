"""Which way drivers take who have waited to depart: they choose when they want to depart, and anew if they wait for more than a minute.

Equal and perfect drivers of long vehicles, who all want to depart within half a minute and get a place one after the other. Meanwhile the
straight way becomes slow, and quick again. SUMO's rule (`MSDevice_Routing`): who has waited for longer than `device.rerouting.pre-period`
(60 s) chooses once more when it departs; who waits for the best lane does so every 60 s instead, whether it is its turn or not.
"""

from __future__ import annotations

from typing import Any

import pytest

KIND = '<vType id="car" length="20" sigma="0" speedDev="0"/>'
SLOW = '<variableSpeedSign id="s" lanes="bc_0"><step time="20" speed="3"/><step time="120" speed="13.89"/></variableSpeedSign>'


@pytest.mark.parametrize(("lane", "back"), [("first", 11), ("best", 3)])
def test_those_who_waited_choose_by_the_speeds_of_later(verify: Any, lane: str, back: int) -> None:
    cars = f'<flow id="car" type="car" begin="0" end="30" number="60" from="ab" to="cd" departLane="{lane}"/>'
    trace = verify.same_trace(verify.case("two_ways", KIND + cars, end=400.0, additional=SLOW))
    around = {int(car.split(".")[1]) for car, states in trace.items() if any(where == "bu_0" for where, _, _ in states.values())}
    assert min(around) > 10  # who departs soon goes by what it knew when it wanted to
    assert max(around) == 59 - back  # the last ones go straight on again
