"""Commands: what is asked of a running world is done at the start of a step, written down, and can be replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import CommandError, ConfigError, DemandError, InputError, NetworkError
from urbanlab.core.provenance import Provenance
from urbanlab.traffic.acting.grow import Rooms
from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.commands import Commands
from urbanlab.traffic.kernels.arrays import Stops
from urbanlab.traffic.outputs.sumo_fcd import FcdWriter
from urbanlab.traffic.outputs.tables import signals_table, trips_table
from urbanlab.traffic.physics.emissions import FUEL_ROWS
from urbanlab.traffic.record import RunRecord, SignalEventKind, TripState
from urbanlab.traffic.simulation import Simulation

# J0 -S0- J1 -S1- J2
#  S6      S7      S8     -S0 leads from J1 to J0; one trip of the city's own departs late
# J3 -S2- J4 -S3- J5
#  S9      S10     S11
# J6 -S4- J7 -S5- J8
GRID = "grid:rows=3,cols=3,trips=1,signals=false,begin=1900,duration=10"
EAST = ["S0", "S1"]
ROUND = ["S0", "S7", "S3", "-S8"]


@pytest.fixture(scope="module")
def grid() -> Scenario:
    return make(GRID, seed=1)


@pytest.fixture
def run(grid: Scenario) -> Iterator[Simulation]:
    with Simulation(grid, begin=0.0, end=2000.0) as run:
        yield run


def acts_of(run: Simulation) -> StreetActs:
    assert run.model.acts is not None
    return run.model.acts


def trip_of(run: Simulation, name: str) -> dict[str, Any]:
    table = trips_table(run.record()).to_pydict()
    row = table["trip_id"].index(name)
    return {key: values[row] for key, values in table.items()}


def add(run: Simulation, name: str, edges: list[str], **given: Any) -> None:
    run.commands.add_vehicle(name, edges, **given)


def edges_of(run: Simulation, name: str) -> list[str]:
    assert run.commands.vehicles is not None
    way = acts_of(run).way(run.commands.vehicles.trip(name))
    return [run.scenario.network.edge_id[edge] for edge in way.edges.tolist()]


def edge_now(run: Simulation, name: str) -> str:
    lane = int(run.lane_of_vehicle[run.trip_ids.index(name)]) if name in run.trip_ids else -1
    return run.scenario.network.lane_id(lane).rpartition("_")[0] if lane >= 0 else ""


def until(run: Simulation, is_so: Callable[[], bool], seconds: int = 300) -> None:
    for _ in range(seconds):
        if run.trip_ids and is_so():
            return
        run.step()
    raise AssertionError("it never came to that")


def is_balanced(run: Simulation) -> bool:
    """Trip by trip, and by the world's own counters; every vehicle under way stands in one slot."""
    counts, state = run.model.counts(), acts_of(run).world.trips.state
    told = {TripState.ARRIVED: counts.arrived, TripState.REMOVED: counts.removed}
    told |= {TripState.RUNNING: counts.running, TripState.WAITING: counts.waiting}
    slots = run.vehicle_of_slot[run.vehicle_of_slot >= 0]
    whole = sorted(slots.tolist()) == np.flatnonzero(state == TripState.RUNNING).tolist()
    return whole and all(np.count_nonzero(state == kind) == number for kind, number in told.items())


# --- coming and going ----------------------------------------------------------------------------------------------


def test_added_vehicle_drives_its_route_and_counts_as_loaded(run: Simulation) -> None:
    add(run, "new", ROUND, vehicle_type="lorry", depart_speed="max")
    assert run.summary()["loaded"] == 0
    run.run(400.0)
    trip = trip_of(run, "new")
    assert (trip["depart_wanted_s"], trip["depart_s"], trip["state"], trip["vehicle_type"]) == (0.0, 0.0, "arrived", "lorry")
    lengths = [181.2] * 4
    assert trip["route_length_m"] == pytest.approx(sum(lengths), abs=80.0)  # the crossings come on top
    assert run.summary()["loaded"] == 1 and is_balanced(run)


def test_vehicles_added_at_one_place_wait_their_turn(run: Simulation) -> None:
    for n in range(30):
        add(run, f"v{n}", EAST)
    run.step()
    assert run.summary()["loaded"] == 30
    assert run.model.counts().waiting >= 28 and is_balanced(run)
    run.run(400.0)
    departures = [trip_of(run, f"v{n}")["depart_s"] for n in range(30)]
    assert departures == sorted(departures) and departures[-1] > 30.0
    assert run.summary()["arrived"] == 30


def test_added_later_departs_then(run: Simulation) -> None:
    add(run, "later", EAST, at=70.5)
    run.run(71.0)
    assert run.summary()["loaded"] == 0
    run.step()
    assert trip_of(run, "later")["depart_s"] == 71.0  # the first step at or after the wished time


def test_run_without_an_end_waits_for_vehicles_to_come() -> None:
    with Simulation(make("grid:rows=2,cols=2,trips=3,duration=10,signals=false", seed=1)) as run:
        name = run.scenario.network.edge_id[0]
        add(run, "last", [name], at=900.0)
        run.run()
        assert trip_of(run, "last")["state"] == "arrived" and run.time > 900.0
        add(run, "encore", [name])
        run.run()
        assert trip_of(run, "encore")["state"] == "arrived"


def test_many_added_vehicles_outgrow_every_room(grid: Scenario) -> None:
    with Simulation(grid, begin=0.0, end=400.0) as run:
        for n in range(1500):
            run.commands.add_trip(f"v{n}", f"S{n % 12}", f"-S{(n * 5 + 1) % 12}", at=float(n // 20))
        run.run(each_step=lambda run: None if is_balanced(run) else pytest.fail(f"unbalanced at {run.time}"))
        figures = run.summary()
        assert figures["loaded"] == 1500 and figures["collisions"] == 0
        assert figures["inserted"] > 700


def test_added_vehicles_stand_in_floating_car_data(run: Simulation, tmp_path: Path) -> None:
    with FcdWriter(tmp_path / "fcd.xml", run, Provenance("", {}, 1, {})) as writer:
        add(run, "new", EAST, vehicle_type="van")
        run.run(5.0, each_step=writer)
    assert (tmp_path / "fcd.xml").read_text().count('id="new"') == 5


def test_removed_vehicle_is_gone_and_counts_as_removed(run: Simulation) -> None:
    for name in ("a", "b"):
        add(run, name, EAST)
    run.run(15.0)
    run.commands.remove_vehicle("a")
    run.step()
    trip = trip_of(run, "a")
    assert (trip["state"], trip["arrival_s"]) == ("removed", 15.0) and trip["route_length_m"] > 20.0
    assert edge_now(run, "a") == "" and edge_now(run, "b") == "S0" and is_balanced(run)
    run.run(300.0)
    assert trip_of(run, "b")["state"] == "arrived"


def test_waiting_vehicle_can_be_removed(run: Simulation) -> None:
    for name in ("first", "second", "third"):
        add(run, name, EAST)
    run.step()
    assert acts_of(run).state(run.trip_ids.index("second")) == TripState.WAITING
    run.commands.remove_vehicle("second")
    run.run(300.0)
    assert [trip_of(run, name)["state"] for name in ("first", "second", "third")] == ["arrived", "removed", "arrived"]
    assert trip_of(run, "second")["depart_s"] is None and is_balanced(run)


def test_parked_vehicle_can_be_rerouted_and_removed(run: Simulation) -> None:
    add(run, "v", EAST)
    run.step()
    run.commands.stop_vehicle("v", "S0_0", position=100.0, parking=True)
    until(run, lambda: acts_of(run).is_stopped(run.trip_ids.index("v")))
    run.step()
    assert edge_now(run, "v") == ""
    run.commands.reroute("v", ["S0", "S7"])
    run.step()
    assert edges_of(run, "v") == ["S0", "S7"] and is_balanced(run)
    run.commands.resume_vehicle("v")
    until(run, lambda: edge_now(run, "v") == "S7")
    add(run, "w", EAST)
    run.run(run.time + 2.0)
    run.commands.stop_vehicle("w", "S0_0", position=120.0, parking=True)
    until(run, lambda: acts_of(run).is_stopped(run.trip_ids.index("w")))
    run.step()
    run.commands.remove_vehicle("w")
    run.step()
    assert trip_of(run, "w")["state"] == "removed" and is_balanced(run)


def test_rear_of_a_removed_vehicle_holds_nobody_up(run: Simulation) -> None:
    """It stood with its front on the next lane already."""
    add(run, "lorry", EAST, vehicle_type="lorry", depart_speed="max")
    add(run, "car", EAST, depart_speed="max")
    until(run, lambda: edge_now(run, "lorry") == "S1")
    run.commands.remove_vehicle("lorry")
    until(run, lambda: edge_now(run, "car") == "S1")
    assert run.summary()["emergency_stops"] == 0


# --- ways ----------------------------------------------------------------------------------------------------------


def test_reroute_to_given_edges(run: Simulation) -> None:
    add(run, "v", EAST)
    run.run(5.0)
    run.commands.reroute("v", ["S0", "S7", "S10"])
    run.step()
    assert edges_of(run, "v") == ["S0", "S7", "S10"]
    seen = set[str]()
    run.run(200.0, each_step=lambda run: seen.add(edge_now(run, "v")))
    assert {"S7", "S10"} <= seen and "S1" not in seen
    assert trip_of(run, "v")["state"] == "arrived"


def test_reroute_inside_a_junction_begins_behind_it(run: Simulation) -> None:
    add(run, "v", EAST)
    until(run, lambda: edge_now(run, "v").startswith(":"))
    with pytest.raises(CommandError, match="does not begin where"):
        run.commands.reroute("v", ["S0", "S7"])
    run.commands.reroute("v", ["S1", "S8"])
    run.run(200.0)
    assert trip_of(run, "v")["state"] == "arrived" and trip_of(run, "v")["route_length_m"] > 500.0


def test_fastest_way_avoids_what_it_is_told_to(run: Simulation) -> None:
    add(run, "v", ["S0", "S1", "S8", "S11"])
    run.step()
    run.commands.reroute_fastest("v", avoid=["S8"])
    run.step()
    assert edges_of(run, "v") == ["S0", "S7", "S3", "S11"]
    with pytest.raises(CommandError, match="no other way"):
        run.commands.reroute_fastest("v", avoid=["S11"])  # nobody can avoid where it wants to go


def test_fastest_way_to_another_place(run: Simulation) -> None:
    add(run, "v", EAST)
    run.step()
    run.commands.reroute_fastest("v", destination="S11", avoid=["S1"])
    run.step()
    assert edges_of(run, "v")[0] == "S0" and edges_of(run, "v")[-1] == "S11" and "S1" not in edges_of(run, "v")


def test_fastest_way_minds_limits_of_the_moment(run: Simulation) -> None:
    before = ["S0", "S7", "S10"]
    run.commands.add_trip("before", "S0", "S10")
    for lane in ("S7_0", "S7_1"):
        run.commands.set_speed_limit(lane, 0.5, at=5.0)
    run.commands.add_trip("after", "S0", "S10", at=6.0)
    run.run(8.0)
    assert edges_of(run, "before") == before and edges_of(run, "after") != before


def test_waiting_vehicle_can_be_rerouted(run: Simulation) -> None:
    for name in ("first", "second"):
        add(run, name, EAST)
    run.step()
    run.commands.reroute("second", ["S0", "S7"])
    run.run(300.0)
    assert trip_of(run, "second")["state"] == "arrived"


# --- stops ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parking", "idling"), [(False, 60.0), (True, 0.0)])
def test_engines_idle_at_stops_and_are_off_where_they_park(run: Simulation, parking: bool, idling: float) -> None:
    add(run, "v", EAST)
    run.step()
    run.commands.stop_vehicle("v", "S0_0", position=100.0, parking=parking)
    run.run(120.0)
    before = run.record()
    run.run(180.0)
    after, v = run.record(), before.trip_id.index("v")
    assert after.stop_time[v] - before.stop_time[v] == pytest.approx(60.0)
    assert after.fuel_kg[v] - before.fuel_kg[v] == pytest.approx(idling * FUEL_ROWS[0].idle * 1e-3)
    assert after.co2_kg[v] == pytest.approx(after.fuel_kg[v] * FUEL_ROWS[0].co2)


@pytest.mark.parametrize("parking", [False, True])
def test_stop_and_resume(run: Simulation, parking: bool) -> None:
    add(run, "v", EAST)
    add(run, "other", EAST, at=20.0)
    run.step()
    run.commands.stop_vehicle("v", "S0_0", position=100.0, parking=parking)
    run.run(120.0)
    slot = int(np.flatnonzero(run.vehicle_of_slot == run.trip_ids.index("v"))[0])
    assert run.positions[slot] == pytest.approx(100.0, abs=0.6) and run.speeds[slot] == 0.0
    assert (edge_now(run, "v") == "") is parking
    assert (trip_of(run, "v")["state"], trip_of(run, "v")["waiting_s"]) == ("running", 0.0)
    run.commands.resume_vehicle("v")
    run.run(240.0)
    assert trip_of(run, "v")["state"] == trip_of(run, "other")["state"] == "arrived"
    assert trip_of(run, "v")["time_loss_s"] < 40.0  # a stop is no loss


def test_stop_ends_by_itself(run: Simulation) -> None:
    add(run, "v", EAST)
    run.step()
    run.commands.stop_vehicle("v", "S1_1", position=50.0, duration=30.0)
    run.commands.stop_vehicle("v", "S0_0", position=150.0, duration=20.0)
    run.run(300.0)
    record = run.record()
    assert record.stop_time[record.trip_id.index("v")] == pytest.approx(50.0, abs=1.5)
    assert trip_of(run, "v")["state"] == "arrived"


def test_reroute_keeps_the_stops_to_come(run: Simulation) -> None:
    add(run, "v", EAST)
    run.step()
    run.commands.stop_vehicle("v", "S1_0", position=100.0, duration=10.0)
    run.step()
    with pytest.raises(CommandError, match="misses a stop"):
        run.commands.reroute("v", ["S0", "S7"])
    run.commands.reroute_fastest("v", destination="S11")
    run.step()
    assert edges_of(run, "v")[:2] == EAST and edges_of(run, "v")[-1] == "S11"
    run.run(400.0)
    record = run.record()
    assert record.stop_time[record.trip_id.index("v")] == pytest.approx(10.0, abs=1.5)


# --- lanes ---------------------------------------------------------------------------------------------------------


def test_closed_lane_is_left_to_those_on_it(run: Simulation) -> None:
    """The lane's own vehicles drive on, those behind take the other one."""
    for n in range(8):
        add(run, f"v{n}", ["S3", "S11"])
    lane = run.scenario.network.lane_of_id("S11_0")
    until(run, lambda: bool((run.lane_of_vehicle == lane).any()))
    run.commands.close_lane("S11_0")
    inside = set(np.flatnonzero(run.lane_of_vehicle == lane).tolist())
    later = set[int]()
    run.run(300.0, each_step=lambda run: later.update(np.flatnonzero(run.lane_of_vehicle == lane).tolist()))
    assert later <= inside
    assert run.summary()["arrived"] == 8


def test_closed_edge_holds_vehicles_until_it_opens(run: Simulation) -> None:
    run.commands.close_edge("S1", until=200.0)
    add(run, "v", EAST)
    run.run(199.0)
    assert edge_now(run, "v") == "S0"
    run.run(300.0)
    assert trip_of(run, "v")["state"] == "arrived" and trip_of(run, "v")["waiting_s"] > 100.0


def test_closure_lets_pass_whom_it_allows(run: Simulation) -> None:
    run.commands.close_edge("S1", allow=["truck"])
    add(run, "lorry", EAST, vehicle_type="lorry")
    add(run, "car", ["-S8", "-S1"])
    run.run(100.0)
    assert trip_of(run, "lorry")["state"] == "arrived"
    run.commands.open_edge("S1")
    run.step()
    own = run.scenario.network.lane_permissions
    assert np.array_equal(acts_of(run).world.lanes.permissions[: len(own)], own)


def test_departure_from_a_closed_edge_waits(run: Simulation) -> None:
    run.commands.close_edge("S0", until=60.0)
    add(run, "v", EAST, at=10.0)
    run.run(200.0)
    assert trip_of(run, "v")["depart_s"] == pytest.approx(60.0)


def test_limit_slows_and_ends(run: Simulation) -> None:
    for lane in ("S1_0", "S1_1"):
        run.commands.set_speed_limit(lane, 4.0)
        run.commands.set_speed_limit(lane, None, at=150.0)
    add(run, "slow", EAST)
    add(run, "quick", EAST, at=200.0)
    run.run(500.0)
    slow, quick = trip_of(run, "slow"), trip_of(run, "quick")
    first, second = run.record().speed_factor.tolist()
    expected = 181.2 / first * (1 / 4.0 + 1 / 13.89) - 181.2 / second * 2 / 13.89
    assert expected - 2.0 < slow["duration_s"] - quick["duration_s"] < 1.3 * expected  # imperfect drivers lose more of a low limit
    assert slow["time_loss_s"] < 15.0  # it is the limit that is slow, not the driver


# --- signals -------------------------------------------------------------------------------------------------------


def test_requested_phase_comes_through_the_interlock() -> None:
    with Simulation(make("grid:rows=3,cols=3,trips=1,begin=3000", seed=1), begin=0.0, end=600.0) as run:
        signal = run.scenario.network.signal_id[0]
        run.run(30.0)
        run.commands.request_phase(signal, 0)
        run.run(60.0)
        assert int(run.model.signal_state.phase[0]) == 0
        run.commands.request_phase(signal, 3, at=80.0)
        run.run(140.0)
        assert int(run.model.signal_state.phase[0]) == 3
        events = [event for event in run.record().signal_events if event.signal == 0 and event.time > 60.0]
        assert events[0].time == 80.0 and "y" in events[0].state  # no green ends without a yellow
        assert {event.kind for event in events} == {SignalEventKind.PHASE}


def test_phase_that_the_program_shows_is_kept_when_asked_for() -> None:
    with Simulation(make("grid:rows=3,cols=3,trips=1,begin=3000", seed=1), begin=0.0, end=600.0) as run:
        run.run(3.0)
        state, phase = run.signal_states.copy(), int(run.model.signal_state.phase[0])
        first, last = run.model.plan.state_start[:2].tolist()
        run.commands.request_phase(run.scenario.network.signal_id[0], phase)
        run.run(100.0)
        assert run.signal_states[first:last].tobytes() == state[first:last].tobytes()


def test_states_are_shown_as_far_as_they_are_safe() -> None:
    with Simulation(make("grid:rows=3,cols=3,trips=1,begin=3000", seed=1), begin=0.0, end=600.0) as run:
        signal, num = run.scenario.network.signal_id[0], int(run.model.plan.state_start[1])
        run.commands.show_states(signal, "G" * num)
        run.run(60.0)
        assert run.summary()["interventions"] > 0
        run.commands.show_states(signal, "r" * num)
        run.run(90.0)
        assert run.signal_states[:num].tobytes().decode() == "r" * num


def test_controllers_requests_stand_in_the_log() -> None:
    with Simulation(make("grid:rows=3,cols=3,trips=100,duration=60", seed=1), end=120.0, controller="max_pressure") as run:
        run.run()
        log = run.commands.log
        assert log and {(command.source, command.kind) for command in log} == {("controller", "request_phases")}
        assert set(log[0].arguments) <= set(run.scenario.network.signal_id)


# --- the queue, the log --------------------------------------------------------------------------------------------


def busy(run: Simulation, each_step: bool) -> None:
    """Commands of every kind, some of which can't be done, while traffic goes on."""
    commands, random = run.commands, np.random.default_rng(5)
    signal = run.scenario.network.signal_id[0]
    for n in range(60):
        commands.add_trip(f"x{n}", f"S{random.integers(12)}", f"-S{random.integers(12)}", at=float(random.integers(200)))
        commands.remove_vehicle(f"t{random.integers(250)}", at=float(random.integers(20, 300)))
        commands.reroute_fastest(f"t{random.integers(250)}", destination=f"S{random.integers(12)}", at=float(random.integers(20, 300)))
        lane = f"S{random.integers(12)}_0"
        commands.stop_vehicle(f"x{n}", lane, position=90.0, duration=15.0, at=float(random.integers(20, 300)))
    commands.close_edge("S3", at=50.0, until=150.0)
    commands.close_lane("-S7_1", allow=["bus"], at=20.0)
    commands.set_speed_limit("S2_0", 5.0, at=30.0)
    commands.request_phase(signal, 2, at=60.0)
    commands.show_states(signal, "r" * int(run.model.plan.state_start[1]), at=120.0)
    check = (lambda run: None if is_balanced(run) else pytest.fail(f"unbalanced at {run.time}")) if each_step else None
    run.run(150.0, each_step=check)
    commands.add_vehicle("late", ["S0", "S1"])
    run.run(each_step=check)


def assert_same(one: RunRecord, other: RunRecord) -> None:
    assert trips_table(one).equals(trips_table(other)) and signals_table(one).equals(signals_table(other))
    assert one.vehicle_steps == other.vehicle_steps
    for first, second in zip(one.edge_periods, other.edge_periods, strict=True):
        assert first.seconds.tobytes() == second.seconds.tobytes() and first.metres.tobytes() == second.metres.tobytes()


@pytest.fixture(scope="module")
def town() -> Scenario:
    return make("grid:rows=3,cols=3,trips=250,duration=250", seed=4)


@pytest.fixture(scope="module")
def played(town: Scenario) -> tuple[RunRecord, Any]:
    with Simulation(town, end=400.0) as run:
        busy(run, each_step=True)
        return run.record(), run.commands.log


def test_bookkeeping_holds_at_every_step(played: tuple[RunRecord, Any]) -> None:
    record, log = played
    kinds = {command.kind for command in log}
    assert len(kinds) >= 9 and len([command for command in log if command.refused]) > 10
    assert np.count_nonzero(record.state == TripState.REMOVED) > 10


def test_replay_gives_the_same_bits(town: Scenario, played: tuple[RunRecord, Any]) -> None:
    record, log = played
    with Simulation(town, end=400.0) as run:
        run.commands.replay(log)
        run.run()
        assert_same(record, run.record())
        assert run.commands.log == log


def test_threads_change_nothing(town: Scenario, played: tuple[RunRecord, Any]) -> None:
    with Simulation(town, end=400.0, threads=2) as run:
        busy(run, each_step=False)
        assert_same(played[0], run.record())


def test_commands_of_a_step_act_in_the_order_given(run: Simulation) -> None:
    run.commands.set_speed_limit("S0_0", 3.0, at=10.0)
    run.commands.set_speed_limit("S0_0", 7.0, at=9.5)
    run.commands.set_speed_limit("S0_0", 5.0, at=10.0)
    run.run(11.0)
    assert [command.arguments["speed"] for command in run.commands.log] == [3.0, 7.0, 5.0]
    assert [command.time for command in run.commands.log] == [10.0] * 3
    assert acts_of(run).world.lanes.speed[run.scenario.network.lane_of_id("S0_0")] == 5.0


def test_what_the_moment_forbids_is_refused_and_written_down(run: Simulation) -> None:
    add(run, "v", ["S0"])
    run.commands.remove_vehicle("v", at=500.0)
    run.run(501.0)
    assert [command.refused for command in run.commands.log] == ["", "vehicle 'v' is not there"]


def test_log_holds_plain_values(played: tuple[RunRecord, Any]) -> None:
    import json

    for command in played[1]:
        assert json.loads(json.dumps(dict(command.arguments))) == dict(command.arguments)


# --- bad input -----------------------------------------------------------------------------------------------------

WRONG: list[tuple[Callable[[Commands], None], type[InputError], str]] = [
    (lambda c: c.close_lane("S0_7"), NetworkError, "unknown lane 'S0_7'"),
    (lambda c: c.close_lane("S0_0", allow=["buss"]), ConfigError, "unknown vehicle class"),
    (lambda c: c.close_lane("S0_0", at=50.0, until=40.0), ConfigError, "ends before"),
    (lambda c: c.close_edge(":J0_0"), ConfigError, "unknown edge"),
    (lambda c: c.open_edge("S99"), ConfigError, "unknown edge"),
    (lambda c: c.set_speed_limit("S0_0", 0.0), ConfigError, "no speed limit"),
    (lambda c: c.set_speed_limit("S0_0", float("nan")), ConfigError, "no speed limit"),
    (lambda c: c.add_vehicle("new", ["S0", "S11"]), DemandError, "gap between edges 'S0' and 'S11'"),
    (lambda c: c.add_vehicle("new", []), DemandError, "empty"),
    (lambda c: c.add_vehicle("new", ["S77"]), NetworkError, "unknown edge"),
    (lambda c: c.add_vehicle("new", ["S0"], vehicle_type="tank"), DemandError, "unknown vehicle type"),
    (lambda c: c.add_vehicle("new", ["S0"], depart_lane="left"), ConfigError, "no vehicle departs"),
    (lambda c: c.add_vehicle("v", ["S0"]), DemandError, "can be added"),
    (lambda c: c.add_vehicle("", ["S0"]), DemandError, "can be added"),
    (lambda c: c.remove_vehicle("ghost"), DemandError, "unknown vehicle"),
    (lambda c: c.remove_vehicle("t0"), CommandError, "is not there"),
    (lambda c: c.reroute("v", ["S1"]), CommandError, "does not begin"),
    (lambda c: c.reroute("v", ["S0", "S11"]), DemandError, "gap"),
    (lambda c: c.stop_vehicle("v", "S0_0", position=500.0), ConfigError, "no stop"),
    (lambda c: c.stop_vehicle("v", "S0_0", duration=-1.0), ConfigError, "no stop"),
    (lambda c: c.stop_vehicle("v", "S11_0"), CommandError, "can't stop"),
    (lambda c: c.stop_vehicle("v", "S0_0", position=20.0), CommandError, "can't stop"),
    (lambda c: c.resume_vehicle("v"), CommandError, "at no stop"),
    (lambda c: c.request_phase("S0", 1), ConfigError, "unknown signal"),
    (lambda c: c.close_lane("S0_0", at=3.0), ConfigError, "too late"),
    (lambda c: c.close_lane("S0_0", at=float("nan")), ConfigError, "too late"),
]  # fmt: skip


@pytest.fixture(scope="module")
def with_one(grid: Scenario) -> Iterator[Simulation]:
    with Simulation(grid, begin=0.0, end=2000.0) as run:
        add(run, "v", EAST)
        run.run(10.0)
        yield run


@pytest.mark.parametrize(("ask", "kind", "words"), WRONG)
def test_wrong_commands_are_errors_at_once(with_one: Simulation, ask: Any, kind: type[InputError], words: str) -> None:
    log, due = len(with_one.commands.log), with_one.commands.next_step()
    with pytest.raises(kind, match=words):
        ask(with_one.commands)
    assert (len(with_one.commands.log), with_one.commands.next_step()) == (log, due)


def test_signals_without_choice_are_not_taken_over(traffic_data: Path) -> None:
    from urbanlab.city.load import load

    scenario = load(traffic_data / "jinan3x4")
    with Simulation(scenario, end=30.0) as run:
        with pytest.raises(ConfigError, match="not modelled under the rules of CityFlow"):
            run.commands.close_lane(scenario.network.lane_id(0))
        signal = int(np.flatnonzero(run.model.plan.program_type >= 0)[0])
        run.commands.request_phase(scenario.network.signal_id[signal], 3, at=5.0)
        run.run()
        assert [command.kind for command in run.commands.log] == ["request_phase"]


# --- the tables below ----------------------------------------------------------------------------------------------


def test_rooms_grow_without_losing_rows() -> None:
    kinds = (np.int32, float, float, float, float, np.uint8, np.int32, np.int32, np.int32)
    stops, rooms = Stops(*(np.zeros(0, kind) for kind in kinds)), Rooms()
    for n in range(70):
        stops = rooms.extended(stops, {name: [n] for name in Stops._fields})
    assert stops.lane.tolist() == list(range(70)) and stops.lane.dtype == np.int32 and stops.end.flags.c_contiguous
    other = rooms.extended(stops._replace(lane=stops.lane.copy()), {"lane": [5]})
    assert other.lane.tolist() == [*range(70), 5] and other.end is stops.end


def test_routes_added_later_are_those_of_the_beginning(town: Scenario) -> None:
    """The same route has the same best lanes, whenever it comes."""
    with Simulation(town, end=200.0) as run:
        acts = acts_of(run)
        for trip in (0, 17, 100):
            start = int(acts.world.departures.route[trip])
            ahead = acts.runs.ahead(start)
            edges = acts.world.routes.edge[ahead].copy()
            before = acts.world.routes
            acts.set_way(trip, acts.way(trip))
            new = int(acts.world.departures.route[trip])
            assert new != start and np.array_equal(acts.world.routes.edge[acts.runs.ahead(new)], edges)
            for name in ("best_length", "best_offset", "best_link"):
                first, last = before.best_start[[ahead.start, ahead.stop]].tolist()
                again = int(acts.world.routes.best_start[new])
                assert np.array_equal(getattr(before, name)[first:last], getattr(acts.world.routes, name)[again : again + last - first])
