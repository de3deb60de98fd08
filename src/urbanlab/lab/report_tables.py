"""The figures of a study as tables: for a page, and for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from urbanlab.lab.experiment import Comparison, StudyResult
from urbanlab.lab.report_words import interval, name_of, number, p_value, percent, plain, signed

__all__ = ["figures_text", "statistics_section", "table_section", "verdict_note"]

MIDDLE, HALF = 88.0, 80.0  # of a forest line's own units


def figures_text(study: StudyResult) -> str:
    """The paired differences as a table for a terminal."""
    rows = [("measure", study.baseline, study.candidate, "change", f"difference, {study.confidence:.0%} interval", "")]
    for c in study.comparisons():
        r = c.result
        unit = f" [{c.measure.unit}]" if c.measure.unit else ""
        change = f"{signed(r.difference)}  {interval(r.t_low, r.t_high, '..')}"
        rows.append((c.measure.label + unit, number(r.baseline_mean), number(r.candidate_mean), percent(r.relative), change, c.verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in range(1, 5)] + [row[5]]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join(lines)


def verdict_note(study: StudyResult) -> str:
    """How verdict and interval belong together, in one sentence."""
    if study.is_deterministic:
        return (
            "The model is deterministic: the seed changes nothing and every replication is a copy of the first, "
            "so there is no interval, no p value and no verdict."
        )
    return (
        f"Better or worse: the paired difference is clear at {study.confidence:.0%} after correction for the number of measures (Holm); "
        "the intervals are not corrected, so one that leaves out zero may still come with no clear difference."
    )


def table_section(study: StudyResult, comparisons: list[Comparison]) -> str:
    """Means, differences and their intervals, drawn on a common scale."""
    heads = (
        "measure", name_of(study.baseline), name_of(study.candidate), "difference", f"{study.confidence:.0%} interval",
        f"against {name_of(study.baseline)}", "verdict",
    )  # fmt: skip
    widest = max((_reach(c) for c in comparisons), default=0.0)
    rows = []
    for c in comparisons:
        r = c.result
        cells = (
            number(r.baseline_mean),
            number(r.candidate_mean),
            f'<span class="{_class(c)}">{signed(r.difference)}</span>',
            interval(r.t_low, r.t_high, "…"),
            f'<span class="change"><span>{percent(r.relative)}</span>{_forest(c, widest)}</span>',
            f'<span class="{_class(c)}">{c.verdict}</span>',
        )
        rows.append((_label(c), cells))
    caption = f"Means over {_pairs(comparisons)}; difference = {name_of(study.candidate)} minus {name_of(study.baseline)}."
    note = f'<p class="note">{plain(verdict_note(study))}</p>'
    return f"<h2>What changed</h2>{_table(caption, heads, rows, wide=(1, 2, 4))}{note}"


def statistics_section(study: StudyResult, comparisons: list[Comparison]) -> str:
    """What else there is to say of each difference, for those who want to know; nothing where runs do not vary."""
    if study.is_deterministic:
        return ""
    heads = ("measure", "pairs", f"{study.confidence:.0%} interval, bootstrap", "effect dz", "detectable", "p", "p, corrected")
    rows = []
    for c in comparisons:
        r = c.result
        ends = interval(r.bootstrap_low, r.bootstrap_high, "…")
        cells = (str(r.pairs), ends, number(r.effect_size), number(r.detectable), p_value(r.p_value), p_value(c.p_corrected))
        rows.append((_label(c), cells))
    caption = "Detectable is the smallest true difference that a study of this size finds with 80 % power."
    return f"<details><summary>The statistics in full</summary>{_table(caption, heads, rows)}</details>"


def _table(caption: str, heads: Sequence[str], rows: Sequence[tuple[str, tuple[str, ...]]], *, wide: Sequence[int] = ()) -> str:
    """A table that scrolls sideways; on a telephone, one with `wide` columns fits without these."""
    kind = [' class="wide"' if place in wide else "" for place in range(len(heads))]
    head = "".join(f'<th scope="col"{kind[place]}>{plain(text)}</th>' for place, text in enumerate(heads))
    body = "".join(
        f'<tr><th scope="row">{label}</th>' + "".join(f"<td{kind[place]}>{cell}</td>" for place, cell in enumerate(cells, 1)) + "</tr>"
        for label, cells in rows
    )
    figures = ' class="figures"' if wide else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{plain(caption)}"><table{figures}>'
        f"<caption><span>{plain(caption)}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _label(comparison: Comparison) -> str:
    unit = f' <span class="soft">{plain(comparison.measure.unit)}</span>' if comparison.measure.unit else ""
    return plain(comparison.measure.label) + unit


def _pairs(comparisons: list[Comparison]) -> str:
    numbers = sorted({c.result.pairs for c in comparisons})
    return f"{numbers[0]} pairs of runs" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]} pairs of runs"


def _reach(comparison: Comparison) -> float:
    r = comparison.result
    ends = [abs(x / r.baseline_mean) for x in (r.t_low, r.t_high) if r.baseline_mean and math.isfinite(x)]
    return max(ends, default=0.0)


def _forest(comparison: Comparison, widest: float) -> str:
    """Relative difference and its interval on a common scale, zero in the middle."""
    r = comparison.result
    if not math.isfinite(r.t_low) or not r.baseline_mean or widest <= 0:
        return ""
    low, middle, high = sorted(MIDDLE + HALF * x / r.baseline_mean / widest for x in (r.t_low, r.difference, r.t_high))
    kind = {"better": " good", "worse": " bad"}.get(comparison.verdict, "")
    return (
        f'<svg class="forest{kind}" viewBox="0 0 176 18" aria-hidden="true">'
        f'<line class="zero" x1="{MIDDLE:g}" x2="{MIDDLE:g}" y1="1" y2="17"/>'
        f'<line class="bar" x1="{low:.1f}" x2="{high:.1f}" y1="9" y2="9"/><circle class="dot" cx="{middle:.1f}" cy="9" r="4"/></svg>'
    )


def _class(comparison: Comparison) -> str:
    return {"better": "better", "worse": "worse"}.get(comparison.verdict, "same")
