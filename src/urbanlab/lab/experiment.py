"""A study: two arms, the same demand and drivers in each pair of replications, and what the difference is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import ConfigError
from urbanlab.lab.measures import MEASURES, Measure
from urbanlab.lab.replication import EdgeTotals, Outcome, replicate
from urbanlab.lab.stats import PairedResult, holm, paired

__all__ = ["Comparison", "Experiment", "StudyResult"]


@dataclass(frozen=True)
class Comparison:
    """One measure of a study."""

    measure: Measure
    result: PairedResult
    p_corrected: float  # by Holm over the measures of the study

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `no clear difference`, by the corrected p value at the study's level."""
        result = self.result
        if not np.isfinite(self.p_corrected) or self.p_corrected >= 1.0 - result.confidence or result.difference == 0.0:
            return "no clear difference"
        return "better" if result.difference * self.measure.better > 0 else "worse"


@dataclass(frozen=True, eq=False)
class StudyResult:
    """All replications of a study and what follows from them."""

    scenario: Scenario
    baseline: str
    candidate: str
    outcomes: tuple[Outcome, ...]
    confidence: float
    seed: int

    def of_arm(self, arm: str) -> list[Outcome]:
        """Outcomes of an arm in the order of replications; failed ones included."""
        return sorted((o for o in self.outcomes if o.arm == arm), key=lambda o: o.replication)

    @property
    def failures(self) -> list[Outcome]:
        """Replications that gave no figures."""
        return [outcome for outcome in self.outcomes if outcome.error]

    def comparisons(self) -> list[Comparison]:
        """The paired difference of every measure; replications that failed in one arm count in neither."""
        results = [
            paired(self._column(self.baseline, m), self._column(self.candidate, m), confidence=self.confidence, seed=self.seed)
            for m in MEASURES
        ]
        corrected = holm(np.array([result.p_value for result in results]))
        return [Comparison(m, r, float(p)) for m, r, p in zip(MEASURES, results, corrected, strict=True)]

    def _column(self, arm: str, measure: Measure) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values = [outcome.summary.get(measure.key) for outcome in self.of_arm(arm)]
        return np.array([np.nan if value is None else float(value) for value in values], np.float64)

    def edges(self, arm: str) -> EdgeTotals | None:
        """Edge totals of an arm summed over its replications; None if all failed."""
        total: EdgeTotals | None = None
        for outcome in self.of_arm(arm):
            if outcome.edges is not None:
                total = outcome.edges if total is None else total + outcome.edges
        return total

    def runs_table(self) -> pa.Table:
        """One row a replication and arm."""
        rows = self.outcomes
        columns: dict[str, list[object]] = {
            "arm": [o.arm for o in rows],
            "replication": [o.replication for o in rows],
            "seed": [o.seed for o in rows],
            "error": [o.error for o in rows],
        }
        for measure in MEASURES:
            columns[measure.key] = [o.summary.get(measure.key) for o in rows]
        return pa.table(columns)

    def comparison_table(self) -> pa.Table:
        """One row a measure: means, paired difference, intervals, effect size, what could have been seen."""
        rows = [
            {
                "measure": c.measure.key, "pairs": c.result.pairs,
                "baseline_mean": c.result.baseline_mean, "candidate_mean": c.result.candidate_mean,
                "difference": c.result.difference, "relative": c.result.relative,
                "t_low": c.result.t_low, "t_high": c.result.t_high,
                "bootstrap_low": c.result.bootstrap_low, "bootstrap_high": c.result.bootstrap_high,
                "effect_size_dz": c.result.effect_size, "detectable": c.result.detectable,
                "p_value": c.result.p_value, "p_corrected": c.p_corrected, "verdict": c.verdict,
            }
            for c in self.comparisons()
        ]  # fmt: skip
        return pa.Table.from_pylist(rows)

    def report(self, path: str | Path) -> Path:
        """Write the self-contained HTML report; the file is replaced in one go."""
        from urbanlab.lab.report import write_report

        return write_report(self, Path(path))


class Experiment:
    """Compare two ways of running the signals of a city.

    Parameters
    ----------
    scenario : what both arms run
    baseline, candidate : names of controllers with options, or `program`
    replications : pairs; replication k has seed `seed + k` in both arms
    seed : of the first replication
    end : [s] None: the scenario's
    confidence : of the intervals
    threads : of each run; results do not depend on it

    Raises
    ------
    ConfigError : fewer than two replications, or twice the same arm

    Examples
    --------
    >>> from urbanlab.city.synthetic import make
    >>> study = Experiment(make("grid:rows=2,cols=2,trips=20", seed=1), replications=2)
    >>> study.run().report("study.html")  # doctest: +SKIP
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        baseline: str = "fixed",
        candidate: str = "max_pressure",
        replications: int = 5,
        seed: int = 42,
        end: float | None = None,
        confidence: float = 0.95,
        threads: int = 1,
    ) -> None:
        if replications < 2:
            raise ConfigError("a study needs pairs", got=f"{replications} replications", expected="2 or more")
        if baseline == candidate:
            raise ConfigError("both arms are the same", got=repr(baseline), expected="two different controllers")
        if not 0.0 < confidence < 1.0:
            raise ConfigError("confidence lies outside (0, 1)", got=str(confidence), expected="such as 0.95")
        self.scenario, self.baseline, self.candidate = scenario, baseline, candidate
        self.replications, self.seed, self.end = replications, seed, end
        self.confidence, self.threads = confidence, threads

    def run(self, progress: Callable[[Outcome], None] | None = None) -> StudyResult:
        """Run all replications, pair by pair.

        Raises
        ------
        ConfigError : no replication of an arm gave figures
        """
        outcomes: list[Outcome] = []
        for k in range(self.replications):
            for arm in (self.baseline, self.candidate):
                outcome = replicate(self.scenario, arm, k, seed=self.seed + k, end=self.end, threads=self.threads)
                outcomes.append(outcome)
                if progress is not None:
                    progress(outcome)
            if k == 0 and any(outcome.error for outcome in outcomes):
                broken = next(outcome for outcome in outcomes if outcome.error)
                raise ConfigError(f"arm '{broken.arm}' fails from the first replication on: {broken.error}")
        return StudyResult(self.scenario, self.baseline, self.candidate, tuple(outcomes), self.confidence, self.seed)
