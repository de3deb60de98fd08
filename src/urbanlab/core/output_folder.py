"""A folder of results that appears whole or not at all.

Files are written into a hidden folder beside the target, on the same file system, made durable and then renamed in one go.
Whatever goes wrong before that leaves an earlier result untouched. What a killed process left behind is cleared
away by the next one that writes to the same target.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from urbanlab.core.errors import OutputError

try:
    import fcntl
except ImportError:  # not a POSIX system: leftovers of killed processes stay
    fcntl = None  # type: ignore[assignment]

__all__ = ["OutputFolder"]

AT_FDCWD = -100
RENAME_EXCHANGE = 2
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutputFolder:
    """Where results are written until they are complete.

    Parameters
    ----------
    target : the folder that is to appear
    mark : name of the JSON file that says what such a folder holds
    schema : start of the mark's "schema"; a target whose mark has it is replaced, if it holds nothing
        but the names in the mark's "files"

    Raises
    ------
    OutputError : the target can't be written, is no folder, or holds something else

    Examples
    --------
    >>> with OutputFolder("run", mark="summary.json", schema="urbanlab/summary/") as folder:  # doctest: +SKIP
    ...     with folder.file("summary.json") as path:
    ...         path.write_text("{}")
    ...     folder.commit()
    """

    def __init__(self, target: str | Path, *, mark: str, schema: str) -> None:
        self.target = Path(os.path.realpath(target))
        self._mark, self._schema, self._lock = mark, schema, -1
        stem = f".{self.target.name[:40]}.partial-"
        try:
            self._check()
            self.target.parent.mkdir(parents=True, exist_ok=True)
            _clear_leftovers(self.target.parent, stem)
            self.path = self.target.parent / (stem + secrets.token_hex(6))
            self.path.mkdir()
            self._lock = _locked(self.path)
        except OSError as problem:
            raise _output_error(problem, self.target) from problem

    @property
    def names(self) -> list[str]:
        """What has been written so far, sorted."""
        return sorted(entry.name for entry in self.path.iterdir())

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Path of a file to be written; what the system refuses becomes an OutputError that names it."""
        try:
            yield self.path / name
        except OSError as problem:
            raise _output_error(problem, self.target / name) from problem

    def commit(self) -> Path:
        """Make everything durable and put it in the target's place; the target's path."""
        with self.file(""):
            self._check()
            for folder, _, files in os.walk(self.path, topdown=False):
                for entry in files:
                    _sync(Path(folder, entry))
                _sync(Path(folder))
            if self.target.exists():
                _exchange(self.path, self.target)
            else:
                self.path.rename(self.target)
            _sync(self.target.parent)
        return self.target

    def _check(self) -> None:
        """The target has to be absent, empty, or an earlier result of the same kind."""
        target = self.target
        try:
            target.lstat()
        except FileNotFoundError:
            return
        if not target.is_dir():
            raise OutputError("the output is no folder", got=str(target), expected="a new or an empty folder")
        if target == Path.cwd() or target.is_mount():
            raise OutputError(
                "this folder can't be put in place in one go", got=str(target), expected="a folder below it",
                hint=f"--out {target / 'run'}",
            )  # fmt: skip
        found = sorted(entry.name for entry in target.iterdir())
        others = self._others(found)
        if others:
            raise OutputError(
                "the output folder holds something else",
                got=str(target),
                expected="a new or empty folder, or an earlier result of the same kind",
                hint="choose another folder, or move these away",
                items=others,
            )

    def _others(self, found: list[str]) -> list[str]:
        """Names that are no part of an earlier result."""
        if self._mark not in found:
            return found
        try:
            mark = json.loads((self.target / self._mark).read_text(encoding="utf-8"))
            known = mark["files"] if mark["schema"].startswith(self._schema) else []
            return [name for name in found if name != self._mark and name not in known] if known else found
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return found

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Clear away what was not put in place, or the earlier result that was exchanged for it."""
        if self._lock >= 0:
            os.close(self._lock)
        shutil.rmtree(self.path, ignore_errors=True)


def _output_error(problem: OSError, where: Path) -> OutputError:
    hint = "make room, or name a folder on another disk" if problem.errno in NO_ROOM else ""
    return OutputError(
        "the output can't be written", got=problem.strerror or str(problem), expected="a writable folder", where=str(where), hint=hint
    )


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk: only then does a full one show."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():  # some systems can't sync folders
            raise
    finally:
        os.close(descriptor)


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders in one go where the system can, else in two."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None and rename(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE) == 0:
        return
    aside = new.with_name(new.name + "-old")
    old.rename(aside)
    try:
        new.rename(old)
    except OSError:
        aside.rename(old)
        raise
    aside.rename(new)


def _locked(folder: Path) -> int:
    """A lock that lasts as long as this process: whoever meets the folder knows that it is in use."""
    if fcntl is None:
        return -1
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)  # a file system without locks
        return -1
    return descriptor


def _clear_leftovers(parent: Path, stem: str) -> None:
    """Remove what killed processes have left: folders of this target that nobody holds."""
    for entry in parent.iterdir() if os.access(parent, os.R_OK) else ():
        if entry.name.startswith(stem) and entry.is_dir() and not entry.is_symlink():
            lock = _locked(entry)
            if lock >= 0:
                os.close(lock)
                shutil.rmtree(entry, ignore_errors=True)
