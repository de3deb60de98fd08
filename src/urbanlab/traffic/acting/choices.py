"""How a driver under way chooses anew: the fastest way from where there is still a choice, by all stops to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.acting.ways import Way

__all__ = ["Choices", "joined"]

Int = NDArray[np.int32]
Float = NDArray[np.float64]


def joined(legs: Sequence[Int]) -> Int:
    """One way of legs that each begin with the edge where the one before ends."""
    return np.concatenate([legs[0], *(leg[1:] for leg in legs[1:])]).astype(np.int32)


class _Question(NamedTuple):
    trip: int
    way: Way
    first: int  # place in the way from where there is a choice
    points: tuple[int, ...]  # edges: there, the stops, the destination

    def answer(self, legs: Sequence[Int]) -> Way:
        """The way by legs from point to point."""
        places = self.first + np.cumsum([len(leg) - 1 for leg in legs[:-1]], dtype=np.int64)
        edges = np.concatenate([self.way.edges[: self.first], joined(legs)]).astype(np.int32)
        return Way(edges, self.way.stops, tuple(places.tolist()))


class Choices:
    """Choices of the drivers of one world.

    Parameters
    ----------
    acts : on that world
    """

    def __init__(self, acts: StreetActs) -> None:
        self._acts = acts

    def _ask(self, trip: int, destination: int = -1) -> _Question | None:
        """None: the vehicle is too near to its stop to think of anything else."""
        way = self._acts.way(trip)
        first = min(self._acts.first_choice(trip), len(way.edges) - 1)
        if any(place < first for place in way.places):
            return None
        goal = int(way.edges[-1]) if destination < 0 else destination
        return _Question(trip, way, first, (int(way.edges[first]), *(int(way.edges[place]) for place in way.places), goal))

    def fastest(self, trip: int, destination: int = -1, avoid: Int | None = None) -> Way | None:
        """Fastest way on free roads by the limits and permissions of the moment; None where there is none.

        Parameters
        ----------
        destination : edge, -1: the present one
        avoid : edges that may not be used
        """
        question = self._ask(trip, destination)
        if question is None:
            return self._acts.way(trip)
        legs = self._acts.paths.path(self._acts.kind(trip), list(question.points), closed=avoid)
        return None if legs is None else question.answer(legs)

    def fastest_now(self, trips: Iterable[int], speed: Float) -> list[tuple[int, Way]]:
        """Trips for which another way is faster now, and that way; searched together.

        Parameters
        ----------
        speed : (E,) [m/s] of all edges now
        """
        by_kind: dict[int, list[_Question]] = {}
        for trip in trips:
            question = self._ask(trip)
            if question is not None and len(question.way.edges) - question.first > 1:
                by_kind.setdefault(self._acts.kind(trip), []).append(question)
        changed = []
        for kind, questions in by_kind.items():
            pairs = [pair for question in questions for pair in zip(question.points[:-1], question.points[1:], strict=True)]
            legs = self._acts.paths.legs(kind, pairs, speed)
            for question in questions:
                own, legs = legs[: len(question.points) - 1], legs[len(question.points) - 1 :]
                if all(len(leg) for leg in own):
                    way = question.answer(own)
                    if not np.array_equal(way.edges, question.way.edges):
                        changed.append((question.trip, way))
        return sorted(changed, key=lambda entry: entry[0])
