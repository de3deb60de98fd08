"""Demand on a grid of streets that needs no search: ways with one or two corners, the same for every simulator.

Letters: V trips, K edges of all ways together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Staircases", "staircases"]

Int = NDArray[np.int64]


class Staircases(NamedTuple):
    """Ways over the junctions of a grid; the junction in column x and row y is y * columns + x."""

    start: Int  # (V+1,) ranges of tail and head
    tail: Int  # (K,) junction where each edge begins
    head: Int  # (K,) junction where it ends


def staircases(columns: int, rows: int, num: int, *, nearest: float, farthest: float, seed: int) -> Staircases:
    """Ways from a random junction to another, without a step back.

    Parameters
    ----------
    columns, rows : of the grid
    num : ways
    nearest, farthest : [edges] straight-line distance of their ends
    seed : of all draws
    """
    draw = np.random.default_rng(seed)
    x0, y0, x1, y1 = _ends(columns, rows, num, (nearest, farthest), draw)
    dx, dy = x1 - x0, y1 - y0
    along_x = draw.random(num) < 0.5
    first, second = np.where(along_x, np.abs(dx), np.abs(dy)), np.where(along_x, np.abs(dy), np.abs(dx))
    before = np.where(draw.random(num) < 0.5, first, np.floor(draw.random(num) * (first + 1)).astype(np.int64))
    start = np.concatenate([[0], np.cumsum(first + second)])
    way = np.repeat(np.arange(num), first + second)
    step = np.arange(start[-1]) - start[way]

    def junction(k: Int) -> Int:
        a = np.minimum(k, before[way]) + np.clip(k - before[way] - second[way], 0, None)
        b = np.clip(k - before[way], 0, second[way])
        x = x0[way] + np.sign(dx)[way] * np.where(along_x[way], a, b)
        y = y0[way] + np.sign(dy)[way] * np.where(along_x[way], b, a)
        return np.asarray(y * columns + x)

    return Staircases(start, junction(step), junction(step + 1))


def _ends(columns: int, rows: int, num: int, reach: tuple[float, float], draw: np.random.Generator) -> tuple[Int, Int, Int, Int]:
    """Pairs of junctions whose distance is within reach."""
    kept = np.empty((0, 4), np.int64)
    while len(kept) < num:
        ends = draw.integers(0, (columns, rows, columns, rows), size=(2 * num + 100, 4))
        apart = np.hypot(ends[:, 0] - ends[:, 2], ends[:, 1] - ends[:, 3])
        kept = np.concatenate([kept, ends[(apart >= reach[0]) & (apart <= reach[1])]])
    x0, y0, x1, y1 = kept[:num].T
    return x0, y0, x1, y1
