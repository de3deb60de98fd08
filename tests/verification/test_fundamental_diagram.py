"""Flow against density on a ring of one lane: free, bound and jammed. Closed forms, and SUMO where drivers dawdle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

RING, LIMIT, LENGTH, GAP, TAU = 1000.0, 13.89, 5.0, 2.5, 1.0
SIDES = ("ab", "bc", "cd", "da")


def ring(num: int, kind: str) -> str:
    """Vehicles spaced evenly over the ring, at rest."""
    rows = []
    for k in range(num):
        side, pos = divmod(5.1 + k * RING / num, 250.0)
        edges = " ".join(SIDES[(int(side) + step) % 4] for step in range(120))
        rows.append(f'<vehicle id="v{k}" type="c" depart="0" departPos="{pos:.3f}" departSpeed="0"><route edges="{edges}"/></vehicle>')
    return f'<vType id="c" {kind}/>' + "".join(rows)


def mean_speed(trace: Any, begin: float, end: float) -> float:
    return float(np.mean([state[2] for rows in trace.values() for time, state in rows.items() if begin <= time < end]))


@pytest.mark.parametrize("num", [20, 40, 60, 90, 110, 130])
def test_speed_on_a_ring_follows_from_the_spacing(verify: Any, num: int) -> None:
    """Perfect drivers.

    Expected: v = min(13.89, (1000 m / n - 7.5 m) / 1 s), so that flow is 13.89 k below and (1 - 7.5 k) / 1 s above the critical density
    of 1 / 21.39 m, where the capacity of 0.649 / s = 2,338 / h lies; nobody moves at 1 / 7.5 m. Source: steady state of Krauss 1998:
    the gap is driven in the reaction time.
    """
    trace = verify.trace(verify.case("ring", ring(num, 'sigma="0" speedDev="0"'), end=600.0))
    assert len(trace) == num
    expected = min(LIMIT, (RING / num - LENGTH - GAP) / TAU)
    assert mean_speed(trace, 500.0, 600.0) == pytest.approx(expected, rel=0.01)


def test_a_full_ring_stands(verify: Any) -> None:
    """Expected: with 1000 / 7.5 = 133.3 vehicles the jam density is reached: at 133 they creep at 0.019 m/s at most."""
    trace = verify.trace(verify.case("ring", ring(133, 'sigma="0" speedDev="0"'), end=300.0))
    assert mean_speed(trace, 200.0, 300.0) < 0.02


@pytest.mark.parametrize("num", [30, 50, 80])
def test_dawdling_lowers_the_flow_as_in_sumo(verify: Any, num: int) -> None:
    """Drivers with sigma 0.5. Expected: the mean speed of 400 s in SUMO 1.28.0, 20 seeds, within 1 %."""
    case = verify.case("ring", ring(num, 'speedDev="0"'), end=600.0)
    verify.agrees_on(case, "speed", lambda trace: mean_speed(trace, 200.0, 600.0), share=0.01)
