"""The schema: tables are built from it, held against it, and described by it."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from urbanlab.core.errors import FileError
from urbanlab.core.provenance import Provenance
from urbanlab.core.schema import EDGES, IMPORT, METADATA_KEY, SUMMARY, SUMMARY_FILE, TABLES, Column, TableSchema, formats_page

SMALL = TableSchema(
    "small", 3, "A test.", (Column("name", "category", "", "who"), Column("speed_mps", "float64", "m/s", "how fast", nullable=True))
)


def small(**values: object) -> pa.Table:
    return SMALL.build({"name": ["a", "b"], "speed_mps": np.array([1.0, 2.0])} | values)


def test_table_has_types_units_and_provenance() -> None:
    table = SMALL.build({"speed_mps": np.array([1.0]), "name": ["a"]}, Provenance(command="urbanlab x", seed=7))
    field = table.schema.field("speed_mps")
    assert table.schema.names == ["name", "speed_mps"]
    assert field.metadata == {b"unit": b"m/s", b"meaning": b"how fast"}
    about = json.loads(table.schema.metadata[METADATA_KEY])
    assert about["schema"] == "urbanlab/small/3"
    assert about["provenance"]["command"] == "urbanlab x" and about["provenance"]["seed"] == 7


def test_masked_values_become_null() -> None:
    table = small(speed_mps=np.ma.masked_array([1.0, np.nan], mask=[False, True]))
    assert table["speed_mps"].to_pylist() == [1.0, None]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="speed_mps has values that are not finite"):
        small(speed_mps=np.array([1.0, value]))


def test_null_where_it_has_no_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="name has 1 missing values"):
        small(name=["a", None])


def test_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="extra"):
        small(extra=[1, 2])


def test_check_names_every_wrong_column() -> None:
    wrong = pa.table({"speed_mps": pa.array(["x"])})
    with pytest.raises(FileError) as caught:
        SMALL.check(wrong, where="small.parquet")
    assert caught.value.items == ("name: missing", "speed_mps: string, expected double")
    assert caught.value.where == "small.parquet"


def test_check_accepts_what_was_built_and_more_columns() -> None:
    SMALL.check(small().append_column("more", pa.array([1, 2])))


def test_empty_tables_can_be_built() -> None:
    for table in TABLES:
        empty = table.build({column.name: [] for column in table.columns})
        table.check(empty)
        assert empty.num_rows == 0


def test_names_are_unique_and_carry_their_unit() -> None:
    suffix = {"s": "_s", "m": "_m", "m/s": "_mps", "1/m": "_per_m", "1/s": "_per_s", "kg": "_kg", "byte": "_bytes"}
    for columns in (SUMMARY + SUMMARY_FILE, IMPORT, *(table.columns for table in TABLES)):
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)
        for column in columns:
            assert column.name.endswith(suffix.get(column.unit, "")), column


def test_page_names_every_column_with_its_unit() -> None:
    page = formats_page()
    for columns in (SUMMARY, SUMMARY_FILE, IMPORT, *(table.columns for table in TABLES)):
        for column in columns:
            assert f"| `{column.name}` | {column.kind}" in page
    assert "| `density_per_m` | float64 | 1/m |" in page and EDGES.schema_id in page
