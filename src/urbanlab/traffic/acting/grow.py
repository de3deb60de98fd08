"""Columns that grow in place, instead of being copied for every new row."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rooms"]

B = TypeVar("B")


class Rooms:
    """Larger arrays of which columns are the first part; a column grows without a copy until its room is full.

    Older views of a column keep their length, and show the same rows as long as nothing was copied.
    """

    def __init__(self) -> None:
        self._rooms: dict[tuple[type, str], NDArray[Any]] = {}

    def extended(self, bundle: B, rows: dict[str, Any]) -> B:
        """A NamedTuple of columns with more rows.

        Parameters
        ----------
        bundle : columns that `rows` does not name stay as they are
        rows : by column, the values of the new rows
        """
        grown = {name: self._grown((type(bundle), name), getattr(bundle, name), np.asarray(values)) for name, values in rows.items()}
        return bundle._replace(**grown)  # type: ignore[attr-defined,no-any-return]

    def _grown(self, key: tuple[type, str], column: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
        num, room = len(column) + len(values), self._rooms.get(key)
        if room is None or len(room) < num or room.ctypes.data != column.ctypes.data:
            room = self._rooms[key] = np.zeros(max(num, 2 * len(column)), column.dtype)
            room[: len(column)] = column
        room[len(column) : num] = values
        return room[:num]
