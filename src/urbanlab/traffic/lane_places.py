"""Where on the map a place on a lane is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network

__all__ = ["LanePlaces"]

Float = NDArray[np.float64]


class LanePlaces:
    """Points of lanes by their distance from the lane's start.

    A lane's length may differ from that of its drawn line; distances are stretched to fit, as SUMO does.

    Parameters
    ----------
    network : the streets
    """

    def __init__(self, network: Network) -> None:
        self._x, self._y = network.shape_x, network.shape_y
        step = np.hypot(np.diff(self._x), np.diff(self._y))
        step[network.lane_shape_start[1:-1] - 1] = 0.0  # from the end of a lane's line to the start of the next one's
        self._along = np.concatenate([[0.0], np.cumsum(step)])
        self._first, self._last = network.lane_shape_start[:-1], network.lane_shape_start[1:] - 2
        drawn = self._along[self._last + 1] - self._along[self._first]
        self._stretch = drawn / network.lane_length
        self._heading = np.arctan2(np.diff(self._y), np.diff(self._x))

    def points(self, lane: NDArray[np.integer], distance: Float) -> tuple[Float, Float, Float]:
        """Points at distances [m] from the starts of lanes, (N,): x [m], y [m], heading [rad], counter-clockwise from +x."""
        along = self._along[self._first[lane]] + distance * self._stretch[lane]
        part = np.clip(np.searchsorted(self._along, along, side="right") - 1, self._first[lane], self._last[lane])
        rest, heading = along - self._along[part], self._heading[part]
        return self._x[part] + rest * np.cos(heading), self._y[part] + rest * np.sin(heading), heading
