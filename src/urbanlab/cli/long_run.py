"""Checkpoints of `urbanlab simulate`: when they are written, and how a run that was cut off goes on."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urbanlab.core.errors import ConfigError, FileError, InputError
from urbanlab.core.output_folder import OutputFolder
from urbanlab.core.unfinished import checkpoints_in, forget_older, is_part, path_at, tell_worth

if TYPE_CHECKING:
    from urbanlab.city.scenario import Scenario
    from urbanlab.traffic.checkpoint import Checkpoint
    from urbanlab.traffic.outputs.sumo_fcd import FcdWriter
    from urbanlab.traffic.simulation import Simulation

__all__ = ["LASTING", "Checkpoints", "finished_summary", "kept_options", "last_good", "take_over"]

log = logging.getLogger(__name__)

POSITIONS = "fcd.xml"
"""The one file that is written while the run goes on."""

LASTING = ("seed", "begin", "end", "controller", "edges_every", "sumo_outputs")
"""Options that a run keeps when it goes on."""

IN_SUMMARY = {"seed": "seed", "begin": "begin_s", "end": "end_s", "controller": "controller", "edges_every": "edges_every_s"}
"""Options, and their names in the configuration of a finished run."""


class Checkpoints:
    """Writes where a run stands every so many seconds of its clock, and keeps the last two.

    Parameters
    ----------
    folder : of the results
    every : [s]
    run : as it begins, or goes on; it is written at once, so that what can't be kept is found out before the first step
    options : of the command, by which a resumed run goes on
    positions : writer of the positions, if there is one

    Raises
    ------
    ConfigError : `every` is shorter than a step, or the controller can't be kept
    """

    def __init__(
        self, folder: OutputFolder, every: float, *, run: Simulation, options: dict[str, Any], positions: FcdWriter | None
    ) -> None:
        if not run.step_length <= every < float("inf"):
            raise ConfigError(
                "the time between checkpoints makes no sense", got=f"{every:g} s", expected=f"a step ({run.step_length:g} s) or more"
            )
        self._folder, self._every, self._options, self._positions = folder, every, options, positions
        self._write(run)

    def run(self, run: Simulation, **watchers: Callable[[Simulation], None] | None) -> None:
        """Run to the end, with a checkpoint at begin + every, begin + 2 every, ..."""
        while not run.ended:
            passed = int((run.time - run.begin) / self._every + 1e-9)
            run.run(run.begin + (passed + 1) * self._every, **watchers)
            if not run.ended:
                self.write(run)

    def write(self, run: Simulation) -> None:
        """Write a checkpoint; if that fails, the run goes on, and its older ones stay."""
        try:
            self._write(run)
        except InputError as problem:
            log.warning("no checkpoint at %g s, the run goes on: %s", run.time, problem)

    def _write(self, run: Simulation) -> None:
        notes = {"options": self._options, "positions_bytes": None if self._positions is None else self._positions.sync()}
        step = round((run.time - run.begin) / run.step_length)
        path = path_at(self._folder.path, step)
        with self._folder.file(path.name):
            run.save(path, notes=notes)
            if step:
                tell_worth(self._folder.path)
            forget_older(self._folder.path)


def last_good(folder: OutputFolder) -> Checkpoint | None:
    """The latest checkpoint that can be used, of the run that was cut off, else of the earlier result; None: there is none.

    Says which ones are passed over, and why.

    Raises
    ------
    FileError : there are some, and none can be used
    """
    from urbanlab.traffic.checkpoint import read_checkpoint

    bad: list[tuple[Path, FileError]] = []
    for path in [*checkpoints_in(folder.path), *checkpoints_in(folder.target)]:
        try:
            kept = read_checkpoint(path)
            _require_whole(kept)
        except FileError as problem:
            bad.append((path, problem))
            continue
        for wrong, why in bad:
            click.echo(f"{wrong.name} is passed over for {path.name}: {_line(why)}", err=True)
        return kept
    if len(bad) == 1:
        raise bad[0][1]
    if bad:
        raise FileError("none of the checkpoints can be used", where=str(folder.target), items=[_line(problem) for _, problem in bad])
    return None


def _line(problem: FileError) -> str:
    return " ".join(str(problem).split())


def _require_whole(kept: Checkpoint) -> None:
    """It has to be of this command, and the positions written so far have to be there still."""
    if kept.notes.keys() != {"options", "positions_bytes"}:
        raise FileError("the checkpoint is not one of this command", expected="one of --checkpoint-every", where=str(kept.path))
    size, path = kept.notes["positions_bytes"], kept.path.parent / POSITIONS
    if size is not None and not (path.is_file() and path.stat().st_size >= size):
        got = f"{path.stat().st_size} bytes" if path.is_file() else "no such file"
        raise FileError("positions written before the checkpoint are lost", got=got, expected=f"{size} bytes or more", where=str(path))


def take_over(folder: OutputFolder, kept: Checkpoint | None) -> None:
    """Leave in the folder what the run goes on with and nothing else: checkpoints, and positions up to that second."""
    size = None if kept is None else kept.notes["positions_bytes"]
    target = folder.path / POSITIONS
    with folder.file(POSITIONS):
        for entry in folder.path.iterdir():
            if not is_part(entry.name) and (entry.name != POSITIONS or size is None):
                entry.unlink()
        for entry in checkpoints_in(folder.path) if kept is not None else ():
            if kept is not None and (kept.path.parent != folder.path or entry.name > kept.path.name):
                entry.unlink()  # damaged ones
        if kept is not None and size is not None:
            if kept.path.parent != folder.path:
                shutil.copyfile(kept.path.parent / POSITIONS, target)
            os.truncate(target, size)


def kept_options(kept: Checkpoint, now: Mapping[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Options by which a run goes on: those of its beginning.

    Parameters
    ----------
    now : of this command
    given : names of those that the user gave

    Raises
    ------
    ConfigError : one was given that differs
    """
    before, effective = kept.notes["options"], kept.run
    wrong = [
        f"--{name.replace('_', '-')}: {now[name]}, was {'left out' if before[name] is None else before[name]}"
        for name in LASTING
        if name in given and now[name] not in (before[name], effective.get(name))
    ]
    if wrong:
        raise ConfigError("a run that goes on keeps its options", expected="the same ones, or none", hint="leave them out", items=wrong)
    files = {name: tuple(map(Path, before[name])) for name in ("routes", "additional") if name not in given}
    return {
        **{name: before[name] for name in LASTING},
        **files,
        **{name: before[name] for name in ("threads", "checkpoint_every") if name not in given},
    }


def finished_summary(target: Path, scenario: Scenario, now: Mapping[str, Any], given: frozenset[str]) -> dict[str, Any] | None:
    """The summary of a result that is finished and is that of this scenario and these options; else None."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        summary: dict[str, Any] = json.loads((target / "summary.json").read_text(encoding="utf-8"))
        configuration, hashes = summary["provenance"]["configuration"], summary["provenance"]["input_hashes"]
        same = all(configuration[IN_SUMMARY[name]] == now[name] for name in IN_SUMMARY if name in given)
        complete = POSITIONS in summary["files"] or not now["sumo_outputs"]
        if same and complete and hashes == dict(scenario.input_hashes) and summary["interrupted"] is False:
            return summary
    return None
