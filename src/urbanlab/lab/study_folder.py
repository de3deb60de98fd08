"""The folder of a study: its report, its tables, and the study in short."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from urbanlab.core.output_folder import OutputFolder
from urbanlab.core.provenance import Provenance
from urbanlab.core.schema import COMPARISON, RUNS, STUDY_MEASURES, STUDY_SCHEMA
from urbanlab.lab.experiment import Comparison, StudyResult
from urbanlab.lab.report import render

__all__ = ["comparison_rows", "open_study_folder", "write_study"]

STUDY_FILE = "study.json"


def open_study_folder(target: str | Path) -> OutputFolder:
    """A folder that replaces an earlier study, and nothing else."""
    return OutputFolder(target, mark=STUDY_FILE, schema="urbanlab/study/")


def comparison_rows(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Rows of the comparison as plain values; what is not known is None."""
    rows = []
    for c in comparisons:
        r = c.result
        row = {
            "measure": c.measure.key, "unit": c.measure.unit, "pairs": r.pairs,
            "baseline_mean": r.baseline_mean, "candidate_mean": r.candidate_mean, "difference": r.difference, "relative": r.relative,
            "t_low": r.t_low, "t_high": r.t_high, "bootstrap_low": r.bootstrap_low, "bootstrap_high": r.bootstrap_high,
            "effect_size_dz": r.effect_size, "detectable": r.detectable, "p_value": r.p_value, "p_corrected": c.p_corrected,
            "verdict": c.verdict,
        }  # fmt: skip
        rows.append({key: _finite(value) for key, value in row.items()})
    return rows


def write_study(folder: OutputFolder, study: StudyResult, provenance: Provenance, *, took: float) -> dict[str, Any]:
    """Write report.html, comparison.parquet, runs.parquet and, last of all, study.json; the content of the latter.

    Raises
    ------
    OutputError : a file can't be written
    """
    rows = comparison_rows(study.comparisons())
    with folder.file("report.html") as path:
        path.write_text(render(study, provenance), encoding="utf-8")
    _write_table(folder, COMPARISON.build({c.name: [row[c.name] for row in rows] for c in COMPARISON.columns}, provenance), "comparison")
    _write_table(folder, RUNS.build(_runs(study), provenance), "runs")
    content = {
        "schema": STUDY_SCHEMA,
        "scenario": study.scenario.name,
        "baseline": study.baseline,
        "candidate": study.candidate,
        "replications": len(study.of_arm(study.baseline)),
        "failed": len(study.failures),
        "comparison": rows,
        "took_s": took,
        "files": sorted({*folder.names, STUDY_FILE}),
        "provenance": provenance.as_dict(),
    }
    with folder.file(STUDY_FILE) as path:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return content


def _runs(study: StudyResult) -> dict[str, Any]:
    outcomes = study.outcomes
    columns: dict[str, Any] = {
        "arm": [o.arm for o in outcomes],
        "replication": np.array([o.replication for o in outcomes], np.int64),
        "seed": np.array([o.seed for o in outcomes], np.int64),
        "error": [o.error or None for o in outcomes],
    }
    for key in STUDY_MEASURES:
        values = [o.summary.get(key) for o in outcomes]
        columns[key] = [None if value is None else float(value) for value in values]
    return columns


def _write_table(folder: OutputFolder, table: Any, name: str) -> None:
    import pyarrow.parquet

    with folder.file(f"{name}.parquet") as path:
        pyarrow.parquet.write_table(table, path)


def _finite(value: Any) -> Any:
    """JSON and tables have no nan."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
