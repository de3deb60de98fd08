"""Who chooses a way at departure, and the tables by which they do: `kernels.navigation`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, DepartLane
from urbanlab.city.network import Network
from urbanlab.city.routing import internal_successors, link_penalty, successor_pairs
from urbanlab.city.routing_kernels import new_search_space
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.kernels.navigation import LOG_HEAD, LOG_TAIL, LOG_USED, MICRO, Navigation
from urbanlab.traffic.kernels.world import CHOICE_AGAIN, CHOICE_NONE, CHOICE_ONCE
from urbanlab.traffic.rerouting_options import ReroutingOptions

__all__ = ["Choosers", "choosers_of", "mean_limits", "new_navigation", "with_longer_log", "with_pairs"]

INDEX_SIZE = 4
"""Places of the index of added routes for each trip that chooses, at least."""


LOG_LEAST = 1024


class Choosers(NamedTuple):
    """Columns of `Departures`, (V,)."""

    choice: NDArray[np.uint8]
    choose_next: NDArray[np.float64]
    via_start: NDArray[np.int32]
    via_num: NDArray[np.int32]


def choosers_of(demand: Demand, trips: ExpandedTrips, options: ReroutingOptions, periods: NDArray[np.float64]) -> Choosers:
    """Who chooses at departure: by the kernels, if no scheduled stop lies on the way (see `rerouting` for those).

    Parameters
    ----------
    demand : with routes for all
    trips : those that depart
    options : of the run
    periods : (V,) [s] of the trips, as `options` gives them
    """
    rows = trips.row
    without = demand.trip_from[rows] >= 0
    chooses = (periods > 0.0) & (without | options.at_departure) & (np.diff(demand.trip_stop_start)[rows] == 0)
    again = options.at_departure & (demand.depart_lane[rows] == DepartLane.BEST)
    via_num = np.where(without, np.diff(demand.trip_via_start)[rows], 0)
    return Choosers(
        choice=np.where(chooses, np.where(again, CHOICE_AGAIN, CHOICE_ONCE), CHOICE_NONE).astype(np.uint8),
        choose_next=np.zeros(len(rows)),
        via_start=demand.trip_via_start[rows].astype(np.int32),
        via_num=via_num.astype(np.int32),
    )


def new_navigation(
    network: Network, demand: Demand, options: ReroutingOptions, *, kinds: NDArray[np.integer], most_via: int, num: int, step: float
) -> Navigation:
    """Tables before the first step.

    Parameters
    ----------
    network : the streets
    demand : with its vehicle types and the edges that trips pass in between
    options : of the run
    kinds : vehicle types of those who choose at departure; may be none
    most_via : edges that one of them passes in between, at most
    num : trips that choose, now or under way; 0: nobody ever looks
    step : [s]
    """
    used = num > 0
    edges, smoothing = network.num_edges if used else 0, options.smoothing
    moving = smoothing.weight == 0.0
    nav = Navigation(
        interval=max(1, round(smoothing.interval / step)) if used and smoothing.interval > 0.0 else 0,
        samples=smoothing.samples if moving else 0,
        weight=smoothing.weight,
        again_after=options.again_after,
        graph=np.full(len(demand.vehicle_types), -1, np.int32),
        start=np.zeros(1, np.int64),
        follower=np.zeros(0, np.int32),
        via=np.zeros(0, np.int32),
        onward=internal_successors(network) if used else np.zeros(0, np.int32),
        penalty=link_penalty(network, options.penalties)[network.edge_first_lane[:-1]] if used else np.zeros(0),
        limit=mean_limits(network, network.lane_speed) if used else np.zeros(0),
        lost=np.zeros(edges),
        seen=np.zeros(edges, np.uint8),
        altered=np.zeros(0, np.int32),
        scale=1.0 / (MICRO * smoothing.samples) if moving else 1.0 / MICRO,
        log_edge=np.zeros(edges, np.int32),
        log_lost=np.zeros(edges, np.int32),
        log_num=np.zeros(smoothing.samples if moving else 0, np.int32),
        cursor=np.zeros(4, np.int64),
        total=np.zeros(edges),
        vehicles=np.zeros(edges, np.int32),
        here=np.zeros(2 * edges, np.int32),
        space=new_search_space(edges),
        via_edge=demand.via_edge.astype(np.int32),
        path=np.zeros((1 + most_via) * edges + 1, np.int32),
        by_hash=np.full(1 << (INDEX_SIZE * num).bit_length() if len(kinds) else 1, -1, np.int32),
    )
    return with_pairs(nav, network, demand, kinds) if used else nav


def with_pairs(nav: Navigation, network: Network, demand: Demand, kinds: NDArray[np.integer]) -> Navigation:
    """The tables with the pairs of edges that vehicle types may drive by the permissions of the network."""
    classes = sorted({demand.vehicle_types[kind].vehicle_class for kind in kinds.tolist()})
    graph = np.full(len(demand.vehicle_types), -1, np.int32)
    for kind in kinds.tolist():
        graph[kind] = classes.index(demand.vehicle_types[kind].vehicle_class)
    starts, pairs, total = [np.zeros(1, np.int64)], [np.zeros(0, np.int64)], 0
    for name in classes:
        start, pair = successor_pairs(network, name)
        starts.append(start[1:] + total)
        pairs.append(pair)
        total += len(pair)
    all_pairs = np.concatenate(pairs)
    return nav._replace(
        graph=graph,
        start=np.concatenate(starts),
        follower=network.lane_edge[network.connection_to[all_pairs]].astype(np.int32),
        via=network.connection_via[all_pairs].astype(np.int32),
    )


def with_longer_log(nav: Navigation) -> Navigation:
    """The tables with room for twice as many entries of the log, oldest first."""
    num = len(nav.log_edge)
    order = (int(nav.cursor[LOG_TAIL]) + np.arange(nav.cursor[LOG_USED])) % max(num, 1)
    edge, lost = np.zeros(2 * num + LOG_LEAST, np.int32), np.zeros(2 * num + LOG_LEAST, np.int32)
    edge[: len(order)], lost[: len(order)] = nav.log_edge[order], nav.log_lost[order]
    nav.cursor[LOG_TAIL], nav.cursor[LOG_HEAD] = 0, len(order)
    return nav._replace(log_edge=edge, log_lost=lost)


def mean_limits(network: Network, speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """(E,) [m/s] mean limit of the lanes of each edge."""
    first = network.edge_first_lane
    return np.asarray(np.add.reduceat(speed[: network.num_lanes], first[:-1]) / np.diff(first))
