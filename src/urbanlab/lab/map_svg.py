"""Maps of a network as SVG, drawn by us: streets as lines, width by traffic, colour by class.

Colours are CSS classes (`c0` ... ), so that a page decides them, for light and dark. North is up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network

__all__ = ["classify", "draw_map"]

WIDTH = 1000.0  # of the drawing's own units
MIN_STROKE, MAX_STROKE = 1.2, 5.5


def classify(values: NDArray[np.float64], bounds: Sequence[float]) -> NDArray[np.int64]:
    """Class of each value: the number of bounds at or below it.

    Examples
    --------
    >>> classify(np.array([0.0, 1.0, 9.0]), [1.0, 2.0]).tolist()
    [0, 1, 2]
    """
    return np.searchsorted(np.asarray(bounds, np.float64), values, side="right")


def draw_map(network: Network, classes: NDArray[np.int64], traffic: NDArray[np.float64], *, title: str, description: str) -> str:
    """An SVG element of the network.

    Parameters
    ----------
    classes : (E,) colour class of each edge, -1 = grey (no traffic)
    traffic : (E,) >= 0, decides the width; any unit
    title, description : for those who can't see the drawing
    """
    shapes = _edge_shapes(network)
    low, high = _bounds(shapes)
    span = np.maximum(high - low, 1.0)
    scale = (WIDTH - 2 * MAX_STROKE) / span[0]
    height = span[1] * scale + 2 * MAX_STROKE
    level = _levels(traffic)
    paths: dict[tuple[int, int], list[str]] = {}
    for edge, points in shapes.items():
        x = (points[:, 0] - low[0]) * scale + MAX_STROKE
        y = height - ((points[:, 1] - low[1]) * scale + MAX_STROKE)
        steps = " ".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
        paths.setdefault((int(classes[edge]), int(level[edge])), []).append(f"M{steps}")
    lines = [
        f'<path class="{_name(group)}" stroke-width="{_stroke(width):.1f}" d="{"".join(parts)}"/>'
        for (group, width), parts in sorted(paths.items())
    ]
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{_escape(title)}">'
        f"<title>{_escape(title)}</title><desc>{_escape(description)}</desc>{''.join(lines)}</svg>"
    )


def _edge_shapes(network: Network) -> dict[int, NDArray[np.float64]]:
    """Line of each normal edge, that of its left lane, so that the two directions lie side by side."""
    shapes = {}
    for edge in np.flatnonzero(network.edge_function == EdgeFunction.NORMAL).tolist():
        points = network.lane_shape(int(network.edge_first_lane[edge + 1]) - 1)
        if len(points) >= 2:
            shapes[edge] = points
    return shapes


def _bounds(shapes: dict[int, NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not shapes:
        return np.zeros(2), np.ones(2)
    points = np.concatenate(list(shapes.values()))
    return points.min(axis=0), points.max(axis=0)


def _levels(traffic: NDArray[np.float64]) -> NDArray[np.int64]:
    """Width class 0..4, by the square root of the traffic."""
    top = float(np.quantile(traffic, 0.99)) if len(traffic) else 0.0
    if top <= 0:
        return np.zeros(len(traffic), np.int64)
    return np.minimum((np.sqrt(traffic / top) * 4.999).astype(np.int64), 4)


def _stroke(level: int) -> float:
    return MIN_STROKE + (MAX_STROKE - MIN_STROKE) * level / 4.0


def _name(group: int) -> str:
    return "none" if group < 0 else f"c{group}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
