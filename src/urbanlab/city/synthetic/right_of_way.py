"""Who meets whom inside a junction, and who waits.

Entries and exits of all lanes lie around a junction in a known order. Two paths through it cross exactly when
their end points alternate on that circle, whatever their curves are, and merge when they end on the same lane.
Paths from the same edge never cross (the lanes are laid out so) and are no foes.

Letters: C connections that enter junctions (= requests), in the order of `turns`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import JunctionType
from urbanlab.city.synthetic.lanes import Arms, Edges
from urbanlab.city.synthetic.streets import Control, Rank, Streets
from urbanlab.city.synthetic.turns import LEFT, Turns

__all__ = ["RightOfWay", "junction_types", "right_of_way"]

LANES_PER_ARM = 64  # room for the lanes of one arm in the order around a node
PAIRS_AT_ONCE = 2_000_000
OPPOSITE_WITHIN = np.radians(50.0)
Int = NDArray[np.int32]


class RightOfWay(NamedTuple):
    """Pairs of requests, sorted; `yields` marks those where the first waits for the second."""

    foe_start: NDArray[np.int64]  # (C+1,)
    foe: Int  # requests
    yields: NDArray[np.bool_]  # same rows as foe
    opposes: NDArray[np.bool_]  # same rows as foe: it comes from the opposite arm


def junction_types(streets: Streets, arms: Arms) -> NDArray[np.uint8]:
    """(J,) JunctionType: what is planned, else by the ranks of the streets that meet."""
    rank = np.repeat(streets.street_rank, 2)
    count = np.bincount(arms.node, minlength=streets.num_nodes)
    highest = np.zeros(streets.num_nodes, np.int32)
    np.maximum.at(highest, arms.node, rank)
    num_highest = np.bincount(arms.node[rank == highest[arms.node]], minlength=streets.num_nodes)
    is_equal = (count > 2) & (num_highest == count)
    kind = np.where(is_equal, JunctionType.RIGHT_BEFORE_LEFT, JunctionType.PRIORITY)
    kind[count == 1] = JunctionType.DEAD_END
    kind[streets.node_control == Control.SIGNAL] = JunctionType.TRAFFIC_LIGHT
    return kind.astype(np.uint8)


class _Facts(NamedTuple):
    """What a pair test needs of each connection."""

    entry: Int  # (C,) place on the circle
    exit: Int  # (C,)
    from_edge: Int  # (C,)
    level: Int  # (C,) rank of the edge it comes from
    clockwise: NDArray[np.float64]  # (C,) [rad] where it comes from
    is_left: NDArray[np.bool_]  # (C,)
    is_signal: NDArray[np.bool_]  # (C,)


def right_of_way(streets: Streets, arms: Arms, edges: Edges, turns: Turns, kinds: NDArray[np.uint8]) -> RightOfWay:
    """Foes of every connection and whom it yields to."""
    facts = _facts(streets, arms, edges, turns, kinds)
    new_node = np.flatnonzero(np.diff(turns.node, prepend=-1))
    size = np.diff(np.append(new_node, len(turns.node)))
    parts: list[tuple[Int, Int, NDArray[np.bool_], NDArray[np.bool_]]] = []
    for num in np.unique(size).tolist():
        starts = new_node[size == num]
        at_once = max(1, PAIRS_AT_ONCE // (num * num))
        for chunk in range(0, len(starts), at_once):
            rows = starts[chunk : chunk + at_once, None] + np.arange(num)
            parts.append(_pairs(facts, rows))
    one, other, yields, opposes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((other, one))
    start = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=len(turns.node)))]).astype(np.int64)
    return RightOfWay(start, other[order].astype(np.int32), yields[order], opposes[order])


def _facts(streets: Streets, arms: Arms, edges: Edges, turns: Turns, kinds: NDArray[np.uint8]) -> _Facts:
    in_arm, out_arm = edges.end_arm[turns.from_edge], edges.start_arm[turns.to_edge]
    from_index = turns.from_lane - edges.first_lane[turns.from_edge]
    to_index = turns.to_lane - edges.first_lane[turns.to_edge]
    # clockwise, an arm shows its incoming lanes from the kerb inwards, then its outgoing ones outwards
    entry = arms.rank[in_arm] * LANES_PER_ARM + from_index
    leave = arms.rank[out_arm] * LANES_PER_ARM + LANES_PER_ARM - 1 - to_index
    level = np.where(
        streets.street_rank[edges.street[turns.from_edge]] == Rank.CIRCLE,
        int(Rank.CIRCLE),
        np.minimum(streets.street_rank[edges.street[turns.from_edge]], int(Rank.ARTERIAL)),
    )
    return _Facts(
        entry.astype(np.int32), leave.astype(np.int32), turns.from_edge, level.astype(np.int32),
        (np.pi / 2 - arms.angle[in_arm]) % (2 * np.pi), turns.kind >= LEFT,
        kinds[turns.node] == JunctionType.TRAFFIC_LIGHT,
    )  # fmt: skip


def _pairs(facts: _Facts, rows: NDArray[np.int64]) -> tuple[Int, Int, NDArray[np.bool_], NDArray[np.bool_]]:
    """Foe pairs within junctions that have the same number of connections; rows : (N, n)."""
    one, other = rows[:, :, None], rows[:, None, :]
    low = np.minimum(facts.entry, facts.exit)
    high = np.maximum(facts.entry, facts.exit)
    entry_between = (facts.entry[other] > low[one]) & (facts.entry[other] < high[one])
    exit_between = (facts.exit[other] > low[one]) & (facts.exit[other] < high[one])
    merges = facts.exit[one] == facts.exit[other]
    is_foe = (facts.from_edge[one] != facts.from_edge[other]) & (merges | (entry_between != exit_between))
    first, second = np.broadcast_to(one, is_foe.shape)[is_foe], np.broadcast_to(other, is_foe.shape)[is_foe]
    turn = (facts.clockwise[second] - facts.clockwise[first]) % (2 * np.pi)
    opposes = np.abs(turn - np.pi) < OPPOSITE_WITHIN
    return first, second, _yields(facts, first, second, turn, opposes), opposes


def _yields(facts: _Facts, first: Int, second: Int, turn: NDArray[np.float64], opposes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Minor yields to major; among equals the left turn to oncoming traffic, then the left to the right.

    At signals oncoming traffic goes before rank: both may have green together.
    """
    by_level = facts.level[second] > facts.level[first]
    same_level = facts.level[second] == facts.level[first]
    left_first, left_second = facts.is_left[first], facts.is_left[second]
    is_turn_decided = opposes & (left_first != left_second)
    from_right = (turn > np.pi) | ((turn == np.pi) & (first > second))
    among_equals = np.where(is_turn_decided, left_first, from_right)
    turn_before_rank = facts.is_signal[first] & is_turn_decided
    yields: NDArray[np.bool_] = np.where(same_level | turn_before_rank, among_equals, by_level)
    return yields
