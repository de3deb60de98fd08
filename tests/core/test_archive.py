"""Archives: what goes in comes out, what is damaged is told, and a kill leaves the old file or the new one."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from urbanlab.core.archive import NotPlainError, read_archive, write_archive
from urbanlab.core.bundle_tree import bundle_of, tree_of
from urbanlab.core.errors import FileError, OutputError

SCHEMA = "urbanlab/thing/3"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ARRAYS = hnp.arrays(
    st.sampled_from([np.bool_, np.uint8, np.int32, np.int64, np.uint64, np.float32, np.float64]), hnp.array_shapes(min_side=0)
)
TREES = st.recursive(
    SCALARS | ARRAYS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
)


def same(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and (one == two or (isinstance(one, float) and math.isnan(one) and math.isnan(two)))


@given(tree=st.dictionaries(st.text(max_size=3), TREES, max_size=4))
def test_whatever_goes_in_comes_out(tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "round"
    write_archive(path, SCHEMA, tree)
    assert same(tree, read_archive(path, SCHEMA))


def test_numbers_of_numpy_become_plain_ones_and_tuples_lists(tmp_path: Path) -> None:
    write_archive(tmp_path / "a", SCHEMA, {"a": np.int64(3), "b": (np.float64(0.1), np.bool_(1)), "$": ("x",)})
    assert same(read_archive(tmp_path / "a", SCHEMA), {"a": 3, "b": [0.1, True], "$": ["x"]})


def test_arrays_that_share_memory_share_it_again_and_are_the_readers_own(tmp_path: Path) -> None:
    one = np.arange(100)
    write_archive(tmp_path / "a", SCHEMA, {"one": one, "two": [one], "part": one[1:], "rows": np.arange(6).reshape(3, 2)[:, 1]})
    content = read_archive(tmp_path / "a", SCHEMA)
    assert content["one"] is content["two"][0] and content["part"] is not content["one"]
    assert content["rows"].tolist() == [1, 3, 5]
    content["one"][0] = 5
    assert one[0] == 0


@pytest.mark.parametrize(
    ("value", "place"),
    [(object(), "a.b[1] is a object"), (np.array(["x"]), "a.b[1] is an array of <U1"), ({1, 2}, "a.b[1] is a set"), (b"x", "bytes")],
)
def test_what_is_not_plain_is_refused_with_its_place(tmp_path: Path, value: Any, place: str) -> None:
    with pytest.raises(NotPlainError) as caught:
        write_archive(tmp_path / "a", SCHEMA, {"a": {"b": [0, value]}})
    assert place in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.fixture
def good(tmp_path: Path) -> Path:
    write_archive(tmp_path / "good", SCHEMA, {"x": np.arange(1000.0) ** 2, "names": ["a"] * 300})
    return tmp_path / "good"


def refused(path: Path, data: bytes) -> FileError:
    path.write_bytes(data)
    with pytest.raises(FileError) as caught:
        read_archive(path, SCHEMA)
    assert caught.value.where == str(path)
    return caught.value


def test_every_flipped_byte_is_noticed(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    blanks = data.index(b"}") + 1, 511
    for place in range(0, len(data), 37):
        if not blanks[0] <= place < blanks[1]:  # nothing stands there
            assert refused(tmp_path / "bad", data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]).message


def test_every_cut_is_noticed_and_named(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    for size in (0, 5, 17, 100, 511, 512, 600, len(data) - 1):
        assert refused(tmp_path / "bad", data[:size]).message == "the file is cut off", size
    assert refused(tmp_path / "bad", data + b"x").message == "the file is damaged"


def test_foreign_and_newer_files_are_named(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    assert refused(tmp_path / "bad", b"PK\3\4" * 300).message == "this is no thing of urbanlab"
    assert refused(tmp_path / "bad", data.replace(b"thing", b"other", 1)).message == "this is no thing of urbanlab"
    newer = refused(tmp_path / "bad", data.replace(b"thing/3", b"thing/4", 1))
    assert newer.message == "this thing was written by a newer urbanlab" and newer.got == "urbanlab/thing/4"
    with pytest.raises(FileError, match="can't be read"):
        read_archive(tmp_path / "none", SCHEMA)


def test_directory_that_makes_no_sense_is_damage_and_runs_no_code(good: Path, tmp_path: Path) -> None:
    import hashlib

    import pyarrow as pa

    for directory in (
        b"[]",
        b"{",
        b'{"content": {}, "arrays": [["O8", [1], 0, 8, ""]]}',
        b'{"content": {"a": {"$": ["array", 5]}}, "arrays": []}',
    ):
        packed = pa.Codec("zstd").compress(directory, asbytes=True)
        top = {"bytes": 512 + len(packed), "sha256": hashlib.sha256(packed).hexdigest(), "directory": 512}
        data = f"{SCHEMA}\n{json.dumps(top)}".ljust(511).encode() + b"\n" + packed
        assert refused(tmp_path / "bad", data).message == "the file is damaged"


def test_file_that_can_not_be_written_leaves_the_older_one(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = good.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="can't be written") as caught:
        write_archive(good, SCHEMA, {})
    assert "make room" in caught.value.hint
    assert good.read_bytes() == before and [path.name for path in good.parent.iterdir()] == ["good"]


@pytest.mark.parametrize("moment", ["os.fsync", "pathlib.Path.replace", "urbanlab.core.durable.sync"])
@pytest.mark.parametrize("after", [False, True])
def test_kill_while_writing_leaves_the_old_file_or_the_new_one(good: Path, moment: str, after: bool) -> None:
    code = (
        "import os, sys, pathlib, urbanlab.core.durable\nfrom urbanlab.core.archive import write_archive\nfrom functools import partial\n"
        f"old = {moment}\n"
        "def die(*args):\n"
        f"    {'old(*args)' if after else 'pass'}\n    os.kill(os.getpid(), 9)\n"
        f"{moment} = die\n"
        f"write_archive(pathlib.Path(sys.argv[1]), {SCHEMA!r}, {{'x': 1}})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(good)], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    is_new = moment == "urbanlab.core.durable.sync" or (moment == "pathlib.Path.replace" and after)
    assert (read_archive(good, SCHEMA) == {"x": 1}) is is_new if is_new else len(read_archive(good, SCHEMA)["x"]) == 1000


# --- bundles ---------------------------------------------------------------------------------------------------------


class Inner(NamedTuple):
    x: np.ndarray[Any, np.dtype[np.float64]]
    most: int


class Outer(NamedTuple):
    inner: Inner
    y: np.ndarray[Any, np.dtype[np.int32]]


WHOLE = Outer(Inner(np.arange(3.0), 2), np.zeros(2, np.int32))


def test_bundle_and_its_tree_are_the_same(tmp_path: Path) -> None:
    write_archive(tmp_path / "a", SCHEMA, tree_of(WHOLE))
    longer = Outer(Inner(np.zeros(9), 0), np.zeros(0, np.int32))
    again = bundle_of(longer, read_archive(tmp_path / "a", SCHEMA))
    assert type(again) is Outer and again.inner.most == 2 and again.inner.x.tolist() == [0.0, 1.0, 2.0] and len(again.y) == 2


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"inner": {"x": np.zeros(1), "most": 1}}, "other parts than 'Outer'"),
        ({"inner": {"x": np.zeros(1)}, "y": np.zeros(1, np.int32)}, "other parts than 'Outer.inner'"),
        ({"inner": {"x": np.zeros(1), "most": 1, "new": 2}, "y": np.zeros(1, np.int32)}, "'Outer.inner'"),
        ({"inner": {"x": np.zeros(1), "most": 1}, "y": np.zeros(1)}, "'Outer.y' has another type"),
        ({"inner": {"x": 3, "most": 1}, "y": np.zeros(1, np.int32)}, "'Outer.inner.x' has another type"),
        ({"inner": {"x": np.zeros(1), "most": [1]}, "y": np.zeros(1, np.int32)}, "'Outer.inner.most' has another type"),
        ({"inner": 1, "y": np.zeros(1, np.int32)}, "'Outer.inner'"),
    ],
)
def test_trees_of_other_bundles_are_refused(tree: dict[str, Any], text: str) -> None:
    with pytest.raises(FileError, match=text):
        bundle_of(WHOLE, tree)
