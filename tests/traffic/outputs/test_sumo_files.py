"""SUMO's output files from records written by hand: form, definitions, odd names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from urbanlab.core.provenance import Provenance
from urbanlab.traffic.outputs.sumo_edgedata import write_edgedata
from urbanlab.traffic.outputs.sumo_tripinfo import write_tripinfo
from urbanlab.traffic.outputs.sumo_xml import head
from urbanlab.traffic.record import RunRecord

sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
Record = Callable[..., RunRecord]
PROVENANCE = Provenance(command="urbanlab simulate --out 'a--b->'", seed=7)


def parse(path: Path, schema: str) -> etree._Element:
    """Read a file and hold it against SUMO's own schema."""
    document = etree.parse(path)
    etree.XMLSchema(etree.parse(Path(sumo.SUMO_HOME, "data", "xsd", f"{schema}_file.xsd"))).assertValid(document)
    return document.getroot()


def test_tripinfo_has_ended_trips_in_the_order_of_their_ends(record_of: Record, tmp_path: Path) -> None:
    write_tripinfo(tmp_path / "t.xml", record_of(), PROVENANCE)
    trips = parse(tmp_path / "t.xml", "tripinfo").findall("tripinfo")
    assert [trip.get("id") for trip in trips] == ["t0", "t3", "t1"]
    assert dict(trips[0].attrib) == {
        "id": "t0", "depart": "2.00", "departLane": "in_0", "departPos": "5.10", "departSpeed": "13.89", "departDelay": "2.00",
        "arrival": "52.00", "arrivalLane": "empty_0", "arrivalPos": "95.00", "arrivalSpeed": "8.00", "duration": "50.00",
        "routeLength": "400.00", "waitingTime": "5.00", "waitingCount": "1", "stopTime": "0.00", "timeLoss": "10.00",
        "rerouteNo": "0", "devices": "", "vType": "car", "speedFactor": "1.00", "vaporized": "",
    }  # fmt: skip
    assert trips[1].get("vaporized") == "traci" and trips[2].get("vType") == "bus"


def test_edgedata_has_sumos_units(record_of: Record, tmp_path: Path) -> None:
    write_edgedata(tmp_path / "e.xml", record_of(), PROVENANCE)
    first, second = parse(tmp_path / "e.xml", "meandata").findall("interval")
    assert dict(second.attrib) == {"begin": "100.00", "end": "200.00", "id": "urbanlab"}
    edges = {edge.get("id"): dict(edge.attrib) for edge in first}
    assert list(edges) == ["in", "empty", "out"]
    assert edges["in"] == {
        "id": "in", "sampledSeconds": "30.00", "traveltime": "10.00", "density": "3.00", "laneDensity": "1.50", "waitingTime": "6.00",
        "timeLoss": "8.50", "speed": "10.00", "departed": "1", "arrived": "0", "entered": "2", "left": "2", "distance": "300.00",
    }  # fmt: skip
    assert edges["empty"] == {
        "id": "empty", "sampledSeconds": "0.00", "departed": "0", "arrived": "0", "entered": "0", "left": "0", "distance": "0.00",
    }  # fmt: skip
    assert edges["out"]["traveltime"] == "100000.00" and edges["out"]["speed"] == "0.00"


def test_names_with_reserved_characters_come_back(record_of: Record, tmp_path: Path) -> None:
    odd = "a<b>&\"'é"
    record = record_of(trip_id=[odd] * 6, edge_ids=(odd, ":j", "e", "o"), lane_ids=(odd,) * 5, trip_type=[odd] * 6)
    write_tripinfo(tmp_path / "t.xml", record, PROVENANCE)
    write_edgedata(tmp_path / "e.xml", record, PROVENANCE)
    trip = parse(tmp_path / "t.xml", "tripinfo")[0]
    assert {trip.get(name) for name in ("id", "departLane", "arrivalLane", "vType")} == {odd}
    assert parse(tmp_path / "e.xml", "meandata")[0][0].get("id") == odd


def test_files_of_an_empty_run_are_valid(record_of: Record, tmp_path: Path) -> None:
    record = record_of((), edge_periods=[])
    write_tripinfo(tmp_path / "t.xml", record, PROVENANCE)
    write_edgedata(tmp_path / "e.xml", record, PROVENANCE)
    assert len(parse(tmp_path / "t.xml", "tripinfo")) == 0 and len(parse(tmp_path / "e.xml", "meandata")) == 0


def test_provenance_comes_back_from_the_comment() -> None:
    text = head("x", "x.xsd", PROVENANCE) + "</x>"
    comment = next(node for node in etree.fromstring(text.encode()).getroottree().getroot().itersiblings(preceding=True))
    found = re.search(r"\{.*\}", comment.text)
    assert found is not None and json.loads(found[0]) == PROVENANCE.as_dict()
