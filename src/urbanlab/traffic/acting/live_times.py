"""Travel times of the moment: mean speeds of edges, smoothed over the last minutes.

Model: SUMO's `MSRoutingEngine`: every so many seconds the mean speed of the vehicles on each edge is taken, and its mean over the last
180 such samples (or an exponential one) counts; an empty edge counts as driven at its limit, and an edge where nobody has been
yet stays at it. No edge is faster than the vehicle could drive it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network
from urbanlab.traffic.kernels.world import World

__all__ = ["LiveTimes", "Smoothing"]

SLOWEST = 0.001
"""[m/s] speed of an edge where all stand, as SUMO has it."""

Float = NDArray[np.float64]


class Smoothing(NamedTuple):
    """How speeds are smoothed; defaults are SUMO's."""

    interval: float = 1.0  # [s] between two samples
    samples: int = 180  # of the moving mean
    weight: float = 0.0  # [1] of the old value in an exponential mean; 0: a moving mean


class LiveTimes:
    """Smoothed speeds of one world's edges.

    Parameters
    ----------
    network : the streets
    world : gives the world as it is now
    smoothing : see there
    """

    def __init__(self, network: Network, world: Callable[[], World], smoothing: Smoothing) -> None:
        self._network, self._world, self._smoothing = network, world, smoothing
        self._first = network.edge_first_lane[:-1]
        self._length = network.lane_length[self._first]
        self.speed: Float = network.lane_speed[self._first].copy()  # (E,) [m/s]
        self._seen = np.zeros(network.num_edges, bool)  # somebody has been there
        self._past = np.zeros((0 if smoothing.weight > 0.0 else smoothing.samples, network.num_edges), np.float32)
        self._place = 0

    def sample(self) -> None:
        """Take the speeds of the moment in."""
        world, num = self._world(), self._network.num_edges
        on_road = np.flatnonzero(world.trips.lane >= 0)
        edge = self._network.lane_edge[world.trips.lane[on_road]]
        total = np.bincount(edge, weights=world.slots.speed[world.trips.slot[on_road]], minlength=num)
        vehicles = np.bincount(edge, minlength=num)
        new = np.flatnonzero((vehicles > 0) & ~self._seen)
        self._past[:, new] = self.speed[new]
        self._seen[new] = True
        edges = np.flatnonzero(self._seen)
        limit, here = world.lanes.speed[self._first[edges]], vehicles[edges]
        now = np.where(here > 0, total[edges] / np.maximum(here, 1), limit).astype(np.float32)
        if self._smoothing.weight > 0.0:
            self.speed[edges] = self._smoothing.weight * self.speed[edges] + (1.0 - self._smoothing.weight) * now
            return
        self.speed[edges] += (now - self._past[self._place, edges]).astype(np.float64) / self._smoothing.samples
        self._past[self._place, edges] = now
        self._place = (self._place + 1) % self._smoothing.samples

    def cost(self, alone: Float) -> Float:
        """(E,) [s] along each edge now; `alone` [s] is what a vehicle needs at least, inf where it may not drive."""
        return np.maximum(self._length / np.maximum(self.speed, SLOWEST), alone)
