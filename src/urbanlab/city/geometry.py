"""Plane geometry on columns: angles, lengths of polylines, smooth curves.

Everything works on many items at once. Points are separate x and y arrays [m], angles are [rad],
counter-clockwise from +x.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curves", "curve_points", "polyline_lengths", "smooth_curves", "split_curves", "wrap_angle"]

Float = NDArray[np.float64]


class Curves(NamedTuple):
    """Cubic Bezier curves, N of them: control points in order."""

    x: Float  # (N, 4) [m]
    y: Float  # (N, 4) [m]


def wrap_angle(angle: Float) -> Float:
    """The same direction in [-pi, pi).

    Examples
    --------
    >>> float(wrap_angle(np.array([np.pi * 1.5]))[0] / np.pi)
    -0.5
    """
    wrapped: Float = (angle + np.pi) % (2.0 * np.pi) - np.pi
    return wrapped


def polyline_lengths(start: NDArray[np.int64], x: Float, y: Float) -> Float:
    """Lengths [m] of packed polylines: polyline i has the points start[i]:start[i+1].

    Examples
    --------
    >>> polyline_lengths(np.array([0, 2, 4]), np.array([0.0, 3, 9, 9]), np.array([0.0, 4, 1, 2])).tolist()
    [5.0, 1.0]
    """
    step = np.hypot(np.diff(x), np.diff(y))
    total = np.concatenate([[0.0], np.cumsum(step)])
    first, last = start[:-1], np.maximum(start[1:] - 1, start[:-1])
    lengths: Float = total[np.minimum(last, len(total) - 1)] - total[np.minimum(first, len(total) - 1)]
    return lengths


def smooth_curves(start: tuple[Float, Float], heading: Float, end: tuple[Float, Float], end_heading: Float) -> Curves:
    """Curves that leave and arrive in given directions and approach a circular arc where one fits.

    The control points lie on the tangents at 4/3 tan(turn/4) of the radius, the usual Bezier approximation
    of an arc; the radius is taken from the chord.
    """
    (x0, y0), (x1, y1) = start, end
    turn = np.abs(wrap_angle(end_heading - heading))
    chord = np.hypot(x1 - x0, y1 - y0)
    half = np.minimum(turn, 0.9 * np.pi) / 2.0
    bent = half > 1e-3
    radius_per_chord = np.where(bent, 0.5 / np.sin(np.where(bent, half, 1.0)), 0.0)
    reach = np.where(bent, 4.0 / 3.0 * np.tan(half / 2.0) * radius_per_chord, 1.0 / 3.0) * chord
    x = np.stack([x0, x0 + reach * np.cos(heading), x1 - reach * np.cos(end_heading), x1], axis=1)
    y = np.stack([y0, y0 + reach * np.sin(heading), y1 - reach * np.sin(end_heading), y1], axis=1)
    return Curves(x, y)


def curve_points(curves: Curves, num_points: int) -> tuple[Float, Float]:
    """Points (N, num_points) at equal steps of the parameter, both ends included."""
    at = np.linspace(0.0, 1.0, num_points)
    weights = np.stack([(1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3])
    return curves.x @ weights, curves.y @ weights


def split_curves(curves: Curves, at: Float) -> tuple[Curves, Curves]:
    """Both parts of each curve cut at a parameter in [0, 1] (de Casteljau)."""
    (x_head, x_tail), (y_head, y_tail) = _cut(curves.x, at), _cut(curves.y, at)
    return Curves(x_head, y_head), Curves(x_tail, y_tail)


def _cut(control: Float, at: Float) -> tuple[Float, Float]:
    t = at[:, None]
    first = control[:, :-1] + t * np.diff(control, axis=1)
    second = first[:, :-1] + t * np.diff(first, axis=1)
    third = second[:, :-1] + t * np.diff(second, axis=1)
    head = np.concatenate([control[:, :1], first[:, :1], second[:, :1], third], axis=1)
    tail = np.concatenate([third, second[:, 1:], first[:, 2:], control[:, 3:]], axis=1)
    return head, tail
