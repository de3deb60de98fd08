"""Connections by lane and by signal: the look-ups that placing loops needs, made once for a network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network

__all__ = ["SignalLinks", "Ways", "entry_of", "links_of_signal", "rows_of", "ways_of"]

I64 = NDArray[np.int64]


class Ways(NamedTuple):
    """Rows of connections, grouped: group g of a pair is order[start[g]:start[g + 1]]."""

    out: tuple[I64, I64]  # by the lane that they start from
    into: tuple[I64, I64]  # by the lane that they lead to directly, internal or not
    of_signal: tuple[I64, I64]


class SignalLinks(NamedTuple):
    """Positions of a signal's state string and what they govern."""

    rows: list[list[int]]  # by position: connections
    lanes: list[list[int]]  # by position: lanes that these start from
    turns_around: list[bool]  # by position: all of them do
    of_lane: dict[int, list[int]]  # positions by lane, in the order of positions


def ways_of(network: Network) -> Ways:
    """Group the connections of a network."""
    following = np.where(network.connection_via >= 0, network.connection_via, network.connection_to)
    return Ways(
        _grouped(network.connection_from, network.num_lanes),
        _grouped(following, network.num_lanes),
        _grouped(network.connection_signal, network.num_signals),
    )


def _grouped(key: NDArray[np.int32], num: int) -> tuple[I64, I64]:
    order = np.argsort(key, kind="stable")
    return order, np.searchsorted(key[order], np.arange(num + 1))


def rows_of(groups: tuple[I64, I64], group: int) -> list[int]:
    """The rows of one group, in their order."""
    order, start = groups
    rows: list[int] = order[start[group] : start[group + 1]].tolist()
    return rows


def entry_of(network: Network, ways: Ways, row: int) -> int:
    """The connection by which the way of a connection enters its junction."""
    while network.edge_function[network.lane_edge[network.connection_from[row]]] == EdgeFunction.INTERNAL:
        row = rows_of(ways.into, int(network.connection_from[row]))[0]
    return row


def links_of_signal(network: Network, ways: Ways, signal: int, num: int) -> SignalLinks:
    """Links of a signal whose states have `num` characters."""
    rows: list[list[int]] = [[] for _ in range(num)]
    for row in rows_of(ways.of_signal, signal):
        rows[int(network.connection_link[row])].append(row)
    lanes = [[int(network.connection_from[row]) for row in part] for part in rows]
    around = [all(chr(network.connection_direction[row]) == "t" for row in part) for part in rows]
    of_lane: dict[int, list[int]] = {}
    for position, part in enumerate(lanes):
        for lane in dict.fromkeys(part):
            of_lane.setdefault(lane, []).append(position)
    return SignalLinks(rows, lanes, around, of_lane)
