"""The two plots: steps a second against the size of the map, and against the number of vehicles, as one SVG drawn here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from performance.bench import Row

__all__ = ["draw"]

WIDTH, HEIGHT = 490, 320
"""[px] of a panel, its labels included."""

LEFT, RIGHT, TOP, BOTTOM = 80, 34, 46, 46
COLOURS, INK, SOFT, FAINT, PAPER = ("#5a8f3c", "#0b5a94", "#a8660a"), "#1c2024", "#5b6470", "#e4e4e0", "#fcfcfa"
STYLE = (
    f"text{{font-family:system-ui,sans-serif;font-size:12px;fill:{SOFT}}}.t{{font-size:14px;font-weight:600;fill:{INK}}}"
    f".n{{text-anchor:end}}.m{{text-anchor:middle}}.grid{{stroke:{FAINT};stroke-width:1}}.line{{fill:none;stroke-width:2}}"
    f".perfect{{stroke-dasharray:4 4;stroke:{SOFT};stroke-width:1.5;fill:none}}"
)


class Series(NamedTuple):
    """A line of a plot."""

    label: str
    points: list[tuple[float, float]]
    perfect: bool = False  # drawn as what it would be at best


def draw(maps: Sequence[Row], vehicles: Sequence[Row]) -> str:
    """Both plots side by side."""
    kinds = sorted({(row["signals"], row["level"]) for row in maps})
    by_kind = [
        Series(
            f"{level:,} vehicles{', no signals' if signals == 'none' else ''}",
            [(row["junctions"], row["rate"]["median"]) for row in maps if (row["signals"], row["level"]) == (signals, level)],
        )
        for signals, level in kinds
    ]
    measured = [(row["vehicles"], row["rate"]["median"]) for row in vehicles]
    work = max(x * y for x, y in measured)
    ideal = Series("the best cost of a vehicle everywhere", [(x, work / x) for x, _ in measured], perfect=True)
    junctions = f"{vehicles[0]['junctions']:,} junctions"
    panels = [
        *_panel("Steps a second against the size of the map", "junctions", by_kind),
        f'<g transform="translate({WIDTH} 0)">',
        *_panel("Steps a second against the number of vehicles", "vehicles", [Series(junctions, measured), ideal]),
        "</g>",
    ]
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}">',
        "<title>Steps a processor second, against the size of the map and against the number of vehicles</title>",
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="{PAPER}"/>',
    ]
    return "\n".join([*head, *panels, "</svg>"]) + "\n"


def _panel(title: str, across: str, series: Sequence[Series]) -> list[str]:
    points = [point for one in series for point in one.points]
    x_low, x_high = _decades([x for x, _ in points])
    y_low, y_high = _decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        right = (math.log10(x) - x_low) / (x_high - x_low)
        up = (math.log10(y) - y_low) / (y_high - y_low)
        return LEFT + right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text class="t" x="{LEFT}" y="24">{title}</text>']
    parts += [f'<text class="m" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}">{across}</text>']
    for k in range(x_low, x_high + 1):
        x, y = place(10.0**k, 10.0**y_low)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{y:.1f}"/><text class="m" x="{x:.1f}" y="{y + 17:.1f}">{10**k:,}</text>')
    for k in range(y_low, y_high + 1):
        x, y = place(10.0**x_low, 10.0**k)
        parts.append(
            f'<path class="grid" d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}"/><text class="n" x="{x - 6:.1f}" y="{y + 4:.1f}">{10**k:,}</text>'
        )
    for number, one in enumerate(series):
        parts += _line(one, COLOURS[number % len(COLOURS)], [place(*point) for point in one.points], number)
    return parts


def _line(one: Series, colour: str, places: Sequence[tuple[float, float]], number: int) -> list[str]:
    """A line with its dots, and its name in the lower left corner, where cost that grows leaves room."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    height = HEIGHT - BOTTOM - 48 + 18 * number
    key = f'x="{LEFT + 40}" y="{height + 4}"'
    if one.perfect:
        return [f'<path class="perfect" d="{path}"/><path class="perfect" d="M{LEFT + 10} {height}h24"/><text {key}>{one.label}</text>']
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)
    mark = f'<path class="line" stroke="{colour}" d="M{LEFT + 10} {height}h24"/><text {key}>{one.label}</text>'
    return [f'<path class="line" stroke="{colour}" d="{path}"/>{dots}{mark}']


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Powers of ten that enclose all values."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)
