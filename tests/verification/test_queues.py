"""Queues at a signal: how they grow, start and discharge. Closed forms and SUMO's trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

LIMIT, SPACE, TAU = 13.89, 7.5, 1.0
START, STOP, JUNCTION = 62.0, 1.0, 11.2
"""[s] begin of the green, 63 s, by the clock of traces, whose states at the begin of a step are those at its end; [m] from where cars
stop to the line, and from there to the exit."""
PERFECT = '<vType id="c" sigma="0" speedDev="0"/>'


def queue(num: int, every: float, place: float = 5.1) -> str:
    where = f'departPos="{place}" departSpeed="max"'
    return PERFECT + "".join(
        f'<vehicle id="v{k:02}" type="c" depart="{k * every:g}" {where}><route edges="ab bc"/></vehicle>' for k in range(num)
    )


def first(rows: dict[float, tuple[str, float, float]], holds: Any) -> float:
    return next(time for time in sorted(rows) if holds(rows[time]))


def test_a_queue_grows_and_starts_at_the_speed_of_its_shock_waves(verify: Any) -> None:
    """A car every 4 s drives into a red light.

    Expected: the tail moves back by q / (k_jam - q / v) = 0.25 / (1 / 7.5 - 0.25 / 13.89) = 2.17 m/s (Lighthill and Whitham 1955); the
    start moves back by 7.5 m a second, the space of a standing car in a reaction time.
    """
    trace = verify.trace(verify.case("signal", queue(10, 4.0, 300.0), end=110.0))
    stops = [first(rows, lambda state: state[2] < 0.1) for _, rows in sorted(trace.items())][:10]
    places = [rows[stop][1] for (_, rows), stop in zip(sorted(trace.items()), stops, strict=False)]
    growth = -np.polyfit(stops, places, 1)[0]
    assert growth == pytest.approx(0.25 / (1.0 / SPACE - 0.25 / LIMIT), rel=0.02)
    starts = [first({t: s for t, s in rows.items() if t > stop}, lambda state: state[2] > 0.1)
              for (_, rows), stop in zip(sorted(trace.items()), stops, strict=False)]  # fmt: skip
    assert np.diff(starts[:8]).tolist() == [1.0] * 7
    assert -np.diff(places) == pytest.approx(SPACE, abs=0.02)


def test_a_queue_discharges_as_in_sumo_and_as_the_model_says(verify: Any) -> None:
    """30 perfect cars behind a red light that ends at 63 s.

    Expected: SUMO's trace; and, for the fifth car and those behind it, the time of passing a point d behind the stop line,
    START + n + (d + 7.5 n) / 13.89 + 2.19 s for n = 0, 1, ...: a car starts a second after the one before it, 7.5 m behind it, and loses
    the sum of 1 - v / 13.89 over its steps at 2.6, 5.2, ..., 13 m/s. The saturation flow is 1 / (1 + 7.5 / 13.89) s = 2,338 / h, the
    start-up lost time 2.19 s (HCM 2010, 18-4, says 2.0 s).
    """
    trace = verify.same_trace(verify.case("signal", queue(30, 1.8), end=123.0))
    exits = [rows for _, rows in sorted(trace.items()) if any(state[0] == "bc_0" for state in rows.values())]
    lost = sum(1.0 - 2.6 * k / LIMIT for k in range(1, 6))
    for n, rows in list(enumerate(exits))[4:]:
        time = first(rows, lambda state: state[0] == "bc_0")
        passed = time - rows[time][1] / rows[time][2]
        distance = STOP + JUNCTION
        assert passed == pytest.approx(START + n + (distance + SPACE * n) / LIMIT + lost, abs=0.1), n


def test_saturation_flow_of_imperfect_drivers(verify: Any, flow: Any) -> None:
    """More cars than the green can serve, drivers with sigma 0.5 and their own speeds.

    Expected: the number a loop counts in an hour in SUMO 1.28.0, 20 seeds, within 1 %.
    """
    loop = '<e1Detector id="d" lane="bc_0" pos="100" period="3600" file="e1.xml"/>'
    case = verify.case("signal", flow("x", 0.6, "ab bc"), additional=loop)
    verify.agrees(case, figures={"loop d": 0.01, "x loss": 0.01, "x waiting": 0.01, "x delay": 0.01})
