"""Routes of SUMO: by name, inside vehicles, as distributions; equal ones stored once."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.readers.sumo_stops import StopDraft
from urbanlab.city.readers.sumo_values import Values, nearest
from urbanlab.core.errors import DemandError

__all__ = ["NamedRoute", "RouteStore", "has_gap"]

_TEXTS_KEPT = 50_000


@dataclass
class NamedRoute:
    """A route or a distribution of routes under a name."""

    route: int = -1  # row, -1 for a distribution
    members: list[str] = field(default_factory=list)  # of a distribution
    weights: list[float] = field(default_factory=list)
    stops: list[StopDraft] = field(default_factory=list)
    where: str = ""


class RouteStore:
    """All routes as ranges of edges."""

    def __init__(self, network: Network) -> None:
        drivable = (int(EdgeFunction.NORMAL), int(EdgeFunction.CONNECTOR))
        function = network.edge_function.tolist()
        self.edge_of_id = {name: edge for edge, name in enumerate(network.edge_id) if function[edge] in drivable}
        self.values = Values(DemandError)
        self.start, self.edges = array("q", [0]), array("i")
        self._of_text: dict[str, int] = {}
        self._of_edges: dict[bytes, int] = {}

    def add(self, text: str) -> int:
        """Row of a route; KeyError with the name of an edge that the network lacks."""
        row = self._of_text.get(text)
        if row is None:
            find = self.edge_of_id
            edges = array("i", [find[name] for name in text.split()])
            if not edges:
                raise DemandError("a route has no edges", got=repr(text), expected="one edge or more")
            row = self._of_edges.setdefault(edges.tobytes(), len(self.start) - 1)
            if row == len(self.start) - 1:
                self.edges.extend(edges)
                self.start.append(len(self.edges))
            if len(self._of_text) > _TEXTS_KEPT:
                self._of_text.clear()
            self._of_text[text] = row
        return row

    def of(self, row: int) -> NDArray[np.int32]:
        """Edges of a route."""
        return np.array(self.edges[self.start[row] : self.start[row + 1]], np.int32)

    def hint(self, edge_id: str) -> str:
        """The nearest known edge."""
        return nearest(edge_id, self.edge_of_id)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Start of each route and the edges of all."""
        return np.array(self.start, np.int64), np.array(self.edges, np.int32)


def has_gap(network: Network, start: NDArray[np.int64], edges: NDArray[np.int32]) -> NDArray[np.int64]:
    """(N,) position in each route of the first edge without a connection to the next one, -1 where all is well."""
    lane_edge = network.lane_edge.astype(np.int64)
    pairs = lane_edge[network.connection_from] * network.num_edges + lane_edge[network.connection_to]
    pairs = np.unique(pairs)
    wanted = edges[:-1].astype(np.int64) * network.num_edges + edges[1:]
    place = np.minimum(np.searchsorted(pairs, wanted), max(len(pairs) - 1, 0))
    missing = pairs[place] != wanted if len(pairs) else np.ones(len(wanted), np.bool_)
    missing[start[1:-1] - 1] = False  # the last edge of a route has no next one
    gaps = np.flatnonzero(missing)
    result = np.full(len(start) - 1, -1, np.int64)
    routes = np.searchsorted(start, gaps, side="right") - 1
    result[routes[::-1]] = (gaps - start[routes])[::-1]  # the first one of each route wins
    return result
