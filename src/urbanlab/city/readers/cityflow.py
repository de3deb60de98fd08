"""Front door to CityFlow's files: a configuration, or a folder with a road net and a flow file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from urbanlab.city.readers.cityflow_flow import read_flows
from urbanlab.city.readers.cityflow_json import DEFAULT_LIMITS, JsonLimits, JsonStream
from urbanlab.city.readers.cityflow_network import build_network
from urbanlab.city.readers.cityflow_roadnet import read_roadnet
from urbanlab.city.readers.cityflow_routes import RouteFinder
from urbanlab.city.readers.cityflow_values import Values
from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.core.errors import ConfigError, FileError

__all__ = ["DEFAULT_END", "read_cityflow"]

DEFAULT_END = 3600.0
"""[s] CityFlow's files have no end; its users run an hour."""

MIN_STEP, MAX_STEP = 0.001, 10.0  # [s]
_KNOWN = frozenset({
    "interval", "seed", "dir", "roadnetFile", "flowFile", "rlTrafficLight", "laneChange", "saveReplay", "roadnetLogFile",
    "replayLogFile",
})  # fmt: skip
_LANE_CHANGE = "laneChange: CityFlow's lane changes are not modelled, vehicles keep to the lanes of their route"


class _Config(NamedTuple):
    """What a configuration says; the defaults hold where there is none."""

    roadnet: Path
    flow: Path
    settings: RunSettings
    digests: dict[str, str]


def read_cityflow(
    path: Path, *, flow: Path | None = None, report: ImportReport | None = None, limits: JsonLimits = DEFAULT_LIMITS
) -> Scenario:
    """Read a CityFlow scenario.

    Parameters
    ----------
    path : a configuration (`config.json`), or a folder with `roadnet.json`, `flow.json` and perhaps `config.json`;
        each plain or gzipped. Without a configuration the step is 1 s and there are no lane changes.
    flow : a flow file instead of the one named there
    report : grows with what is not modelled; a new one is made where none is given
    limits : what each file may cost at most

    Raises
    ------
    FileError, NetworkError, ProgramError, DemandError, ConfigError
        see `urbanlab.core.errors`
    """
    report = ImportReport() if report is None else report
    path = Path(path)
    config = _folder(path, flow, report, limits) if path.is_dir() else _config(path, flow, report, limits)
    net = read_roadnet(config.roadnet, report, limits)
    network, programs = build_network(net, report)
    roads = {road.road_id: k for k, road in enumerate(net.roads)}
    demand, flow_digest = read_flows(config.flow, roads, RouteFinder(net, network), report, limits)
    hashes = config.digests | {config.roadnet.name: net.digest, config.flow.name: flow_digest}
    return Scenario(
        name=_name(path),
        network=network,
        programs=programs,
        demand=demand,
        settings=config.settings,
        report=report,
        input_hashes=hashes,
        source=str(path),
    )


def _name(path: Path) -> str:
    """The folder's name, or the configuration's, or the folder's of one that is just called `config`."""
    if path.is_dir():
        return path.resolve().name
    own = path.name.removesuffix(".gz").removesuffix(".json")
    return path.resolve().parent.name if own == "config" else own


def _existing(*candidates: Path) -> Path | None:
    """The first file that is there, plain or gzipped."""
    for path in candidates:
        for variant in (str(path), f"{path}.gz"):
            if os.path.isfile(variant):  # noqa: PTH113  # no error for impossible names
                return Path(variant)
    return None


_SETTINGS = RunSettings(begin=0.0, end=DEFAULT_END, step=1.0, teleport_after=-1.0, lane_change=False, model="cityflow")
"""Of a folder without a configuration."""


def _folder(path: Path, flow: Path | None, report: ImportReport, limits: JsonLimits) -> _Config:
    config = _existing(path / "config.json")
    if config is not None:
        return _config(config, flow, report, limits)
    roadnet = _existing(path / "roadnet.json")
    demand = _existing(path / "flow.json") if flow is None else flow
    if roadnet is None or demand is None:
        lacking = [name for name, place in (("roadnet.json", roadnet), ("flow.json", demand)) if place is None]
        raise FileError(
            f"the folder '{path.name}' is not a CityFlow scenario",
            got=f"no {' and no '.join(lacking)}",
            expected="roadnet.json and flow.json, plain or gzipped",
            where=str(path),
        )
    return _Config(roadnet, demand, _SETTINGS, {})


def _config(path: Path, flow: Path | None, report: ImportReport, limits: JsonLimits) -> _Config:
    stream = JsonStream(path, limits)
    item = Values(stream.value(), path.name, ConfigError)
    stream.end()
    for key in item.unknown(_KNOWN):
        report.note(f"configuration key '{key[:40]}'")
    step = item.number("interval", low=MIN_STEP, high=MAX_STEP)
    if abs(step * 1000.0 - round(step * 1000.0)) > 1e-6:
        raise ConfigError("the interval has to be whole milliseconds", got=f"{step} s", where=path.name)
    lane_change = item.flag("laneChange", default=False)
    if lane_change:
        report.note(_LANE_CHANGE)
    if item.flag("saveReplay", default=False):
        report.note("saveReplay: CityFlow's replay files are not written")
    if item.flag("rlTrafficLight", default=False):
        report.warn("rlTrafficLight: without a controller the signals run the road net's own phases; CityFlow stays in the first")
    seed = item.whole("seed") if "seed" in item.given else None
    folder = item.text("dir") if "dir" in item.given else ""
    options = {key: _written(item.given[key]) for key in item.given if key in _KNOWN}
    return _Config(
        roadnet=_named(path, folder, item.text("roadnetFile"), "roadnetFile"),
        flow=_named(path, folder, item.text("flowFile"), "flowFile") if flow is None else flow,
        settings=replace(_SETTINGS, step=step, seed=seed, lane_change=lane_change, options=options),
        digests={path.name: stream.digest},
    )


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named(config: Path, folder: str, name: str, key: str) -> Path:
    """A file that the configuration names: seen from the configuration, else from where we are, as CityFlow sees it."""
    tried = (config.parent / (folder + name), Path(folder + name), config.parent / name)
    found = _existing(*tried)
    if found is None:
        raise FileError(
            f"the file of '{key}' does not exist",
            got=repr((folder + name)[:200]),
            expected="a path that begins at the configuration or where the program runs",
            where=config.name,
        )
    return found
