"""The picture: for each scenario our distribution of travel times over SUMO's, as one SVG drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from validation.comparison import Comparison
from validation.distributions import common_bins, shares

__all__ = ["draw"]

COLUMNS = 2
WIDTH, HEIGHT = 520, 212
"""[px] of a panel, its labels included."""

LEFT, RIGHT, TOP, BOTTOM = 14, 26, 50, 34
MARGIN, HEAD = 16, 66
OURS, THEIRS, INK, SOFT, PAPER = "#0b5a94", "#e3b778", "#1c2024", "#5b6470", "#fcfcfa"
THEIR_EDGE = "#a8660a"
STYLE = (
    f"text{{font-family:system-ui,sans-serif;fill:{INK}}}.h{{font-size:20px;font-weight:600}}.t{{font-size:15px;font-weight:600}}"
    f".s{{font-size:12px;fill:{SOFT}}}.n{{text-anchor:end}}.m{{text-anchor:middle}}"
    f".theirs{{fill:{THEIRS};stroke:none}}.ours{{fill:none;stroke:{OURS};stroke-width:2;stroke-linejoin:round}}"
    f".axis{{stroke:{SOFT};stroke-width:1}}.mean{{stroke-width:2}}"
)


def draw(comparisons: Sequence[Comparison]) -> str:
    """The whole picture."""
    rows = -(-len(comparisons) // COLUMNS)
    width, height = 2 * MARGIN + COLUMNS * WIDTH, HEAD + rows * HEIGHT + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        "<title>Travel times of urbanlab over those of SUMO, by scenario</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        *_head(),
    ]
    for place, one in enumerate(comparisons):
        x, y = MARGIN + place % COLUMNS * WIDTH, HEAD + place // COLUMNS * HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(one), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _head() -> list[str]:
    x = MARGIN + LEFT
    return [
        f'<text class="h" x="{x}" y="30">Travel times: share of vehicles, by seconds</text>',
        f'<rect class="theirs" x="{x}" y="43" width="18" height="12"/><text class="s" x="{x + 24}" y="54">SUMO</text>',
        f'<path class="ours" d="M{x + 76} 49h20"/><text class="s" x="{x + 102}" y="54">urbanlab</text>',
        f'<text class="s" x="{x + 170}" y="54">Short strokes below: means. D: largest difference of the two distribution functions.</text>',
    ]


def _panel(one: Comparison) -> list[str]:
    bins = common_bins(one.ours, one.theirs)
    ours, theirs = shares(one.ours, bins), shares(one.theirs, bins)
    base = HEIGHT - BOTTOM
    across = (WIDTH - LEFT - RIGHT) / bins[-1]
    up = (base - TOP) / max(ours.max(), theirs.max())
    means = float(one.ours.mean()), float(one.theirs.mean())
    said = f"mean {means[0]:.1f} s, SUMO {means[1]:.1f} s; D {one.distance:.3f}, SUMO&#8217;s seeds {one.distance_of_seeds:.3f}"
    area, line = _stairs(theirs, bins, across, up), _stairs(ours, bins, across, up)
    return [
        f'<text class="t" x="{LEFT}" y="18">{escape(one.scenario)}</text>',
        f'<text class="s" x="{LEFT}" y="36">{said}</text>',
        f'<path class="theirs" d="{area}Z"/>',
        f'<path class="ours" d="{line}"/>',
        f'<path class="axis" d="M{LEFT} {base}H{WIDTH - RIGHT}"/>',
        *_ticks(float(bins[-1]), across),
        *(
            f'<path class="mean" stroke="{colour}" d="M{LEFT + mean * across:.1f} {base}v9"/>'
            for mean, colour in zip(means, (OURS, THEIR_EDGE), strict=True)
        ),
    ]


def _stairs(heights: NDArray[np.float64], bins: NDArray[np.float64], across: float, up: float) -> str:
    base = HEIGHT - BOTTOM
    path = [f"M{LEFT} {base}"]
    for height, end in zip(heights.tolist(), bins[1:].tolist(), strict=True):
        path.append(f"V{base - height * up:.1f}H{LEFT + end * across:.1f}")
    return "".join([*path, f"V{base}"])


def _ticks(end: float, across: float) -> list[str]:
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000) if end / s <= 10)
    marks = []
    for k in range(1, int(end // step) + 1):
        x = LEFT + k * step * across
        marks.append(f'<path class="axis" d="M{x:.1f} {HEIGHT - BOTTOM}v4"/>')
        if x < WIDTH - RIGHT - 8:
            marks.append(f'<text class="s m" x="{x:.1f}" y="{HEIGHT - 14}">{k * step}</text>')
    return marks
