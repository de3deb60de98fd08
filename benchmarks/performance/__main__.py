"""`scripts/bench`: measure, keep the figures as JSON, make the page's tables and its picture anew."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from performance.bench import Bench, Part
from performance.machine import circumstances
from performance.page import with_results
from performance.parts import PARTS, RUN_ORDER
from performance.picture import draw
from urbanlab.core.errors import UrbanlabError

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("URBANLAB_DATA") or ROOT / ".." / "shared" / "data") / "traffic"
SCHEMA = "urbanlab/bench/1"
PAGE, FIGURES, PICTURE = "performance.md", "performance.json", "images/performance.svg"
WRONG = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice([part.name for part in PARTS]))
@click.option("--list", "lists", is_flag=True, help="Say what there is, and do nothing.")
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True, help="Runs of each, as far as they fit into its time.")
@click.option("--tiny", is_flag=True, help="The smallest cases: does it work? Writes with --out alone.")
@click.option("--page-only", is_flag=True, help="Measure nothing; make page and picture anew from the figures kept.")
@click.option("--work", type=click.Path(path_type=Path), help="Folder that keeps what is made for the next time.  [default: none kept]")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="Folder of the scenarios.  [default: $URBANLAB_DATA/traffic]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for performance.json, performance.md and images/.  [default: docs]")
def bench(
    *, names: tuple[str, ...], lists: bool, repeat: int, tiny: bool, page_only: bool, work: Path | None, data: Path, out: Path | None
) -> None:
    """Measure urbanlab beside its peers: all parts, or those named.

    Some twenty minutes of an otherwise idle machine, more than half of them SUMO's. Figures of parts that are not
    measured stay as they were.
    """
    if lists:
        for part in PARTS:
            click.echo(f"{part.name:11} {part.title}")
        return
    if tiny and out is None and not page_only:
        raise click.UsageError("--tiny needs --out: its figures say nothing about speed")
    target = out or ROOT / "docs"
    kept = _kept(target / FIGURES)
    with ExitStack() as stack:
        place = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="urbanlab-bench-")))
        place.mkdir(parents=True, exist_ok=True)
        chosen = [] if page_only else [part for part in RUN_ORDER if not names or part.name in names]
        settings = Bench(place.resolve(), data.resolve(), repeat, tiny, _say)
        now = circumstances() | {"repeat": repeat, "tiny": tiny}
        for number, part in enumerate(chosen, 1):
            click.echo(f"[{number}/{len(chosen)}] {part.name}", err=True)
            kept[part.name] = _measured(part, settings, now)
            _write(target, kept)  # a call that is stopped keeps what it has
    if not chosen:
        _write(target, kept)


def _say(text: str) -> None:
    click.echo(f"    {time.strftime('%H:%M:%S')}  {text}", err=True)


def _measured(part: Part, settings: Bench, now: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        rows = list(part.measure(settings))
    except UrbanlabError as error:
        click.echo(f"{part.name}: {error}", err=True)
        sys.exit(WRONG)
    return {"title": part.title, "took_s": round(time.perf_counter() - started, 1), "circumstances": now, "rows": rows}


def _kept(path: Path) -> dict[str, Any]:
    """Figures of earlier calls, by part."""
    return dict(json.loads(path.read_text(encoding="utf-8"))["parts"]) if path.is_file() else {}


def _write(target: Path, parts: dict[str, Any]) -> None:
    (target / "images").mkdir(parents=True, exist_ok=True)
    (target / FIGURES).write_text(json.dumps({"schema": SCHEMA, "parts": parts}, indent=1) + "\n", encoding="utf-8")
    page = target / PAGE if (target / PAGE).is_file() else ROOT / "docs" / PAGE
    (target / PAGE).write_text(with_results(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
    if "maps" in parts and "vehicles" in parts:
        (target / PICTURE).write_text(draw(parts["maps"]["rows"], parts["vehicles"]["rows"]), encoding="utf-8")


if __name__ == "__main__":
    bench()
