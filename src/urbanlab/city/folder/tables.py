"""Tables of a city: from a scenario's columns and records to Arrow tables and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from urbanlab.city.columns import TABLES, Column, Kind, Parent, Table
from urbanlab.city.folder.codec import decode, encode
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import FileError

__all__ = ["read_table", "to_arrow"]

_TABLE_OF = {table.letter: table for table in reversed(TABLES) if table.letter}


def to_arrow(table: Table, scenario: Scenario) -> Any:
    """Arrow table of one of a scenario's tables; each column carries its meaning."""
    owner = getattr(scenario, table.owner) if table.owner else scenario
    arrays, fields = [], []
    parent = table.parent
    if parent is not None:
        arrays.append(pa.array(_parent_column(getattr(owner, parent.start)), pa.int32()))
        fields.append(_field(parent.name, arrays[-1].type, f"row of {_TABLE_OF[parent.letter].name}"))
    for column, (values, start) in zip(table.columns, _values(table, owner), strict=True):
        arrays.append(encode(column, values, start))
        fields.append(_field(column.name, arrays[-1].type, column.meaning))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _field(name: str, kind: Any, meaning: str) -> Any:
    return pa.field(name, kind, nullable=False, metadata={"meaning": meaning})


def _parent_column(start: NDArray[np.integer]) -> NDArray[np.int32]:
    """Row of the parent of each row, from ranges."""
    return np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))


def _values(table: Table, owner: Any) -> list[tuple[Any, NDArray[np.int64] | None]]:
    if not table.records:
        return [(getattr(owner, column.field), getattr(owner, column.start) if column.start else None) for column in table.columns]
    records = getattr(owner, table.records)
    return [(_of_records(column, records), None) for column in table.columns]


def _of_records(column: Column, records: Sequence[Any]) -> list[Any]:
    """One column of records: of dataclasses, of tuples (a field by its place) or of bare lists (no field)."""
    if not column.field:
        return list(records)
    if column.field.isdigit():
        place = int(column.field)
        return [record[place] for record in records]
    return [getattr(record, column.field) for record in records]


def read_table(table: Table, arrow: Any, num_parents: int) -> dict[str, Any]:
    """Fields of the owner that stand in a table, ranges included.

    Parameters
    ----------
    arrow : what lies in the file
    num_parents : rows of the table that this one's rows belong to, if any

    Raises
    ------
    FileError : columns that are missing, unknown or of another type, or rows out of their parents' order
    """
    wanted = [column.name for column in table.columns] + ([table.parent.name] if table.parent else [])
    found = arrow.schema.names
    if sorted(found) != sorted(wanted):
        odd = sorted(set(wanted) ^ set(found)) or found
        raise FileError("the columns differ from those of this kind of table", got=", ".join(odd), expected=", ".join(wanted))
    fields: dict[str, Any] = {}
    for column in table.columns:
        values, start = decode(column, arrow.column(column.name))
        if start is not None and not column.start:
            values, start = _as_tuples(values, start), None
        fields[column.field] = values
        if start is not None and not np.array_equal(fields.setdefault(column.start, start), start):
            raise FileError(f"the lists of column '{column.name}' have other lengths than those beside them")
    if table.parent is not None:
        fields |= _ranges(table.parent, arrow.column(table.parent.name), num_parents)
    return _with_records(table, fields) if table.records else fields


def _as_tuples(items: NDArray[Any], start: NDArray[np.int64]) -> tuple[tuple[Any, ...], ...]:
    values, bounds = items.tolist(), start.tolist()
    return tuple([tuple(values[first:last]) for first, last in pairwise(bounds)])


def _ranges(parent: Parent, array: Any, num_parents: int) -> dict[str, Any]:
    rows, _ = decode(Column(parent.name, "", Kind.INT32, ""), array)
    if len(rows) and (rows[0] < 0 or rows[-1] >= num_parents or np.any(np.diff(rows) < 0)):
        raise FileError(f"column '{parent.name}' is out of order", expected=f"rising numbers from 0 to {num_parents - 1}")
    start = np.zeros(num_parents + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=num_parents), out=start[1:])
    if not parent.field:
        return {parent.start: start}
    return {parent.start: start.astype(np.int32), parent.field: rows}


def _with_records(table: Table, fields: dict[str, Any]) -> dict[str, Any]:
    """The field with the records of a table, and that with their ranges."""
    kept = {table.parent.start: fields[table.parent.start]} if table.parent else {}
    return kept | {table.records: _records(table, fields)}


def _records(table: Table, fields: dict[str, Any]) -> tuple[Any, ...]:
    columns = [_as_objects(column, fields[column.field]) for column in table.columns]
    if not table.columns[0].field:
        return tuple(columns[0])
    if table.record is tuple:
        return tuple(zip(*columns, strict=True))
    names = [column.field for column in table.columns]
    return tuple([table.record(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)])


def _as_objects(column: Column, values: Any) -> list[Any]:
    if column.kind is Kind.WORD and column.words is not None:
        members = {member.value: member for member in column.words}
        return [members[code] for code in values.tolist()]
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
