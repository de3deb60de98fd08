"""Options that several commands share, and what the process knows of its own call."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["Call", "call_of", "file_list", "json_option", "out_option", "verbose_option"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Call:
    """How urbanlab was called."""

    arguments: tuple[str, ...] = ()
    verbosity: int = 0

    @property
    def text(self) -> str:
        """The command as one line of a shell."""
        return shlex.join(["urbanlab", *self.arguments])


def call_of(context: click.Context) -> Call:
    """The call that a command belongs to."""
    return context.ensure_object(Call)


def file_list(_: click.Context, __: click.Parameter, value: Sequence[str]) -> tuple[Path, ...]:
    """Files given one by one or separated by commas; a name that has a comma is taken as it is where such a file exists."""
    paths: list[Path] = []
    for text in value:
        paths += [Path(text)] if Path(text).is_file() else [Path(part.strip()) for part in text.split(",") if part.strip()]
    return tuple(paths)


def _set_verbosity(context: click.Context, _: click.Parameter, value: int) -> None:
    if value:
        call_of(context).verbosity += value
        logging.getLogger("urbanlab").setLevel(logging.INFO if call_of(context).verbosity == 1 else logging.DEBUG)


def verbose_option(command: F) -> F:
    """`-v`: say more on standard error; the traceback of a defect too. `-vv`: even more."""
    return click.option(
        "-v", "--verbose", count=True, expose_value=False, callback=_set_verbosity, help="Say more on standard error; repeat for more."
    )(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output and nothing else.")(command)


def out_option(command: F) -> F:
    """`--out`, which a command can't do without."""
    return click.option(
        "--out", required=True, type=click.Path(path_type=Path), help="Folder of the results: new, empty, or an earlier result."
    )(command)
