"""`urbanlab demo`: the whole story on the embedded city, without a download or an argument."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from urbanlab.cli.options import call_of, json_option, verbose_option

__all__ = ["demo"]

CITY = "demo"
REPLICATIONS = 5
END = 5400.0  # [s] half an hour after the last departure: a signal plan that can't serve its city shows it
FOLDER = "urbanlab-demo"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path(FOLDER), show_default=True, help="Folder of the results.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=42, show_default=True, help="Of the city and the first replication.")
@click.option("--replications", type=click.IntRange(2, 1000), default=REPLICATIONS, show_default=True, help="Pairs of runs.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that share the replications.")
@json_option
@verbose_option
@click.pass_context
def demo(context: click.Context, /, out: Path, seed: int, replications: int, workers: int, *, as_json: bool) -> None:
    """Compare fixed-time signals with max pressure in a generated city.

    Generates the city, runs both on the same demand several times, compares them pair by pair and writes a
    report that opens in any browser.
    """
    from urbanlab.city.synthetic import make  # what compiles is loaded only when the command runs
    from urbanlab.cli.run import conduct
    from urbanlab.lab.experiment import Experiment
    from urbanlab.lab.report_tables import figures_text, verdict_note

    started = time.perf_counter()
    scenario = make(CITY, seed=seed)
    if not as_json:
        click.echo(
            f"A city from seed {seed}: {scenario.network.num_signals} signals, {scenario.demand.num_trips:,} trips in an hour.\n"
            f"{replications} pairs of runs, fixed-time signals and max pressure on the same demand ..."
        )
    study = Experiment(scenario, baseline="fixed", candidate="max_pressure", replications=replications, seed=seed, end=END)
    result, content = conduct(study, out, call_of(context).text, workers=workers, hidden=as_json)
    if as_json:
        click.echo(json.dumps(content, allow_nan=False))
        return
    steps = sum(int(outcome.summary.get("vehicle_steps", 0)) for outcome in result.outcomes)
    click.echo(f"\n{figures_text(result)}\n")
    click.echo(verdict_note(result))
    click.echo(f"{steps / 1e6:.1f} million vehicle steps; {time.perf_counter() - started:.1f} s in all.\n")
    click.echo(f"Report: {out / 'report.html'}   (open it in a browser; the tables lie beside it)")
    click.echo("Try next:")
    click.echo("  urbanlab simulate YOUR.sumocfg --out run --controller max_pressure:interval=15")
    click.echo("  urbanlab city make river:junctions=2000 --out bigger")
