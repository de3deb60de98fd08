"""The plan of a city before lanes and junctions are worked out: nodes and straight streets."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPEED_OF_RANK", "TYPE_OF_RANK", "Control", "Rank", "Streets", "with_roundabouts"]

Int = NDArray[np.int32]
Float = NDArray[np.float64]
ROUNDABOUT_RADIUS = 20.0  # [m] centre line of the circle


class Rank(enum.IntEnum):
    """How important a street is."""

    LOCAL = 1
    COLLECTOR = 2
    ARTERIAL = 3
    CIRCLE = 4  # the circle of a roundabout


class Control(enum.IntEnum):
    """What rules a node."""

    AUTO = 0  # priority where ranks differ, right before left among local streets
    SIGNAL = 1
    ROUNDABOUT = 2  # one entry of a roundabout


SPEED_OF_RANK = {Rank.LOCAL: 30 / 3.6, Rank.COLLECTOR: 50 / 3.6, Rank.ARTERIAL: 50 / 3.6, Rank.CIRCLE: 25 / 3.6}
TYPE_OF_RANK = {
    Rank.LOCAL: "highway.residential",
    Rank.COLLECTOR: "highway.tertiary",
    Rank.ARTERIAL: "highway.primary",
    Rank.CIRCLE: "highway.secondary",
}


@dataclass(frozen=True, eq=False)
class Streets:
    """Nodes (J) and streets (K). A street is straight and has lanes forward, backward or both ways."""

    name: str
    node_x: Float  # (J,) [m]
    node_y: Float  # (J,) [m]
    node_control: NDArray[np.uint8]  # (J,) Control
    node_district: Int  # (J,) row of districts
    street_from: Int  # (K,)
    street_to: Int  # (K,)
    lanes_forward: Int  # (K,) 0 = closed in this direction
    lanes_backward: Int  # (K,)
    street_rank: Int  # (K,) Rank
    street_speed: Float  # (K,) [m/s]
    street_name: tuple[str, ...]  # (K,)
    street_has_doors: NDArray[np.bool_]  # (K,) trips may begin and end here
    districts: tuple[str, ...]  # names
    homes: Float  # (districts,) share of the people who live there, per metre of street, relative
    jobs: Float  # (districts,) share of the people who work there, per metre of street, relative
    roundabouts: tuple[tuple[int, ...], ...] = ()  # streets of each circle
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def num_nodes(self) -> int:
        """Junctions of the plan."""
        return len(self.node_x)

    @property
    def num_streets(self) -> int:
        """Streets of the plan, each with one or both directions."""
        return len(self.street_from)


def with_roundabouts(streets: Streets, nodes: NDArray[np.integer]) -> Streets:
    """Replace nodes by circles with one node for each street that meets there."""
    if len(nodes) == 0:
        return streets
    grown = streets
    for node in nodes.tolist():
        grown = _with_circle(grown, node)
    return grown


def _with_circle(streets: Streets, node: int) -> Streets:
    ends = np.concatenate([np.flatnonzero(streets.street_from == node), np.flatnonzero(streets.street_to == node)])
    starts_here = streets.street_from[ends] == node
    other = np.where(starts_here, streets.street_to[ends], streets.street_from[ends])
    angle = np.arctan2(streets.node_y[other] - streets.node_y[node], streets.node_x[other] - streets.node_x[node])
    order = np.argsort(angle, kind="stable")
    ends, starts_here, angle = ends[order], starts_here[order], angle[order]
    # the first entry keeps the node's own row, so that no other row moves
    rows = np.concatenate([[node], streets.num_nodes + np.arange(len(ends) - 1)]).astype(np.int32)
    x, y = streets.node_x[node], streets.node_y[node]
    new_x, new_y = x + ROUNDABOUT_RADIUS * np.cos(angle), y + ROUNDABOUT_RADIUS * np.sin(angle)
    node_x, node_y = np.concatenate([streets.node_x, new_x[1:]]), np.concatenate([streets.node_y, new_y[1:]])
    node_x[node], node_y[node] = new_x[0], new_y[0]
    control = np.concatenate([streets.node_control, np.full(len(ends) - 1, Control.ROUNDABOUT, np.uint8)])
    control[node] = Control.ROUNDABOUT
    street_from, street_to = streets.street_from.copy(), streets.street_to.copy()
    street_from[ends[starts_here]] = rows[starts_here]
    street_to[ends[~starts_here]] = rows[~starts_here]
    circle = streets.num_streets + np.arange(len(ends))
    count = len(ends)
    district = np.full(count - 1, streets.node_district[node], np.int32)
    return replace(
        streets,
        node_x=node_x,
        node_y=node_y,
        node_control=control,
        node_district=np.concatenate([streets.node_district, district]),
        street_from=np.concatenate([street_from, rows]),
        street_to=np.concatenate([street_to, np.roll(rows, -1)]),
        lanes_forward=np.concatenate([streets.lanes_forward, np.ones(count, np.int32)]),
        lanes_backward=np.concatenate([streets.lanes_backward, np.zeros(count, np.int32)]),
        street_rank=np.concatenate([streets.street_rank, np.full(count, Rank.CIRCLE, np.int32)]),
        street_speed=np.concatenate([streets.street_speed, np.full(count, SPEED_OF_RANK[Rank.CIRCLE])]),
        street_name=streets.street_name + ("",) * count,
        street_has_doors=np.concatenate([streets.street_has_doors, np.zeros(count, dtype=bool)]),
        roundabouts=(*streets.roundabouts, tuple(circle.tolist())),
    )
