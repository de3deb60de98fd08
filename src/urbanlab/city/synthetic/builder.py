"""From streets to a complete network: lanes, turns, right of way, the insides of junctions.

Everything is worked out in columns, so that a city of 100,000 junctions is built in seconds.
Letters: J junctions, E edges, L lanes, C connections that enter junctions, N internal lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.geometry import polyline_lengths
from urbanlab.city.network import ALL_CLASSES, EdgeFunction, JunctionType, Network, class_mask, usual_visibility
from urbanlab.city.synthetic.inside import Inside, build_inside
from urbanlab.city.synthetic.lanes import LANE_WIDTH, Edges, build_arms, build_edges
from urbanlab.city.synthetic.right_of_way import RightOfWay, junction_types, right_of_way
from urbanlab.city.synthetic.streets import TYPE_OF_RANK, Streets
from urbanlab.city.synthetic.turns import BACK, LETTER, Turns, build_turns

__all__ = ["Built", "build_network"]

PRIORITY_OF_RANK = 3  # edge priority = rank times this
STREET_CLASSES = ALL_CLASSES & ~class_mask(
    "pedestrian", "tram", "rail_urban", "rail", "rail_electric", "rail_fast", "ship", "cable_car", "subway",
    "aircraft", "drone",
)  # fmt: skip
Int = NDArray[np.int32]


class Built(NamedTuple):
    """The network and what programs and demand are made from. Rows of normal edges and lanes are the same."""

    network: Network
    streets: Streets
    edges: Edges
    turns: Turns  # its rows are the network's requests and its first connections
    ways: RightOfWay


class _Parts(NamedTuple):
    streets: Streets
    edges: Edges
    turns: Turns
    ways: RightOfWay
    kinds: NDArray[np.uint8]
    inside: Inside


def build_network(streets: Streets) -> Built:
    """Work out the network of a plan."""
    arms = build_arms(streets)
    edges = build_edges(streets, arms)
    turns = build_turns(arms, edges, streets.num_nodes)
    kinds = junction_types(streets, arms)
    ways = right_of_way(streets, arms, edges, turns, kinds)
    lane_speed = streets.street_speed[edges.street[edges.lane_edge]]
    inside = build_inside(edges, turns, ways, kinds, lane_speed)
    parts = _Parts(streets, edges, turns, ways, kinds, inside)
    columns: dict[str, Any] = {}
    columns |= _junctions(parts)
    columns |= _edges(parts)
    columns |= _lanes(parts, lane_speed)
    columns |= _connections(parts)
    columns |= _requests(parts)
    attributes = {"districts": ",".join(streets.districts), **streets.attributes}
    circles = tuple(tuple(int(edge_of) for edge_of in _edges_of(edges, circle)) for circle in streets.roundabouts)
    network = Network(
        **columns, roundabouts=circles, source_version="1.20", attributes=attributes,
        signal_id=tuple(columns["junction_id"][node] for node in np.flatnonzero(kinds == JunctionType.TRAFFIC_LIGHT)),
    )  # fmt: skip
    return Built(network, streets, edges, turns, ways)


def _edges_of(edges: Edges, streets: tuple[int, ...]) -> NDArray[np.int64]:
    return np.searchsorted(edges.street, np.array(streets))


def _names(parts: _Parts) -> tuple[list[str], list[str]]:
    """Names of nodes, and of internal edges (N): the junction's, and a number within it as SUMO counts."""
    node_name = [f"J{node}" for node in range(parts.streets.num_nodes)]
    turns, inside = parts.turns, parts.inside
    size = np.bincount(turns.node, minlength=parts.streets.num_nodes)
    waiting = np.flatnonzero(inside.waits)
    waiting_node = turns.node[waiting]
    new = np.flatnonzero(np.diff(waiting_node, prepend=-1))
    place = np.arange(len(waiting)) - np.repeat(new, np.diff(np.append(new, len(waiting))))
    number = np.concatenate([turns.number, size[waiting_node] + place])
    node = turns.node[inside.connection]
    internal = [f":{node_name[j]}_{k}" for j, k in zip(node.tolist(), number.tolist(), strict=True)]
    return node_name, internal


def _junctions(parts: _Parts) -> dict[str, Any]:
    """Nodes in the plan's order, then the waiting places inside."""
    streets, edges, turns, inside = parts.streets, parts.edges, parts.turns, parts.inside
    node_name, internal = _names(parts)
    num_nodes, first_internal_lane = streets.num_nodes, len(edges.lane_edge)
    seconds = np.arange(len(turns.node), len(inside.connection))
    at = inside.shape_start[seconds]
    lane_node = edges.end[edges.lane_edge]
    in_rank = _arm_rank_of_lane(parts)
    into = np.lexsort((np.arange(len(lane_node)), in_rank, lane_node))
    inc_count = np.bincount(lane_node, minlength=num_nodes)
    last_lane = np.where(inside.second_of >= 0, inside.second_of, np.arange(len(turns.node)))
    int_count = np.bincount(turns.node, minlength=num_nodes)
    waits_inc, waits_int = _waiting_lanes(parts)
    return {
        "junction_id": tuple(node_name) + tuple(internal[lane] + "_0" for lane in seconds.tolist()),
        "junction_type": np.concatenate([parts.kinds, np.full(len(seconds), JunctionType.INTERNAL, np.uint8)]),
        "junction_x": np.concatenate([np.round(streets.node_x, 2), inside.shape_x[at]]),
        "junction_y": np.concatenate([np.round(streets.node_y, 2), inside.shape_y[at]]),
        "junction_inc_start": _starts(np.concatenate([inc_count, waits_inc[0]])),
        "junction_inc_lane": np.concatenate([into, waits_inc[1]]).astype(np.int32),
        "junction_int_start": _starts(np.concatenate([int_count, waits_int[0]])),
        "junction_int_lane": np.concatenate([first_internal_lane + last_lane, waits_int[1]]).astype(np.int32),
    }


def _arm_rank_of_lane(parts: _Parts) -> NDArray[np.int64]:
    """(L,) smallest connection index of the lane's edge: edges sort by it as around the node."""
    first = np.full(len(parts.edges.start), np.iinfo(np.int64).max)
    np.minimum.at(first, parts.turns.from_edge, parts.turns.number.astype(np.int64))
    return first[parts.edges.lane_edge]


def _waiting_lanes(parts: _Parts) -> tuple[tuple[NDArray[np.int64], Int], tuple[NDArray[np.int64], Int]]:
    """Of each waiting place: incoming lanes (its own first, then those it yields to), internal lanes of its foes."""
    turns, ways, inside = parts.turns, parts.ways, parts.inside
    first_internal = len(parts.edges.lane_edge)
    waiting = np.flatnonzero(inside.waits)
    place_of = np.full(len(turns.node), -1, np.int64)
    place_of[waiting] = np.arange(len(waiting))
    one = np.repeat(np.arange(len(turns.node)), np.diff(ways.foe_start))
    pairs = np.flatnonzero(inside.waits[one])
    place, foe = place_of[one[pairs]], ways.foe[pairs]
    int_count = np.bincount(place, minlength=len(waiting))
    yields = ways.yields[pairs]
    inc = np.concatenate([place[yields] * 2 + 1, np.arange(len(waiting)) * 2])
    lanes = np.concatenate([turns.from_lane[foe[yields]], first_internal + waiting]).astype(np.int64)
    # one row a lane: several foes may come from the same one
    key = np.unique(np.stack([inc, lanes], axis=1), axis=0)
    inc_count = np.bincount(key[:, 0] // 2, minlength=len(waiting))
    return (inc_count, key[:, 1].astype(np.int32)), (int_count, (first_internal + foe).astype(np.int32))


def _edges(parts: _Parts) -> dict[str, Any]:
    """Normal edges, then one internal edge for each internal lane."""
    streets, edges, turns, inside = parts.streets, parts.edges, parts.turns, parts.inside
    _, internal = _names(parts)
    rank = streets.street_rank[edges.street]
    node = turns.node[inside.connection]
    num = len(edges.start) + len(node)
    signs = np.where(edges.is_backward, "-", "").tolist()
    names = [f"{sign}S{street}" for sign, street in zip(signs, edges.street.tolist(), strict=True)]
    types = [TYPE_OF_RANK[kind] for kind in rank.tolist()]
    lanes = np.concatenate([np.diff(edges.first_lane), np.ones(len(node), np.int64)])
    return {
        "edge_id": (*names, *internal),
        "edge_from": np.concatenate([edges.start, node]).astype(np.int32),
        "edge_to": np.concatenate([edges.end, node]).astype(np.int32),
        "edge_function": np.repeat([EdgeFunction.NORMAL, EdgeFunction.INTERNAL], [len(names), num - len(names)]).astype(np.uint8),
        "edge_priority": np.concatenate([rank * PRIORITY_OF_RANK, np.full(len(node), -1)]).astype(np.int32),
        "edge_first_lane": _starts(lanes).astype(np.int32),
        "edge_name": tuple(streets.street_name[street] for street in edges.street.tolist()) + ("",) * len(node),
        "edge_type": (*types, *("",) * len(node)),
    }


def _lanes(parts: _Parts, lane_speed: NDArray[np.float64]) -> dict[str, Any]:
    edges, inside = parts.edges, parts.inside
    num, num_internal = len(edges.lane_edge), len(inside.connection)
    start = np.arange(num + 1, dtype=np.int64) * 2
    x = np.stack([edges.lane_from[0], edges.lane_to[0]], axis=1).reshape(-1)
    y = np.stack([edges.lane_from[1], edges.lane_to[1]], axis=1).reshape(-1)
    length = np.round(polyline_lengths(start, x, y), 2)
    first = edges.first_lane[:-1]
    return {
        "lane_edge": np.concatenate([edges.lane_edge, len(edges.start) + np.arange(num_internal)]).astype(np.int32),
        "lane_length": np.concatenate([length[first][edges.lane_edge], inside.length]),
        "lane_speed": np.concatenate([np.round(lane_speed, 2), inside.speed]),
        "lane_width": np.full(num + num_internal, LANE_WIDTH),
        "lane_permissions": np.full(num + num_internal, STREET_CLASSES, np.int64),
        "lane_shape_start": np.concatenate([start, start[-1] + inside.shape_start[1:]]),
        "shape_x": np.concatenate([x, inside.shape_x]),
        "shape_y": np.concatenate([y, inside.shape_y]),
    }


def _connections(parts: _Parts) -> dict[str, Any]:
    """First the links that enter junctions, then those of first, then those of second internal lanes."""
    turns, ways, inside, kinds = parts.turns, parts.ways, parts.inside, parts.kinds
    first_internal = len(parts.edges.lane_edge)
    num = len(turns.node)
    waiting = np.flatnonzero(inside.waits)
    first_lane = first_internal + np.arange(num)
    second_lane = np.where(inside.second_of >= 0, first_internal + inside.second_of, -1)
    row = np.concatenate([np.arange(num), np.arange(num), waiting])
    signal_of = np.full(parts.streets.num_nodes, -1, np.int32)
    signals = np.flatnonzero(kinds == JunctionType.TRAFFIC_LIGHT)
    signal_of[signals] = np.arange(len(signals))
    none = np.full(num + len(waiting), -1, np.int32)
    signal = signal_of[turns.node]
    held_up = np.zeros(num, dtype=bool)
    held_up[np.repeat(np.arange(num), np.diff(ways.foe_start))[ways.yields]] = True
    inner_state = np.where(second_lane >= 0, ord("m"), ord("M"))
    direction = LETTER[turns.kind]
    state = np.concatenate([_states(kinds[turns.node], held_up), inner_state, np.full(len(waiting), ord("M"))]).astype(np.uint8)
    return {
        "connection_from": np.concatenate([turns.from_lane, first_lane, second_lane[waiting]]).astype(np.int32),
        "connection_to": turns.to_lane[row].astype(np.int32),
        "connection_via": np.concatenate([first_lane, second_lane, np.full(len(waiting), -1)]).astype(np.int32),
        "connection_junction": turns.node[row].astype(np.int32),
        "connection_request": np.concatenate([np.arange(num, dtype=np.int32), none]),
        "connection_signal": np.concatenate([signal, none]),
        "connection_link": np.concatenate([np.where(signal >= 0, turns.number, -1).astype(np.int32), none]),
        "connection_direction": direction[row].astype(np.uint8),
        "connection_state": state,
        "connection_keep_clear": np.ones(len(row), dtype=np.bool_),
        "connection_visibility": usual_visibility(state),
        "connection_permissions": np.full(len(row), STREET_CLASSES, np.int64),
    }


def _states(kind: NDArray[np.uint8], held_up: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Link states without a signal: major or minor, equal, or the blinking or dark signal."""
    minor = np.where(kind == JunctionType.TRAFFIC_LIGHT, ord("o"), ord("m"))
    minor = np.where(kind == JunctionType.RIGHT_BEFORE_LEFT, ord("="), minor)
    major = np.where(kind == JunctionType.TRAFFIC_LIGHT, ord("O"), ord("M"))
    return np.where(held_up, minor, major)


def _requests(parts: _Parts) -> dict[str, Any]:
    turns, ways = parts.turns, parts.ways
    one = np.repeat(np.arange(len(turns.node)), np.diff(ways.foe_start))
    response_count = np.bincount(one[ways.yields], minlength=len(turns.node))
    return {
        "request_junction": turns.node,
        "request_cont": parts.inside.waits & (turns.kind != BACK),
        "response_start": _starts(response_count),
        "response_request": ways.foe[ways.yields],
        "foe_start": ways.foe_start,
        "foe_request": ways.foe,
    }


def _starts(count: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
