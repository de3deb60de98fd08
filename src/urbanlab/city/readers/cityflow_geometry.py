"""The lines that CityFlow draws: lanes beside a road's points, and curves of lane links without points.

Everything is plain arithmetic in CityFlow's order of operations, so that lengths come out with the same bits. Source:
the behaviour of CityFlow's `Road::initLanesPoints`, `Drivable::getPointByDistance` and `RoadNet::loadFromJson`
(github.com/cityflow-project/CityFlow, commit 81ee0f47). Points are (x, y) in metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["direction_at", "lane_lines", "line_length", "link_curve", "point_at"]

Point = tuple[float, float]

CURVE_PARTS = 10
"""Straight pieces of a lane link's curve."""

SHORTEST_REACH = 5.0
"""[m] least distance of a curve's control points from its ends, where the intersections are as wide as that."""


def _distance(a: Point, b: Point) -> float:
    x, y = b[0] - a[0], b[1] - a[1]
    return math.sqrt(x * x + y * y)


def _heading(a: Point, b: Point) -> Point:
    x, y = b[0] - a[0], b[1] - a[1]
    length = math.sqrt(x * x + y * y)
    return x / length, y / length


def line_length(points: Sequence[Point]) -> float:
    """Length of a line [m].

    Examples
    --------
    >>> line_length([(0.0, 0.0), (3.0, 4.0), (3.0, 5.0)])
    6.0
    """
    total = 0.0
    for a, b in pairwise(points):
        total += _distance(a, b)
    return total


def point_at(points: Sequence[Point], distance: float) -> Point:
    """Point at a distance [m] from the start of a line, on the line."""
    distance = min(max(distance, 0.0), line_length(points))
    if distance <= 0.0:
        return points[0]
    for a, b in pairwise(points):
        length = _distance(a, b)
        if distance > length:
            distance -= length
        else:
            share = distance / length
            return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
    return points[-1]


def direction_at(points: Sequence[Point], distance: float) -> Point:
    """Unit vector along a line at a distance [m] from its start."""
    for a, b in pairwise(points):
        length = _distance(a, b)
        if distance < length:
            return _heading(a, b)
        distance -= length
    return _heading(points[-2], points[-1])


def lane_lines(points: Sequence[Point], widths: Sequence[float], *, start_width: float = 0.0, end_width: float = 0.0) -> list[list[Point]]:
    """Centre lines of the lanes of a road, from the inside to the kerb.

    Parameters
    ----------
    points : of the road, no two neighbours equal
    widths : [m] of its lanes
    start_width, end_width : [m] of the intersections at its ends, by which it is shortened

    Raises
    ------
    ZeroDivisionError : two neighbouring points are equal, or become so when the road is shortened
    """
    line = list(points)
    if start_width:
        (x, y), (ux, uy) = line[0], _heading(line[0], line[1])
        line[0] = (x + ux * start_width, y + uy * start_width)
    if end_width:
        (x, y), (ux, uy) = line[-1], _heading(line[-2], line[-1])
        line[-1] = (x - ux * end_width, y - uy * end_width)
    sides = [_side(line, j) for j in range(len(line))]
    lanes, inner = [], 0.0
    for width in widths:
        offset = (inner + (inner + width)) / 2.0
        lanes.append([(x + vx * offset, y + vy * offset) for (x, y), (vx, vy) in zip(line, sides, strict=True)])
        inner += width
    return lanes


def _side(line: list[Point], j: int) -> Point:
    """Unit vector to the right of a line at one of its points."""
    if j == 0:
        x, y = _heading(line[0], line[1])
    elif j + 1 == len(line):
        x, y = _heading(line[j - 1], line[j])
    else:
        (ax, ay), (bx, by) = _heading(line[j], line[j + 1]), _heading(line[j - 1], line[j])
        x, y = _heading((0.0, 0.0), (ax + bx, ay + by))
    return y, -x


def link_curve(start_lane: Sequence[Point], end_lane: Sequence[Point], width: float) -> list[Point]:
    """Cubic Bezier curve through an intersection, from lane to lane; lanes reach to the middle of it.

    Parameters
    ----------
    start_lane, end_lane : centre lines that are not shortened
    width : [m] of the intersection
    """
    leave = line_length(start_lane) - width
    start, end = point_at(start_lane, leave), point_at(end_lane, width)
    chord = _distance(start, end)
    (sx, sy), (ex, ey) = direction_at(start_lane, leave), direction_at(end_lane, width)
    reach = [(sx * chord * 0.5, sy * chord * 0.5), (-ex * chord * 0.5, -ey * chord * 0.5)]
    # CityFlow sets the least reach along the lane at both ends, at the far end too, where that is away from the middle
    least = [(SHORTEST_REACH * sx, SHORTEST_REACH * sy), (SHORTEST_REACH * ex, SHORTEST_REACH * ey)]
    for k, (x, y) in enumerate(reach):
        if x * x + y * y < SHORTEST_REACH * SHORTEST_REACH and width >= SHORTEST_REACH:
            reach[k] = least[k]
    middle = (start[0] + reach[0][0], start[1] + reach[0][1]), (end[0] + reach[1][0], end[1] + reach[1][1])
    return [_bezier((start, *middle, end), i / float(CURVE_PARTS)) for i in range(CURVE_PARTS + 1)]


def _bezier(points: Sequence[Point], share: float) -> Point:
    """Point of a curve by repeated halving of its control polygon."""
    while len(points) > 1:
        points = [((b[0] - a[0]) * share + a[0], (b[1] - a[1]) * share + a[1]) for a, b in pairwise(points)]
    return points[0]
