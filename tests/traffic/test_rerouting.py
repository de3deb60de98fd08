"""Drivers who look for a faster way under way, with SUMO itself as the oracle of who takes which."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lxml import etree

from urbanlab.city.demand import VehicleType
from urbanlab.city.readers.sumo import read_sumo
from urbanlab.city.scenario import Closure, RunSettings, Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import ConfigError
from urbanlab.core.provenance import Provenance
from urbanlab.traffic.kernels.navigation import smoothed_speed
from urbanlab.traffic.outputs.sumo_tripinfo import write_tripinfo
from urbanlab.traffic.outputs.tables import trips_table
from urbanlab.traffic.rerouting_options import ReroutingOptions
from urbanlab.traffic.simulation import Simulation

OPTION = "device.rerouting."
END = 900
TYPES = '<vType id="car" sigma="0" speedDev="0"/>'
ROUTE = '<route id="r" edges="A0A1 A1B1 B1C1 C1D1 D1D2"/>'
# the direct way becomes slow in its middle, and quick again later
SLOW = '<variableSpeedSign id="s" lanes="B1C1_0 B1C1_1"><step time="100" speed="1.5"/><step time="400" speed="13.89"/></variableSpeedSign>'


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four by four junctions, 200 m apart, two lanes each way, right of way alone."""
    sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
    path = tmp_path_factory.mktemp("rerouting") / "grid.net.xml"
    shape = ["--grid", "--grid.number", "4", "--grid.length", "200", "-L", "2", "--no-turnarounds", "true"]
    subprocess.run([Path(sumo.SUMO_HOME) / "bin" / "netgenerate", *shape, "-o", path], check=True, capture_output=True)
    return path


Routes = dict[str, list[str]]
Both = Callable[..., tuple[Routes, Routes]]


@pytest.fixture
def both(net: Path, tmp_path: Path) -> Both:
    """Edges that each vehicle has driven: ours, theirs."""
    import sumo

    def run(vehicles: str, additional: str = SLOW, **options: str) -> tuple[Routes, Routes]:
        routes, more = tmp_path / "r.rou.xml", tmp_path / "a.add.xml"
        routes.write_text(f"<routes>{TYPES}{ROUTE}{vehicles}</routes>")
        more.write_text(f"<additional>{additional}</additional>")
        written = {OPTION + name.replace("_", "-"): value for name, value in options.items()}
        outputs = ["--vehroute-output", tmp_path / "v.xml", "--vehroute-output.last-route", "--no-step-log", "--end", str(END)]
        flags = [part for name, value in written.items() for part in (f"--{name}", value)]
        command = [Path(sumo.SUMO_HOME) / "bin" / "sumo", "-n", net, "-r", routes, "-a", more, *outputs, *flags]
        subprocess.run(command, check=True, capture_output=True)
        theirs = {}
        for vehicle in etree.parse(tmp_path / "v.xml").iter("vehicle"):
            theirs[vehicle.get("id")] = list(vehicle.iter("route"))[-1].get("edges").split()
        return driven(read_sumo(net, [routes], [more], settings=RunSettings(end=float(END), options=written))), theirs

    return run


def driven(scenario: Scenario, seed: int = 1) -> Routes:
    """Edges that each vehicle has driven on until it arrived."""
    network, found = scenario.network, Routes()

    def look(run: Simulation) -> None:
        for name, lane in zip(run.trip_ids, run.lane_of_vehicle.tolist(), strict=True):
            edge = network.edge_id[network.lane_edge[lane]] if lane >= 0 else ":"
            if not edge.startswith(":") and found.setdefault(name, [])[-1:] != [edge]:
                found[name].append(edge)

    with Simulation(scenario, seed=seed) as run:
        run.run(each_step=look)
        table = trips_table(run.record()).to_pydict()
    arrived = {name for name, state in zip(table["trip_id"], table["state"], strict=True) if state == "arrived"}
    return {name: edges for name, edges in found.items() if name in arrived}


def vehicles(num: int, spacing: int = 8, inside: str = "") -> str:
    return "".join(f'<vehicle id="v{n}" type="car" depart="{n * spacing}" route="r">{inside}</vehicle>' for n in range(num))


DIRECT = ["A0A1", "A1B1", "B1C1", "C1D1", "D1D2"]


def agreement(ours: Routes, theirs: Routes) -> float:
    assert ours.keys() == theirs.keys()
    return sum(ours[name] == theirs[name] for name in ours) / len(ours)


@pytest.mark.parametrize("pre", ["0", "60"])
def test_drivers_leave_a_slow_street_and_come_back_as_sumos_do(both: Both, pre: str) -> None:
    ours, theirs = both(vehicles(60), probability="1", period="10", pre_period=pre)
    around = Counter(edges != DIRECT for edges in theirs.values())
    assert min(around.values()) > 10  # some of both
    assert agreement(ours, theirs) > 0.9


def test_nobody_looks_without_being_asked(both: Both) -> None:
    ours, theirs = both(vehicles(30))
    assert set(map(tuple, ours.values())) == set(map(tuple, theirs.values())) == {tuple(DIRECT)}


def test_vehicles_may_say_for_themselves(both: Both) -> None:
    looks = '<param key="has.rerouting.device" value="true"/><param key="device.rerouting.period" value="10"/>'
    some = "".join(f'<vehicle id="v{n}" type="car" depart="{n * 8}" route="r">{looks if n % 2 else ""}</vehicle>' for n in range(40))
    ours, theirs = both(some, pre_period="0")
    assert agreement(ours, theirs) > 0.9
    assert all(ours[f"v{n}"] == DIRECT for n in range(0, 40, 2)) and any(ours[f"v{n}"] != DIRECT for n in range(1, 40, 2))


def test_the_named_look(both: Both) -> None:
    ours, theirs = both(vehicles(40), period="10", explicit="v20,v25,v30", pre_period="0")
    assert agreement(ours, theirs) > 0.9
    assert {name for name, edges in ours.items() if edges != DIRECT} <= {"v20", "v25", "v30"}


@pytest.mark.parametrize("pre", ["0", "20", "60"])
def test_those_who_wait_to_depart_choose_once_more_after_a_time(both: Both, pre: str) -> None:
    ours, theirs = both(vehicles(90, spacing=1), probability="1", pre_period=pre)
    assert any(edges != DIRECT for edges in theirs.values()) == (pre != "0")
    assert agreement(ours, theirs) > 0.95


# --- without SUMO --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> Scenario:
    """A town with a slow middle: whoever looks goes around."""
    city = make("grid:rows=4,cols=4,trips=500,duration=400", seed=2)
    edge = int(np.bincount(city.demand.route_edge).argmax())
    lanes = tuple(range(*city.network.edge_first_lane[edge : edge + 2].tolist()))
    options = {OPTION + "probability": "0.6", OPTION + "period": "30"}
    slow = Closure(lanes, 50.0, 900.0, -1, speed=1.0)
    return replace(city, closures=(slow,), settings=replace(city.settings, options=options, end=900.0))


def rerouted(run: Simulation) -> list[str]:
    return [command.arguments["vehicle"] for command in run.commands.log if command.source == "rerouting"]


def test_a_share_looks_and_the_log_says_so(town: Scenario) -> None:
    with Simulation(town) as run:
        run.run()
        assert 20 < len(set(rerouted(run))) < 300
        share = np.mean(run.rerouting._period > 0.0)
        assert share == pytest.approx(0.6, abs=5 * np.sqrt(0.24 / 500))
        figures = run.summary()
        assert figures["loaded"] == 500 == sum(figures[name] for name in ("arrived", "removed", "running_end", "waiting_end"))


def test_trip_information_counts_new_ways(town: Scenario, tmp_path: Path) -> None:
    with Simulation(town) as run:
        write_tripinfo(tmp_path / "t.xml", run.run().record(), Provenance("", {}, 1, {}))
        counts = Counter(rerouted(run))
    written = {trip.get("id"): int(trip.get("rerouteNo")) for trip in etree.parse(tmp_path / "t.xml").iter("tripinfo")}
    assert {name: number for name, number in written.items() if number} == {name: counts[name] for name in counts if name in written}


def test_looking_pays(town: Scenario) -> None:
    never = replace(town, settings=replace(town.settings, options={}))
    with Simulation(town) as run, Simulation(never) as blind:
        assert run.run().summary()["travel_time_engine_mean_s"] < blind.run().summary()["travel_time_engine_mean_s"]


def test_threads_and_steps_change_nothing(town: Scenario) -> None:
    with Simulation(town) as run, Simulation(town, threads=2) as other:
        run.run()
        while not other.ended:
            other.step()
        assert run.commands.log == other.commands.log
        assert trips_table(run.record()).equals(trips_table(other.record()))


def test_added_vehicles_look_as_others_do(town: Scenario) -> None:
    everybody = replace(town, settings=replace(town.settings, options={OPTION + "probability": "1", OPTION + "period": "20"}))
    with Simulation(everybody) as run:
        run.run(10.0)
        run.commands.add_trip("new", "S0", "-S10", at=100.0)
        run.run()
        assert run.rerouting._period[-1] == 20.0 and len(run.rerouting._period) == 501


# --- choosing at departure -----------------------------------------------------------------------------------------


def trips(num: int, spacing: int = 8, inside: str = 'departLane="best"') -> str:
    return "".join(f'<trip id="v{n}" type="car" depart="{n * spacing}" from="A0A1" to="D1D2" {inside}/>' for n in range(num))


@pytest.mark.parametrize("attributes", ['departLane="best"', 'departLane="first" via="B2C2"', 'departLane="free" departSpeed="max"'])
def test_trips_without_a_route_choose_it_as_sumos_do(both: Both, attributes: str) -> None:
    ours, theirs = both(trips(60, inside=attributes))
    assert len(set(map(tuple, theirs.values()))) > 1  # the slow street is avoided while it is slow
    assert agreement(ours, theirs) > 0.9


def test_a_share_of_drivers_with_routes_chooses_before_departure(both: Both) -> None:
    ours, theirs = both(vehicles(60), probability="1")
    assert len(set(map(tuple, theirs.values()))) > 1
    assert agreement(ours, theirs) > 0.9


def test_trips_with_stops_choose_when_they_have_departed(both: Both) -> None:
    stop = '<stop lane="A1B1_0" endPos="100" duration="5"/></trip>'
    ours, theirs = both(trips(50).replace("/>", f">{stop}"))
    assert agreement(ours, theirs) > 0.8


def test_without_samples_free_roads_count(both: Both) -> None:
    """Only limits of the moment do; SUMO chooses when it reads a trip, 200 s ahead at most."""
    ours, theirs = both(trips(40), adaptation_interval="0")
    at_once = [f"v{n}" for n in range(40) if not 100 <= 8 * n < 240]
    assert [ours[name] for name in at_once] == [theirs[name] for name in at_once]
    assert ours["v0"] != ours["v30"]


# --- what drivers know ---------------------------------------------------------------------------------------------


def test_travel_times_are_those_that_sumo_writes(net: Path, tmp_path: Path) -> None:
    """Vehicles without imperfection drive as SUMO's do, so that means over them have to be the same."""
    import sumo

    routes, more, written = tmp_path / "r.rou.xml", tmp_path / "a.add.xml", tmp_path / "w.xml"
    some = trips(30, 3, 'departLane="0" departSpeed="0"')
    routes.write_text(f"<routes>{TYPES}{ROUTE}{some}</routes>")
    more.write_text(f"<additional>{SLOW}</additional>")
    command = [Path(sumo.SUMO_HOME) / "bin" / "sumo", "-n", net, "-r", routes, "-a", more, "--no-step-log", "--end", "200"]
    subprocess.run([*command, "--device.rerouting.output", written], check=True, capture_output=True)
    theirs = {}
    for interval in etree.parse(written).iter("interval"):
        theirs[float(interval.get("begin"))] = {edge.get("id"): float(edge.get("traveltime")) for edge in interval.iter("edge")}
    scenario = read_sumo(net, [routes], [more], settings=RunSettings(end=200.0))
    network = scenario.network
    length = network.lane_length[network.edge_first_lane[:-1]]
    with Simulation(scenario, seed=1) as run:
        for end in (60, 90, 199):
            run.run(float(end + 1))
            world = run.model.world
            alone = length / world.lanes.speed[network.edge_first_lane[:-1]]
            times = dict(zip(network.edge_id, np.maximum(length / smoothed_speed(world.nav), alone).tolist(), strict=True))
            named = [(name, times[name], time) for name, time in theirs[end].items() if not name.startswith(":")]
            away = [entry for entry in named if abs(entry[1] / entry[2] - 1.0) > 0.02]
            assert not away
            free = dict(zip(network.edge_id, (length / network.lane_speed[network.edge_first_lane[:-1]]).tolist(), strict=True))
            assert sum(time > 1.2 * free[name] for name, time in theirs[end].items()) > 1


@pytest.mark.parametrize("weight", ["0", "0.9"])
@pytest.mark.parametrize("log", [None, 3])
def test_speeds_are_means_over_the_last_samples(town: Scenario, weight: str, log: int | None) -> None:
    options = {OPTION + "probability": "1", OPTION + "adaptation-weight": weight, OPTION + "adaptation-interval": "2"}
    network = town.network
    samples: list[np.ndarray] = []
    limits: list[np.ndarray] = []

    def look(run: Simulation) -> None:
        if round(run.time) % 2 == 1:
            lanes = run.model.world.lanes
            total, vehicles = np.zeros(network.num_lanes), lanes.count[: network.num_lanes].copy()
            on = run.lane_of_vehicle >= 0
            np.add.at(total, run.lane_of_vehicle[on], run.speeds[run.model.world.trips.slot[on]])
            total[vehicles == 0] += lanes.speed[: network.num_lanes][vehicles == 0]
            vehicles[vehicles == 0] = 1
            first = network.edge_first_lane[:-1]
            samples.append(np.add.reduceat(total, first) / np.add.reduceat(vehicles, first))
            samples[-1][np.add.reduceat(lanes.count[: network.num_lanes], first) == 0] = np.nan
            limits.append(lanes.speed[first].copy())

    with Simulation(replace(town, closures=(), settings=replace(town.settings, options=options, end=500.0))) as run:
        if log is not None:
            nav = run.model.world.nav
            run.model.replace(nav=nav._replace(log_edge=nav.log_edge[:log].copy(), log_lost=nav.log_lost[:log].copy()))
        run.run(each_step=look)
        found = smoothed_speed(run.model.world.nav)
    values = np.where(np.isnan(samples), limits, samples)
    if float(weight):
        expected = limits[0]
        for value in values:
            expected = float(weight) * expected + (1.0 - float(weight)) * value
    else:
        expected = values[-180:].sum(axis=0) / 180 if len(values) >= 180 else None
    assert len(values) == 250
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("pre", ["0", "1"])
def test_new_routes_find_room(town: Scenario, pre: str) -> None:
    """Whether tables are large from the start or grow step by step, the run is the same, also where many choose anew as they depart."""
    demand = town.demand
    origin = demand.route_edge[demand.route_start[demand.trip_route]]
    goal = demand.route_edge[demand.route_start[demand.trip_route + 1] - 1]
    trips = replace(demand, trip_route=np.full(demand.num_trips, -1, np.int32), trip_from=origin, trip_to=goal)
    town = replace(town, demand=trips, settings=replace(town.settings, options={OPTION + "pre-period": pre}))
    with Simulation(town) as small, Simulation(town) as large:
        large.model.acts.runs.make_room(100_000)
        before = len(small.model.world.routes.edge)
        small.run()
        assert len(small.model.world.routes.edge) > before
        record = small.record()
        assert (record.depart - record.depart_wanted > 1.0).sum() > 10
        assert trips_table(record).equals(trips_table(large.run().record()))


# --- options -------------------------------------------------------------------------------------------------------


def period(options: ReroutingOptions, own: float, kind: VehicleType, name: str, origin: int = -1) -> float:
    demand: Any = SimpleNamespace(vehicle_types=(kind,), trip_rerouting=np.array([own]), trip_from=np.array([origin]))
    trip: Any = SimpleNamespace(row=np.zeros(1, np.int64), kind=np.zeros(1, np.int64), trip_id=[name])
    return float(options.periods(demand, trip)[0])


def test_what_is_said_nearest_to_the_vehicle_counts() -> None:
    options = ReroutingOptions({OPTION + "probability": "1", OPTION + "period": "60", OPTION + "explicit": "a, b"}, 1)
    plain, never = VehicleType(), VehicleType(attributes={"has.rerouting.device": "false"})
    often = VehicleType(attributes={"has.rerouting.device": "true", "device.rerouting.period": "5"})
    asked = ((-1.0, plain), (7.0, plain), (0.0, often), (-1.0, often), (-1.0, never))
    assert [period(options, own, kind, "x") for own, kind in asked] == [60.0, 7.0, 0.0, 5.0, 0.0]
    few = ReroutingOptions({OPTION + "probability": "0", OPTION + "period": "60", OPTION + "explicit": "a, b"}, 1)
    assert [period(few, -1.0, plain, name) for name in ("a", "b", "c")] == [60.0, 60.0, 0.0]
    assert period(ReroutingOptions({OPTION + "probability": "1"}, 1), -1.0, plain, "a") == np.inf


def test_trips_without_a_route_always_choose_one() -> None:
    """SUMO: those without the device look again only where nothing is said about who has it."""
    plain, never = VehicleType(), VehicleType(attributes={"has.rerouting.device": "false"})
    assert period(ReroutingOptions({}, 1), -1.0, plain, "x", origin=3) == np.inf
    assert period(ReroutingOptions({}, 1), 0.0, never, "x", origin=3) == np.inf
    assert period(ReroutingOptions({OPTION + "period": "60"}, 1), -1.0, plain, "x", origin=3) == 60.0
    assert period(ReroutingOptions({OPTION + "period": "60", OPTION + "probability": "0"}, 1), -1.0, plain, "x", origin=3) == np.inf


@pytest.mark.parametrize(
    ("name", "value"), [("period", "often"), ("adaptation-steps", "0"), ("adaptation-interval", "-1"), ("adaptation-weight", "1.5")]
)
def test_options_without_sense_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError):
        ReroutingOptions({OPTION + name: value}, 1)
