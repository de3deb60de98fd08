"""Which lane may turn where.

Lane 0 turns right and goes straight on, the inner lane turns left, the lanes between go straight on.
Movements are counted clockwise around a node, from the right turn to the left turn, lane by lane: the order
of SUMO's link indices.

Letters: M movements (edge to edge), C connections (lane to lane) that enter junctions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.geometry import wrap_angle
from urbanlab.city.synthetic.lanes import Arms, Edges

__all__ = ["Turns", "build_turns"]

STRAIGHT_WITHIN = np.radians(50.0)
RIGHT, STRAIGHT, LEFT, BACK = 0, 1, 2, 3
LETTER = np.frombuffer(b"rslt", np.uint8)
Int = NDArray[np.int32]
Float = NDArray[np.float64]


class Turns(NamedTuple):
    """Connections from lane to lane, sorted by node, incoming arm clockwise, lane, right to left."""

    node: Int  # (C,)
    from_edge: Int  # (C,)
    to_edge: Int  # (C,)
    from_lane: Int  # (C,)
    to_lane: Int  # (C,)
    angle: Float  # (C,) [rad] positive to the left
    kind: NDArray[np.int8]  # (C,) RIGHT, STRAIGHT, LEFT, BACK
    index: Int  # (C,) number within the node


class _Movements(NamedTuple):
    from_edge: NDArray[np.int64]  # (M,)
    to_edge: NDArray[np.int64]
    angle: Float
    kind: NDArray[np.int8]


def build_turns(arms: Arms, edges: Edges, num_nodes: int) -> Turns:
    """All connections that enter junctions."""
    moves = _movements(arms, edges, num_nodes)
    first, count, to_first = _lane_ranges(moves, edges)
    row = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    from_lane = edges.first_lane[moves.from_edge][row] + first[row] + place
    to_lane = edges.first_lane[moves.to_edge][row] + to_first[row] + place
    from_edge, to_edge, angle = moves.from_edge[row], moves.to_edge[row], moves.angle[row]
    node, rank = edges.end[from_edge], arms.rank[edges.end_arm[from_edge]]
    order = np.lexsort((angle, from_lane, rank, node))
    node = node[order]
    new_node = np.flatnonzero(np.diff(node, prepend=-1))
    index = np.arange(len(node)) - np.repeat(new_node, np.diff(np.append(new_node, len(node))))
    return Turns(
        node.astype(np.int32), from_edge[order].astype(np.int32), to_edge[order].astype(np.int32),
        from_lane[order].astype(np.int32), to_lane[order].astype(np.int32), angle[order],
        moves.kind[row][order], index.astype(np.int32),
    )  # fmt: skip


def _movements(arms: Arms, edges: Edges, num_nodes: int) -> _Movements:
    """Every way on from every edge; back only where there is no other."""
    leaving = np.argsort(edges.start, kind="stable")
    num_leaving = np.bincount(edges.start, minlength=num_nodes)
    first_leaving = np.concatenate([[0], np.cumsum(num_leaving)])
    choices = num_leaving[edges.end]
    from_edge = np.repeat(np.arange(len(edges.end)), choices)
    place = np.arange(len(from_edge)) - np.repeat(np.cumsum(choices) - choices, choices)
    to_edge = leaving[first_leaving[edges.end[from_edge]] + place]
    is_back = edges.street[from_edge] == edges.street[to_edge]
    keep = ~is_back | (choices[from_edge] == 1)
    from_edge, to_edge, is_back = from_edge[keep], to_edge[keep], is_back[keep]
    angle = wrap_angle(edges.heading[to_edge] - edges.heading[from_edge])
    angle = np.where(is_back, np.pi, angle)
    kind = np.where(angle < 0, RIGHT, LEFT).astype(np.int8)
    by_bend = np.lexsort((np.abs(angle), from_edge))
    straightest = by_bend[np.flatnonzero(np.diff(from_edge[by_bend], prepend=-1))]
    kind[straightest[np.abs(angle[straightest]) < STRAIGHT_WITHIN]] = STRAIGHT
    kind[is_back] = BACK
    return _Movements(from_edge, to_edge, angle, kind)


def _lane_ranges(moves: _Movements, edges: Edges) -> tuple[Int, Int, Int]:
    """For each movement: first lane, number of lanes, first target lane."""
    lanes_of = np.diff(edges.first_lane)
    num_lanes, num_targets = lanes_of[moves.from_edge], lanes_of[moves.to_edge]
    has = [np.zeros(len(lanes_of), dtype=bool) for _ in range(3)]
    for kind in (RIGHT, STRAIGHT, LEFT):
        has[kind][moves.from_edge[moves.kind == kind]] = True
    has_right, has_straight, has_left = (flags[moves.from_edge] for flags in has)
    narrow = num_lanes == 1
    # straight: all lanes but the inner one where that turns left
    straight = np.where(has_left & ~narrow, num_lanes - 1, num_lanes)
    # right: lane 0; without a way straight on, half of the lanes
    right = np.where(has_straight, 1, np.where(has_left, np.maximum(num_lanes // 2, 1), num_lanes))
    left = np.where(has_straight, 1, np.where(has_right, num_lanes - np.maximum(num_lanes // 2, 1), num_lanes))
    wish = np.choose(moves.kind, [right, straight, np.maximum(left, 1), np.ones_like(left)])
    count = np.minimum(np.minimum(wish, num_targets), num_lanes)
    # several turns to one side share the outermost lane: side by side their paths would cross
    side = moves.from_edge * 4 + moves.kind
    _, side_row, side_size = np.unique(side, return_inverse=True, return_counts=True)
    count = np.where(side_size[side_row.reshape(-1)] > 1, 1, count)
    from_inner = moves.kind >= LEFT
    first = np.where(from_inner, num_lanes - count, 0)
    to_first = np.where(from_inner, num_targets - count, 0)
    return first.astype(np.int32), count.astype(np.int32), to_first.astype(np.int32)
