"""Folders of results: whole or not at all, and never in the place of something else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from urbanlab.core import output_folder, unfinished
from urbanlab.core.errors import OutputError
from urbanlab.core.output_folder import OutputFolder

MARK, SCHEMA = "summary.json", "urbanlab/summary/"


def folder_at(target: Path) -> OutputFolder:
    return OutputFolder(target, mark=MARK, schema=SCHEMA)


def write(target: Path, text: str, *, names: tuple[str, ...] = ("a.txt",)) -> None:
    with folder_at(target) as folder:
        for name in names:
            with folder.file(name) as path:
                path.write_text(text)
        with folder.file(MARK) as path:
            path.write_text(json.dumps({"schema": SCHEMA + "1", "files": [MARK, *names]}))
        folder.commit()


def hidden(parent: Path) -> list[str]:
    return [entry.name for entry in parent.iterdir() if entry.name.startswith(".")]


def test_nothing_is_seen_before_the_commit(tmp_path: Path) -> None:
    with folder_at(tmp_path / "out") as folder:
        with folder.file("a.txt") as path:
            path.write_text("x")
        assert not (tmp_path / "out").exists()
        folder.commit()
        assert (tmp_path / "out" / "a.txt").read_text() == "x"
    assert hidden(tmp_path) == []


def test_parents_are_made(tmp_path: Path) -> None:
    write(tmp_path / "one" / "two" / "out", "x")
    assert (tmp_path / "one" / "two" / "out" / "a.txt").exists()


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", "x")
    assert (tmp_path / "out" / "a.txt").exists()


def test_earlier_result_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "out", "old", names=("a.txt", "b.txt"))
    write(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a.txt").read_text() == "new"
    assert not (tmp_path / "out" / "b.txt").exists()
    assert hidden(tmp_path) == []


def test_earlier_result_is_replaced_where_folders_cannot_be_swapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLibrary:
        def __init__(self, *args: object, **options: object) -> None: ...

    write(tmp_path / "out", "old")
    monkeypatch.setattr(output_folder.ctypes, "CDLL", NoLibrary)
    write(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a.txt").read_text() == "new"
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    "mark",
    [
        None,
        "{",
        "[]",
        '{"schema": 3, "files": ["a.txt"]}',
        '{"schema": "urbanlab/city/1", "files": ["a.txt"]}',
        '{"schema": "urbanlab/summary/1"}',
    ],
)
def test_other_folders_are_refused_and_untouched(tmp_path: Path, mark: str | None) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "a.txt").write_text("mine")
    if mark is not None:
        (target / MARK).write_text(mark)
    with pytest.raises(OutputError, match="holds something else") as caught:
        folder_at(target)
    assert "a.txt" in caught.value.items
    assert (target / "a.txt").read_text() == "mine" and hidden(tmp_path) == []


def test_file_added_to_a_result_protects_it(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    (tmp_path / "out" / "notes.md").write_text("mine")
    with pytest.raises(OutputError) as caught:
        folder_at(tmp_path / "out")
    assert caught.value.items == ("notes.md",)


def test_file_that_appears_meanwhile_protects_the_target(tmp_path: Path) -> None:
    with folder_at(tmp_path / "out") as folder:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").write_text("x")
        with pytest.raises(OutputError, match="holds something else"):
            folder.commit()
    assert (tmp_path / "out" / "mine").read_text() == "x" and hidden(tmp_path) == []


def test_file_as_target_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="no folder"):
        folder_at(tmp_path / "out")


def test_folder_we_stand_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="in one go"):
        folder_at(Path())


def test_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "a.txt").exists()


def test_name_that_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="can't be written"):
        folder_at(tmp_path / ("a" * 300))


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_parent_is_refused_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="can't be written"):
        folder_at(tmp_path / "out")


def test_parent_that_is_a_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="can't be written"):
        folder_at(tmp_path / "file" / "out")


def full(*args: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_while_writing_names_the_file(tmp_path: Path) -> None:
    with folder_at(tmp_path / "out") as folder, pytest.raises(OutputError) as caught, folder.file("a.txt"):
        full()
    assert caught.value.where == str(tmp_path / "out" / "a.txt")
    assert "No space left on device" in str(caught.value) and "make room" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["sync", "_exchange"])
def test_full_disk_at_the_end_leaves_the_earlier_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    write(tmp_path / "out", "old")
    monkeypatch.setattr(output_folder, step, full)
    with pytest.raises(OutputError, match="can't be written"):
        write(tmp_path / "out", "new")
    assert (tmp_path / "out" / "a.txt").read_text() == "old" and hidden(tmp_path) == []


def test_swap_in_two_is_taken_back_where_the_second_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").mkdir()
    monkeypatch.setattr(output_folder.ctypes, "CDLL", lambda *args, **options: None)
    with pytest.raises(FileNotFoundError):
        output_folder._exchange(tmp_path / "missing", tmp_path / "old")
    assert (tmp_path / "old").is_dir()


def test_what_a_killed_process_left_is_cleared_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    code = (
        "import os, sys; from urbanlab.core.output_folder import OutputFolder\n"
        f"folder = OutputFolder(sys.argv[1], mark={MARK!r}, schema={SCHEMA!r})\n"
        "(folder.path / 'half').write_text('x'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert len(hidden(tmp_path)) == 1 and not (tmp_path / "out").exists()
    with folder_at(tmp_path / "out") as living:
        assert hidden(tmp_path) == [living.path.name]
        write(tmp_path / "out", "x")
        assert hidden(tmp_path) == [living.path.name]
    assert hidden(tmp_path) == []


# --- what is worth going on with -----------------------------------------------------------------------------------


def cut_off(target: Path, *steps: int) -> None:
    """What a process leaves that ends early."""
    with suppress(KeyboardInterrupt), folder_at(target) as folder:
        for step in steps:
            unfinished.path_at(folder.path, step).write_text("x")
        unfinished.tell_worth(folder.path)
        raise KeyboardInterrupt


def test_folder_with_checkpoints_stays_and_is_taken_over_only_by_who_resumes(tmp_path: Path) -> None:
    cut_off(tmp_path / "out", 3, 10, 7)
    (left,) = hidden(tmp_path)
    with pytest.raises(OutputError, match="was cut off, and can go on") as caught:
        folder_at(tmp_path / "out")
    assert left in caught.value.hint
    with folder_at(tmp_path / "other"):
        pass
    with OutputFolder(tmp_path / "out", mark=MARK, schema=SCHEMA, resume=True) as folder:
        assert folder.path.name == left
        assert [path.name[-2:] for path in unfinished.checkpoints_in(folder.path)] == ["10", "07", "03"]
        unfinished.forget_older(folder.path)
        (folder.path / MARK).write_text(json.dumps({"schema": SCHEMA + "1", "files": folder.names}))
        assert folder.names == [MARK]
        folder.commit()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MARK] and hidden(tmp_path) == []


def test_folder_without_checkpoints_does_not_stay(tmp_path: Path) -> None:
    cut_off(tmp_path / "out")
    assert hidden(tmp_path) == []


def test_earlier_result_that_was_exchanged_is_never_worth_going_on_with(tmp_path: Path) -> None:
    cut_off(tmp_path / "out", 5)
    left = tmp_path / hidden(tmp_path)[0]
    left.rename(tmp_path / ".out.partial-000000000000")
    write(tmp_path / "out", "new")
    assert hidden(tmp_path) == []


def test_targets_with_long_names_are_told_apart(tmp_path: Path) -> None:
    cut_off(tmp_path / ("a" * 60 + "1"), 5)
    with OutputFolder(tmp_path / ("a" * 60 + "2"), mark=MARK, schema=SCHEMA, resume=True) as folder:
        assert unfinished.checkpoints_in(folder.path) == []
