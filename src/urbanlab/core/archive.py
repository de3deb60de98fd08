"""One file of arrays and plain values, compressed, with a checksum over all of it.

The first line names the schema, the second says in JSON how long the file is, its checksum, and where its directory begins. The
arrays follow, then the directory: JSON, in which `{"$": ["array", n]}` stands for array n. Nothing in it is code, so that
reading runs none. Arrays that shared their memory when they were written share it again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.durable import replacing
from urbanlab.core.errors import FileError

__all__ = ["NotPlainError", "read_archive", "write_archive"]

TOP = 512  # [byte] of the two lines, filled up with blanks
CODEC, LEVEL = "zstd", 1
BLOCK = 1 << 20  # [byte]
FEWEST = 256  # [byte] shorter arrays are not compressed
NUMBERS = "biuf"  # kinds of NumPy's dtypes that are kept
MARK = "$"
AS_THEY_ARE = frozenset((str, bool, int, type(None)))
"""Types that JSON has."""


class NotPlainError(TypeError):
    """Something is neither a number, a text, an array of numbers, nor a list or dictionary of such."""


class _Stored(NamedTuple):
    """An array in the file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int  # [byte] from the file's start
    size: int  # [byte] in the file
    codec: str  # "" not compressed


def write_archive(path: Path, schema: str, content: Mapping[str, Any]) -> None:
    """Write a file that is there whole or not at all.

    Parameters
    ----------
    path : the file
    schema : such as "urbanlab/checkpoint/1"
    content : numbers, texts, None, arrays of numbers, and lists and dictionaries of these; tuples become lists

    Raises
    ------
    OutputError : it can't be written
    NotPlainError : the content has something else in it
    """
    with replacing(path) as file:
        file.write(b" " * TOP)
        writer = _Writer(file)
        tree = writer.plain(content, "")
        directory = {"content": tree, "arrays": writer.stored}
        head = file.tell()
        writer.put(_compressed(json.dumps(directory, separators=(",", ":"), allow_nan=False).encode()))
        top = {"bytes": file.tell(), "sha256": writer.digest.hexdigest(), "directory": head}
        file.seek(0)
        file.write(f"{schema}\n{json.dumps(top)}".ljust(TOP - 1).encode() + b"\n")


class _Writer:
    """Puts arrays into the file as it meets them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.stored: list[_Stored] = []
        self._known: dict[tuple[int, tuple[int, ...], str], int] = {}

    def put(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self.digest.update(data)

    def plain(self, value: Any, where: str) -> Any:
        """What stands in the directory for a value."""
        if isinstance(value, np.ndarray):
            return {MARK: ["array", self._array(value, where)]}
        if isinstance(value, Mapping):
            return self._map(value, where)
        if isinstance(value, list | tuple):
            if set(map(type, value)) <= AS_THEY_ARE:
                return value
            return [self.plain(item, f"{where}[{n}]") for n, item in enumerate(value)]
        return _scalar(value, where)

    def _map(self, value: Mapping[Any, Any], where: str) -> dict[str, Any]:
        pairs = [(key, self.plain(item, f"{where}.{key}")) for key, item in value.items()]
        if all(type(key) is str and key != MARK for key, _ in pairs):
            return dict(pairs)
        return {MARK: ["map", [[self.plain(key, where), item] for key, item in pairs]]}

    def _array(self, array: NDArray[Any], where: str) -> int:
        if array.dtype.kind not in NUMBERS:
            raise NotPlainError(f"{where.lstrip('.')} is an array of {array.dtype}")
        key = (int(array.ctypes.data), array.shape, array.dtype.str)
        if array.size and array.flags.c_contiguous and key in self._known:
            return self._known[key]
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
        packed = _compressed(data) if len(data) >= FEWEST else data
        offset = self._file.tell()
        shorter = len(packed) < len(data)
        self.put(packed if shorter else data)
        self.stored.append(_Stored(array.dtype.str, array.shape, offset, min(len(packed), len(data)), CODEC if shorter else ""))
        self._known[key] = len(self.stored) - 1
        return len(self.stored) - 1


def _scalar(value: Any, where: str) -> Any:
    """Python's own text or number, whatever subclass of it this is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else {MARK: ["float", repr(float(value))]}
    raise NotPlainError(f"{where.lstrip('.') or 'the content'} is a {type(value).__name__}")


def _compressed(data: Any) -> bytes:
    import pyarrow as pa

    return pa.Codec(CODEC, compression_level=LEVEL).compress(data, asbytes=True)  # type: ignore[no-any-return]


def read_archive(path: Path, schema: str) -> dict[str, Any]:
    """Content of a file; arrays are the caller's own and may be changed.

    Raises
    ------
    FileError : it is missing, of another kind, of a newer version, cut off or damaged
    """
    try:
        with path.open("rb") as file:
            top = _top(path, file, schema)
            _check(path, file, top)
            return _content(path, file, top)
    except OSError as problem:
        raise FileError("the file can't be read", got=problem.strerror or str(problem), where=str(path)) from problem


def _top(path: Path, file: BinaryIO, schema: str) -> dict[str, Any]:
    """The second line, if the first one is the right one."""
    lines = file.read(TOP).split(b"\n")
    kind, _, version = schema.rpartition("/")
    found = lines[0][:80].decode("ascii", "replace")
    if found != schema:
        what, _, other = found.rpartition("/")
        if what == kind and other.isdigit() and int(other) > int(version):
            raise FileError(
                f"this {kind.rpartition('/')[2]} was written by a newer urbanlab", got=found, expected=schema, where=str(path),
                hint="read it with the version that wrote it",
            )  # fmt: skip
        if schema.startswith(found) and file.seek(0, 2) < TOP:
            raise _cut_off(path, file.tell(), f"{TOP} bytes or more")
        raise FileError(f"this is no {kind.rpartition('/')[2]} of urbanlab", got=repr(found[:40]), expected=schema, where=str(path))
    if file.seek(0, 2) < TOP:
        raise _cut_off(path, file.tell(), f"{TOP} bytes or more")
    try:
        top = json.loads(lines[1])
        return {"bytes": int(top["bytes"]), "sha256": str(top["sha256"]), "directory": int(top["directory"])}
    except (ValueError, KeyError, TypeError, IndexError):
        raise _damaged(path, "its second line", "JSON with bytes, sha256 and directory") from None


def _check(path: Path, file: BinaryIO, top: dict[str, Any]) -> None:
    """Length and checksum."""
    size = file.seek(0, 2)
    if size < top["bytes"]:
        raise _cut_off(path, size, f"{top['bytes']} bytes")
    digest = hashlib.sha256()
    file.seek(TOP)
    while block := file.read(BLOCK):
        digest.update(block)
    if size != top["bytes"] or digest.hexdigest() != top["sha256"]:
        raise _damaged(path, f"SHA-256 {digest.hexdigest()[:12]}...", f"{top['sha256'][:12]}...")


def _cut_off(path: Path, size: int, expected: str) -> FileError:
    return FileError("the file is cut off", got=f"{size} bytes", expected=expected, where=str(path))


def _damaged(path: Path, got: str, expected: str) -> FileError:
    return FileError("the file is damaged", got=got, expected=expected, where=str(path))


def _content(path: Path, file: BinaryIO, top: dict[str, Any]) -> dict[str, Any]:
    import pyarrow as pa

    try:
        file.seek(top["directory"])
        directory = json.loads(pa.CompressedInputStream(pa.BufferReader(file.read()), CODEC).read())
        arrays = [_read(file, _Stored(*row)) for row in directory["arrays"]]
        content: dict[str, Any] = dict(_restored(directory["content"], arrays))
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, pa.ArrowException) as problem:
        raise _damaged(path, str(problem)[:100], "what its checksum promises") from None
    return content


def _read(file: BinaryIO, stored: _Stored) -> NDArray[Any]:
    import pyarrow as pa

    dtype = np.dtype(stored.dtype)
    if dtype.kind not in NUMBERS:
        raise TypeError(f"an array of {dtype}")
    file.seek(stored.offset)
    data = file.read(stored.size)
    size = math.prod(stored.shape) * dtype.itemsize
    if stored.codec:
        data = pa.Codec(stored.codec).decompress(data, decompressed_size=size)
    return np.frombuffer(data, dtype).reshape(stored.shape).copy()


def _restored(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """The value that a part of the directory stands for."""
    if isinstance(value, list):
        return value if set(map(type, value)) <= AS_THEY_ARE | {float} else [_restored(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if MARK not in value:
        return {key: _restored(item, arrays) for key, item in value.items()}
    kind, what = value[MARK]
    if kind == "array":
        return arrays[what]
    if kind == "float":
        return float(what)
    return {_restored(key, arrays): _restored(item, arrays) for key, item in what}
