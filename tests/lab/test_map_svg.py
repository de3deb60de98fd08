"""Maps: every street once, north up, scaled, and nothing but what they are told."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from urbanlab.city.network import EdgeFunction
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make
from urbanlab.lab import map_svg
from urbanlab.lab.map_svg import classify, draw_map


def drawn(
    scenario: Scenario, classes: np.ndarray | None = None, traffic: np.ndarray | None = None, title: str = "t"
) -> ElementTree.Element:
    num = scenario.network.num_edges
    text = draw_map(
        scenario.network, np.zeros(num, np.int64) if classes is None else classes, np.ones(num) if traffic is None else traffic,
        title=title, description="d",
    )  # fmt: skip
    return ElementTree.fromstring(text)


def points(element: ElementTree.Element) -> list[np.ndarray]:
    return [
        np.array([float(x) for x in part.split()]).reshape(-1, 2)
        for path in element.iter("path") if path.attrib["class"] != "water"
        for part in path.attrib["d"].split("M")[1:]
    ]  # fmt: skip


def test_every_street_is_drawn_once_and_within_the_frame(small: Scenario) -> None:
    element = drawn(small)
    lines = points(element)
    assert len(lines) == np.count_nonzero(small.network.edge_function == EdgeFunction.NORMAL)
    width, height = (float(x) for x in element.attrib["viewBox"].split()[2:])
    for line in lines:
        assert np.all(line >= 0) and np.all(line[:, 0] <= width) and np.all(line[:, 1] <= height)


def test_north_is_up_and_distances_keep_their_proportion() -> None:
    scenario = make("grid:rows=3,cols=2,trips=0,length=200", seed=1)
    element = drawn(scenario)
    width, height = (float(x) for x in element.attrib["viewBox"].split()[2:])
    assert height / width == pytest.approx(2.0, rel=0.05)  # 400 m high, 200 m wide
    lines = points(element)
    edge = scenario.network.edge_of_id["S0"]  # the southernmost street: it begins at the origin
    assert scenario.network.junction_y[scenario.network.edge_from[edge]] == 0.0
    lowest = max(line[:, 1].mean() for line in lines)
    assert lowest > 0.95 * height


def test_colour_and_width_are_those_of_the_street(small: Scenario) -> None:
    num = small.network.num_edges
    classes, traffic = np.full(num, -1), np.zeros(num)
    edge = int(np.flatnonzero(small.network.edge_function == EdgeFunction.NORMAL)[0])
    classes[edge], traffic[edge] = 4, 1e6
    traffic[edge + 1] = 1.0
    paths = [path for path in drawn(small, classes, traffic).iter("path") if path.attrib["class"] != "water"]
    assert {path.attrib["class"] for path in paths} == {"none", "c4"}
    widths = {path.attrib["class"]: float(path.attrib["stroke-width"]) for path in paths}
    assert widths["c4"] > widths["none"]


def test_river_lies_below_the_streets(small: Scenario) -> None:
    paths = list(drawn(small).iter("path"))
    assert [path.attrib["class"] == "water" for path in paths] == [True] + [False] * (len(paths) - 1)
    grid = make("grid:rows=2,cols=3,trips=0", seed=1)
    assert all(path.attrib["class"] != "water" for path in drawn(grid).iter("path"))


def test_title_and_description_stay_text(small: Scenario) -> None:
    element = drawn(small, title='<b>"&')
    assert element.find("title") is not None
    assert element.findtext("title") == element.attrib["aria-label"] == '<b>"&'


def test_empty_network_is_an_empty_map(small: Scenario) -> None:
    network = small.network
    none = replace(network, edge_function=np.full_like(network.edge_function, EdgeFunction.INTERNAL), attributes={})
    assert points(drawn(replace(small, network=none))) == []


def test_metropolis_is_drawn_by_its_busiest_streets(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_svg, "MAX_EDGES", 10)
    traffic = np.arange(small.network.num_edges, dtype=np.float64)
    classes = np.where(traffic >= np.sort(traffic[small.network.edge_function == EdgeFunction.NORMAL])[-10], 1, 0)
    element = drawn(small, classes, traffic)
    assert len(points(element)) == 10
    assert {path.attrib["class"] for path in element.iter("path")} == {"water", "c1"}


def test_classes_count_the_bounds_at_or_below() -> None:
    assert classify(np.array([-1.0, 0.0, 0.5, 1.0, 3.0]), [0.0, 1.0, 2.0]).tolist() == [0, 1, 1, 2, 3]


def test_drawing_is_compact(small: Scenario) -> None:
    """No more than 60 characters a street: a report of a thousand streets stays a small file."""
    text = draw_map(small.network, np.zeros(small.network.num_edges, np.int64), np.ones(small.network.num_edges), title="", description="")
    assert len(text) < 60 * small.network.num_edges
    assert not re.search(r"\d\.\d{2}", text)
