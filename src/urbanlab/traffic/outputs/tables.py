"""A run's record -> the tables of `core/schema.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from urbanlab.core.detector_schema import DETECTORS
from urbanlab.core.provenance import Provenance
from urbanlab.core.schema import EDGES, SIGNALS, TRIPS
from urbanlab.traffic.measures import durations
from urbanlab.traffic.record import EdgePeriod, RunRecord, SignalEventKind, TripState

__all__ = ["detectors_table", "edge_tables", "signals_table", "trips_table", "write_edges", "write_table"]

COMPRESSION = "zstd"


def trips_table(record: RunRecord, provenance: Provenance | None = None) -> Any:
    """One row a loaded trip: a `pyarrow.Table` of the schema TRIPS."""
    departed, ended = record.depart >= 0.0, record.arrival >= 0.0
    return TRIPS.build(
        {
            "trip_id": record.trip_id,
            "vehicle_type": record.trip_type,
            "depart_wanted_s": record.depart_wanted,
            "depart_s": np.ma.masked_array(record.depart, ~departed),
            "arrival_s": np.ma.masked_array(record.arrival, ~ended),
            "duration_s": np.ma.masked_array(durations(record), ~(departed & ended)),
            "time_loss_s": record.time_loss,
            "waiting_s": record.waiting,
            "stops": record.stops,
            "route_length_m": record.route_length,
            "teleports": record.teleports,
            "state": _names(record.state, TripState),
        },
        provenance,
    )


def edge_tables(record: RunRecord, provenance: Provenance | None = None) -> Iterator[Any]:
    """Tables of the schema EDGES, one a period, in order; one empty table where there is no period.

    Density and speed are those of SUMO's edgeData: vehicle seconds over time and length, metres over vehicle seconds.
    """
    edges = np.flatnonzero(~record.edge_is_internal)
    names = pa.array([record.edge_ids[edge] for edge in edges.tolist()], pa.string())
    ids = pa.DictionaryArray.from_arrays(pa.array(np.arange(len(edges), dtype=np.int32)), names)
    for period in record.edge_periods:
        yield EDGES.build(_edge_columns(record, period, edges) | {"edge_id": ids}, provenance)
    if not record.edge_periods:
        yield EDGES.build({column.name: [] for column in EDGES.columns}, provenance)


def _edge_columns(record: RunRecord, period: EdgePeriod, edges: np.ndarray[Any, np.dtype[np.intp]]) -> dict[str, Any]:
    seconds, metres = period.seconds[edges], period.metres[edges]
    none = seconds <= 0.0
    return {
        "begin_s": np.full(len(edges), period.begin),
        "end_s": np.full(len(edges), period.end),
        "entered": period.entered[edges],
        "departed": period.departed[edges],
        "speed_mps": np.ma.masked_array(metres / np.where(none, 1.0, seconds), none),
        "density_per_m": seconds / ((period.end - period.begin) * record.edge_length[edges]),
        "waiting_s": period.waiting[edges],
    }


def signals_table(record: RunRecord, provenance: Provenance | None = None) -> Any:
    """One row an event: a `pyarrow.Table` of the schema SIGNALS."""
    events = record.signal_events
    phases = np.array([event.phase for event in events], np.int32)
    return SIGNALS.build(
        {
            "time_s": np.array([event.time for event in events], np.float64),
            "signal_id": pa.array([record.signal_ids[event.signal] for event in events], pa.string()),
            "kind": _names(np.array([event.kind for event in events], np.uint8), SignalEventKind),
            "phase": np.ma.masked_array(phases, phases < 0),
            "state": pa.array([event.state for event in events], pa.string()),
            "reason": pa.array([event.reason for event in events], pa.string()),
        },
        provenance,
    )


def detectors_table(record: RunRecord, provenance: Provenance | None = None) -> Any:
    """One row a detector and period: a `pyarrow.Table` of the schema DETECTORS."""
    kinds = {"category": pa.string(), "float64": pa.float64(), "int64": pa.int64()}
    values = {column.name: pa.array([row.get(column.name) for row in record.detectors], kinds[column.kind]) for column in DETECTORS.columns}
    return DETECTORS.build(values, provenance)


def _names(values: np.ndarray[Any, np.dtype[np.uint8]], kinds: type[TripState | SignalEventKind]) -> Any:
    """Numbers of an enumeration -> their names in lower case."""
    return pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int32)), pa.array([kind.name.lower() for kind in kinds]))


def write_table(path: Path, table: Any) -> None:
    """Write a table as a Parquet file."""
    pq.write_table(table, path, compression=COMPRESSION)


def write_edges(path: Path, record: RunRecord, provenance: Provenance | None = None) -> None:
    """Write the edges' table period by period, so that memory holds one of them."""
    with pq.ParquetWriter(path, EDGES.arrow_schema(provenance), compression=COMPRESSION) as writer:
        for table in edge_tables(record, provenance):
            writer.write_table(table)
