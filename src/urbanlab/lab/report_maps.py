"""Where a city gained and lost: maps of the time loss in both arms and of the difference."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction
from urbanlab.lab.experiment import StudyResult
from urbanlab.lab.map_svg import MAX_EDGES, classify, draw_map
from urbanlab.lab.replication import EdgeTotals
from urbanlab.lab.report_style import NUM_DIVERGING, NUM_SEQUENTIAL
from urbanlab.lab.report_words import name_of, plain

__all__ = ["class_bounds", "loss_per_kilometre", "maps_section"]

QUANTILES = (0.3, 0.5, 0.7, 0.85, 0.95)  # of driven metres: bounds of the classes of a map
DIFFERENCE_QUANTILES = (0.4, 0.75, 0.95)
SMALLEST_BOUND = 0.01  # [min/km]
SECONDS_PER_METRE_TO_MINUTES_PER_KILOMETRE = 1000.0 / 60.0
Float = NDArray[np.float64]


def loss_per_kilometre(edges: EdgeTotals) -> Float:
    """(E,) minutes lost a kilometre driven; nan where nobody drove."""
    driven = np.where(edges.metres > 0, edges.metres, np.nan)
    return edges.time_loss / driven * SECONDS_PER_METRE_TO_MINUTES_PER_KILOMETRE


def class_bounds(values: Float, weights: Float, at: tuple[float, ...], digits: int) -> list[float]:
    """Quantiles of weighted values, rounded so that a legend reads well, positive and strictly increasing."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / max(float(weights.sum()), 1e-9)
    bounds: list[float] = []
    for quantile in at:
        value = float(values[order][min(int(np.searchsorted(share, quantile)), len(values) - 1)]) if len(values) else 0.0
        least = bounds[-1] * 1.25 if bounds else SMALLEST_BOUND
        value = float(f"{max(value, least):.{digits}g}")
        while bounds and value <= bounds[-1]:
            least *= 1.25
            value = float(f"{least:.{digits}g}")
        bounds.append(value)
    return bounds


def maps_section(study: StudyResult) -> str:
    """Three maps with their legends; nothing where an arm has no figures."""
    first, second = study.edges(study.baseline), study.edges(study.candidate)
    if first is None or second is None:
        return ""
    network = study.scenario.network
    losses = loss_per_kilometre(first), loss_per_kilometre(second)
    metres = first.metres + second.metres
    known = np.isfinite(losses[0]) & np.isfinite(losses[1]) & (network.edge_function == EdgeFunction.NORMAL)
    pooled = np.concatenate([losses[0][known], losses[1][known]])
    bounds = class_bounds(pooled, np.concatenate([first.metres[known], second.metres[known]]), QUANTILES, 2)
    flow = metres / np.maximum(network.lane_length[network.edge_first_lane[:-1]], 1.0)
    figures = []
    for arm, loss in zip((study.baseline, study.candidate), losses, strict=True):
        classes = np.where(np.isfinite(loss), classify(np.nan_to_num(loss), bounds), -1)
        title = f"Time loss with {name_of(arm)}"
        drawing = draw_map(network, classes, flow, title=title, description=_said(losses, known, metres))
        figures.append(f'<figure class="sequential"><h3>{plain(name_of(arm))}</h3>{drawing}{_legend(bounds, NUM_SEQUENTIAL)}</figure>')
    change = losses[1] - losses[0]
    steps = class_bounds(np.abs(change[known]), metres[known], DIFFERENCE_QUANTILES, 1)
    both = [*(-bound for bound in reversed(steps)), *steps]
    classes = np.where(known, classify(np.nan_to_num(change), both), -1)
    title = f"Difference of time loss, {name_of(study.candidate)} minus {name_of(study.baseline)}"
    drawing = draw_map(network, classes, flow, title=title, description=_said(losses, known, metres))
    figures.append(
        f'<figure class="diverging whole"><h3>Difference: blue streets lose less time with {plain(name_of(study.candidate))}, '
        f"orange ones more</h3>{drawing}{_legend(both, NUM_DIVERGING)}</figure>"
    )
    few = f" Only the {MAX_EDGES:,} streets with the most traffic are drawn." if int(known.sum()) > MAX_EDGES else ""
    return (
        '<h2>Where it changed</h2><p class="soft">Time lost on each street, in minutes a kilometre driven, over all '
        f'replications. Wider lines carry more traffic; grey ones had none.{few}</p><div class="maps">{"".join(figures)}</div>'
    )


def _said(losses: tuple[Float, Float], known: NDArray[np.bool_], metres: Float) -> str:
    """What the maps show, for those who can't see them."""
    driven = max(float(metres[known].sum()), 1e-9)
    less = float(metres[known & (losses[1] < losses[0])].sum()) / driven
    return f"{less:.0%} of all driving is on streets that lose less time in the second arm."


def _legend(bounds: list[float], num: int) -> str:
    texts = [f"below {bounds[0]:g}", *(f"{a:g} to {b:g}" for a, b in itertools.pairwise(bounds)), f"{bounds[-1]:g} or more"]
    items = "".join(
        f'<li><svg viewBox="0 0 24 8" aria-hidden="true"><g class="map"><path class="c{k}" stroke-width="8" d="M4 4H20"/></g>'
        f"</svg>{text.replace('-', '−')}</li>"
        for k, text in zip(range(num), texts, strict=True)
    )
    return f'<ul class="legend" aria-label="minutes lost a kilometre">{items}</ul>'
