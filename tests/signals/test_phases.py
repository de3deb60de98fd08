"""Lists of phases, and the fixed controller, which decides nothing."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from urbanlab.core.control import KEEP, SignalView
from urbanlab.core.registry import make_controller
from urbanlab.signals.controllers.phases import parse_phases
from urbanlab.traffic.control import runs_programs


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 50)), min_size=1, max_size=6))
def test_ranges_are_their_numbers_sorted_and_once(parts: list[tuple[int, int]]) -> None:
    text = "+".join(str(low) if not more else f"{low}-{low + more}" for low, more in parts)
    assert parse_phases(text) == tuple(sorted({n for low, more in parts for n in range(low, low + more + 1)}))


def test_a_single_phase_may_come_as_a_number() -> None:
    assert parse_phases(3) == (3,)


def test_fixed_leaves_every_signal_to_its_program() -> None:
    controller = make_controller("fixed")
    assert runs_programs(controller)
    assert math.isinf(controller.interval)
    none = np.zeros(0, np.int32)
    assert set(controller.decide(SignalView(0.0, none, np.zeros(0), none, none)).tolist()) <= {KEEP}
