"""The folder of a study: tables by their schema, JSON without nan, the report beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from urbanlab.core.errors import OutputError
from urbanlab.core.schema import COMPARISON, METADATA_KEY, RUNS, STUDY
from urbanlab.lab.experiment import DETERMINISTIC, StudyResult
from urbanlab.lab.measures import MEASURES
from urbanlab.lab.study_folder import comparison_rows, open_study_folder, write_study

FIGURES = {"travel_time_mean_s": ([300.0, 310.0, 305.0], [280.0, 291.0, 284.0])}


def folder_of(study: StudyResult, target: Path) -> dict[str, object]:
    with open_study_folder(target) as folder:
        content = write_study(folder, study, study.provenance("urbanlab run study.toml"), took=1.5)
        folder.commit()
    return content


def test_folder_holds_report_tables_and_the_study_in_short(invented: Callable[..., StudyResult], tmp_path: Path) -> None:
    study = invented(FIGURES, failed=(("fixed", 1),))
    content = folder_of(study, tmp_path / "study")
    names = sorted(entry.name for entry in (tmp_path / "study").iterdir())
    assert names == content["files"] == ["comparison.parquet", "report.html", "runs.parquet", "study.json"]
    text = (tmp_path / "study" / "study.json").read_text()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON")) == content
    assert list(content) == [column.name for column in STUDY]
    assert (content["replications"], content["failed"], content["took_s"]) == (3, 1, 1.5)


def test_tables_are_as_their_schemas_say(invented: Callable[..., StudyResult], tmp_path: Path) -> None:
    study = invented(FIGURES, failed=(("fixed", 1),))
    folder_of(study, tmp_path / "study")
    for schema in (COMPARISON, RUNS):
        table = pyarrow.parquet.read_table(tmp_path / "study" / f"{schema.name}.parquet")
        schema.check(table)
        about = json.loads(table.schema.metadata[METADATA_KEY])
        assert about["schema"] == schema.schema_id
        assert about["provenance"]["command"] == "urbanlab run study.toml"
    runs = pyarrow.parquet.read_table(tmp_path / "study" / "runs.parquet").to_pylist()
    assert len(runs) == 6
    assert [row["error"] for row in runs if row["travel_time_mean_s"] is None] == ["<b>no & no</b> in 1"]
    assert [row["travel_time_mean_s"] for row in runs if row["arm"] == "max_pressure"] == [280.0, 291.0, 284.0]


def test_rows_are_the_comparisons(invented: Callable[..., StudyResult]) -> None:
    study = invented(FIGURES)
    rows = comparison_rows(study.comparisons())
    first = study.comparisons()[0]
    assert rows[0]["measure"] == "travel_time_mean_s"
    assert rows[0]["difference"] == first.result.difference == pytest.approx(-20.0)
    assert rows[0]["bootstrap_low"] is None  # three pairs are too few to resample
    assert rows[0]["verdict"] == "better"


def test_runs_that_do_not_vary_are_null_in_table_and_json(invented: Callable[..., StudyResult], tmp_path: Path) -> None:
    content = folder_of(invented({m.key: ([300.0] * 3, [280.0] * 3) for m in MEASURES}), tmp_path / "study")
    table = pyarrow.parquet.read_table(tmp_path / "study" / "comparison.parquet").to_pylist()
    assert content["comparison"] == table
    for row in table:
        assert (row["difference"], row["verdict"]) == (-20.0, DETERMINISTIC)
        assert {row[key] for key in ("t_low", "t_high", "bootstrap_low", "bootstrap_high", "p_value", "p_corrected", "detectable")} == {
            None
        }


def test_earlier_study_is_replaced_and_nothing_else(invented: Callable[..., StudyResult], tmp_path: Path) -> None:
    study = invented(FIGURES)
    folder_of(study, tmp_path / "study")
    folder_of(study, tmp_path / "study")
    (tmp_path / "study" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="something else"):
        folder_of(study, tmp_path / "study")
    assert (tmp_path / "study" / "thesis.txt").read_text() == "years of work"
