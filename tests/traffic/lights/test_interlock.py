"""The interlock under requests of every kind: what it shows is safe by rules that this test works out for itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from urbanlab.city.network import Network
from urbanlab.city.readers.sumo import read_sumo_config
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.lights.signal_events import num_interventions, num_lost
from urbanlab.traffic.record import SignalEvent, SignalEventKind

GREENS, YELLOWS, REDS = frozenset("Ggs"), frozenset("y"), frozenset("ru")
MIN_GREEN, MAX_RED = 5.0, 180.0  # [s]
SYNTHETIC = ("grid:rows=3,cols=3,trips=0", "ring:rings=2,radials=5,trips=0", "river:junctions=60,trips=0")
REAL = ("cologne8/cologne8", "ingolstadt7/ingolstadt7", "hamburg_tavf/hamburg_tavf", "bologna_acosta/acosta", "grid4x4/grid4x4")


class Referee:
    """Watches what a network's signals show, second by second, and knows only the network and the traffic rules.

    Links are named (signal, index). Two meet if their requests are foes; that one yields to the other is in the
    responses.
    """

    def __init__(self, scenario: Scenario, yellow: float | None = None) -> None:
        network = scenario.network
        self.link_of = {
            int(network.connection_request[c]): (int(network.connection_signal[c]), int(network.connection_link[c]))
            for c in range(network.num_connections)
            if network.connection_request[c] >= 0 and network.connection_signal[c] >= 0
        }
        self.meets: set[tuple[tuple[int, int], tuple[int, int]]] = set()
        self.yields: set[tuple[tuple[int, int], tuple[int, int]]] = set()
        for request, link in self.link_of.items():
            for foe in network.foe_request[network.foe_start[request] : network.foe_start[request + 1]].tolist():
                if foe in self.link_of and self.link_of[foe] != link:
                    self.meets |= {(link, self.link_of[foe]), (self.link_of[foe], link)}
            for foe in network.response_request[network.response_start[request] : network.response_start[request + 1]].tolist():
                if foe in self.link_of:
                    self.yields.add((link, self.link_of[foe]))
        self.yellow: dict[tuple[int, int], float] = {}
        self.cleared: dict[tuple[int, int], float] = {}
        for c in range(network.num_connections):
            if network.connection_signal[c] >= 0:
                link = (int(network.connection_signal[c]), int(network.connection_link[c]))
                speed = float(network.lane_speed[network.connection_from[c]])
                wanted = min(max(1.0 + speed / 6.1, 3.0), 6.0) if yellow is None else yellow
                self.yellow[link] = max(self.yellow.get(link, 0.0), wanted)
                path, slowest = way(network, c, speed)
                self.cleared[link] = max(self.cleared.get(link, 0.0), min(max((path + 6.1) / slowest, 1.0), 3.0))
        programs = scenario.programs
        self.served, self.num_phases = set(), {}
        for signal, program in enumerate(programs.active_program.tolist()):
            part = slice(int(programs.phase_start[program]), int(programs.phase_start[program + 1]))
            self.num_phases[signal] = part.stop - part.start
            self.served |= {(signal, k) for state in programs.phase_state[part] for k, char in enumerate(state) if char in "Gg"}
        self.foes: dict[tuple[int, int], list[tuple[int, int]]] = {link: [] for link in self.yellow}
        for link, foe in self.meets:
            self.foes[link].append(foe)
        self.old: dict[tuple[int, int], str] = {}
        self.since: dict[tuple[int, int], float] = {}

    def watch(self, now: float, shown: list[str]) -> None:
        """Check the states of a step."""
        states = {(signal, k): char for signal, text in enumerate(shown) for k, char in enumerate(text) if (signal, k) in self.yellow}
        for link, char in states.items():
            assert char in GREENS | YELLOWS | REDS, f"{link} shows {char!r} at {now}"
            before = self.old.get(link, "r")
            held = now - self.since.get(link, -1e9)
            if (before in GREENS, before in YELLOWS) == (char in GREENS, char in YELLOWS):
                if char in REDS and link in self.served and link in self.since:
                    bound = MAX_RED + self.num_phases[link[0]] * (MIN_GREEN + 6.0 + 3.0 + 2.0)
                    assert held <= bound, f"{link} is red for {held} s at {now}"
                continue
            if before in GREENS:
                assert char in YELLOWS, f"{link} goes from {before} to {char} at {now}"
                assert held >= MIN_GREEN - 1e-9, f"{link} was green for {held} s until {now}"
            elif before in YELLOWS:
                assert char in REDS, f"{link} goes from {before} to {char} at {now}"
                assert held >= self.yellow[link] - 1e-9, f"{link} was yellow for {held} s until {now}"
            else:
                assert char in GREENS, f"{link} goes from {before} to {char} at {now}"
                assert held >= self.cleared[link] - 1e-9
                for foe in self.foes[link]:
                    if states[foe] in YELLOWS or (states[foe] in REDS and foe in self.since):
                        assert states[foe] in REDS, f"{link} turns green beside the yellow {foe} at {now}"
                        waited = now - self.since[foe] if states[foe] == self.old[foe] else 0.0
                        assert waited >= self.cleared[foe] - 1e-9, f"{link} turns green {waited} s after {foe} at {now}"
            self.since[link] = now
        for link, foe in self.meets:
            if states[link] in GREENS and states[foe] in GREENS:
                assert (link, foe) in self.yields or (foe, link) in self.yields, f"{link} and {foe} are green at {now}"
                if states[link] == "G":
                    assert states[foe] != "G", f"{link} and {foe} are protected at {now}"
                    assert (foe, link) in self.yields, f"{link} is protected against {foe}, which does not yield, at {now}"
        self.old = states


def way(network: Network, connection: int, speed: float) -> tuple[float, float]:
    """Length of the way through the junction and the lowest limit on it."""
    length, slowest, lane = 0.0, speed, int(network.connection_via[connection])
    while lane >= 0:
        length, slowest = length + float(network.lane_length[lane]), min(slowest, float(network.lane_speed[lane]))
        onward = np.flatnonzero(network.connection_from == lane)
        lane = int(network.connection_via[onward[0]]) if len(onward) else -1
    return length, slowest


_scenarios: dict[str, Scenario] = {}


def scenario_of(spec: str, data: Path | None = None) -> Scenario:
    if spec not in _scenarios:
        _scenarios[spec] = make(spec, seed=3) if data is None else read_sumo_config(data / f"{spec}.sumocfg")
    return _scenarios[spec]


def hostile(kind: str, num_phases: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """A controller's answer of step k."""
    top = 2**62
    huge = np.array([-(2**62), -7, -2, top, 2**31, 10**6])
    answers: dict[str, Callable[[], np.ndarray]] = {
        "random every step": lambda: rng.integers(0, num_phases),
        "alternating": lambda: np.full(len(num_phases), k % 2) * (num_phases - 1),
        "alternating slowly": lambda: np.full(len(num_phases), k // 13 % 2) * (num_phases // 2),
        "next phase every step": lambda: k % num_phases,
        "never": lambda: np.full(len(num_phases), -1),
        "always the first": lambda: np.zeros(len(num_phases), np.int64),
        "out of range": lambda: rng.choice(np.concatenate([huge, np.arange(-3, 12)]), len(num_phases)),
        "now and then": lambda: np.where(rng.random(len(num_phases)) < 0.05, rng.integers(0, num_phases), -1),
    }
    return answers[kind]()


KINDS = (
    "random every step", "alternating", "alternating slowly", "next phase every step", "never", "always the first", "out of range",
    "now and then",
)  # fmt: skip


def phases_of(scenario: Scenario) -> np.ndarray:
    programs = scenario.programs
    return np.diff(programs.phase_start)[programs.active_program]


def drive(run: object, kind: str, num: int) -> list[SignalEvent]:
    """Ask hostile things for some steps and watch; the events, read at each decision as a run does."""
    scenario: Scenario = run.scenario  # type: ignore[attr-defined]
    rng, num_phases, referee = np.random.default_rng(hash_of(kind)), phases_of(scenario), Referee(scenario)
    events: list[SignalEvent] = []
    for k in range(num):
        run.ask(hostile(kind, num_phases, k, rng))  # type: ignore[attr-defined]
        run.advance()  # type: ignore[attr-defined]
        referee.watch(run.time - run.dt, run.shown())  # type: ignore[attr-defined]
        events += run.events()  # type: ignore[attr-defined]
    return events


@pytest.mark.parametrize("kind", ["random every step", "always the first", "alternating slowly"])
def test_where_nobody_yields_no_two_that_meet_are_green(kind: str, lights: type) -> None:
    """A network without any rule of the road: permissive greens protect nobody, so they must not meet either."""
    scenario = scenario_of(SYNTHETIC[0])
    network = replace(
        scenario.network,
        response_start=np.zeros_like(scenario.network.response_start),
        response_request=np.zeros(0, np.int32),
    )
    run = lights(replace(scenario, network=network), mode="enforce", controller_used=True)
    events = drive(run, kind, 900)
    assert any(event.reason == "conflicting greens" for event in events)


def is_green(state: str) -> bool:
    return "G" in state and "y" not in state


def shared_green(one: str, other: str) -> bool:
    return any(a in GREENS and b in GREENS for a, b in zip(one, other, strict=True))


def hash_of(text: str) -> int:
    return sum(ord(char) * 31**k for k, char in enumerate(text)) % 2**32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SYNTHETIC)
def test_hostile_requests_are_shown_safely_in_generated_cities(spec: str, kind: str, lights: type) -> None:
    run = lights(scenario_of(spec), mode="enforce", controller_used=True)
    events = drive(run, kind, 700)
    assert num_lost(run.state) == 0
    counted = sum(event.kind in (SignalEventKind.REFUSED, SignalEventKind.DELAYED) for event in events)
    assert num_interventions(run.state) == counted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", REAL)
def test_hostile_requests_are_shown_safely_on_real_networks(spec: str, kind: str, lights: type, traffic_data: Path) -> None:
    run = lights(scenario_of(spec, traffic_data), mode="enforce", controller_used=True)
    drive(run, kind, 400)


@pytest.mark.parametrize("kind", ["random every step", "alternating", "out of range"])
def test_short_steps_keep_all_times(kind: str, lights: type) -> None:
    run = lights(scenario_of(SYNTHETIC[1]), step=0.1, mode="enforce", controller_used=True)
    drive(run, kind, 3000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_raw_states_are_shown_safely(data: st.DataObject, lights: type) -> None:
    """Strings of any characters and lengths, at any times, mixed with phases."""
    scenario = scenario_of(SYNTHETIC[0])
    run, referee = lights(scenario, mode="enforce", controller_used=True), Referee(scenario)
    lengths, num_phases = [len(text) for text in run.shown()], phases_of(scenario)
    for _ in range(data.draw(st.integers(1, 12))):
        for signal, length in enumerate(lengths):
            if data.draw(st.booleans()):
                text = data.draw(st.text(st.sampled_from("GgyrusoOXé"), min_size=0, max_size=length + 1))
                text = (text * length)[:length] if text and data.draw(st.booleans()) else text
                accepted = run.ask_states(signal, text)
                assert accepted == (len(text) == length and set(text) <= set("Ggyrus"))
        if data.draw(st.booleans()):
            run.ask(
                np.where(np.array(data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))), num_phases - 1, -1)
            )
        for _ in range(data.draw(st.integers(1, 40))):
            run.advance()
            referee.watch(run.time - 1.0, run.shown())


def test_raw_states_all_protected_are_shown_one_protected_each(lights: type) -> None:
    scenario = scenario_of(SYNTHETIC[0])
    run, referee = lights(scenario, mode="enforce", controller_used=True), Referee(scenario)
    for signal, text in enumerate(run.shown()):
        assert run.ask_states(signal, "G" * len(text))
    for _ in range(600):
        run.advance()
        referee.watch(run.time - 1.0, run.shown())
    reasons = {event.reason for event in run.events() if event.kind is SignalEventKind.REFUSED}
    assert "conflicting greens" in reasons


def test_granted_phase_is_shown_as_stored(lights: type) -> None:
    """In a generated city the stored green phases are safe, so each is shown exactly when asked for and left alone."""
    scenario = scenario_of(SYNTHETIC[1])
    programs = scenario.programs
    run = lights(scenario, mode="enforce", controller_used=True)
    greens = [
        [p for p in range(int(n)) if is_green(programs.phase_state[int(programs.phase_start[s]) + p])]
        for s, n in enumerate(phases_of(scenario))
    ]
    for turn in range(6):
        asked = [part[turn % len(part)] for part in greens]
        run.ask(asked)
        run.advance(30)
        assert run.shown() == [programs.phase_state[int(programs.phase_start[s]) + p] for s, p in enumerate(asked)]
        assert run.state.phase.tolist() == asked
    assert num_interventions(run.state) == 0


def test_change_goes_through_yellow_and_all_red_in_time(lights: type) -> None:
    """Of one movement: 3.28 s of yellow at 50 km/h take 4 steps, then at least 1 s of red, then the next green."""
    scenario = scenario_of(SYNTHETIC[0])
    run = lights(scenario, mode="enforce", controller_used=True)
    run.ask([0] * 5)
    run.advance(20)
    programs, signal = scenario.programs, 0
    states = programs.phase_state[int(programs.phase_start[0]) : int(programs.phase_start[1])]
    other = next(p for p, state in enumerate(states) if is_green(state) and not shared_green(state, states[0]))
    ends, begins = states[0].index("G"), states[other].index("G")
    run.ask([other] + [-1] * 4)
    seen = ""
    for _ in range(20):
        run.advance()
        seen += run.shown()[signal][ends]
        if run.shown()[signal][begins] in GREENS:
            break
    referee = Referee(scenario)
    cleared = max(referee.cleared[foe] for foe in referee.foes[(0, begins)] if states[0][foe[1]] in "Gg")
    assert seen == "yyyy" + "r" * (math.ceil(cleared) + 1)


def test_early_request_is_delayed_by_the_minimum_green_and_counted_once(lights: type) -> None:
    scenario = scenario_of(SYNTHETIC[0])
    run = lights(scenario, mode="enforce", controller_used=True)
    run.ask([0] * 5)
    run.advance(2)
    run.events()
    run.ask([3] + [-1] * 4)
    run.advance(2)
    assert "G" in run.shown()[0] and "y" not in run.shown()[0]
    run.advance(1)
    run.ask([3] + [-1] * 4)  # the same wish again is no new one
    run.advance(10)
    delayed = [event for event in run.events() if event.kind is SignalEventKind.DELAYED]
    assert [(event.signal, event.reason, event.time) for event in delayed] == [(0, "minimum green", 2.0)]
    assert num_interventions(run.state) == 1


def test_requests_that_name_no_phase_are_refused_one_by_one(lights: type) -> None:
    scenario = scenario_of(SYNTHETIC[0])
    run = lights(scenario, mode="enforce", controller_used=True)
    run.ask([99, -2, -1, 2**40, -(2**62)])
    events = run.events()
    assert [(event.signal, event.kind.name, event.reason) for event in events] == [
        (0, "REFUSED", "no such phase"), (1, "REFUSED", "no such phase"), (3, "REFUSED", "no such phase"), (4, "REFUSED", "no such phase")
    ]  # fmt: skip
    assert num_interventions(run.state) == 4


def test_signals_that_are_not_controllable_are_left_alone(lights: type) -> None:
    scenario = scenario_of(SYNTHETIC[0])
    only = np.array([True, False, True, True, True])
    run, alone = lights(scenario, mode="enforce", controller_used=True, controllable=only), lights(scenario)
    run.ask([0, 3, 0, 0, 0])
    assert not run.ask_states(1, "r" * len(run.shown()[1]))
    assert {event.reason for event in run.events()} == {"not controllable"}
    for _ in range(100):
        run.advance()
        alone.advance()
        assert run.shown()[1] == alone.shown()[1]


@pytest.mark.parametrize("answer", [np.zeros(3, np.int32), np.zeros(5), np.zeros((5, 1), np.int32), np.array([None] * 5)])
def test_answer_of_another_form_is_an_error(answer: np.ndarray, lights: type) -> None:
    from urbanlab.traffic.lights.interlock import apply_requests

    run = lights(scenario_of(SYNTHETIC[0]), mode="enforce", controller_used=True)
    with pytest.raises(ConfigError, match="one whole number a signal"):
        apply_requests(run.plan, run.state, answer, 0.0)


def test_starved_link_is_served_and_the_wish_comes_back(lights: type) -> None:
    scenario = scenario_of(SYNTHETIC[0])
    run = lights(scenario, mode="enforce", controller_used=True)
    run.ask([0] * 5)
    run.advance(20)
    wanted = run.shown()
    forced = 0
    for _ in range(600):
        run.advance()
        forced += run.shown() != wanted
    assert 0 < forced < 300
    refused = [event for event in run.events() if event.kind is SignalEventKind.REFUSED]
    assert {event.reason for event in refused} == {"maximum red"}
    run.ask([-1] * 5)
    came_back = [False] * 5
    for _ in range(200):
        run.advance()
        came_back = [before or now == then for before, now, then in zip(came_back, run.shown(), wanted, strict=True)]
    assert all(came_back)


def test_walkers_finish_crossing_before_vehicles_start(lights: type) -> None:
    """A crossing of 9.6 m is walked in 8.97 s; vehicles that no phase lets go beside it wait so long."""
    scenario = with_crossing(scenario_of(SYNTHETIC[0]), 9.6)
    programs, first = scenario.programs, int(scenario.programs.phase_start[0])
    run = lights(scenario, mode="enforce", controller_used=True)
    walk = programs.phase_state[first].index("G", len(scenario_of(SYNTHETIC[0]).programs.phase_state[first]))
    states = programs.phase_state[first : int(programs.phase_start[1])]
    other = next(p for p, state in enumerate(states) if "G" in state[:walk] and state[walk] == "r" and "y" not in state)
    run.ask([0] + [-1] * 4)
    run.advance(20)
    assert run.shown()[0][walk] == "G"
    run.ask([other] + [-1] * 4)
    stop, start = -1, -1
    new = next(k for k in range(walk) if states[other][k] == "G" and states[0][k] == "r")
    for k in range(40):
        run.advance()
        stop = k if stop < 0 and run.shown()[0][walk] == "r" else stop
        start = k if start < 0 and run.shown()[0][new] == "G" else start
    assert start - stop == 9


def with_crossing(scenario: Scenario, length: float) -> Scenario:
    """The first signal gets a crossing, with people on foot green in its first phase alone."""
    network, programs = scenario.network, scenario.programs
    junction = network.junction_of_id[network.signal_id[0]]
    edge, lane = network.num_edges, network.num_lanes
    crossed = replace(
        network,
        edge_id=(*network.edge_id, ":walk"), edge_from=np.append(network.edge_from, junction).astype(np.int32),
        edge_to=np.append(network.edge_to, junction).astype(np.int32), edge_function=np.append(network.edge_function, 2).astype(np.uint8),
        edge_priority=np.append(network.edge_priority, -1).astype(np.int32), edge_name=(*network.edge_name, ""),
        edge_first_lane=np.append(network.edge_first_lane, lane + 1).astype(np.int32), edge_type=(*network.edge_type, ""),
        lane_edge=np.append(network.lane_edge, edge).astype(np.int32), lane_length=np.append(network.lane_length, length),
        lane_speed=np.append(network.lane_speed, 1.0), lane_width=np.append(network.lane_width, 4.0),
        lane_permissions=np.append(network.lane_permissions, 1 << 6),
        lane_shape_start=np.append(network.lane_shape_start, network.lane_shape_start[-1] + 2),
        shape_x=np.append(network.shape_x, [0.0, length]), shape_y=np.append(network.shape_y, [0.0, 0.0]),
    )  # fmt: skip
    last = int(programs.phase_start[1])
    states = tuple(state + ("G" if p == 0 else "r") if p < last else state for p, state in enumerate(programs.phase_state))
    return replace(scenario, network=crossed, programs=replace(programs, phase_state=states))
