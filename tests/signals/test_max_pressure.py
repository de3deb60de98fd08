"""Max pressure by hand, against a naive reading of its definition, and as a controller of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlab.city.synthetic import make
from urbanlab.core.control import KEEP, SignalLayout, SignalView
from urbanlab.core.errors import ConfigError
from urbanlab.core.registry import make_controller
from urbanlab.signals.controllers.max_pressure import MaxPressure
from urbanlab.traffic.control import signal_layout
from urbanlab.traffic.lights.signal_state import compile_signals

# One crossing: edges 0 west, 1 south come in with lanes 0, 1 | 2; edges 2 east, 3 north, 4 south go out with lanes
# 3, 4 | 5 | 6. Links by index: west right (lane 0 -> 6), west straight (0 -> 3, 1 -> 4), west left (1 -> 5),
# south straight (2 -> 5), south right (2 -> 3).
LINKS = [(0, 0, 6, "r"), (1, 0, 3, "s"), (2, 1, 4, "s"), (3, 1, 5, "l"), (4, 2, 5, "s"), (5, 2, 3, "r")]
STATES = ("GGGrrr", "rryyrr", "rrGGrr", "rrrrGG", "GrrrrG", "rrrrrr")


def layout(states: tuple[str, ...] = STATES, source: str = "sumo", controllable: tuple[bool, ...] = (True,)) -> SignalLayout:
    num = len(states)
    index, start, end, turn = zip(*LINKS, strict=True)
    return SignalLayout(
        signal_id=("x",), phase_start=np.array([0, num], np.int64), phase_state=states, phase_duration=np.full(num, 10.0),
        link_signal=np.zeros(6, np.int32), link_index=np.array(index, np.int32), link_from_lane=np.array(start, np.int32),
        link_to_lane=np.array(end, np.int32), link_direction=np.array([ord(c) for c in turn], np.uint8),
        lane_edge=np.array([0, 0, 1, 2, 2, 3, 4], np.int32), edge_first_lane=np.array([0, 2, 3, 5, 6, 7], np.int32),
        lane_length=np.full(7, 100.0), controllable=np.array(controllable), step=1.0, begin=0.0, source=source,
    )  # fmt: skip


def started(what: SignalLayout, **options: Any) -> MaxPressure:
    controller = MaxPressure(**options)
    controller.start(what, seed=1)
    return controller


def view(halting: list[int], phase: int = 0) -> SignalView:
    counts = np.array(halting, np.int32)
    return SignalView(0.0, np.array([phase], np.int32), np.zeros(1), counts + 5, counts)


def test_candidates_have_a_green_and_no_yellow() -> None:
    assert len(started(layout()).pressures(np.zeros(7, np.int32))) == 4  # phases 0, 2, 3, 4


@pytest.mark.parametrize(
    ("halting", "expected"),
    [
        # phase 0: west straight from lanes 0 and 1 against edge 2; its right turn counts nothing
        # phase 2: west straight from lane 1 alone and west left from lane 1 against edges 2 and 3
        # phase 3: south straight from lane 2 against edge 3; phase 4: right turns alone
        ([4, 3, 2, 0, 0, 0, 0], [7, 6, 2, 0]),
        ([4, 3, 2, 1, 0, 0, 0], [6, 5, 2, 0]),
        ([4, 3, 2, 1, 5, 0, 0], [1, 0, 2, 0]),  # all lanes of the exit edge count, not those driven to
        ([4, 3, 2, 0, 0, 6, 0], [7, 0, -4, 0]),
        ([0, 0, 0, 0, 0, 0, 9], [0, 0, 0, 0]),  # behind the right turn
    ],
)
def test_pressures_by_hand(halting: list[int], expected: list[int]) -> None:
    assert started(layout()).pressures(np.array(halting, np.int32)).tolist() == expected


@pytest.mark.parametrize(
    ("halting", "phase"),
    [
        ([4, 3, 2, 0, 0, 0, 0], 0),
        ([4, 3, 2, 1, 5, 0, 0], 3),
        ([0, 0, 0, 0, 0, 0, 0], 0),  # tie of all: the lowest
        ([0, 1, 0, 1, 0, 0, 0], 2),
        ([0, 1, 1, 1, 0, 0, 0], 2),  # tie of 2 and 3
        ([0, 0, 0, 2, 0, 2, 0], 4),  # all others are under pressure from ahead
    ],
)
def test_highest_pressure_wins_and_ties_go_to_the_lowest_phase(halting: list[int], phase: int) -> None:
    for present in range(6):
        assert started(layout()).decide(view(halting, present)).tolist() == [phase]


def test_vehicles_that_move_do_not_count() -> None:
    controller = started(layout())
    moving = view([0, 0, 1, 0, 0, 0, 0])._replace(lane_vehicles=np.array([50, 50, 1, 0, 0, 0, 0], np.int32))
    assert controller.decide(moving).tolist() == [3]


def test_phases_asked_for_are_the_only_candidates() -> None:
    controller = started(layout(), phases="2-3")
    assert controller.decide(view([9, 0, 0, 0, 0, 0, 0])).tolist() == [2]
    assert controller.decide(view([9, 0, 1, 0, 0, 0, 0])).tolist() == [3]


def test_phases_that_a_signal_lacks_are_left_out_or_refused() -> None:
    assert started(layout(), phases="3+40-50").decide(view([0] * 7)).tolist() == [3]
    with pytest.raises(ConfigError, match="none of the phases"):
        started(layout(), phases="6-9")


def test_on_cityflow_networks_phase_zero_is_no_candidate() -> None:
    controller = started(layout(source="cityflow"))
    assert len(controller.pressures(np.zeros(7, np.int32))) == 5
    assert controller.decide(view([0] * 7)).tolist() == [1]


def test_signals_that_cannot_be_controlled_are_left_alone() -> None:
    assert started(layout(controllable=(False,))).decide(view([5] * 7)).tolist() == [KEEP]
    assert started(layout(states=("yyyyyy", "rrrrrr"))).decide(view([5] * 7)).tolist() == [KEEP]


def naive(what: SignalLayout, halting: np.ndarray, signal: int) -> int:
    """The definition, word by word."""
    best, chosen = None, KEEP
    for phase in range(int(what.phase_start[signal + 1] - what.phase_start[signal])):
        state = what.phase_state[int(what.phase_start[signal]) + phase]
        if "y" in state or not set(state) & set("Gg"):
            continue
        lanes: dict[tuple[int, int], set[int]] = {}
        for k in range(len(what.link_signal)):
            if what.link_signal[k] == signal and state[what.link_index[k]] in "Gg" and chr(what.link_direction[k]) not in "rR":
                movement = int(what.lane_edge[what.link_from_lane[k]]), int(what.lane_edge[what.link_to_lane[k]])
                lanes.setdefault(movement, set()).add(int(what.link_from_lane[k]))
        pressure = sum(
            sum(int(halting[lane]) for lane in own) - int(halting[what.edge_first_lane[out] : what.edge_first_lane[out + 1]].sum())
            for (_, out), own in lanes.items()
        )
        if best is None or pressure > best:
            best, chosen = pressure, phase
    return chosen


CITY = make("river:junctions=40,trips=0", seed=5)
PLAN = compile_signals(CITY.network, CITY.programs, begin=0.0, step=1.0, seed=1)
CITY_LAYOUT = signal_layout(CITY, PLAN, 0.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.sampled_from([1, 3, 30]))
def test_a_city_is_decided_as_the_definition_says(seed: int, most: int) -> None:
    halting = np.random.default_rng(seed).integers(0, most + 1, CITY.network.num_lanes).astype(np.int32)
    controller = started(CITY_LAYOUT)
    num = CITY.network.num_signals
    answer = controller.decide(SignalView(0.0, np.zeros(num, np.int32), np.zeros(num), halting, halting))
    assert answer.tolist() == [naive(CITY_LAYOUT, halting, signal) for signal in range(num)]
    assert answer.dtype == np.int32


@pytest.mark.parametrize(
    "spec",
    [
        "max_pressure:interval=0", "max_pressure:interval=-5", "max_pressure:interval=soon", "max_pressure:interval=nan",
        "max_pressure:interval=inf", "max_pressure:yellow=-1", "max_pressure:interval=10,yellow=10", "max_pressure:phases=4-1",
        "max_pressure:phases=a", "max_pressure:phases=-1", "max_pressure:phases=0-99999999999999", "max_pressure:green=3",
        "max_pressure:phases=1-5000", "max_pressure:phases=1+", "fixed:interval=3",
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_errors(spec: str) -> None:
    with pytest.raises(ConfigError):
        make_controller(spec)


def test_options_arrive_through_the_registry() -> None:
    controller = make_controller("max_pressure:interval=15,yellow=5,phases=1-4")
    assert (controller.interval, controller.yellow) == (15.0, 5.0)
    controller.start(layout(source="cityflow"), seed=1)
    assert controller.decide(view([0, 0, 0, 0, 0, 0, 0])).tolist() == [1]
    assert make_controller("max_pressure").yellow is None
