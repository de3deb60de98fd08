"""From streets to edges and lanes: where streets meet, how far lanes stand back from there, where they lie.

Traffic keeps right. Lane 0 is next to the kerb; the lanes of a two-way street lie to both sides of its
centre line, those of a one-way street are centred on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.synthetic.streets import Streets

__all__ = ["LANE_WIDTH", "Arms", "Edges", "build_arms", "build_edges"]

LANE_WIDTH = 3.2  # [m] SUMO's default
CORNER = 3.0  # [m] between the crossing of two kerbs and the stop line
MIN_SETBACK = 2.5  # [m]
MAX_SETBACK_SHARE = 0.38  # of a street's length, at each end
SHARPEST = np.radians(25.0)  # kerbs that meet more sharply are cut as if they met like this
Int = NDArray[np.int32]
Float = NDArray[np.float64]


class Arms(NamedTuple):
    """Street ends (A = 2 K): end 2 k is street k at its from node, 2 k + 1 at its to node."""

    node: Int  # (A,)
    angle: Float  # (A,) [rad] outwards
    rank: Int  # (A,) place around the node, clockwise from north
    setback: Float  # (A,) [m] from the node to the stop line


class Edges(NamedTuple):
    """Directed edges (E) in the order of streets, forward before backward, and their lanes (L)."""

    street: Int  # (E,)
    is_backward: NDArray[np.bool_]  # (E,)
    start: Int  # (E,) node
    end: Int  # (E,) node
    start_arm: Int  # (E,)
    end_arm: Int  # (E,)
    heading: Float  # (E,) [rad]
    first_lane: Int  # (E+1,)
    lane_edge: Int  # (L,)
    lane_from: tuple[Float, Float]  # (L,) [m] where the lane begins
    lane_to: tuple[Float, Float]  # (L,) [m] stop line


def build_arms(streets: Streets) -> Arms:
    """Order the streets around each node and find the stop lines."""
    node = np.stack([streets.street_from, streets.street_to], axis=1).reshape(-1).astype(np.int32)
    dx = streets.node_x[streets.street_to] - streets.node_x[streets.street_from]
    dy = streets.node_y[streets.street_to] - streets.node_y[streets.street_from]
    length = np.hypot(dx, dy)
    angle = np.stack([np.arctan2(dy, dx), np.arctan2(-dy, -dx)], axis=1).reshape(-1)
    clockwise = (np.pi / 2 - angle) % (2 * np.pi)
    order = np.lexsort((clockwise, node))
    count = np.bincount(node, minlength=streets.num_nodes)
    first = np.concatenate([[0], np.cumsum(count)])
    rank = np.empty(len(node), np.int32)
    rank[order] = np.arange(len(node)) - first[node[order]]
    wanted = _setbacks(streets, node, clockwise, order, rank, count, first)
    limit = np.repeat(length * MAX_SETBACK_SHARE, 2)
    return Arms(node, angle, rank, np.minimum(wanted, limit))


def _setbacks(
    streets: Streets,
    node: Int,
    clockwise: Float,
    order: NDArray[np.int64],
    rank: Int,
    count: NDArray[np.int64],
    first: NDArray[np.int64],
) -> Float:
    """[m] so far back that the kerbs of neighbouring arms do not cross."""
    left, right = _widths(streets)
    following = order[first[node] + (rank + 1) % count[node]]  # next arm clockwise
    gap = (clockwise[following] - clockwise) % (2 * np.pi)
    gap[count[node] == 1] = 2 * np.pi
    is_corner = gap < np.radians(172.0)
    sine = np.sin(np.clip(gap, SHARPEST, np.pi - 0.1))
    own, other = right, left[following]
    back_own = np.where(is_corner, (other + own * np.cos(gap)) / sine, 0.0)
    back_other = np.where(is_corner, (own + other * np.cos(gap)) / sine, 0.0)
    back = np.maximum(back_own, 0.0)
    np.maximum.at(back, following, back_other)
    setback: Float = np.maximum(back + np.where(back > 0.0, CORNER, 0.0), MIN_SETBACK)
    return setback


def _widths(streets: Streets) -> tuple[Float, Float]:
    """[m] of each arm to the left and right of the centre line, seen from the node outwards."""
    forward, backward = _sides(streets)
    left = np.stack([backward, forward], axis=1).reshape(-1)
    right = np.stack([forward, backward], axis=1).reshape(-1)
    return left, right


def _sides(streets: Streets) -> tuple[Float, Float]:
    """[m] to the right and left of each street's centre line, seen forwards."""
    both = (streets.lanes_forward > 0) & (streets.lanes_backward > 0)
    half = (streets.lanes_forward + streets.lanes_backward) * LANE_WIDTH / 2.0
    right = np.where(both, streets.lanes_forward * LANE_WIDTH, half)
    left = np.where(both, streets.lanes_backward * LANE_WIDTH, half)
    return right, left


def build_edges(streets: Streets, arms: Arms) -> Edges:
    """Edges of the streets' open directions with the ends of their lanes."""
    lanes = np.stack([streets.lanes_forward, streets.lanes_backward], axis=1).reshape(-1)
    slot = np.flatnonzero(lanes > 0)  # 2 street + direction
    street, is_backward = (slot // 2).astype(np.int32), slot % 2 == 1
    start_arm = slot.astype(np.int32)  # forward begins at arm 2 k, backward at 2 k + 1
    end_arm = (slot ^ 1).astype(np.int32)
    num_lanes = lanes[slot]
    first_lane = np.concatenate([[0], np.cumsum(num_lanes)]).astype(np.int32)
    lane_edge = np.repeat(np.arange(len(slot), dtype=np.int32), num_lanes)
    index = np.arange(first_lane[-1]) - first_lane[lane_edge]
    kerb = np.stack(_sides(streets), axis=1).reshape(-1)[slot]
    offset = kerb[lane_edge] - (index + 0.5) * LANE_WIDTH  # [m] to the right of the centre line
    heading = arms.angle[start_arm]
    begin = _lane_ends(streets, arms, start_arm, heading, lane_edge, offset, 1.0)
    finish = _lane_ends(streets, arms, end_arm, heading, lane_edge, offset, -1.0)
    return Edges(
        street, is_backward, arms.node[start_arm], arms.node[end_arm], start_arm, end_arm, heading,
        first_lane, lane_edge, begin, finish,
    )  # fmt: skip


def _lane_ends(streets: Streets, arms: Arms, arm: Int, heading: Float, lane_edge: Int, offset: Float, sign: float) -> tuple[Float, Float]:
    along = sign * arms.setback[arm]
    x = streets.node_x[arms.node[arm]] + along * np.cos(heading)
    y = streets.node_y[arms.node[arm]] + along * np.sin(heading)
    return (
        np.round(x[lane_edge] + offset * np.sin(heading)[lane_edge], 2),
        np.round(y[lane_edge] - offset * np.cos(heading)[lane_edge], 2),
    )
