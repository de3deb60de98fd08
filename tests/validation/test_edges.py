"""How edges of both programs are compared, and what SUMO counts on an edge."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from numpy.testing import assert_allclose
from validation.edges import EdgeValues, agreement, mean_of, of_record, of_reference

from urbanlab.city.readers.sumo import read_sumo
from urbanlab.traffic.simulation import Simulation

NAN = np.nan


def values(count: list[list[float]], speed: list[list[float]], overlap: list[list[float]] | None = None) -> EdgeValues:
    return EdgeValues(np.array(count), np.array(speed), None if overlap is None else np.array(overlap))


def test_count_error_is_absolute_errors_over_all_counts() -> None:
    theirs = values([[10.0, 30.0, 0.0]], [[5.0, 9.0, NAN]])
    found = agreement(values([[12.0, 27.0, 1.0]], [[5.0, 9.0, 8.0]]), theirs)
    assert found.count_error == pytest.approx(6.0 / 40.0) and found.num_counts == 3 and found.num_vehicles == 40.0


def test_speed_fit_is_weighted_by_counts_of_busy_edges() -> None:
    theirs = values([[10.0, 30.0, 9.0]], [[4.0, 8.0, 1.0]])
    found = agreement(values([[10.0, 30.0, 9.0]], [[5.0, 8.0, 99.0]]), theirs)
    # mean 7: total 10 * 9 + 30 * 1, unexplained 10 * 1; the third edge has too few vehicles
    assert found.num_speeds == 2 and found.speed_fit == pytest.approx(1.0 - 10.0 / 120.0)


def test_periods_that_only_one_has_count_as_errors() -> None:
    theirs = values([[10.0], [10.0]], [[5.0], [6.0]])
    found = agreement(values([[10.0]], [[5.0]]), theirs)
    assert found.count_error == 0.5 and found.num_speeds == 1 and found.num_busy == 2
    assert np.isnan(found.speed_fit)  # one speed has no variance


def test_mean_over_seeds_takes_speeds_where_there_are_any() -> None:
    mean = mean_of([values([[4.0, 2.0]], [[5.0, NAN]]), values([[2.0, 0.0], [6.0, 0.0]], [[7.0, NAN], [3.0, NAN]])])
    assert_allclose(mean.count, [[3.0, 1.0], [3.0, 0.0]])
    assert_allclose(mean.speed, [[6.0, NAN], [3.0, NAN]])


def test_reference_is_read_by_names_and_times() -> None:
    stored = {"intervals": {"900.00": {"b": {"count": 2.0, "speed": 4.0}}, "0.00": {"a": {"count": 1.0, "speed": None}}}}
    found = of_reference(stored, ["a", "b"])
    assert_allclose(found.count, [[1.0, 0.0], [0.0, 2.0]])
    assert_allclose(found.speed, [[NAN, NAN], [NAN, 4.0]])


def test_speed_of_sumo_counts_vehicles_until_their_rear_has_left(tmp_path: Path) -> None:
    """A lone car at 10 m/s: sampled seconds are its front's and its length over its speed; ours are the front's."""
    sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
    places = {"a": 0, "b": 100, "c": 103, "d": 203, "e": 204, "f": 304}
    names = list(places)
    edges = "".join(f'<edge id="{a}{b}" from="{a}" to="{b}" speed="10"/>' for a, b in itertools.pairwise(names))
    nodes = "".join(f'<node id="{name}" x="{x}" y="0"/>' for name, x in places.items())
    car = '<vType id="t" sigma="0" speedDev="0" length="5"/><vehicle id="v" type="t" depart="0" departSpeed="10" departPos="3">'
    (tmp_path / "n.xml").write_text(f"<nodes>{nodes}</nodes>")
    (tmp_path / "e.xml").write_text(f"<edges>{edges}</edges>")
    (tmp_path / "r.rou.xml").write_text(f'<routes>{car}<route edges="ab bc cd de ef"/></vehicle></routes>')
    (tmp_path / "a.xml").write_text('<additional><edgeData id="e" file="out.xml"/></additional>')
    for command in (
        ["netconvert", "-n", "n.xml", "-e", "e.xml", "-o", "net.net.xml", "--no-internal-links"],
        ["sumo", "-n", "net.net.xml", "-r", "r.rou.xml", "-a", "a.xml", "--no-step-log", "--precision", "4"],
    ):
        subprocess.run([Path(sumo.SUMO_HOME) / "bin" / command[0], *command[1:]], cwd=tmp_path, check=True, capture_output=True)
    theirs = {edge.get("id"): edge for edge in etree.parse(tmp_path / "out.xml").iter("edge")}
    with Simulation(read_sumo(tmp_path / "net.net.xml", [tmp_path / "r.rou.xml"])) as run:
        record = run.run().record()
    (period,) = record.edge_periods
    for edge, length in {"bc": 3.0, "cd": 100.0, "de": 1.0}.items():
        assert float(theirs[edge].get("sampledSeconds")) == pytest.approx(length / 10.0 + 5.0 / 10.0)
        assert float(theirs[edge].get("traveltime")) == pytest.approx(length / 10.0)
        assert period.seconds[record.edge_ids.index(edge)] == pytest.approx(length / 10.0, abs=1.0)
    assert of_record(record).count.tolist() == [[1.0] * 5]
