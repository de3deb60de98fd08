"""`urbanlab run`: a study from a file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urbanlab.cli.options import call_of, json_option, out_option, verbose_option
from urbanlab.core.errors import ConfigError

if TYPE_CHECKING:
    from urbanlab.city.scenario import Scenario
    from urbanlab.lab.experiment import Experiment, StudyResult
    from urbanlab.lab.replication import Outcome
    from urbanlab.lab.study_file import StudyFile

__all__ = ["conduct", "run", "study_progress"]


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@out_option
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that share the replications.")
@click.option("--cluster", metavar="ADDRESS", help="Run the replications on a cluster.")
@json_option
@verbose_option
@click.pass_context
def run(context: click.Context, /, study: Path, out: Path, workers: int, cluster: str | None, *, as_json: bool) -> None:
    """Conduct the study that the file STUDY describes, and report it.

    STUDY is a .toml file with the keys scenario (a source as of `urbanlab simulate`, or the specification of a
    synthetic city), baseline and candidate (controllers with their options, or program), replications, seed,
    end_s and confidence; all but the first may be left out.
    """
    from urbanlab.lab.experiment import Experiment
    from urbanlab.lab.study_file import read_study_file

    if cluster is not None:
        raise ConfigError("there is no cluster back end yet", got=f"--cluster {cluster}", expected="--workers N, on this machine")
    written, digest = read_study_file(study)
    scenario = _scenario(written, study)
    scenario = replace(scenario, input_hashes={study.name: digest, **scenario.input_hashes})
    experiment = Experiment(
        scenario, baseline=written.baseline, candidate=written.candidate, replications=written.replications, seed=written.seed,
        end=written.end_s, confidence=written.confidence,
    )  # fmt: skip
    result, content = conduct(experiment, out, call_of(context).text, workers=workers)
    if as_json:
        click.echo(json.dumps(content, allow_nan=False))
        return
    from urbanlab.lab.report_tables import figures_text, verdict_note

    click.echo(f"{scenario.name}: {written.candidate} against {written.baseline}\n\n{figures_text(result)}\n\n{verdict_note(result)}\n")
    for outcome in result.failures:
        click.echo(f"failed: {outcome.arm}, replication {outcome.replication}: {outcome.error}", err=True)
    click.echo(f"files  {out}: {', '.join(content['files'])}")


def conduct(experiment: Experiment, out: Path, command: str, *, workers: int, hidden: bool = False) -> tuple[StudyResult, dict[str, Any]]:
    """Run an experiment with a progress bar and write its folder; the result and the content of study.json.

    Raises
    ------
    OutputError : the folder holds something else or can't be written, which is found out before the first run
    """
    from urbanlab.lab.study_folder import open_study_folder, write_study

    started = time.perf_counter()
    with open_study_folder(out) as folder:
        with study_progress(2 * experiment.replications, hidden=hidden) as progress:
            result = experiment.run(progress, workers=workers)
        took = time.perf_counter() - started
        content = write_study(folder, result, result.provenance(command), took=took)
        folder.commit()
    return result, content


@contextmanager
def study_progress(runs: int, *, hidden: bool) -> Iterator[Callable[[Outcome], None]]:
    """A bar on standard error where that is a terminal."""
    from tqdm import tqdm

    with tqdm(total=runs, unit="run", file=sys.stderr, leave=False, disable=hidden or not sys.stderr.isatty()) as bar:
        yield lambda _: bar.update(1)


def _scenario(written: StudyFile, study: Path) -> Scenario:
    """What the file names: a synthetic city by its specification, else a source beside the file."""
    kind = written.scenario.strip().partition(":")
    if written.scenario.strip() == "demo" or (kind[1] and kind[0] in ("grid", "ring", "river")):
        from urbanlab.city.synthetic import make

        return make(written.scenario, seed=written.seed)
    from urbanlab.city.load import load

    return load(study.parent / written.scenario)
