"""Network -> arrays: links in lane order, who yields to whom, where paths meet inside junctions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network
from urbanlab.traffic.junctions.tables import Paths, meetings, trace_paths, turn_radii, yields
from urbanlab.traffic.kernels.arrays import (
    EDGE_BRANCHES,
    EDGE_CHANGES,
    EDGE_NEARS_ROUNDABOUT,
    LINK_CONT,
    LINK_EXIT,
    LINK_INSIDE,
    LINK_KEEP_CLEAR,
    LINK_WAIT,
    LINK_WATCHED,
    ROUNDABOUT_REACH,
    Net,
)

__all__ = ["compile_network", "link_order"]

YIELDING = "m=sw-"
"""States of links whose vehicles have to yield."""


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
    paths = trace_paths(network, order, internal, out, next_lane)
    flags = _flags(network, order, internal, via, paths)
    yield_link, yield_foe = yields(network, paths, from_lane, next_lane)
    flags[np.unique(yield_foe)] |= LINK_WATCHED
    into = np.argsort(next_lane, kind="stable").astype(np.int32)
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
        edge_flags=_rounds(network, order, internal, roundabout) | _changes(network, order, via),
        lane_out=out,
        lane_in=np.searchsorted(next_lane[into], np.arange(num_lanes + 1)).astype(np.int32),
        in_link=into,
        link_from=from_lane.astype(np.int32),
        link_next=next_lane,
        link_to=to_lane.astype(np.int32),
        link_signal=signal_pos[order].astype(np.int32),
        link_state=network.connection_state[order],
        link_direction=network.connection_direction[order].copy(),
        link_flags=flags,
        link_permissions=network.connection_permissions[order].copy(),
        link_length=np.where(internal[next_lane], network.lane_length[next_lane], 0.0),
        lane_entry=paths.lane_entry,
        lane_before=paths.lane_before,
        lane_radius=turn_radii(network, order, paths),
        link_visibility=network.connection_visibility[order],
        yield_start=np.searchsorted(yield_link, np.arange(num_links + 1)).astype(np.int32),
        yield_link=yield_foe,
        **meetings(network, internal, paths),
    )


def _flags(
    network: Network, order: NDArray[np.int64], internal: NDArray[np.bool_], via: NDArray[np.int32], paths: Paths
) -> NDArray[np.uint8]:
    """What kind of link each is."""
    inside = internal[network.connection_from[order]]
    flags = np.where(inside, LINK_INSIDE, 0).astype(np.uint8)
    flags[inside & (via >= 0)] |= LINK_WAIT
    flags[inside & (via < 0)] |= LINK_EXIT
    # a junction is kept clear where any of its streams meet, and so is a waiting point inside it
    busy = np.zeros(network.num_junctions, bool)
    busy[network.request_junction[np.diff(network.foe_start) > 0]] = True
    keep = network.connection_keep_clear[order] & busy[network.connection_junction[order]]
    flags[keep & (~inside | (via >= 0))] |= LINK_KEEP_CLEAR
    request = network.connection_request[order]
    entry = np.flatnonzero(~inside & (request >= 0) & (via >= 0))
    cont = network.request_cont[request[entry]] & (paths.lane_after[via[entry]] >= 0)
    flags[entry[cont]] |= LINK_CONT
    return flags


def _rounds(network: Network, order: NDArray[np.int64], internal: NDArray[np.bool_], roundabout: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Which edges lead to a roundabout within reach, and where exits may be."""
    flags = np.zeros(network.num_edges, np.uint8)
    ring = np.flatnonzero(roundabout)
    if not len(ring):
        return flags
    normal = network.edge_function == EdgeFunction.NORMAL
    size = np.bincount(network.edge_from[normal], minlength=network.num_junctions)
    size += np.bincount(network.edge_to[normal], minlength=network.num_junctions)
    flags[normal & (size[network.edge_to] > 2)] |= EDGE_BRANCHES
    outside = ~internal[network.connection_from[order]]
    before = network.lane_edge[network.connection_from[order][outside]]
    after = network.lane_edge[network.connection_to[order][outside]]
    length = network.lane_length[network.edge_first_lane[:-1]]
    between = np.full(network.num_edges, np.inf)  # [m] of the edges between each and the nearest roundabout
    between[ring] = 0.0
    while True:
        way = np.where(roundabout[after] != 0, 0.0, between[after] + length[after])
        nearer = between.copy()
        np.minimum.at(nearer, before, way)
        nearer[nearer > ROUNDABOUT_REACH] = np.inf
        if np.array_equal(nearer, between):
            break
        between = nearer
    flags[np.isfinite(between)] |= EDGE_NEARS_ROUNDABOUT
    return flags


def _changes(network: Network, order: NDArray[np.int64], via: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Edges between whose lanes vehicles may change: inside junctions only straight on, with priority or by leave of a signal."""
    allowed = np.diff(network.edge_first_lane) > 1
    yields_way = np.isin(network.connection_state[order], [ord(state) for state in YIELDING])
    turns = network.connection_direction[order] != ord("s")
    allowed[network.lane_edge[via[(via >= 0) & (yields_way | turns)]]] = False
    allowed &= np.isin(network.edge_function, (EdgeFunction.NORMAL, EdgeFunction.INTERNAL))
    return np.where(allowed, EDGE_CHANGES, 0).astype(np.uint8)
