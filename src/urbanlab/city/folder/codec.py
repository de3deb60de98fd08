"""One column in memory <-> one Arrow array, exactly: every bit of every number comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from urbanlab.city.columns import Column, Kind
from urbanlab.city.frozen import FrozenDict
from urbanlab.core.errors import FileError

__all__ = ["arrow_type", "decode", "encode"]

Ranges = NDArray[np.int64]
_NUMBERS = {Kind.INT32: pa.int32(), Kind.INT64: pa.int64(), Kind.FLOAT: pa.float64(), Kind.FLAG: pa.bool_()}
_WORDS = pa.dictionary(pa.int32(), pa.string())
_ITEMS = {Kind.INTS: pa.int32(), Kind.FLOATS: pa.float64()}
_VALUES = {Kind.TEXTS: pa.string(), Kind.NUMBERS: pa.float64()}


def arrow_type(column: Column) -> Any:
    """Type of the column in the file."""
    if column.kind in _NUMBERS:
        return _NUMBERS[column.kind]
    if column.kind in _ITEMS:
        return pa.large_list(pa.field("item", _ITEMS[column.kind], nullable=False))
    if column.kind in _VALUES:
        return pa.map_(pa.string(), pa.field("value", _VALUES[column.kind], nullable=False))
    return pa.string() if column.kind is Kind.TEXT else _WORDS


def encode(column: Column, values: Any, start: Ranges | None = None) -> Any:
    """Arrow array of a column.

    Parameters
    ----------
    values : an array, or a sequence of one object a row
    start : ranges of an array that holds the items of lists
    """
    kind = column.kind
    if kind is Kind.NAME:
        return pa.array(values, pa.string()).dictionary_encode()
    if kind in (Kind.WORD, Kind.CHAR):
        return _encode_codes(column, np.asarray(values, np.int64))
    if start is not None:
        return pa.LargeListArray.from_arrays(pa.array(start), pa.array(values), type=arrow_type(column))
    if kind in _VALUES:
        values = [list(mapping.items()) for mapping in values]
    return pa.array(values, arrow_type(column))


def _encode_codes(column: Column, codes: NDArray[np.int64]) -> Any:
    """Numbers as a dictionary of the words that stand for them."""
    used = np.flatnonzero(np.bincount(codes)) if len(codes) else codes
    names = [chr(code) if column.words is None else column.words(code).name.lower() for code in used.tolist()]
    place = np.zeros(int(used[-1]) + 1 if len(used) else 0, np.int32)
    place[used] = np.arange(len(used))
    return pa.DictionaryArray.from_arrays(pa.array(place[codes]), pa.array(names, pa.string()))


def decode(column: Column, array: Any) -> tuple[Any, Ranges | None]:
    """Values of a column, and the ranges of a list's items.

    Raises
    ------
    FileError : another type than the column's, gaps, or a word that nobody knows
    """
    kind = column.kind
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type) and kind is Kind.TEXT:
        array = array.dictionary_decode()
    if kind in (Kind.NAME, Kind.WORD, Kind.CHAR) and not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode()
    if array.type != arrow_type(column) and not _is_same_text(array.type, column):
        raise FileError(
            f"column '{column.name}' has another type",
            got=array.type,
            expected=str(arrow_type(column)),
        )
    if array.null_count:
        raise FileError(f"column '{column.name}' has {array.null_count} gaps", expected="a value in every row")
    if kind in _NUMBERS:
        return array.to_numpy(zero_copy_only=kind is not Kind.FLAG), None
    if kind in _ITEMS:
        return _decode_lists(column, array)
    if kind in _VALUES:
        return tuple(FrozenDict(items) for items in array.to_pylist()), None
    if kind is Kind.TEXT:
        return tuple(array.to_pylist()), None
    return _decode_words(column, array), None


def _is_same_text(found: Any, column: Column) -> bool:
    """Texts come in flavours that hold the same."""
    if column.kind is Kind.TEXT:
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    return column.kind in (Kind.NAME, Kind.WORD, Kind.CHAR) and bool(pa.types.is_string(found.value_type))


def _decode_lists(column: Column, array: Any) -> tuple[NDArray[Any], Ranges]:
    offsets = array.offsets.to_numpy()
    items = array.values
    if items.null_count:
        raise FileError(f"column '{column.name}' has gaps in its lists", expected="numbers")
    first, last = (int(offsets[0]), int(offsets[-1])) if len(offsets) else (0, 0)
    return items.slice(first, last - first).to_numpy(), offsets - first


def _decode_words(column: Column, array: Any) -> Any:
    words = array.dictionary.to_pylist()
    place = array.indices.to_numpy()
    if column.kind is Kind.NAME:
        return tuple([words[row] for row in place.tolist()])
    if column.words is None:
        codes = [ord(word) if len(word) == 1 else -1 for word in words]
    else:
        codes = [column.words[word.upper()].value if word.upper() in column.words.__members__ else -1 for word in words]
    unknown = [word for word, code in zip(words, codes, strict=True) if not 0 <= code < 256]
    if unknown:
        known = "one character" if column.words is None else ", ".join(member.name.lower() for member in column.words)
        raise FileError(f"column '{column.name}' has an unknown word", got=repr(unknown[0][:40]), expected=known)
    return np.array(codes, np.uint8)[place]
