"""Fastest paths in a running world: with its limits and permissions of the moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import VehicleType
from urbanlab.city.network import Network
from urbanlab.city.routing import USUAL_PENALTIES, Penalties, junction_times, link_penalty, routing_graph, solve_pairs, successor_pairs
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
    penalties : for links that have to yield
    """

    def __init__(self, network: Network, vehicle_types: tuple[VehicleType, ...], penalties: Penalties = USUAL_PENALTIES) -> None:
        self._network, self._penalties = network, penalties
        self._kinds = [(kind.vehicle_class, min(kind.max_speed, kind.desired_max_speed)) for kind in vehicle_types]
        self._graphs: dict[tuple[str, float], RoutingGraph] = {}
        self._inside: dict[tuple[str, float], tuple[NDArray[np.int64], Float]] = {}

    def lanes_changed(self, network: Network) -> None:
        """The same streets with other limits or permissions of lanes are what counts from now on."""
        self._network = network
        self._graphs.clear()
        self._inside.clear()

    def graph(self, kind: int) -> RoutingGraph:
        """Edges and times for a vehicle type."""
        key = self._kinds[kind]
        if key not in self._graphs:
            self._graphs[key] = routing_graph(self._network, key[0], max_speed=key[1], penalties=self._penalties)
        return self._graphs[key]

    def _over_junctions(self, kind: int) -> tuple[NDArray[np.int64], Float]:
        """Connections of the graph's pairs, and the time (E,) [s] that the vehicle alone needs along each edge, penalties included."""
        key, network = self._kinds[kind], self._network
        if key not in self._inside:
            first = network.edge_first_lane[:-1]
            alone = network.lane_length[first] / np.minimum(network.lane_speed[first], key[1])
            self._inside[key] = successor_pairs(network, key[0])[1], alone + link_penalty(network, self._penalties)[first]
        return self._inside[key]

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

    def legs(self, kind: int, pairs: list[tuple[int, int]], speed: Float) -> list[Int]:
        """Fastest edges of pairs (from, to), searched together; empty where there is no way.

        Parameters
        ----------
        kind : vehicle type
        speed : (E,) [m/s] of all edges now, those inside junctions included; no edge is faster than the vehicle is alone
        """
        graph, network = self.graph(kind), self._network
        first = network.edge_first_lane[:-1]
        time = network.lane_length[first] / speed
        pair, alone = self._over_junctions(kind)
        graph = graph._replace(successor_cost=junction_times(network, np.maximum(time, alone))[pair])
        ends = np.array(pairs, np.int32).reshape(-1, 2)
        found = solve_pairs(graph, ends[:, 0], ends[:, 1], np.maximum(time, graph.edge_cost))
        return [found.path(row) for row in range(len(pairs))]
