"""Results as Markdown: a table for each part, and one of all goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from performance.bench import Column, Part, Row

__all__ = ["goals_table", "machine_table", "part_table"]

GIB = 1024.0**3


def part_table(part: Part, rows: Sequence[Row]) -> str:
    """What was measured; columns without any value are left out."""
    columns = [column for column in part.columns if any(row.get(column.key) not in (None, "") for row in rows)]
    lines = [_line(column.heading for column in columns), _line("---:" if _is_number(column, rows) else "---" for column in columns)]
    lines += [_line(_cell(column, row.get(column.key)) for column in columns) for row in rows]
    return "\n".join(lines)


def goals_table(parts: Sequence[Part], results: Mapping[str, Any]) -> str:
    """Every figure that has a goal."""
    lines = ["| Figure | Measured | Wanted | |", "| --- | ---: | ---: | --- |"]
    for part in parts:
        for row in results.get(part.name, {}).get("rows", ()):
            label = str(row.get(part.columns[0].key)).strip()
            for key, goal in row.items():
                if key.startswith("goal"):
                    lines.append(_line((f"{part.title}: {label}", _amount(goal["value"], goal["unit"]), _wanted(goal), _reached(goal))))
    return "\n".join(lines)


def machine_table(results: Mapping[str, Any]) -> str:
    """On what each part was measured, parts of one call together."""
    calls: dict[str, list[str]] = {}
    found: dict[str, Mapping[str, Any]] = {}
    for name, result in results.items():
        calls.setdefault(result["circumstances"]["date"], []).append(name)
        found[result["circumstances"]["date"]] = result["circumstances"]
    lines = ["| Date | Parts | Machine | Versions | Runs | Load before |", "| --- | --- | --- | --- | --- | ---: |"]
    for date, names in sorted(calls.items()):
        now = found[date]
        versions = ", ".join(f"{name} {version}" for name, version in now["versions"].items() if version)
        machine = f"{now['cpu']}, {now['cores']} cores, {now['memory_bytes'] / GIB:.0f} GiB, {now['system']}"
        commit = f"{versions}; commit `{now['commit']}`"
        lines.append(_line((date, ", ".join(names), machine, commit, f"up to {now['repeat']}", f"{now['load_before']:.1f}")))
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _is_number(column: Column, rows: Sequence[Row]) -> bool:
    values = [row.get(column.key) for row in rows]
    return column.form != "{}" or all(isinstance(value, int | float) for value in values)


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.key.startswith("goal"):
        return f"{_wanted(value)}: {_reached(value)}"
    if isinstance(value, dict):
        middle, low, high = (column.form.format(value[name] / column.scale) for name in ("median", "low", "high"))
        return middle if value["runs"] == 1 or low == high else f"{middle} ({low} .. {high})"
    return column.form.format(value if column.scale == 1.0 else value / column.scale)


def _wanted(goal: Mapping[str, Any]) -> str:
    return f"at least {_amount(goal['least'], goal['unit'])}" if "least" in goal else f"at most {_amount(goal['most'], goal['unit'])}"


def _amount(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{number} {unit}"


def _reached(goal: Mapping[str, Any]) -> str:
    reached = goal["value"] >= goal["least"] if "least" in goal else goal["value"] <= goal["most"]
    return "reached" if reached else "**not reached**"
