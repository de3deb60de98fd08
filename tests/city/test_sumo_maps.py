"""Networks that SUMO's netconvert makes of real maps, right-hand and left-hand, plain and with crossings."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from urbanlab.city.folder import City
from urbanlab.city.load import load
from urbanlab.city.network import EdgeFunction
from urbanlab.city.writers.sumo import write_sumo_net

SUMO = importlib.util.find_spec("sumo")
pytestmark = pytest.mark.skipif(SUMO is None, reason="SUMO (the package eclipse-sumo) is not installed")
OPTIONS = {
    "plain": ("--tls.guess-signals", "true", "--roundabouts.guess", "true", "--junctions.join", "true"),
    "left-hand with crossings": (
        "--lefthand", "true", "--tls.guess-signals", "true", "--tls.default-type", "actuated", "--sidewalks.guess", "true",
        "--crossings.guess", "true",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=OPTIONS)
def net(request: pytest.FixtureRequest, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert SUMO is not None
    home = Path(str((SUMO.submodule_search_locations or [""])[0]))
    folder = tmp_path_factory.mktemp("maps")
    source, target = folder / "map.osm", folder / "map.net.xml"
    source.write_bytes(gzip.decompress((test_data / "traffic" / "osm_extracts" / "berlin-siegessaeule.osm.gz").read_bytes()))
    command = [str(home / "bin" / "netconvert"), "--osm-files", str(source), "-o", str(target), *OPTIONS[request.param]]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "SUMO_HOME": str(home)})
    return target


def test_everything_in_the_file_is_read(net: Path) -> None:
    text, network = net.read_text(), load(net).network
    assert network.num_edges == len(re.findall(r"<edge ", text))
    assert network.num_lanes == len(re.findall(r"<lane ", text))
    assert network.num_signals == len(set(re.findall(r'<tlLogic id="([^"]*)"', text)))
    assert network.lefthand == ('lefthand="true"' in text)
    functions = Counter(EdgeFunction(kind).name.lower() for kind in network.edge_function.tolist())
    for name in ("internal", "crossing", "walkingarea"):
        assert functions[name] == text.count(f'function="{name}"')


def test_only_what_is_known_is_imperfect(net: Path) -> None:
    report = load(net).report
    assert set(report.warnings) <= {"network without route files", "conflicting greens"}
    assert set(report.not_modelled) <= {"lane attribute acceleration"}


def test_turning_back_is_one_direction_on_both_sides_of_the_road(net: Path, tmp_path: Path) -> None:
    text, scenario = net.read_text(), load(net)
    network = scenario.network
    letter = "T" if network.lefthand else "t"
    count = int(np.sum(network.connection_direction == ord("t")))
    assert count == text.count(f'dir="{letter}"') > 0
    write_sumo_net(scenario.network, scenario.programs, tmp_path / "again.net.xml")
    assert (tmp_path / "again.net.xml").read_text().count(f'dir="{letter}"') == count


def test_city_folder_keeps_it(net: Path, tmp_path: Path) -> None:
    scenario = load(net)
    again = load(City(scenario).save(tmp_path / "city"))
    assert again.network.edge_id == scenario.network.edge_id
    assert again.report == scenario.report
