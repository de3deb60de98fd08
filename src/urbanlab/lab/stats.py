"""Statistics of paired replications.

Replication k of both arms sees the same demand and the same drivers, so what is studied is the difference of
each pair. Sources: Student 1908 (t interval); Efron 1987, "Better bootstrap confidence intervals", JASA 82
(BCa, computed by SciPy); Cohen 1988 (effect size dz and power).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from urbanlab.core.errors import ConfigError
from urbanlab.core.rng import generator

__all__ = ["PairedResult", "holm", "paired", "without_inference"]

RESAMPLES = 9999
MIN_BOOTSTRAP = 5  # pairs below which resampling has too few distinct samples to say anything
POWER = 0.8


@dataclass(frozen=True)
class PairedResult:
    """A measure in two arms over n pairs; nan where n is too small to say."""

    pairs: int
    baseline_mean: float
    candidate_mean: float
    difference: float  # mean of candidate - baseline
    relative: float  # difference over the baseline's mean
    t_low: float
    t_high: float
    bootstrap_low: float
    bootstrap_high: float
    effect_size: float  # dz: mean difference over the deviation of differences
    detectable: float  # smallest true difference found with 80 % power at this level and n
    p_value: float  # two-sided paired t test
    confidence: float

    @property
    def is_clear(self) -> bool:
        """Does the t interval leave out zero?"""
        return self.t_low > 0.0 or self.t_high < 0.0


def paired(baseline: NDArray[np.float64], candidate: NDArray[np.float64], *, confidence: float = 0.95, seed: int = 42) -> PairedResult:
    """Compare two arms pair by pair.

    Parameters
    ----------
    baseline, candidate : (n,) the measure in each replication; pairs with a value that is not finite are left out
    confidence : of the intervals, in (0, 1)
    seed : of the bootstrap's resampling

    Raises
    ------
    ConfigError : shapes differ or the confidence is outside (0, 1)
    """
    if baseline.shape != candidate.shape or baseline.ndim != 1:
        raise ConfigError("arms have different numbers of replications", got=f"{baseline.shape}, {candidate.shape}")
    if not 0.0 < confidence < 1.0:
        raise ConfigError("confidence lies outside (0, 1)", got=str(confidence), expected="such as 0.95")
    good = np.isfinite(baseline) & np.isfinite(candidate)
    first, second = baseline[good], candidate[good]
    difference = second - first
    num = len(difference)
    nan = math.nan
    mean = float(difference.mean()) if num else nan
    base = float(first.mean()) if num else nan
    spread = float(difference.std(ddof=1)) if num > 1 else nan
    half, detectable, p_value = _t_test(mean, spread, num, confidence)
    low, high = _bootstrap(difference, confidence, seed)
    return PairedResult(
        pairs=num,
        baseline_mean=base,
        candidate_mean=float(second.mean()) if num else nan,
        difference=mean,
        relative=mean / base if num and base else nan,
        t_low=mean - half,
        t_high=mean + half,
        bootstrap_low=low,
        bootstrap_high=high,
        effect_size=mean / spread if num > 1 and spread > 0 else nan,
        detectable=detectable,
        p_value=p_value,
        confidence=confidence,
    )


def without_inference(result: PairedResult) -> PairedResult:
    """Means and their difference alone: of runs that do not vary there is no sample to infer anything from."""
    nan = math.nan
    return replace(
        result, t_low=nan, t_high=nan, bootstrap_low=nan, bootstrap_high=nan, effect_size=nan, detectable=nan, p_value=nan
    )  # fmt: skip


def _t_test(mean: float, spread: float, num: int, confidence: float) -> tuple[float, float, float]:
    """Half width of the t interval, smallest detectable difference, p value."""
    if num < 2:
        return math.nan, math.nan, math.nan
    error = spread / math.sqrt(num)
    freedom = num - 1
    half = float(stats.t.ppf(0.5 + confidence / 2.0, freedom)) * error
    detectable = _noncentrality(freedom, 1.0 - confidence) * error
    if error == 0.0:
        return half, detectable, 1.0 if mean == 0.0 else 0.0
    return half, detectable, float(2.0 * stats.t.sf(abs(mean) / error, freedom))


def _noncentrality(freedom: int, level: float) -> float:
    """Difference in standard errors that a two-sided t test finds with 80 % power, by bisection."""
    critical = float(stats.t.ppf(1.0 - level / 2.0, freedom))
    low, high = 0.0, critical + 40.0 * (1.0 + critical)
    for _ in range(60):
        middle = 0.5 * (low + high)
        power = float(stats.nct.sf(critical, freedom, middle))
        if not math.isfinite(power) or power >= POWER:
            high = middle
        else:
            low = middle
    return high


def _bootstrap(difference: NDArray[np.float64], confidence: float, seed: int) -> tuple[float, float]:
    """BCa interval of the mean difference; nan for too few pairs."""
    if len(difference) < MIN_BOOTSTRAP:
        return math.nan, math.nan
    least, spread = float(difference.min()), float(np.ptp(difference))
    if spread == 0.0:
        return least, least
    result = stats.bootstrap(
        ((difference - least) / spread,),  # of size one, so that no power of it under- or overflows
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        method="BCa",
        random_state=generator(seed, "bootstrap"),
    )
    low, high = result.confidence_interval
    return least + spread * float(low), least + spread * float(high)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """P values corrected for many comparisons (Holm 1979); nan stays nan and is not counted.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04])).tolist()
    [0.02, 0.04]
    """
    result = np.full(len(p_values), np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if len(order) else scaled
    return result
