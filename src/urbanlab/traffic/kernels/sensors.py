"""What detectors read of the road, as arrays: points that vehicles pass, and areas that they are on.

Letters: D points, sorted by lane; A areas; M places of area members; X events not read yet; V trips; L lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EVENT_EARLY",
    "EVENT_FRONT",
    "EVENT_JOIN",
    "EVENT_REAR",
    "NOW_FIRST",
    "NOW_JAM",
    "NOW_LAST",
    "NOW_LONGEST_M",
    "NOW_LONGEST_V",
    "NOW_NEW",
    "NOW_SEEN",
    "NOW_TAKEN",
    "NUM_NOW",
    "NUM_SUMS",
    "SUM_ENTERED",
    "SUM_HALT",
    "SUM_HALTS",
    "SUM_HALT_MAX",
    "SUM_INTERVAL",
    "SUM_INTERVAL_MAX",
    "SUM_JAM_M",
    "SUM_JAM_MAX_M",
    "SUM_JAM_MAX_V",
    "SUM_JAM_V",
    "SUM_LEFT",
    "SUM_LONGEST_M",
    "SUM_LONGEST_V",
    "SUM_LOSS",
    "SUM_MOST",
    "SUM_OCCUPANCY",
    "SUM_OCCUPANCY_MAX",
    "SUM_SAMPLES",
    "SUM_SPEED",
    "SUM_STARTED",
    "SUM_STEPS",
    "SUM_VEHICLES",
    "Areas",
    "Points",
]

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]

EVENT_FRONT = 0  # a vehicle's front has driven over the point
EVENT_JOIN = 1  # it came to stand on the point by a change of lanes, or by departing there
EVENT_REAR = 2  # its rear has driven over the point
EVENT_EARLY = 3  # it has left otherwise: by a change of lanes, at its destination, by a teleport


class Points(NamedTuple):
    """Points of lanes; what happens there goes into a buffer."""

    of_lane: I32  # (L+1,) first point on a lane, -1 none
    lane: I32  # (D,)
    pos: F64  # (D,) [m]
    on: I32  # (D,) trip whose vehicle is on the point, -1 none
    entry: F64  # (D,) [s] when its front was there
    odo: F64  # (D,) [m] its odometer then
    num: NDArray[np.int64]  # (1,) events held
    event_point: I32  # (X,)
    event_trip: I32  # (X,)
    event_kind: U8  # (X,)
    event_time: F64  # (X,) [s]
    event_entry: F64  # (X,) [s] when the vehicle's front was there
    event_odo: F64  # (X,) [m] odometer
    event_loss: F64  # (X,) [s] time loss since departure
    event_halts: I32  # (X,) halts since departure, where `halts` is counted
    halts: I32  # (V,) times each vehicle has halted by the threshold of detectors; (0,) not counted
    slow: I32  # (V,) steps since when it is below the threshold


SUM_SAMPLES = 0  # [s] vehicle seconds
SUM_SPEED = 1  # [m] speed times vehicle seconds
SUM_LOSS = 2  # [s]
SUM_OCCUPANCY = 3  # [1] by step: share of the length that is taken
SUM_OCCUPANCY_MAX = 4
SUM_VEHICLES = 5  # by step: vehicles on the area
SUM_MOST = 6  # most of them in a step
SUM_STEPS = 7
SUM_ENTERED = 8
SUM_LEFT = 9
SUM_JAM_MAX_M = 10  # [m] by step: longest jam
SUM_JAM_MAX_V = 11  # the same in vehicles
SUM_LONGEST_M = 12  # [m] longest jam of all steps
SUM_LONGEST_V = 13
SUM_JAM_M = 14  # [m] by step: all jams
SUM_JAM_V = 15
SUM_STARTED = 16  # halts that began
SUM_HALT = 17  # [s] of halts that have ended, whenever they began
SUM_HALT_MAX = 18  # [s]
SUM_HALTS = 19  # their number
SUM_INTERVAL = 20  # [s] the part of them that lies in the period
SUM_INTERVAL_MAX = 21  # [s]
NUM_SUMS = 22

NOW_SEEN = 0  # vehicles
NOW_NEW = 1  # of these, come since the step before
NOW_TAKEN = 2  # [m]
NOW_JAM = 3  # vehicles of the jam that is being looked at
NOW_FIRST = 4  # [m] from its first front to the area's end
NOW_LAST = 5  # [m] from its last rear to there
NOW_LONGEST_M = 6  # [m] longest jam so far
NOW_LONGEST_V = 7
NUM_NOW = 8


class Areas(NamedTuple):
    """Stretches of lanes, with sums over the present period."""

    lane: I32  # (A,)
    start: F64  # (A,) [m]
    end: F64  # (A,) [m]
    room: NDArray[np.int64]  # (A+1,) ranges of the columns of members
    num: I32  # (A,) vehicles on it after the last step
    trip: I32  # (M,) front to back
    base: F64  # (M,) [m] its odometer at the start of the lane
    halt: F64  # (M,) [s] how long it has halted, 0 not
    interval: F64  # (M,) [s] the part of that in the present period
    before: I32  # (M,) scratch: trips on the area one step before
    before_base: F64  # (M,)
    before_halt: F64  # (M,)
    before_interval: F64  # (M,)
    sums: F64  # (A * NUM_SUMS,)
    now: F64  # (NUM_NOW,) scratch: the present step of the present area
