"""Where two paths through a junction meet: kernels over polylines.

Model: the conflict areas of SUMO's intersections (Erdmann and Krajzewicz 2014, "SUMO's road intersection model"): paths that
cross share an area as long as the other lane is wide, longer where they meet at a flat angle; paths that join or
part share everything up to the point where their centre lines are a lane's width apart.
All distances are measured along the drawn shape and scaled to the length that vehicles drive.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.jit import device

__all__ = ["Shapes", "crossing", "end_distance", "start_distance", "touching"]

MAX_POINTS = 128
"""Points of a shape that are looked at; internal lanes have some ten."""

FLATTEST = 0.2
"""Sine of the flattest angle at which a conflict area still grows."""


class Shapes(NamedTuple):
    """Centre lines of lanes, (L,) and (P,) points."""

    start: NDArray[np.int64]  # (L+1,) ranges of points
    x: NDArray[np.float64]  # (P,) [m]
    y: NDArray[np.float64]  # (P,) [m]
    along: NDArray[np.float64]  # (P,) [m] drawn distance from the first point
    scale: NDArray[np.float64]  # (L,) driven over drawn length
    length: NDArray[np.float64]  # (L,) [m] driven
    width: NDArray[np.float64]  # (L,) [m]


@device
def _to_segment(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of a point to a segment [m]."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    t = ((x - ax) * dx + (y - ay) * dy) / square if square > 0.0 else 0.0
    t = min(1.0, max(0.0, t))
    return math.hypot(x - ax - t * dx, y - ay - t * dy)


@device
def _to_shape(s: Shapes, point: int, lane: int) -> float:
    """Distance of a point (row) to a lane's centre line [m]."""
    first, last = s.start[lane], s.start[lane + 1] - 1
    best = math.hypot(s.x[point] - s.x[first], s.y[point] - s.y[first])
    for k in range(first, last):
        best = min(best, _to_segment(s.x[point], s.y[point], s.x[k], s.y[k], s.x[k + 1], s.y[k + 1]))
    return best


@device
def start_distance(s: Shapes, a: int, b: int) -> float:
    """Between the first points of two lanes [m]."""
    i, j = s.start[a], s.start[b]
    return math.hypot(s.x[i] - s.x[j], s.y[i] - s.y[j])


@device
def end_distance(s: Shapes, a: int, b: int) -> float:
    """Between the last points of two lanes [m]."""
    i, j = s.start[a + 1] - 1, s.start[b + 1] - 1
    return math.hypot(s.x[i] - s.x[j], s.y[i] - s.y[j])


@device
def _apart(s: Shapes, lane: int, other: int, wide: float, from_start: bool) -> float:
    """Drawn length of the far part of a lane that is further than `wide` from another [m].

    The far part is the end where the lanes have the same start, and the start where they have the same end.
    """
    first, last = s.start[lane], s.start[lane + 1] - 1
    total = 0.0
    if last - first + 1 > MAX_POINTS:
        return total
    for n in range(last - first):
        k = last - 1 - n if from_start else first + 1 + n
        before = k + 1 if from_start else k - 1
        segment = math.hypot(s.x[k] - s.x[before], s.y[k] - s.y[before])
        here, there = _to_shape(s, k, other), _to_shape(s, before, other)
        if here > wide:
            total += segment
        else:
            if there > here:
                total += segment - (wide - here) * segment / (there - here)
            return total
    return total


@device
def touching(s: Shapes, lane: int, other: int, wide: float, from_start: bool) -> float:
    """Drawn distance from the common end of two lanes up to where they are `wide` apart [m]."""
    far, far_other = 0.0, 0.0
    a = s.start[lane + 1] - 1 if from_start else s.start[lane]
    b = s.start[other + 1] - 1 if from_start else s.start[other]
    if math.hypot(s.x[a] - s.x[b], s.y[a] - s.y[b]) > wide and _to_shape(s, b, lane) > wide and _to_shape(s, a, other) > wide:
        far = _apart(s, lane, other, wide, from_start)
        far_other = _apart(s, other, lane, wide, from_start)
    drawn, drawn_other = s.along[s.start[lane + 1] - 1], s.along[s.start[other + 1] - 1]
    near = max(s.length[other] - far_other, s.length[lane] - far)
    return min(near, min(drawn, drawn_other))


@device
def crossing(s: Shapes, lane: int, other: int) -> tuple[bool, float, float]:
    """Do two centre lines cross, where along the first (the last such point, drawn) [m], and how long is the area there [m]?"""
    place, sine = -1.0, 1.0
    for i in range(s.start[lane], s.start[lane + 1] - 1):
        rx, ry = s.x[i + 1] - s.x[i], s.y[i + 1] - s.y[i]
        for j in range(s.start[other], s.start[other + 1] - 1):
            qx, qy = s.x[j + 1] - s.x[j], s.y[j + 1] - s.y[j]
            cross = rx * qy - ry * qx
            if abs(cross) < 1e-12:
                continue
            dx, dy = s.x[j] - s.x[i], s.y[j] - s.y[i]
            t, u = (dx * qy - dy * qx) / cross, (dx * ry - dy * rx) / cross
            if 0.0 <= t <= 1.0 and 0.0 <= u <= 1.0:
                found = s.along[i] + t * math.hypot(rx, ry)
                if found > place:
                    place = found
                    sine = abs(cross) / (math.hypot(rx, ry) * math.hypot(qx, qy))
    if place < 0.0:
        return False, 0.0, 0.0
    size = s.width[other] * (2.0 / max(sine, FLATTEST) - 1.0)
    return True, place, min(size, s.length[lane])
