"""A car alone: how it gathers speed, how fast it drives, how drivers differ. Closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from urbanlab.city.readers.sumo import read_sumo
from urbanlab.traffic.simulation import Simulation

LIMIT, ACCEL, SIGMA = 13.89, 2.6, 0.5
ROUTE = '<route edges="ab bc"/></vehicle>'


def test_a_car_alone_gathers_speed_evenly_and_then_drives_the_limit(verify: Any) -> None:
    """Expected: 2.6, 5.2, ..., 13 m/s after 1 to 5 s, then 13.89; places are the sums (semi-implicit Euler, SUMO's default).

    Source: Krauss 1998, with SUMO's default acceleration of 2.6 m/s2.
    """
    case = verify.case(
        "road", f'<vType id="c" sigma="0" speedDev="0"/><vehicle id="v" type="c" depart="0" departSpeed="0">{ROUTE}', end=60.0
    )
    trace = verify.trace(case)["v"]
    speeds = [min(ACCEL * k, LIMIT) for k in range(40)]
    places = 5.1 + np.cumsum(speeds)
    for k in range(40):
        assert trace[float(k)][1:] == pytest.approx((places[k], speeds[k]), abs=1e-9), k


def test_imperfect_drivers_lose_a_quarter_of_an_acceleration(verify: Any) -> None:
    """A driver at the limit loses sigma * accel * U(0, 1) a step, and regains it in the next.

    Expected: mean speed 13.89 - 0.5 * 0.5 * 2.6 = 13.24 m/s, standard deviation 1.3 / sqrt(12) = 0.375 m/s, over 40 cars and 100 steps.
    Source: Krauss 1998, equation 2.21 (a uniform random part).
    """
    cars = "".join(f'<vehicle id="v{k}" type="c" depart="{200 * k}" departSpeed="max">{ROUTE}' for k in range(40))
    trace = verify.trace(verify.case("road", f'<vType id="c" speedDev="0"/>{cars}', end=8000.0))
    speeds = np.array([[state[2] for time, state in sorted(rows.items())[10:110]] for rows in trace.values()])
    spread = SIGMA * ACCEL / math.sqrt(12.0)
    assert speeds.mean() == pytest.approx(LIMIT - SIGMA * ACCEL / 2.0, abs=4.5 * spread / math.sqrt(speeds.size))
    assert speeds.std() == pytest.approx(spread, rel=0.05)


def test_desired_speeds_of_drivers_are_spread_around_the_limit(verify: Any) -> None:
    """2,000 drivers of SUMO's default type.

    Expected: factors by `normc(1, 0.1, 0.2, 2)`: mean 1, deviation 0.1, 68.3 and 95.4 % within one and two deviations. Source: SUMO's
    default `speedDev` of passenger cars.
    """
    cars = '<flow id="f" begin="0" end="4000" period="2" departSpeed="max"><route edges="ab bc"/></flow>'
    case = verify.case("road", cars, end=4300.0)
    with Simulation(read_sumo(case.net, [case.routes]), seed=7, end=case.end) as run:
        record = run.run().record()
    factors = record.speed_factor[record.depart >= 0.0]
    assert len(factors) == 2000
    error = 4.5 / math.sqrt(len(factors))
    assert factors.mean() == pytest.approx(1.0, abs=0.1 * error)
    assert factors.std() == pytest.approx(0.1, abs=0.1 * error / math.sqrt(2.0))
    for width, share in ((0.1, 0.6827), (0.2, 0.9545)):
        assert np.mean(np.abs(factors - 1.0) < width) == pytest.approx(share, abs=error * math.sqrt(share * (1.0 - share)))
