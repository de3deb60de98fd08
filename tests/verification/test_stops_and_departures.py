"""Buses at stops, departures onto a full road, vehicles that are taken off a blocked one."""

from __future__ import annotations

from typing import Any

import pytest

KINDS = '<vType id="bus" vClass="bus" sigma="0" speedDev="0"/><vType id="c" sigma="0" speedDev="0"/>'


def test_bus_stays_for_its_dwell_time_and_holds_up_those_behind(verify: Any) -> None:
    """Perfect drivers. Expected: the state of every vehicle as in SUMO 1.28.0; the bus stands for 20 s at the end of its stop."""
    bus = '<vehicle id="bus" type="bus" depart="0" departSpeed="max"><route edges="ab bc"/><stop busStop="s" duration="20"/></vehicle>'
    cars = "".join(f'<vehicle id="c{k}" type="c" depart="{4 + 5 * k}" departSpeed="max"><route edges="ab bc"/></vehicle>' for k in range(6))
    case = verify.case("signal", KINDS + bus + cars, end=120.0, additional='<busStop id="s" lane="ab_0" startPos="200" endPos="230"/>')
    trace = verify.same_trace(case)
    stands = [state[1] for state in trace["bus"].values() if state[2] < 0.1 and state[1] < 300.0]
    assert stands == pytest.approx([230.0] * 20, abs=0.01)


@pytest.mark.parametrize(
    ("stop", "first"),
    [
        ('duration="0"', 19), ('duration="1"', 19), ('duration="2.5"', 21), ('duration="20"', 38), ('duration="20" parking="true"', 38),
        ('until="40"', 40), ('until="40" duration="5"', 40), ('until="40" parking="true"', 40),
    ],
)  # fmt: skip
def test_stay_at_a_stop_is_counted_from_the_step_of_arrival(verify: Any, stop: str, first: int) -> None:
    """A bus reaches the end of its stop at 18 s. Expected: the second in which it drives on in SUMO 1.28.0."""
    bus = f'<vehicle id="b" type="bus" depart="0" departSpeed="max"><route edges="ab bc"/><stop busStop="s" {stop}/></vehicle>'
    place = '<busStop id="s" lane="ab_0" startPos="200" endPos="230"/>'
    rows = verify.trace(verify.case("signal", KINDS + bus, end=60.0, additional=place))["b"]
    assert min(time for time, state in rows.items() if state[1] > 230.5) == first


def test_buses_between_cars(verify: Any, flow: Any) -> None:
    """A bus every 120 s stops for 20 s on the lane of 0.15 cars / s, before a signal. Expected: SUMO 1.28.0, 20 seeds; 5 % of time loss."""
    bus = '<flow id="bus" type="bus" begin="0" end="3600" period="120"><route edges="ab bc"/><stop busStop="s" duration="20"/></flow>'
    stop = '<busStop id="s" lane="ab_0" startPos="200" endPos="230"/>'
    case = verify.case("signal", '<vType id="bus" vClass="bus"/>' + flow("x", 0.15, "ab bc") + bus, additional=stop)
    verify.agrees(case, figures={"x loss": 0.05, "x waiting": 0.05, "bus duration": 0.02, "bus loss": 0.05})


@pytest.mark.parametrize(
    ("place", "stops"),
    [
        ('startPos="195" endPos="230"', ('duration="40"', 'duration="20"', 'duration="30"', 'duration="20"')),
        ('startPos="195" endPos="230"', ('duration="40" parking="true"',) * 4),
        ('startPos="205" endPos="230"', ('duration="20" parking="true"', 'duration="60" parking="true"', 'duration="20"', 'duration="20"')),
        ('startPos="220" endPos="230"', ('duration="20" parking="true"', 'duration="20"', 'duration="40" parking="true"', 'duration="9"')),
        ('startPos="150" endPos="230"', ('duration="9"', 'duration="60" parking="true"', 'duration="60"', 'duration="20" parking="true"')),
    ],
)
def test_buses_share_the_room_of_a_stop(verify: Any, place: str, stops: tuple[str, ...]) -> None:
    """Four buses and a car come to one stop, which is longer or shorter than they are. Expected: every state as in SUMO 1.28.0."""
    buses = "".join(
        f'<vehicle id="b{k}" type="bus" depart="{4 * k}" departSpeed="max"><route edges="ab bc"/><stop busStop="s" {stop}/></vehicle>'
        for k, stop in enumerate(stops)
    )
    car = '<vehicle id="c" type="c" depart="13" departSpeed="max"><route edges="ab bc"/></vehicle>'
    verify.same_trace(verify.case("signal", KINDS + buses + car, end=300.0, additional=f'<busStop id="s" lane="ab_0" {place}/>'))


@pytest.mark.parametrize("start", [480, 530, 531, 543])
def test_halt_in_a_queue_is_a_stop_where_the_whole_bus_is_within_it(verify: Any, start: int) -> None:
    """A bus of 12 m stands in the queue of a signal at 542.5 m, short of the end of its stop. Expected: every state as in SUMO 1.28.0."""
    cars = "".join(f'<vehicle id="c{k}" type="c" depart="{2 * k}" departSpeed="max"><route edges="ab bc"/></vehicle>' for k in range(7))
    bus = '<vehicle id="bus" type="bus" depart="16" departSpeed="max"><route edges="ab bc"/><stop busStop="s" duration="30"/></vehicle>'
    place = f'<busStop id="s" lane="ab_0" startPos="{start}" endPos="585"/>'
    trace = verify.same_trace(verify.case("signal", KINDS + cars + bus, end=300.0, additional=place))
    assert any(state[1] > 580.0 and state[2] == 0.0 for state in trace["bus"].values()) == (start > 530)


def test_bus_that_waits_for_room_shuts_in_the_one_beside_the_road(verify: Any) -> None:
    """The second bus comes from an entry too near to the stop to wait behind the first, which can't get back onto the road then.

    Expected: every state as in SUMO 1.28.0: the second stands in its way until it is taken off after 300 s.
    """
    bus = '<route edges="ab bc"/><stop busStop="s" duration="20" parking="true"/></vehicle>'
    buses = "".join(f'<vehicle id="b{k}" type="bus" depart="{10 * k}" departSpeed="max">{bus}' for k in range(2))
    case = verify.case("signal", KINDS + buses, end=420.0, additional='<busStop id="s" lane="ab_0" startPos="30" endPos="40"/>')
    trace = verify.same_trace(case)
    assert sum(state[2] == 0.0 and state[1] < 40.0 for state in trace["b1"].values()) > 295


@pytest.mark.parametrize(("wanted", "pos"), [("-10", 490.0), ("499", 499.0), ("600", 500.0), ("-600", 500.0)])
def test_places_of_departure_beyond_the_lane_are_its_end(verify: Any, wanted: str, pos: float) -> None:
    """Expected: where SUMO 1.28.0 puts the car on a lane of 500 m; negative places count from the end."""
    car = f'<vehicle id="v" type="c" depart="0" departPos="{wanted}" departSpeed="0"><route edges="bc"/></vehicle>'
    trace = verify.trace(verify.case("road", KINDS + car, end=5.0))
    assert trace["v"][0.0][:2] == ("bc_0", pytest.approx(pos))


def test_departures_wait_for_room_on_a_full_road(verify: Any, flow: Any) -> None:
    """More cars want to depart than a signal lets through; some of them anywhere along the queue.

    Expected: who departs, and how late, in SUMO 1.28.0, 20 seeds, within 3 %.
    """
    start = flow("x", 0.5, "ab bc", 'departLane="0" departSpeed="max" departPos="base"')
    case = verify.case("signal", start)
    verify.agrees(case, figures={"x arrived": 0.02, "x delay": 0.03, "x duration": 0.02})


def test_who_stands_for_five_minutes_is_taken_off(verify: Any, flow: Any) -> None:
    """A car stops on the only lane behind the signal for 1,500 s.

    Expected: teleports after 300 s of standing, as many as in SUMO 1.28.0, 20 seeds, within 10 %.
    """
    blocker = '<vehicle id="stop" depart="0"><route edges="ab bc"/><stop lane="bc_0" endPos="300" duration="1500"/></vehicle>'
    case = verify.case("signal", blocker + flow("x", 0.1, "ab bc"))
    verify.agrees(case, seeds=6, figures={"teleports": 0.1, "x arrived": 0.02, "x duration": 0.05})
