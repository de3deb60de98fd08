"""Source mode shows what was asked for and records what is unsafe; CityFlow's rule; the event buffer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from urbanlab.city.readers.sumo import read_sumo_config
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import ConfigError
from urbanlab.traffic.lights.signal_events import append_event, num_interventions, num_lost
from urbanlab.traffic.record import SignalEvent, SignalEventKind

GRID = make("grid:rows=3,cols=3,trips=0", seed=3)
SIGNALS = GRID.network.num_signals
VIOLATION = SignalEventKind.VIOLATION


def states_of(scenario: Scenario, signal: int) -> tuple[str, ...]:
    programs = scenario.programs
    program = int(programs.active_program[signal])
    return programs.phase_state[int(programs.phase_start[program]) : int(programs.phase_start[program + 1])]


def reasons(events: list[SignalEvent]) -> set[str]:
    return {event.reason for event in events if event.kind is VIOLATION}


def test_source_mode_shows_exactly_what_is_asked(lights: type) -> None:
    run, rng = lights(GRID, mode="source", controller_used=True), np.random.default_rng(5)
    phases = np.array([len(states_of(GRID, s)) for s in range(SIGNALS)])
    for _ in range(200):
        asked = rng.integers(0, phases)
        run.ask(asked)
        run.advance()
        assert run.shown() == [states_of(GRID, s)[p] for s, p in enumerate(asked)]
        length = len(run.shown()[0])
        wild = "".join(rng.choice(list("GgyrusoO"), length))
        assert run.ask_states(0, wild)
        run.advance()
        assert run.shown()[0] == wild
    assert num_interventions(run.state) == 0
    assert reasons(run.events()) == {"conflicting greens", "missing yellow", "minimum green"}


def test_each_violation_is_recorded_for_what_it_is(lights: type) -> None:
    run, length = lights(GRID, mode="source", controller_used=True), len(states_of(GRID, 0)[0])
    steps = {"G" * length: {"conflicting greens"}, "r" * length: {"missing yellow"}, "y" * length: set(), "s" * length: set()}
    run.advance()
    run.ask_states(0, "r" * length)
    run.advance(10)
    run.events()
    for text, expected in steps.items():
        run.ask_states(0, text)
        run.advance(10)
        assert reasons(run.events()) == expected, text
    run.ask_states(0, "y" * length)
    run.advance(10)
    run.ask_states(0, "g" * length)
    run.advance(3)
    run.ask_states(0, "y" * length)
    run.advance(1)
    assert reasons(run.events()) == {"minimum green"}
    run.ask_states(0, "r" * length)
    run.advance(200)
    run.ask_states(0, "g" * length)
    run.advance(1)
    assert reasons(run.events()) == {"maximum red"}


def test_safe_programs_of_a_generated_city_break_no_rule(lights: type) -> None:
    run = lights(make("river:junctions=100,trips=200", seed=9))
    events: list[SignalEvent] = []
    for _ in range(30):
        run.advance(60)
        events += run.events()
    assert {event.kind for event in events} == {SignalEventKind.PHASE}
    assert num_lost(run.state) == 0


def test_unsafe_greens_of_real_programs_are_recorded(lights: type, traffic_data: Path) -> None:
    """SUMO itself warns of these two: phase 4 of ingolstadt7's gneJ210 lets two protected greens into one lane."""
    scenario = read_sumo_config(traffic_data / "ingolstadt7" / "ingolstadt7.sumocfg")
    run = lights(scenario)
    run.advance(200)
    where = {(scenario.network.signal_id[e.signal], e.phase) for e in run.events() if e.reason == "conflicting greens"}
    assert where == {("gneJ210", 4)}


def test_phase_events_tell_every_change_with_its_states(lights: type) -> None:
    run = lights(GRID)
    changes, before = [], [""] * SIGNALS
    for _ in range(300):
        now = run.time
        run.advance()
        changes += [(now, s, text) for s, (text, old) in enumerate(zip(run.shown(), before, strict=True)) if text != old]
        before = run.shown()
    events = [event for event in run.events() if event.kind is SignalEventKind.PHASE]
    assert [(event.time, event.signal, event.state) for event in events] == changes
    assert all(states_of(GRID, event.signal)[event.phase] == event.state for event in events)


# --- CityFlow --------------------------------------------------------------------------------------------------------


def cityflow_grid() -> Scenario:
    """Phase 0 is the transition (right turns alone), the others are candidates."""
    programs = GRID.programs
    states, starts = [], [0]
    for signal in range(SIGNALS):
        length = len(states_of(GRID, signal)[0])
        states += ["r" * length, *("".join("G" if k % 4 == p else "r" for k in range(length)) for p in range(4))]
        starts.append(len(states))
    num = len(states)
    changed = replace(
        programs, phase_start=np.array(starts, np.int64), phase_duration=np.tile([5.0, 30, 30, 30, 30], SIGNALS),
        phase_min=np.tile([5.0, 30, 30, 30, 30], SIGNALS), phase_max=np.tile([5.0, 30, 30, 30, 30], SIGNALS),
        phase_state=tuple(states), phase_next=((),) * num, phase_name=("",) * num, source="cityflow",
    )  # fmt: skip
    return replace(GRID, programs=changed)


CITYFLOW = cityflow_grid()


@pytest.mark.parametrize(("yellow", "steps"), [(5.0, 5), (3.0, 3), (None, 5), (0.0, 0)])
def test_change_shows_phase_zero_for_exactly_yellow_steps(yellow: float | None, steps: int, lights: type) -> None:
    run = lights(CITYFLOW, mode="enforce", controller_used=True, yellow=yellow)
    rng, shown = np.random.default_rng(1), []
    asked = np.ones(SIGNALS, np.int64)
    for k in range(40):
        new = asked if k == 0 else rng.integers(1, 5, SIGNALS)
        run.ask(new)
        shown = []
        for _ in range(15):
            run.advance()
            shown.append(run.shown())
        for signal in range(SIGNALS):
            states = states_of(CITYFLOW, signal)
            changing = steps if new[signal] != asked[signal] else 0
            assert [row[signal] for row in shown] == [states[0]] * changing + [states[new[signal]]] * (15 - changing)
        asked = new
    assert num_interventions(run.state) == 0
    assert {event.kind for event in run.events()} == {SignalEventKind.PHASE}


def test_first_phase_is_one_and_lasts_as_long_as_nobody_asks(lights: type) -> None:
    run = lights(CITYFLOW, mode="enforce", controller_used=True)
    for _ in range(400):
        run.advance()
        assert run.shown() == [states_of(CITYFLOW, s)[1] for s in range(SIGNALS)]


def test_request_within_the_change_takes_its_place(lights: type) -> None:
    run = lights(CITYFLOW, mode="enforce", controller_used=True, yellow=5.0)
    run.advance(3)
    run.ask([2] * SIGNALS)
    run.advance(2)
    run.ask([3] * SIGNALS)
    shown = []
    for _ in range(5):
        run.advance()
        shown.append(run.shown()[0])
    states = states_of(CITYFLOW, 0)
    assert shown == [states[0]] * 3 + [states[3]] * 2


def test_raw_states_are_shown_on_cityflow_networks_as_they_are(lights: type) -> None:
    run = lights(CITYFLOW, mode="enforce", controller_used=True, yellow=5.0)
    length = len(run.shown()[0])
    run.advance(2)
    run.ask([2] * SIGNALS)
    run.advance(1)
    assert run.ask_states(0, "g" * length)
    run.advance(10)
    assert run.shown()[0] == "g" * length
    run.ask([2] + [-1] * (SIGNALS - 1))
    shown = []
    for _ in range(7):
        run.advance()
        shown.append(run.shown()[0])
    states = states_of(CITYFLOW, 0)
    assert shown == [states[0]] * 5 + [states[2]] * 2


def test_cityflow_programs_run_by_themselves_without_a_controller(lights: type) -> None:
    run = lights(CITYFLOW)
    seen = []
    for _ in range(140):
        run.advance()
        seen.append(states_of(CITYFLOW, 0).index(run.shown()[0]))
    offset = int(CITYFLOW.programs.program_offset[0])
    cycle = [0] * 5 + [1] * 30 + [2] * 30 + [3] * 30 + [4] * 30
    # all-red comes back in no other phase, so the index of a state is its phase where it is shown first
    assert seen == [states_of(CITYFLOW, 0).index(states_of(CITYFLOW, 0)[cycle[(k - offset) % 125]]) for k in range(140)]


# --- events ----------------------------------------------------------------------------------------------------------


def test_events_that_do_not_fit_are_counted(lights: type) -> None:
    run = lights(GRID, mode="enforce", controller_used=True)
    room = len(run.state.event_ms)
    for k in range(room + 7):
        append_event(run.plan, run.state, 0, k, int(SignalEventKind.REFUSED), 0, 1)
    assert num_lost(run.state) + len(run.events()) == room + 7
    assert num_interventions(run.state) == room + 7
    run.ask([99] * SIGNALS)
    assert len(run.events()) == SIGNALS


def test_longest_states_fill_their_buffer_before_they_overrun_it(lights: type) -> None:
    run = lights(GRID)
    longest = int(np.argmax(np.diff(run.plan.state_start)))
    for k in range(len(run.state.event_ms)):
        append_event(run.plan, run.state, longest, k, int(SignalEventKind.PHASE), 0, 0)
    events = run.events()
    assert len(events) + num_lost(run.state) == len(run.state.event_ms)
    assert all(event.state == run.shown()[longest] for event in events)


@pytest.mark.parametrize("options", [{"mode": "strict"}, {"step": 0.0}, {"yellow": -1.0}, {"step": float("nan")}])
def test_options_that_make_no_sense_are_errors(options: dict, lights: type) -> None:
    with pytest.raises(ConfigError):
        lights(GRID, **options)
