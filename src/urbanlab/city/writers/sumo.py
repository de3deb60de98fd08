"""A scenario as SUMO's files, which SUMO itself and our own reader load."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from urbanlab.city.network import Network
from urbanlab.city.program import SignalPrograms
from urbanlab.city.scenario import Closure, Detector, RunSettings, Scenario
from urbanlab.city.writers.sumo_demand import demand_lines, named_places
from urbanlab.city.writers.sumo_net import net_lines, open_tag, permission_attributes, tag
from urbanlab.core.errors import OutputError

__all__ = ["write_sumo", "write_sumo_net"]

_FOREVER = 2147483.0  # [s] about SUMO's largest time


def write_sumo(scenario: Scenario, folder: Path) -> Path:
    """Write `NAME.net.xml`, `NAME.rou.xml`, `NAME.add.xml` and `NAME.sumocfg`; returns the last one's path.

    Raises
    ------
    OutputError
        the folder can't be written
    """
    name = scenario.name or "scenario"
    names = {kind: f"{name}.{kind}.xml" for kind in ("net", "rou", "add")}
    _write(folder / names["net"], net_lines(scenario.network, scenario.programs))
    _write(folder / names["rou"], demand_lines(scenario.demand, scenario.network))
    _write(folder / names["add"], _additional(scenario))
    path = folder / f"{name}.sumocfg"
    _write(path, _configuration(scenario.settings, names))
    return path


def write_sumo_net(network: Network, programs: SignalPrograms, path: Path) -> None:
    """Write a network alone; gzipped where the name ends in `.gz`."""
    _write(path, net_lines(network, programs))


def _write(path: Path, lines: Iterable[str]) -> None:
    """Write aside and rename, so that nobody ever sees half a file."""
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("wb") as raw:
                if path.suffix == ".gz":
                    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
                        _lines(packed, lines)
                else:
                    _lines(raw, lines)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputError(f"{path.name} can't be written", got=problem.strerror or problem, where=str(path)) from None


def _lines(file: IO[bytes] | gzip.GzipFile, lines: Iterable[str]) -> None:
    for line in lines:
        file.write(line.encode())


def _configuration(settings: RunSettings, names: dict[str, str]) -> Iterator[str]:
    values: dict[str, object] = {
        "net-file": names["net"],
        "route-files": names["rou"],
        "additional-files": names["add"],
        "begin": settings.begin,
        "end": settings.end,
        "step-length": settings.step,
        "seed": settings.seed,
        "time-to-teleport": settings.teleport_after if settings.teleport_after > 0 else -1,
        "time-to-teleport.highways": settings.teleport_after_highways or None,
        "max-depart-delay": settings.max_depart_delay if settings.max_depart_delay >= 0 else None,
        "step-method.ballistic": "true" if settings.ballistic else None,
        "ignore-junction-blocker": settings.ignore_junction_blocker if settings.ignore_junction_blocker >= 0 else None,
        "eager-insert": "true" if settings.eager_insert else None,
    }
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n'
    for name, value in values.items():
        if value is not None:
            yield tag(name, value=value)
    yield "</configuration>\n"


def _additional(scenario: Scenario) -> Iterator[str]:
    network, programs = scenario.network, scenario.programs
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<additional>\n'
    for name, (lane, start, end) in named_places(scenario.demand).items():
        yield tag("busStop", id=name, lane=network.lane_id(lane), startPos=start, endPos=end)
    for detector in scenario.detectors:
        yield from _detector(detector, network)
    for number, closure in enumerate(scenario.closures):
        yield from _closure(closure, number, network)
    for number, (signal, time, program) in enumerate(programs.switch_times):
        start = programs.program_id[programs.active_program[signal]]
        yield open_tag("WAUT", id=f"switch{number}", refTime=0, startProg=start)
        yield tag("wautSwitch", time=time, to=programs.program_id[program]) + "</WAUT>\n"
        yield tag("wautJunction", wautID=f"switch{number}", junctionID=network.signal_id[signal])
    yield "</additional>\n"


def _detector(detector: Detector, network: Network) -> Iterator[str]:
    lane = network.lane_id(detector.lane)
    common = {"id": detector.detector_id, "file": detector.file or "NUL"}
    if detector.kind == "loop":
        yield tag("inductionLoop", **common, lane=lane, pos=detector.pos, period=detector.period)
    elif detector.kind == "area":
        end = detector.pos + detector.length
        yield tag("laneAreaDetector", **common, lane=lane, pos=detector.pos, endPos=end, period=detector.period)
    else:
        yield open_tag("entryExitDetector", **common, period=detector.period)
        yield tag("detEntry", lane=lane, pos=detector.pos)
        yield tag("detExit", lane=network.lane_id(detector.end_lane), pos=detector.end_pos)
        yield "</entryExitDetector>\n"


def _closure(closure: Closure, number: int, network: Network) -> Iterator[str]:
    lanes = [network.lane_id(lane) for lane in closure.lanes]
    if closure.speed >= 0:
        yield open_tag("variableSpeedSign", id=f"limit{number}", lanes=" ".join(lanes))
        yield tag("step", time=closure.begin, speed=closure.speed)
        if closure.end < _FOREVER:
            yield tag("step", time=closure.end, speed=-1)
        yield "</variableSpeedSign>\n"
        return
    edges = " ".join(network.edge_id[edge] for edge in closure.reroute_edges)
    allowed = permission_attributes(closure.permissions) or {"allow": "all"}
    yield open_tag("rerouter", id=f"closure{number}", edges=edges, probability=closure.probability)
    yield open_tag("interval", begin=closure.begin, end=closure.end)
    touched = {int(network.lane_edge[lane]): "" for lane in closure.lanes}
    first = network.edge_first_lane
    if sum(int(first[edge + 1] - first[edge]) for edge in touched) == len(set(closure.lanes)):
        for edge in touched:
            yield tag("closingReroute", id=network.edge_id[edge], **allowed)
    else:
        for lane in lanes:
            yield tag("closingLaneReroute", id=lane, **allowed)
    yield "</interval>\n</rerouter>\n"
