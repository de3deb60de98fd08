"""Vehicles, flows, types, routes and stops of SUMO, on the small net."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlab.city.demand import CarFollowing, Demand, DepartLane, DepartPos, DepartSpeed
from urbanlab.city.network import Network
from urbanlab.city.readers.sumo import read_sumo
from urbanlab.city.readers.sumo_routes import has_gap
from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.core.errors import DemandError, FileError

SMALL = Path(__file__).parent / "files" / "small.net.xml"
ROUTE = '<route edges="west_in east_out"/>'


def load(folder: Path, *bodies: str, additional: str = "", begin: float = 0.0) -> Scenario:
    paths = []
    for number, body in enumerate(bodies):
        paths.append(folder / f"file{number}.rou.xml")
        paths[-1].write_text(f"<routes>\n{body}\n</routes>")
    extra = folder / "extra.add.xml"
    extra.write_text(f"<additional>{additional}</additional>")
    return read_sumo(SMALL, paths, [extra], settings=RunSettings(begin=begin))


def vehicle(name: str = "v", depart: str = "0", inside: str = ROUTE, **attributes: str) -> str:
    rest = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<vehicle id="{name}" depart="{depart}"{rest}>{inside}</vehicle>'


def names(network: Network, edges: np.ndarray) -> list[str]:
    return [network.edge_id[edge] for edge in edges]


# vehicles and routes


def test_parameters_of_rerouting_devices_are_kept(tmp_path: Path) -> None:
    def param(key: str, value: str) -> str:
        return f'<param key="{key}" value="{value}"/>'

    has, period = param("has.rerouting.device", "true"), param("device.rerouting.period", "45")
    body = (
        f'<vType id="t">{has}{param("device.emissions.x", "1")}{param("note", "x")}</vType>'
        + vehicle("a", "0", ROUTE + has + period) + vehicle("b", "1", ROUTE + param("has.rerouting.device", "false") + period)
        + vehicle("c", "2", ROUTE + param("has.ssm.device", "true")) + vehicle("d", "3", ROUTE + has) + vehicle("e", "4")
    )  # fmt: skip
    scenario = load(tmp_path, body)
    assert scenario.demand.trip_rerouting.tolist() == [45.0, 0.0, -1.0, np.inf, -1.0]
    assert scenario.demand.vehicle_types[1].attributes == {"has.rerouting.device": "true"}
    assert dict(scenario.report.not_modelled) == {
        "vehicle type parameter device.emissions.x": 1, "vehicle parameter has.ssm.device": 1,
    }  # fmt: skip


def test_vehicle_with_its_own_route(tmp_path: Path) -> None:
    scenario = load(tmp_path, vehicle(depart="1:00:30.5"))
    demand = scenario.demand
    assert demand.trip_id == ("v",) and demand.trip_depart.tolist() == [3630.5]
    assert names(scenario.network, demand.route(demand.trip_route[0])) == ["west_in", "east_out"]
    assert demand.trip_from[0] == demand.trip_to[0] == -1
    assert demand.vehicle_types[demand.trip_type[0]].vehicle_type_id == "DEFAULT_VEHTYPE"


def test_nothing_said_means_what_sumo_1_28_does(tmp_path: Path) -> None:
    demand = load(tmp_path, vehicle()).demand
    assert (demand.depart_lane[0], demand.depart_pos[0], demand.depart_speed[0]) == (
        DepartLane.BEST_PROB, DepartPos.BASE, DepartSpeed.AVG,
    )  # fmt: skip
    assert (demand.arrival_lane[0], demand.arrival_pos[0], demand.arrival_speed[0]) == (-1, math.inf, -1.0)


@pytest.mark.parametrize(
    ("key", "text", "column", "value"),
    [
        ("departLane", "2", "depart_lane_index", 2), ("departLane", "free", "depart_lane", DepartLane.FREE),
        ("departLane", "first", "depart_lane", DepartLane.FIRST), ("departLane", "best", "depart_lane",
        DepartLane.BEST),
        ("departPos", "-5.5", "depart_pos_value", -5.5), ("departPos", "0", "depart_pos", DepartPos.GIVEN),
        ("departPos", "random_free", "depart_pos", DepartPos.RANDOM_FREE), ("departPos", "last", "depart_pos",
        DepartPos.LAST),
        ("departSpeed", "3.5", "depart_speed_value", 3.5), ("departSpeed", "max", "depart_speed", DepartSpeed.MAX),
        ("departSpeed", "desired", "depart_speed", DepartSpeed.DESIRED), ("arrivalLane", "1", "arrival_lane", 1),
        ("departSpeed", "speedLimit", "depart_speed", DepartSpeed.SPEED_LIMIT), ("arrivalPos", "-3", "arrival_pos",
        -3.0),
        ("arrivalPos", "max", "arrival_pos", math.inf), ("arrivalSpeed", "2", "arrival_speed", 2.0),
    ],
)  # fmt: skip
def test_ways_to_depart_and_arrive(tmp_path: Path, key: str, text: str, column: str, value: float) -> None:
    demand = load(tmp_path, vehicle(**{key: text})).demand
    assert getattr(demand, column)[0] == value


def test_equal_routes_are_stored_once(tmp_path: Path) -> None:
    other = '<route edges="west_in   east_out"/>'
    demand = load(tmp_path, vehicle("a"), vehicle("b", inside=other), vehicle("c", inside='<route edges="east_in west_out"/>')).demand
    assert len(demand.route_start) - 1 == 2
    assert demand.trip_route.tolist() == [0, 0, 1]


def test_types_and_routes_may_follow_their_use_in_another_file(tmp_path: Path) -> None:
    body = '<vehicle id="a" depart="0" type="fast" route="r"/>'
    scenario = load(tmp_path, body, '<route id="r" edges="south_in west_out"/><vType id="fast" maxSpeed="70"/>')
    demand = scenario.demand
    assert names(scenario.network, demand.route(demand.trip_route[0])) == ["south_in", "west_out"]
    assert demand.vehicle_types[demand.trip_type[0]].max_speed == 70


def test_trips_are_sorted_by_departure_and_stable(tmp_path: Path) -> None:
    body = vehicle("late", "9") + vehicle("a", "3") + vehicle("b", "3")
    assert load(tmp_path, body, vehicle("c", "3") + vehicle("first", "0")).demand.trip_id == (
        "first",
        "a",
        "b",
        "c",
        "late",
    )


def test_vehicles_before_the_begin_are_counted_and_left_out(tmp_path: Path) -> None:
    scenario = load(tmp_path, vehicle("early", "99.9") + vehicle("due", "100"), begin=100.0)
    assert scenario.demand.trip_id == ("due",)
    assert scenario.report.warnings["trip departs before begin"] == 1
    assert scenario.report.examples["trip departs before begin"] == ["early"]


def test_trips_keep_origin_destination_and_via(tmp_path: Path) -> None:
    body = (
        '<trip id="t" depart="5" from="west_in" to="east_out" via="south_in north_in"/>'
        '<trip id="u" depart="6" from="east_in" to="west_out"/>'
    )
    scenario = load(tmp_path, body)
    demand, network = scenario.demand, scenario.network
    assert demand.trip_route.tolist() == [-1, -1]
    assert names(network, demand.trip_from) == ["west_in", "east_in"] and names(network, demand.trip_to) == [
        "east_out",
        "west_out",
    ]
    assert demand.trip_via_start.tolist() == [0, 2, 2]
    assert names(network, demand.via_edge) == ["south_in", "north_in"]


def test_route_repeat_repeats(tmp_path: Path) -> None:
    loop = '<vehicle id="v" depart="0"><route edges="west_in east_out" repeat="1"/></vehicle>'
    with pytest.raises(DemandError, match="gap between the edges 'east_out' and 'west_in'"):
        load(tmp_path, loop)


def test_route_distributions_are_kept_for_the_run(tmp_path: Path) -> None:
    body = (
        '<routeDistribution id="d"><route id="r1" edges="west_in east_out" probability="3"/>'
        '<route refId="r2" probability="1"/>'
        '</routeDistribution><route id="r2" edges="west_in south_out"/><vehicle id="v" depart="0" route="d"/>'
        '<vehicle id="w" depart="1"><routeDistribution last="0">'
        '<route edges="east_in west_out" probability="0.4" cost="1"/>'
        '<route edges="east_in south_out" probability="0.6"/></routeDistribution></vehicle>'
    )
    demand = load(tmp_path, body).demand
    assert demand.trip_route.tolist() == [-2, -3]
    assert [weights for _, weights in demand.route_distributions] == [(3.0, 1.0), (0.4, 0.6)]
    assert demand.route_distributions[0][0] == (0, 1)


def test_distribution_of_named_routes(tmp_path: Path) -> None:
    body = (
        '<route id="a" edges="west_in east_out"/><route id="b" edges="west_in south_out"/>'
        '<routeDistribution id="d" routes="a b" probabilities="1 2"/><vehicle id="v" depart="0" route="d"/>'
    )
    assert load(tmp_path, body).demand.route_distributions == (((0, 1), (1.0, 2.0)),)


# flows


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('end="100" period="4"', {"period": 4.0}), ('end="100" vehsPerHour="900"', {"period": 4.0}),
        ('end="100" perHour="900"', {"period": 4.0}), ('end="110" number="25"', {"period": 4.0, "number": 25}),
        ('end="100" probability="0.25"', {"probability": 0.25}), ('end="100" period="exp(0.25)"',
        {"poisson_rate": 0.25}),
        ('number="7" period="0:00:02"', {"period": 2.0, "number": 7, "end": math.inf}),
    ],
)  # fmt: skip
def test_flows_of_every_kind(tmp_path: Path, attributes: str, expected: dict[str, float]) -> None:
    demand = load(tmp_path, f'<flow id="f" begin="10" {attributes} from="west_in" to="east_out"/>' + vehicle("v", "3")).demand
    flow = demand.flows[0]
    rates = {"period": 0.0, "probability": 0.0, "poisson_rate": 0.0, "number": -1} | expected
    assert {key: getattr(flow, key) for key in rates} == rates
    assert sum(rate > 0 for rate in (flow.period, flow.probability, flow.poisson_rate)) == 1
    assert (flow.flow_id, flow.begin, demand.trip_id[flow.trip]) == ("f", 10.0, "f")
    assert demand.trip_is_template.tolist() == [False, True]


def test_flow_that_began_before_the_begin_is_kept(tmp_path: Path) -> None:
    demand = load(tmp_path, f'<flow id="f" begin="0" end="200" period="5">{ROUTE}</flow>', begin=100.0).demand
    assert demand.flows[0].begin == 0.0 and not load(tmp_path, "", begin=100.0).demand.flows


@pytest.mark.parametrize(
    "attributes",
    ['end="5" period="1"', 'end="100"', 'number="5"', 'end="100" period="0"', 'end="100" period="-1"',
    'end="100" period="exp(x)"',
     'end="100" probability="1.5"', 'end="100" vehsPerHour="-1"', 'end="100" period="1" probability="0.1"',
     'number="-4" end="100"',
     'end="nan" period="1"'],
)  # fmt: skip
def test_impossible_flows_are_refused(tmp_path: Path, attributes: str) -> None:
    with pytest.raises(DemandError):
        load(tmp_path, f'<flow id="f" begin="10" {attributes} from="west_in" to="east_out"/>')


# types


def test_classes_bring_their_defaults_and_attributes_override(tmp_path: Path) -> None:
    body = (
        '<vType id="lorry" vClass="truck" length="9"/><vType id="bus" vClass="bus"/><vType id="bike" vClass="bicycle"/>'
        '<vType id="all" accel="1.5" decel="10" sigma="0" tau="0.8" minGap="1" maxSpeed="20" apparentDecel="5" '
        'impatience="off" '
        'startupDelay="2" lcStrategic="3" jmTimegapMinor="2" carFollowModel="IDM" delta="2" color="red" '
        'emergencyDecel="3"/>'
    )
    types = {kind.vehicle_type_id: kind for kind in load(tmp_path, body).demand.vehicle_types}
    lorry = types["lorry"]
    assert (lorry.length, lorry.width, lorry.accel, lorry.decel, lorry.emergency_decel) == (9.0, 2.4, 1.3, 4.0, 7.0)
    assert lorry.speed_factor == (1.0, 0.05, 0.2, 2.0) and lorry.max_speed == pytest.approx(130 / 3.6)
    assert types["bus"].speed_factor[1] == 0.0 and types["bus"].length == 12.0
    assert types["bike"].desired_max_speed == pytest.approx(20 / 3.6)
    every = types["all"]
    assert every.car_following is CarFollowing.IDM and every.delta == 2.0
    assert (every.accel, every.decel, every.sigma, every.tau, every.min_gap, every.max_speed) == (
        1.5,
        10.0,
        0.0,
        0.8,
        1.0,
        20.0,
    )
    assert (every.apparent_decel, every.emergency_decel, every.impatience, every.start_loss) == (5.0, 3.0, -1e9, 2.0)
    assert every.lane_change == {"lcStrategic": 3.0} and every.junction == {"jmTimegapMinor": 2.0}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('speedFactor="1.2"', (1.2, 0.1, 0.2, 2.0)), ('speedFactor="1.2" speedDev="0"', (1.2, 0.0, 0.2, 2.0)),
        ('speedDev="0.3"', (1.0, 0.3, 0.2, 2.0)), ('speedFactor="normc(1.1,0.1,0.8,1.4)"', (1.1, 0.1, 0.8, 1.4)),
        ('speedFactor="norm(1,0)"', (1.0, 0.0, 0.0, 1e9)), ('speedFactor="normc( 1 , .2 )"', (1.0, 0.2, 0.0, 1e9)),
    ],
)  # fmt: skip
def test_speed_factors(tmp_path: Path, attributes: str, expected: tuple[float, ...]) -> None:
    """Means, deviations and bounds as SUMO 1.28 itself saves them in its state."""
    demand = load(tmp_path, f'<vType id="t" {attributes}/>').demand
    assert demand.vehicle_types[1].speed_factor == expected


def test_emergency_braking_is_never_weaker_than_braking_by_default(tmp_path: Path) -> None:
    assert load(tmp_path, '<vType id="t" decel="12"/>').demand.vehicle_types[1].emergency_decel == 12.0


def test_distributions_of_types(tmp_path: Path) -> None:
    body = (
        '<vType id="x" probability="0.5"/><vTypeDistribution id="d"><vType id="a" probability=".3"/>'
        '<vType id="b"/></vTypeDistribution>'
        '<vTypeDistribution id="e" vTypes="x a" probabilities="1 3"/><vTypeDistribution id="f" vTypes="x"/>'
        + vehicle("v", type="d") + vehicle("w", "1", type="e") + vehicle("u", "2", type="a")
    )  # fmt: skip
    demand = load(tmp_path, body).demand
    row = {kind.vehicle_type_id: number for number, kind in enumerate(demand.vehicle_types)}
    assert demand.distributions == (
        ((row["a"], row["b"]), (0.3, 1.0)),
        ((row["x"], row["a"]), (1.0, 3.0)),
        ((row["x"],), (0.5,)),
    )
    assert demand.trip_type.tolist() == [-2, -3, row["a"]]


def test_unmodelled_models_are_noted(tmp_path: Path) -> None:
    body = '<vType id="t" carFollowModel="EIDM" laneChangeModel="SL2015" actionStepLength="0.5"/><vType id="u" actionStepLength="1"/>'
    report = load(tmp_path, body).report
    assert dict(report.not_modelled) == {
        "car-following model EIDM": 1, "lane-change model SL2015": 1, "vType attribute actionStepLength": 1,
    }  # fmt: skip


def test_old_nested_car_following_elements_are_read(tmp_path: Path) -> None:
    kind = load(tmp_path, '<vType id="t" accel="2"><carFollowing-IDM tau="1.5"/></vType>').demand.vehicle_types[1]
    assert (kind.car_following, kind.tau, kind.accel) == (CarFollowing.IDM, 1.5, 2.0)


# stops

PLACES = (
    '<busStop id="halt" lane="west_in_1" startPos="20" endPos="40"/><parkingArea id="lot" lane="east_out_0" startPos="-30" endPos="-10"/>'
)


def stops_of(demand: Demand, trip: int = 0) -> list:
    return list(demand.stops[demand.trip_stop_start[trip] : demand.trip_stop_start[trip + 1]])


def test_stops_in_the_vehicle_and_at_named_places(tmp_path: Path) -> None:
    inside = (
        ROUTE + '<stop busStop="halt" duration="20" until="60"/><stop lane="east_out_1" startPos="5" endPos="-10" '
        'duration="0:01:00" parking="true"/><stop parkingArea="lot" duration="5"/>'
    )
    scenario = load(tmp_path, vehicle(inside=inside), additional=PLACES)
    first, second, third = stops_of(scenario.demand)
    lane = scenario.network.lane_id
    assert (lane(first.lane), first.start, first.end, first.duration, first.until) == (
        "west_in_1",
        20.0,
        40.0,
        20.0,
        60.0,
    )
    assert (first.stop_id, first.on_route, first.parking) == ("halt", 0, False)
    assert (lane(second.lane), second.start, second.end, second.duration) == (
        "east_out_1",
        5.0,
        pytest.approx(84.8),
        60.0,
    )
    assert second.parking and second.on_route == 1 and second.until == -1.0
    assert third.parking and third.start == pytest.approx(64.8) and third.stop_id == ""  # its lots are not a stop's room


def test_shorter_room_for_those_who_park_is_counted(tmp_path: Path) -> None:
    place = '<busStop id="halt" lane="west_in_1" startPos="20" endPos="40" parkingLength="100"/>'
    scenario = load(tmp_path, vehicle(inside=ROUTE + '<stop busStop="halt" duration="20"/>'), additional=place)
    assert scenario.report.not_modelled["parkingLength of a busStop"] == 1


def test_stops_of_a_named_route_come_first(tmp_path: Path) -> None:
    body = (
        '<route id="r" edges="west_in east_out"><stop lane="west_in_1" endPos="10" duration="1"/></route>'
        '<vehicle id="v" depart="0" route="r"><stop lane="east_out_0" endPos="10" duration="2"/></vehicle>'
    )
    assert [stop.duration for stop in stops_of(load(tmp_path, body).demand)] == [1.0, 2.0]


def test_trip_passes_the_edges_of_its_stops(tmp_path: Path) -> None:
    body = '<trip id="t" depart="0" from="west_in" to="east_out"><stop lane="south_in_0" endPos="10" duration="2"/></trip>'
    scenario = load(tmp_path, body)
    assert names(scenario.network, scenario.demand.via_edge) == ["south_in"]
    assert stops_of(scenario.demand)[0].on_route == -1


@pytest.mark.parametrize(
    "stop",
    ['busStop="none" duration="1"', 'lane="nowhere_0" duration="1"', 'lane="west_in_9" duration="1"', 'duration="1"',
     'lane="north_in_0" duration="1"', 'lane="west_in_1" endPos="500" duration="1"', 'lane="west_in_1" endPos="nan"',
     'lane="west_in_1" startPos="30" endPos="20"', 'edge="nowhere" duration="1"', 'lane="west_in_1" duration="x"'],
)  # fmt: skip
def test_impossible_stops_are_refused_with_their_line(tmp_path: Path, stop: str) -> None:
    with pytest.raises(DemandError) as caught:
        load(tmp_path, "\n" + vehicle(inside=f"{ROUTE}<stop {stop}/>"))
    assert "file0.rou.xml, line 3" in str(caught.value)


def test_stops_against_the_route_are_refused_as_in_sumo(tmp_path: Path) -> None:
    inside = ROUTE + '<stop lane="east_out_0" endPos="10" duration="2"/><stop lane="west_in_1" endPos="10" duration="2"/>'
    with pytest.raises(DemandError, match="does not lie on its route"):
        load(tmp_path, vehicle(inside=inside))


# bad demand


def test_unknown_edge_names_vehicle_line_and_nearest(tmp_path: Path) -> None:
    with pytest.raises(DemandError) as caught:
        load(tmp_path, vehicle("good"), vehicle("bad", inside='<route edges="west_in east_uot"/>'))
    text = str(caught.value)
    assert "'bad'" in text and "'east_uot'" in text and "file1.rou.xml, line 2" in text and "'east_out'" in text


def test_all_unknown_edges_are_listed(tmp_path: Path) -> None:
    body = "".join(vehicle(f"v{i}", inside='<route edges="nowhere"/>') for i in range(25))
    with pytest.raises(DemandError) as caught:
        load(tmp_path, body)
    assert len(caught.value.items) == 25 and "25 in all" in str(caught.value)


def test_gap_names_both_edges(tmp_path: Path) -> None:
    with pytest.raises(DemandError, match="'v' has a gap between the edges 'west_in' and 'east_in'") as caught:
        load(tmp_path, vehicle(inside='<route edges="west_in east_in"/>'))
    assert "file0.rou.xml, line 2" in str(caught.value)


BAD = {
    "two vehicles of one id": vehicle() + vehicle(),
    "unknown type": vehicle(type="none"),
    "unknown route": '<vehicle id="v" depart="0" route="none"/>',
    "no route": '<vehicle id="v" depart="0"/>',
    "no id": '<vehicle depart="0"><route edges="west_in"/></vehicle>',
    "no departure": '<vehicle id="v"><route edges="west_in"/></vehicle>',
    "departure NaN": vehicle(depart="nan"),
    "departure infinite": vehicle(depart="inf"),
    "departure huge": vehicle(depart="1e300"),
    "departure a word": vehicle(depart="soon"),
    "departure with an underscore": vehicle(depart="1_0"),
    "empty route": vehicle(inside='<route edges=""/>'),
    "route without edges": vehicle(inside="<route/>"),
    "internal edge in a route": vehicle(inside='<route edges="west_in :centre_10 east_out"/>'),
    "route twice": '<route id="r" edges="west_in"/><route id="r" edges="east_in"/>',
    "route without id": '<route edges="west_in"/>',
    "type twice": '<vType id="t"/><vType id="t"/>',
    "type of unknown class": '<vType id="t" vClass="hovercraft"/>',
    "negative length": '<vType id="t" length="-5"/>',
    "no acceleration": '<vType id="t" accel="0"/>',
    "NaN in a type": '<vType id="t" tau="nan"/>',
    "unknown speed factor": '<vType id="t" speedFactor="gamma(1,2)"/>',
    "lane change word": '<vType id="t" lcStrategic="much"/>',
    "distribution of nothing": '<vTypeDistribution id="d"/>',
    "distribution of unknown types": '<vTypeDistribution id="d" vTypes="x" probabilities="1"/>',
    "too few probabilities": '<vType id="x"/><vTypeDistribution id="d" vTypes="x x" probabilities="1"/>',
    "negative probability": '<vType id="x"/><vTypeDistribution id="d" vTypes="x" probabilities="-1"/>',
    "vehicle in vehicle": '<vehicle id="v" depart="0">' + vehicle("w") + "</vehicle>",
    "stop outside": '<stop lane="west_in_1" duration="1"/>',
    "departLane negative": vehicle(departLane="-1"),
    "departSpeed negative": vehicle(departSpeed="-1"),
    "departPos a word": vehicle(departPos="somewhere"),
    "trip from nowhere": '<trip id="t" depart="0" from="nowhere" to="east_out"/>',
    "trip via nowhere": '<trip id="t" depart="0" from="west_in" to="east_out" via="nowhere"/>',
    "trip without destination": '<trip id="t" depart="0" from="west_in"/>',
    "unknown route in a distribution": '<routeDistribution id="d" routes="x"/><vehicle id="v" depart="0" route="d"/>',
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_demand_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DemandError) as caught:
        load(tmp_path, BAD[kind])
    assert "\n" in str(caught.value) or caught.value.where


def test_what_cannot_be_driven_is_noted_and_skipped(tmp_path: Path) -> None:
    body = (
        vehicle("t", "triggered") + '<trip id="j" depart="0" fromJunction="west" toJunction="east"/>'
        '<person id="p" depart="0"><walk edges="west_in east_out"/></person><person id="q" depart="1"/>'
        '<trip id="z" depart="0" fromTaz="1" toTaz="2"/><container id="c" depart="0"/>'
    )
    scenario = load(tmp_path, body)
    assert scenario.demand.num_trips == 0
    assert dict(scenario.report.not_modelled) == {
        "departure triggered": 1, "trip with fromJunction": 1, "element person": 2, "trip with fromTaz": 1,
        "element container": 1,
    }  # fmt: skip


def test_files_may_include_files_but_not_themselves(tmp_path: Path) -> None:
    (tmp_path / "inner.rou.xml").write_text(f"<routes>{vehicle('inner')}</routes>")
    scenario = load(tmp_path, '<include href="inner.rou.xml"/>' + vehicle("outer", "1"))
    assert scenario.demand.trip_id == ("inner", "outer")
    assert set(scenario.input_hashes) == {"small.net.xml", "extra.add.xml", "inner.rou.xml", "file0.rou.xml"}
    with pytest.raises(FileError, match="included"):
        load(tmp_path, '<include href="file0.rou.xml"/>')


# properties


@given(st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_gaps_are_found_exactly_where_connections_lack(small_net: Network, routes: list[list[int]]) -> None:
    normal = np.flatnonzero(small_net.edge_function == 0)
    lane_edge = small_net.lane_edge
    allowed = set(zip(lane_edge[small_net.connection_from].tolist(), lane_edge[small_net.connection_to].tolist(), strict=True))
    edges = [normal[place] for route in routes for place in route]
    start = np.cumsum([0] + [len(route) for route in routes]).astype(np.int64)
    expected = []
    for route in routes:
        gaps = [i for i in range(len(route) - 1) if (normal[route[i]], normal[route[i + 1]]) not in allowed]
        expected.append(gaps[0] if gaps else -1)
    assert has_gap(small_net, start, np.array(edges, np.int32)).tolist() == expected


@pytest.fixture(scope="module")
def small_net() -> Network:
    return read_sumo(SMALL, []).network


@given(
    st.lists(
        st.tuples(st.floats(0, 1e5), st.sampled_from(["west_in east_out", "east_in west_out", "south_in"]), st.booleans()),
        max_size=20,
    )
)
@settings(max_examples=40, deadline=None)
def test_every_vehicle_is_read_once_in_order(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, str, bool]]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    body = "".join(vehicle(f"v{i}", repr(depart), f'<route edges="{edges}"/>') for i, (depart, edges, _) in enumerate(rows))
    scenario = load(folder, body)
    demand = scenario.demand
    expected = sorted(range(len(rows)), key=lambda i: rows[i][0])
    assert demand.trip_id == tuple(f"v{i}" for i in expected)
    assert demand.trip_depart.tolist() == [rows[i][0] for i in expected]
    for trip, i in enumerate(expected):
        assert " ".join(names(scenario.network, demand.route(demand.trip_route[trip]))) == rows[i][1]


def test_report_given_is_the_one_that_grows() -> None:
    report = ImportReport()
    assert read_sumo(SMALL, [], report=report).report is report
