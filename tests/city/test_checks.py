"""Every check finds what it is named after, names all offenders, and finds nothing in a sound city."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlab.city.checks import CHECKS, find_all, note_inconsistencies, require_consistent
from urbanlab.city.demand import DepartLane, DepartPos, DepartSpeed, Flow, StopRow, VehicleType
from urbanlab.city.network import EdgeFunction, class_mask
from urbanlab.city.readers.sumo import read_sumo, read_sumo_config
from urbanlab.city.routing import shortest_path
from urbanlab.city.scenario import Closure, Detector, ImportReport, Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import DemandError, InputError, NetworkError, ProgramError

BASE = make("grid:rows=3,cols=4,trips=60", seed=3)
SMALL = Path(__file__).parent / "files" / "small.net.xml"
Change = Callable[[Scenario], Scenario]


def network(**columns: Any) -> Change:
    return lambda scenario: replace(scenario, network=replace(scenario.network, **columns))


def programs(**columns: Any) -> Change:
    return lambda scenario: replace(scenario, programs=replace(scenario.programs, **columns))


def demand(**columns: Any) -> Change:
    return lambda scenario: replace(scenario, demand=replace(scenario.demand, **columns))


def put(column: Any, place: Any, value: Any) -> Any:
    """The column with another value at a place."""
    if isinstance(column, tuple):
        return (*column[:place], value, *column[place + 1 :])
    changed = column.copy()
    changed[place] = value
    return changed


N, P, D = BASE.network, BASE.programs, BASE.demand
CAR = D.vehicle_types[0]
INSIDE = int(np.flatnonzero(N.edge_function == EdgeFunction.INTERNAL)[0])
FIRST_LANE = f"lane '{N.lane_id(0)}': "
TRIP = "'t0'"
SIGNAL = N.signal_id[0]
GREEN = next(row for row, state in enumerate(P.phase_state) if "G" in state)
STOP = StopRow(int(N.edge_first_lane[D.route(D.trip_route[0])[0]]), 5.0, 15.0, 10.0, on_route=0)


def with_stop(stop: StopRow) -> Change:
    start = np.ones(D.num_trips + 1, np.int64)
    start[0] = 0
    return demand(stops=(stop,), trip_stop_start=start)


def to_be_routed(origin: int, target: int) -> Change:
    columns = {"trip_route": -1, "trip_from": origin, "trip_to": target}
    return demand(**{name: put(getattr(D, name), 0, value) for name, value in columns.items()})


def without_ways_out(scenario: Scenario) -> Scenario:
    """Trip 0 wants to leave an edge that no connection leaves."""
    edge = int(D.route(D.trip_route[0])[0])
    other = next(edge for edge in range(N.num_edges) if N.edge_from[edge] != N.edge_to[edge] and edge != D.route(D.trip_route[0])[0])
    kept = N.lane_edge[N.connection_from] != edge
    columns = {name: getattr(N, name)[kept] for name in N.__dataclass_fields__ if name.startswith("connection_")}
    return network(**columns)(to_be_routed(edge, other)(scenario))


def all_green(scenario: Scenario) -> Scenario:
    return programs(phase_state=put(P.phase_state, GREEN, "G" * len(P.phase_state[GREEN])))(scenario)


def red_at_once(scenario: Scenario) -> Scenario:
    following = GREEN + 1
    assert "y" in P.phase_state[following]
    return programs(phase_state=put(P.phase_state, following, P.phase_state[following].replace("y", "r")))(scenario)


FLOW = Flow("f", 0, 0.0, 100.0, period=5.0)
# by kind: a change, and the beginning of the offender that it makes
CASES: dict[str, list[tuple[Change, str]]] = {
    "name of the network used twice": [
        (network(edge_id=put(N.edge_id, 1, N.edge_id[0])), f"edge '{N.edge_id[0]}'"),
        (network(junction_id=put(N.junction_id, 1, "")), "junction ''"),
        (network(signal_id=put(N.signal_id, 1, N.signal_id[0])), f"signal '{SIGNAL}'"),
    ],
    "lane without a length": [
        (network(lane_length=put(N.lane_length, 0, value)), FIRST_LANE) for value in (0.0, -1.0, np.nan, np.inf, 1e300)
    ],
    "lane without a speed limit": [(network(lane_speed=put(N.lane_speed, 0, value)), FIRST_LANE) for value in (0.0, np.nan)],
    "lane without a width": [(network(lane_width=put(N.lane_width, 0, value)), FIRST_LANE) for value in (-3.2, np.inf)],
    "place that is not a usable number": [
        (network(junction_x=put(N.junction_x, 0, np.nan)), f"junction '{N.junction_id[0]}'"),
        (network(shape_y=put(N.shape_y, 3, np.inf)), f"lane '{N.lane_id(1)}'"),
    ],
    "connection without visibility": [
        (network(connection_visibility=put(N.connection_visibility, 0, value)), f"'{N.lane_id(N.connection_from[0])}' -> ")
        for value in (0.0, np.nan)
    ],
    "dangling connection": [
        (network(connection_to=put(N.connection_to, 0, N.connection_from[0])), f"'{N.lane_id(N.connection_from[0])}' -> "),
        (network(connection_via=put(N.connection_via, 0, 0)), f"'{N.lane_id(N.connection_from[0])}' -> "),
    ],
    "connection that nobody may use": [
        (network(connection_permissions=put(N.connection_permissions, 0, class_mask("ship"))), f"'{N.lane_id(N.connection_from[0])}' -> "),
    ],
    "right of way across junctions": [
        (network(request_junction=put(N.request_junction, 0, N.request_junction[-1])), "request 0 of junction"),
    ],
    "detector off its lane": [
        (lambda s: replace(s, detectors=(Detector("d", "loop", 0, 1e5), Detector("e", "loop", 0, 1.0))), "'d' on lane"),
        (lambda s: replace(s, detectors=(Detector("d", "loop", 0, 1.0, period=0.0),)), "'d' on lane"),
        (lambda s: replace(s, detectors=(Detector("d", "probe", 0, 1.0, end_lane=1, end_pos=np.nan),)), "'d' on lane"),
    ],
    "closure without sense": [
        (lambda s: replace(s, closures=(Closure((0,), 5.0, 1.0),)), "closure 0 from 5 to 1 s"),
        (lambda s: replace(s, closures=(Closure((0,), 1.0, 5.0, probability=1.5),)), "closure 0"),
    ],
    "signal state with unknown characters": [
        (programs(phase_state=put(P.phase_state, 1, "x" + P.phase_state[1][1:])), f"program '0' of signal '{SIGNAL}', phase 1"),
    ],
    "signal state shorter than its links": [
        (programs(phase_state=put(P.phase_state, 1, P.phase_state[1][:-1])), f"program '0' of signal '{SIGNAL}', phase 1: "),
    ],
    "signal state longer than its links": [
        (programs(phase_state=tuple(state + "r" for state in P.phase_state)), f"program '0' of signal '{SIGNAL}'"),
    ],
    "signal phase without a duration": [
        (programs(phase_duration=put(P.phase_duration, 1, value)), f"program '0' of signal '{SIGNAL}', phase 1")
        for value in (0.0, -1.0, np.nan)
    ],
    "signal phase that leads nowhere": [(programs(phase_next=put(P.phase_next, 1, (99,))), f"program '0' of signal '{SIGNAL}', phase 1")],
    "signal without a program": [
        (programs(active_program=put(P.active_program, 0, -1)), f"'{SIGNAL}'"),
        (programs(active_program=put(P.active_program, 0, 1)), f"'{SIGNAL}'"),
    ],
    "signal programs of one name": [(programs(program_signal=put(P.program_signal, 0, 1)), "program '0' of signal")],
    "signal program out of order": [(programs(program_offset=put(P.program_offset, 0, np.inf)), f"program '0' of signal '{SIGNAL}'")],
    "conflicting greens": [(all_green, f"program '0' of signal '{SIGNAL}', phase {GREEN}: links ")],
    "missing yellow": [(red_at_once, f"program '0' of signal '{SIGNAL}', phase {GREEN} -> {GREEN + 1}: link")],
    "trips of one name": [(demand(trip_id=put(D.trip_id, 1, "t0")), TRIP), (demand(trip_id=put(D.trip_id, 1, "")), "''")],
    "trip out of order": [
        (demand(trip_depart=put(D.trip_depart, 1, -5.0)), "'t1'"),
        (demand(trip_depart=put(D.trip_depart, 1, np.nan)), "'t1'"),
    ],
    "vehicle types of one name": [(demand(vehicle_types=(CAR, CAR, D.vehicle_types[2])), "'car'")],
    "impossible vehicle type": [
        (demand(vehicle_types=(replace(CAR, **{name: value}), *D.vehicle_types[1:])), "'car': ")
        for name, value in (
            ("length", 0.0), ("accel", -1.0), ("decel", np.nan), ("max_speed", np.inf), ("min_gap", -0.1), ("vehicle_class", "horse"),
            ("speed_factor", (1.0, 0.1, 2.0, 0.5)), ("lane_change", {"lcStrategic": np.nan}), ("delta", np.inf),
        )
    ],
    "distribution that draws nothing": [
        (demand(distributions=(((0, 1), (0.0, 0.0)),)), "distribution 0 of types"),
        (demand(route_distributions=(((0, 1), (1.0, -1.0)),)), "distribution 0 of routes"),
    ],
    "flow without a rate": [
        (demand(flows=(replace(FLOW, period=0.0),)), "'f'"),
        (demand(flows=(FLOW,)), "'f'"),  # its template is a trip of its own
        (demand(flows=(replace(FLOW, end=-1.0),), trip_is_template=put(D.trip_is_template, 0, True)), "'f'"),
    ],
    "trip with a wrong number": [
        (demand(depart_pos=put(D.depart_pos, 0, DepartPos.GIVEN), depart_pos_value=put(D.depart_pos_value, 0, np.nan)), TRIP),
        (demand(depart_speed=put(D.depart_speed, 0, DepartSpeed.GIVEN), depart_speed_value=put(D.depart_speed_value, 0, -1.0)), TRIP),
        (demand(arrival_pos=put(D.arrival_pos, 0, -np.inf)), TRIP),
    ],
    "route over an edge that is no street": [
        (demand(route_edge=put(D.route_edge, int(D.route_start[D.trip_route[0]]), INSIDE)), TRIP),
        (to_be_routed(INSIDE, 0), TRIP),
    ],
    "trip departs before begin": [
        (lambda s: replace(s, settings=replace(s.settings, begin=float(D.trip_depart[0]) + 0.001)), TRIP),
    ],
    "route with a gap": [
        (demand(route_edge=put(D.route_edge, int(D.route_start[D.trip_route[0]]), D.route(D.trip_route[0])[-1])), f"{TRIP}: "),
    ],
    "route forbidden to its vehicle": [
        (demand(vehicle_types=(replace(CAR, vehicle_class="tram"), *D.vehicle_types[1:])), ""),
    ],
    "departure off its edge": [
        (demand(depart_lane=put(D.depart_lane, 0, DepartLane.GIVEN), depart_lane_index=put(D.depart_lane_index, 0, 9)), TRIP),
        (demand(depart_pos=put(D.depart_pos, 0, DepartPos.GIVEN), depart_pos_value=put(D.depart_pos_value, 0, 1e4)), TRIP),
    ],
    "stop off its route": [
        (with_stop(replace(STOP, on_route=1)), TRIP),
        (with_stop(replace(STOP, on_route=999)), TRIP),
        (with_stop(replace(STOP, end=1e4)), TRIP),
        (with_stop(replace(STOP, start=20.0)), TRIP),
        (with_stop(replace(STOP, duration=np.nan)), TRIP),
    ],
    "unreachable destination": [(without_ways_out, f"{TRIP} from ")],
}  # fmt: skip


def found(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    return {finding.check.kind: finding.items for finding in find_all(scenario)}


def test_every_check_has_a_case_and_a_name_of_its_own() -> None:
    kinds = [check.kind for check in CHECKS]
    assert set(kinds) == set(CASES) and len(set(kinds)) == len(kinds)
    assert all(check.find.__doc__ for check in CHECKS)


@pytest.mark.parametrize("kind", CASES)
def test_check_names_its_offender(kind: str) -> None:
    for change, offender in CASES[kind]:
        items = found(change(BASE)).get(kind, ())
        assert any(item.startswith(offender) for item in items), (kind, items)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.kind)
def test_check_raises_its_own_kind_of_error(check: Any) -> None:
    broken = CASES[check.kind][0][0](BASE)
    with pytest.raises((NetworkError, ProgramError, DemandError)) as caught:
        require_consistent(broken)
    assert caught.value.items
    assert any(word in str(caught.value) for word in (check.kind, "other checks fail"))


@pytest.mark.parametrize("check", [check for check in CHECKS if not check.is_hard], ids=lambda check: check.kind)
def test_imported_imperfection_is_a_counted_warning_and_passes_then(check: Any) -> None:
    report = ImportReport()
    broken = replace(CASES[check.kind][0][0](BASE), report=report)
    count = len(found(broken)[check.kind])
    note_inconsistencies(broken)
    assert report.warnings[check.kind] == count
    assert 0 < len(report.examples[check.kind]) <= 10
    require_consistent(broken)
    report.warnings[check.kind] -= 1  # one more than the report admits
    with pytest.raises(check.error, match=check.kind):
        require_consistent(broken)


@pytest.mark.parametrize("check", [check for check in CHECKS if check.is_hard], ids=lambda check: check.kind)
def test_hard_check_fails_for_imported_files_too(check: Any) -> None:
    broken = replace(CASES[check.kind][0][0](BASE), report=ImportReport())
    broken.report.warnings[check.kind] = 1_000_000
    for run in (note_inconsistencies, require_consistent):
        with pytest.raises(check.error):
            run(broken)


def test_all_offenders_are_listed_and_ten_shown() -> None:
    broken = network(lane_length=np.zeros(N.num_lanes))(BASE)
    with pytest.raises(NetworkError) as caught:
        require_consistent(broken)
    assert len(caught.value.items) == N.num_lanes
    assert f"... {N.num_lanes} in all" in str(caught.value)


# columns that do not fit

BROKEN_COLUMNS: dict[str, Change] = {
    "a column too short": network(lane_speed=N.lane_speed[:-1]),
    "a column of another type": network(lane_speed=N.lane_speed.astype(np.float32)),
    "a list instead of an array": network(lane_speed=N.lane_speed.tolist()),
    "a number beyond its table": network(connection_to=put(N.connection_to, 0, N.num_lanes)),
    "a negative number": network(edge_from=put(N.edge_from, 0, -1)),
    "ranges that fall": network(foe_start=put(N.foe_start, 1, len(N.foe_request) + 5)),
    "ranges that end early": network(junction_inc_lane=np.append(N.junction_inc_lane, np.int32(0))),
    "an edge without lanes": network(edge_first_lane=put(N.edge_first_lane, 1, 0)),
    "lanes of another edge": network(lane_edge=put(N.lane_edge, 0, 1)),
    "a word nobody knows": network(junction_type=put(N.junction_type, 0, 99)),
    "a link without a signal": network(connection_link=put(N.connection_link, -1, 3)),
    "a program of a signal that is not": programs(program_signal=put(P.program_signal, 0, 99)),
    "signals without a row": programs(active_program=P.active_program[:-1]),
    "a type that is not": demand(trip_type=put(D.trip_type, 0, 99)),
    "no type": demand(trip_type=put(D.trip_type, 0, -1)),
    "a distribution that is not": demand(trip_type=put(D.trip_type, 0, -2)),
    "a route that is not": demand(trip_route=put(D.trip_route, 0, 10**6)),
    "neither route nor destination": demand(trip_route=put(D.trip_route, 0, -1)),
    "an empty route": demand(route_start=put(D.route_start, 1, 0)),
    "a distribution without weights": demand(distributions=(((0,), ()),)),
    "a stop on a lane that is not": with_stop(replace(STOP, lane=10**6)),
    "a flow of a trip that is not": demand(flows=(replace(FLOW, trip=-1),)),
    "a detector on a lane that is not": lambda s: replace(s, detectors=(Detector("d", "loop", -1, 0.0),)),
    "a closure of a lane that is not": lambda s: replace(s, closures=(Closure((10**6,), 0.0, 1.0),)),
    "a roundabout of edges that are not": network(roundabouts=((10**6,),)),
}


@pytest.mark.parametrize("name", BROKEN_COLUMNS)
def test_columns_that_do_not_fit_are_always_errors(name: str) -> None:
    broken = BROKEN_COLUMNS[name](BASE)
    for run in (find_all, note_inconsistencies, require_consistent):
        with pytest.raises(InputError, match="do not fit"):
            run(broken)


# sound cities

SPECS = st.sampled_from(["grid:rows={a},cols={b}", "ring:rings={a},radials={b}", "river:junctions={c}"])


@settings(max_examples=12, deadline=None)
@given(SPECS, st.integers(2, 4), st.integers(3, 5), st.integers(60, 160), st.integers(0, 1000), st.booleans())
def test_synthetic_cities_pass_every_check(spec: str, a: int, b: int, c: int, seed: int, signals: bool) -> None:
    scenario = make(f"{spec.format(a=a, b=b, c=c)},trips=80,signals={signals}", seed=seed)
    assert found(scenario) == {}


def test_real_files_have_the_imperfections_that_are_known(traffic_data: Path) -> None:
    known = {
        "hamburg_tavf": {"signal state longer than its links": 1, "conflicting greens": 5, "missing yellow": 2},
        "ingolstadt7": {"conflicting greens": 1},
    }
    configs = sorted(traffic_data.glob("*/*.sumocfg"))
    assert len(configs) >= 10
    for path in configs:
        scenario = read_sumo_config(path)
        assert {kind: len(items) for kind, items in found(scenario).items()} == known.get(path.parent.name, {}), path.name


def test_what_the_reader_has_counted_is_not_counted_twice(traffic_data: Path) -> None:
    scenario = read_sumo_config(traffic_data / "hamburg_tavf" / "hamburg_tavf.sumocfg")
    assert note_inconsistencies(scenario).warnings["signal state longer than its links"] == 1


def test_crossings_for_pedestrians_end_without_yellow() -> None:
    """Link 13 of the small net is a crossing: its green ends at once, as it should."""
    scenario = read_sumo(SMALL, [])
    assert scenario.programs.phase_state[:2] == ("rrrgGgrrrGGGgG", "rrrgGgrrrGGGgr")
    # left turns that face each other are both protected in phase 3 though their ways cross in so small a junction
    assert found(scenario) == {"conflicting greens": ("program '0' of signal 'centre', phase 3: links 5 and 12",)}


# reachability against the router


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_reachability_agrees_with_the_router(seed: int, data: st.DataObject) -> None:
    """Connections are taken away at random; what the router finds no path for is unreachable, and nothing else."""
    draw = np.random.default_rng(seed)
    share = data.draw(st.sampled_from([0.1, 0.3, 0.5]))
    entering = N.edge_function[N.lane_edge[N.connection_from]] != EdgeFunction.INTERNAL
    permissions = np.where(entering & (draw.random(N.num_connections) < share), 1, N.connection_permissions)
    num_streets = int(np.sum(N.edge_function == EdgeFunction.NORMAL))
    ends = draw.integers(0, num_streets, (2, D.num_trips)).astype(np.int32)
    cut = network(connection_permissions=permissions.astype(np.int64))(BASE)
    cut = replace(cut, demand=replace(D, trip_route=np.full(D.num_trips, -1, np.int32), trip_from=ends[0], trip_to=ends[1]))
    unreachable = {item.split(" ")[0].strip("'") for item in found(cut).get("unreachable destination", ())}
    for row, kind in enumerate(D.vehicle_types):
        mine = np.flatnonzero(D.trip_type == row)
        paths = shortest_path(cut.network, ends[0][mine], ends[1][mine], vehicle_class=kind.vehicle_class)
        lost = {D.trip_id[trip] for trip in mine[~np.isfinite(paths.cost)].tolist()}
        assert lost == unreachable & {D.trip_id[trip] for trip in mine.tolist()}


def test_via_edges_are_legs_of_the_way() -> None:
    scenario = without_ways_out(BASE)
    edge, target = int(scenario.demand.trip_from[0]), int(scenario.demand.trip_to[0])
    start = np.zeros(D.num_trips + 1, np.int64)
    start[1:] = 1
    via = replace(
        scenario.demand, trip_from=put(D.trip_from, 0, target), trip_to=put(D.trip_to, 0, target),
        via_edge=np.array([edge], np.int32), trip_via_start=start,
    )  # fmt: skip
    assert found(replace(scenario, demand=via))["unreachable destination"][0].startswith("'t0'")


def test_route_forbidden_to_one_member_of_a_distribution_counts() -> None:
    kinds = (*D.vehicle_types, VehicleType("boat", "ship"))
    mixed = demand(vehicle_types=kinds, distributions=(((0, 3), (1.0, 1.0)),), trip_type=put(D.trip_type, 0, -2))(BASE)
    assert found(mixed)["route forbidden to its vehicle"] == (TRIP,)
