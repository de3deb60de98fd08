"""Places on lanes as points on the map."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbanlab.city.network import Network
from urbanlab.city.synthetic import make
from urbanlab.traffic.lane_places import LanePlaces


@pytest.fixture(scope="module")
def network() -> Network:
    """A small city whose first lanes are drawn anew: a corner of 3 m and 4 m, said to be 14 m long; a line with a point twice."""
    city = make("grid:rows=2,cols=2", seed=1).network
    rest = slice(int(city.lane_shape_start[2]), None)
    shift = 6 - int(city.lane_shape_start[2])
    length = city.lane_length.copy()
    length[:2] = 14.0, 10.0
    return dataclasses.replace(
        city,
        lane_length=length,
        lane_shape_start=np.concatenate([[0, 3, 6], city.lane_shape_start[3:] + shift]),
        shape_x=np.concatenate([[100.0, 103.0, 103.0], [0.0, 0.0, -10.0], city.shape_x[rest]]),
        shape_y=np.concatenate([[50.0, 50.0, 54.0], [7.0, 7.0, 7.0], city.shape_y[rest]]),
    )


@pytest.mark.parametrize(
    ("lane", "distance", "x", "y", "heading"),
    [
        (0, 0.0, 100.0, 50.0, 0.0),
        (0, 3.0, 101.5, 50.0, 0.0),
        (0, 10.0, 103.0, 52.0, math.pi / 2),
        (0, 14.0, 103.0, 54.0, math.pi / 2),
        (1, 0.0, 0.0, 7.0, math.pi),
        (1, 2.5, -2.5, 7.0, math.pi),
        (1, 10.0, -10.0, 7.0, math.pi),
    ],
)
def test_place_is_on_the_drawn_line_stretched_to_the_lanes_length(
    network: Network, lane: int, distance: float, x: float, y: float, heading: float
) -> None:
    found = LanePlaces(network).points(np.array([lane]), np.array([distance]))
    assert [value[0] for value in found] == pytest.approx([x, y, heading])


def test_ends_of_every_lane_are_those_of_its_line(network: Network) -> None:
    lanes = np.arange(network.num_lanes)
    places = LanePlaces(network)
    for distance, point in ((np.zeros(len(lanes)), network.lane_shape_start[:-1]), (network.lane_length, network.lane_shape_start[1:] - 1)):
        x, y, _ = places.points(lanes, distance)
        np.testing.assert_allclose(x, network.shape_x[point], atol=1e-6)
        np.testing.assert_allclose(y, network.shape_y[point], atol=1e-6)


@given(start=st.floats(0.0, 1.0), step=st.floats(0.0, 1.0), lane=st.integers(0, 10_000))
def test_moving_on_never_moves_farther_than_the_line_allows(network: Network, start: float, step: float, lane: int) -> None:
    lane %= network.num_lanes
    length = network.lane_length[lane]
    x, y, _ = LanePlaces(network).points(np.array([lane, lane]), np.array([start, min(1.0, start + step)]) * length)
    shape = network.lane_shape(lane)
    drawn = np.hypot(*np.diff(shape, axis=0).T).sum()
    assert math.hypot(x[1] - x[0], y[1] - y[0]) <= (min(1.0, start + step) - start) * drawn + 1e-6
