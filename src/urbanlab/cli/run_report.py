"""What `urbanlab simulate` prints: the main figures as text, and one line on what was imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanlab.city.scenario import ImportReport

__all__ = ["figures_text", "import_line"]


def figures_text(summary: Mapping[str, Any]) -> str:
    """A compact table of the main figures of a summary."""
    controller = summary["provenance"]["configuration"]["controller"]
    head = (
        f"{summary['scenario']}: {summary['begin_s']:g} to {summary['end_s']:g} s, seed {summary['seed']}, "
        f"signals: {controller}{', interrupted' if summary['interrupted'] else ''}"
    )
    rows = [(label, _filled(text, summary)) for label, text in _ROWS if _wanted(label, summary)]
    width = max(len(label) for label, _ in rows)
    return "\n".join([head, *(f"  {label:<{width}}  {text}" for label, text in rows)])


def _filled(text: str, summary: Mapping[str, Any]) -> str:
    values = {key: _Figure(value) for key, value in summary.items()}
    return text.format_map(values)


def _wanted(label: str, summary: Mapping[str, Any]) -> bool:
    """Rows of what should not happen are shown where it did."""
    return label not in _TROUBLE or any(summary[key] for key in _TROUBLE[label])


class _Figure:
    """A value that formats itself; a mean over nothing is a dash."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        return "-" if self._value is None else format(self._value, spec)


_TROUBLE = {"trouble": ("removed", "teleports", "collisions", "emergency_stops"), "interlock": ("interventions",)}
_ROWS = (
    ("trips", "{loaded:,} loaded, {arrived:,} arrived, {running_end:,} under way, {waiting_end:,} waiting to depart"),
    ("travel time", "{travel_time_mean_s:.1f} s mean, {travel_time_median_s:.1f} s median, {travel_time_p95_s:.1f} s 95th percentile"),
    ("lost", "{time_loss_mean_s:.1f} s a trip, {waiting_time_mean_s:.1f} s of it standing, {stops_mean:.2f} stops"),
    ("depart delay", "{depart_delay_mean_s:.1f} s"),
    ("delay, all trips", "{delay_mean_s:.1f} s"),
    ("route", "{route_length_mean_m:,.0f} m at {speed_distance_weighted_mps:.2f} m/s"),
    ("emissions", "{co2_kg:,.0f} kg CO2"),
    ("trouble", "{removed:,} removed, {teleports:,} teleports, {collisions:,} collisions, {emergency_stops:,} emergency stops"),
    ("interlock", "{interventions:,} interventions"),
    ("work", "{vehicle_steps:,} vehicle steps, {vehicle_steps_per_s:,.0f} a second, {real_time_factor:,.0f} times real time"),
)


def import_line(report: ImportReport, place: str) -> str:
    """One line on what the source has and urbanlab has not; empty where there is nothing to say."""
    parts = []
    if report.not_modelled:
        parts.append(f"not modelled: {_kinds(report.not_modelled)}")
    if report.warnings:
        parts.append(f"imperfect: {_kinds(report.warnings)}")
    return f"import: {'; '.join(parts)} (see {place})" if parts else ""


MOST_KINDS = 3


def _kinds(counts: Mapping[str, int]) -> str:
    """The most frequent kinds with their counts."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{kind} ({count:,})" for kind, count in ordered[:MOST_KINDS]]
    more = len(ordered) - MOST_KINDS
    return ", ".join(shown) + (f" and {more} more kinds" if more > 0 else "")
