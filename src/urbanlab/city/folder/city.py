"""A city on disk: one folder of Parquet tables and `city.json`, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import urbanlab
from urbanlab.city.checks import require_consistent
from urbanlab.city.columns import TABLES, Kind, Table
from urbanlab.city.demand import Demand
from urbanlab.city.folder.figures import figures_of
from urbanlab.city.folder.header import (
    HEADER,
    SCHEMA,
    header_of,
    network_fields,
    parse_header,
    program_fields,
    read_report,
    read_settings,
)
from urbanlab.city.folder.tables import read_table, to_arrow
from urbanlab.city.network import Network
from urbanlab.city.program import SignalPrograms
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import FileError, OutputError
from urbanlab.core.output_folder import OutputFolder

__all__ = ["City", "is_city_folder"]

_DAMAGED = "restore a copy, or build the city again"


def is_city_folder(path: Path) -> bool:
    """Whether a folder says that it holds a city."""
    return (path / HEADER).is_file()


class City:
    """A scenario that can be saved and loaded.

    Parameters
    ----------
    scenario : network, programs, demand and how to run them

    Examples
    --------
    >>> from urbanlab.city.synthetic import make
    >>> city = City(make("grid:rows=2,cols=3,trips=10", seed=1))
    >>> City.load(city.save("grid")).scenario.network.num_signals  # doctest: +SKIP
    2
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def figures(self) -> dict[str, Any]:
        """What there is to know at a glance: counts, extent, programs, demand, where it comes from."""
        return figures_of(self.scenario)

    def save(self, path: str | Path) -> Path:
        """Write the city folder; an earlier one at that place is replaced, anything else refused.

        Raises
        ------
        OutputError : the folder can't be written
        NetworkError, ProgramError, DemandError : the city is inconsistent in more than its import report says
        """
        require_consistent(self.scenario)
        with OutputFolder(path, mark=HEADER, schema=SCHEMA.rpartition("/")[0] + "/") as folder:
            files = {table.file: _write(folder, table, self.scenario) for table in TABLES}
            made_by = f"urbanlab {urbanlab.__version__}"
            content = header_of(self.scenario, made_by=made_by, files=files)
            with folder.file(HEADER) as place:
                place.write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
            return folder.commit()

    @classmethod
    def load(cls, path: str | Path) -> City:
        """Read a city folder; every file is held against its hash, every table against the checks.

        Raises
        ------
        FileError : a file is missing, damaged, truncated or of another version
        NetworkError, ProgramError, DemandError : the city is inconsistent in more than its import report says
        """
        folder = Path(path)
        _require_city(folder)
        try:
            content = parse_header(_read(folder / HEADER))
            scenario = _scenario(folder, content)
        except FileError as problem:
            problem.where = problem.where or str(folder)
            raise
        require_consistent(scenario)
        return cls(scenario)


def _require_city(path: Path) -> None:
    """Refuse what is no city folder at all, which is another mistake than a damaged one."""
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError) as problem:
        raise FileError("the city can't be read", got=str(problem)[:120], where=str(path)[:200]) from None
    if not is_there:
        raise FileError(f"'{path}' does not exist", expected="a city folder of urbanlab")
    if not is_folder:
        hint = f"urbanlab city build {path} --out CITY makes one"
        raise FileError(f"'{path}' is no city folder", got="a file", expected="a folder with city.json", hint=hint)


def _write(folder: OutputFolder, table: Table, scenario: Scenario) -> dict[str, Any]:
    try:
        arrow = to_arrow(table, scenario)
    except (pa.ArrowException, UnicodeError, OverflowError) as problem:
        raise OutputError(f"the table {table.name} can't be written", got=str(problem)[:200]) from problem
    repeated = [column.name for column in table.columns if column.kind in (Kind.NAME, Kind.WORD, Kind.CHAR)]
    with folder.file(table.file) as path:
        pq.write_table(arrow, path, compression="zstd", use_dictionary=repeated)
        return {"rows": arrow.num_rows, "bytes": path.stat().st_size, "sha256": _hash(path.read_bytes())}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path.name} is missing from the city folder", where=str(path), hint=_DAMAGED) from None
    except OSError as problem:
        raise FileError(f"{path.name} can't be read", got=problem.strerror or problem, where=os.fspath(path)) from None


def _scenario(folder: Path, content: dict[str, Any]) -> Scenario:
    files = content["files"]
    if sorted(files) != sorted(table.file for table in TABLES):
        raise FileError(f"{HEADER} lists other files than a city has")
    parts: dict[str, dict[str, Any]] = {"network": {}, "programs": {}, "demand": {}, "": {}}
    rows: dict[str, int] = {}  # by letter
    for table in TABLES:
        arrow = _table(folder, table, files[table.file])
        rows[table.letter] = arrow.num_rows
        try:
            parts[table.owner] |= read_table(table, arrow, rows[table.parent.letter] if table.parent else 0)
        except FileError as problem:
            problem.message = f"{table.file}: {problem.message}"
            raise
    network = Network(**parts["network"], **network_fields(content, Network))
    programs = SignalPrograms(**parts["programs"], **program_fields(content, SignalPrograms))
    return Scenario(
        name=content["name"],
        network=network,
        programs=programs,
        demand=Demand(**parts["demand"]),
        settings=read_settings(content),
        report=read_report(content),
        input_hashes=content["inputs"],
        source=content["source"],
        licence=content["licence"],
        **parts[""],
    )


def _table(folder: Path, table: Table, entry: dict[str, Any]) -> Any:
    data = _read(folder / table.file)
    where = str(folder / table.file)
    if len(data) != entry["bytes"]:
        word = "truncated" if len(data) < entry["bytes"] else "longer than it was"
        raise FileError(f"{table.file} is {word}", got=f"{len(data)} bytes", expected=f"{entry['bytes']} bytes", where=where, hint=_DAMAGED)
    if _hash(data) != entry["sha256"]:
        raise FileError(f"{table.file} is damaged", got="another hash than city.json states", where=where, hint=_DAMAGED)
    try:
        return pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise FileError(f"{table.file} is no Parquet file", got=str(problem)[:200], where=where) from None
