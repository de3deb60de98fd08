"""`load`: a scenario from whatever source, by its name or by what stands in it.

Imported files are checked, and what is imperfect in them is counted in the import report; urbanlab's own
tables have to be right.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from urbanlab.city.acted_on import note_idle_settings
from urbanlab.city.checks import note_inconsistencies
from urbanlab.city.scenario import Reading, RunSettings, Scenario
from urbanlab.core.errors import ConfigError, FileError

__all__ = ["LATEST", "NO_ROUTES", "load", "require_modelled"]

LATEST = 1e9
"""[s] No run begins or ends later."""

NO_ROUTES = "network without route files"
"""Warning of the import report."""

KNOWN_KINDS = (
    "a .sumocfg, a SUMO .net.xml with its route files, a CityFlow config.json or folder with roadnet.json and flow.json, "
    "a city folder of urbanlab, or a .toml scenario (files also as .gz)"
)
_HEAD = 1 << 16  # [byte] in which the root of an XML file has to begin
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_SPEC = re.compile(r"(grid|ring|river):|demo\Z")
_SUMO_ROOTS = {"net": "net", "configuration": "sumocfg", "sumoConfiguration": "sumocfg"}
_ROUTE_ROOTS = ("routes", "trips", "additional", "vehicles", "flows")


@dataclass(frozen=True)
class _Changes:
    """What differs from the source's own word."""

    routes: tuple[Path, ...] = ()
    additional: tuple[Path, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)  # fields of RunSettings


def load(
    source: str | Path,
    *,
    routes: str | Path | Iterable[str | Path] = (),
    additional: str | Path | Iterable[str | Path] = (),
    begin: float | None = None,
) -> Scenario:
    """Read a scenario: network, signal programs, demand and how it is to be run.

    Parameters
    ----------
    source : a `.sumocfg`; a SUMO `.net.xml`; a CityFlow `config.json`, or a folder with `roadnet.json` and
        `flow.json`; a city folder of urbanlab; a `.toml` scenario. Each also as `.gz`.
    routes : SUMO route files instead of the source's own; of a CityFlow source: one flow file
    additional : SUMO additional files instead of the source's own
    begin : [s] instead of the source's; trips that want to depart earlier are skipped

    Raises
    ------
    FileError : missing, damaged, hostile, or of a kind that nobody knows
    NetworkError, ProgramError, DemandError, ConfigError : what stands in it is wrong

    Examples
    --------
    >>> load("cologne8.sumocfg").network.num_signals  # doctest: +SKIP
    8
    """
    path = Path(source)
    settings = {} if begin is None else {"begin": _time(begin)}
    changes = _Changes(_paths(routes), _paths(additional), settings)
    scenario = _load(path, _kind_of(path), changes)
    beside = [tuple(str(file.absolute()) for file in files) for files in (changes.routes, changes.additional)]
    return replace(scenario, reading=Reading(str(path.absolute()), beside[0], beside[1], begin))


def require_modelled(scenario: Scenario) -> None:
    """Refuse a scenario whose source contains what urbanlab does not model: `--strict`.

    Raises
    ------
    ConfigError : with the kinds and their counts
    """
    left_out = scenario.report.not_modelled
    if left_out:
        raise ConfigError(
            "the source contains what urbanlab does not model",
            got=f"{sum(left_out.values())} items of {len(left_out)} kinds",
            expected="none, with --strict",
            where=scenario.source,
            hint="without --strict they are left out, counted in the import report",
            items=[f"{kind}: {count}" for kind, count in sorted(left_out.items())],
        )


def _time(begin: float) -> float:
    if not 0.0 <= begin < LATEST:
        raise ConfigError("'begin' is out of range", got=begin, expected="0 s or later")
    return float(begin)


def _paths(files: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    return (Path(files),) if isinstance(files, str | Path) else tuple(Path(file) for file in files)


# which kind


def _kind_of(path: Path) -> str:
    """Kind of a source, by its name, else by its first bytes."""
    try:
        is_folder = _exists(path) and path.is_dir()
    except (OSError, ValueError) as problem:
        raise FileError("the source can't be read", got=str(problem)[:120], where=str(path)[:200]) from None
    if is_folder:
        return _kind_of_folder(path)
    name = path.name.lower().removesuffix(".gz")
    if name == "city.json":
        raise FileError("a city is loaded by its folder", got=str(path), expected=str(path.parent))
    for ending, kind in ((".sumocfg", "sumocfg"), (".net.xml", "net"), (".toml", "toml"), (".json", "cityflow")):
        if name.endswith(ending):
            return kind
    if name.endswith((".osm", ".osm.xml", ".pbf", ".osm.bz2")):
        raise _no_osm(path)
    return _kind_of_content(path)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        hint = ""
        if _SPEC.match(str(path)):
            hint = f"a synthetic city is made first: urbanlab city make {path} --out CITY"
        elif path.parent.is_dir():
            near = difflib.get_close_matches(path.name, _names(path.parent), n=1)
            hint = f"did you mean '{path.parent / near[0]}'?" if near else ""
        raise FileError(f"'{path}' does not exist", expected=KNOWN_KINDS, hint=hint) from None
    return True


def _names(folder: Path) -> list[str]:
    """What lies in a folder, sorted; of very many the first."""
    return sorted(entry.name for entry in itertools.islice(folder.iterdir(), 10_000))


def _kind_of_folder(path: Path) -> str:
    names = {entry.lower().removesuffix(".gz") for entry in _names(path)}
    if "city.json" in names:
        return "city"
    if names & {"roadnet.json", "config.json"}:
        return "cityflow"
    configs = [entry for entry in _names(path) if entry.lower().removesuffix(".gz").endswith((".sumocfg", ".toml"))]
    raise FileError(
        f"the folder '{path}' is no scenario", got="a folder without city.json or roadnet.json", expected=KNOWN_KINDS,
        hint=f"did you mean '{path / configs[0]}'?" if configs else "",
    )  # fmt: skip


def _kind_of_content(path: Path) -> str:
    from urbanlab.city.readers.xml_stream import DEFAULT_LIMITS, open_chunks

    head = next(iter(open_chunks(path, DEFAULT_LIMITS, _ignore)), b"")[:_HEAD].removeprefix(b"\xef\xbb\xbf")
    root = _root_of(head)
    if root in _SUMO_ROOTS:
        return _SUMO_ROOTS[root]
    if root == "osm":
        raise _no_osm(path)
    hint = ""
    if root in _ROUTE_ROOTS:
        hint = f"this is a part of a SUMO scenario: give the .net.xml, and this file with --routes {path.name} or --additional"
    raise FileError(
        f"'{path}' is of a kind that urbanlab does not know",
        got=f"an XML file with the root <{root[:40]}>" if root else f"a file that begins with {head[:16]!r}",
        expected=KNOWN_KINDS,
        hint=hint,
    )


def _root_of(head: bytes) -> str:
    """Name of an XML file's first element; empty where there is none."""
    at = 0
    while True:
        at += len(head[at:]) - len(head[at:].lstrip())
        for opening, closing in ((b"<?", b"?>"), (b"<!--", b"-->")):
            if head.startswith(opening, at):
                end = head.find(closing, at)
                if end < 0:
                    return ""
                at = end + len(closing)
                break
        else:
            match = _ROOT.match(head, at)
            return match[1].decode("ascii") if match else ""


def _ignore(chunk: bytes) -> None:
    """What is only looked at needs no hash."""


def _no_osm(path: Path) -> FileError:
    plain = path.name.split(".")[0]
    return FileError(
        "OpenStreetMap files can't be imported yet", got=str(path), expected=KNOWN_KINDS,
        hint=f"SUMO's netconvert makes a network of it: netconvert --osm-files {path.name} -o {plain}.net.xml",
    )  # fmt: skip


# reading


def _load(path: Path, kind: str, changes: _Changes) -> Scenario:
    if kind == "toml":
        return _scenario_file(path, changes)
    scenario = _READERS[kind](path, changes)
    if kind != "city":
        note_inconsistencies(scenario)
    return scenario


def _scenario_file(path: Path, changes: _Changes) -> Scenario:
    from urbanlab.city.readers.toml import read_scenario_file

    if changes.routes or changes.additional:
        raise ConfigError("routes and additional files stand in the scenario file", where=path.name, hint="routes = [...]")
    written, digest = read_scenario_file(path)
    source = path.parent / written.source
    kind = _kind_of(source)
    if kind == "toml":
        raise ConfigError("a scenario file names another one as its source", got=written.source, where=path.name)
    beside = [tuple(path.parent / name for name in names) for names in (written.routes, written.additional)]
    scenario = _load(source, kind, _Changes(beside[0], beside[1], written.settings() | changes.settings))
    name = path.name.removesuffix(".gz").removesuffix(".toml")
    hashes = {path.name: digest, **scenario.input_hashes}
    return replace(scenario, name=written.name or name, input_hashes=hashes, source=str(path))


def _sumo_config(path: Path, changes: _Changes) -> Scenario:
    from urbanlab.city.readers.sumo import read_sumo_config

    return read_sumo_config(path, routes=changes.routes, additional=changes.additional, settings=changes.settings)


def _sumo_net(path: Path, changes: _Changes) -> Scenario:
    from urbanlab.city.readers.sumo import read_sumo

    scenario = read_sumo(path, changes.routes, changes.additional, settings=RunSettings(**changes.settings))
    if not changes.routes:
        scenario.report.warn(NO_ROUTES)
    return scenario


def _cityflow(path: Path, changes: _Changes) -> Scenario:
    from urbanlab.city.readers.cityflow import read_cityflow

    if changes.additional or len(changes.routes) > 1:
        raise ConfigError(
            "a CityFlow scenario has one flow file and no additional ones",
            got=", ".join(str(file) for file in (*changes.routes, *changes.additional)), where=str(path),
        )  # fmt: skip
    return _changed(read_cityflow(path, flow=changes.routes[0] if changes.routes else None), changes)


def _city(path: Path, changes: _Changes) -> Scenario:
    from urbanlab.city.folder import City

    if changes.routes or changes.additional:
        raise ConfigError("a city folder has its own routes", got=str(path), hint="build it from its source with other routes")
    return _changed(City.load(path).scenario, changes)


def _changed(scenario: Scenario, changes: _Changes) -> Scenario:
    """The scenario with other settings, without the trips that a later begin leaves out."""
    if not changes.settings:
        return scenario
    settings = replace(scenario.settings, **changes.settings)
    note_idle_settings(settings, scenario.report, changes.settings)
    demand = scenario.demand
    early = (demand.trip_depart < settings.begin) & ~demand.trip_is_template
    if early.any():
        from urbanlab.city.routing import select_trips

        for trip in early.nonzero()[0].tolist():
            scenario.report.warn("trip departs before begin", demand.trip_id[trip])
        demand = select_trips(demand, ~early)
    return replace(scenario, demand=demand, settings=settings)


_READERS: dict[str, Callable[[Path, _Changes], Scenario]] = {
    "sumocfg": _sumo_config, "net": _sumo_net, "cityflow": _cityflow, "city": _city,
}  # fmt: skip
