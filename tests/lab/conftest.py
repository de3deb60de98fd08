"""Studies with made-up figures, and a small one that is really run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.lab.experiment import Experiment, StudyResult
from urbanlab.lab.measures import MEASURES
from urbanlab.lab.replication import EdgeTotals, Outcome


@pytest.fixture(scope="session")
def small() -> Scenario:
    """A river city of two dozen junctions."""
    return make("river:junctions=24,trips=120,duration=300", seed=4)


@pytest.fixture(scope="session")
def ran(small: Scenario) -> StudyResult:
    """Three real pairs."""
    return Experiment(small, replications=3, seed=7, end=900.0).run()


@pytest.fixture(scope="session")
def invented(small: Scenario) -> Callable[..., StudyResult]:
    """A study whose figures are told: {measure: (baseline values, candidate values)}, others are equal in both arms."""

    def study(figures: dict[str, tuple[list[float], list[float]]], failed: tuple[tuple[str, int], ...] = (), **changes: Any) -> StudyResult:
        num = len(next(iter(figures.values()))[0])
        edges = small.network.num_edges
        draw = np.random.default_rng(3)
        totals = EdgeTotals(draw.random(edges) * 50, draw.random(edges) * 100, draw.random(edges) * 1000)
        outcomes = []
        for k in range(num):
            for place, arm in enumerate(("fixed", "max_pressure")):
                if (arm, k) in failed:
                    outcomes.append(Outcome(arm, k, 42 + k, {}, None, f"<b>no & no</b> in {k}"))
                    continue
                summary = {m.key: figures[m.key][place][k] if m.key in figures else 100.0 + k for m in MEASURES}
                outcomes.append(Outcome(arm, k, 42 + k, summary | {"loaded": 120}, totals))
        options = {"scenario": small, "baseline": "fixed", "candidate": "max_pressure", "confidence": 0.95, "seed": 42} | changes
        return StudyResult(outcomes=tuple(outcomes), **options)

    return study
