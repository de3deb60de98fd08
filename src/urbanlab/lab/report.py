"""The report of a study: one HTML file that needs nothing else."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import urbanlab
from urbanlab.core.errors import OutputError
from urbanlab.core.provenance import Provenance
from urbanlab.lab.experiment import Comparison, StudyResult
from urbanlab.lab.measures import MEASURES
from urbanlab.lab.report_maps import maps_section
from urbanlab.lab.report_style import STYLE
from urbanlab.lab.report_tables import statistics_section, table_section
from urbanlab.lab.report_words import name_of, number, percent, plain, signed

__all__ = ["render", "write_report"]

ARMS = {
    "program": "The signal programs of the source; actuated ones watch their detectors.",
    "fixed": "The stored durations of the signal programs, whatever the traffic.",
    "max_pressure": "At fixed intervals every signal chooses the phase whose queues are longest against those on the streets they "
    "lead to (Varaiya 2013). A safety interlock adds yellow and all-red and keeps minimum greens.",
}


def write_report(study: StudyResult, path: Path) -> Path:
    """Write the report beside its place and rename it, so that nobody meets half a file.

    Raises
    ------
    OutputError : the file can't be written
    """
    text = render(study, study.provenance())
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


def render(study: StudyResult, provenance: Provenance) -> str:
    """The whole page."""
    comparisons = study.comparisons()
    title = f"{name_of(study.candidate)} against {name_of(study.baseline)} in {study.scenario.name}"
    sections = (
        f"<h1>{plain(title)}</h1>{_lead(study, comparisons)}",
        table_section(study, comparisons),
        statistics_section(study, comparisons),
        maps_section(study),
        _failures(study),
        _made(study),
        _definitions(study),
        _provenance(provenance),
        _next_steps(),
    )
    body = "\n".join(section for section in sections if section)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{plain(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="urbanlab {urbanlab.__version__}"><style>{STYLE}</style></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _lead(study: StudyResult, comparisons: list[Comparison]) -> str:
    first = comparisons[0]
    r = first.result
    means = f"{number(r.baseline_mean)} s with {name_of(study.baseline)}, {number(r.candidate_mean)} s with {name_of(study.candidate)}"
    if first.is_deterministic:
        difference = signed(r.difference) if r.difference else "no"
        said = (
            f"Mean {first.measure.label} is {means}: a difference of {difference} s. "
            f"The model is deterministic: all {r.pairs} replications gave the same run, so there is no interval and nothing to test."
        )
    elif first.verdict == "no clear difference":
        said = f"In {r.pairs} pairs of runs there is no clear difference in mean {first.measure.label}: {means} ({_range(first)})."
    else:
        change = "shorter" if r.difference < 0 else "longer"
        said = (
            f"Mean {first.measure.label} is {abs(r.relative):.1%} {change}: {means}, a difference of {signed(r.difference)} s "
            f"({_range(first)})."
        )
    return (
        f'<p class="lead">{plain(said)} {plain(_beside(comparisons))} Same streets, same trips, same drivers; only the signals differ.</p>'
    )


def _beside(comparisons: list[Comparison]) -> str:
    """What went the other way than the first measure, so that nobody has to look for it."""
    other = {"better": "worse", "worse": "better"}.get(comparisons[0].verdict, "")
    found = [f"{c.measure.label} ({percent(c.result.relative)})" for c in comparisons if c.verdict == other]
    return f"{other.capitalize()} are {' and '.join([', '.join(found[:-1]), found[-1]] if found[1:] else found)}." if found else ""


def _range(comparison: Comparison) -> str:
    r = comparison.result
    return f"{r.confidence:.0%} interval {signed(r.t_low)} to {signed(r.t_high)}"


# --- words -----------------------------------------------------------------------------------------------------------


def _failures(study: StudyResult) -> str:
    if not study.failures:
        return ""
    items = "".join(f"<li>{plain(o.arm)}, replication {o.replication} (seed {o.seed}): {plain(o.error)}</li>" for o in study.failures)
    return f"<h2>Failed replications</h2><p>Their pairs count in no figure above.</p><ul>{items}</ul>"


def _made(study: StudyResult) -> str:
    summary: dict[str, Any] = next((o.summary for o in study.outcomes if o.summary), {})
    said = (
        f"The scenario has {study.scenario.network.num_signals:,} signals and {summary.get('loaded', 0):,} trips. Each of the "
        f"{len(study.of_arm(study.baseline))} replications was run twice, once with {name_of(study.baseline)} and once with "
        f"{name_of(study.candidate)}. Within a pair every trip departs at the same time in the same kind of vehicle with the same "
        "driver"
    )
    if study.is_deterministic:
        said += "; the replications do not differ at all, because nothing in this model depends on the seed."
        return f"<h2>How it was made</h2><p>{plain(said)}</p>"
    said += (
        " (common random numbers), so what chance does to both arms cancels in the difference; replications differ in their "
        "seed: in who drives how, not in who drives where."
    )
    how = (
        "Intervals are Student's t intervals of the mean paired difference; in the statistics in full there are bootstrap intervals "
        "(BCa) too, which assume no normal distribution. Effect dz is the mean difference over the standard deviation of the "
        "differences. p values are two-sided; the verdict uses those corrected for the number of measures by Holm's method; the "
        "intervals are not corrected."
    )
    return f"<h2>How it was made</h2><p>{plain(said)}</p><p>{plain(how)}</p>"


def _definitions(study: StudyResult) -> str:
    items = "".join(f"<dt>{plain(m.label)} <code>{m.key}</code></dt><dd>{plain(m.definition)}</dd>" for m in MEASURES)
    known = {arm.partition(":")[0] for arm in (study.baseline, study.candidate)}
    arms = "".join(f"<dt>{plain(name_of(name))} <code>{name}</code></dt><dd>{text}</dd>" for name, text in ARMS.items() if name in known)
    return f"<h2>What the words mean</h2><dl>{items}{arms}</dl>"


def _provenance(provenance: Provenance) -> str:
    return f"<h2>Provenance</h2><pre><code>{plain(json.dumps(provenance.as_dict(), indent=1))}</code></pre>"


def _next_steps() -> str:
    code = (
        "import urbanlab as ul\n\n"
        'scenario = ul.load("your.sumocfg")            # or a CityFlow folder\n'
        'study = ul.Experiment(scenario, baseline="program", candidate="max_pressure:interval=15", replications=20)\n'
        'study.run().report("study.html")'
    )
    return f"<h2>Try next</h2><p>The same comparison on a city of yours:</p><pre><code>{plain(code)}</code></pre>"
