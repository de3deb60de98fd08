"""Short cuts of the car following: they give the bits of the long way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlab.traffic.physics.following import (
    brake_gap,
    can_stop,
    free_speed,
    safe_stop_speed,
    speed_after,
    speed_after_up_to,
    stop_speed,
)

unhurried = settings(deadline=None)
"""The first example compiles."""

speeds = st.floats(0.0, 60.0)
decels = st.floats(0.5, 10.0)
gaps = st.floats(-5.0, 500.0)
reactions = st.floats(0.0, 3.0)
steps = st.sampled_from([0.1, 0.25, 0.5, 1.0])


@unhurried
@given(speeds, gaps, decels, reactions, steps)
def test_who_can_stop_may_drive_so_fast(speed: float, gap: float, decel: float, reaction: float, dt: float) -> None:
    if can_stop(speed, gap, decel, reaction):
        assert safe_stop_speed(gap, decel, reaction, dt) >= speed
        assert brake_gap(speed, decel, reaction, dt) < gap


@unhurried
@given(speeds, gaps, decels, st.floats(4.5, 12.0), steps, speeds)
def test_who_can_stop_does_not_brake_in_an_emergency(speed: float, gap: float, decel: float, hard: float, dt: float, enough: float) -> None:
    if can_stop(enough, gap, decel, dt):
        assert stop_speed(gap, speed, decel, max(decel, hard), dt) >= enough


def test_the_short_cut_is_taken_where_it_matters() -> None:
    assert can_stop(13.89, 40.0, 4.5, 1.0)
    assert not can_stop(13.89, 34.0, 4.5, 1.0)


@unhurried
@given(st.just(0.0) | st.floats(1e-9, 60.0), st.floats(0.0, 500.0), speeds, decels)  # squares below that are nothing
def test_bounded_speed_after_is_the_smaller_of_both(bound: float, distance: float, speed: float, accel: float) -> None:
    assert speed_after_up_to(bound, distance, speed, accel) == min(bound, speed_after(distance, speed, accel))


@unhurried
@given(gaps, speeds, decels, steps)
def test_free_speed_is_never_below_its_target(distance: float, target: float, decel: float, dt: float) -> None:
    assert free_speed(distance, target, decel, dt) >= target
