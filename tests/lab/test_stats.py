"""Statistics against SciPy, hand values, and simulations of what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from urbanlab.core.errors import ConfigError
from urbanlab.lab.stats import holm, paired

FIGURES = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=12)


@settings(max_examples=60, deadline=None)
@given(FIGURES, st.floats(0.5, 0.999))
def test_interval_and_p_value_are_those_of_the_paired_t_test(rows: list[tuple[float, float]], confidence: float) -> None:
    first, second = np.array(rows).T
    result = paired(first, second, confidence=confidence)
    if np.ptp(second - first) < 1e-6 * max(1.0, float(np.abs(second - first).max())):
        return
    expected = stats.ttest_rel(second, first)
    low, high = expected.confidence_interval(confidence)
    assert result.pairs == len(rows)
    assert result.difference == pytest.approx((second - first).mean())
    assert (result.t_low, result.t_high) == (pytest.approx(low, rel=1e-9, abs=1e-9), pytest.approx(high, rel=1e-9, abs=1e-9))
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-12)
    assert result.effect_size == pytest.approx((second - first).mean() / (second - first).std(ddof=1))


def test_a_study_by_hand() -> None:
    """Differences 1, 2, 3, 4, 5: mean 3, deviation 1.5811, t = 4.2426 with 4 degrees; half width 2.7764 * 0.70711 = 1.9632."""
    result = paired(np.zeros(5) + 10, np.arange(1.0, 6.0) + 10)
    assert (result.baseline_mean, result.candidate_mean, result.difference) == (10.0, 13.0, 3.0)
    assert result.relative == pytest.approx(0.3)
    assert result.t_high - result.difference == pytest.approx(1.9632, abs=1e-4)
    assert result.p_value == pytest.approx(0.013236, abs=1e-5)
    assert result.effect_size == pytest.approx(1.8974, abs=1e-4)
    assert result.is_clear


@pytest.mark.parametrize("num", [3, 5, 10, 20, 50])
def test_smallest_detectable_difference_has_80_percent_power(num: int) -> None:
    """Against the noncentral t distribution: at that true difference the test finds it in 80 of 100 studies."""
    draw = np.random.default_rng(num)
    difference = draw.normal(0, 2, num)
    result = paired(np.zeros(num), difference)
    shift = result.detectable / (difference.std(ddof=1) / math.sqrt(num))
    critical = stats.t.ppf(0.975, num - 1)
    power = stats.nct.sf(critical, num - 1, shift) + stats.nct.cdf(-critical, num - 1, shift)
    assert power == pytest.approx(0.8, abs=1e-4)


def test_detectable_difference_of_many_pairs_is_that_of_the_normal_distribution() -> None:
    """(1.95996 + 0.84162) standard errors."""
    difference = np.tile([-1.0, 1.0], 5000)
    result = paired(np.zeros(10_000), difference)
    assert result.detectable == pytest.approx(2.80158 * difference.std(ddof=1) / 100, rel=1e-3)


@pytest.mark.parametrize("num", [5, 12])
def test_both_intervals_cover_the_truth_as_often_as_they_say(num: int) -> None:
    """300 studies of normal differences around 1. t: 95 %, within six standard errors; BCa of few pairs is known to be short."""
    draw = np.random.default_rng(11 * num)
    covered = np.zeros(2)
    for _ in range(300):
        base = draw.normal(50, 5, num)
        result = paired(base, base + draw.normal(1, 1, num))
        covered += [result.t_low <= 1 <= result.t_high, result.bootstrap_low <= 1 <= result.bootstrap_high]
    error = math.sqrt(0.95 * 0.05 / 300)
    assert abs(covered[0] / 300 - 0.95) < 6 * error
    assert covered[1] / 300 > {5: 0.72, 12: 0.85}[num]


def test_no_difference_is_found_as_rarely_as_the_level_says() -> None:
    """5 % of 2,000 studies of nothing, within six standard errors."""
    draw = np.random.default_rng(5)
    found = 0
    for _ in range(2000):
        base, other = draw.normal(10, 1, (2, 4))
        found += paired(base, other).p_value < 0.05
    assert abs(found / 2000 - 0.05) < 6 * math.sqrt(0.05 * 0.95 / 2000)


def test_pairing_takes_out_what_both_arms_share() -> None:
    draw = np.random.default_rng(2)
    shared = draw.normal(300, 30, 10)
    result = paired(shared, shared - 2 + draw.normal(0, 0.5, 10))
    assert result.p_value < 1e-4
    assert result.t_high - result.t_low < 1.5


def test_bootstrap_is_the_same_for_the_same_seed() -> None:
    first, second = np.random.default_rng(1).normal(0, 1, (2, 9))
    same, again, other = (paired(first, second, seed=seed) for seed in (3, 3, 4))
    assert (same.bootstrap_low, same.bootstrap_high) == (again.bootstrap_low, again.bootstrap_high)
    assert same.bootstrap_low != other.bootstrap_low
    assert same.t_low == other.t_low


def test_too_few_pairs_say_what_they_can() -> None:
    one = paired(np.array([1.0]), np.array([2.0]))
    assert (one.pairs, one.difference) == (1, 1.0)
    assert all(math.isnan(value) for value in (one.t_low, one.p_value, one.effect_size, one.detectable, one.bootstrap_low))
    none = paired(np.array([np.nan]), np.array([2.0]))
    assert none.pairs == 0
    assert math.isnan(none.difference)
    four = paired(np.arange(4.0), np.array([1.0, 3.0, 3.0, 5.0]))
    assert math.isfinite(four.t_low)
    assert math.isnan(four.bootstrap_low)


def test_equal_differences_are_certain_or_nothing() -> None:
    nothing, all_two = paired(np.arange(6.0), np.arange(6.0)), paired(np.arange(6.0), np.arange(6.0) + 2)
    assert (nothing.p_value, nothing.t_low, nothing.t_high, nothing.bootstrap_low) == (1.0, 0.0, 0.0, 0.0)
    assert (all_two.p_value, all_two.t_low, all_two.bootstrap_high) == (0.0, 2.0, 2.0)
    assert math.isnan(all_two.effect_size)


@pytest.mark.parametrize("values", [[0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [1e-300, 0, 0, 0, 0], [1e12, 1e12 + 1, 1e12, 1e12, 1e12]])
def test_odd_differences_raise_no_warning(values: list[float]) -> None:
    result = paired(np.zeros(5), np.array(values, np.float64))
    assert result.pairs == 5


def test_pairs_with_a_missing_value_count_in_neither_arm() -> None:
    first, second = np.array([1.0, np.nan, 3.0, 4.0, 100.0]), np.array([2.0, 50.0, 5.0, 7.0, np.inf])
    result = paired(first, second)
    assert result.pairs == 3
    assert (result.baseline_mean, result.candidate_mean) == (pytest.approx(8 / 3), pytest.approx(14 / 3))


@pytest.mark.parametrize(
    ("first", "second", "confidence"), [([1.0], [1.0, 2.0], 0.95), ([1.0, 2.0], [1.0, 2.0], 1.0), ([[1.0]], [[1.0]], 0.9)]
)
def test_what_makes_no_pairs_is_an_error(first: list[float], second: list[float], confidence: float) -> None:
    with pytest.raises(ConfigError):
        paired(np.array(first), np.array(second), confidence=confidence)


@pytest.mark.parametrize(
    ("raw", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # Holm 1979: (m - rank) p, never falling
        ([0.2, 0.2, 0.2], [0.6, 0.6, 0.6]),
        ([0.9, 0.001], [0.9, 0.002]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([float("nan"), 0.02], [float("nan"), 0.02]),  # not known, not counted
        ([], []),
    ],
)
def test_holm_by_hand(raw: list[float], corrected: list[float]) -> None:
    assert holm(np.array(raw)).tolist() == pytest.approx(corrected, nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_order_and_is_never_smaller_nor_beyond_bonferroni(raw: list[float]) -> None:
    values, result = np.array(raw), holm(np.array(raw))
    assert np.all(result >= values)
    assert np.all(result <= np.minimum(values * len(values), 1.0) + 1e-12)
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(result[order]) >= 0)


def test_holm_keeps_the_family_error_below_the_level() -> None:
    draw = np.random.default_rng(8)
    wrong = sum(bool((holm(draw.random(8)) < 0.05).any()) for _ in range(4000))
    assert wrong / 4000 < 0.05 + 6 * math.sqrt(0.05 * 0.95 / 4000)
