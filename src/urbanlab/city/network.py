"""The static street network as immutable columns.

Letters in shapes: J junctions, E edges, L lanes, C connections, R requests, S signals.
Everything is SI; "none" is -1. Edges include the internal ones (inside junctions): a vehicle
crosses a junction on the internal lane(s) named by its connection.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.frozen import FrozenDict, freeze

__all__ = [
    "ALL_CLASSES",
    "VEHICLE_CLASSES",
    "EdgeFunction",
    "JunctionType",
    "Network",
    "class_mask",
    "usual_visibility",
]

Int = NDArray[np.int32]
Float = NDArray[np.float64]

# The position of a name is its bit in a permission mask; the names are SUMO's vehicle classes.
VEHICLE_CLASSES: tuple[str, ...] = (
    "ignoring", "private", "emergency", "authority", "army", "vip", "pedestrian", "passenger",
    "hov", "taxi", "bus", "coach", "delivery", "truck", "trailer", "motorcycle", "moped",
    "bicycle", "evehicle", "tram", "rail_urban", "rail", "rail_electric", "rail_fast", "ship",
    "container", "cable_car", "subway", "aircraft", "wheelchair", "scooter", "drone",
    "custom1", "custom2",
)  # fmt: skip
ALL_CLASSES: int = (1 << len(VEHICLE_CLASSES)) - 1


def class_mask(*names: str) -> int:
    """Bit mask of vehicle classes.

    Examples
    --------
    >>> class_mask("ignoring", "private")
    3
    """
    return sum(1 << VEHICLE_CLASSES.index(name) for name in set(names))


def usual_visibility(state: NDArray[np.uint8]) -> Float:
    """From where drivers on links of these states see the others (SUMO's defaults) [m].

    Examples
    --------
    >>> usual_visibility(np.frombuffer(b"MmZ", np.uint8)).tolist()
    [4.5, 4.5, 100.0]
    """
    return np.where(state == ord("Z"), 100.0, 4.5)


class EdgeFunction(enum.IntEnum):
    """What an edge is for."""

    NORMAL = 0
    INTERNAL = 1
    CROSSING = 2
    WALKINGAREA = 3
    CONNECTOR = 4


class JunctionType(enum.IntEnum):
    """How right of way is decided at a junction (SUMO's junction types)."""

    PRIORITY = 0
    TRAFFIC_LIGHT = 1
    RIGHT_BEFORE_LEFT = 2
    LEFT_BEFORE_RIGHT = 3
    UNREGULATED = 4
    PRIORITY_STOP = 5
    ALLWAY_STOP = 6
    ZIPPER = 7
    DEAD_END = 8
    INTERNAL = 9
    RAIL_SIGNAL = 10
    RAIL_CROSSING = 11
    TRAFFIC_LIGHT_RIGHT_ON_RED = 12
    TRAFFIC_LIGHT_UNREGULATED = 13
    DISTRICT = 14


@dataclass(frozen=True, eq=False)
class Network:
    """Streets as columns; see the comment beside each field for shape, unit and range."""

    # junctions; internal junctions (waiting points inside a junction) included
    junction_id: tuple[str, ...]
    junction_type: NDArray[np.uint8]  # (J,) JunctionType
    junction_x: Float  # (J,) [m]
    junction_y: Float  # (J,) [m]
    junction_inc_start: NDArray[np.int64]  # (J+1,) ranges of junction_inc_lane
    junction_inc_lane: Int  # lanes that lead into the junction, in the source's order
    junction_int_start: NDArray[np.int64]  # (J+1,) ranges of junction_int_lane
    junction_int_lane: Int  # internal lanes; for an internal junction: those it waits for

    # edges
    edge_id: tuple[str, ...]
    edge_from: Int  # (E,) junction; an internal edge has its own junction at both ends
    edge_to: Int  # (E,) junction
    edge_function: NDArray[np.uint8]  # (E,) EdgeFunction
    edge_priority: Int  # (E,) higher = more important
    edge_first_lane: Int  # (E+1,) lanes of an edge are contiguous, lane 0 next to the kerb
    edge_name: tuple[str, ...]  # (E,) street name or ""
    edge_type: tuple[str, ...]  # (E,) type of the source, e.g. highway.primary, or ""

    # lanes
    lane_edge: Int  # (L,)
    lane_length: Float  # (L,) [m] > 0; what vehicles drive, may differ from the shape's length
    lane_speed: Float  # (L,) [m/s] > 0 speed limit
    lane_width: Float  # (L,) [m]
    lane_permissions: NDArray[np.int64]  # (L,) bit mask over VEHICLE_CLASSES
    lane_shape_start: NDArray[np.int64]  # (L+1,) ranges of shape_x, shape_y
    shape_x: Float  # [m]
    shape_y: Float  # [m]

    # connections: lane to lane; also the links from internal lanes onwards.
    # A movement split by an internal junction is three rows:
    #   from lane -> to lane via internal lane A; A -> to lane via internal lane B; B -> to lane (via -1)
    # an unsplit one two: from -> to via A; A -> to (via -1). Without internal lanes: via -1.
    connection_from: Int  # (C,) lane
    connection_to: Int  # (C,) lane, always a lane of a normal edge
    connection_via: Int  # (C,) internal lane or -1
    connection_junction: Int  # (C,) junction that it crosses (for links of internal lanes too)
    connection_request: Int  # (C,) row of the requests, -1 none (links from internal lanes)
    connection_signal: Int  # (C,) signal or -1
    connection_link: Int  # (C,) index into the state string of its signal or -1
    connection_direction: NDArray[np.uint8]  # (C,) ord of one of s l r L R t i
    connection_state: NDArray[np.uint8]  # (C,) ord of the link state without a signal: M m = s w Z o O -
    connection_keep_clear: NDArray[np.bool_]  # (C,) may not stand in the junction
    connection_visibility: Float  # (C,) [m] > 0 before its end, from where a driver sees who has to be yielded to
    connection_permissions: NDArray[np.int64]  # (C,) bit mask over VEHICLE_CLASSES

    # right of way; a request is one connection that enters a junction
    request_junction: Int  # (R,)
    request_cont: NDArray[np.bool_]  # (R,) may wait inside the junction
    response_start: NDArray[np.int64]  # (R+1,) ranges of response_request
    response_request: Int  # requests (rows) that this one has to yield to
    foe_start: NDArray[np.int64]  # (R+1,) ranges of foe_request
    foe_request: Int  # requests (rows) whose path crosses or joins this one's

    # signals: see program.SignalPrograms; here only their names
    signal_id: tuple[str, ...]  # (S,)

    roundabouts: tuple[tuple[int, ...], ...] = ()  # edges of each
    projection: str = "!"  # PROJ string, "!" where the source has none
    offset_x: float = 0.0  # [m] added to projected coordinates
    offset_y: float = 0.0  # [m]
    lefthand: bool = False
    source_version: str = ""
    attributes: dict[str, str] = field(default_factory=dict)  # anything small worth keeping

    @property
    def num_junctions(self) -> int:
        """Junctions, internal ones included."""
        return len(self.junction_id)

    @property
    def num_edges(self) -> int:
        """Edges, internal ones included."""
        return len(self.edge_id)

    @property
    def num_lanes(self) -> int:
        """Lanes, internal ones included."""
        return len(self.lane_edge)

    @property
    def num_connections(self) -> int:
        """Connections, those from internal lanes included."""
        return len(self.connection_from)

    @property
    def num_signals(self) -> int:
        """Signals."""
        return len(self.signal_id)

    @cached_property
    def edge_of_id(self) -> dict[str, int]:
        """Edge by its external identifier."""
        return FrozenDict(zip(self.edge_id, range(self.num_edges), strict=True))

    @cached_property
    def junction_of_id(self) -> dict[str, int]:
        """Junction by its external identifier."""
        return FrozenDict(zip(self.junction_id, range(self.num_junctions), strict=True))

    def lane_id(self, lane: int) -> str:
        """External identifier of a lane: its edge's, an underscore, its index from the kerb."""
        edge = int(self.lane_edge[lane])
        return f"{self.edge_id[edge]}_{lane - int(self.edge_first_lane[edge])}"

    def lane_of_id(self, lane_id: str) -> int:
        """Lane by its external identifier; -1 where there is none."""
        name, _, index = lane_id.rpartition("_")
        edge = self.edge_of_id.get(name, -1)
        if edge < 0 or not (index.isascii() and index.isdigit()):
            return -1
        lane = int(self.edge_first_lane[edge]) + int(index)
        return lane if lane < self.edge_first_lane[edge + 1] else -1

    def lane_shape(self, lane: int) -> NDArray[np.float64]:
        """Centre line of a lane, (N, 2) [m]."""
        part = slice(int(self.lane_shape_start[lane]), int(self.lane_shape_start[lane + 1]))
        return np.column_stack([self.shape_x[part], self.shape_y[part]])

    def __post_init__(self) -> None:
        freeze(self)
