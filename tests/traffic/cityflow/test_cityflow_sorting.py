"""Equal keys come out as libstdc++ leaves them; expected orders were printed by GCC 12's `std::sort`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbanlab.traffic.cityflow.sorting import sorted_order

CASES = [
    (
        [3, 0, 5, 3, 0, 2, 2, 2, 5, 3, 3, 3, 3, 1, 1, 2, 2, 3, 2, 0, 3, 3, 3],
        [1, 4, 19, 13, 14, 5, 6, 7, 18, 16, 15, 22, 0, 21, 20, 17, 12, 11, 10, 9, 3, 8, 2],
    ),
    (
        [3, 0, 5, 5, 5, 1, 3, 3, 4, 3, 5, 2, 0, 4, 2, 0, 4, 3, 0, 0],
        [1, 19, 18, 15, 12, 5, 11, 14, 6, 7, 9, 17, 0, 8, 13, 16, 10, 4, 3, 2],
    ),
    (
        [2, 3, 2, 5, 4, 4, 0, 4, 3, 4, 0, 4, 3, 1, 5, 1, 0, 2, 0, 4, 4, 1, 1, 5],
        [18, 6, 16, 10, 22, 21, 15, 13, 0, 2, 17, 1, 12, 8, 11, 9, 7, 5, 19, 20, 4, 14, 3, 23],
    ),
]


@pytest.mark.parametrize(("keys", "order"), CASES)
def test_ties_of_long_lists(keys: list[int], order: list[int]) -> None:
    assert sorted_order([float(key) for key in keys]) == order


def test_short_lists_keep_equal_keys_in_place() -> None:
    assert sorted_order([1.0, 0.0, 1.0, 0.0] * 4) == [*range(1, 16, 2), *range(0, 16, 2)]


@given(st.lists(st.integers(0, 9), max_size=200))
def test_the_order_is_a_sorted_permutation(keys: list[int]) -> None:
    order = sorted_order([float(key) for key in keys])
    assert sorted(order) == list(range(len(keys)))
    assert [keys[k] for k in order] == sorted(keys)
