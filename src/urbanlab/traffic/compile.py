"""Network -> arrays: links in lane order, who yields to whom, where paths meet inside junctions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network
from urbanlab.traffic.kernels.arrays import (
    CONFLICT_CROSS,
    CONFLICT_DIVERGE,
    CONFLICT_MERGE,
    LINK_CONT,
    LINK_FOES,
    LINK_INSIDE,
    LINK_KEEP_CLEAR,
    LINK_WAIT,
    LINK_WATCHED,
    Net,
)

__all__ = ["compile_network", "link_order"]

# SUMO: foes of a minor link are seen from 4.5 m before it, at a zipper from 100 m.
VISIBILITY_MINOR = 4.5
VISIBILITY_ZIPPER = 100.0


def link_order(network: Network) -> NDArray[np.int64]:
    """Connections sorted by the lane they start from, stable: link k is connection link_order[k]."""
    return np.argsort(network.connection_from, kind="stable")


def compile_network(network: Network, signal_pos: NDArray[np.int32]) -> Net:
    """Arrays of a network.

    Parameters
    ----------
    network : any
    signal_pos : (C,) place of a connection in the array of link states, -1 none
    """
    order = link_order(network)
    num_lanes, num_links = network.num_lanes, len(order)
    from_lane = network.connection_from[order]
    via = network.connection_via[order]
    to_lane = network.connection_to[order]
    next_lane = np.where(via >= 0, via, to_lane).astype(np.int32)
    internal = (network.edge_function == EdgeFunction.INTERNAL)[network.lane_edge]
    out = np.searchsorted(from_lane, np.arange(num_lanes + 1)).astype(np.int32)
    flags = _flags(network, order, internal, via)
    request = _request_of_link(network, order, internal, out, next_lane)
    yields = _yields(network, order, request, flags)
    watched = np.unique(yields[1])
    flags[watched] |= LINK_WATCHED
    into = np.argsort(next_lane, kind="stable").astype(np.int32)
    state = network.connection_state[order]
    conflicts = _conflicts(network, request, internal, from_lane, next_lane, to_lane)
    roundabout = np.zeros(network.num_edges, np.uint8)
    for ring in network.roundabouts:
        roundabout[list(ring)] = 1
    return Net(
        lane_length=network.lane_length.copy(),
        lane_width=network.lane_width.copy(),
        lane_edge=network.lane_edge.copy(),
        lane_internal=internal.astype(np.uint8),
        edge_first_lane=network.edge_first_lane.copy(),
        edge_num_lanes=np.diff(network.edge_first_lane).astype(np.int32),
        edge_roundabout=roundabout,
        lane_out=out,
        lane_in=np.searchsorted(next_lane[into], np.arange(num_lanes + 1)).astype(np.int32),
        in_link=into,
        link_from=from_lane.astype(np.int32),
        link_next=next_lane,
        link_to=to_lane.astype(np.int32),
        link_signal=signal_pos[order].astype(np.int32),
        link_state=state.copy(),
        link_direction=network.connection_direction[order].copy(),
        link_flags=flags,
        link_permissions=network.connection_permissions[order].copy(),
        link_length=np.where(internal[next_lane], network.lane_length[next_lane], 0.0),
        lane_entry=_entries(internal, from_lane, next_lane),
        link_visibility=np.where(state == ord("Z"), VISIBILITY_ZIPPER, VISIBILITY_MINOR),
        yield_start=np.searchsorted(yields[0], np.arange(num_links + 1)).astype(np.int32),
        yield_link=yields[1],
        **conflicts,
    )


def _flags(network: Network, order: NDArray[np.int64], internal: NDArray[np.bool_], via: NDArray[np.int32]) -> NDArray[np.uint8]:
    from_lane = network.connection_from[order]
    request = network.connection_request[order]
    inside = internal[from_lane]
    flags = np.where(inside, LINK_INSIDE, 0).astype(np.uint8)
    flags[inside & (via >= 0)] |= LINK_WAIT
    flags[network.connection_keep_clear[order] & ~inside] |= LINK_KEEP_CLEAR
    has = request >= 0
    num_foes = np.diff(network.foe_start)
    flags[has] |= np.where(num_foes[request[has]] > 0, LINK_FOES, 0).astype(np.uint8)
    return flags


def _request_of_link(
    network: Network,
    order: NDArray[np.int64],
    internal: NDArray[np.bool_],
    out: NDArray[np.int32],
    next_lane: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Request of every link; links inside a junction inherit that of the link that led there."""
    request = network.connection_request[order].astype(np.int32)
    heads = np.flatnonzero(request >= 0)
    for _ in range(4):  # internal lanes follow each other at most a few times
        lane = next_lane[heads]
        inside = internal[lane] & (out[lane + 1] > out[lane])
        owner = request[heads[inside]]
        heads = out[lane[inside]].astype(np.int64)
        request[heads] = np.where(request[heads] < 0, owner, request[heads])
    return request


def _entries(internal: NDArray[np.bool_], from_lane: NDArray[np.int32], next_lane: NDArray[np.int32]) -> NDArray[np.int32]:
    """Link by which a vehicle on an internal lane has entered the junction."""
    entry = np.full(len(internal), -1, np.int32)
    into = internal[next_lane]
    links = np.flatnonzero(into & ~internal[from_lane])
    entry[next_lane[links]] = links
    for _ in range(4):  # further internal lanes of the same path
        links = np.flatnonzero(into & internal[from_lane])
        entry[next_lane[links]] = entry[from_lane[links]]
    return entry


def _yields(
    network: Network, order: NDArray[np.int64], request: NDArray[np.int32], flags: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """(link, link that goes first) pairs sorted by link.

    A link that may wait inside (it is followed by a waiting point) needs no gap to enter; its waiting
    point asks for the gap instead.
    """
    entry = np.flatnonzero((request >= 0) & (flags & LINK_INSIDE == 0))
    link_of_request = np.full(len(network.request_junction), -1, np.int64)
    link_of_request[request[entry]] = entry
    waits = np.flatnonzero((flags & LINK_WAIT != 0) & (request >= 0))
    asks = np.full(len(network.request_junction), -1, np.int64)
    asks[request[entry]] = entry
    asks[request[waits]] = waits
    conts = entry[np.isin(request[entry], request[waits])]
    flags[conts] |= LINK_CONT
    own = np.repeat(np.arange(len(network.request_junction)), np.diff(network.response_start))
    link = asks[own]
    foe = link_of_request[network.response_request]
    good = (link >= 0) & (foe >= 0)
    link, foe = link[good], foe[good]
    by_link = np.lexsort((foe, link))
    return link[by_link], foe[by_link].astype(np.int32)


def _conflicts(
    network: Network,
    request: NDArray[np.int32],
    internal: NDArray[np.bool_],
    from_lane: NDArray[np.int32],
    next_lane: NDArray[np.int32],
    to_lane: NDArray[np.int32],
) -> dict[str, NDArray[np.generic]]:
    """Where internal lanes cross, join or part, as rows sorted by the own lane."""
    lanes_of_request: dict[int, list[tuple[int, int]]] = {}
    source: dict[int, int] = {}
    first_lane: dict[int, int] = {}
    for link in np.flatnonzero((request >= 0) & internal[next_lane]):
        r = int(request[link])
        lanes_of_request.setdefault(r, []).append((int(next_lane[link]), int(to_lane[link])))
        if not internal[from_lane[link]]:
            source[r] = int(from_lane[link])
            first_lane[r] = int(next_lane[link])
    rows: list[tuple[float, ...]] = []
    shapes: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    last = np.flatnonzero(internal[from_lane] & ~internal[next_lane])
    ends = np.zeros(len(internal), bool)
    ends[from_lane[last]] = True
    yields_of = [set(part.tolist()) for part in np.split(network.response_request, network.response_start[1:-1])]
    for r, own in lanes_of_request.items():
        foes = network.foe_request[network.foe_start[r] : network.foe_start[r + 1]].tolist()
        for f in foes:
            if f == r:
                continue
            for lane, target in own:
                for other, other_target in lanes_of_request.get(f, ()):
                    row = _meeting(network, shapes, lane, other, target == other_target and ends[lane] and ends[other])
                    if row is not None:
                        rows.append((lane, other, *row, int(f in yields_of[r]) + 2 * int(r in yields_of[f])))
    rows += _partings(network, shapes, first_lane, source)
    rows.sort()
    table = np.array(rows, np.float64).reshape(-1, len(_CONFLICT_COLUMNS) + 1)
    columns = {name: table[:, k + 1].astype(dtype) for k, (name, dtype) in enumerate(_CONFLICT_COLUMNS.items())}
    start = np.searchsorted(table[:, 0], np.arange(network.num_lanes + 1)).astype(np.int32)
    return {"conflict_start": start, **columns}


_CONFLICT_COLUMNS: dict[str, type[np.generic]] = {
    "conflict_lane": np.int32,
    "conflict_own": np.float64,
    "conflict_foe": np.float64,
    "conflict_own_size": np.float64,
    "conflict_foe_size": np.float64,
    "conflict_kind": np.uint8,
    "conflict_yield": np.uint8,
}


def _shape(
    network: Network, shapes: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]], lane: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a lane and the distance of each from its start, scaled to the lane's length."""
    if lane not in shapes:
        points = network.lane_shape(lane)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        scale = network.lane_length[lane] / along[-1] if along[-1] > 0 else 0.0
        shapes[lane] = points, along * scale
    return shapes[lane]


def _meeting(
    network: Network,
    shapes: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]],
    lane: int,
    other: int,
    joins: bool,
) -> tuple[float, float, float, float, int] | None:
    """Start and size of the conflict area on both lanes and its kind, None where they do not meet."""
    a, along_a = _shape(network, shapes, lane)
    b, along_b = _shape(network, shapes, other)
    if joins:
        joint = _parting(a[::-1], along_a[-1] - along_a[::-1], b[::-1], along_b[-1] - along_b[::-1])
        return float(along_a[-1]) - joint, float(along_b[-1]) - joint, 0.0, 0.0, CONFLICT_MERGE
    found = _first_crossing(a, along_a, b, along_b)
    if found is None:
        return None
    own, foe, sine = found
    own_size = float(network.lane_width[other]) / max(sine, 0.25)
    foe_size = float(network.lane_width[lane]) / max(sine, 0.25)
    return own - own_size / 2, foe - foe_size / 2, own_size, foe_size, CONFLICT_CROSS


def _first_crossing(
    a: NDArray[np.float64], along_a: NDArray[np.float64], b: NDArray[np.float64], along_b: NDArray[np.float64]
) -> tuple[float, float, float] | None:
    """Distances along two polylines to the first point where they cross and the sine of the angle there."""
    p, r = a[:-1, None, :], np.diff(a, axis=0)[:, None, :]
    q, s = b[None, :-1, :], np.diff(b, axis=0)[None, :, :]
    cross = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    gap = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (gap[..., 0] * s[..., 1] - gap[..., 1] * s[..., 0]) / cross
        u = (gap[..., 0] * r[..., 1] - gap[..., 1] * r[..., 0]) / cross
    hit = (np.abs(cross) > 1e-12) & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    if not hit.any():
        return None
    i, j = np.argwhere(hit)[0]
    own = along_a[i] + t[i, j] * (along_a[i + 1] - along_a[i])
    foe = along_b[j] + u[i, j] * (along_b[j + 1] - along_b[j])
    sine = abs(cross[i, j]) / (np.hypot(*r[i, 0]) * np.hypot(*s[0, j]))
    return float(own), float(foe), float(sine)


def _partings(
    network: Network,
    shapes: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]],
    first_lane: dict[int, int],
    source: dict[int, int],
) -> list[tuple[float, ...]]:
    """Internal lanes that start from one lane: up to where a car on one no longer touches the other."""
    siblings: dict[int, list[int]] = {}
    for r, lane in source.items():
        siblings.setdefault(lane, []).append(first_lane[r])
    rows: list[tuple[float, ...]] = []
    for group in siblings.values():
        for lane in group:
            for other in group:
                if lane != other:
                    until = _parting(*_shape(network, shapes, lane), *_shape(network, shapes, other))
                    rows.append((lane, other, until, until, 0.0, 0.0, CONFLICT_DIVERGE, 0))
    return rows


def _parting(
    a: NDArray[np.float64], along_a: NDArray[np.float64], b: NDArray[np.float64], along_b: NDArray[np.float64]
) -> float:
    """Distance from the start at which two paths are a car's width (1.8 m) apart."""
    reach = np.arange(0.0, min(along_a[-1], along_b[-1]) + 0.25, 0.25)
    xa, ya = np.interp(reach, along_a, a[:, 0]), np.interp(reach, along_a, a[:, 1])
    xb, yb = np.interp(reach, along_b, b[:, 0]), np.interp(reach, along_b, b[:, 1])
    apart = np.flatnonzero(np.hypot(xa - xb, ya - yb) >= 1.8)
    return float(reach[apart[0]]) if len(apart) else float(reach[-1])
