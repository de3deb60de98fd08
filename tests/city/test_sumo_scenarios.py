"""The ten real scenarios: what we read equals what another parser counts."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from urbanlab.city.demand import DepartLane, DepartPos, DepartSpeed
from urbanlab.city.readers.sumo import read_sumo, read_sumo_config
from urbanlab.city.scenario import Scenario

CONFIGS = (
    "arterial4x4/arterial4x4", "bologna_acosta/acosta", "bologna_pasubio/pasubio", "cologne1/cologne1",
    "cologne3/cologne3",
    "cologne8/cologne8", "grid4x4/grid4x4", "hamburg_tavf/hamburg_tavf", "ingolstadt1/ingolstadt1",
    "ingolstadt7/ingolstadt7",
)  # fmt: skip
# vehicles in the files, by the README of the data; cologne3 without those before its begin
VEHICLES = {
    "arterial4x4": 2484, "acosta": 8622 + 157, "pasubio": 8664 + 112, "cologne1": 2015, "cologne3": 2856,
    "cologne8": 2046,
    "grid4x4": 1473, "hamburg_tavf": 20051 + 1025 + 189, "ingolstadt1": 1716, "ingolstadt7": 3031,
}  # fmt: skip
SIGNALS = {
    "arterial4x4": 16, "acosta": 7, "pasubio": 8, "cologne1": 1, "cologne3": 3, "cologne8": 8, "grid4x4": 16,
    "hamburg_tavf": 43,
    "ingolstadt1": 1, "ingolstadt7": 7,
}  # fmt: skip


@pytest.fixture(scope="module", params=CONFIGS)
def read(request: pytest.FixtureRequest, traffic_data: Path) -> tuple[Path, Scenario]:
    path = traffic_data / f"{request.param}.sumocfg"
    return path, read_sumo_config(path)


def trees(config: Path) -> Iterator[ElementTree.Element]:
    """The configuration's own route and additional files, read by ElementTree."""
    for element in ElementTree.parse(config).getroot().iter():
        if element.tag in ("route-files", "additional-files"):
            for name in element.get("value", "").split(","):
                with gzip.open(config.parent / name) as file:
                    yield ElementTree.parse(file).getroot()


def test_numbers_of_vehicles_and_signals(read: tuple[Path, Scenario]) -> None:
    _, scenario = read
    assert scenario.demand.num_trips == VEHICLES[scenario.name]
    assert scenario.network.num_signals == SIGNALS[scenario.name]
    assert np.all(scenario.programs.active_program >= 0)


def test_demand_equals_elementtrees(read: tuple[Path, Scenario]) -> None:
    config, scenario = read
    demand, network = scenario.demand, scenario.network
    row = {name: trip for trip, name in enumerate(demand.trip_id)}
    types = [kind.vehicle_type_id for kind in demand.vehicle_types]
    seen = 0
    for root in trees(config):
        for element in root:
            if element.tag not in ("vehicle", "trip"):
                continue
            depart = float(element.get("depart", ""))
            if depart < scenario.settings.begin:
                assert element.get("id") not in row
                continue
            trip = row[element.get("id", "")]
            seen += 1
            assert demand.trip_depart[trip] == depart
            if element.tag == "vehicle":
                route = element.find("route")
                edges = route.get("edges", "").split() if route is not None else []
                assert [network.edge_id[edge] for edge in demand.route(demand.trip_route[trip])] == edges
            else:
                assert network.edge_id[demand.trip_from[trip]] == element.get("from")
                assert network.edge_id[demand.trip_to[trip]] == element.get("to")
            code = int(demand.trip_type[trip])
            assert code < 0 or types[code] == element.get("type", "DEFAULT_VEHTYPE")
            stops = element.findall(".//stop")
            assert demand.trip_stop_start[trip + 1] - demand.trip_stop_start[trip] == len(stops)
            first = int(demand.trip_stop_start[trip])
            for stop, ours in zip(stops, demand.stops[first : first + len(stops)], strict=True):
                assert ours.stop_id == stop.get("busStop", "")
                assert ours.duration == float(stop.get("duration", "0"))
                assert ours.until == float(stop.get("until", "-1"))
    assert seen == demand.num_trips


def test_ways_of_departing_equal_elementtrees(read: tuple[Path, Scenario]) -> None:
    config, scenario = read
    demand, begin = scenario.demand, scenario.settings.begin
    kept = [e for root in trees(config) for e in root if e.tag in ("vehicle", "trip") and float(e.get("depart", "")) >= begin]
    lanes = Counter("BEST_PROB" if e.get("departLane") is None else e.get("departLane", "").upper() for e in kept)
    assert Counter(DepartLane(lane).name for lane in demand.depart_lane.tolist()) == lanes
    speeds = Counter("AVG" if e.get("departSpeed") is None else e.get("departSpeed", "").upper() for e in kept)
    assert Counter(DepartSpeed(speed).name for speed in demand.depart_speed.tolist()) == speeds
    words = {None: "BASE", "0": "GIVEN", "random_free": "RANDOM_FREE"}
    assert Counter(DepartPos(place).name for place in demand.depart_pos.tolist()) == Counter(words[e.get("departPos")] for e in kept)


def test_departures_rise_and_arrays_fit(read: tuple[Path, Scenario]) -> None:
    _, scenario = read
    demand, network = scenario.demand, scenario.network
    assert np.all(np.diff(demand.trip_depart) >= 0)
    assert demand.trip_depart[0] >= scenario.settings.begin
    assert np.all(demand.route_edge < network.num_edges)
    assert len(set(demand.trip_id)) == demand.num_trips
    for stop in demand.stops:
        assert 0 <= stop.start <= stop.end <= network.lane_length[stop.lane]
    assert np.all((demand.trip_route >= 0) != (demand.trip_from >= 0))


def test_stops_lie_on_their_routes_in_order(read: tuple[Path, Scenario]) -> None:
    _, scenario = read
    demand, network = scenario.demand, scenario.network
    for trip in np.flatnonzero(np.diff(demand.trip_stop_start)).tolist():
        route = demand.route(demand.trip_route[trip])
        stops = demand.stops[demand.trip_stop_start[trip] : demand.trip_stop_start[trip + 1]]
        assert all(route[stop.on_route] == network.lane_edge[stop.lane] for stop in stops)
        places = [(stop.on_route, stop.end) for stop in stops]
        assert places == sorted(places)


def test_import_report_has_exactly_what_is_known(read: tuple[Path, Scenario]) -> None:
    _, scenario = read
    known = {
        "acosta": ({"vType attribute emissionClass": 13}, {}),
        "pasubio": ({"vType attribute emissionClass": 13}, {}),
        "cologne3": ({}, {"trip departs before begin": 1638}),
        "hamburg_tavf": ({}, {"signal state longer than its links": 1}),
    }
    not_modelled, warnings = known.get(scenario.name, ({}, {}))
    assert dict(scenario.report.not_modelled) == not_modelled
    assert dict(scenario.report.warnings) == warnings


def test_hashes_are_those_of_the_files(read: tuple[Path, Scenario]) -> None:
    config, scenario = read
    assert len(scenario.input_hashes) >= 3
    for name, digest in scenario.input_hashes.items():
        assert digest == hashlib.sha256((config.parent / name).read_bytes()).hexdigest()


def test_bologna_runs_the_programs_of_its_additional_file(traffic_data: Path) -> None:
    scenario = read_sumo_config(traffic_data / "bologna_acosta" / "acosta.sumocfg")
    active = [scenario.programs.program_id[row] for row in scenario.programs.active_program]
    assert set(active) == {"utopia"}
    assert len(scenario.demand.distributions) == 2


def test_bologna_detectors_are_read(traffic_data: Path) -> None:
    folder = traffic_data / "bologna_acosta"
    path = folder / "acosta_detectors.add.xml.gz"
    scenario = read_sumo(folder / "acosta_buslanes.net.xml.gz", [], [path])
    with gzip.open(path) as file:
        written = {e.get("id"): e for e in ElementTree.parse(file).getroot().iter("e1Detector")}
    assert {detector.detector_id for detector in scenario.detectors} == set(written)
    for detector in scenario.detectors:
        element = written[detector.detector_id]
        assert (scenario.network.lane_id(detector.lane), detector.period) == (element.get("lane"), 1800.0)
        assert detector.pos == pytest.approx(float(element.get("pos", "")) % scenario.network.lane_length[detector.lane])


def test_network_with_routes_equals_its_configuration(traffic_data: Path) -> None:
    folder = traffic_data / "ingolstadt1"
    whole = read_sumo_config(folder / "ingolstadt1.sumocfg")
    parts = read_sumo(folder / "ingolstadt1.net.xml.gz", [folder / "ingolstadt1.rou.xml.gz"], settings=whole.settings)
    assert parts.name == whole.name
    assert parts.demand.trip_id == whole.demand.trip_id
    assert parts.demand.vehicle_types == whole.demand.vehicle_types
