"""Which links of a signal are green together.

Streets that face each other share a stage; heavy left turns get one of their own behind it, others turn through
gaps. Plain lists: a signal has a dozen links, and a city may have a hundred thousand signals.

Letters: K links of one signal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.synthetic.builder import Built
from urbanlab.city.synthetic.turns import LEFT

__all__ = ["SignalLinks", "Stage", "links_of_signals", "stages_of"]

SATURATION = 1800.0 / 3600.0  # [1/s] of a lane
MIN_GREEN, MIN_GREEN_LEFT = 8, 6  # [s]
PROTECT_FROM = 90.0 / 3600.0  # [1/s] left turns that get a phase of their own, if oncoming traffic is dense too
PROTECT_PRODUCT = 50_000.0 / 3600.0**2  # [1/s^2] left turns times oncoming flow per lane (HCM's rule of thumb)
SNEAKERS = 0.6  # part of a protected left flow that still needs its own phase: the rest finds gaps before
GAP_EQUIVALENT = 1.8  # [1] lane time of a left turn through gaps over that of a straight one
FACING = math.radians(50.0)


class Stage(NamedTuple):
    """Links that are green together for one critical flow."""

    green: list[bool]  # (K,)
    flow_ratio: float  # [1] critical flow over saturation flow
    min_green: int  # [s]


class SignalLinks(NamedTuple):
    """The links of one signal, each a list (K,)."""

    edge: list[int]
    lane: list[int]
    is_left: list[bool]
    flow: list[float]  # [1/s]
    waits_for: list[list[int]]  # links that each yields to
    heading: dict[int, float]  # [rad] by edge


def links_of_signals(built: Built, flow: NDArray[np.float64]) -> Iterator[tuple[int, SignalLinks]]:
    """First connection and links of each signal, in the order of signals."""
    turns, ways, network = built.turns, built.ways, built.network
    rows = np.flatnonzero(network.connection_signal[: len(turns.node)] >= 0)
    signal = network.connection_signal[rows]
    bounds = np.flatnonzero(np.diff(signal, prepend=-1, append=network.num_signals))
    one = np.repeat(np.arange(len(turns.node)), np.diff(ways.foe_start))[ways.yields]
    foe = ways.foe[ways.yields].tolist()
    wait_start = np.searchsorted(one, np.arange(len(turns.node) + 1)).tolist()
    edge, lane, kind = turns.from_edge.tolist(), turns.from_lane.tolist(), turns.kind.tolist()
    flows, heading = flow.tolist(), built.edges.heading.tolist()
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        first, last = int(rows[begin]), int(rows[end - 1]) + 1
        yield (
            first,
            SignalLinks(
                edge=edge[first:last],
                lane=lane[first:last],
                is_left=[one >= LEFT for one in kind[first:last]],
                flow=flows[first:last],
                waits_for=[[other - first for other in foe[wait_start[k] : wait_start[k + 1]]] for k in range(first, last)],
                heading={one: heading[one] for one in edge[first:last]},
            ),
        )


def stages_of(links: SignalLinks, *, protected: bool) -> list[Stage]:
    """All stages of a signal, the streets with the most traffic first."""
    return [stage for group in _groups(links) for stage in _stages(group, links, protected=protected)]


def _groups(links: SignalLinks) -> list[list[int]]:
    """Incoming edges in groups that face each other, the one with the most traffic first."""
    load: dict[int, float] = {}
    for edge, flow in zip(links.edge, links.flow, strict=True):
        load[edge] = load.get(edge, 0.0) + flow
    waiting = list(load)
    facing = []
    for place, one in enumerate(waiting):
        for other in waiting[place + 1 :]:
            turn = (links.heading[other] - links.heading[one]) % (2 * math.pi)
            if abs(turn - math.pi) < FACING:
                facing.append((abs(turn - math.pi), one, other))
    groups: list[list[int]] = []
    for _, one, other in sorted(facing):
        if one in waiting and other in waiting:
            groups.append([one, other])
            waiting.remove(one)
            waiting.remove(other)
    groups += [[one] for one in waiting]
    return sorted(groups, key=lambda group: (-sum(load[one] for one in group), group))


def _lane_flows(links: SignalLinks, weight: list[float]) -> dict[int, float]:
    flows: dict[int, float] = {}
    for lane, flow in zip(links.lane, weight, strict=True):
        flows[lane] = flows.get(lane, 0.0) + flow
    return flows


def _stages(group: list[int], links: SignalLinks, *, protected: bool) -> list[Stage]:
    """One stage for a group of edges, or two where left turns get their own."""
    num = range(len(links.edge))
    green = [edge in group for edge in links.edge]
    lane_flow = _lane_flows(links, links.flow)
    through_gaps = [k for k in num if green[k] and links.is_left[k] and any(green[foe] for foe in links.waits_for[k])]
    mixed = {links.lane[k] for k in num if green[k] and not links.is_left[k]}
    separate = set()
    for link in through_gaps:
        oncoming = max(lane_flow[links.lane[foe]] for foe in links.waits_for[link] if green[foe])
        is_heavy = links.flow[link] >= PROTECT_FROM and links.flow[link] * oncoming >= PROTECT_PRODUCT
        if protected and is_heavy and links.lane[link] not in mixed:
            separate.add(link)
    slow = set(through_gaps) - separate
    equivalent = [0.0 if k in separate else links.flow[k] * (GAP_EQUIVALENT if k in slow else 1.0) for k in num]
    common = _lane_flows(links, equivalent)
    stages = [Stage(green, max(common[links.lane[k]] for k in num if green[k]) / SATURATION, MIN_GREEN)]
    # all left turns of the group that have lanes of their own and do not meet go together
    alone = [k for k in num if green[k] and links.is_left[k] and links.lane[k] not in mixed]
    if separate and not any(foe in links.waits_for[k] for k in alone for foe in alone):
        critical = max(lane_flow[links.lane[k]] for k in alone)
        stages.append(Stage([k in alone for k in num], SNEAKERS * critical / SATURATION, MIN_GREEN_LEFT))
    return stages
