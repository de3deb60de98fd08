"""The folder of a run: its tables, its import report, SUMO's files where wanted, and the summary last."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from urbanlab.city.scenario import ImportReport
from urbanlab.core.output_folder import OutputFolder
from urbanlab.core.provenance import Provenance
from urbanlab.core.schema import IMPORT_SCHEMA
from urbanlab.traffic.measures import summarise
from urbanlab.traffic.outputs.sumo_detectors import FILES, write_detectors
from urbanlab.traffic.outputs.sumo_edgedata import write_edgedata
from urbanlab.traffic.outputs.sumo_tripinfo import write_tripinfo
from urbanlab.traffic.outputs.tables import detectors_table, signals_table, trips_table, write_edges, write_table
from urbanlab.traffic.record import RunRecord
from urbanlab.traffic.report_run import BACKEND
from urbanlab.traffic.simulation import Simulation

__all__ = ["configuration_of", "open_run_folder", "provenance_of", "write_summary", "write_sumo_files", "write_tables"]

SUMMARY_FILE = "summary.json"
_UNITS = {
    "begin": "begin_s", "end": "end_s", "step": "step_s", "teleport_after": "teleport_after_s",
    "teleport_after_highways": "teleport_after_highways_s", "max_depart_delay": "max_depart_delay_s",
    "ignore_junction_blocker": "ignore_junction_blocker_s",
}  # fmt: skip
"""Settings of a scenario that have a unit."""


def open_run_folder(target: str | Path, *, resume: bool = False) -> OutputFolder:
    """A folder that replaces an earlier run, and nothing else; with `resume` the one in which a run was cut off."""
    return OutputFolder(target, mark=SUMMARY_FILE, schema="urbanlab/summary/", resume=resume)


def configuration_of(run: Simulation) -> dict[str, Any]:
    """Every setting in effect: those of the scenario, overridden by those of the run."""
    settings = {_UNITS.get(name, name): value for name, value in asdict(run.scenario.settings).items()}
    return settings | {
        "source": run.scenario.source,
        "begin_s": run.begin,
        "end_s": run.end if math.isfinite(run.end) else None,
        "seed": run.seed,
        "threads": run.threads,
        "backend": BACKEND,
        "controller": run.controller_name,
        "edges_every_s": run.edges_every,
    }


def provenance_of(run: Simulation, command: str = "") -> Provenance:
    """The block that goes into every file of a run."""
    return Provenance(command, configuration_of(run), run.seed, run.scenario.input_hashes)


def write_tables(folder: OutputFolder, record: RunRecord, provenance: Provenance) -> None:
    """Write trips.parquet, edges.parquet and signals.parquet, and detectors.parquet where there are detectors.

    Raises
    ------
    OutputError : a file can't be written
    """
    with folder.file("trips.parquet") as path:
        write_table(path, trips_table(record, provenance))
    with folder.file("edges.parquet") as path:
        write_edges(path, record, provenance)
    with folder.file("signals.parquet") as path:
        write_table(path, signals_table(record, provenance))
    if record.detectors:
        with folder.file("detectors.parquet") as path:
            write_table(path, detectors_table(record, provenance))


def write_sumo_files(folder: OutputFolder, record: RunRecord, provenance: Provenance) -> None:
    """Write tripinfo.xml and edgedata.xml, and a file of each kind of detector that there is.

    Raises
    ------
    OutputError : a file can't be written
    """
    with folder.file("tripinfo.xml") as path:
        write_tripinfo(path, record, provenance)
    with folder.file("edgedata.xml") as path:
        write_edgedata(path, record, provenance)
    for kind in FILES:
        if any(row["kind"] == kind for row in record.detectors):
            with folder.file(FILES[kind]) as path:
                write_detectors(path, kind, record, provenance)


def write_summary(
    folder: OutputFolder, record: RunRecord, report: ImportReport, provenance: Provenance, *, interrupted: bool = False
) -> dict[str, Any]:
    """Write import.json and, last of all, summary.json; the content of the latter.

    Raises
    ------
    OutputError : a file can't be written
    """
    _write_json(folder, "import.json", _import_report(report, provenance))
    summary = summarise(record) | {
        "interrupted": interrupted,
        "files": sorted({*folder.names, SUMMARY_FILE}),
        "provenance": provenance.as_dict(),
    }
    _write_json(folder, SUMMARY_FILE, summary)
    return summary


def _import_report(report: ImportReport, provenance: Provenance) -> dict[str, Any]:
    return {
        "schema": IMPORT_SCHEMA,
        "not_modelled": dict(sorted(report.not_modelled.items())),
        "warnings": dict(sorted(report.warnings.items())),
        "examples": {kind: names for kind, names in sorted(report.examples.items()) if names},
        "provenance": provenance.as_dict(),
    }


def _write_json(folder: OutputFolder, name: str, content: dict[str, Any]) -> None:
    with folder.file(name) as path:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
