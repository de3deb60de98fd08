"""The report: well-formed, self-contained, readable by all, safe against names, honest about failures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from urbanlab.core.errors import OutputError
from urbanlab.lab.experiment import DETERMINISTIC, StudyResult
from urbanlab.lab.measures import MEASURES
from urbanlab.lab.report import render
from urbanlab.lab.report_maps import class_bounds, loss_per_kilometre, maps_section
from urbanlab.lab.report_style import STYLE
from urbanlab.lab.report_tables import figures_text, verdict_note
from urbanlab.lab.report_words import name_of, number, p_value, percent, plain, signed

VOID = {"meta", "br", "hr", "img", "input", "link"}
SELF_CLOSED = {"path", "line", "circle"}


class Page(HTMLParser):
    """Tags in order; complains about what is not closed, closed twice or given twice."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSED, f"{tag} may not close itself"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} closes nothing"
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


CLEAR = {"travel_time_mean_s": ([300.0, 310.0, 305.0, 298.0, 302.0], [280.0, 291.0, 284.0, 279.0, 281.0])}


def page_of(study: StudyResult) -> Page:
    return Page(render(study, study.provenance("urbanlab demo")))


def test_page_is_well_formed(ran: StudyResult) -> None:
    text = render(ran, ran.provenance())
    page = Page(text)
    assert text.startswith("<!doctype html>\n")
    assert page.all("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in page.all("meta")
    assert len(page.all("title")) >= 1 and len(page.all("h1")) == 1 and len(page.all("main")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_page_needs_nothing_else(ran: StudyResult) -> None:
    text = render(ran, ran.provenance())
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not {"src", "href", "srcset", "action", "data"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|https?:|//[a-z]", text)


def test_page_can_be_read_without_seeing_it(ran: StudyResult) -> None:
    page = page_of(ran)
    for drawing in page.all("svg"):
        assert drawing.get("aria-hidden") == "true" or (drawing["role"] == "img" and drawing["aria-label"])
    assert len(page.all("table")) == len(page.all("caption")) == 2
    assert {cell["scope"] for cell in page.all("th")} == {"row", "col"}
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in page.all("div") if region.get("class") == "scroll")


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] if len(colour) == 7 else [int(c * 2, 16) / 255 for c in colour[1:]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_paper(scheme: str) -> None:
    """WCAG 2.1: a contrast of 4.5 for text."""
    part = STYLE.split("prefers-color-scheme: dark")[scheme == "dark"]
    colours = dict(re.findall(r"--(\w+): ?(#[0-9a-f]{3,6})", part))
    for ink in ("ink", "soft", "good", "bad"):
        for paper in ("paper", "card"):
            pair = sorted((luminance(colours[ink]), luminance(colours[paper])))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (ink, paper)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_classes_of_the_maps_can_be_told_apart(scheme: str) -> None:
    """Neighbours of the sequential scale differ in lightness, all in one direction: it is read without any colour vision."""
    part = STYLE.split("prefers-color-scheme: dark")[scheme == "dark"]
    colours = dict(re.findall(r"--(\w+): ?(#[0-9a-f]{3,6})", part))
    scale = np.array([luminance(colours[f"s{k}"]) for k in range(6)])
    steps = np.diff(scale)
    assert np.all(steps < -0.01) or np.all(steps > 0.01)


NASTY = "<script>alert('x')</script> \"&\" </title>"


def test_names_stay_text(invented: Callable[..., StudyResult]) -> None:
    study = invented(CLEAR)
    scenario = replace(study.scenario, name=NASTY, source=NASTY, input_hashes={NASTY: "0"})
    for text in (render(replace(study, scenario=scenario), study.provenance(NASTY)),):
        page = Page(text)
        assert "script" not in {tag for tag, _ in page.tags}
        assert "alert('x')" in page.text
        assert NASTY not in text


def test_clear_difference_is_said_first(invented: Callable[..., StudyResult]) -> None:
    text = page_of(invented(CLEAR)).text
    assert "max pressure against fixed time in river_" in text
    assert "Mean travel time is 6.6% shorter: 303.0 s with fixed time, 283.0 s with max pressure, a difference of −20.0 s" in text
    assert "better" in text


def test_what_went_the_other_way_is_said_too(invented: Callable[..., StudyResult]) -> None:
    figures = CLEAR | {
        "stops_mean": ([3.0, 3.1, 3.2, 3.0, 3.1], [4.0, 4.2, 4.2, 4.1, 4.0]),
        "co2_kg": ([9.0] * 5, [9.5, 9.6, 9.5, 9.4, 9.5]),
    }
    assert "Worse are stops (+33.1%) and carbon dioxide (+5.6%)." in page_of(invented(figures)).text


def test_no_clear_difference_is_a_result(invented: Callable[..., StudyResult]) -> None:
    text = page_of(invented({"travel_time_mean_s": ([300.0, 310.0, 305.0], [305.0, 300.0, 307.0])})).text
    assert "In 3 pairs of runs there is no clear difference in mean travel time" in text


SAME = {m.key: ([300.0] * 3, [280.0] * 3) for m in MEASURES}


def test_runs_that_do_not_vary_have_no_statistics(invented: Callable[..., StudyResult]) -> None:
    study = invented(SAME)
    text = page_of(study).text
    assert "Mean travel time is 300.0 s with fixed time, 280.0 s with max pressure: a difference of −20.0 s. The model is deter" in text
    assert text.count(DETERMINISTIC) == len(MEASURES)
    for claim in ("differ in their seed", "interval −", "interval +", "p, corrected", "clear at 95%", "Student"):
        assert claim not in text
    lines = figures_text(study).splitlines()
    assert all(line.endswith(f"−20.0  –  {DETERMINISTIC}") for line in lines[2:])
    assert "deterministic" in verdict_note(study)


def test_verdict_and_interval_are_told_apart(invented: Callable[..., StudyResult]) -> None:
    study = invented(CLEAR)
    assert "the intervals are not corrected" in verdict_note(study)
    assert verdict_note(study) in page_of(study).text


def test_failures_are_shown_with_their_reason(invented: Callable[..., StudyResult]) -> None:
    page = page_of(invented(CLEAR, failed=(("max_pressure", 3), ("fixed", 1))))
    assert "Failed replications" in page.text
    assert "max_pressure, replication 3 (seed 45): <b>no & no</b> in 3" in page.text
    assert "Means over 3 pairs of runs" in page.text
    assert "Failed" not in page_of(invented(CLEAR)).text


def test_study_in_which_an_arm_has_no_figures_still_has_a_page(invented: Callable[..., StudyResult]) -> None:
    page = page_of(invented(CLEAR, failed=tuple(("max_pressure", k) for k in range(5))))
    assert "–" in page.text
    assert "svg" not in {tag for tag, _ in page.tags}


def test_a_telephone_shows_differences_and_verdicts_without_scrolling(ran: StudyResult) -> None:
    page = page_of(ran)
    assert [table.get("class") for table in page.all("table")] == ["figures", None]
    assert [cell.get("class") for cell in page.all("th")][:7] == [None, "wide", "wide", None, "wide", None, None]
    assert re.search(r"max-width: 38rem.*\.figures \.wide.*display: none", STYLE, re.DOTALL)


def test_long_names_of_arms_wrap_and_leave_room_for_the_verdict() -> None:
    assert "thead th, .figures td:last-child { white-space: normal; }" in STYLE
    assert name_of("max_pressure:interval=15,phases=1-4") == "max pressure (interval=15, phases=1-4)"


def test_numbers_of_the_table_are_those_of_the_comparison(ran: StudyResult) -> None:
    text = page_of(ran).text
    for comparison in ran.comparisons():
        for value in (comparison.result.baseline_mean, comparison.result.candidate_mean):
            assert number(value) in text
        assert signed(comparison.result.difference) in text


def test_report_is_written_whole_or_not_at_all(invented: Callable[..., StudyResult], tmp_path: Path) -> None:
    path = invented(CLEAR).report(tmp_path / "deep" / "study.html")
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [entry.name for entry in path.parent.iterdir()] == ["study.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="report can't be written"):
        invented(CLEAR).report(tmp_path / "file" / "study.html")


def test_terminal_table_lines_up(invented: Callable[..., StudyResult]) -> None:
    lines = figures_text(invented(CLEAR)).splitlines()
    assert lines[0].split() == ["measure", "fixed", "max_pressure", "change", "difference,", "95%", "interval"]
    assert set(lines[1]) == {"-"}
    assert "−6.6%" in lines[2] and lines[2].endswith("better")
    assert len({line.index("  ", 24) for line in lines[2:]}) >= 1


def test_words_of_numbers() -> None:
    assert [number(x) for x in (0.0, -0.001, 1.234, -12.34, 1234.5, float("nan"), float("inf"))] == [
        "0.00", "0.00", "1.23", "−12.3", "1,234", "–", "–"
    ]  # fmt: skip
    assert [signed(x) for x in (1.0, -1.0, 0.0)] == ["+1.00", "−1.00", "0.00"]
    assert [percent(x) for x in (0.1234, -0.5, float("nan"))] == ["+12.3%", "−50.0%", "–"]
    assert [p_value(x) for x in (0.0, 0.0123, 1.0, float("nan"))] == ["< 0.001", "0.012", "1.000", "–"]
    assert name_of("program") == "the source's programs"
    assert plain('<a b="c">&') == "&lt;a b=&quot;c&quot;&gt;&amp;"


def test_loss_per_kilometre_is_in_minutes(invented: Callable[..., StudyResult]) -> None:
    totals = invented(CLEAR).edges("fixed")
    assert totals is not None
    some = replace(totals, time_loss=np.array([120.0, 0.0, 5.0]), metres=np.array([1000.0, 500.0, 0.0]))
    assert loss_per_kilometre(some)[:2].tolist() == [2.0, 0.0]
    assert np.isnan(loss_per_kilometre(some)[2])


@pytest.mark.parametrize("digits", [1, 2])
@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1e-9, 2e-9], [0.011, 0.0111, 0.0112, 5.0, 5.01], [], [1e6, 2e6]])
def test_bounds_of_classes_are_positive_and_rise(values: list[float], digits: int) -> None:
    bounds = class_bounds(np.array(values), np.ones(len(values)), (0.3, 0.5, 0.7, 0.85, 0.95), digits)
    assert len(bounds) == 5
    assert bounds[0] > 0
    assert all(after > before for before, after in itertools.pairwise(bounds))


def test_unchanged_streets_are_grey_in_the_map_of_differences(invented: Callable[..., StudyResult]) -> None:
    section = maps_section(invented(CLEAR))  # the made-up totals of both arms are the same
    drawing = section.partition('class="diverging whole"')[2].partition("</svg>")[0]
    assert set(re.findall(r'<path class="(c\d|none)"', drawing)) == {"c3"}
