"""A folder of results that appears whole or not at all.

Files are written into a hidden folder beside the target, on the same file system, made durable and then renamed in one go.
Whatever goes wrong before that leaves an earlier result untouched. What a killed process left behind is cleared
away by the next one that writes to the same target, unless it is worth going on with.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from urbanlab.core.durable import output_error, sync
from urbanlab.core.errors import OutputError
from urbanlab.core.unfinished import OWNER, clear, is_part, is_worth

try:
    import fcntl
except ImportError:  # not a POSIX system: leftovers of killed processes stay
    fcntl = None  # type: ignore[assignment]

__all__ = ["OutputFolder"]

LONGEST = 40  # characters of a target's name that its hidden folders show
AT_FDCWD = -100
RENAME_EXCHANGE = 2
NO_LOCKS, HELD = -1, -2
"""Instead of a lock's descriptor: the file system has none, or another process holds it."""


class OutputFolder:
    """Where results are written until they are complete.

    Parameters
    ----------
    target : the folder that is to appear
    mark : name of the JSON file that says what such a folder holds
    schema : start of the mark's "schema"; a target whose mark has it is replaced, if it holds nothing
        but the names in the mark's "files"
    resume : go on in the hidden folder of a process that was cut off, if there is one

    Raises
    ------
    OutputError : the target can't be written, is no folder, or holds something else; without `resume`: a process was cut off
        that left checkpoints; with it: one still writes

    Examples
    --------
    >>> with OutputFolder("run", mark="summary.json", schema="urbanlab/summary/") as folder:  # doctest: +SKIP
    ...     with folder.file("summary.json") as path:
    ...         path.write_text("{}")
    ...     folder.commit()
    """

    def __init__(self, target: str | Path, *, mark: str, schema: str, resume: bool = False) -> None:
        self.target = Path(os.path.realpath(target))
        self._mark, self._schema, self._lock = mark, schema, -1
        self._is_over = False
        self.keeps_checkpoints = False
        """Whether checkpoints are a part of the result."""

        try:
            self._check()
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.path = self._open(_stem(self.target.name), resume=resume)
        except OSError as problem:
            raise output_error(problem, self.target) from problem

    def _open(self, stem: str, *, resume: bool) -> Path:
        """A hidden folder that this process holds: a new one, or the one in which an earlier process was cut off."""
        locks = {entry: _locked(entry) for entry in _folders(self.target.parent, stem)}
        left = [entry for entry, lock in locks.items() if lock >= 0 or (resume and lock == NO_LOCKS)]
        left.sort(key=lambda entry: (is_worth(entry), entry.stat().st_mtime))
        try:
            if resume:
                self._refuse_living([entry for entry, lock in locks.items() if lock == HELD])
            else:
                self._refuse_worthy([entry for entry in left if is_worth(entry)])
            if resume and left:
                path = left.pop()
                self._lock = locks.pop(path)
            else:
                path = self.target.parent / (stem + secrets.token_hex(6))
                path.mkdir()
                self._lock = _locked(path)
            for entry in left:
                if not is_worth(entry):
                    shutil.rmtree(entry, ignore_errors=True)
        finally:
            for lock in locks.values():
                _unlock(lock)
        return path

    def _refuse_living(self, held: list[Path]) -> None:
        if held:
            raise OutputError(
                "another process still writes to this folder", got=str(held[0]), expected="one that was cut off", where=str(self.target)
            )

    def _refuse_worthy(self, worthy: list[Path]) -> None:
        if worthy:
            raise OutputError(
                "an earlier run that writes to this folder was cut off, and can go on", got=str(worthy[-1]),
                expected="--resume, or another folder", where=str(self.target), hint=f"to begin anew: rm -r '{worthy[-1]}'",
            )  # fmt: skip

    @property
    def names(self) -> list[str]:
        """What has been written so far, sorted."""
        names = sorted(entry.name for entry in self.path.iterdir())
        return [name for name in names if not is_part(name) or (self.keeps_checkpoints and name != OWNER)]

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Path of a file to be written; what the system refuses becomes an OutputError that names it."""
        try:
            yield self.path / name
        except OSError as problem:
            raise output_error(problem, self.target / name) from problem

    def commit(self) -> Path:
        """Make everything durable and put it in the target's place; the target's path."""
        with self.file(""):
            self._check()
            for folder, _, files in os.walk(self.path, topdown=False):
                for entry in files:
                    sync(Path(folder, entry))
                sync(Path(folder))
            if self.target.exists():
                _exchange(self.path, self.target)
            else:
                self.path.rename(self.target)
            self._is_over = True
            clear(self.target, checkpoints=not self.keeps_checkpoints)
            sync(self.target.parent)
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
            return [name for name in found if name != self._mark and name not in known and not is_part(name)] if known else found
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return found

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Clear away what was not put in place, or the earlier result that was exchanged for it; what is worth it stays."""
        _unlock(self._lock)
        if self._is_over or not is_worth(self.path):
            shutil.rmtree(self.path, ignore_errors=True)


def _stem(name: str) -> str:
    """How the names of a target's hidden folders begin; long names are cut, and told apart by a hash."""
    short = name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
    return f".{short}.partial-"


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
    """A lock that lasts as long as this process: whoever meets the folder knows that it is in use. HELD: somebody else has it."""
    if fcntl is None:
        return NO_LOCKS
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(descriptor)
        return HELD if problem.errno in (errno.EWOULDBLOCK, errno.EACCES) else NO_LOCKS
    return descriptor


def _unlock(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def _folders(parent: Path, stem: str) -> list[Path]:
    """Hidden folders of one target."""
    entries = parent.iterdir() if os.access(parent, os.R_OK) else ()
    return [entry for entry in entries if entry.name.startswith(stem) and entry.is_dir() and not entry.is_symlink()]
