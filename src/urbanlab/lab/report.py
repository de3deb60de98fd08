"""The report of a study: one HTML file that needs nothing else."""

from __future__ import annotations

import html
import itertools
import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import urbanlab
from urbanlab.core.errors import OutputError
from urbanlab.lab.experiment import Comparison, StudyResult
from urbanlab.lab.map_svg import classify, draw_map
from urbanlab.lab.replication import EdgeTotals
from urbanlab.lab.report_style import NUM_DIVERGING, NUM_SEQUENTIAL, STYLE

__all__ = ["figures_text", "loss_per_kilometre", "render", "write_report"]

QUANTILES = (0.3, 0.5, 0.7, 0.85, 0.95)  # of driven metres: bounds of the classes of a map
DIFFERENCE_QUANTILES = (0.4, 0.75, 0.95)
SECONDS_PER_METRE_TO_MINUTES_PER_KILOMETRE = 1000.0 / 60.0


def write_report(study: StudyResult, path: Path) -> Path:
    """Write the report beside its place and rename it, so that nobody meets half a file.

    Raises
    ------
    OutputError : the file can't be written
    """
    text = render(study)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".report-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as problem:
        raise OutputError(f"the report can't be written: {problem.strerror}", where=str(path)) from problem
    return path


def render(study: StudyResult) -> str:
    """The whole page."""
    comparisons = study.comparisons()
    title = f"{_name(study.candidate)} against {_name(study.baseline)} in {study.scenario.name}"
    sections = (
        f"<h1>{_text(title)}</h1>{_lead(study, comparisons)}",
        _table(study, comparisons),
        _maps(study),
        _failures(study),
        _made(study),
        _definitions(),
        _provenance(study),
        _next_steps(),
    )
    body = "\n".join(section for section in sections if section)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="urbanlab {urbanlab.__version__}"><style>{STYLE}</style></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


# --- figures ---------------------------------------------------------------------------------------------------------


def figures_text(study: StudyResult) -> str:
    """The paired differences as a table for a terminal."""
    head = ("measure", study.baseline, study.candidate, "difference", "95 % interval", "")
    rows = [(*head[:4], f"{study.confidence:.0%} interval", "")]
    for c in study.comparisons():
        r = c.result
        unit = f" [{c.measure.unit}]" if c.measure.unit else ""
        interval = f"{_signed(r.t_low)} .. {_signed(r.t_high)}"
        rows.append(
            (c.measure.label + unit, _number(r.baseline_mean), _number(r.candidate_mean), _percent(r.relative), interval, c.verdict)
        )
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in range(1, 5)] + [row[5]]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join(lines)


def _lead(study: StudyResult, comparisons: list[Comparison]) -> str:
    first = comparisons[0]
    r = first.result
    if first.verdict == "no clear difference":
        said = (
            f"With {r.pairs} paired replications there is no clear difference in mean {first.measure.label}: "
            f"{_signed(r.difference)} {first.measure.unit} ({_range(first)})."
        )
    else:
        change = "shorter" if r.difference < 0 else "longer"
        said = (
            f"Mean {first.measure.label} is {abs(r.relative):.1%} {change}: {_number(r.baseline_mean)} s with "
            f"{_name(study.baseline)}, {_number(r.candidate_mean)} s with {_name(study.candidate)}, a difference of "
            f"{_signed(r.difference)} s ({_range(first)})."
        )
    return f'<p class="lead">{_text(said)} Same streets, same trips, same drivers; only the signals differ.</p>'


def _range(comparison: Comparison) -> str:
    r = comparison.result
    return f"{r.confidence:.0%} interval {_signed(r.t_low)} to {_signed(r.t_high)}"


def _table(study: StudyResult, comparisons: list[Comparison]) -> str:
    percent = f"{study.confidence:.0%}"
    heads = (
        "measure", _name(study.baseline), _name(study.candidate), "difference", f"{percent} interval (t)",
        f"{percent} interval (bootstrap)", "effect dz", "detectable", "p, corrected", "relative to baseline",
    )  # fmt: skip
    widest = max((_reach(c) for c in comparisons), default=1.0)
    rows = []
    for c in comparisons:
        r = c.result
        unit = f' <span class="soft">{_text(c.measure.unit)}</span>' if c.measure.unit else ""
        cells = (
            f"{_text(c.measure.label)}{unit}",
            _number(r.baseline_mean),
            _number(r.candidate_mean),
            f'<span class="{_class(c)}">{_signed(r.difference)}</span>',
            f"{_signed(r.t_low)} … {_signed(r.t_high)}",
            f"{_signed(r.bootstrap_low)} … {_signed(r.bootstrap_high)}",
            _number(r.effect_size),
            _number(r.detectable),
            _p_value(c.p_corrected),
            f'{_forest(c, widest)} <span class="{_class(c)}">{c.verdict}</span>',
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    caption = f"Means over {comparisons[0].result.pairs} pairs; difference = candidate minus baseline."
    return (
        f'<h2>What changed</h2><div class="scroll"><table><caption>{caption}</caption><thead><tr>'
        + "".join(f'<th scope="col">{_text(head)}</th>' for head in heads)
        + f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _reach(comparison: Comparison) -> float:
    r = comparison.result
    ends = [abs(x / r.baseline_mean) for x in (r.t_low, r.t_high) if r.baseline_mean and math.isfinite(x)]
    return max(ends, default=0.0)


def _forest(comparison: Comparison, widest: float) -> str:
    """Relative difference and its interval on a common scale, zero in the middle."""
    r = comparison.result
    if not math.isfinite(r.t_low) or not r.baseline_mean or widest <= 0:
        return ""
    low, middle, high = (88 + 80 * x / r.baseline_mean / widest for x in (r.t_low, r.difference, r.t_high))
    kind = {"better": " good", "worse": " bad"}.get(comparison.verdict, "")
    return (
        f'<svg class="forest{kind}" viewBox="0 0 176 18" role="img" aria-label="{_percent(r.relative)}">'
        f'<line class="zero" x1="88" x2="88" y1="1" y2="17"/><line class="bar" x1="{low:.1f}" x2="{high:.1f}" y1="9" y2="9"/>'
        f'<circle class="dot" cx="{middle:.1f}" cy="9" r="4"/></svg>'
    )


def _class(comparison: Comparison) -> str:
    return {"better": "better", "worse": "worse"}.get(comparison.verdict, "")


# --- maps ------------------------------------------------------------------------------------------------------------


def loss_per_kilometre(edges: EdgeTotals) -> NDArray[np.float64]:
    """(E,) minutes lost a kilometre driven; nan where nobody drove."""
    driven = np.where(edges.metres > 0, edges.metres, np.nan)
    return edges.time_loss / driven * SECONDS_PER_METRE_TO_MINUTES_PER_KILOMETRE


def _weighted_quantiles(values: NDArray[np.float64], weights: NDArray[np.float64], at: tuple[float, ...]) -> list[float]:
    """Rounded so that a legend reads well, strictly increasing."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / max(float(weights.sum()), 1e-9)
    bounds: list[float] = []
    for quantile in at:
        value = float(values[order][min(int(np.searchsorted(share, quantile)), len(values) - 1)]) if len(values) else 0.0
        value = float(f"{value:.2g}")
        while bounds and value <= bounds[-1]:
            value = float(f"{bounds[-1] * 1.25 + 0.01:.2g}") if bounds[-1] * 1.25 + 0.01 > value else bounds[-1] + 0.1
        bounds.append(value)
    return bounds


def _maps(study: StudyResult) -> str:
    first, second = study.edges(study.baseline), study.edges(study.candidate)
    if first is None or second is None:
        return ""
    network = study.scenario.network
    losses = [loss_per_kilometre(first), loss_per_kilometre(second)]
    metres = first.metres + second.metres
    known = np.isfinite(losses[0]) & np.isfinite(losses[1])
    pooled = np.concatenate([losses[0][known], losses[1][known]])
    bounds = _weighted_quantiles(pooled, np.concatenate([first.metres[known], second.metres[known]]), QUANTILES)
    flow = metres / np.maximum(_edge_lengths(study), 1.0)
    figures = []
    for name, loss in ((study.baseline, losses[0]), (study.candidate, losses[1])):
        classes = np.where(np.isfinite(loss), classify(np.nan_to_num(loss), bounds), -1)
        drawing = draw_map(network, classes, flow, title=f"Time loss with {_name(name)}", description="Darker is worse.")
        figures.append(f'<figure class="sequential"><h3>{_text(_name(name))}</h3>{drawing}{_legend(bounds, NUM_SEQUENTIAL)}</figure>')
    change = losses[1] - losses[0]
    steps = _weighted_quantiles(np.abs(change[known]), metres[known], DIFFERENCE_QUANTILES)
    both = [-b for b in reversed(steps)] + steps
    classes = np.where(known, classify(np.nan_to_num(change), both), -1)
    drawing = draw_map(network, classes, flow, title="Difference of time loss", description="Blue: less time lost.")
    figures.append(
        f'<figure class="diverging whole"><h3>Difference: blue streets lose less time with {_text(_name(study.candidate))}, '
        f"orange ones more</h3>{drawing}{_legend(both, NUM_DIVERGING)}</figure>"
    )
    return (
        '<h2>Where it changed</h2><p class="soft">Time lost on each street, in minutes a kilometre driven, over all '
        'replications. Wider lines carry more traffic; grey ones had none.</p><div class="maps">' + "".join(figures) + "</div>"
    )


def _edge_lengths(study: StudyResult) -> NDArray[np.float64]:
    network = study.scenario.network
    return network.lane_length[network.edge_first_lane[:-1]]


def _legend(bounds: list[float], num: int) -> str:
    texts = [f"below {bounds[0]:g}", *(f"{a:g} to {b:g}" for a, b in itertools.pairwise(bounds)), f"{bounds[-1]:g} or more"]
    items = "".join(
        f'<li><svg viewBox="0 0 24 8" aria-hidden="true"><g class="map"><path class="c{k}" stroke-width="8" d="M4 4H20"/></g>'
        f"</svg>{text.replace('-', '−')}</li>"
        for k, text in zip(range(num), texts, strict=True)
    )
    return f'<ul class="legend" aria-label="minutes lost a kilometre">{items}</ul>'


# --- words -----------------------------------------------------------------------------------------------------------


def _failures(study: StudyResult) -> str:
    if not study.failures:
        return ""
    items = "".join(f"<li>{_text(o.arm)}, replication {o.replication} (seed {o.seed}): {_text(o.error)}</li>" for o in study.failures)
    return f"<h2>Failed replications</h2><p>Their pairs count in no figure above.</p><ul>{items}</ul>"


def _made(study: StudyResult) -> str:
    summary = next((o.summary for o in study.outcomes if o.summary), {})
    network = study.scenario.network
    replications = len(study.of_arm(study.baseline))
    said = (
        f"The scenario has {network.num_signals:,} signals and {summary.get('loaded', 0):,} trips. Each of the "
        f"{replications} replications was run twice, once with {_name(study.baseline)} and once with {_name(study.candidate)}. "
        "Within a pair every trip departs at the same time in the same kind of vehicle with the same driver (common random "
        "numbers), so what chance does to both arms cancels in the difference; replications differ in their seed."
    )
    how = (
        "Intervals are Student's t intervals of the mean paired difference; beside them bootstrap intervals (BCa), which assume no "
        "normal distribution. Effect dz is the mean difference over the standard deviation of the differences. "
        "Detectable is the smallest true difference that a study of this size finds with 80 % power. "
        "p values are two-sided and corrected for the number of measures by Holm's method; the verdict uses them."
    )
    return f"<h2>How it was made</h2><p>{_text(said)}</p><p>{_text(how)}</p>"


def _definitions() -> str:
    from urbanlab.lab.measures import MEASURES

    items = "".join(f"<dt>{_text(m.label)} <code>{m.key}</code></dt><dd>{_text(m.definition)}</dd>" for m in MEASURES)
    arms = (
        "<dt>fixed</dt><dd>The stored durations of the signal programs, whatever the traffic.</dd>"
        "<dt>max pressure</dt><dd>At fixed intervals every signal chooses the phase whose queues are longest against those on the "
        "streets they lead to (Varaiya 2013). A safety interlock adds yellow and all-red and keeps minimum greens.</dd>"
    )
    return f"<h2>What the words mean</h2><dl>{items}{arms}</dl>"


def _provenance(study: StudyResult) -> str:
    scenario = study.scenario
    facts = {
        "urbanlab": urbanlab.__version__,
        "scenario": scenario.name,
        "source": scenario.source,
        "arms": [study.baseline, study.candidate],
        "seeds": sorted({o.seed for o in study.outcomes}),
        "begin_s": scenario.settings.begin,
        "step_s": scenario.settings.step,
        "input_sha256": scenario.input_hashes,
    }
    return f"<h2>Provenance</h2><pre><code>{_text(json.dumps(facts, indent=1))}</code></pre>"


def _next_steps() -> str:
    code = (
        "import urbanlab as ul\n\n"
        'scenario = ul.load("your.sumocfg")            # or a CityFlow folder\n'
        'study = ul.Experiment(scenario, baseline="program", candidate="max_pressure:interval=15", replications=20)\n'
        'study.run().report("study.html")'
    )
    return f"<h2>Try next</h2><p>The same comparison on a city of yours:</p><pre><code>{_text(code)}</code></pre>"


def _text(value: str) -> str:
    return html.escape(value, quote=True)


def _name(arm: str) -> str:
    """An arm as words."""
    name, _, options = arm.partition(":")
    words = {"fixed": "fixed time", "program": "the source's programs"}.get(name, name.replace("_", " "))
    return f"{words} ({options})" if options else words


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}".replace("-", "−")


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + _number(value)


def _percent(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:+.1%}".replace("-", "−")


def _p_value(value: float) -> str:
    return "–" if not math.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
