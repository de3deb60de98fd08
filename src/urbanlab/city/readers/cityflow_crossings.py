"""Where ways through an intersection meet, as CityFlow finds them.

Two lane links cross at the first pair of pieces, in the order of the first link's pieces and then the second's, that
have a point in common and are not parallel; links that leave one lane or enter one lane meet at that end. Source: the
behaviour of CityFlow's `Intersection::initCrosses` and `onSegment` (commit 81ee0f47), in its order of operations, so
that distances come out with the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Crossings", "find_crossings"]

Float = NDArray[np.float64]

NEARBY = 1e-8  # CityFlow's eps, [m^2] in products of lengths
PAIRS_AT_ONCE = 2048


class Crossings(NamedTuple):
    """Pairs of lines that meet, sorted by the first and the second line."""

    first: NDArray[np.int64]  # index of a line
    second: NDArray[np.int64]  # index of a later line
    first_distance: Float  # [m] along the first line
    second_distance: Float  # [m] along the second line


class _Pieces(NamedTuple):
    """Straight pieces of lines, padded with NaN, which meets nothing."""

    x: Float  # (lines, pieces + 1)
    y: Float
    before: Float  # (lines, pieces) [m] along the line


def find_crossings(lines: list[NDArray[np.float64]]) -> Crossings:
    """Where lines meet each other.

    Parameters
    ----------
    lines : (N, 2) points each [m], two or more
    """
    pieces = _pieces(lines)
    first, second = np.triu_indices(len(lines), k=1)
    found = [_meet(pieces, first[k : k + PAIRS_AT_ONCE], second[k : k + PAIRS_AT_ONCE]) for k in range(0, len(first), PAIRS_AT_ONCE)]
    if not found:
        none = np.zeros(0, np.int64)
        return Crossings(none, none, np.zeros(0), np.zeros(0))
    return Crossings(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _pieces(lines: list[NDArray[np.float64]]) -> _Pieces:
    longest = max((len(line) for line in lines), default=2)
    x, y = np.full((len(lines), longest), np.nan), np.full((len(lines), longest), np.nan)
    for k, line in enumerate(lines):
        x[k, : len(line)], y[k, : len(line)] = line[:, 0], line[:, 1]
    length = _length(np.diff(x), np.diff(y))
    before = np.zeros_like(length)
    np.cumsum(length[:, :-1], axis=1, out=before[:, 1:])
    return _Pieces(x, y, before)


def _length(x: Float, y: Float) -> Float:
    return np.sqrt(x * x + y * y)


def _sign(value: Float) -> NDArray[np.int8]:
    """Sign with a small zero, NaN is zero."""
    return (value + NEARBY > 0).astype(np.int8) - (value < NEARBY).astype(np.int8)


def _meet(pieces: _Pieces, first: NDArray[np.int64], second: NDArray[np.int64]) -> Crossings:
    ax, ay = pieces.x[first][:, :-1, None], pieces.y[first][:, :-1, None]
    bx, by = pieces.x[first][:, 1:, None], pieces.y[first][:, 1:, None]
    cx, cy = pieces.x[second][:, None, :-1], pieces.y[second][:, None, :-1]
    dx, dy = pieces.x[second][:, None, 1:], pieces.y[second][:, None, 1:]
    ux, uy, vx, vy = bx - ax, by - ay, dx - cx, dy - cy
    with np.errstate(all="ignore"):
        turn = ux * vy - uy * vx
        share = ((cx - ax) * vy - (cy - ay) * vx) / turn
        px, py = ax + ux * share, ay + uy * share
        hit = (_sign(turn) != 0) & _on_piece(ax, ay, bx, by, px, py) & _on_piece(cx, cy, dx, dy, px, py)
    flat = hit.reshape(len(first), -1)
    pair = np.flatnonzero(flat.any(axis=1))
    i, j = np.divmod(flat[pair].argmax(axis=1), hit.shape[2])
    px, py = px[pair, i, j], py[pair, i, j]
    own, other = first[pair], second[pair]
    return Crossings(
        own,
        other,
        pieces.before[own, i] + _length(px - pieces.x[own, i], py - pieces.y[own, i]),
        pieces.before[other, j] + _length(px - pieces.x[other, j], py - pieces.y[other, j]),
    )


def _on_piece(ax: Float, ay: Float, bx: Float, by: Float, px: Float, py: Float) -> NDArray[np.bool_]:
    across = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    along = (px - ax) * (px - bx) + (py - ay) * (py - by)
    return np.asarray((_sign(across) == 0) & (_sign(along) <= 0))
