"""Who waits for a place to depart: a full lane holds up those who want that lane, and nobody else (SUMO's rule)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from urbanlab.city.readers.sumo import read_sumo
from urbanlab.traffic.simulation import Simulation

NET = Path(__file__).parent / "nets" / "two_lanes.net.xml"
KIND = '<vType id="car" sigma="0" speedDev="0"/>'


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    """Ten cars that want the right lane at once, from standing, and behind them in the queue one that wants the left one."""
    edge = next(e for e in etree.parse(NET).iter("edge") if e.get("function") != "internal" and len(e.findall("lane")) > 1)
    cars = [f'<vehicle id="{k}" type="car" depart="0" departLane="0"><route edges="{edge.get("id")}"/></vehicle>' for k in range(10)]
    cars.append(f'<vehicle id="left" type="car" depart="0" departLane="1"><route edges="{edge.get("id")}"/></vehicle>')
    path = tmp_path / "r.rou.xml"
    path.write_text(f"<routes>{KIND}{''.join(cars)}</routes>")
    return path


def test_full_lane_holds_up_its_own_departures_only(routes: Path) -> None:
    with Simulation(read_sumo(NET, [routes]), end=200.0) as run:
        record = run.run().record()
    departed = dict(zip(record.trip_id, record.depart.tolist(), strict=True))
    assert departed["left"] == 0.0
    right = np.array([departed[str(k)] for k in range(10)])
    assert right[0] == 0.0 and (np.diff(right) > 0.0).all()  # in order, one after the other


def test_departures_are_sumos(routes: Path) -> None:
    sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
    command = [Path(sumo.SUMO_HOME) / "bin" / "sumo", "-n", NET, "-r", routes, "--tripinfo-output", "t.xml", "--no-step-log"]
    subprocess.run(command, cwd=routes.parent, check=True, capture_output=True)
    theirs = {trip.get("id"): float(trip.get("depart")) for trip in etree.parse(routes.parent / "t.xml").iter("tripinfo")}
    with Simulation(read_sumo(NET, [routes]), end=200.0) as run:
        record = run.run().record()
    assert dict(zip(record.trip_id, record.depart.tolist(), strict=True)) == theirs
