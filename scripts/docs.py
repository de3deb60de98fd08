"""Documents: writes the generated pages; with --check, tells which are stale and which links lead nowhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from urbanlab.city.columns import TABLES, Column, Table
from urbanlab.city.folder.header import HEADER, SCHEMA
from urbanlab.cli.main import main as cli
from urbanlab.core.schema import formats_page, study_page

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```+)[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
SKIPPED = {"build", "node_modules"}

CLI_INTRODUCTION = """# The command line

This page is made from the commands themselves. `SOURCE` is everywhere the same: a `.sumocfg`; a SUMO `.net.xml` with `--routes`;
a CityFlow `config.json`, or a folder with `roadnet.json` and `flow.json`; a city folder of urbanlab; a `.toml` scenario.
Files may be gzipped.

Results go to standard output, everything else to standard error. With `--json`, standard output is one JSON object and
nothing else. Exit status: 0 done; 2 the input is wrong (one text that says what, where and what to do); 130 interrupted;
1 a defect of urbanlab itself. An output folder appears complete or not at all."""


def cli_page() -> str:
    """Every command with its arguments and options."""
    context = click.Context(cli, info_name="urbanlab", **cli.context_settings)  # commands keep the help option of their first context
    return "\n\n".join([CLI_INTRODUCTION, *_commands(cli, context)]) + "\n"


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield _command(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## {context.command_path}", f"`{usage}`", re.sub(r"[ \t]*\n[ \t]*", "\n", (command.help or "").strip())]
    rows = [row for option in command.params if isinstance(option, click.Option) and (row := _option(option, context))]
    if rows:
        parts.append("\n".join(["| Option | Meaning |", "| --- | --- |", *rows]))
    return "\n\n".join(parts)


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    if record is None:
        return ""
    names, meaning = (" ".join(text.split()).replace("|", "\\|") for text in record)
    return f"| `{names}` | {meaning} |"


CITY_INTRODUCTION = f"""# A city folder

This page is made from `urbanlab/city/columns.py`. A city is a folder: `{HEADER}` (schema `{SCHEMA}`) and one Parquet file a table. It holds
everything that a run needs, and comes back as the same bits: network, signal programs, demand, how it is to be run, and the
import report. Rows of a table are counted from 0, and columns that refer to rows of another table are such numbers.
All values are SI, with the unit in the name where there is one; "none" is -1. Coordinates are metres of one projected system.

`{HEADER}` names the vehicle classes that bit masks count, the settings of the run (units in the keys), the projection, the source and its
licence, the hashes of what it was made from, and of every file the rows, bytes and SHA-256; its own digest covers all of that.
A folder whose files do not fit is refused. Of lists, each row holds its own; of words, the name stands in the file."""


def city_page() -> str:
    """Every table of a city folder."""
    return "\n\n".join([CITY_INTRODUCTION, *map(_city_table, TABLES)]) + "\n"


def _city_table(table: Table) -> str:
    names = {other.letter: other.name for other in reversed(TABLES) if other.letter}
    rows = []
    if table.parent:
        rows.append(f"| `{table.parent.name}` | int32 | row of {names[table.parent.letter]}, in its order |")
    rows += [f"| `{column.name}` | {column.kind.value} | {_city_meaning(column, names)} |" for column in table.columns]
    return "\n".join([f"## {table.file}", "", "| Name | Type | Meaning |", "| --- | --- | --- |", *rows])


def _city_meaning(column: Column, names: dict[str, str]) -> str:
    refers = f"; rows of {names[column.refers.rstrip('?')]}" if column.refers else ""
    words = f": {', '.join(word.name.lower() for word in column.words)}" if column.words else ""
    return f"{column.meaning}{words}{refers}".replace("|", "\\|")


PAGES = {
    "docs/formats/run.md": formats_page,
    "docs/formats/study.md": study_page,
    "docs/formats/city.md": city_page,
    "docs/reference/cli.md": cli_page,
}


def stale_pages() -> list[str]:
    """Generated pages that differ from what would be written now."""
    return [name for name, make in PAGES.items() if not (ROOT / name).is_file() or (ROOT / name).read_text(encoding="utf-8") != make()]


def documents() -> list[Path]:
    """All Markdown files of the repository."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(path for path in found if not any(part.startswith(".") or part in SKIPPED for part in path.parts[:-1]))


def anchors(path: Path) -> set[str]:
    """Anchors that the headings of a document make, as code hosts do."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def dead_links(document: Path) -> list[str]:
    """Links to files or headings that are not there; the network is left alone."""
    text = CODE.sub("", FENCE.sub("", (ROOT / document).read_text(encoding="utf-8")))
    dead = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / document).parent / name if name else ROOT / document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(f"{document}: {target}")
    return dead


def main() -> int:
    """Write, or check; the exit status."""
    if "--check" not in sys.argv[1:]:
        for name, make in PAGES.items():
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(make(), encoding="utf-8")
        return 0
    wrong = [f"{name} is stale: python scripts/docs.py" for name in stale_pages()]
    wrong += [f"dead link in {link}" for document in documents() for link in dead_links(document)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
