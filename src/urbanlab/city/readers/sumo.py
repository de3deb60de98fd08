"""Front door to SUMO's files: a configuration, or a network with routes and additional files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from urbanlab.city.acted_on import note_idle_settings
from urbanlab.city.readers.sumo_additional import AdditionalReader
from urbanlab.city.readers.sumo_config import SumoConfig, read_config
from urbanlab.city.readers.sumo_demand import DemandReader, DemandRules
from urbanlab.city.readers.sumo_net import read_net
from urbanlab.city.readers.sumo_signals import ProgramReader
from urbanlab.city.readers.sumo_trips import build_demand
from urbanlab.city.readers.sumo_types import TypeReader
from urbanlab.city.readers.xml_stream import DEFAULT_LIMITS, ElementHandlers, XmlLimits, parse_xml
from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.core.errors import FileError, UrbanlabError

__all__ = ["read_sumo", "read_sumo_config"]

Attributes = dict[str, str]
_SETTINGS = RunSettings()
_NOTHING: Mapping[str, Any] = {}
MAX_INCLUDES = 8  # files that include files
# SUMO takes any outermost element here; these are what its tools and its users write
_ROOTS = frozenset({
    "routes", "additional", "additionals", "add", "trips", "vehicles", "flows", "vtypes", "vTypes", "tlLogics", "tls",
    "detectors", "detector", "calibrators", "rerouters", "busStops", "stops", "shapes", "polygons", "pois", "inputs",
    "input", "root", "a", "e1", "e2", "e3", "E1", "E2", "E3", "WAUTs", "variableSpeedSigns", "persons", "tazs",
    "ptLines",
    "route-alternatives", "routes-alternatives", "demand",
})  # fmt: skip


class _Document(ElementHandlers):
    """One file of demand or additional elements, read by all who know its elements."""

    def __init__(self, programs: ProgramReader, types: TypeReader, additional: AdditionalReader, demand: DemandReader) -> None:
        super().__init__(_ROOTS, "a SUMO route or additional file")
        self.programs, self.types, self.additional = programs, types, additional
        self.hashes: dict[str, str] = {}
        for reader in (programs, types, additional, demand):
            reader.attach(self)
        self.demand = demand
        self.starts["param"] = self._param
        self.starts["include"] = self._include
        self._open_files: list[Path] = []

    def read(self, path: Path, limits: XmlLimits) -> None:
        """Read a file and what it includes."""
        self._open_files.append(path)
        self._limits = limits
        self.demand.begin_file(path.name)
        digest = parse_xml(path, self, limits)
        self.hashes[_free(path.name, self.hashes)] = digest
        self._open_files.pop()

    def _param(self, attributes: Attributes) -> None:
        if not (self.programs.param(attributes) or self.types.param(attributes)):
            self.demand.param(attributes)

    def _include(self, attributes: Attributes) -> None:
        name = attributes.get("href", "")
        if not name or len(self._open_files) > MAX_INCLUDES:
            raise FileError("a file can't be included here", got=repr(name[:80]), expected=f"at most {MAX_INCLUDES} levels")
        path = self._open_files[-1].parent / name
        self.read(path, self._limits)
        self.demand.begin_file(self.file)

    def unknown(self, name: str, attributes: Attributes) -> None:
        self.additional.unknown(name, attributes)


def read_sumo_config(
    path: Path,
    *,
    routes: Sequence[Path] = (),
    additional: Sequence[Path] = (),
    settings: Mapping[str, Any] = _NOTHING,
    report: ImportReport | None = None,
    limits: XmlLimits = DEFAULT_LIMITS,
) -> Scenario:
    """Read the scenario that a `.sumocfg` describes.

    Parameters
    ----------
    path : the configuration; the files it names are looked for beside it
    routes, additional : files instead of those that it names
    settings : fields of `RunSettings` that override it, as options on SUMO's command line do
    report : grows with what is not modelled; a new one is made where none is given
    limits : what each file may cost at most

    Raises
    ------
    FileError, NetworkError, ProgramError, DemandError, ConfigError
        see `urbanlab.core.errors`
    """
    report = ImportReport() if report is None else report
    config = read_config(path, report, limits)
    config = replace(
        config,
        routes=tuple(routes) or config.routes,
        additional=tuple(additional) or config.additional,
        settings=replace(config.settings, **settings),
        types=replace(config.types, step=settings.get("step", config.types.step)),
    )
    name = path.name.removesuffix(".gz").removesuffix(".sumocfg")
    return _read(config, report, limits, name=name, source=path, hashes={path.name: config.digest})


def read_sumo(
    net: Path,
    routes: Sequence[Path],
    additional: Sequence[Path] = (),
    *,
    settings: RunSettings = _SETTINGS,
    name: str = "",
    report: ImportReport | None = None,
    limits: XmlLimits = DEFAULT_LIMITS,
) -> Scenario:
    """Read a network with its routes and additional files, without a configuration.

    Parameters
    ----------
    net, routes, additional : files, plain or gzipped; types, routes and vehicles may stand in any of the latter two
    settings : how the scenario is to be run; trips that depart before its begin are skipped, as SUMO does
    name : of the scenario; the network's where none is given
    report : grows with what is not modelled
    """
    report = ImportReport() if report is None else report
    config = SumoConfig(net=net, routes=tuple(routes), additional=tuple(additional), settings=settings)
    name = name or net.name.removesuffix(".gz").removesuffix(".xml").removesuffix(".net")
    return _read(config, report, limits, name=name, source=net, hashes={})


def _read(config: SumoConfig, report: ImportReport, limits: XmlLimits, *, name: str, source: Path, hashes: dict[str, str]) -> Scenario:
    programs, types = ProgramReader(report, begin=config.settings.begin), TypeReader(report, config.types)
    network, digest = read_net(config.net, report, programs, limits)
    hashes = dict(hashes)
    hashes[_free(config.net.name, hashes)] = digest
    note_idle_settings(config.settings, report)
    rules = DemandRules(config.settings, config.ignore_route_errors, config.depart_defaults)
    additional, demand = AdditionalReader(network, report), DemandReader(network, report, rules)
    document = _Document(programs, types, additional, demand)
    document.hashes = hashes
    for path in (*config.additional, *config.routes):
        document.read(path, limits)
    try:
        signals, trips = programs.build(), build_demand(demand, types, additional.places)
    except UrbanlabError as problem:
        problem.where = problem.where or source.name
        raise
    return Scenario(
        name=name,
        network=network,
        programs=signals,
        demand=trips,
        settings=config.settings,
        report=report,
        detectors=tuple(additional.detectors),
        closures=tuple(additional.closures),
        input_hashes=document.hashes,
        source=str(source),
    )


def _free(name: str, taken: dict[str, str]) -> str:
    """The file's name, with a number where another folder has one of the same name."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free
