"""Do the columns fit each other? What everything else relies on; readers guarantee it, files and users may not.

Unlike the checks of meaning these never become warnings: a number that points nowhere can't be simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.columns import TABLES, Column, Kind, Parent, Table
from urbanlab.city.scenario import Scenario

__all__ = ["columns_that_do_not_fit"]

_DTYPES = {Kind.INT32: np.int32, Kind.INT64: np.int64, Kind.FLOAT: np.float64, Kind.FLAG: np.bool_, Kind.WORD: np.uint8,
           Kind.CHAR: np.uint8, Kind.INTS: np.int32, Kind.FLOATS: np.float64}  # fmt: skip
_MOST_CODES = {Kind.WORD: 0, Kind.CHAR: 128}


def columns_that_do_not_fit(scenario: Scenario) -> list[str]:
    """Columns of a wrong type or length, ranges that are none, numbers of rows that do not exist."""
    rows = _count_rows(scenario)
    problems = [f"{table.name}: {problem}" for table in TABLES for problem in _table(table, scenario, rows)]
    return problems or list(_codes(scenario, rows))


def _count_rows(scenario: Scenario) -> dict[str, int]:
    """Rows by letter, as the first column of each table has them."""
    rows: dict[str, int] = {}
    for table in TABLES:
        owner = _owner(table, scenario)
        first = table.columns[0]
        if table.records:
            rows.setdefault(table.letter, len(getattr(owner, table.records)))
        elif first.start:
            rows.setdefault(table.letter, len(getattr(owner, first.start)) - 1)
        else:
            rows.setdefault(table.letter, len(getattr(owner, first.field)))
    return rows


def _owner(table: Table, scenario: Scenario) -> Any:
    return getattr(scenario, table.owner) if table.owner else scenario


def _table(table: Table, scenario: Scenario, rows: dict[str, int]) -> Iterator[str]:
    owner = _owner(table, scenario)
    num_rows = len(getattr(owner, table.records)) if table.records else rows[table.letter]
    if table.parent is not None:
        yield from _parent(table.parent, owner, num_rows, rows)
    for column in table.columns:
        if table.records:
            values = _of_records(column, getattr(owner, table.records))
        else:
            values = getattr(owner, column.field)
            problem = _shape(column, values, owner, num_rows)
            if problem:
                yield problem
                continue
        yield from _numbers(column, values, rows)


def _parent(parent: Parent, owner: Any, num_rows: int, rows: dict[str, int]) -> Iterator[str]:
    start = getattr(owner, parent.start)
    if not _is_ranges(start, rows[parent.letter], num_rows):
        yield f"'{parent.start}' is no list of ranges"
    elif parent.field:
        if np.any(np.diff(start) < 1):
            empty = np.flatnonzero(np.diff(start) < 1)
            yield f"{len(empty)} edges without a lane, the first is row {empty[0]}"
        own = getattr(owner, parent.field)
        wanted = np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))
        if not (isinstance(own, np.ndarray) and own.dtype == np.int32 and np.array_equal(own, wanted)):
            yield f"'{parent.field}' and '{parent.start}' contradict each other"


def _is_ranges(start: Any, num_rows: int, num_items: int) -> bool:
    return (
        isinstance(start, np.ndarray)
        and start.shape == (num_rows + 1,)
        and start.dtype in (np.int64, np.int32)
        and int(start[0]) == 0
        and int(start[-1]) == num_items
        and not np.any(np.diff(start) < 0)
    )


def _shape(column: Column, values: Any, owner: Any, num_rows: int) -> str:
    """Type and length of a column; empty where all is well."""
    wanted = _DTYPES.get(column.kind) if column.kind is not Kind.INTS or column.start else None
    if wanted is not None and not (isinstance(values, np.ndarray) and values.dtype == wanted and values.ndim == 1):
        return f"'{column.field}' is {getattr(values, 'dtype', type(values).__name__)}, expected {np.dtype(wanted)}"
    if wanted is None and not isinstance(values, tuple):
        return f"'{column.field}' is {type(values).__name__}, expected a tuple"
    if column.start:
        is_fit = _is_ranges(getattr(owner, column.start), num_rows, len(values))
        return "" if is_fit else f"'{column.start}' is no list of ranges"
    return "" if len(values) == num_rows else f"'{column.field}' has {len(values)} rows, expected {num_rows}"


def _of_records(column: Column, records: Any) -> Any:
    """Numbers in records, those of lists one after the other."""
    if not column.refers:
        return ()
    if not column.field:
        values: Any = records
    elif column.field.isdigit():
        values = [record[int(column.field)] for record in records]
    else:
        values = [getattr(record, column.field) for record in records]
    if column.kind is Kind.INTS:
        values = [item for items in values for item in items]
    return np.array(values, np.int64)


def _numbers(column: Column, values: Any, rows: dict[str, int]) -> Iterator[str]:
    """Numbers of rows that do not exist."""
    if column.refers and isinstance(values, np.ndarray) and len(values):
        least, most = (-1 if column.refers.endswith("?") else 0), rows[column.refers[0]]
        yield from _outside(column, values, least, most)
    elif column.kind in _MOST_CODES and isinstance(values, np.ndarray) and len(values):
        yield from _outside(column, values, 0, len(column.words) if column.words else _MOST_CODES[column.kind])


def _outside(column: Column, values: NDArray[Any], least: int, most: int) -> Iterator[str]:
    if int(values.min()) < least or int(values.max()) >= most:
        bad = np.flatnonzero((values < least) | (values >= most))
        yield f"'{column.field or column.name}' has {values[bad[0]]} at place {bad[0]}, expected {least} to {most - 1}"


def _codes(scenario: Scenario, rows: dict[str, int]) -> Iterator[str]:
    """Numbers that mean several things: rows, distributions, none."""
    demand = scenario.demand
    for field, least, most in (
        ("trip_type", -1 - rows["D"], rows["T"]), ("trip_route", -1 - rows["G"], rows["N"]),
    ):  # fmt: skip
        values = getattr(demand, field)
        bad = (values < least) | (values >= most)
        if field == "trip_type":
            bad |= values == -1
        if np.any(bad):
            at = int(np.flatnonzero(bad)[0])
            yield f"trips: '{field}' has {values[at]} at place {at}, expected {least} to {most - 1}"
    lacking = np.flatnonzero((demand.trip_route == -1) & ((demand.trip_from < 0) | (demand.trip_to < 0)))
    if len(lacking):
        yield f"trips: {len(lacking)} have neither a route nor an origin and a destination, the first is row {lacking[0]}"
    length = np.diff(demand.route_start)
    if np.any(length < 1):
        yield f"routes: {int(np.sum(length < 1))} have no edges, the first is row {int(np.argmin(length))}"
    network = scenario.network
    shown = (network.connection_signal >= 0) != (network.connection_link >= 0)
    if np.any(shown):
        yield f"connections: row {int(np.argmax(shown))} has a signal without a link index, or the other way round"
    for mixed in (demand.distributions, demand.route_distributions):
        for row, (members, weights) in enumerate(mixed):
            if not members or len(members) != len(weights):
                yield f"distributions: row {row} has {len(members)} members and {len(weights)} probabilities"
