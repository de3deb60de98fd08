"""CityFlow's files become the same columns as everybody else's: what is where, and what is reported."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from urbanlab.city.demand import CarFollowing
from urbanlab.city.network import EdgeFunction, JunctionType
from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.city.scenario import ImportReport, Scenario

CROSS = Path(__file__).parent / "files" / "cityflow_cross"
Files = dict[str, Any]


@pytest.fixture(scope="module")
def cross() -> Scenario:
    return read_cityflow(CROSS)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[Files], object]], Path]:
    """The crossroads with something changed, written to a folder of its own."""

    def write(change: Callable[[Files], object]) -> Path:
        files = {name: json.loads((CROSS / f"{name}.json").read_text()) for name in ("config", "roadnet", "flow")}
        change(files)
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write


# network


def test_roads_and_lane_links_are_counted(cross: Scenario) -> None:
    network = cross.network
    assert (network.num_junctions, network.num_signals, network.num_edges) == (5, 1, 8 + 12)
    assert network.num_lanes == 8 * 2 + 24
    assert network.num_connections == 2 * 24  # onto the internal lane, and from it onwards
    assert [JunctionType(kind).name for kind in network.junction_type] == ["TRAFFIC_LIGHT"] + ["DEAD_END"] * 4


def test_lanes_are_counted_from_the_kerb(cross: Scenario) -> None:
    network = cross.network
    edge = network.edge_of_id["west_in"]
    kerb, inside = int(network.edge_first_lane[edge]), int(network.edge_first_lane[edge]) + 1
    assert (network.lane_width[kerb], network.lane_speed[kerb]) == (3.0, 11.0)
    assert (network.lane_width[inside], network.lane_speed[inside]) == (4.0, 12.5)
    # driving east, the lane inside is 2 m right of the road's line, that at the kerb 5.5 m
    assert network.lane_shape(inside).tolist() == [[-300.0, -2.0], [-20.0, -2.0]]
    assert network.lane_shape(kerb).tolist() == [[-300.0, -5.5], [-20.0, -5.5]]


def test_roads_are_shortened_by_intersections_but_not_by_virtual_ones(cross: Scenario) -> None:
    normal = cross.network.edge_function[cross.network.lane_edge] == EdgeFunction.NORMAL
    assert set(cross.network.lane_length[normal]) == {280.0}


def test_lane_links_lead_from_lane_to_lane_over_one_internal_lane(cross: Scenario) -> None:
    network = cross.network
    half = network.num_connections // 2
    via = network.connection_via[:half]
    assert np.array_equal(network.connection_from[half:], via)
    assert np.array_equal(network.connection_to[half:], network.connection_to[:half])
    assert np.all(network.connection_via[half:] == -1)
    assert np.all(network.edge_function[network.lane_edge[via]] == EdgeFunction.INTERNAL)
    turns = network.connection_direction[:half].tobytes().decode()
    assert (turns.count("s"), turns.count("l"), turns.count("r")) == (8, 8, 8)
    for k in range(half):  # ways begin and end where their lanes do; the one with points says so itself
        shape = network.lane_shape(int(via[k]))
        assert shape[0] == pytest.approx(network.lane_shape(int(network.connection_from[k]))[-1])
        assert shape[-1] == pytest.approx(network.lane_shape(int(network.connection_to[k]))[0])


def test_a_lane_link_with_points_keeps_them(cross: Scenario) -> None:
    first = int(cross.network.connection_via[0])
    assert cross.network.lane_shape(first).tolist() == [[-20.0, -2.0], [0.0, -2.0], [20.0, -2.0]]
    assert cross.network.lane_length[first] == 40.0


def test_left_turns_give_way_to_oncoming_traffic(cross: Scenario) -> None:
    network = cross.network
    names = {network.edge_id[edge]: edge for edge in range(network.num_edges)}

    def request(start: str, end: str) -> int:
        lanes = network.lane_edge
        rows = np.flatnonzero((lanes[network.connection_from] == names[start]) & (lanes[network.connection_to] == names[end]))
        return int(network.connection_request[rows[0]])

    def yields(own: int) -> set[int]:
        return set(network.response_request[network.response_start[own] : network.response_start[own + 1]].tolist())

    left, oncoming = request("west_in", "north_out"), request("east_in", "west_out")
    assert oncoming in yields(left)
    assert left not in yields(oncoming)
    crossing = request("south_in", "north_out")  # of equals each looks out for the other
    assert oncoming in yields(crossing) and crossing in yields(oncoming)


# signals


def test_phases_have_one_character_a_road_link(cross: Scenario) -> None:
    programs = cross.programs
    assert programs.source == "cityflow"
    assert programs.phase_duration.tolist() == [5.0, 20.0, 10.0, 20.0, 10.0, 15.0]
    assert programs.phase_state[0] == "rrGrrGrrGrrG"  # the transition: right turns alone
    # straight on is protected, right turns that join a green straight movement give way
    assert programs.phase_state[1] == "GrGrrgGrGrrg"
    assert len(set(map(len, programs.phase_state))) == 1


def test_virtual_intersections_have_no_signal(cross: Scenario) -> None:
    assert cross.network.signal_id == ("centre",)
    signalled = cross.network.connection_signal >= 0
    assert np.array_equal(signalled, cross.network.connection_via >= 0)
    assert set(cross.network.connection_link[signalled].tolist()) == set(range(12))


# demand


def test_vehicles_become_types(cross: Scenario) -> None:
    car, van = cross.demand.vehicle_types
    assert car.car_following is CarFollowing.CITYFLOW
    assert (car.length, car.width, car.min_gap, car.max_speed, car.tau) == (5.0, 2.0, 2.5, 11.111, 2.0)
    assert (car.accel, car.decel, car.usual_accel, car.usual_decel) == (2.0, 4.5, 2.0, 4.5)
    assert (car.sigma, car.speed_factor) == (0.0, (1.0, 0.0, 1.0, 1.0))
    assert (van.length, van.max_speed, van.usual_decel) == (8.0, 9.0, 3.0)


def test_flows_keep_their_order_and_times(cross: Scenario) -> None:
    flows = cross.demand.flows
    assert [flow.flow_id for flow in flows] == [f"flow_{k}" for k in range(12)]
    assert (flows[0].begin, flows[0].end, flows[0].period) == (0.0, math.inf, 5.0)
    assert (flows[1].begin, flows[1].end, flows[1].period) == (3.0, 400.0, 6.5)
    assert all(flow.at_begin_and_end for flow in flows)
    for flow in flows:
        assert cross.demand.trip_id[flow.trip] == flow.flow_id
        assert cross.demand.trip_depart[flow.trip] == flow.begin
    assert np.all(np.diff(cross.demand.trip_depart) >= 0.0)
    assert np.all(cross.demand.trip_is_template)


def test_gaps_of_a_route_are_filled(changed: Callable[..., Path]) -> None:
    """CityFlow takes the roads of a route as points to pass."""

    def change(files: Files) -> None:
        net = files["roadnet"]
        centre = net["intersections"][0]
        more = json.loads(json.dumps(net["roads"][1]))  # west_out goes on beyond its end
        more |= {"id": "beyond", "startIntersection": "west", "endIntersection": "centre"}
        more["points"] = [{"x": -300, "y": 0}, {"x": -600, "y": 0}]
        net["roads"].append(more)
        west = net["intersections"][1]
        west |= {"virtual": False, "width": 5, "roads": ["west_in", "west_out", "beyond"]}
        west["roadLinks"] = [
            {"type": "go_straight", "startRoad": "west_out", "endRoad": "beyond", "laneLinks": [{"startLaneIndex": 0, "endLaneIndex": 0}]}
        ]
        west["trafficLight"] = {"lightphases": [{"time": 10, "availableRoadLinks": [0]}]}
        centre["roads"].append("beyond")
        files["flow"][0]["route"] = ["east_in", "beyond"]

    scenario = read_cityflow(changed(change))
    route = scenario.demand.route(int(scenario.demand.trip_route[scenario.demand.flows[0].trip]))
    assert [scenario.network.edge_id[edge] for edge in route] == ["east_in", "west_out", "beyond"]


@pytest.mark.parametrize("route", [["west_in"], ["west_in", "west_in"], ["west_out", "east_out"]])
def test_flows_without_a_route_are_reported(changed: Callable[..., Path], route: list[str]) -> None:
    folder = changed(lambda files: files["flow"][2].update(route=route))
    report = ImportReport()
    scenario = read_cityflow(folder, report=report)
    assert report.warnings == {"flow without a route, left out as CityFlow does": 1}
    assert report.examples["flow without a route, left out as CityFlow does"] == ["flow_2"]
    assert len(scenario.demand.flows) == 12  # it uses up CityFlow's random numbers, so the run has to know of it


def test_times_that_are_not_whole_are_read_as_cityflow_reads_them(changed: Callable[..., Path]) -> None:
    report = ImportReport()
    scenario = read_cityflow(changed(lambda files: files["flow"][1].update(startTime=3.5, endTime=99.5)), report=report)
    assert (scenario.demand.flows[1].begin, scenario.demand.flows[1].end) == (0.0, math.inf)
    assert sum(report.warnings.values()) == 2


# configuration


def test_configuration_decides_how_to_run(changed: Callable[..., Path]) -> None:
    folder = changed(lambda files: files["config"].update(interval=0.5, seed=11))
    settings = read_cityflow(folder / "config.json").settings
    assert (settings.step, settings.seed, settings.begin, settings.end) == (0.5, 11, 0.0, 3600.0)
    assert (settings.model, settings.lane_change, settings.teleport_after) == ("cityflow", False, -1.0)
    assert settings.options["flowFile"] == "flow.json"


def test_folder_without_configuration_has_defaults(changed: Callable[..., Path]) -> None:
    folder = changed(lambda files: None)
    (folder / "config.json").unlink()
    scenario = read_cityflow(folder)
    assert (scenario.settings.step, scenario.settings.seed, scenario.settings.end) == (1.0, None, 3600.0)
    assert (scenario.settings.lane_change, scenario.settings.teleport_after) == (False, -1.0)
    assert scenario.name == folder.name


@pytest.mark.parametrize(
    ("key", "value", "kind", "words"),
    [
        ("laneChange", True, "not_modelled", "lane changes are not modelled"),
        ("saveReplay", True, "not_modelled", "replay files"),
        ("warnings", True, "not_modelled", "configuration key 'warnings'"),
        ("rlTrafficLight", True, "warnings", "without a controller"),
    ],
)
def test_what_is_not_modelled_is_reported(changed: Callable[..., Path], key: str, value: bool, kind: str, words: str) -> None:
    report = ImportReport()
    read_cityflow(changed(lambda files: files["config"].update({key: value})), report=report)
    noted = getattr(report, kind)
    assert len(report.not_modelled) + len(report.warnings) == 1
    assert words in next(iter(noted))


def test_keys_that_cityflow_does_not_know_are_counted(changed: Callable[..., Path]) -> None:
    def change(files: Files) -> None:
        files["roadnet"]["roads"][0]["name"] = "Main Street"
        files["roadnet"]["intersections"][0]["roadLinks"][3]["laneLinks"][0]["width"] = 3
        for flow in files["flow"]:
            flow["vehicle"]["color"] = "red"
        files["flow"][0]["comment"] = ["anything"]

    report = ImportReport()
    read_cityflow(changed(change), report=report)
    assert report.not_modelled == {
        "roadnet key 'name'": 1, "roadnet key 'width'": 1, "flow key 'vehicle/color'": 2, "flow key 'comment'": 1,
    }  # fmt: skip


def test_paths_are_seen_from_the_configuration_or_from_here(changed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = changed(lambda files: files["config"].update(dir="data/"))
    beside = read_cityflow(folder / "config.json")  # no such folder: the files are beside the configuration
    (folder / "data").mkdir()
    for name in ("roadnet.json", "flow.json"):
        (folder / name).rename(folder / "data" / name)
    assert read_cityflow(folder / "config.json").input_hashes == beside.input_hashes
    (folder / "elsewhere").mkdir()
    (folder / "config.json").rename(folder / "elsewhere" / "config.json")
    monkeypatch.chdir(folder)
    assert read_cityflow(Path("elsewhere/config.json")).input_hashes == beside.input_hashes


def test_gzipped_files_are_read_as_they_are(changed: Callable[..., Path], cross: Scenario) -> None:
    folder = changed(lambda files: None)
    for name in ("config", "roadnet", "flow"):
        plain = folder / f"{name}.json"
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    for source in (folder, folder / "config.json.gz"):
        scenario = read_cityflow(source)
        assert np.array_equal(scenario.network.shape_x, cross.network.shape_x)
        assert scenario.demand.flows == cross.demand.flows
    digest = hashlib.sha256((folder / "flow.json.gz").read_bytes()).hexdigest()
    assert scenario.input_hashes["flow.json.gz"] == digest


def test_another_flow_file_can_be_named(changed: Callable[..., Path]) -> None:
    folder = changed(lambda files: None)
    (folder / "few.json").write_text(json.dumps(json.loads((CROSS / "flow.json").read_text())[:2]))
    for source in (folder, folder / "config.json"):
        assert len(read_cityflow(source, flow=folder / "few.json").demand.flows) == 2


def test_an_empty_flow_file_is_a_scenario_without_vehicles(changed: Callable[..., Path]) -> None:
    scenario = read_cityflow(changed(lambda files: files["flow"].clear()))
    assert (scenario.demand.num_trips, scenario.demand.flows) == (0, ())


# real scenarios


@pytest.mark.parametrize(
    ("name", "junctions", "signals", "lanes", "flows"),
    [("jinan3x4", 26, 12, 186, 6295), ("hangzhou4x4", 32, 16, 240, 2983), ("newyork16x1", 50, 16, 294, 6831)],
)
def test_real_scenarios_are_read_whole(traffic_data: Path, name: str, junctions: int, signals: int, lanes: int, flows: int) -> None:
    report = ImportReport()
    scenario = read_cityflow(traffic_data / name, report=report)
    network = scenario.network
    assert not report.not_modelled and not report.warnings
    assert (network.num_junctions, network.num_signals, len(scenario.demand.flows)) == (junctions, signals, flows)
    assert int(np.count_nonzero(network.edge_function[network.lane_edge] == EdgeFunction.NORMAL)) == lanes
    assert np.all(network.lane_length > 0.0)
