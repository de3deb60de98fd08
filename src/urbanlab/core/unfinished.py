"""Checkpoints in the folder of a result that is not finished: their names, how many are kept, whose they are.

A folder says by a file of its own whose text is the folder's name that it is worth going on with. An earlier result that has been
exchanged for the new one has no such file, or one with another name in it.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["OWNER", "checkpoints_in", "clear", "forget_older", "is_part", "is_worth", "path_at", "tell_worth"]

OWNER = "checkpoint-of"
KEPT = 2
"""Checkpoints that are kept: while one is written, a kill can lose that one alone."""

_NAME = re.compile(r"checkpoint-([0-9]+)\Z")


def path_at(folder: Path, step: int) -> Path:
    """The checkpoint of a step; names are in the order of steps."""
    return folder / f"checkpoint-{step:012d}"


def is_part(name: str) -> bool:
    """Is it a name of such a file?"""
    return name == OWNER or _NAME.match(name) is not None


def checkpoints_in(folder: Path) -> list[Path]:
    """Checkpoints of a folder, the latest first; none where there is no folder."""
    found = [(int(match[1]), entry) for entry in (folder.iterdir() if folder.is_dir() else ()) if (match := _NAME.match(entry.name))]
    return [entry for _, entry in sorted(found, reverse=True)]


def tell_worth(folder: Path) -> None:
    """Have the folder stay if its process ends early."""
    (folder / OWNER).write_text(folder.name, encoding="utf-8")


def is_worth(folder: Path) -> bool:
    """Is it to stay?"""
    try:
        return (folder / OWNER).read_text(encoding="utf-8") == folder.name and bool(checkpoints_in(folder))
    except (OSError, UnicodeDecodeError):
        return False


def forget_older(folder: Path) -> None:
    """Keep the latest ones."""
    for entry in checkpoints_in(folder)[KEPT:]:
        entry.unlink()


def clear(folder: Path, *, checkpoints: bool) -> None:
    """Take the word that it is worth something away, and the checkpoints too."""
    (folder / OWNER).unlink(missing_ok=True)
    for entry in checkpoints_in(folder) if checkpoints else ():
        entry.unlink()
