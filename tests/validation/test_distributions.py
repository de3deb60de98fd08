"""Distributions of travel times, the picture and the page."""

from __future__ import annotations

import numpy as np
import pytest
from lxml import etree
from validation.agreement import Row
from validation.comparison import Comparison
from validation.distributions import common_bins, distance, shares, spread_among
from validation.edges import EdgeAgreement
from validation.page import Versions, page
from validation.picture import draw

EDGES = EdgeAgreement(num_counts=4, num_vehicles=400.0, count_error=0.02, num_speeds=3, num_busy=3, speed_fit=0.97)


def comparison(name: str, *, agrees: bool) -> Comparison:
    times = np.arange(1.0, 101.0)
    row = Row(name, "travel time [s]", 10.0 if agrees else 30.0, 11.0, 2.0)
    return Comparison(
        scenario=name,
        seeds=(1, 2),
        rows=(row,),
        ours=times,
        theirs=times + 9.0,
        distance=0.09,
        distance_of_seeds=0.01,
        edges=EDGES,
        edges_overlap=EDGES,
        edges_of_seeds=EDGES,
        edges_stored=None,
        reference_drift=0.0,
    )


def test_distance_is_the_largest_difference_of_distribution_functions() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0])
    assert distance(a, a) == 0.0
    assert distance(a, b) == distance(b, a) == 0.5
    assert distance(a, a + 10.0) == 1.0
    assert spread_among([a]) == 0.0
    assert spread_among([a, b, a]) == pytest.approx(1.0 / 3.0)


def test_distance_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        distance(np.array([]), np.array([1.0]))


def test_bins_are_round_and_hold_nearly_all() -> None:
    times = np.linspace(0.0, 330.0, 1000)
    bins = common_bins(times, times / 2.0)
    assert bins[0] == 0.0 and bins[1] == 10.0 and bins[-1] >= 0.99 * 330.0
    assert 0.98 <= shares(times, bins).sum() <= 1.0


def test_picture_is_one_drawing_with_a_panel_for_each() -> None:
    tree = etree.fromstring(draw([comparison("a", agrees=True), comparison("b & c", agrees=True)]).encode())
    titles = [text.text for text in tree.iter("{*}text") if text.get("class") == "t"]
    assert titles == ["a", "b & c"]
    assert len([path for path in tree.iter("{*}path") if path.get("class") == "ours"]) == 3  # with that of the legend


def test_page_says_what_differs_and_with_what_it_was_made() -> None:
    text = page([comparison("a", agrees=True), comparison("b", agrees=False)], Versions("1.2.3", "abc", "1.28.0"))
    assert "| b | travel time [s] | 30.00 | 11.00 | +19.00 | 2.00 | **differs** |" in text
    assert "1 of 2 figures; all figures of 1 of 2 scenarios" in text
    assert "1.2.3, commit `abc`" in text and "| Seeds | 1, 2 |" in text
    assert "| a | 400 | 2.0% | 2.0% | 3 | 0.970 | 0.970 | 0.970 |" in text
