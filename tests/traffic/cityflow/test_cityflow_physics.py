"""CityFlow's rules of driving against closed forms and what they promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from urbanlab.traffic.cityflow.physics import (
    NO_SPEED,
    YIELD_DISTANCE,
    braking_distance,
    can_yield,
    follow_speed,
    lower,
    no_collision_speed,
    reach_steps,
    stop_speed,
)

SPEED = st.floats(0.0, 20.0)
DECEL = st.floats(1.0, 9.0)
STEP = st.sampled_from([0.1, 0.5, 1.0])


def test_lower_keeps_the_second_number_where_one_is_none() -> None:
    assert (lower(1.0, 2.0), lower(2.0, 1.0)) == (1.0, 1.0)
    assert math.isnan(lower(1.0, math.nan))
    assert lower(math.nan, 1.0) == 1.0


def test_braking_distance() -> None:
    assert braking_distance(10.0, 5.0) == 10.0


@given(leader=SPEED, leader_decel=DECEL, speed=SPEED, decel=DECEL, gap=st.floats(0.0, 80.0), target=st.floats(0.0, 3.0), dt=STEP)
def test_no_collision_speed_leaves_room_to_stop(
    leader: float, leader_decel: float, speed: float, decel: float, gap: float, target: float, dt: float
) -> None:
    """Way of the step and braking behind it fit into the gap and the leader's own braking."""
    v = no_collision_speed(leader, leader_decel, speed, decel, gap, dt, target)
    assume(v >= 0.0)
    way = (speed + v) * dt / 2.0 + braking_distance(v, decel)
    room = gap - target + braking_distance(leader, leader_decel)
    assert way <= room + 1e-6
    # a leader who brakes through the step is not reached within it
    assert (v - 2.0 * leader + leader_decel * dt) * dt <= 2.0 * (gap - target) + 1e-6


@given(speed=SPEED, decel=DECEL, gap=st.floats(-5.0, -0.5))
def test_no_speed_is_safe_without_a_gap(speed: float, decel: float, gap: float) -> None:
    """The answer is below zero, which the limit of deceleration and standstill turn into the hardest braking."""
    assert NO_SPEED <= no_collision_speed(0.0, decel, speed, decel, gap, 1.0, 0.0) < 0.0


def test_following_at_equal_speeds_keeps_the_headway() -> None:
    """Both drive v: the headway rule alone gives (gap + v - v / 2) / (headway + 1 / 2), which is v at gap = 2 v."""
    v, headway = 10.0, 2.0
    gap = v * headway
    assert follow_speed(v, 4.5, 4.5, gap, v, 4.5, 4.5, 2.5, headway, 1.0) == pytest.approx(v)
    assert follow_speed(v, 4.5, 4.5, gap - 1.0, v, 4.5, 4.5, 2.5, headway, 1.0) < v


def test_standing_behind_a_standing_leader_at_the_minimum_gap_is_standing() -> None:
    assert follow_speed(0.0, 4.5, 4.5, 2.5, 0.0, 4.5, 4.5, 2.5, 2.0, 1.0) <= 0.0
    assert follow_speed(0.0, 4.5, 4.5, 6.0, 0.0, 4.5, 4.5, 2.5, 2.0, 1.0) > 0.0


@given(distance=st.floats(0.5, 100.0), speed=SPEED, accel=DECEL, decel=DECEL, dt=STEP)
def test_stopping_never_passes_the_place(distance: float, speed: float, accel: float, decel: float, dt: float) -> None:
    """Where the usual braking is enough at first, each step leaves the place ahead."""
    assume(braking_distance(speed, decel) < distance)
    for _ in range(400):
        v = stop_speed(distance, speed, accel, decel, dt)
        way = 0.5 * speed * speed / decel if v < 0.0 else (speed + v) * dt / 2.0
        v = max(v, 0.0)
        assert v <= speed + accel * dt + 1e-12
        distance, speed = distance - way, v
        assert distance >= -1e-6
        if speed == 0.0 and distance < braking_distance(accel * dt, decel):
            break
    assert distance < 60.0


def test_stopping_over_whole_steps_is_even() -> None:
    """9 m at 6 m/s are three whole steps of 1 s: 6, 4, 2, 0."""
    assert stop_speed(9.1, 6.0, 2.0, 2.0, 1.0) == 4.0
    assert stop_speed(100.0, 6.0, 2.0, 2.0, 1.0) == 8.0  # far away: accelerate
    assert stop_speed(2.9, 6.0, 2.0, 2.0, 1.0) < 0.0  # less than a step


def test_stopping_at_no_distance_is_what_the_engine_divides() -> None:
    assert stop_speed(0.0, 3.0, 2.0, 4.5, 1.0) == -math.inf
    assert math.isnan(stop_speed(0.0, 0.0, 2.0, 4.5, 1.0))


@pytest.mark.parametrize(
    ("distance", "speed", "target", "steps"),
    [
        (0.0, 5.0, 10.0, 0), (-1.0, 5.0, 10.0, 0),
        (9.0, 0.0, 10.0, 3),  # 2 m/s^2 from standstill: t = sqrt(2 * 9 / 2)
        (9.1, 0.0, 10.0, 4),
        (25.0 + 30.0, 0.0, 10.0, 5 + 3),  # 25 m and 5 s to 10 m/s, then 3 s
        (40.0, 10.0, 10.0, 4),
        (40.0, 20.0, 10.0, 2),  # faster than the target: keeps its speed
    ],
)  # fmt: skip
def test_reach_steps(distance: float, speed: float, target: float, steps: int) -> None:
    assert reach_steps(distance, speed, target, 2.0, 1.0) == steps


@pytest.mark.parametrize(
    ("distance", "speed", "able"),
    [
        (YIELD_DISTANCE + 0.1, 0.0, True), (YIELD_DISTANCE, 0.0, False),
        (16.0, 10.0, False), (16.2, 10.0, True),  # 11.1 m of braking and 5 m before the point
        (0.0, 0.0, False),
        (-4.9, 3.0, False), (-5.1, 3.0, True),  # over the point until the whole length of 5 m has passed
    ],
)  # fmt: skip
def test_can_yield(distance: float, speed: float, able: bool) -> None:
    assert can_yield(distance, speed, 4.5, 5.0) is able
