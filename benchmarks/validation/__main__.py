"""`scripts/validate`: run both programs on every scenario with a stored reference, write the page and its picture."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

import urbanlab
from urbanlab.core.errors import FileError, UrbanlabError
from validation.comparison import Comparison, compare_scenario
from validation.page import Versions, page, table
from validation.picture import draw
from validation.runs import Sumo

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("URBANLAB_DATA") or ROOT / ".." / "shared" / "data") / "traffic"
WRONG = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--scenario", "names", multiple=True, metavar="NAME", help="Only these; the page is written with --out alone then.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="At most; those of the reference, from the first on.")
@click.option("--work", type=click.Path(path_type=Path), help="Folder that keeps SUMO's files for the next time.  [default: none kept]")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="Folder of the scenarios.  [default: $URBANLAB_DATA/traffic]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for validation.md and images/.  [default: docs]")
def validate(names: tuple[str, ...], seeds: int, work: Path | None, data: Path, out: Path | None) -> None:
    """Compare urbanlab with SUMO on real maps: one table, one picture.

    Needs SUMO (`pip install '.[test]'`) and the scenarios; some five minutes of one core, nearly all of them SUMO's.
    """
    commit = _commit()  # of what runs, whatever happens to the folder meanwhile
    try:
        with ExitStack() as stack:
            place = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="urbanlab-validate-")))
            comparisons, sumo = _compare(_folders(data, names), place.resolve(), seeds)
    except UrbanlabError as error:
        click.echo(f"{error}", err=True)
        sys.exit(WRONG)
    click.echo(table([row for one in comparisons for row in one.rows]), nl=False)
    if out is not None or not names:
        _write(out or ROOT / "docs", comparisons, Versions(urbanlab.__version__, commit, sumo.version))


def _folders(data: Path, names: tuple[str, ...]) -> list[Path]:
    known = {path.parent.name: path.parent for path in sorted(data.glob("*/sumo-reference.json"))}
    missing = [name for name in names if name not in known]
    if missing or not known:
        raise FileError(
            "no such scenario with a sumo-reference.json",
            got=", ".join(missing) or f"none below {data}",
            expected=", ".join(known) or "some",
        )
    return [known[name] for name in names or known]


def _compare(folders: list[Path], work: Path, seeds: int) -> tuple[list[Comparison], Sumo]:
    sumo, found = Sumo(work), []
    for number, folder in enumerate(folders, 1):

        def say(what: str, number: int = number) -> None:
            click.echo(f"[{number}/{len(folders)}] {what}", err=True)

        found.append(compare_scenario(folder, sumo, seeds, say))
    return found, sumo


def _write(out: Path, comparisons: list[Comparison], versions: Versions) -> None:
    (out / "images").mkdir(parents=True, exist_ok=True)
    (out / "validation.md").write_text(page(comparisons, versions), encoding="utf-8")
    (out / "images" / "validation.svg").write_text(draw(comparisons), encoding="utf-8")


def _commit() -> str:
    """The last commit that touched the program, so that a commit of the page does not change the page."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run([*git, "log", "-1", "--format=%h", "--abbrev=10", "--", "src"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "status", "--porcelain", "--", "src"], capture_output=True, text=True, check=False)
    return (found.stdout.strip() or "unknown") + (" with changes" if changed.stdout.strip() else "")


if __name__ == "__main__":
    validate()
