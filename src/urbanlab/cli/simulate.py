"""`urbanlab simulate`: one run of a scenario."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from urbanlab.cli.long_run import LASTING, Checkpoints, finished_summary, kept_options, last_good, take_over
from urbanlab.cli.options import call_of, file_list, json_option, out_option, verbose_option
from urbanlab.core.errors import ConfigError

if TYPE_CHECKING:
    from urbanlab.city.scenario import Scenario
    from urbanlab.core.output_folder import OutputFolder
    from urbanlab.core.provenance import Provenance
    from urbanlab.traffic.checkpoint import Checkpoint
    from urbanlab.traffic.simulation import Simulation

__all__ = ["simulate"]

INTERRUPTED = 130


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    out: Path
    routes: tuple[Path, ...]
    additional: tuple[Path, ...]
    seed: int | None
    begin: float | None
    end: float | None
    threads: int
    backend: str
    controller: str | None
    edges_every: float
    sumo_outputs: bool
    strict: bool
    checkpoint_every: float | None
    resume: bool
    as_json: bool
    given: frozenset[str]  # names of those that the user gave


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@out_option
@click.option(
    "--routes",
    metavar="FILES",
    multiple=True,
    callback=file_list,
    help="Route files, separated by commas. They take the place of those that a .sumocfg or a CityFlow folder (one flow file) names.",
)
@click.option(
    "--additional",
    metavar="FILES",
    multiple=True,
    callback=file_list,
    help="Additional files, separated by commas, instead of those that a .sumocfg names.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of all draws.  [default: the source's own, else 42]")
@click.option("--begin", type=float, help="Start [s].  [default: the source's]")
@click.option("--end", type=float, help="End [s].  [default: the source's, else when every vehicle has left]")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Results do not depend on it.")
@click.option("--backend", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="What computes.")
@click.option("--controller", metavar="NAME[:KEY=VAL,...]", help="Who chooses the phases.  [default: the source's programs]")
@click.option("--edges-every", type=float, default=900.0, show_default=True, help="Period of edges.parquet [s].")
@click.option("--sumo-outputs", is_flag=True, help="Write SUMO's tripinfo.xml, edgedata.xml and fcd.xml too.")
@click.option("--strict", is_flag=True, help="What the source contains and urbanlab does not model is an error.")
@click.option(
    "--checkpoint-every", metavar="S", type=float, help="Keep where the run stands every S seconds of its clock, to go on with --resume."
)
@click.option("--resume", is_flag=True, help="Go on where a run to this folder was cut off. Options are those of its beginning.")
@json_option
@verbose_option
@click.pass_context
def simulate(context: click.Context, /, source: Path, **options: Any) -> int:
    """Simulate SOURCE once and write what came of it.

    SOURCE is a .sumocfg, a SUMO .net.xml with --routes, a CityFlow config.json or folder, a city folder of
    urbanlab, or a .toml scenario.
    """
    given = frozenset(name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return _simulate(source, Options(**options, given=given), call_of(context).text)


def _simulate(source: Path, options: Options, command: str) -> int:
    """Read, run, write; the exit status."""
    from urbanlab.cli.run_report import figures_text, import_line
    from urbanlab.traffic.outputs.run_folder import open_run_folder, provenance_of, write_summary, write_sumo_files, write_tables

    _check_backend(options.backend)
    with open_run_folder(options.out, resume=options.resume) as folder:
        kept = _kept(folder) if options.resume else None
        if kept is not None:
            options = replace(options, **kept_options(kept, vars(options), options.given))
        scenario = _read(source, options)
        if options.resume and kept is None:
            summary = finished_summary(folder.target, scenario, vars(options), options.given)
            if summary is not None:
                click.echo("the run is finished already", err=True)
                click.echo(json.dumps(summary, allow_nan=False) if options.as_json else figures_text(summary))
                return 0
            _begin_anew(options)
        with _world(scenario, options, kept) as run:
            provenance = provenance_of(run, command)
            finished = _run(run, options, folder, provenance, kept)
            record = run.record()
        write_tables(folder, record, provenance)
        if options.sumo_outputs:
            write_sumo_files(folder, record, provenance)
        summary = write_summary(folder, record, scenario.report, provenance, interrupted=not finished)
        folder.commit()
    line = import_line(scenario.report, str(options.out / "import.json"))
    if line:
        click.echo(line, err=True)
    if options.as_json:
        click.echo(json.dumps(summary, allow_nan=False))
    else:
        click.echo(f"{figures_text(summary)}\n  files  {options.out}: {', '.join(summary['files'])}")
    if not finished:
        click.echo(f"interrupted at {summary['end_s']:g} s; the results up to then are complete", err=True)
    return 0 if finished else INTERRUPTED


def _kept(folder: OutputFolder) -> Checkpoint | None:
    """Where the run goes on, with the folder made ready for it."""
    kept = last_good(folder)
    take_over(folder, kept)
    if kept is not None:
        click.echo(f"going on at {kept.run['time']:g} s", err=True)
    return kept


def _begin_anew(options: Options) -> None:
    """Without a checkpoint a run begins anew, if the command says all of it."""
    if options.checkpoint_every is None:
        raise ConfigError(
            "there is nothing to go on with", got=f"no checkpoint in {options.out}",
            expected="a run with --checkpoint-every that was cut off", hint="to begin anew: leave --resume out, or give --checkpoint-every",
        )  # fmt: skip
    click.echo("no checkpoint yet: the run begins anew", err=True)


def _check_backend(backend: str) -> None:
    if backend == "cuda":
        raise ConfigError("there is no CUDA back end yet", got="--backend cuda", expected="--backend cpu")


def _read(source: Path, options: Options) -> Scenario:
    """The scenario; with --strict only if everything in it is modelled."""
    from urbanlab.city.load import LATEST, NO_ROUTES, load, require_modelled

    if options.end is not None and not 0.0 <= options.end < LATEST:
        raise ConfigError(
            "'end' is out of range", got=options.end, expected=f"0 s to {LATEST:g} s",
            hint="end_s = inf in a .toml scenario lets a run last until every vehicle has left",
        )  # fmt: skip
    scenario = load(source, routes=options.routes, additional=options.additional, begin=options.begin)
    if NO_ROUTES in scenario.report.warnings and not scenario.demand.num_trips:
        raise ConfigError("nothing to simulate: no trips", where=str(source), hint="name the route files: --routes FILES")
    if options.strict:
        require_modelled(scenario)
    return scenario


def _world(scenario: Scenario, options: Options, kept: Checkpoint | None) -> Simulation:
    """The world before its first step, or where it was kept; all processor time of the process so far counts as loading."""
    from urbanlab.traffic.simulation import Simulation

    before = time.process_time()
    if kept is not None:
        # a pickled controller: the folder is the user's own, whose command wrote it
        run = Simulation.load(kept, scenario=scenario, threads=options.threads, allow_pickle=True)
        run.load_s += before
        return run
    run = Simulation(
        scenario,
        seed=options.seed,
        begin=options.begin,
        end=options.end,
        threads=options.threads,
        controller=options.controller,
        edges_every=options.edges_every,
    )
    run.load_s += before
    return run


def _run(run: Simulation, options: Options, folder: OutputFolder, provenance: Provenance, kept: Checkpoint | None) -> bool:
    """Do all steps, or those before an interrupt; whether it was not interrupted."""
    with ExitStack() as stack:
        each_step = checkpoints = None
        if options.sumo_outputs:
            from urbanlab.traffic.outputs.sumo_fcd import FcdWriter

            path = stack.enter_context(folder.file("fcd.xml"))
            each_step = stack.enter_context(FcdWriter(path, run, provenance, goes_on=kept is not None))
        if options.checkpoint_every is not None:
            checkpoints = Checkpoints(folder, options.checkpoint_every, run=run, options=_lasting(options), positions=each_step)
        bar = stack.enter_context(_Bar(run, hidden=options.as_json))
        stop = stack.enter_context(_interrupts())

        def progress(now: Simulation) -> None:
            bar.show(now)
            if stop.is_set():
                raise _StoppedError

        try:
            if checkpoints is None:
                run.run(progress=progress, each_step=each_step)
            else:
                checkpoints.run(run, progress=progress, each_step=each_step)
        except _StoppedError:
            if checkpoints is not None and not run.ended:
                checkpoints.write(run)
                folder.keeps_checkpoints = True
            return run.ended
        return True


def _lasting(options: Options) -> dict[str, Any]:
    """Options as plain values, by which a resumed run goes on."""
    plain = {name: value for name, value in vars(options).items() if name in (*LASTING, "threads", "checkpoint_every")}
    return plain | {name: [str(file.absolute()) for file in getattr(options, name)] for name in ("routes", "additional")}


class _StoppedError(Exception):
    """The user wants the run to end after the present step."""


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Set by Ctrl-C or a request to terminate, so that the run can end at a whole step; the second one ends the process."""
    stop = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():  # only there may signals be handled
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Bar:
    """Progress on standard error where that is a terminal: simulated seconds, or trips done where there is no end."""

    def __init__(self, run: Simulation, *, hidden: bool = False) -> None:
        from tqdm import tqdm

        self._by_time = run.end < float("inf")
        total = run.end - run.begin if self._by_time else len(run.trip_ids)
        unit = "s" if self._by_time else "trip"
        self._bar = tqdm(total=total, unit=unit, file=sys.stderr, leave=False, disable=hidden or not sys.stderr.isatty())

    def show(self, run: Simulation) -> None:
        """Where the run stands."""
        if self._bar.disable:
            return
        counts = run.model.counts()
        done = run.time - run.begin if self._by_time else counts.arrived + counts.removed
        self._bar.set_postfix(vehicles=counts.running, refresh=False)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
