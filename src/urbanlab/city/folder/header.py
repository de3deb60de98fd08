"""`city.json`: what a city folder says beside its tables, and the hashes that hold it together."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any

from urbanlab.city.network import VEHICLE_CLASSES
from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.core.errors import FileError

__all__ = [
    "HEADER",
    "SCHEMA",
    "SETTINGS_UNITS",
    "digest_of",
    "header_of",
    "network_fields",
    "parse_header",
    "program_fields",
    "read_report",
    "read_settings",
    "settings_of",
]

HEADER = "city.json"
SCHEMA = "urbanlab/city/1"
SETTINGS_UNITS = {
    "begin": "s", "end": "s", "step": "s", "teleport_after": "s", "teleport_after_highways": "s", "max_depart_delay": "s",
    "ignore_junction_blocker": "s",
}  # fmt: skip
NETWORK_UNITS = {"offset_x": "m", "offset_y": "m"}
_NETWORK = ("projection", "offset_x", "offset_y", "lefthand", "source_version", "attributes")
_PROGRAMS = ("source", "attributes")
_KEYS = frozenset({
    "schema", "made_by", "name", "source", "licence", "network", "programs", "settings", "vehicle_classes", "report", "inputs",
    "files", "digest",
})  # fmt: skip


def _is_map_of(value: Any, is_right: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(map(is_right, value.values()))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_file(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == {"rows", "bytes", "sha256"}
        and _is_count(entry["rows"])
        and _is_count(entry["bytes"])
        and _is_text(entry["sha256"])
    )


def _is_report(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"not_modelled", "warnings", "examples"}
        and _is_map_of(value["not_modelled"], _is_count)
        and _is_map_of(value["warnings"], _is_count)
        and _is_map_of(value["examples"], _is_list_of_texts)
    )


_FORMS: dict[str, Callable[[Any], bool]] = {
    "made_by": _is_text, "name": _is_text, "source": _is_text, "licence": _is_text, "report": _is_report,
    "inputs": lambda value: _is_map_of(value, _is_text), "files": lambda value: _is_map_of(value, _is_file),
}  # fmt: skip
_OPTIONAL = {"end": float, "seed": int}  # fields of settings that may be None


def header_of(scenario: Scenario, *, made_by: str, files: dict[str, Any]) -> dict[str, Any]:
    """The content of `city.json`."""
    report = scenario.report
    content: dict[str, Any] = {
        "schema": SCHEMA, "made_by": made_by, "name": scenario.name, "source": scenario.source, "licence": scenario.licence,
        "network": _of(scenario.network, _NETWORK, NETWORK_UNITS),
        "programs": _of(scenario.programs, _PROGRAMS, {}),
        "settings": settings_of(scenario.settings),
        "vehicle_classes": list(VEHICLE_CLASSES),
        "report": {"not_modelled": dict(report.not_modelled), "warnings": dict(report.warnings), "examples": report.examples},
        "inputs": scenario.input_hashes, "files": files,
    }  # fmt: skip
    return content | {"digest": digest_of(content)}


def digest_of(content: dict[str, Any]) -> str:
    """Hash of everything in `city.json` but the hash itself; how it is laid out does not matter."""
    kept = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def settings_of(settings: RunSettings) -> dict[str, Any]:
    """Settings by names that carry their units."""
    return _of(settings, tuple(entry.name for entry in fields(settings)), SETTINGS_UNITS)


def _of(owner: Any, names: tuple[str, ...], units: dict[str, str]) -> dict[str, Any]:
    return {_key(name, units): _plain(getattr(owner, name)) for name in names}


def _key(name: str, units: dict[str, str]) -> str:
    return f"{name}_{units[name]}" if name in units else name


def _plain(value: Any) -> Any:
    """JSON knows neither nan nor inf."""
    return repr(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


def parse_header(text: bytes) -> dict[str, Any]:
    """The content of `city.json`, its form and its hash checked.

    Raises
    ------
    FileError : no JSON, another schema, missing or unknown keys, changed content
    """
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise FileError(
            f"{HEADER} is damaged or cut off", got=str(problem)[:100], expected="JSON", hint="build the city again, or restore a copy"
        ) from None
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        newer = isinstance(schema, str) and schema.startswith(SCHEMA.rpartition("/")[0])
        raise FileError(
            f"{HEADER} is of a kind that this version does not read",
            got=repr(schema)[:80], expected=repr(SCHEMA),
            hint="it was made by another version of urbanlab; build the city again with this one" if newer else "",
        )  # fmt: skip
    if content.keys() != _KEYS:
        raise FileError(f"{HEADER} has other keys than it should", got=", ".join(sorted(content.keys() ^ _KEYS)))
    try:
        intact = content["digest"] == digest_of(content)
    except (ValueError, RecursionError):
        intact = False
    if not intact:
        raise FileError(
            f"{HEADER} was changed after it had been written", got="another hash than it states",
            hint="restore a copy, or build the city again",
        )  # fmt: skip
    for key, is_right in _FORMS.items():
        if not is_right(content[key]):
            raise FileError(f"'{key}' in {HEADER} has another type than it should", got=repr(content[key])[:80])
    if content["vehicle_classes"] != list(VEHICLE_CLASSES):
        raise FileError(f"{HEADER} counts other vehicle classes than this version", expected=", ".join(VEHICLE_CLASSES))
    return dict(content)


def read_settings(content: dict[str, Any]) -> RunSettings:
    """Settings from their names with units."""
    return RunSettings(**_fields(RunSettings, content["settings"], SETTINGS_UNITS, "settings"))


def network_fields(content: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Fields of the network that are no columns."""
    return _fields(kind, content["network"], NETWORK_UNITS, "network", _NETWORK)


def program_fields(content: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Fields of the programs that are no columns."""
    return _fields(kind, content["programs"], {}, "programs", _PROGRAMS)


def read_report(content: dict[str, Any]) -> ImportReport:
    """The import report."""
    report = content["report"]
    return ImportReport(Counter(report["not_modelled"]), Counter(report["warnings"]), dict(report["examples"]))


def _fields(kind: type[Any], written: Any, units: dict[str, str], where: str, names: tuple[str, ...] = ()) -> dict[str, Any]:
    known = {_key(entry.name, units): entry for entry in fields(kind) if not names or entry.name in names}
    if not isinstance(written, dict) or written.keys() != known.keys():
        raise FileError(f"'{where}' in {HEADER} has other keys than it should", expected=", ".join(known))
    return {entry.name: _checked(entry, written[key], f"'{where}.{key}' in {HEADER}") for key, entry in known.items()}


def _checked(entry: Field[Any], value: Any, where: str) -> Any:
    """The value, of the type that the field's default has."""
    if value is None and entry.default is None:
        return None
    kind = _OPTIONAL.get(entry.name) or (dict if entry.default is MISSING else type(entry.default))
    if kind is float and not isinstance(value, bool | dict | list):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    is_text = kind is not dict or (isinstance(value, dict) and all(isinstance(text, str) for text in value.values()))
    if type(value) is not kind or not is_text:
        raise FileError(f"{where} has another type than it should", got=repr(value)[:80], expected=kind.__name__)
    return value
