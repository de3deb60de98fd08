"""What is left of a trip's way, read from a world and written back: edges, and the stops still to come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.traffic.acting.route_runs import RouteRuns
from urbanlab.traffic.kernels.world import World

__all__ = ["Way", "place_of", "read_way", "slot_of"]


class Way(NamedTuple):
    """From the edge where a trip is now, or departs, to its end."""

    edges: NDArray[np.int32]
    stops: tuple[int, ...]  # rows of the stop table, in order
    places: tuple[int, ...]  # place in `edges` of each


def slot_of(world: World, trip: int) -> int:
    """Slot of a trip under way, parked and teleporting ones included; -1 none."""
    return int(world.trips.slot[trip])


def place_of(world: World, trip: int) -> tuple[int, int]:
    """Position in the route table, and next stop (-1 none)."""
    slot = slot_of(world, trip)
    if slot >= 0:
        return int(world.slots.route[slot]), int(world.slots.stop[slot])
    return int(world.departures.route[trip]), int(world.departures.stop[trip])


def read_way(world: World, runs: RouteRuns, trip: int) -> Way:
    """The rest of a trip's way."""
    here, stop = place_of(world, trip)
    ahead = runs.ahead(here)
    rows: list[int] = []
    while stop >= 0:
        if here <= world.stops.route[stop] < ahead.stop:
            rows.append(stop)
        stop = int(world.stops.next[stop])
    offsets = np.array([world.stops.route[row] - here for row in rows], np.int64)
    kept = np.ones(ahead.stop - here, bool)
    kept[offsets + 1] = False  # behind a stop the same edge stands once more
    places = (np.cumsum(kept) - 1)[offsets] if rows else offsets
    return Way(world.routes.edge[ahead][kept], tuple(rows), tuple(places.tolist()))
