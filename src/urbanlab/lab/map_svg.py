"""Maps of a network as SVG, drawn by us: streets as lines, width by traffic, colour by class.

Colours are CSS classes (`c0` ... ), so that a page decides them, for light and dark. North is up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network

__all__ = ["MAX_EDGES", "classify", "draw_map"]

WIDTH = 1000.0  # of the drawing's own units
MIN_STROKE, MAX_STROKE = 1.2, 5.5
MAX_EDGES = 20_000  # drawn; of a metropolis those with the most traffic
LONGEST_REACH = 60.0  # [m] of a street over a junction


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
    shapes = _edge_shapes(network, traffic)
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
    lines = _water(network, low, scale, height)
    lines += [
        f'<path class="{_name(group)}" stroke-width="{_stroke(width):.1f}" d="{"".join(parts)}"/>'
        for (group, width), parts in sorted(paths.items())
    ]
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{_escape(title)}">'
        f"<title>{_escape(title)}</title><desc>{_escape(description)}</desc>{''.join(lines)}</svg>"
    )


def _water(network: Network, low: NDArray[np.float64], scale: float, height: float) -> list[str]:
    """The river of a generated city, which knows its course and width [m]."""
    course, width = network.attributes.get("river", ""), network.attributes.get("river_width_m", "0")
    if not course:
        return []
    points = np.array([[float(number) for number in pair.split(",")] for pair in course.split()])
    x = np.clip((points[:, 0] - low[0]) * scale + MAX_STROKE, 0.0, WIDTH)
    y = np.clip(height - ((points[:, 1] - low[1]) * scale + MAX_STROKE), 0.0, height)
    steps = " ".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
    return [f'<path class="water" stroke-width="{float(width) * scale:.1f}" d="M{steps}"/>']


def _edge_shapes(network: Network, traffic: NDArray[np.float64]) -> dict[int, NDArray[np.float64]]:
    """Line of each normal edge, that of its left lane, so that the two directions lie side by side.

    Both ends are drawn out over the junctions, as far as these reach along the street.
    """
    shapes = {}
    edges = np.flatnonzero(network.edge_function == EdgeFunction.NORMAL)
    if len(edges) > MAX_EDGES:
        edges = np.sort(edges[np.argsort(-traffic[edges], kind="stable")[:MAX_EDGES]])
    for edge in edges.tolist():
        points = network.lane_shape(int(network.edge_first_lane[edge + 1]) - 1)
        if len(points) >= 2:
            ends = [
                _drawn_out(points[inner], points[outer], network.junction_x[junction], network.junction_y[junction])
                for inner, outer, junction in ((1, 0, network.edge_from[edge]), (-2, -1, network.edge_to[edge]))
            ]
            shapes[edge] = np.concatenate([ends[:1], points, ends[1:]])
    return shapes


def _drawn_out(inner: NDArray[np.float64], outer: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """The point of a line beyond its end that is nearest to a junction; the end itself where it leads away."""
    along = outer - inner
    length = float(np.hypot(*along))
    if length <= 0.0:
        return outer
    reach = float((np.array([x, y]) - outer) @ along) / length
    return outer + along / length * min(max(reach, 0.0), LONGEST_REACH)


def _bounds(shapes: dict[int, NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not shapes:
        return np.zeros(2), np.ones(2)
    points = np.concatenate(list(shapes.values()))
    return points.min(axis=0), points.max(axis=0)


def _levels(traffic: NDArray[np.float64]) -> NDArray[np.int64]:
    """Width class 0..4, by the square root of the traffic."""
    driven = traffic[traffic > 0]
    if not len(driven):
        return np.zeros(len(traffic), np.int64)
    top = float(np.quantile(driven, 0.99))
    return np.minimum((np.sqrt(traffic / top) * 4.999).astype(np.int64), 4)


def _stroke(level: int) -> float:
    return MIN_STROKE + (MAX_STROKE - MIN_STROKE) * level / 4.0


def _name(group: int) -> str:
    return "none" if group < 0 else f"c{group}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
