"""The engine against SUMO's stored references: a fast part of `scripts/validate`, which has the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from validation.agreement import compare, variant_of
from validation.edges import agreement, mean_of, of_reference
from validation.runs import Run, config_of, our_run

from urbanlab.city.load import load
from urbanlab.city.network import EdgeFunction

SEEDS = (1, 2)


class Case(NamedTuple):
    name: str
    runs: list[Run]
    reference: dict[str, Any]
    edge_ids: list[str]


@pytest.fixture(scope="module", params=["cologne1", "cologne8"])
def case(request: pytest.FixtureRequest, traffic_data: Path) -> Case:
    folder = traffic_data / request.param
    scenario = load(config_of(folder))
    network = scenario.network
    ids = [network.edge_id[k] for k in np.flatnonzero(network.edge_function == EdgeFunction.NORMAL).tolist()]
    reference = json.loads((folder / "sumo-reference.json").read_text())
    return Case(request.param, [our_run(scenario, seed) for seed in SEEDS], reference, ids)


def test_aggregates_agree_with_sumo(case: Case) -> None:
    rows = compare(case.name, [run.summary for run in case.runs], variant_of(case.reference))
    wrong = [f"{row.label}: {row.ours:.2f}, SUMO {row.theirs:.2f}, allowed {row.allowed:.2f}" for row in rows if not row.agrees]
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("case", ["cologne8"], indirect=True)  # the one whose reference has edges
def test_edges_agree_with_sumo(case: Case) -> None:
    found = agreement(mean_of([run.edges for run in case.runs]), of_reference(case.reference["edges"], case.edge_ids), overlap=True)
    assert found.num_vehicles > 10_000 and found.num_speeds > 300
    assert found.count_error <= 0.05
    assert found.speed_fit >= 0.9


def test_script_writes_the_page_and_keeps_sumos_files_where_it_is_told(root: Path, traffic_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
    out, work = tmp_path / "out", tmp_path / "work"
    command = [
        root / "scripts" / "validate",
        "--scenario",
        "cologne1",
        "--seeds",
        "1",
        "--data",
        traffic_data,
        "--work",
        work,
        "--out",
        out,
    ]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert "[1/1] cologne1: SUMO" in done.stderr
    assert done.stdout in (out / "validation.md").read_text()
    assert (out / "images" / "validation.svg").is_file()
    assert sorted(path.name for path in work.rglob("seed-1/*")) == ["edgedata.xml", "edges.add.xml", "inputs.json", "tripinfo.xml"]


def test_script_names_the_scenarios_there_are(root: Path, traffic_data: Path) -> None:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [root / "scripts" / "validate", "--scenario", "atlantis", "--data", traffic_data]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 2 and "atlantis" in done.stderr and "cologne8" in done.stderr
