"""The engine as plain Python: for debuggers and coverage, and as a second opinion on what the compiler made of it."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import pytest

from urbanlab.city.synthetic import make
from urbanlab.traffic.simulation import Simulation

SPECS = ("grid:rows=3,cols=3,trips=400,duration=30", "ring:rings=2,radials=4,trips=200,duration=30,signals=false")
STEPS = 40


def states(spec: str) -> list[str]:
    """Where each trip is, how it got there and what it burnt: one line a column, to the last bit."""
    with Simulation(make(spec, seed=3), seed=3, end=float(STEPS)) as run:
        trips = run.run().model.results()._asdict()
        assert run.model.counts().running > 50
    return [f"{name} {column.tobytes().hex()}" for name, column in trips.items()]


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="this is the run without the compiler")
def test_interpreter_gives_the_same_bits() -> None:
    command = [sys.executable, "-W", "error", __file__]
    done = subprocess.run(command, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [line for spec in SPECS for line in states(spec)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(line for spec in SPECS for line in states(spec)))
