"""`urbanlab simulate`: one run of a scenario."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from urbanlab.cli.options import file_list, json_option, out_option, verbose_option

__all__ = ["simulate"]


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@out_option
@click.option("--routes", metavar="FILES", multiple=True, callback=file_list, help="Route files of a SUMO network, separated by commas.")
@click.option(
    "--additional", metavar="FILES", multiple=True, callback=file_list, help="Additional files of a SUMO network, separated by commas."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of all draws.  [default: the source's own, else 42]")
@click.option("--begin", type=float, help="Start [s].  [default: the source's]")
@click.option("--end", type=float, help="End [s].  [default: the source's, else until every vehicle has left]")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="The results do not depend on it.")
@click.option("--backend", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="What computes.")
@click.option("--controller", metavar="NAME[:KEY=VAL,...]", help="Who chooses the phases.  [default: the source's programs]")
@click.option("--edges-every", type=float, default=900.0, show_default=True, help="Length of the periods of edges.parquet [s].")
@json_option
@verbose_option
def simulate(source: Path, **options: Any) -> None:
    """Simulate SOURCE once and write what came of it.

    SOURCE is a .sumocfg, a SUMO .net.xml with --routes, a CityFlow config.json or folder, a city folder of
    urbanlab, or a .toml scenario.
    """
    import json

    from urbanlab.city.readers.sumo import read_sumo_config
    from urbanlab.core.output_folder import OutputFolder
    from urbanlab.traffic.simulation import Simulation

    with OutputFolder(options["out"], mark="summary.json", schema="urbanlab/summary/") as folder:
        scenario = read_sumo_config(source)
        read = time.process_time()
        with Simulation(
            scenario, seed=options["seed"], begin=options["begin"], end=options["end"], threads=options["threads"],
            controller=options["controller"], edges_every=options["edges_every"],
        ) as run:  # fmt: skip
            run.load_s += read
            summary = run.run().summary()
        summary["files"] = ["summary.json"]
        with folder.file("summary.json") as path:
            path.write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        folder.commit()
    click.echo(json.dumps(summary, allow_nan=False))
