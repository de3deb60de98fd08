"""Which connection is which request: the bookkeeping of SUMO's junction logic, as columns."""

from __future__ import annotations

from array import array
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, usual_visibility
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import NetworkError

__all__ = ["LinkSource", "right_of_way"]


class LinkSource(Protocol):
    """What a reader of networks has collected about links and requests."""

    links: array[int]  # start, end, via, signal, link index, direction, state, keep clear
    link_permissions: array[int]
    link_visibility: array[float]  # [m], 0 as usual
    request_start: array[int]
    request_cont: array[int]
    responses: array[int]
    response_start: array[int]
    foes: array[int]
    foe_start: array[int]
    junction_ids: list[str]
    report: ImportReport


def right_of_way(source: LinkSource, columns: dict[str, Any]) -> dict[str, Any]:
    """Columns of connections and requests.

    Requests are counted through a junction's incoming lanes and, lane by lane, through the connections in the
    file's order. Links into walking areas don't count, links from these onto crossings do; pedestrian links
    themselves are left out of the columns, their requests and link indices stay.
    """
    links = np.array(source.links, np.int32).reshape(-1, 8)
    start, end = links[:, 0], links[:, 1]
    function = columns["edge_function"][columns["lane_edge"]]
    from_function, to_function = function[start], function[end]
    counts = np.where(
        from_function == EdgeFunction.WALKINGAREA,
        to_function == EdgeFunction.CROSSING,
        (to_function != EdgeFunction.WALKINGAREA) & np.isin(from_function, (EdgeFunction.NORMAL, EdgeFunction.CONNECTOR)),
    )
    request = _requests(source, columns, start, counts)
    driven = np.isin(from_function, (EdgeFunction.NORMAL, EdgeFunction.INTERNAL, EdgeFunction.CONNECTOR))
    driven &= np.isin(to_function, (EdgeFunction.NORMAL, EdgeFunction.CONNECTOR))
    rest = driven | np.isin(from_function, (EdgeFunction.WALKINGAREA, EdgeFunction.CROSSING))
    rest |= np.isin(to_function, (EdgeFunction.WALKINGAREA, EdgeFunction.CROSSING))
    if not np.all(rest):
        source.report.warn("connection that ends on an internal lane", count=int(np.sum(~rest)))
    via = links[:, 2]
    if np.any((via >= 0) & (function[via] != EdgeFunction.INTERNAL) & driven):
        raise NetworkError("a connection runs via a lane that is not internal", expected="an internal lane as 'via'")
    inside = from_function == EdgeFunction.INTERNAL
    edge_of = columns["lane_edge"][start]
    state = links[:, 6].astype(np.uint8)
    visibility = np.array(source.link_visibility, np.float64)
    return {
        "connection_from": start[driven], "connection_to": end[driven], "connection_via": via[driven],
        "connection_junction": columns["edge_to"][edge_of][driven],
        "connection_request": np.where(inside, -1, request)[driven].astype(np.int32),
        "connection_signal": np.where(inside, -1, links[:, 3])[driven].astype(np.int32),
        "connection_link": np.where(inside, -1, links[:, 4])[driven].astype(np.int32),
        "connection_direction": links[driven, 5].astype(np.uint8),
        "connection_state": state[driven],
        "connection_keep_clear": links[driven, 7].astype(np.bool_),
        "connection_visibility": np.where(visibility > 0.0, visibility, usual_visibility(state))[driven],
        "connection_permissions": np.array(source.link_permissions, np.int64)[driven],
        "request_junction": np.repeat(np.arange(len(source.junction_ids), dtype=np.int32), _num_requests(source)),
        "request_cont": np.array(source.request_cont, np.bool_),
        "response_start": np.array([*source.response_start, len(source.responses)], np.int64),
        "response_request": np.array(source.responses, np.int32),
        "foe_start": np.array([*source.foe_start, len(source.foes)], np.int64),
        "foe_request": np.array(source.foes, np.int32),
    }  # fmt: skip


def _num_requests(source: LinkSource) -> NDArray[np.int64]:
    return np.diff(np.append(np.array(source.request_start, np.int64), len(source.request_cont)))


def _requests(source: LinkSource, columns: dict[str, Any], start: NDArray[np.int32], counts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(C,) row of the requests, -1 none."""
    num_requests = _num_requests(source)
    num_lanes = len(columns["lane_edge"])
    order = np.argsort(start, kind="stable")
    of_lane = np.concatenate([[0], np.cumsum(np.bincount(start, minlength=num_lanes))])
    lanes = columns["junction_inc_lane"]
    junctions = np.repeat(np.arange(len(num_requests)), np.diff(columns["junction_inc_start"]))
    keep = num_requests[junctions] > 0
    lanes, junctions = lanes[keep], junctions[keep]
    lengths = of_lane[lanes + 1] - of_lane[lanes]
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    sequence = order[np.repeat(of_lane[lanes], lengths) + within]
    junction = np.repeat(junctions, lengths)
    chosen = counts[sequence]
    sequence, junction = sequence[chosen], junction[chosen]
    first = np.searchsorted(junction, junction)  # the junctions come in rising order
    index = np.arange(len(sequence)) - first
    seen = np.bincount(junction, minlength=len(num_requests))
    wrong = np.flatnonzero((num_requests > 0) & (seen > num_requests))
    if len(wrong):
        items = [f"'{source.junction_ids[j]}': {seen[j]} connections, {num_requests[j]} requests" for j in wrong]
        raise NetworkError(f"a junction has more connections than requests: {items[0]}", items=items)
    for j in np.flatnonzero((num_requests > 0) & (seen < num_requests)):
        source.report.warn("junction with more requests than connections", source.junction_ids[j])
    request = np.full(len(start), -1, np.int64)
    request[sequence] = np.array(source.request_start, np.int64)[junction] + index
    return request
