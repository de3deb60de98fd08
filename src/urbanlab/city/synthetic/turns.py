"""Which lane may turn where.

Lane 0 turns right and goes straight on, the inner lane turns left, the lanes between go straight on. Where there is
no way straight on, one lane turns both ways.
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
    number: Int  # (C,) within the node


class _Movements(NamedTuple):
    from_edge: NDArray[np.int64]  # (M,)
    to_edge: NDArray[np.int64]
    angle: Float
    kind: NDArray[np.int8]


def build_turns(arms: Arms, edges: Edges, num_nodes: int) -> Turns:
    """All connections that enter junctions."""
    moves = _movements(edges, num_nodes)
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


def ways_on(street: Int, start: Int, end: Int, num_nodes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of edges of which the second may follow the first: every way on, back only where there is no other.

    Where no three streets meet anywhere, as on a single ring, one may turn back at every node, for there would
    be no way to the other side of the street.

    Parameters
    ----------
    street, start, end : (E,) street of each edge and the nodes it leads from and to
    """
    leaving = np.argsort(start, kind="stable")
    num_leaving = np.bincount(start, minlength=num_nodes)
    first_leaving = np.concatenate([[0], np.cumsum(num_leaving)])
    choices = num_leaving[end]
    one = np.repeat(np.arange(len(end)), choices)
    place = np.arange(len(one)) - np.repeat(np.cumsum(choices) - choices, choices)
    other = leaving[first_leaving[end[one]] + place]
    known = np.unique(np.stack([np.concatenate([start, end]), np.concatenate([street, street])]), axis=1)
    has_junction = np.bincount(known[0], minlength=num_nodes).max(initial=0) > 2
    keep = (street[one] != street[other]) | (choices[one] == 1) | (not has_junction)
    return one[keep], other[keep]


def _movements(edges: Edges, num_nodes: int) -> _Movements:
    """Every way on from every edge, with its angle and kind."""
    from_edge, to_edge = ways_on(edges.street, edges.start, edges.end, num_nodes)
    is_back = edges.street[from_edge] == edges.street[to_edge]
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
    count = _lane_counts(lanes_of, _room(moves, lanes_of))[moves.kind, moves.from_edge]
    from_inner = moves.kind >= LEFT
    first = np.where(from_inner, num_lanes - count, 0)
    to_first = np.where(from_inner, num_targets - count, 0)
    return first.astype(np.int32), count.astype(np.int32), to_first.astype(np.int32)


def _room(moves: _Movements, lanes_of: Int) -> NDArray[np.int64]:
    """(kinds, E) lanes that may turn each way, 0 where there is no such turn.

    Several turns to one side share the outermost lane: side by side their paths would cross.
    """
    shape = (len(LETTER), len(lanes_of))
    size, narrowest = np.zeros(shape, np.int64), np.full(shape, np.iinfo(np.int64).max)
    np.add.at(size, (moves.kind, moves.from_edge), 1)
    np.minimum.at(narrowest, (moves.kind, moves.from_edge), lanes_of[moves.to_edge])
    return np.where(size == 1, narrowest, np.minimum(size, 1))


def _lane_counts(lanes_of: Int, room: NDArray[np.int64]) -> NDArray[np.int64]:
    """(kinds, E) lanes that turn each way, the right turns from the kerb, the left turns from the middle."""
    to_right, ahead, to_left, back = room
    straight = np.minimum(np.where((to_left > 0) & (lanes_of > 1), lanes_of - 1, lanes_of), ahead)
    # without a way ahead one lane turns both ways, where there is room: nobody waits in a lane that only turns right
    right = np.minimum(np.where(to_left > 0, np.maximum(lanes_of // 2, 1), lanes_of), to_right)
    left = np.minimum(np.where(to_right > 0, lanes_of - right + 1, lanes_of), to_left)
    right = np.where(to_left > 0, np.minimum(lanes_of - left + 1, to_right), right)
    # beside a way ahead the kerb lane turns right, and to the left all that can't go ahead
    right = np.where(ahead > 0, np.minimum(to_right, 1), right)
    left = np.where(ahead > 0, np.minimum(to_left, np.maximum(lanes_of - straight, 1)), left)
    return np.stack([right, straight, left, np.minimum(back, 1)])
