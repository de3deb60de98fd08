"""`urbanlab`: finds the command, turns errors into one text and an exit status.

Exit status: 0 done; 2 the user's input is wrong; 130 interrupted; 1 a defect of ours.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TextIO

import click

import urbanlab
from urbanlab.cli.options import Call, verbose_option
from urbanlab.core.compiling import ANNOUNCEMENTS
from urbanlab.core.errors import UrbanlabError

__all__ = ["main", "run"]

log = logging.getLogger("urbanlab")

DONE, DEFECT, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
COMMANDS = ("demo", "simulate", "run", "city")
"""Names of commands; each is the object of that name in the module of that name, loaded when it is asked for."""


class LazyGroup(click.Group):
    """Loads the module of a command when the command is used, so that starting is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of a first visit."""
        return [name for name in COMMANDS if find_spec(f"urbanlab.cli.{name}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(import_module(f"urbanlab.cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(urbanlab.__version__, prog_name="urbanlab", message="%(prog)s %(version)s")
@verbose_option
def main() -> None:
    """An open urban laboratory: put a technology into a city and see what it does.

    Start with `urbanlab demo`.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status.

    Parameters
    ----------
    arguments : None: those of the process
    """
    call = Call(tuple(sys.argv[1:] if arguments is None else arguments))
    handler = _Handler(sys.stderr)
    handler.setFormatter(logging.Formatter("urbanlab: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.WARNING)
    somebody_looks = sys.stderr.isatty() and "--json" not in call.arguments
    logging.getLogger(ANNOUNCEMENTS).setLevel(logging.INFO if somebody_looks else logging.WARNING)
    try:
        return _status(call)
    finally:
        log.removeHandler(handler)


class _Handler(logging.StreamHandler[TextIO]):
    """Log lines on standard error, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        if "tqdm" not in sys.modules:
            super().emit(record)
            return
        from tqdm import tqdm

        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)


def _status(call: Call) -> int:
    try:
        status = main.main(list(call.arguments), prog_name="urbanlab", standalone_mode=False, obj=call)
        return status if isinstance(status, int) else DONE
    except UrbanlabError as problem:
        click.echo(f"{type(problem).__name__}: {problem}", err=True)
        if call.verbosity and problem.__cause__ is not None:
            traceback.print_exception(problem.__cause__, file=sys.stderr)
        return WRONG_INPUT
    except click.ClickException as problem:
        problem.show()
        return WRONG_INPUT
    except (click.Abort, KeyboardInterrupt) as problem:
        if isinstance(problem.__cause__, EOFError):
            return _defect(problem.__cause__, call)
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as problem:  # noqa: BLE001 - the last resort of the process
        return _defect(problem, call)


def _defect(problem: BaseException, call: Call) -> int:
    """Something that should not happen, whatever the input."""
    if call.verbosity:
        traceback.print_exception(problem, file=sys.stderr)
    text = str(problem).strip()
    click.echo(f"urbanlab has failed, and the fault is its own: {type(problem).__name__}{': ' + text if text else ''}", err=True)
    if not call.verbosity:
        click.echo("  hint: the same command with -v shows where; please report it with that text", err=True)
    return DEFECT
