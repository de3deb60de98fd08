"""A record as tables: the columns of the schema, with SUMO's definitions of density and speed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from urbanlab.core.provenance import Provenance
from urbanlab.core.schema import EDGES, METADATA_KEY, SIGNALS, TRIPS
from urbanlab.traffic.outputs.tables import edge_tables, signals_table, trips_table, write_edges, write_table
from urbanlab.traffic.record import RunRecord

Record = Callable[..., RunRecord]


def test_trips_have_null_where_something_has_not_happened(record_of: Record) -> None:
    table = trips_table(record_of())
    assert table["depart_s"].to_pylist() == [2.0, 10.0, 30.0, 41.0, None, None]
    assert table["arrival_s"].to_pylist() == [52.0, 110.0, None, 61.0, None, None]
    assert table["duration_s"].to_pylist() == [50.0, 100.0, None, 20.0, None, None]
    assert table["state"].to_pylist() == ["arrived", "arrived", "running", "removed", "removed", "waiting"]
    assert table["vehicle_type"].to_pylist()[:2] == ["car", "bus"]


def test_edges_have_the_density_and_speed_of_sumo(record_of: Record) -> None:
    table = pa.concat_tables(edge_tables(record_of()))
    assert table["edge_id"].to_pylist() == ["in", "empty", "out"] * 2
    assert table["begin_s"].to_pylist() == [0.0] * 3 + [100.0] * 3 and table["end_s"].to_pylist() == [100.0] * 3 + [200.0] * 3
    assert table["speed_mps"].to_pylist() == [10.0, None, 0.0] * 2
    # vehicle seconds over 100 s and the edge's length
    assert table["density_per_m"].to_pylist()[:3] == [30.0 / (100.0 * 100.0), 0.0, 10.0 / (100.0 * 200.0)]
    assert table["entered"].to_pylist() == [2, 0, 0, 4, 0, 0] and table["departed"].to_pylist() == [1, 0, 1, 2, 0, 2]
    assert table["waiting_s"].to_pylist() == [6.0, 0.0, 10.0, 12.0, 0.0, 20.0]


def test_signals_name_what_happened(record_of: Record) -> None:
    assert signals_table(record_of()).to_pylist() == [
        {"time_s": 0.0, "signal_id": "north", "kind": "phase", "phase": 0, "state": "Gr", "reason": ""},
        {"time_s": 12.5, "signal_id": "south", "kind": "refused", "phase": 2, "state": "rG", "reason": "minimum green"},
        {"time_s": 30.0, "signal_id": "north", "kind": "violation", "phase": None, "state": "GG", "reason": "conflict"},
    ]


def test_empty_run_has_empty_tables(record_of: Record) -> None:
    record = record_of((), edge_periods=[], signal_events=[])
    for schema, table in ((TRIPS, trips_table(record)), (SIGNALS, signals_table(record)), (EDGES, next(edge_tables(record)))):
        assert table.num_rows == 0
        schema.check(table)


@pytest.mark.parametrize("name", ["trips", "edges", "signals"])
def test_files_come_back_as_written_with_their_provenance(record_of: Record, tmp_path: Path, name: str) -> None:
    record, provenance, path = record_of(), Provenance(command="urbanlab simulate x", seed=7, input_hashes={"x": "ab"}), tmp_path / "t"
    if name == "edges":
        write_edges(path, record, provenance)
        expected = pa.concat_tables(edge_tables(record, provenance))
    else:
        expected = {"trips": trips_table, "signals": signals_table}[name](record, provenance)
        write_table(path, expected)
    table = pq.read_table(path)
    assert table.equals(expected)
    {"trips": TRIPS, "edges": EDGES, "signals": SIGNALS}[name].check(table)
    about = json.loads(table.schema.metadata[METADATA_KEY])
    assert about == {"schema": f"urbanlab/{name}/1", "provenance": provenance.as_dict()}
