"""A study: two arms, the same demand and drivers in each pair of replications, and what the difference is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import ConfigError
from urbanlab.core.provenance import Provenance
from urbanlab.core.registry import PROGRAM, make_controller
from urbanlab.lab.measures import MEASURES, Measure
from urbanlab.lab.replication import EdgeTotals, Outcome, Task
from urbanlab.lab.stats import PairedResult, holm, paired, without_inference
from urbanlab.lab.workers import run_tasks

__all__ = ["DETERMINISTIC", "Comparison", "Experiment", "StudyResult"]

DETERMINISTIC = "no variation between replications: the model is deterministic"


@dataclass(frozen=True)
class Comparison:
    """One measure of a study."""

    measure: Measure
    result: PairedResult
    p_corrected: float  # by Holm over the measures of the study
    is_deterministic: bool = False  # replications are copies of each other: nothing can be inferred from their number

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `no clear difference`, by the corrected p value at the study's level; or that runs do not vary."""
        if self.is_deterministic:
            return DETERMINISTIC
        result = self.result
        if not np.isfinite(self.p_corrected) or self.p_corrected + result.confidence >= 1.0 or result.difference == 0.0:
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
    end: float | None = None  # [s] None: the scenario's

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
        same = self.is_deterministic
        if same:
            results = [without_inference(result) for result in results]
        corrected = holm(np.array([result.p_value for result in results]))
        return [Comparison(m, r, float(p), same) for m, r, p in zip(MEASURES, results, corrected, strict=True)]

    @property
    def is_deterministic(self) -> bool:
        """Did all replications of each arm give the very same figures, so that the seed changes nothing?

        The measures and the totals of every street are looked at, of the pairs that both arms came through.
        """
        failed = {outcome.replication for outcome in self.failures}
        arms = [[o for o in self.of_arm(arm) if o.replication not in failed] for arm in (self.baseline, self.candidate)]
        return all(len(runs) > 1 and all(_is_copy(runs[0], other) for other in runs[1:]) for runs in arms)

    def _column(self, arm: str, measure: Measure) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values = [outcome.summary.get(measure.key) for outcome in self.of_arm(arm)]
        return np.array([np.nan if value is None else float(value) for value in values], np.float64)

    def edges(self, arm: str) -> EdgeTotals | None:
        """Edge totals of an arm summed over the replications that both arms came through; None if there are none."""
        failed = {outcome.replication for outcome in self.failures}
        total: EdgeTotals | None = None
        for outcome in self.of_arm(arm):
            if outcome.edges is not None and outcome.replication not in failed:
                total = outcome.edges if total is None else total + outcome.edges
        return total

    def configuration(self) -> dict[str, object]:
        """Every setting in effect."""
        return {
            "source": self.scenario.source,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "replications": len(self.of_arm(self.baseline)),
            "seed": self.seed,
            "begin_s": self.scenario.settings.begin,
            "end_s": self.end if self.end is not None else self.scenario.settings.end,
            "step_s": self.scenario.settings.step,
            "confidence": self.confidence,
        }

    def provenance(self, command: str = "") -> Provenance:
        """The block that goes into every file of a study."""
        return Provenance(command, self.configuration(), self.seed, self.scenario.input_hashes)

    def report(self, path: str | Path) -> Path:
        """Write the self-contained HTML report; the file is replaced in one go."""
        from urbanlab.lab.report import write_report

        return write_report(self, Path(path))


def _is_copy(one: Outcome, other: Outcome) -> bool:
    """Are the measures and the totals of every street of two runs the same, to the last bit?"""
    if any(one.summary.get(m.key) != other.summary.get(m.key) for m in MEASURES):
        return False
    if one.edges is None or other.edges is None:
        return one.edges is other.edges
    return all(np.array_equal(getattr(one.edges, f.name), getattr(other.edges, f.name)) for f in fields(EdgeTotals))


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

    Raises
    ------
    ConfigError : fewer than two replications, twice the same arm, or a controller that is not known

    Examples
    --------
    >>> from urbanlab.city.synthetic import make
    >>> study = Experiment(make("grid:rows=2,cols=3,trips=20", seed=1), replications=2)
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
    ) -> None:
        if replications < 2:
            raise ConfigError("a study needs pairs", got=f"{replications} replications", expected="2 or more")
        if baseline == candidate:
            raise ConfigError("both arms are the same", got=repr(baseline), expected="two different controllers")
        if not 0.0 < confidence < 1.0:
            raise ConfigError("confidence lies outside (0, 1)", got=str(confidence), expected="such as 0.95")
        if seed < 0:
            raise ConfigError("a seed is negative", got=str(seed), expected="0 or more")
        for arm in (baseline, candidate):
            if arm != PROGRAM:
                make_controller(arm)
        self.scenario, self.baseline, self.candidate = scenario, baseline, candidate
        self.replications, self.seed, self.end, self.confidence = replications, seed, end, confidence

    def run(self, progress: Callable[[Outcome], None] | None = None, *, workers: int = 1) -> StudyResult:
        """Run all replications.

        Parameters
        ----------
        progress : called with every outcome as it comes
        workers : processes that share the replications; results do not depend on it

        Raises
        ------
        ConfigError : an arm fails in its first replication, or there is no worker
        """
        if workers < 1:
            raise ConfigError("workers have to be positive", got=str(workers), expected="1 or more")
        arms = (self.baseline, self.candidate)
        tasks = [Task(arm, k, self.seed + k, self.end) for k in range(self.replications) for arm in arms]
        outcomes: list[Outcome] = []
        for outcome in run_tasks(self.scenario, tasks, workers=workers):
            if outcome.replication == 0 and outcome.error:
                raise ConfigError(f"arm '{outcome.arm}' fails in its first replication: {outcome.error}")
            outcomes.append(outcome)
            if progress is not None:
                progress(outcome)
        place = {(task.arm, task.replication): k for k, task in enumerate(tasks)}
        outcomes.sort(key=lambda outcome: place[outcome.arm, outcome.replication])
        return StudyResult(self.scenario, self.baseline, self.candidate, tuple(outcomes), self.confidence, self.seed, self.end)
