"""Bundles: what Python packs is what compiled code reads and writes, with and without the compiler."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.core.bundle import _live, pack, prefetch, rows, viewer
from urbanlab.core.memory import CACHE_LINE


class _Inner(NamedTuple):
    count: NDArray[np.int32]
    scale: float


class _World(NamedTuple):
    """One array of every kind that the engine's tables use, numbers, and a bundle inside."""

    position: NDArray[np.float64]
    short: NDArray[np.float32]
    index: NDArray[np.int32]
    tiny: NDArray[np.int8]
    code: NDArray[np.uint8]
    key: NDArray[np.uint64]
    flag: NDArray[np.bool_]
    inner: _Inner
    number: int
    step: float
    lengths: NDArray[np.int64]


_as_world = viewer(_World)


@jit.device
def _scale(inner: _Inner, k: int) -> float:
    return float(inner.count[k]) * inner.scale


@jit.device
def _twice(value: int) -> int:
    return 2 * value


@jit.entry(())
def _sums(address: int, k: int) -> int:
    """One function, given integers of several lengths."""
    w = _as_world(address)
    return _twice(w.index[k]) + _twice(w.tiny[k]) + _twice(w.lengths[k]) + _twice(w.number)


@jit.entry(())
def _change(address: int) -> int:
    """Write to every array, from what stands in the others."""
    w = _as_world(address)
    for k in range(len(w.position)):
        w.position[k] += _scale(w.inner, k) + w.step
        w.short[k] = w.short[k] / 2.0
        w.index[k] = w.index[k] - w.number
        w.tiny[k] = -w.tiny[k]
        w.code[k] = w.code[k] + 1
        w.key[k] = ~w.key[k]
        w.flag[k] = not w.flag[k]
        w.inner.count[k] += 1
    w.lengths[0], w.lengths[1] = len(w.index), len(w.lengths)
    return w.number + len(w.inner.count)


def _world(num: int = 5) -> _World:
    k = np.arange(num)
    return _World(
        position=k * 0.5,
        short=k.astype(np.float32),
        index=k.astype(np.int32),
        tiny=k.astype(np.int8),
        code=(k + 250).astype(np.uint8),
        key=k.astype(np.uint64),
        flag=k % 2 == 0,
        inner=_Inner(np.full(num, 3, np.int32), 0.25),
        number=-7,
        step=0.125,
        lengths=np.zeros(2, np.int64),
    )


def test_compiled_code_reads_and_writes_every_kind_of_field() -> None:
    world = _world()
    assert _change(pack(world).address) == -7 + 5
    k = np.arange(5)
    assert np.array_equal(world.position, k * 0.5 + 0.75 + 0.125)
    assert np.array_equal(world.short, (k / 2).astype(np.float32))
    assert np.array_equal(world.index, k + 7)
    assert np.array_equal(world.tiny, -k)
    assert np.array_equal(world.code, k + 251)
    assert np.array_equal(world.key, ~k.astype(np.uint64))
    assert np.array_equal(world.flag, k % 2 == 1)
    assert np.array_equal(world.inner.count, np.full(5, 4))
    assert world.lengths.tolist() == [5, 2]


def test_short_integers_are_read_as_long_ones_so_that_one_compilation_serves_all() -> None:
    world = _world()
    world.tiny[1], world.index[1] = -60, -(2**29)
    handle = pack(world)
    assert _sums(handle.address, 1) == 2 * (-(2**29) - 60 + 0 - 7)
    if not numba.config.DISABLE_JIT:
        assert len(_twice.overloads) == 1  # type: ignore[attr-defined]


def test_empty_arrays_are_read_as_empty() -> None:
    world = _world(0)
    assert _change(pack(world).address) == -7
    assert world.lengths.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("position", np.zeros(5, np.float32)),
        ("index", np.zeros(5, np.int64)),
        ("code", np.zeros(5, np.int8)),
        ("flag", np.zeros(5, np.uint8)),
        ("position", np.zeros((5, 1))),
        ("position", np.zeros(10)[::2]),
        ("position", np.zeros(5, ">f8")),
    ],
    ids=["narrow", "wide", "signed", "no flag", "two dimensions", "strided", "foreign byte order"],
)
def test_wrong_array_is_refused(name: str, wrong: NDArray[Any]) -> None:
    with pytest.raises(TypeError, match=rf"_World\.{name} is"):
        pack(_world()._replace(**{name: wrong}))


def test_wrong_array_of_a_bundle_inside_is_refused() -> None:
    with pytest.raises(TypeError, match=r"_Inner\.count is"):
        pack(_world()._replace(inner=_Inner(np.zeros(5), 1.0)))


class _Named(NamedTuple):
    label: str


def test_field_that_kernels_can_not_read_is_refused() -> None:
    with pytest.raises(TypeError, match=r"_Named\.label"):
        pack(_Named("a"))


def test_fraction_is_no_integer() -> None:
    with pytest.raises(TypeError):
        pack(_world()._replace(number=2.5))


def test_handle_keeps_arrays_alive_and_lets_them_go() -> None:
    gc.collect()
    before = len(_live)
    handle = pack(_world())
    gc.collect()
    assert len(_live) == before + 1
    assert _change(handle.address) == -2
    assert handle.value.lengths.tolist() == [5, 2]
    del handle
    gc.collect()
    assert len(_live) == before


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="this is the run without the compiler")
def test_bundles_work_without_the_compiler(root: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core/test_bundle.py", "tests/core/test_draw.py"]
    done = subprocess.run(command, cwd=root, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@rows(("index", "position", "code"), ("far",))
class _Table(NamedTuple):
    """Columns of two tables, one longer than the others, and an array by itself."""

    position: NDArray[np.float64]
    index: NDArray[np.int32]
    alone: NDArray[np.float64]
    code: NDArray[np.uint8]
    far: NDArray[np.int64]


class _Tables(NamedTuple):
    inner: _Table
    number: int


_as_tables = viewer(_Tables)


@jit.entry(())
def _change_columns(address: int) -> int:
    t = _as_tables(address).inner
    for k in range(len(t.position)):
        prefetch(t.far, k)
        t.position[k] += t.alone[k] + t.index[k]
        t.code[k] = t.code[k] + 1
        t.far[k] = -t.far[k]
    return len(t.index) - len(t.position)


def _tables(num: int = 5) -> _Tables:
    k = np.arange(num)
    return _Tables(_Table(k * 0.5, np.arange(num + 1, dtype=np.int32), k * 0.25, (k + 250).astype(np.uint8), k), 3)


def test_columns_of_a_table_are_read_and_written_like_arrays() -> None:
    handle = pack(_tables())
    table, k = handle.value.inner, np.arange(5)
    assert _change_columns(handle.address) == 1
    assert np.array_equal(table.position, k * 1.75)
    assert np.array_equal(table.code, k + 251)
    assert np.array_equal(table.far, -k)
    assert np.array_equal(table.index, np.arange(6))


def test_columns_stand_in_rows_that_begin_with_a_line_of_the_cache() -> None:
    table = pack(_tables()).value.inner
    start = table.index.ctypes.data
    assert start % CACHE_LINE == 0
    assert (table.position.ctypes.data - start, table.code.ctypes.data - start) == (8, 16)
    assert table.index.strides == table.position.strides == table.code.strides == (24,)
    assert table.far.strides == (8,)


def test_columns_that_stand_in_their_table_are_not_moved() -> None:
    table = pack(_tables()).value
    assert pack(table).value.inner.position is table.inner.position
    other = pack(table._replace(inner=table.inner._replace(code=np.arange(9, dtype=np.uint8)))).value.inner
    assert other.far is table.inner.far
    assert other.position is not table.inner.position
    assert np.array_equal(other.position, table.inner.position)
    assert other.code.tolist() == list(range(9))


def test_wrong_column_is_refused() -> None:
    with pytest.raises(TypeError, match=r"_Table\.code is"):
        pack(_tables()._replace(inner=_tables().inner._replace(code=np.zeros(5, np.int8))))


def test_table_without_rows_can_be_packed() -> None:
    assert _change_columns(pack(_tables(0)).address) == 1
