"""`urbanlab city`: import a city, make one, describe one."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from urbanlab.cli.options import file_list, json_option, out_option, verbose_option

__all__ = ["city"]

WIDTH = 40  # characters of a full bar of the demand profile


@click.group()
def city() -> None:
    """Cities on disk: import them, make them, describe them."""


@city.command()
@click.argument("source", type=click.Path(path_type=Path))
@out_option
@click.option("--routes", metavar="FILES", multiple=True, callback=file_list, help="Route files, separated by commas.")
@click.option("--additional", metavar="FILES", multiple=True, callback=file_list, help="Additional files, separated by commas.")
@click.option("--licence", default="", help="Of the source's data, kept in the city.")
@click.option("--strict", is_flag=True, help="What the source contains and urbanlab does not model is an error.")
@json_option
@verbose_option
def build(
    source: Path, out: Path, routes: tuple[Path, ...], additional: tuple[Path, ...], licence: str, strict: bool, as_json: bool
) -> None:
    """Import SOURCE as a city folder.

    SOURCE is a .sumocfg, a SUMO .net.xml with --routes, a CityFlow config.json or folder, a city folder of
    urbanlab, or a .toml scenario.
    """
    from urbanlab.city.folder import City
    from urbanlab.city.load import load, require_modelled

    _say(f"reading {source}", as_json)
    scenario = load(source, routes=routes, additional=additional)
    if strict:
        require_modelled(scenario)
    _save(City(replace(scenario, licence=licence) if licence else scenario), out, as_json)


@city.command()
@click.argument("spec")
@out_option
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=42, show_default=True, help="Of everything that is drawn.")
@json_option
@verbose_option
def make(spec: str, out: Path, seed: int, as_json: bool) -> None:
    """Make a synthetic city from SPEC.

    SPEC is a kind with options, such as grid:rows=4,cols=6  ring:  river:junctions=2000,trips=30000  or demo.
    The same SPEC and seed give the same city, bit for bit.
    """
    from urbanlab.city.folder import City
    from urbanlab.city.synthetic import make as make_city

    _say(f"making {spec} from seed {seed}", as_json)
    _save(City(make_city(spec, seed=seed)), out, as_json)


@city.command()
@click.argument("folder", metavar="CITY", type=click.Path(path_type=Path))
@json_option
@verbose_option
def info(folder: Path, as_json: bool) -> None:
    """Describe the city folder CITY: its counts, extent, programs, demand, checks and where it comes from.

    Every file is held against its hash and every table against the checks.
    """
    from urbanlab.city.folder import City

    figures = City.load(folder).figures()
    click.echo(_as_json({"city": str(folder), **figures}) if as_json else _text(figures))


def _save(made: Any, out: Path, as_json: bool) -> None:
    """Write a city and say what it is."""
    _say(f"writing {out}", as_json)
    path = made.save(out)
    figures = made.figures()
    if as_json:
        click.echo(_as_json({"city": str(path), **figures}))
        return
    click.echo(_text(figures))
    click.echo(f"\nCity: {path}\nTry next:\n  urbanlab simulate {out} --out run")


def _say(text: str, as_json: bool) -> None:
    """Progress, where somebody looks on."""
    if not as_json and sys.stderr.isatty():
        click.echo(f"{text} ...", err=True)


def _as_json(figures: dict[str, Any]) -> str:
    return json.dumps({"schema": "urbanlab/city-info/1", **figures}, allow_nan=False)


def _text(figures: dict[str, Any]) -> str:
    network, signals, demand = figures["network"], figures["signals"], figures["demand"]
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in list(network["junctions_by_type"].items())[:4])
    rows = [
        ("city", figures["name"]),
        ("source", figures["source"] or "not stated"),
        ("licence", figures["licence"] or "not stated: ask the source before publishing anything"),
        ("extent", f"{network['width_m'] / 1e3:,.2f} x {network['height_m'] / 1e3:,.2f} km"),
        ("streets", f"{network['street_length_m'] / 1e3:,.1f} km, {network['lane_length_m'] / 1e3:,.1f} km of lanes"),
        ("junctions", f"{network['junctions']:,} ({kinds})"),
        ("edges", f"{network['edges']:,} with {network['lanes']:,} lanes, {network['connections']:,} connections"),
        ("signals", _signals(signals)),
        ("time", f"from {figures['begin_s']:g} s to {_end(figures['end_s'])}, step {figures['step_s']:g} s"),
        ("trips", _trips(demand)),
        ("vehicles", ", ".join(f"{count:,} {kind}" for kind, count in list(demand["vehicle_types"].items())[:6]) or "none"),
    ]
    lines = [f"{name:<10} {text}" for name, text in rows]
    lines += _profile(demand["profile"])
    lines += _counts("not modelled", figures["not_modelled"], "everything in the source is modelled")
    lines += _counts("imperfect", figures["warnings"], "all checks pass")
    lines += _inputs(figures["inputs"])
    return "\n".join(lines)


def _end(end: float | None) -> str:
    return "the last arrival" if end is None else f"{end:g} s"


def _signals(signals: dict[str, Any]) -> str:
    if not signals["signals"]:
        return "none"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in signals["programs_by_type"].items())
    cycle = ""
    if signals["cycle_min_s"] is not None:
        low, high = signals["cycle_min_s"], signals["cycle_max_s"]
        cycle = f", cycle {low:g} s" if low == high else f", cycles {low:g} to {high:g} s"
    return f"{signals['signals']:,}, programs: {kinds}{cycle}"


def _trips(demand: dict[str, Any]) -> str:
    stops = f", {demand['stops']:,} stops" if demand["stops"] else ""
    flows = f"{demand['flows']:,} flow{'s' * (demand['flows'] > 1)} of {demand['flow_vehicles']:,} vehicles" if demand["flows"] else ""
    if flows and not demand["trips"]:
        return f"{flows}{stops}"
    routed = "all with routes" if demand["with_route"] == demand["trips"] else f"{demand['with_route']:,} with routes"
    return f"{demand['trips']:,}, {routed}{', and ' + flows if flows else ''}{stops}"


def _profile(profile: dict[str, Any]) -> list[str]:
    """Departures by period as bars."""
    departures = profile["departures"]
    if not departures:
        return []
    lines = [f"departures by {profile['period_s'] / 60:g} min"]
    for number, count in enumerate(departures):
        bar = "#" * round(WIDTH * count / max(departures))
        lines.append(f"  {_clock(profile['begin_s'] + number * profile['period_s'])} {count:>8,} {bar}")
    return lines


def _clock(time: float) -> str:
    minutes = int(time // 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _counts(title: str, counts: dict[str, int], none: str) -> list[str]:
    if not counts:
        return [f"{title:<12} nothing: {none}"]
    return [title, *(f"  {count:>8,} {kind}" for kind, count in sorted(counts.items()))]


def _inputs(inputs: dict[str, str]) -> list[str]:
    return ["inputs (sha256)", *(f"  {digest[:16]} {name}" for name, digest in inputs.items())] if inputs else []
