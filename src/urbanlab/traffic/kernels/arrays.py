"""The static arrays that kernels read: network, vehicle types, stops, routes.

Letters: L lanes, E edges, K links (connections sorted by the lane they start from), F conflicts, Y yields,
T vehicle types, P route positions, B lanes of route positions, S stops.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import rows

__all__ = [
    "EDGE_BRANCHES",
    "EDGE_CHANGES",
    "EDGE_NEARS_ROUNDABOUT",
    "LINK_CONT",
    "LINK_EXIT",
    "LINK_INSIDE",
    "LINK_KEEP_CLEAR",
    "LINK_WAIT",
    "LINK_WATCHED",
    "MAX_WINDOW",
    "MEET_CONT",
    "MEET_FOE_FIRST",
    "MEET_FOE_YIELDS",
    "MEET_SOURCE",
    "MEET_TARGET",
    "MEET_YIELDS",
    "NUM_POSITIONS",
    "NUM_ROWS",
    "NUM_RUNS",
    "ROUNDABOUT_REACH",
    "Net",
    "Params",
    "Places",
    "Routes",
    "Runs",
    "Stops",
    "Types",
]

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

LINK_KEEP_CLEAR = 1  # may not be entered without room behind it, since others cross its junction
LINK_EXIT = 2  # leads out of a junction
LINK_CONT = 4  # may wait inside the junction, so that entering needs no gap
LINK_WAIT = 8  # leads on from a waiting point inside a junction
LINK_INSIDE = 16  # starts on an internal lane
LINK_WATCHED = 32  # others yield to it, so its vehicles announce their arrival

EDGE_NEARS_ROUNDABOUT = 1  # is part of a roundabout, or leads to one within reach
EDGE_BRANCHES = 2  # ends at a junction of more than two edges
EDGE_CHANGES = 4  # vehicles may change between its lanes
ROUNDABOUT_REACH = 300.0
"""[m] roundabouts farther ahead do not count."""

MEET_SOURCE = 1  # both internal lanes start from one lane
MEET_TARGET = 2  # both lead to one lane
MEET_FOE_FIRST = 4  # a waiting point follows the other lane
MEET_CONT = 8  # and none lies on the own path: its vehicles are never passed but by leave of the signal
MEET_YIELDS = 16  # the own stream gives way
MEET_FOE_YIELDS = 32  # the other does


MAX_WINDOW = 128
"""Positions of a route that are looked at from one of them."""

NUM_RUNS, NUM_POSITIONS, NUM_ROWS = range(3)
"""What `Runs.used` counts."""


@rows(
    ("lane_internal",),
    ("lane_length",),
    ("lane_edge", "lane_out", "lane_in", "conflict_start", "lane_before", "lane_entry"),
    ("lane_width", "lane_radius"),
    ("edge_first_lane", "edge_num_lanes", "edge_roundabout", "edge_flags"),
    ("link_from", "link_next", "link_to", "link_signal", "link_state", "link_direction", "link_flags"),
    ("link_permissions", "link_length", "link_visibility", "yield_start"),
    ("conflict_lane",),
    ("conflict_behind", "conflict_size", "conflict_foe_behind", "conflict_foe_size", "conflict_flags"),
)  # fmt: skip
class Net(NamedTuple):
    """Streets."""

    lane_length: F64  # (L,) [m]
    lane_width: F64  # (L,) [m]
    lane_edge: I32  # (L,)
    lane_internal: U8  # (L,) inside a junction
    edge_first_lane: I32  # (E+1,)
    edge_num_lanes: I32  # (E,)
    edge_roundabout: U8  # (E,)
    edge_flags: U8  # (E,) EDGE_...
    lane_out: I32  # (L+1,) links that start from a lane
    lane_in: I32  # (L+1,) range of in_link
    in_link: I32  # (K,) links that lead directly to a lane (internal or not)
    link_from: I32  # (K,) lane
    link_next: I32  # (K,) lane that follows directly: internal or not
    link_to: I32  # (K,) normal lane behind the junction
    link_signal: I32  # (K,) place in link_state, -1 none
    link_state: U8  # (K,) state without a signal
    link_direction: U8  # (K,)
    link_flags: U8  # (K,) LINK_...
    link_permissions: I64  # (K,) classes that may use it
    link_length: F64  # (K,) [m] of the internal lane it leads to, 0 where it leads to a normal one
    link_visibility: F64  # (K,) [m] from where a driver sees whether a gap is free
    yield_start: I32  # (K+1,)
    yield_link: I32  # (Y,) links whose approaching vehicles go first
    conflict_start: I32  # (L+1,) by internal lane
    conflict_lane: I32  # (F,) the other internal lane
    conflict_behind: F64  # (F,) [m] from the start of the common area to the end of the own lane
    conflict_size: F64  # (F,) [m] of the area along the own lane; 0 where paths join or part
    conflict_foe_behind: F64  # (F,) [m] the same on the other lane
    conflict_foe_size: F64  # (F,) [m]
    conflict_flags: U8  # (F,) MEET_...
    lane_before: I32  # (L,) lane that leads to an internal lane, -1 none
    lane_radius: F64  # (L,) [m] of the turn that an internal lane is part of, 0 straight on or to the right
    lane_entry: I32  # (L,) link by which vehicles entered the junction an internal lane is in, -1 none


@rows(
    (
        "length", "min_gap", "accel", "decel", "tau", "sigma", "max_speed", "desired_max_speed", "model", "lc_mobil", "emission",
        "class_bit", "apparent_decel", "emergency_decel", "impatience", "timegap_minor", "stopline_gap", "delta", "keep_clear_time",
        "lc_strategic", "lc_cooperative", "lc_speed_gain", "lc_keep_right", "lc_lookahead_left",
        "lc_speed_gain_right", "lc_assertive",
    )
)  # fmt: skip
class Types(NamedTuple):
    """Vehicle types, (T,)."""

    model: U8  # CarFollowing
    class_bit: I64
    length: F64
    min_gap: F64
    max_speed: F64
    desired_max_speed: F64
    accel: F64
    decel: F64
    emergency_decel: F64
    apparent_decel: F64
    sigma: F64
    tau: F64
    delta: F64
    impatience: F64
    timegap_minor: F64
    stopline_gap: F64
    keep_clear_time: F64
    lc_strategic: F64
    lc_cooperative: F64
    lc_speed_gain: F64
    lc_keep_right: F64
    lc_lookahead_left: F64
    lc_speed_gain_right: F64
    lc_assertive: F64
    lc_mobil: U8  # 1: MOBIL instead of the strategic model's speed gain
    emission: I32  # row of `fuel`
    fuel: F64  # (rows * 7,) coefficients of the fuel model, see physics/emissions.py


class Stops(NamedTuple):
    """Scheduled stops of trips, in order, (S,)."""

    lane: I32
    start: F64
    end: F64
    duration: F64
    until: F64
    parking: U8
    route: I32  # route position where it is
    next: I32  # next stop of the trip, -1 none
    place: I32  # stopping place that it shares with other vehicles' stops, -1 none


class Places(NamedTuple):
    """Stopping places, (P,): who came back onto the road last; for the others it takes room there when they look for the next time."""

    time: F64  # [s] of the step in which it came back
    front: F64  # [m]
    kind: I32


@rows(("edge", "last", "best_start"), ("best_length", "best_link", "best_offset"))
class Routes(NamedTuple):
    """Routes as runs of positions; one run a distinct (route, stops, vehicle class)."""

    edge: I32  # (P,)
    last: U8  # (P,) final edge
    best_start: I64  # (P,) first row below for lane 0 of the edge
    best_length: NDArray[np.float32]  # (B,) [m] that can be driven on from the start of the edge without a change
    best_offset: NDArray[np.int8]  # (B,) lanes to the best one, left positive
    best_link: I32  # (B,) link to take from this lane, -1 none


class Runs(NamedTuple):
    """Runs of positions of the route table: R runs, P positions. Arrays may be longer than what `used` says is in use."""

    used: I64  # (3,) runs, positions, rows of best lanes
    start: I64  # (R,) first position
    end: I64  # (R,) position behind the last
    class_bit: I64  # (R,)
    stop_lane: I32  # (P,) lane of the stop here, on the last position of the wanted arrival; -1 none
    stop_end: F64  # (P,) [m]
    length: F64  # scratch, (MAX_WINDOW * most,)
    offset: I64  # scratch
    link: I64  # scratch
    go_on: U8  # scratch
    most: int  # lanes of the widest edge


class Params(NamedTuple):
    """Constants of a run."""

    dt: float  # [s]
    begin: float  # [s]
    end: float  # [s] inf = until every vehicle has left
    teleport_after: float  # [s] <= 0 never
    impatience_time: float  # [s]
    lane_change: int
    num_lanes: int
    max_depart_delay: float  # [s] < 0 never
