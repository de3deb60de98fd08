"""Fastest paths in a running world: with its limits and permissions of the moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import VehicleType
from urbanlab.city.network import Network
from urbanlab.city.routing import MINOR_PENALTY, routing_graph, solve_pairs
from urbanlab.city.routing_kernels import RoutingGraph

__all__ = ["PathFinder"]

Int = NDArray[np.int32]
Float = NDArray[np.float64]


class PathFinder:
    """Paths for the vehicle types of a run; graphs are made when they are asked for and kept until lanes change.

    Parameters
    ----------
    network : the streets
    vehicle_types : of the run
    penalty : [s] for each internal edge entered over a minor link without a signal
    """

    def __init__(self, network: Network, vehicle_types: tuple[VehicleType, ...], penalty: float = MINOR_PENALTY) -> None:
        self._network, self._penalty = network, penalty
        self._kinds = [(kind.vehicle_class, min(kind.max_speed, kind.desired_max_speed)) for kind in vehicle_types]
        self._graphs: dict[tuple[str, float], RoutingGraph] = {}

    def lanes_changed(self, speed: NDArray[np.float64], permissions: NDArray[np.int64]) -> None:
        """Limits [m/s] or permissions of lanes (L,) are others from now on."""
        self._network = replace(self._network, lane_speed=speed.copy(), lane_permissions=permissions.copy())
        self._graphs.clear()

    def graph(self, kind: int) -> RoutingGraph:
        """Edges and times for a vehicle type."""
        key = self._kinds[kind]
        if key not in self._graphs:
            self._graphs[key] = routing_graph(self._network, key[0], max_speed=key[1], minor_penalty=self._penalty)
        return self._graphs[key]

    def path(self, kind: int, points: list[int], *, closed: NDArray[np.integer] | None = None) -> list[Int] | None:
        """Fastest edges from each point to the next; each leg holds both its ends; None where there is no way.

        Parameters
        ----------
        kind : vehicle type
        points : edges in order; the first one is entered already
        closed : edges that may not be used, but for the first point
        """
        graph = self.graph(kind)
        cost = graph.edge_cost.copy()
        if closed is not None:
            cost[closed] = np.inf
        if not np.isfinite(cost[points[0]]):
            cost[points[0]] = 0.0  # whoever is there already may leave
        legs = solve_pairs(graph, np.array(points[:-1], np.int32), np.array(points[1:], np.int32), cost)
        if not np.all(np.isfinite(legs.cost)):
            return None
        return [legs.path(row) for row in range(len(points) - 1)]

    def legs(self, kind: int, pairs: list[tuple[int, int]], cost: Callable[[Float], Float]) -> list[Int]:
        """Fastest edges of pairs (from, to), searched together; empty where there is no way.

        Parameters
        ----------
        kind : vehicle type
        cost : gives the times along edges [s] from what a vehicle needs alone
        """
        graph = self.graph(kind)
        ends = np.array(pairs, np.int32).reshape(-1, 2)
        found = solve_pairs(graph, ends[:, 0], ends[:, 1], cost(graph.edge_cost))
        return [found.path(row) for row in range(len(pairs))]
