"""Numbers, lines, crossing points and ties as CityFlow has them, against values worked out by hand or by C++."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbanlab.city.readers.cityflow_crossings import find_crossings
from urbanlab.city.readers.cityflow_geometry import direction_at, lane_lines, line_length, link_curve, point_at
from urbanlab.city.readers.cityflow_json import read_decimal
from urbanlab.city.readers.cityflow_routes import CostHeap


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, np.float64)


# numbers


@given(st.floats(-1e6, 1e6))
def test_decimals_are_within_a_unit_in_the_last_place(value: float) -> None:
    assert abs(read_decimal(repr(value)) - value) <= 2.0 * math.ulp(value)


@given(st.integers(-(10**12), 10**12), st.integers(0, 3))
def test_short_decimals_are_exact(digits: int, places: int) -> None:
    text = f"{digits / 10**places:.{places}f}"
    assert read_decimal(text) == float(text)


def test_long_decimals_are_read_as_rapidjson_reads_them() -> None:
    """17 digits become the nearest double of a whole number, which is then divided by a power of ten."""
    assert read_decimal("3.7199999999999998") == 3.72
    assert float("3.7199999999999998") < 3.72
    assert read_decimal("-5.999999999999999") == -5.999999999999999
    assert read_decimal("0.12345678901234567890123") == 12345678901234567 / 1e17
    assert read_decimal("1.2345678901234567e2") == 12345678901234567 / 1e14


# lines


def test_lanes_of_a_bend_lie_on_its_bisector() -> None:
    inner, outer = lane_lines([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], [2.0, 4.0])
    assert inner[0] == (0.0, -1.0) and outer[0] == (0.0, -4.0)
    assert inner[1] == pytest.approx((10.0 + math.sqrt(0.5), -math.sqrt(0.5)))
    assert outer[2] == pytest.approx((14.0, 10.0))


def test_points_and_directions_along_a_line() -> None:
    corner = [(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)]
    assert line_length(corner) == 7.0
    assert point_at(corner, 5.0) == (4.0, 1.0)
    assert (point_at(corner, -1.0), point_at(corner, 9.0)) == ((0.0, 0.0), (4.0, 3.0))
    assert (direction_at(corner, 3.9), direction_at(corner, 4.0), direction_at(corner, 99.0)) == ((1.0, 0.0), (0.0, 1.0), (0.0, 1.0))


def test_curve_of_a_link_leaves_and_arrives_along_its_lanes() -> None:
    west, north = [(-50.0, -2.0), (0.0, -2.0)], [(2.0, 0.0), (2.0, 50.0)]
    curve = link_curve(west, north, 12.0)
    assert (len(curve), curve[0], curve[-1]) == (11, (-12.0, -2.0), (2.0, 12.0))
    start, end = direction_at(curve, 0.0), direction_at(curve, 1e9)
    assert math.atan2(start[1], start[0]) == pytest.approx(0.0, abs=0.15)
    assert math.atan2(end[1], end[0]) == pytest.approx(math.pi / 2, abs=0.15)
    straight = line_length(link_curve(west, [(0.0, -2.0), (50.0, -2.0)], 12.0))
    assert straight == pytest.approx(24.0)


# crossing points


def test_two_ways_cross_where_they_meet() -> None:
    met = find_crossings([line((0, 0), (10, 0)), line((4, -3), (4, 0), (4, 5)), line((0, 2), (10, 2))])
    assert [(a, b) for a, b in zip(met.first.tolist(), met.second.tolist(), strict=True)] == [(0, 1), (1, 2)]
    assert met.first_distance.tolist() == [4.0, 5.0]
    assert met.second_distance.tolist() == [3.0, 4.0]


def test_ways_from_one_point_and_into_one_point_meet_there() -> None:
    met = find_crossings([line((0, 0), (5, 0), (9, 3)), line((0, 0), (5, -2), (9, 3))])
    assert (met.first_distance.tolist(), met.second_distance.tolist()) == ([0.0], [0.0])  # the first point they share
    met = find_crossings([line((0, 0), (5, 0), (9, 3)), line((0, 6), (5, 6), (9, 3))])
    assert met.first_distance[0] == 10.0 and met.second_distance[0] == 10.0


def test_parallel_and_distant_ways_do_not_meet() -> None:
    assert len(find_crossings([line((0, 0), (9, 0)), line((0, 0), (9, 0)), line((0, 1), (9, 0.5))]).first) == 0
    assert len(find_crossings([line((0, 0), (9, 0))]).first) == len(find_crossings([]).first) == 0


# ties of shortest paths, as std::priority_queue of libstdc++ has them


@pytest.mark.parametrize(
    ("costs", "order"),
    [
        ([1, 1, 1, 1, 1], [0, 2, 4, 1, 3]),
        ([2, 1, 2, 1, 2, 1], [1, 5, 3, 2, 0, 4]),
        ([0, 3, 3, 1, 1, 3, 1, 0], [0, 7, 6, 4, 3, 5, 2, 1]),
    ],
)
def test_equal_costs_leave_the_heap_in_the_order_of_libstdcxx(costs: list[int], order: list[int]) -> None:
    """Orders printed by a `std::priority_queue` of GCC 12."""
    heap = CostHeap()
    for item, cost in enumerate(costs):
        heap.push(float(cost), item)
    assert [heap.pop()[1] for _ in costs] == order


@given(st.lists(st.one_of(st.integers(0, 5), st.none()), max_size=60))
def test_the_heap_always_gives_the_cheapest(steps: list[int | None]) -> None:
    heap, held = CostHeap(), []
    for item, cost in enumerate(steps):
        if cost is not None:
            heap.push(float(cost), item)
            held.append(float(cost))
        elif held:
            assert heap.pop()[0] == min(held)
            held.remove(min(held))
    assert len(heap) == len(held)
