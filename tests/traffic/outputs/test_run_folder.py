"""The folder of a run: what stands in it, where it comes from, and that the same run gives the same tables."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import OutputError
from urbanlab.core.provenance import Provenance
from urbanlab.core.schema import IMPORT, METADATA_KEY, SUMMARY, SUMMARY_FILE
from urbanlab.traffic.outputs import run_folder
from urbanlab.traffic.outputs.run_folder import (
    configuration_of,
    open_run_folder,
    provenance_of,
    write_summary,
    write_sumo_files,
    write_tables,
)
from urbanlab.traffic.record import RunRecord, TripState
from urbanlab.traffic.simulation import Simulation

Record = Callable[..., RunRecord]
TABLES = ("trips", "edges", "signals")
END = 900.0
NOWHERE = Provenance()


@pytest.fixture(scope="module")
def city() -> Scenario:
    return make("grid:rows=3,cols=3,trips=600", seed=3)


def write(target: Path, record: RunRecord, provenance: Provenance = NOWHERE) -> dict[str, Any]:
    report = ImportReport()
    report.note("element person", "p1", count=3)
    report.warn("trip departs before begin")
    with open_run_folder(target) as folder:
        write_tables(folder, record, provenance)
        write_sumo_files(folder, record, provenance)
        summary = write_summary(folder, record, report, provenance)
        folder.commit()
    return summary


def test_summary_is_what_the_schema_says_and_what_is_returned(record_of: Record, tmp_path: Path) -> None:
    summary = write(tmp_path / "run", record_of())
    assert json.loads((tmp_path / "run" / "summary.json").read_text()) == summary
    assert list(summary) == [column.name for column in SUMMARY + SUMMARY_FILE]
    assert summary["files"] == sorted(path.name for path in (tmp_path / "run").iterdir())


def test_import_report_keeps_counts_and_examples(record_of: Record, tmp_path: Path) -> None:
    write(tmp_path / "run", record_of())
    report = json.loads((tmp_path / "run" / "import.json").read_text())
    assert list(report) == [column.name for column in IMPORT]
    assert report["not_modelled"] == {"element person": 3} and report["warnings"] == {"trip departs before begin": 1}
    assert report["examples"] == {"element person": ["p1"]}


def test_every_file_has_the_same_provenance(record_of: Record, tmp_path: Path) -> None:
    provenance = Provenance("urbanlab simulate x", {"step_s": 1.0}, 7, {"x": "ab"})
    write(tmp_path / "run", record_of(), provenance)
    seen = 0
    for path in (tmp_path / "run").iterdir():
        if path.suffix == ".parquet":
            found = json.loads(pq.read_schema(path).metadata[METADATA_KEY])["provenance"]
        elif path.suffix == ".json":
            found = json.loads(path.read_text())["provenance"]
        else:
            found = json.loads(path.read_text().split("<!-- written by urbanlab ")[1].split(" -->")[0])
        assert found == provenance.as_dict(), path.name
        seen += 1
    assert seen == 7


def test_configuration_names_every_setting_with_its_unit(city: Scenario) -> None:
    with Simulation(city, end=END, seed=5, controller="max_pressure:interval=15") as run:
        found = configuration_of(run)
    assert found["end_s"] == END and found["seed"] == 5 and found["controller"] == "max_pressure:interval=15"
    settings = {entry.name for entry in dataclasses.fields(RunSettings)}
    kept = {name for name in found if name in settings or name.removesuffix("_s") in settings}
    assert len(kept) == len(settings)
    json.dumps(found, allow_nan=False)


def test_endless_run_has_no_end_in_its_configuration(city: Scenario) -> None:
    endless = dataclasses.replace(city, settings=dataclasses.replace(city.settings, end=None))
    with Simulation(endless) as run:
        assert configuration_of(run)["end_s"] is None


def test_same_seed_gives_equal_tables_for_any_number_of_threads(city: Scenario, tmp_path: Path) -> None:
    for name, threads, seed in (("a", 1, 1), ("b", 2, 1), ("c", 1, 2)):
        with Simulation(city, end=END, seed=seed, threads=threads, edges_every=300.0) as run:
            write(tmp_path / name, run.run().record(), provenance_of(run))
    tables = {name: [pq.read_table(tmp_path / name / f"{table}.parquet") for table in TABLES] for name in "abc"}
    assert all(one.equals(other) for one, other in zip(tables["a"], tables["b"], strict=True))
    assert not tables["a"][0].equals(tables["c"][0])


def test_books_of_tables_and_summary_agree(city: Scenario, tmp_path: Path) -> None:
    with Simulation(city, end=END, edges_every=300.0) as run:
        summary = write(tmp_path / "run", run.run().record())
    trips = pq.read_table(tmp_path / "run" / "trips.parquet")
    edges = pq.read_table(tmp_path / "run" / "edges.parquet")
    states = trips["state"].to_pylist()
    assert summary["loaded"] == trips.num_rows == sum(summary[key] for key in ("arrived", "removed", "running_end", "waiting_end"))
    assert {key: states.count(key) for key in ("arrived", "removed", "running", "waiting")} == {
        "arrived": summary["arrived"], "removed": summary["removed"], "running": summary["running_end"], "waiting": summary["waiting_end"],
    }  # fmt: skip
    assert sum(edges["departed"].to_pylist()) == summary["inserted"] > 100
    assert sorted(set(edges["end_s"].to_pylist())) == [300.0, 600.0, 900.0]
    assert edges.num_rows == 3 * int((city.network.edge_function == 0).sum())


def test_books_balance_at_every_step(city: Scenario) -> None:
    seen = []

    def look(run: Simulation) -> None:
        record = run.record()
        number = {state: int((record.state == state).sum()) for state in TripState}
        counts = run.model.counts()
        pending = run.model.results().state == TripState.PENDING
        due = int((pending & (run.model.expanded.depart < run.time - 1e-9)).sum())  # since the last step: they wait for the next one
        assert number[TripState.RUNNING] == counts.running and number[TripState.WAITING] == counts.waiting + due
        assert len(record.trip_id) == counts.arrived + counts.removed + counts.running + counts.waiting + due
        seen.append(run.time)

    with Simulation(city, end=200.0) as run:
        run.run(each_step=look)
    assert seen == [float(k) for k in range(1, 201)]


def test_watching_every_step_changes_nothing(city: Scenario) -> None:
    records = []
    for watch in (None, lambda run: None):
        with Simulation(city, end=300.0) as run:
            records.append(run.run(each_step=watch).record())
    assert (records[0].arrival == records[1].arrival).all() and (records[0].time_loss == records[1].time_loss).all()


def test_empty_run_has_all_files(city: Scenario, tmp_path: Path) -> None:
    with Simulation(city, begin=100.0, end=100.0) as run:
        summary = write(tmp_path / "run", run.run().record())
    assert summary["loaded"] == 0 and summary["end_s"] == 100.0 and summary["travel_time_mean_s"] is None
    assert all(pq.read_table(tmp_path / "run" / f"{name}.parquet").num_rows == 0 for name in ("trips", "edges"))


@pytest.mark.parametrize("broken", ["trips_table", "write_edges", "signals_table", "write_tripinfo", "write_edgedata"])
def test_full_disk_at_any_file_leaves_the_earlier_run(
    record_of: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write(tmp_path / "run", record_of())
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    monkeypatch.setattr(run_folder, broken, full)
    with pytest.raises(OutputError, match="can't be written"):
        write(tmp_path / "run", record_of(end=300.0))
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
