"""A run as a file: written at a whole step, and read to go on from there with the same bits.

The file holds what evolves. Network, programs and demand are read again from the scenario's own files, and a fingerprint tells
whether they are still the same. Only the state of a controller that has no `save_state` is a pickle.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import urbanlab
from urbanlab.city.load import load
from urbanlab.city.scenario import Scenario
from urbanlab.core.archive import NotPlainError, read_archive, write_archive
from urbanlab.core.control import Controller, SignalLayout, SignalView
from urbanlab.core.errors import ConfigError, FileError
from urbanlab.core.guests import blamed_on
from urbanlab.core.provenance import engine_key

__all__ = [
    "CHECKPOINT_SCHEMA", "Checkpoint", "Started", "controller_state", "kept_controller", "read_checkpoint", "remember", "same_scenario",
    "write_checkpoint",
]  # fmt: skip

CHECKPOINT_SCHEMA = "urbanlab/checkpoint/1"
PARTS = {"urbanlab_version", "engine", "scenario", "run", "controller", "state", "notes"}
HINT = "give it save_state() and load_state(state), with plain values and arrays (docs/reference/controllers.md)"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file says."""

    path: Path
    scenario: dict[str, Any]  # name, fingerprint, input_hashes, reading
    run: dict[str, Any]  # settings in effect, and where the run stands
    controller: dict[str, Any]
    state: dict[str, Any]
    notes: dict[str, Any]  # of whoever wrote it


def write_checkpoint(path: Path, scenario: Scenario, parts: dict[str, Any]) -> Path:
    """Write a checkpoint aside and put it in place; the path.

    Parameters
    ----------
    parts : run, controller, state and notes

    Raises
    ------
    OutputError : the file can't be written
    ConfigError : what the controller gives as its state can't be kept
    """
    about = {
        "name": scenario.name,
        "fingerprint": scenario.fingerprint,
        "input_hashes": dict(scenario.input_hashes),
        "reading": None if scenario.reading is None else asdict(scenario.reading),
    }
    try:
        write_archive(
            path, CHECKPOINT_SCHEMA, {"urbanlab_version": urbanlab.__version__, "engine": engine_key(), "scenario": about, **parts}
        )
    except NotPlainError as problem:
        if not str(problem).startswith("controller."):
            raise
        raise ConfigError(
            "the state of the controller can't be kept", got=str(problem),
            expected="numbers, texts, arrays of numbers, and lists and dictionaries of these, from save_state",
        ) from None  # fmt: skip
    return path


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and hold it against its checksum.

    Raises
    ------
    FileError : it is missing, no checkpoint, of another version, cut off or damaged
    """
    content = read_archive(path, CHECKPOINT_SCHEMA)
    if content.keys() != PARTS:
        raise FileError("the checkpoint has other parts than it should", where=str(path), items=sorted(content.keys() ^ PARTS))
    if content["engine"] != engine_key():
        raise FileError(
            "the checkpoint was written by another version of urbanlab, whose runs may be others",
            got=f"version {content['urbanlab_version']}, engine {content['engine']}",
            expected=f"version {urbanlab.__version__}, engine {engine_key()}", where=str(path),
            hint="go on with the version that wrote it, or begin anew",
        )  # fmt: skip
    return Checkpoint(path, *(content[name] for name in ("scenario", "run", "controller", "state", "notes")))


# the scenario


def same_scenario(kept: Checkpoint, given: Scenario | None) -> Scenario:
    """The scenario of a checkpoint: the one given, or read again from its files.

    Raises
    ------
    ConfigError : there are no files, or the scenario is not the one that the checkpoint was made of
    FileError : a file is gone
    """
    if given is None:
        reading = kept.scenario["reading"]
        if reading is None:
            raise ConfigError(
                "the scenario of the checkpoint was not read from files", got=kept.scenario["name"], expected="the scenario",
                where=str(kept.path), hint="Simulation.load(path, scenario=...)",
            )  # fmt: skip
        given = load(**reading)
    if given.fingerprint == kept.scenario["fingerprint"]:
        return given
    before, now = kept.scenario["input_hashes"], dict(given.input_hashes)
    changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    if changed:
        raise ConfigError(
            "the scenario's files have changed since the checkpoint was written", where=str(kept.path),
            hint="restore them, or begin anew",
            items=[f"{name}: SHA-256 {_short(now.get(name))}, was {_short(before.get(name))}" for name in changed],
        )  # fmt: skip
    raise ConfigError(
        "the scenario is not the one of the checkpoint", got=given.name, expected=kept.scenario["name"], where=str(kept.path),
        hint="if it was changed in Python, give the changed one: Simulation.load(path, scenario=...)",
    )  # fmt: skip


def _short(digest: str | None) -> str:
    return "none" if digest is None else f"{digest[:12]}..."


# the controller


def controller_state(controller: Controller | None, name: str, *, checked: bool) -> dict[str, Any]:
    """What a controller remembers: by its own word, else as a pickle of the whole object.

    Parameters
    ----------
    controller : None: nobody is asked during the run
    checked : its pickle is known to be readable

    Raises
    ------
    ConfigError : it can't be kept
    """
    if controller is None:
        return {"kind": "none"}
    with blamed_on(controller, f"controller '{name}' can't be kept in a checkpoint", ConfigError, hint=HINT):
        if _tells(controller):
            return {"kind": "state", "class": type(controller).__qualname__, "state": controller.save_state()}  # type: ignore[attr-defined]
        text = pickle.dumps(controller)
        if not checked:
            pickle.loads(text)  # noqa: S301 - our own, of a moment ago
    return {"kind": "pickle", "class": type(controller).__qualname__, "pickle": np.frombuffer(text, np.uint8)}


def _tells(controller: object) -> bool:
    return callable(getattr(controller, "save_state", None)) and callable(getattr(controller, "load_state", None))


class Started:
    """A controller that has been started in an earlier part of its run, and is not started again."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.interval, self.yellow = controller.interval, controller.yellow
        self.runs_programs = bool(getattr(controller, "runs_programs", False))

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Nothing: it remembers."""

    def decide(self, view: SignalView) -> NDArray[np.int32]:
        """What the controller decides."""
        return self.controller.decide(view)


def kept_controller(kept: Checkpoint, given: Controller | None, *, allow_pickle: bool) -> str | Controller | Started | None:
    """Who goes on: by name, the object given, or the one that the file holds.

    Raises
    ------
    ConfigError : the object is lacking, of another class, or pickled and not trusted
    """
    name, told = kept.run["controller"], kept.controller
    if given is not None:
        if told["kind"] != "state" or type(given).__qualname__ != told["class"]:
            raise ConfigError(
                "a run that goes on keeps its controller", got=type(given).__name__, expected=told.get("class", name), where=str(kept.path)
            )
        return given
    if told["kind"] == "pickle":
        return Started(_unpickled(kept, allow=allow_pickle))
    if told["kind"] == "state" and not kept.run["controller_is_named"]:
        raise ConfigError(
            f"controller '{name}' has to be given", got="only what it remembers", expected=f"an object of class {told['class']}",
            where=str(kept.path), hint="Simulation.load(path, controller=...)",
        )  # fmt: skip
    return None if name == "program" else str(name)


def _unpickled(kept: Checkpoint, *, allow: bool) -> Controller:
    name = kept.run["controller"]
    if not allow:
        raise ConfigError(
            f"controller '{name}' is kept as a pickle, which can run any code when it is read", where=str(kept.path),
            expected="a controller with save_state and load_state, or your leave",
            hint="allow_pickle=True, if nobody but you could write the file",
        )  # fmt: skip
    load_pickle: Callable[[bytes], Any] = pickle.loads
    what = f"controller '{name}' can't be read from the checkpoint"
    with blamed_on(load_pickle, what, ConfigError, hint="its class has to be importable as it was"):
        controller: Controller = load_pickle(kept.controller["pickle"].tobytes())
    return controller


def remember(controller: Controller, kept: Checkpoint) -> None:
    """Give a controller that has just been started what it remembered.

    Raises
    ------
    ControllerError : it fails
    """
    with blamed_on(controller, f"controller '{kept.run['controller']}' failed in load_state", ConfigError):
        controller.load_state(kept.controller["state"])  # type: ignore[attr-defined]
