"""SUMO itself as the oracle: the same lone vehicles give the same files, and SUMO's own tools read ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from lxml import etree

from urbanlab.city.readers.sumo import read_sumo
from urbanlab.core.provenance import Provenance
from urbanlab.traffic.outputs.sumo_edgedata import write_edgedata
from urbanlab.traffic.outputs.sumo_fcd import FcdWriter
from urbanlab.traffic.outputs.sumo_tripinfo import write_tripinfo
from urbanlab.traffic.simulation import Simulation

sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
HOME = Path(sumo.SUMO_HOME)
END = 200

# vehicles that never meet, without chance: whatever differs is a difference of definitions
DEMAND = """<routes>
    <vType id="car" sigma="0" speedDev="0"/>
    <vType id="slow" sigma="0" speedFactor="0.8" speedDev="0" length="12"/>
    <route id="r" edges="A0B0 B0C0 C0C1 C1C2"/>
    <vehicle id="first" type="car" depart="0" route="r" departSpeed="max"/>
    <vehicle id="second" type="slow" depart="40.5" route="r" departPos="20" arrivalPos="50"/>
    <vehicle id="third" type="car" depart="190" route="r"/>
</routes>"""


class Folders(NamedTuple):
    ours: Path
    theirs: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The same scenario by both programs."""
    place = tmp_path_factory.mktemp("oracle")
    folders = Folders(place / "ours", place / "theirs")
    folders.ours.mkdir()
    folders.theirs.mkdir()
    net, routes, more = place / "net.net.xml", place / "demand.rou.xml", folders.theirs / "more.xml"
    routes.write_text(DEMAND)
    more.write_text(f'<additional><edgeData id="e" freq="{END}" file="edgedata.xml"/></additional>')
    binary = HOME / "bin"
    subprocess.run(
        [binary / "netgenerate", "--grid", "--grid.number", "3", "--grid.length", "200", "-o", net], check=True, capture_output=True
    )
    subprocess.run(
        [binary / "sumo", "-n", net, "-r", routes, "-a", more, "--end", str(END), "--fcd-output", folders.theirs / "fcd.xml",
         "--tripinfo-output", folders.theirs / "tripinfo.xml", "--no-step-log"], check=True, capture_output=True,
    )  # fmt: skip
    provenance = Provenance(command="a -- b")
    with Simulation(read_sumo(net, [routes]), end=END, edges_every=END) as run:
        with FcdWriter(folders.ours / "fcd.xml", run, provenance) as writer:
            run.run(each_step=writer)
        record = run.record()
    write_tripinfo(folders.ours / "tripinfo.xml", record, provenance)
    write_edgedata(folders.ours / "edgedata.xml", record, provenance)
    return folders


def elements(path: Path, name: str) -> list[etree._Element]:
    return list(etree.parse(path).iter(name))


def test_tripinfo_of_lone_vehicles_is_sumos(files: Folders) -> None:
    ours, theirs = ([dict(e.attrib) for e in elements(folder / "tripinfo.xml", "tripinfo")] for folder in files)
    assert [trip["id"] for trip in ours] == ["first", "second"]
    for trip in (*ours, *theirs):
        trip.pop("devices")  # SUMO's own inner parts
    assert ours == theirs


def test_positions_of_lone_vehicles_are_sumos(files: Folders) -> None:
    ours, theirs = (
        {(step.get("time"), v.get("id")): v for step in elements(folder / "fcd.xml", "timestep") for v in step} for folder in files
    )
    assert ours.keys() == theirs.keys() and len(ours) > 100
    for key, vehicle in ours.items():
        for name in ("x", "y", "pos", "speed"):
            assert float(vehicle.get(name)) == pytest.approx(float(theirs[key].get(name)), abs=0.011), (key, name)
        assert vehicle.get("lane") == theirs[key].get("lane") and vehicle.get("type") == theirs[key].get("type")
        if not vehicle.get("lane").startswith(":") and float(vehicle.get("pos")) > 12.0:  # all of it on a straight lane
            assert vehicle.get("angle") == theirs[key].get("angle"), key


def test_steps_of_positions_are_sumos(files: Folders) -> None:
    ours, theirs = ([step.get("time") for step in elements(folder / "fcd.xml", "timestep")] for folder in files)
    assert ours == theirs


def test_edge_data_is_sumos_within_a_step(files: Folders) -> None:
    ours, theirs = ({edge.get("id"): edge.attrib for edge in elements(folder / "edgedata.xml", "edge")} for folder in files)
    assert ours.keys() == theirs.keys()
    used = 0
    for name, edge in theirs.items():
        for count in ("departed", "arrived", "entered", "left"):
            assert ours[name][count] == edge[count], (name, count)
        if "speed" in edge:
            used += 1
            # SUMO knows when within a step a front crosses a lane's end, urbanlab's sums go by steps
            assert float(ours[name]["traveltime"]) == pytest.approx(float(edge["traveltime"]), abs=0.5), name
            assert float(ours[name]["density"]) == pytest.approx(float(edge["density"]), abs=2 * 1000 / END / 180), name
    assert used == 4


def test_files_hold_against_sumos_schemas(files: Folders) -> None:
    for name, schema in (("tripinfo", "tripinfo"), ("edgedata", "meandata"), ("fcd", "fcd")):
        rules = etree.XMLSchema(etree.parse(HOME / "data" / "xsd" / f"{schema}_file.xsd"))
        rules.assertValid(etree.parse(files.ours / f"{name}.xml"))


@pytest.mark.parametrize(
    ("tool", "arguments", "shown"),
    [
        ("xml/xml2csv.py", ["tripinfo.xml", "-o", "t.csv"], ""),
        ("xml/xml2csv.py", ["edgedata.xml", "-o", "e.csv"], ""),
        ("xml/xml2csv.py", ["fcd.xml", "-o", "f.csv"], ""),
        ("output/tripinfoByType.py", ["-t", "tripinfo.xml"], "car: count 1, min 59.00 (first)"),
        ("output/tripinfoDiff.py", ["tripinfo.xml", "../theirs/tripinfo.xml", "d.xml"], "duration differences new-old: count 2"),
        ("output/edgeDataDiff.py", ["edgedata.xml", "../theirs/edgedata.xml", "d.xml"], "departed: count 24, min 0.00"),
        ("output/vehLanes.py", ["fcd.xml", "v.xml"], ""),
    ],
)
def test_sumos_tools_read_the_files(files: Folders, tool: str, arguments: list[str], shown: str) -> None:
    done = subprocess.run(
        [sys.executable, HOME / "tools" / tool, *arguments], cwd=files.ours, capture_output=True, text=True, check=False,
        env={"SUMO_HOME": str(HOME), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
