"""`urbanlab demo`: the whole story on the embedded city, without a download or an argument."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import click

__all__ = ["demo"]

CITY = "demo"
REPLICATIONS = 5
END = 5400.0  # [s] half an hour after the last departure: a signal plan that can't serve its city shows it
FOLDER = "urbanlab-demo"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path(FOLDER), help="Folder of the report.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of the city and the first replication.")
@click.option("--replications", type=click.IntRange(2, 1000), default=REPLICATIONS, show_default=True, help="Pairs of runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output and nothing else.")
def demo(out: Path, seed: int, replications: int, as_json: bool) -> None:
    """Fixed-time signals against max pressure in a generated city.

    Generates the city, runs both on the same demand several times, compares them pair by pair and writes a
    report that opens in any browser.
    """
    from urbanlab.city.synthetic import (
        make,  # what compiles is loaded only when the command runs
    )
    from urbanlab.lab.experiment import Experiment
    from urbanlab.lab.report import figures_text

    started = time.perf_counter()
    scenario = make(CITY, seed=seed)
    say = _silent if as_json else click.echo
    say(
        f"A city from seed {seed}: {scenario.network.num_signals} signals, {scenario.demand.num_trips:,} trips in an hour.\n"
        f"{replications} pairs of runs, fixed-time signals and max pressure on the same demand:"
    )
    study = Experiment(scenario, baseline="fixed", candidate="max_pressure", replications=replications, seed=seed, end=END)
    with _bar(2 * replications, hidden=as_json) as bar:
        result = study.run(progress=lambda _: bar.update(1))
    path = result.report(out / "report.html")
    took = time.perf_counter() - started
    if as_json:
        click.echo(json.dumps(_as_json(result, path, took)))
        return
    steps = sum(int(outcome.summary.get("vehicle_steps", 0)) for outcome in result.outcomes)
    click.echo(f"\n{figures_text(result)}\n")
    click.echo("better or worse: the paired difference is clear at 95 % after correction for the number of measures.")
    click.echo(f"{steps / 1e6:.1f} million vehicle steps; {took:.1f} s in all.\n")
    click.echo(f"Report: {path}   (open it in a browser)")
    click.echo("Try next:")
    click.echo("  urbanlab simulate YOUR.sumocfg --out run --controller max_pressure:interval=15")
    click.echo("  urbanlab city make river:junctions=2000 --out bigger")


def _silent(text: str) -> None:
    """Say nothing."""
    del text


def _bar(length: int, *, hidden: bool) -> Any:
    """A progress bar on standard error where that is a terminal."""
    from tqdm import tqdm

    return tqdm(total=length, unit="run", file=sys.stderr, leave=False, disable=hidden or not sys.stderr.isatty())


def _as_json(result: Any, path: Path, took: float) -> dict[str, object]:
    rows = result.comparison_table().to_pylist()
    clean = [{key: _finite(value) for key, value in row.items()} for row in rows]
    return {"schema": "urbanlab/demo/1", "report": str(path), "took_s": took, "comparisons": clean}


def _finite(value: object) -> object:
    """JSON knows no nan."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
