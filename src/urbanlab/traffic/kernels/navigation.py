"""What drivers who choose their way at departure know: which edge follows which, and how fast edges are driven now.

Letters: E edges, G graphs (one a vehicle class), M pairs of edges, T vehicle types, C entries of the log.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.routing_kernels import SearchSpace

__all__ = ["LOG_HEAD", "LOG_TAIL", "LOG_USED", "MICRO", "SAMPLES", "SLOWEST", "Navigation", "smoothed_speed"]

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

MICRO = 1e6
"""Speeds are summed in whole micrometres a second, so that sums stay exact whatever comes and goes."""

SLOWEST = 0.001
"""[m/s] speed of an edge where all stand, as SUMO has it."""

LOG_HEAD, LOG_TAIL, LOG_USED, SAMPLES = range(4)
"""Entries of `cursor`: next free entry of the log, oldest one, entries in use, samples so far."""


class Navigation(NamedTuple):
    """Empty where nobody chooses."""

    interval: int  # [steps] between two samples, 0: none are taken, and free roads are what drivers know
    samples: int  # of the moving mean; 0: an exponential one
    weight: float  # [1] of the old value in an exponential mean
    again_after: float  # [s] those who wait to depart choose anew: every so often, or, after longer than that, as they depart; 0: never
    graph: I32  # (T,) graph of a vehicle type, -1 none
    start: I64  # (G*E+1,) ranges of the columns of pairs
    follower: I32  # (M,) edge behind the junction
    via: I32  # (M,) first internal lane on the way there, -1 none
    onward: I32  # (L,) internal lane that follows an internal lane, -1 none
    penalty: F64  # (E,) [s] for internal edges entered over a minor link without a signal
    limit: F64  # (E,) [m/s] mean limit of an edge's lanes at begin
    lost: F64  # (E,) [micrometre/s] what smoothed speeds lack to it, summed over the samples
    seen: U8  # (E,) somebody has been there; what nobody has seen counts as it was at begin
    altered: I32  # edges with another limit now than at begin
    scale: float  # [m/s] of one unit of it
    log_edge: I32  # (C,) what went into the sums, oldest first and round: edge
    log_lost: I32  # (C,) [micrometre/s]
    log_num: I32  # (samples,) entries of each sample
    cursor: I64  # (4,) see above
    total: F64  # (E,) scratch of a sample: sum of speeds [m/s]
    vehicles: I32  # (E,) scratch of a sample, all zero in between
    here: I32  # (2*E,) edges with vehicles; in an exponential mean first all that ever had some
    space: SearchSpace
    via_edge: I32  # edges that trips pass on their way, see Departures.via_start
    path: I32  # scratch: the way that has been found
    by_hash: I32  # (power of two,) runs that have been added, by hash of their edges; -1 none


def smoothed_speed(nav: Navigation) -> F64:
    """(E,) [m/s] smoothed mean speeds of edges."""
    return np.maximum(nav.limit - nav.lost * nav.scale, SLOWEST)
