"""Internal lanes: the curves through junctions, and where left turns wait inside.

Letters: C connections that enter junctions, in the order of `turns`; N internal lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.geometry import Curves, curve_points, polyline_lengths, smooth_curves, split_curves
from urbanlab.city.network import JunctionType
from urbanlab.city.synthetic.lanes import LANE_WIDTH, Edges
from urbanlab.city.synthetic.right_of_way import RightOfWay
from urbanlab.city.synthetic.turns import LEFT, Turns

__all__ = ["Inside", "build_inside"]

LATERAL_ACCEL = 5.5  # [m/s^2] in bends; default of netconvert's junctions.limit-turn-speed
WAIT_CLEARANCE = LANE_WIDTH / 2 + 0.9  # [m] between a waiting front and the path it waits for
MIN_PART = 3.0  # [m] a wait inside needs at least so much path before and behind
STRAIGHT_BELOW = np.radians(1.0)
POINTS_OF_CURVE = 7
POINTS_OF_PART = 5
FINE, COARSE = 25, 9  # points of the search for the waiting place: on its own path, on the oncoming one
PAIRS_AT_ONCE = 20_000
Int = NDArray[np.int32]
Float = NDArray[np.float64]


class Inside(NamedTuple):
    """Internal lanes (N): the first of each connection in its order, then the second of those that wait."""

    connection: NDArray[np.int64]  # (N,) which one it belongs to
    waits: NDArray[np.bool_]  # (C,) split in two by a place to wait
    second_of: NDArray[np.int64]  # (C,) row of the second lane, -1 none
    length: Float  # (N,) [m]
    speed: Float  # (N,) [m/s]
    shape_start: NDArray[np.int64]  # (N+1,)
    shape_x: Float
    shape_y: Float


def build_inside(edges: Edges, turns: Turns, ways: RightOfWay, kinds: NDArray[np.uint8], lane_speed: Float) -> Inside:
    """Curves, lengths and speeds of all ways through junctions."""
    start = edges.lane_to[0][turns.from_lane], edges.lane_to[1][turns.from_lane]
    end = edges.lane_from[0][turns.to_lane], edges.lane_from[1][turns.to_lane]
    curves = smooth_curves(start, edges.heading[turns.from_edge], end, edges.heading[turns.to_edge])
    cut, waits = _places_to_wait(curves, *_wait_before(turns, ways, kinds))
    head, tail = split_curves(Curves(curves.x[waits], curves.y[waits]), cut[waits])
    waiting = np.flatnonzero(waits)
    second_of = np.full(len(waits), -1, np.int64)
    second_of[waiting] = len(waits) + np.arange(len(waiting))
    shape = _shapes(curves, turns, waits, head, tail)
    length = np.asarray(np.round(np.maximum(polyline_lengths(*shape), 0.1), 2), np.float64)
    connection = np.concatenate([np.arange(len(waits)), waiting])
    whole = length[: len(waits)].copy()
    whole[waiting] += length[len(waits) :]
    speed = _speeds(turns, whole, lane_speed)[connection]
    return Inside(connection, waits, second_of, length, speed, *shape)


def _wait_before(turns: Turns, ways: RightOfWay, kinds: NDArray[np.uint8]) -> tuple[NDArray[np.int64], Int]:
    """Pairs of a left turn that may wait inside and an oncoming path that it waits for; sorted by the first."""
    one = np.repeat(np.arange(len(turns.node)), np.diff(ways.foe_start))
    # without a signal only those wait inside that nobody but oncoming traffic can hold up: the others would
    # stand in the way of the crossing street
    held_up = np.zeros(len(turns.node), dtype=bool)
    held_up[one[ways.yields & ~ways.opposes]] = True
    kind = kinds[turns.node]
    can_wait = (kind == JunctionType.TRAFFIC_LIGHT) | ((kind == JunctionType.PRIORITY) & ~held_up)
    can_wait &= turns.kind == LEFT
    pair = np.flatnonzero(can_wait[one] & ways.yields & ways.opposes)
    return one[pair], ways.foe[pair]


def _places_to_wait(curves: Curves, one: NDArray[np.int64], foe: Int) -> tuple[Float, NDArray[np.bool_]]:
    """Parameter where each curve gets too near to an oncoming path, and whether it can wait there."""
    cut = np.zeros(len(curves.x))
    waits = np.zeros(len(curves.x), dtype=bool)
    place = np.full(len(curves.x), FINE)
    for first in range(0, len(one), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        own, oncoming = one[part], foe[part]
        near = _is_near(Curves(curves.x[own], curves.y[own]), Curves(curves.x[oncoming], curves.y[oncoming]))
        np.minimum.at(place, own, np.where(near.any(axis=1), np.argmax(near, axis=1), FINE))
    rows = np.flatnonzero(place < FINE)
    if len(rows) == 0:
        return cut, waits
    x, y = curve_points(Curves(curves.x[rows], curves.y[rows]), FINE)
    travelled = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(np.hypot(np.diff(x), np.diff(y)), axis=1)], axis=1)
    last_clear = np.maximum(place[rows] - 1, 0)
    at = np.take_along_axis(travelled, last_clear[:, None], axis=1)[:, 0]
    cut[rows] = last_clear / (FINE - 1)
    waits[rows] = (at >= MIN_PART) & (travelled[:, -1] - at >= MIN_PART)
    return cut, waits


def _is_near(own: Curves, other: Curves) -> NDArray[np.bool_]:
    """(N, FINE) points of the own curves that are nearer than the clearance to the other curve."""
    x, y = (points[:, :, None] for points in curve_points(own, FINE))
    path_x, path_y = curve_points(other, COARSE)
    start_x, start_y = path_x[:, None, :-1], path_y[:, None, :-1]
    step_x, step_y = np.diff(path_x)[:, None, :], np.diff(path_y)[:, None, :]
    square = np.maximum(step_x**2 + step_y**2, 1e-9)
    share = np.clip(((x - start_x) * step_x + (y - start_y) * step_y) / square, 0.0, 1.0)
    distance = (x - start_x - share * step_x) ** 2 + (y - start_y - share * step_y) ** 2
    near: NDArray[np.bool_] = distance.min(axis=2) < WAIT_CLEARANCE**2
    return near


def _shapes(curves: Curves, turns: Turns, waits: NDArray[np.bool_], head: Curves, tail: Curves) -> tuple[NDArray[np.int64], Float, Float]:
    """Packed points of all internal lanes."""
    num = len(waits)
    is_straight = (np.abs(turns.angle) < STRAIGHT_BELOW) & ~waits
    points = np.where(waits, POINTS_OF_PART, np.where(is_straight, 2, POINTS_OF_CURVE))
    points = np.concatenate([points, np.full(int(waits.sum()), POINTS_OF_PART)])
    start = np.concatenate([[0], np.cumsum(points)]).astype(np.int64)
    x, y = np.empty(start[-1]), np.empty(start[-1])
    groups = [
        (np.flatnonzero(is_straight), Curves(curves.x[is_straight], curves.y[is_straight]), 2),
        (np.flatnonzero(waits), head, POINTS_OF_PART),
        (num + np.arange(len(tail.x)), tail, POINTS_OF_PART),
    ]
    bent = ~is_straight & ~waits
    groups.append((np.flatnonzero(bent), Curves(curves.x[bent], curves.y[bent]), POINTS_OF_CURVE))
    for rows, group, count in groups:
        place = start[rows][:, None] + np.arange(count)
        group_x, group_y = curve_points(group, count)
        x[place], y[place] = np.round(group_x, 2), np.round(group_y, 2)
    return start, x, y


def _speeds(turns: Turns, length: Float, lane_speed: Float) -> Float:
    """(C,) [m/s] mean of both lanes' limits, slower in bends: sqrt(a r) with r = length / angle."""
    limit = (lane_speed[turns.from_lane] + lane_speed[turns.to_lane]) / 2.0
    bend = np.maximum(np.abs(turns.angle), 1e-3)
    return np.asarray(np.round(np.minimum(limit, np.sqrt(LATERAL_ACCEL * length / bend)), 2), np.float64)
