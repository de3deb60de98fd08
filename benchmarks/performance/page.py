"""The page `docs/performance.md`: words that are written by hand, with what is measured between two marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from performance.bench import Part
from performance.parts import PARTS
from performance.tables import goals_table, machine_table, part_table

__all__ = ["with_results"]

BLOCK = re.compile(r"(<!-- measured: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTHING = "Not measured yet: `scripts/bench {}`.\n"


def with_results(text: str, results: Mapping[str, Any]) -> str:
    """The page with every marked block made anew.

    A block begins with `<!-- measured: NAME -->` and ends with `<!-- end -->`; NAME is a part, or `machine`, or `goals`.
    """
    by_name = {part.name: part for part in PARTS}

    def block(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        return f"{begin}{_content(name, by_name.get(name), results)}{end}"

    return BLOCK.sub(block, text)


def _content(name: str, part: Part | None, results: Mapping[str, Any]) -> str:
    if part is not None:
        rows = results.get(name, {}).get("rows")
        return f"{part.about}\n\n" + (f"{part_table(part, rows)}\n" if rows else NOTHING.format(name))
    if not results:
        return NOTHING.format("")
    return f"{machine_table(results) if name == 'machine' else goals_table(PARTS, results)}\n"
