"""Files that are there whole, or not at all, whatever happens to the process or the machine."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from urbanlab.core.errors import OutputError

__all__ = ["aside_of", "output_error", "replacing", "sync"]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def output_error(problem: OSError, where: Path) -> OutputError:
    """What the system refuses, as an error that names the file."""
    hint = "make room, or name a folder on another disk" if problem.errno in NO_ROOM else ""
    return OutputError(
        "the output can't be written", got=problem.strerror or str(problem), expected="a writable folder", where=str(where), hint=hint
    )


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk: only then does a full one show."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():  # some systems can't sync folders
            raise
    finally:
        os.close(descriptor)


def aside_of(path: Path) -> Path:
    """Where a file is written until it is complete."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name, or the place of an older one, when the block is over and everything is on the disk.

    Raises
    ------
    OutputError : it can't be written; what was there before is untouched
    """
    aside = aside_of(path)
    try:
        try:
            with aside.open("w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
            sync(path.parent)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as problem:
        raise output_error(problem, path) from problem
