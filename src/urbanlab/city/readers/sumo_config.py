"""Configurations of SUMO (`.sumocfg`): files, times and options."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from urbanlab.city.readers.sumo_types import TypeDefaults
from urbanlab.city.readers.sumo_values import Values, nearest
from urbanlab.city.readers.xml_stream import DEFAULT_LIMITS, ElementHandlers, XmlLimits, parse_xml
from urbanlab.city.scenario import ImportReport, RunSettings
from urbanlab.core.errors import ConfigError

__all__ = ["SumoConfig", "read_config"]

Attributes = dict[str, str]
_SYNONYMS = {
    "n": "net-file", "net": "net-file", "r": "route-files", "routes": "route-files", "a": "additional-files",
    "additional": "additional-files", "w": "weight-files", "weights": "weight-files", "b": "begin", "e": "end",
    "srand": "seed", "abs-rand": "random", "carfollow.model": "default.carfollowmodel", "s": "route-steps",
    "max-depart-delay": "max-depart-delay", "incremental-dua-step": "route-steps",
}  # fmt: skip
# Defaults of the options of SUMO 1.28.0 that can change a run (its own --save-template). A configuration that sets
# one of them to another value is noted, unless it is read below.
_DEFAULTS = {
    "weight-files": "", "load-state": "", "extrapolate-departpos": "false", "lateral-resolution": "-1",
    "no-internal-links": "false", "ignore-accidents": "false", "collision.action": "teleport",
    "collision.stoptime": "0",
    "collision.check-junctions": "false", "collision.mingap-factor": "-1", "keep-after-arrival": "0",
    "max-num-vehicles": "-1", "max-num-persons": "-1", "max-num-teleports": "-1", "scale": "1",
    "time-to-teleport.highways.min-speed": "19.1667", "time-to-teleport.disconnected": "-1",
    "time-to-teleport.remove": "false", "time-to-teleport.remove-constraint": "false",
    "time-to-teleport.railsignal-deadlock": "-1", "weights.random-factor.dynamic": "false",
    "weights.reversal-penalty": "60",
    "time-to-teleport.ride": "-1", "time-to-teleport.bidi": "-1", "waiting-time-memory": "100",
    "startup-wait-threshold": "2", "sloppy-insert": "false", "emergency-insert": "false", "insertion-checks": "all",
    "random-depart-offset": "0", "lanechange.duration": "0", "lanechange.overtake-right": "false",
    "tls.all-off": "false",
    "tls.actuated.jam-threshold": "-1", "tls.actuated.detector-length": "0", "tls.delay_based.detector-range": "100",
    "tls.yellow.min-decel": "3", "time-to-impatience": "180", "default.action-step-length": "0",
    "parking.maneuver": "false",
    "use-stop-ended": "false", "use-stop-started": "false", "weights.random-factor": "1",
    "weights.tls-penalty": "0", "weights.priority-factor": "0", "weights.separate-turns": "0", "random": "false",
    "device.driverstate.probability": "-1",
    "device.toc.probability": "-1", "device.taxi.probability": "-1", "device.glosa.probability": "-1",
    "device.bluelight.probability": "-1", "device.friction.probability": "-1", "device.fcd-replay.probability": "-1",
    "device.stationfinder.probability": "-1", "device.battery.probability": "-1", "mesosim": "false",
}  # fmt: skip
_DEFAULTS |= {f"{name.removesuffix('probability')}explicit": "" for name in _DEFAULTS if name.endswith(".probability")}
# they set up outputs, messages, windows, threads, or parts that need one of the options above or persons
_SILENT = re.compile(
    r"(.*output.*|.*-dump.*|fcd-.*|vehroutes.*|tripinfo.*|write-.*|precision.*|human-readable-time|save-.*|person.*|"
    r"verbose|print-options|help|version|xml-validation.*|no-warnings|suppress-warnings|aggregate-warnings|.*log.*|"
    r"language|emissions\..*|phemlight.*|device\.(emissions|bt|ssm|fcd(?!-replay)|tripinfo|vehroute|example|elechybrid).*|"
    r"device\.[a-z-]+\.(?!probability$|period$|explicit$|knownveh$).*|meso-.*|gui.*|quit-on-end|start|delay|game.*|demo|"
    r"window-.*|breakpoints|edgedata-files|disable-textures|registry-viewport|tracker-interval|selection-file|threads|"
    r"thread-rngs|route-steps|routing-.*|remote-port|num-clients|pedestrian\..*|railsignal.*|mapmatch.*|ride\..*|"
    r"configuration-file|junction-taz|tls\.actuated\.show-detectors|astar\..*|intermodal-collision.*|scale-suffix|"
    r"slope-centered|overhead-wire.*|emergencydecel\.warning-threshold|weight-attribute|alternative-net-file|"
    r"collision\.check-junctions\.mingap|load-state\..*|railway.*|replay-rerouting|n|d|g|v|t|W|Q|S|D|G|l|L|C|X)\Z"
)
_KNOWN = frozenset(_DEFAULTS) | {
    "net-file", "route-files", "additional-files", "begin", "end", "step-length", "seed", "time-to-teleport",
    "time-to-teleport.highways", "max-depart-delay", "step-method.ballistic", "ignore-junction-blocker",
    "ignore-route-errors", "eager-insert", "default.departspeed", "default.departlane", "default.departpos",
    "default.carfollowmodel", "default.speeddev", "default.emergencydecel",
}  # fmt: skip
# to the router and to drivers who look for faster ways, among the settings' options
_PASSED_ON = frozenset({
    "ignore-route-errors", "weights.minor-penalty", "weights.turnaround-penalty", "device.rerouting.probability", "device.rerouting.period",
    "device.rerouting.explicit", "device.rerouting.pre-period", "device.rerouting.synchronize",
    "device.rerouting.adaptation-weight", "device.rerouting.adaptation-steps", "device.rerouting.adaptation-interval",
})  # fmt: skip


@dataclass(frozen=True)
class SumoConfig:
    """What a configuration says, with paths made absolute or relative to where we are."""

    net: Path
    routes: tuple[Path, ...] = ()
    additional: tuple[Path, ...] = ()
    settings: RunSettings = field(default_factory=RunSettings)
    types: TypeDefaults = field(default_factory=TypeDefaults)
    depart_defaults: dict[str, str] = field(default_factory=dict)
    ignore_route_errors: bool = False
    digest: str = ""


class _Options(ElementHandlers):
    """Every element with a value is an option, in whatever section it stands."""

    def __init__(self) -> None:
        super().__init__(frozenset({"configuration", "sumoConfiguration"}), "a SUMO configuration")
        self.options: dict[str, tuple[str, str]] = {}  # value, place

        class Names(dict[str, Callable[[Attributes], None]]):
            """Each element's function knows the element's name."""

            def get(self, name: str, _: object = None) -> Callable[[Attributes], None]:
                return lambda attributes: keep(name, attributes)

        def keep(name: str, attributes: Attributes) -> None:
            value = attributes.get("value", attributes.get("v"))
            if value is not None:
                self.options[_SYNONYMS.get(name, name)] = (value, self.where())

        self.starts = Names()


def read_config(path: Path, report: ImportReport, limits: XmlLimits = DEFAULT_LIMITS) -> SumoConfig:
    """Read a configuration; options that change a run and are not modelled go into the report."""
    reader = _Options()
    digest = parse_xml(path, reader, limits)
    options = {name: value for name, (value, _) in reader.options.items()}
    values = Values(ConfigError)
    where = {name: place for name, (_, place) in reader.options.items()}
    if not options.get("net-file", "").strip():
        raise ConfigError(
            f"{path.name} names no network", expected='<net-file value="..."/>', where=path.name,
            hint=nearest("net-file", options),
        )  # fmt: skip
    for name, value in options.items():
        _note(name, value, report)
    try:
        settings, defaults = _settings(options, values), _type_defaults(options, values)
        ignore = values.flag(options, "ignore-route-errors", default=False)
    except ConfigError as problem:
        place = next((where[name] for name in where if f"'{name}'" in problem.message), path.name)
        problem.where = problem.where or place
        raise
    departs = {
        "departSpeed": "default.departspeed",
        "departLane": "default.departlane",
        "departPos": "default.departpos",
    }
    return SumoConfig(
        net=path.parent / options["net-file"].strip(),
        routes=_files(options.get("route-files", ""), path.parent),
        additional=_files(options.get("additional-files", ""), path.parent),
        settings=settings,
        types=defaults,
        depart_defaults={key: options[name] for key, name in departs.items() if name in options},
        ignore_route_errors=ignore,
        digest=digest,
    )


def _files(text: str, folder: Path) -> tuple[Path, ...]:
    """A list of files, separated by commas, semicolons or blanks; a file's own name may have blanks between commas."""
    found: list[Path] = []
    for part in re.split(r"[,;]", text):
        name = part.strip()
        if not name:
            continue
        if " " in name and not _is_file(folder / name):
            found += [folder / piece for piece in name.split()]
        else:
            found.append(folder / name)
    return tuple(found)


def _is_file(path: Path) -> bool:
    """No error for names that no disk takes."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _note(name: str, value: str, report: ImportReport) -> None:
    if name in _DEFAULTS:
        if not _same(value, _DEFAULTS[name]):
            report.note(f"option {name}", value)
    elif name not in _KNOWN | _PASSED_ON and not _SILENT.match(name):
        report.note(f"option {name}", value)


def _same(value: str, default: str) -> bool:
    try:
        return float(value) == float(default)
    except ValueError:
        return value.strip().lower() == default or (value.strip().lower() in ("0", "off", "no") and default == "false")


def _settings(options: dict[str, str], values: Values) -> RunSettings:
    begin, end = values.time(options, "begin", 0.0), values.time(options, "end", -1.0)
    if begin < 0:
        raise ConfigError("'begin' may not be negative", got=options["begin"], expected="0 s or later")
    if 0 <= end < begin:
        raise ConfigError("'end' lies before the begin", got=f"{begin:g} to {end:g} s", expected="begin <= end")
    step = values.time(options, "step-length", 1.0)
    if not 0.1 - 1e-9 <= step <= 1.0 + 1e-9:
        raise ConfigError("'step-length' is out of range", got=f"{step:g} s", expected="0.1 to 1 s")
    taken = _KNOWN - _DEFAULTS.keys() - _PASSED_ON - {"net-file", "route-files", "additional-files"}
    return RunSettings(
        begin=begin,
        end=None if end < 0 else end,
        step=step,
        seed=values.whole(options, "seed") if "seed" in options else None,
        teleport_after=values.time(options, "time-to-teleport", 300.0),
        teleport_after_highways=values.time(options, "time-to-teleport.highways", 0.0),
        max_depart_delay=values.time(options, "max-depart-delay", -1.0),
        ballistic=values.flag(options, "step-method.ballistic", default=False),
        ignore_junction_blocker=values.time(options, "ignore-junction-blocker", -1.0),
        eager_insert=values.flag(options, "eager-insert", default=False),
        options={name: value for name, value in options.items() if name not in taken and "file" not in name},
    )


def _type_defaults(options: dict[str, str], values: Values) -> TypeDefaults:
    deviation = values.number(options, "default.speeddev", -1.0)
    rule = options.get("default.emergencydecel", "default")
    if rule not in ("default", "decel"):
        values.positive(options, "default.emergencydecel")
    return TypeDefaults(
        speed_deviation=deviation if deviation >= 0 else None,
        emergency_decel=rule,
        car_following=options.get("default.carfollowmodel", "Krauss"),
        step=values.time(options, "step-length", 1.0),
    )
