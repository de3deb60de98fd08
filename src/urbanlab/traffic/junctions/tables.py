"""Network -> who yields to whom and where paths meet, as arrays for kernels.

Model: the right of way that SUMO gives to links (its `MSRightOfWayJunction` and `MSInternalJunction`): a link asks the streams
that its request responds to, also where they wait inside the junction; the link behind a waiting point asks the
streams that its internal junction names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import JunctionType, Network
from urbanlab.core.bundle import pack
from urbanlab.traffic.junctions.foes import Found, Job, list_pairs
from urbanlab.traffic.junctions.meeting import Shapes

__all__ = ["Paths", "meetings", "trace_paths", "turn_radii", "yields"]

Int = NDArray[np.int32]
STRAIGHT_OR_RIGHT = (ord("s"), ord("r"))


class Paths(NamedTuple):
    """Ways through junctions; letters: L lanes, R requests, K links."""

    lane_before: Int  # (L,) lane that leads to an internal lane, -1 for others
    lane_after: Int  # (L,) internal lane that follows an internal one, -1 none
    lane_entry: Int  # (L,) link by which vehicles entered the junction that an internal lane is in, -1 none
    lane_request: Int  # (L,) request of an internal lane's path, -1 none
    lane_target: Int  # (L,) normal lane that an internal lane leads to, -1 none
    request_link: Int  # (R,) entry link
    request_lane: Int  # (R,) first internal lane, -1 none


def trace_paths(network: Network, order: NDArray[np.int64], internal: NDArray[np.bool_], out: Int, next_lane: Int) -> Paths:
    """Follow internal lanes from the links that enter junctions; `order` sorts connections into links."""
    num = network.num_lanes
    from_lane, to_lane = network.connection_from[order], network.connection_to[order]
    request = network.connection_request[order]
    inside = internal[next_lane]
    before = np.full(num, -1, np.int32)
    before[next_lane[inside]] = from_lane[inside]
    after, target = np.full(num, -1, np.int32), np.full(num, -1, np.int32)
    own = np.flatnonzero(internal & (out[1:] > out[:-1]))
    following = next_lane[out[own]]
    after[own] = np.where(internal[following], following, -1)
    target[own] = to_lane[out[own]]
    entry, of_lane = np.full(num, -1, np.int32), np.full(num, -1, np.int32)
    enters = np.flatnonzero(inside & ~internal[from_lane])
    entry[next_lane[enters]] = enters
    of_lane[next_lane[enters]] = request[enters]
    for _ in range(4):  # internal lanes follow each other at most a few times
        second = np.flatnonzero(internal & (before >= 0))
        second = second[internal[before[second]]]
        entry[second] = entry[before[second]]
        of_lane[second] = of_lane[before[second]]
    link = np.full(len(network.request_junction), -1, np.int32)
    first = np.full(len(network.request_junction), -1, np.int32)
    asks = np.flatnonzero(~internal[from_lane] & (request >= 0))
    link[request[asks]] = asks
    has = asks[inside[asks]]
    first[request[has]] = next_lane[has]
    return Paths(before, after, entry, of_lane, target, link, first)


def _inner(network: Network) -> tuple[NDArray[np.int64], Int, Int]:
    """Waiting points: (ranges by the lane that leads there (L+1,), lanes named, their internal junctions)."""
    inner = np.flatnonzero(network.junction_type == JunctionType.INTERNAL)
    inner = inner[np.diff(network.junction_inc_start)[inner] > 0]
    lane = network.junction_inc_lane[network.junction_inc_start[inner]]
    by_lane = np.argsort(lane, kind="stable")
    inner, lane = inner[by_lane], lane[by_lane]
    size = np.diff(network.junction_int_start)[inner]
    start = np.zeros(network.num_lanes + 1, np.int64)
    np.add.at(start, lane + 1, size)
    rows = np.repeat(network.junction_int_start[inner], size) + np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return np.cumsum(start), network.junction_int_lane[rows].astype(np.int32), inner.astype(np.int32)


def yields(network: Network, paths: Paths, from_lane: Int, next_lane: Int) -> tuple[Int, Int]:
    """(link, link whose vehicles go first) pairs, sorted."""
    num_links = len(from_lane)
    own = np.repeat(np.arange(len(network.request_junction)), np.diff(network.response_start))
    link, foe = paths.request_link[own], paths.request_link[network.response_request]
    good = (link >= 0) & (foe >= 0)
    link, foe = link[good], foe[good]
    out_of = np.full(network.num_lanes, -1, np.int64)  # the only link of an internal lane
    out_of[from_lane] = np.arange(num_links)
    foe_lane = next_lane[foe]
    waits = np.flatnonzero(paths.lane_after[foe_lane] >= 0)
    pairs = [np.stack([link, foe]), np.stack([link[waits], out_of[foe_lane[waits]]])]
    pairs.append(_inner_yields(network, paths, out_of, from_lane, next_lane))
    table = np.concatenate(pairs, axis=1).astype(np.int64)
    keys = np.unique(table[0] * num_links + table[1])
    return (keys // max(num_links, 1)).astype(np.int32), (keys % max(num_links, 1)).astype(np.int32)


def _inner_yields(network: Network, paths: Paths, out_of: NDArray[np.int64], from_lane: Int, next_lane: Int) -> NDArray[np.int64]:
    """The same for links that lead on from a waiting point.

    They yield to those links from the lanes that the waiting point lists, behind the first, which is the waiting vehicle's own, that
    the junction's own table lets them yield to, opposing turns included, and to where such streams wait inside the junction.
    """
    _, _, inner = _inner(network)
    first = network.junction_inc_start[inner]
    size = network.junction_inc_start[inner + 1] - first - 1
    waiting = np.repeat(network.junction_inc_lane[first], size)
    lane = network.junction_inc_lane[np.repeat(first + 1 - np.cumsum(size) + size, size) + np.arange(size.sum())]
    begin, end = np.searchsorted(from_lane, lane, "left"), np.searchsorted(from_lane, lane, "right")
    waiting = np.repeat(waiting, end - begin)
    foe = np.repeat(begin - np.cumsum(end - begin) + end - begin, end - begin) + np.arange((end - begin).sum())
    foe_path = paths.lane_request[next_lane[foe]]
    num = max(len(network.request_junction), 1)
    responds = np.repeat(np.arange(len(network.request_junction)), np.diff(network.response_start)) * num + network.response_request
    keep = (foe_path >= 0) & np.isin(paths.lane_request[waiting].astype(np.int64) * num + foe_path, responds)
    link, foe = out_of[waiting[keep]], foe[keep]
    inside = paths.lane_after[next_lane[foe]] >= 0
    return np.concatenate([np.stack([link, foe]), np.stack([link[inside], out_of[next_lane[foe[inside]]]])], axis=1)


def _shapes(network: Network) -> Shapes:
    start, x, y = network.lane_shape_start, network.shape_x, network.shape_y
    step = np.concatenate([[0.0], np.hypot(np.diff(x), np.diff(y))])
    step[start[:-1][np.diff(start) > 0]] = 0.0
    total = np.cumsum(step)
    along = total - np.repeat(total[np.minimum(start[:-1], max(len(total) - 1, 0))], np.diff(start)) if len(total) else total
    drawn = np.zeros(network.num_lanes)
    has = np.diff(start) > 0
    drawn[has] = along[start[1:][has] - 1]
    scale = np.where(drawn > 0.0, network.lane_length / np.where(drawn > 0.0, drawn, 1.0), 0.0)
    return Shapes(start, x, y, along, scale, network.lane_length, network.lane_width)


def meetings(network: Network, internal: NDArray[np.bool_], paths: Paths) -> dict[str, Any]:
    """Columns `conflict_...` of the network's arrays."""
    inner_start, inner_lane, _ = _inner(network)
    fan = np.flatnonzero(paths.lane_before >= 0)
    fan_lane = fan[np.argsort(paths.lane_before[fan], kind="stable")].astype(np.int32)
    fan_start = np.searchsorted(paths.lane_before[fan_lane], np.arange(network.num_lanes + 1)).astype(np.int32)

    def job(found: Found) -> Job:
        return Job(
            shapes=_shapes(network),
            is_internal=internal.astype(np.uint8),
            lane_request=paths.lane_request,
            lane_after=paths.lane_after,
            lane_before=paths.lane_before,
            lane_target=paths.lane_target,
            request_lane=paths.request_lane,
            foe_start=network.foe_start.astype(np.int64),
            foe_request=network.foe_request.astype(np.int32),
            response_start=network.response_start.astype(np.int64),
            response_request=network.response_request.astype(np.int32),
            inner_start=inner_start,
            inner_lane=inner_lane,
            fan_start=fan_start,
            fan_lane=fan_lane,
            found=found,
        )

    handle = pack(job(_room(0)))
    found = _room(int(list_pairs(handle.address, False)))
    handle = pack(job(found))
    list_pairs(handle.address, True)
    return {
        "conflict_start": np.searchsorted(found.lane, np.arange(network.num_lanes + 1)).astype(np.int32),
        "conflict_lane": found.other,
        "conflict_behind": found.behind,
        "conflict_size": found.size,
        "conflict_foe_behind": found.foe_behind,
        "conflict_foe_size": found.foe_size,
        "conflict_flags": found.flags,
    }


def _room(num: int) -> Found:
    """Rows to be written."""
    behind, size, foe_behind, foe_size = (np.zeros(num) for _ in range(4))
    return Found(np.zeros(num, np.int32), np.zeros(num, np.int32), behind, size, foe_behind, foe_size, np.zeros(num, np.uint8))


def turn_radii(network: Network, order: NDArray[np.int64], paths: Paths) -> NDArray[np.float64]:
    """(L,) radius of the turn that an internal lane belongs to [m]; 0 straight on, to the right and on normal lanes."""
    shapes = _shapes(network)
    drawn = np.where(shapes.scale > 0.0, network.lane_length / np.where(shapes.scale > 0.0, shapes.scale, 1.0), 0.0)
    lanes = np.flatnonzero(paths.lane_entry >= 0)
    entry = order[paths.lane_entry[lanes]]
    first = network.connection_via[entry]
    second = paths.lane_after[first]
    length = drawn[first] + np.where(second >= 0, drawn[second], 0.0)
    leaving, entering = network.connection_from[entry], network.connection_to[entry]
    angle = np.abs(_heading(network, leaving, at_end=True) - _heading(network, entering, at_end=False))
    angle = np.minimum(angle, 2.0 * np.pi - angle)
    turns = ~np.isin(network.connection_direction[entry], STRAIGHT_OR_RIGHT) & (angle > 1e-9)
    radius = np.zeros(network.num_lanes)
    radius[lanes[turns]] = length[turns] / angle[turns]
    return radius


def _heading(network: Network, lanes: Int, *, at_end: bool) -> NDArray[np.float64]:
    """Direction of the first or last piece of lanes [rad]; 0 where a shape has no piece."""
    start, end = network.lane_shape_start[lanes], network.lane_shape_start[lanes + 1]
    a = np.maximum(end - 2, start) if at_end else start
    b = np.maximum(end - 1, start) if at_end else np.minimum(start + 1, np.maximum(end - 1, start))
    return np.arctan2(network.shape_y[b] - network.shape_y[a], network.shape_x[b] - network.shape_x[a])
