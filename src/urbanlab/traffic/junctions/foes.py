"""Pairs of internal lanes whose vehicles have to look at each other, and the place where they meet.

Model: the foes that SUMO gives to the link at the end of an internal lane. A path that goes through a junction in one piece looks at
the last part of each path it crosses, and at the part before a waiting point where it has to yield; a path
with a waiting point looks at those that its internal junction names; all look at paths from the same lane.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.core.bundle import viewer
from urbanlab.traffic.junctions import meeting
from urbanlab.traffic.junctions.meeting import Shapes, crossing, end_distance, start_distance, touching
from urbanlab.traffic.kernels.arrays import MEET_CONT, MEET_FOE_FIRST, MEET_FOE_YIELDS, MEET_SOURCE, MEET_TARGET, MEET_YIELDS

__all__ = ["NOWHERE", "Found", "Job", "list_pairs"]

NOWHERE = 10_000.0
"""[m] behind everything: where paths meet by right of way but not on the ground."""

WIDEST = 2.5
"""[m] centre lines that are this far apart never touch."""

assert meeting.__name__  # the geometry is part of the kernel's key

Int = NDArray[np.int32]


class Found(NamedTuple):
    """Rows (F,), sorted by lane."""

    lane: Int
    other: Int
    behind: NDArray[np.float64]  # [m] from the start of the area to the end of the own lane
    size: NDArray[np.float64]  # [m] of the area along the own lane
    foe_behind: NDArray[np.float64]  # [m] the same on the other lane
    foe_size: NDArray[np.float64]  # [m]
    flags: NDArray[np.uint8]  # MEET_...


class Job(NamedTuple):
    """What the kernel reads; letters: L lanes, R requests."""

    shapes: Shapes
    is_internal: NDArray[np.uint8]  # (L,)
    lane_request: Int  # (L,) request of the path that an internal lane belongs to, -1 none
    lane_after: Int  # (L,) internal lane that follows, -1 none
    lane_before: Int  # (L,) lane that leads to an internal one, -1 none
    lane_target: Int  # (L,) normal lane that an internal lane leads to
    request_lane: Int  # (R,) first internal lane of the path
    foe_start: NDArray[np.int64]
    foe_request: Int
    response_start: NDArray[np.int64]
    response_request: Int
    inner_start: NDArray[np.int64]  # (L+1,) lanes that the internal junction behind a first part names
    inner_lane: Int
    fan_start: Int  # (L+1,) internal lanes that start from a lane
    fan_lane: Int
    found: Found


_as_job = viewer(Job)


@jit.device
def _responds(j: Job, own: int, foe: int) -> bool:
    """Has a request to yield to another?"""
    for k in range(j.response_start[own], j.response_start[own + 1]):
        if j.response_request[k] == foe:
            return True
    return False


@jit.device
def _add(j: Job, row: int, lane: int, other: int, write: bool) -> int:
    """Write a pair unless it stands already since the lane's first row; the next row."""
    if write:
        j.found.lane[row] = lane
        j.found.other[row] = other
        _meet(j, row, lane, other)
    return row + 1


@jit.device
def _meet(j: Job, row: int, lane: int, other: int) -> None:
    """Flags and place of a pair."""
    s = j.shapes
    own, foe = j.lane_request[lane], j.lane_request[other]
    own_first, own_second = j.lane_after[lane] >= 0, j.is_internal[j.lane_before[lane]] != 0
    foe_first = j.lane_after[other] >= 0
    same_source = j.lane_before[lane] == j.lane_before[other]
    same_target = j.lane_target[lane] == j.lane_target[other] and not own_first and not foe_first
    flags = 0
    if same_source:
        flags |= MEET_SOURCE
    if same_target:
        flags |= MEET_TARGET
    if foe_first:
        flags |= MEET_FOE_FIRST
        if not own_first and not own_second:
            flags |= MEET_CONT
    if own >= 0 and foe >= 0:
        flags |= (MEET_YIELDS if _responds(j, own, foe) else 0) | (MEET_FOE_YIELDS if _responds(j, foe, own) else 0)
    j.found.flags[row] = flags
    crosses, _, _ = crossing(s, lane, other)
    joins = j.lane_target[lane] == j.lane_target[other] and not own_first and not (foe_first and crosses)
    behind, size = _area(s, lane, other, same_source, joins)
    foe_behind, foe_size = _area(s, other, lane, same_source, joins)
    if own_second and crosses and not same_source and not joins:
        behind = s.length[lane]  # it waits at the waiting point, not before the area
    j.found.behind[row], j.found.size[row] = behind, size
    j.found.foe_behind[row], j.found.foe_size[row] = foe_behind, foe_size


@jit.device
def _area(s: Shapes, lane: int, other: int, same_source: bool, joins: bool) -> tuple[float, float]:
    """From the start of the common area to the end of a lane, and the area's length there [m]."""
    wide = min(WIDEST, 0.5 * (s.width[lane] + s.width[other]))
    if same_source:
        return max(0.0, s.length[lane] - touching(s, lane, other, wide, True) * s.scale[lane]), 0.0
    if joins:
        # those that end side by side follow each other from the end of the junction on
        apart = end_distance(s, lane, other) >= wide
        return 0.0 if apart else touching(s, lane, other, wide, False) * s.scale[lane], 0.0
    crosses, place, size = crossing(s, lane, other)
    if not crosses:
        return s.length[lane] + NOWHERE, 0.0
    return s.length[lane] - max(0.0, place - 0.5 * size) * s.scale[lane], size


@jit.device
def _is_sibling(j: Job, lane: int, other: int) -> bool:
    """Do both lanes start from the same one, close enough to touch?"""
    if j.lane_before[lane] != j.lane_before[other]:
        return False
    wide = min(WIDEST, 0.5 * (j.shapes.width[lane] + j.shapes.width[other]))
    return start_distance(j.shapes, lane, other) < wide


@jit.device
def _pairs_of(j: Job, lane: int, row: int, write: bool) -> int:
    """Pairs of one internal lane; the row behind them."""
    request = j.lane_request[lane]
    before = j.lane_before[lane]
    first_part = lane if j.lane_after[lane] >= 0 else before
    if request >= 0 and (j.lane_after[lane] >= 0 or j.is_internal[before] != 0):
        for k in range(j.inner_start[first_part], j.inner_start[first_part + 1]):
            other = j.inner_lane[k]
            if j.lane_after[other] >= 0:
                if j.lane_request[other] >= 0 and _responds(j, request, j.lane_request[other]) and not _is_sibling(j, lane, other):
                    row = _add(j, row, lane, other, write)
                other = j.lane_after[other]
            if not _is_sibling(j, lane, other):
                row = _add(j, row, lane, other, write)
    elif request >= 0:
        for k in range(j.foe_start[request], j.foe_start[request + 1]):
            other = j.request_lane[j.foe_request[k]]
            if other < 0 or other == lane:
                continue
            after = j.lane_after[other]
            if after >= 0:
                if _responds(j, request, j.foe_request[k]) and not _is_sibling(j, lane, other):
                    row = _add(j, row, lane, other, write)
                other = after
            if not _is_sibling(j, lane, other):
                row = _add(j, row, lane, other, write)
    for k in range(j.fan_start[before], j.fan_start[before + 1]):
        other = j.fan_lane[k]
        if other != lane and _is_sibling(j, lane, other):
            row = _add(j, row, lane, other, write)
    return row


@jit.entry(("urbanlab.traffic.junctions.foes", "urbanlab.traffic.junctions.meeting", "urbanlab.traffic.kernels.arrays"))
def list_pairs(address: int, write: bool) -> int:
    """Number of pairs; written down where asked for."""
    j = _as_job(address)
    row = 0
    for lane in range(len(j.is_internal)):
        if j.is_internal[lane] != 0 and j.lane_before[lane] >= 0:
            row = _pairs_of(j, lane, row, write)
    return row
