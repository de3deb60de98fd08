"""What urbanlab writes: every column's name, type, unit and meaning, stated once.

Tables are built and checked from these lists, and the page of the file formats is made of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from urbanlab.core.errors import FileError
from urbanlab.core.provenance import Provenance

__all__ = [
    "COMPARISON", "EDGES", "IMPORT", "IMPORT_SCHEMA", "METADATA_KEY", "RUNS", "SIGNALS", "STUDY", "STUDY_MEASURES", "STUDY_SCHEMA",
    "SUMMARY", "SUMMARY_FILE", "SUMMARY_SCHEMA", "TABLES", "TRIPS", "Column", "TableSchema", "formats_page", "study_page",
]  # fmt: skip

METADATA_KEY = b"urbanlab"
"""Where a Parquet file keeps its schema and provenance, as JSON."""

SUMMARY_SCHEMA = "urbanlab/summary/1"
IMPORT_SCHEMA = "urbanlab/import/1"


@dataclass(frozen=True)
class Column:
    """One column of a table, or one key of a JSON object."""

    name: str
    kind: str  # string | category | float64 | int64 | int32 | object
    unit: str  # SI; empty where there is none
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class TableSchema:
    """A table and its columns."""

    name: str
    version: int
    meaning: str
    columns: tuple[Column, ...]

    @property
    def schema_id(self) -> str:
        """Name and version as they stand in the file."""
        return f"urbanlab/{self.name}/{self.version}"

    def arrow_schema(self, provenance: Provenance | None = None) -> Any:
        """The `pyarrow.Schema`: unit and meaning with each field, provenance with the whole."""
        import pyarrow as pa

        fields = [
            pa.field(c.name, _arrow_type(c.kind), nullable=c.nullable, metadata={"unit": c.unit, "meaning": c.meaning})
            for c in self.columns
        ]
        about = {"schema": self.schema_id, "provenance": None if provenance is None else provenance.as_dict()}
        return pa.schema(fields, metadata={METADATA_KEY: json.dumps(about, allow_nan=False).encode()})

    def build(self, values: Mapping[str, Any], provenance: Provenance | None = None) -> Any:
        """A `pyarrow.Table` of columns given by name; masked entries of NumPy's masked arrays become null.

        Raises
        ------
        ValueError : names differ from the schema's, or a value is null or not finite where that has no meaning
        """
        import pyarrow as pa

        names = [column.name for column in self.columns]
        if set(values) != set(names):
            raise ValueError(f"{self.name}: columns {sorted(values)}, expected {sorted(names)}")
        arrays = [_arrow_array(values[column.name], column) for column in self.columns]
        return pa.Table.from_arrays(arrays, schema=self.arrow_schema(provenance))

    def check(self, table: Any, where: str = "") -> None:
        """Hold a table that was read against the schema; more columns than it names are allowed.

        Raises
        ------
        FileError : columns are missing, of another type, or null where that has no meaning
        """
        wrong = []
        for column in self.columns:
            if column.name not in table.schema.names:
                wrong.append(f"{column.name}: missing")
                continue
            kind = table.schema.field(column.name).type
            if kind != _arrow_type(column.kind):
                wrong.append(f"{column.name}: {kind}, expected {_arrow_type(column.kind)}")
            elif table[column.name].null_count and not column.nullable:
                wrong.append(f"{column.name}: {table[column.name].null_count} values are missing")
        if wrong:
            raise FileError(f"this is no table of {self.name}", expected=self.schema_id, where=where, items=wrong)


def _arrow_type(kind: str) -> Any:
    import pyarrow as pa

    return pa.dictionary(pa.int32(), pa.string()) if kind == "category" else getattr(pa, kind)()


def _arrow_array(values: Any, column: Column) -> Any:
    import pyarrow as pa

    kind = _arrow_type(column.kind)
    mask = None
    if isinstance(values, np.ma.MaskedArray):
        mask, values = np.ma.getmaskarray(values), values.data
    if isinstance(values, np.ndarray) and values.dtype.kind == "f" and not np.isfinite(values if mask is None else values[~mask]).all():
        raise ValueError(f"{column.name} has values that are not finite")
    array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values, mask=mask)
    array = array.cast(kind)
    if array.null_count and not column.nullable:
        raise ValueError(f"{column.name} has {array.null_count} missing values")
    return array


# --- the tables of a run -------------------------------------------------------------------------------------------

TRIPS = TableSchema(
    "trips", 1,
    "One row a loaded trip, in the order of the wanted departures.",
    (
        Column("trip_id", "string", "", "identifier of the source"),
        Column("vehicle_type", "category", "", "vehicle type of the source"),
        Column("depart_wanted_s", "float64", "s", "when it wants to depart"),
        Column("depart_s", "float64", "s", "when it was put on the road; null: not yet", nullable=True),
        Column("arrival_s", "float64", "s", "when it arrived or, after departure, was removed; null: not yet", nullable=True),
        Column("duration_s", "float64", "s", "arrival minus departure; null where one of them is", nullable=True),
        Column("time_loss_s", "float64", "s", "lost against driving at the own desired speed, so far; scheduled stops left out"),
        Column("waiting_s", "float64", "s", "below 0.1 m/s, so far; scheduled stops left out"),
        Column("stops", "int32", "", "times it came to a halt, so far; scheduled stops left out"),
        Column("route_length_m", "float64", "m", "driven, so far"),
        Column("teleports", "int32", "", "times it was taken elsewhere after standing for too long"),
        Column("state", "category", "", "at the end of the run: waiting, running, arrived or removed"),
    ),
)  # fmt: skip

EDGES = TableSchema(
    "edges", 1,
    "One row an edge between junctions and period; edges inside junctions are left out.",
    (
        Column("edge_id", "category", "", "identifier of the source"),
        Column("begin_s", "float64", "s", "begin of the period"),
        Column("end_s", "float64", "s", "end of the period"),
        Column("entered", "int64", "", "vehicles that drove onto the edge from another"),
        Column("departed", "int64", "", "vehicles that began their trip on it"),
        Column("speed_mps", "float64", "m/s", "all metres driven on it over all vehicle seconds; null: no vehicle", nullable=True),
        Column("density_per_m", "float64", "1/m", "vehicle seconds over the length of the period and of the edge, all lanes together"),
        Column("waiting_s", "float64", "s", "vehicle seconds below 0.1 m/s; scheduled stops left out"),
    ),
)  # fmt: skip

SIGNALS = TableSchema(
    "signals", 1,
    "What signals did: phase changes, and what the interlock refused, delayed or would have refused.",
    (
        Column("time_s", "float64", "s", "when"),
        Column("signal_id", "category", "", "identifier of the source"),
        Column("kind", "category", "", "phase: a phase began; refused: a request was refused; delayed: granted later; "
               "violation: the source's own timing breaks a rule and runs as it is"),
        Column("phase", "int32", "", "within the active program; null: a state that is no phase of it", nullable=True),
        Column("state", "string", "", "shown from then on, one character a link (G g y r u o O s)"),
        Column("reason", "string", "", "which rule; empty for phases"),
    ),
)  # fmt: skip

TABLES = (TRIPS, EDGES, SIGNALS)

SUMMARY = (
    Column("schema", "string", "", f'"{SUMMARY_SCHEMA}"'),
    Column("scenario", "string", "", "name of the scenario"),
    Column("seed", "int64", "", "of all draws"),
    Column("backend", "string", "", "what computed"),
    Column("threads", "int64", "", "the results do not depend on it"),
    Column("step_s", "float64", "s", "length of a step"),
    Column("begin_s", "float64", "s", "start of the first step"),
    Column("end_s", "float64", "s", "end of the last step"),
    Column("load_s", "float64", "s", "processor time before the first step: starting, reading files, routing, building the world"),
    Column("compile_s", "float64", "s", "processor time of compiling the engine, or of loading it from the cache"),
    Column("wall_s", "float64", "s", "of the stepping loop, by the clock on the wall"),
    Column("cpu_s", "float64", "s", "of the stepping loop, processor time of all threads"),
    Column("peak_rss_bytes", "int64", "byte", "most memory that the process held"),
    Column("vehicle_steps", "int64", "", "sum over steps of the vehicles on the network"),
    Column("vehicle_steps_per_s", "float64", "1/s", "vehicle_steps over wall_s", nullable=True),
    Column("real_time_factor", "float64", "1", "simulated seconds over wall_s", nullable=True),
    Column("loaded", "int64", "", "trips whose wanted departure lies in [begin, end), and vehicles added during the run; "
           "arrived + removed + running_end + waiting_end"),
    Column("inserted", "int64", "", "of these, put on the road"),
    Column("arrived", "int64", "", "reached their destination"),
    Column("removed", "int64", "", "taken out by command, or because their departure was delayed for too long"),
    Column("running_end", "int64", "", "under way at the end, parked and teleporting ones included"),
    Column("waiting_end", "int64", "", "still waiting to depart at the end"),
    Column("teleports", "int64", "", "times a vehicle was taken elsewhere after standing for too long"),
    Column("collisions", "int64", "", "vehicles that ran into another"),
    Column("emergency_stops", "int64", "", "vehicles that had to brake harder than they comfortably can, to a halt"),
    Column("travel_time_mean_s", "float64", "s", "arrival minus departure; mean over arrived trips (SUMO's duration)", nullable=True),
    Column("travel_time_median_s", "float64", "s", "the same, median", nullable=True),
    Column("travel_time_p95_s", "float64", "s", "the same, 95th percentile", nullable=True),
    Column("time_loss_mean_s", "float64", "s", "lost against the own desired speed; arrived trips (SUMO's timeLoss)", nullable=True),
    Column("waiting_time_mean_s", "float64", "s", "below 0.1 m/s, scheduled stops left out; arrived trips", nullable=True),
    Column("depart_delay_mean_s", "float64", "s", "departure minus wanted departure; arrived trips", nullable=True),
    Column("stops_mean", "float64", "1", "times a trip came to a halt, scheduled stops left out; arrived trips", nullable=True),
    Column("route_length_mean_m", "float64", "m", "driven; arrived trips", nullable=True),
    Column("speed_mean_mps", "float64", "m/s", "mean over arrived trips of their own mean speeds", nullable=True),
    Column("speed_distance_weighted_mps", "float64", "m/s", "all metres over all seconds of arrived trips", nullable=True),
    Column("travel_time_engine_mean_s", "float64", "s", "CityFlow's average travel time: from the wanted departure to the arrival, or "
           "until now; all loaded trips", nullable=True),
    Column("delay_mean_s", "float64", "s", "RESCO's delay: time loss plus depart delay so far, end minus wanted departure where it never "
           "departed; all loaded trips", nullable=True),
    Column("co2_kg", "float64", "kg", "carbon dioxide of all vehicles"),
    Column("fuel_kg", "float64", "kg", "fuel of all vehicles"),
    Column("emission_model", "string", "", "how co2_kg and fuel_kg were found"),
    Column("interventions", "int64", "", "requests that the signal interlock refused or altered"),
)  # fmt: skip
"""Keys of `summary.json` and of `Simulation.summary()`, in order."""

SUMMARY_FILE = (
    Column("interrupted", "bool", "", "true where the run was stopped before its end"),
    Column("files", "object", "", "names of what the run wrote"),
    Column("provenance", "object", "", "urbanlab_version, command, configuration, seed, input_hashes (SHA-256 by file name)"),
)
"""More keys of `summary.json`."""

IMPORT = (
    Column("schema", "string", "", f'"{IMPORT_SCHEMA}"'),
    Column("not_modelled", "object", "", "kind -> count: what the source contains and urbanlab does not model"),
    Column("warnings", "object", "", "kind -> count: what is imperfect and was taken, repaired or skipped as the source's simulator does"),
    Column("examples", "object", "", "kind -> up to ten identifiers"),
    Column("provenance", "object", "", "as in summary.json"),
)
"""Keys of `import.json`."""


# --- what a study writes -------------------------------------------------------------------------------------------

STUDY_MEASURES = (
    "travel_time_mean_s", "delay_mean_s", "time_loss_mean_s", "waiting_time_mean_s", "stops_mean", "speed_distance_weighted_mps",
    "arrived", "co2_kg",
)  # fmt: skip
"""Keys of a run's summary that a study compares."""

RUNS = TableSchema(
    "runs", 1,
    "One row a replication and arm.",
    (
        Column("arm", "category", "", "controller with its options, or `program`"),
        Column("replication", "int64", "", "replications of one number have the same seed in both arms"),
        Column("seed", "int64", "", "of all draws of the run"),
        Column("error", "string", "", "why the replication failed; null: it did not", nullable=True),
        *(Column(c.name, "float64", c.unit, c.meaning, nullable=True) for c in SUMMARY if c.name in STUDY_MEASURES),
    ),
)  # fmt: skip

COMPARISON = TableSchema(
    "comparison", 1,
    "One row a measure: the paired difference, candidate minus baseline. What can't be said of so few pairs, or of runs that do not vary, "
    "is null.",
    (
        Column("measure", "string", "", "key of the runs' summaries"),
        Column("unit", "string", "", "of the means, differences and intervals"),
        Column("pairs", "int64", "", "replications that both arms came through"),
        Column("baseline_mean", "float64", "", "over the pairs", nullable=True),
        Column("candidate_mean", "float64", "", "over the pairs", nullable=True),
        Column("difference", "float64", "", "mean of the paired differences", nullable=True),
        Column("relative", "float64", "1", "difference over the baseline's mean", nullable=True),
        Column("t_low", "float64", "", "lower end of Student's t interval of the difference", nullable=True),
        Column("t_high", "float64", "", "upper end", nullable=True),
        Column("bootstrap_low", "float64", "", "lower end of the bootstrap interval (BCa)", nullable=True),
        Column("bootstrap_high", "float64", "", "upper end", nullable=True),
        Column("effect_size_dz", "float64", "1", "mean difference over the standard deviation of the differences", nullable=True),
        Column("detectable", "float64", "", "smallest true difference that such a study finds with 80 % power", nullable=True),
        Column("p_value", "float64", "1", "two-sided paired t test", nullable=True),
        Column("p_corrected", "float64", "1", "corrected for the number of measures (Holm)", nullable=True),
        Column("verdict", "string", "", "better, worse or no clear difference, by p_corrected (the intervals are not corrected); or "
               "`no variation between replications: the model is deterministic`"),
    ),
)  # fmt: skip

STUDY_SCHEMA = "urbanlab/study/1"

STUDY = (
    Column("schema", "string", "", f'"{STUDY_SCHEMA}"'),
    Column("scenario", "string", "", "name of the scenario"),
    Column("baseline", "string", "", "controller with its options, or `program`"),
    Column("candidate", "string", "", "controller with its options, or `program`"),
    Column("replications", "int64", "", "pairs of runs"),
    Column("failed", "int64", "", "runs that gave no figures"),
    Column("comparison", "object", "", "the rows of comparison.parquet"),
    Column("took_s", "float64", "s", "by the clock on the wall"),
    Column("files", "object", "", "names of what the study wrote"),
    Column("provenance", "object", "", "as in a run's summary.json"),
)
"""Keys of `study.json`."""


_STUDY_INTRODUCTION = """# What a study writes

This page is made from `urbanlab/core/schema.py`. Beside these files, `report.html` shows the same figures, maps, and how they
were made, in one page that needs nothing else."""

_INTRODUCTION = """# What a run writes

This page is made from `urbanlab/core/schema.py`. All values are SI; times are seconds of the simulation's clock. Every file
carries the same provenance: version, command, effective configuration, seed and SHA-256 of the inputs; in Parquet
files as JSON under the key `urbanlab` of the file's metadata. Two runs are identical where their tables are
equal; timings, paths and provenance are set aside."""


def formats_page() -> str:
    """The page of a run's files, in Markdown."""
    parts = [_INTRODUCTION, _section("summary.json", "The figures of the run; a mean over nothing is null.", SUMMARY + SUMMARY_FILE)]
    from urbanlab.core.detector_schema import DETECTORS  # which is made of what stands above

    parts += [_section(f"{t.name}.parquet", f"{t.meaning} Schema `{t.schema_id}`.", t.columns) for t in (*TABLES, DETECTORS)]
    parts.append(_section("import.json", "What was not taken as the source has it.", IMPORT))
    return "\n\n".join(parts) + "\n"


def study_page() -> str:
    """The page of a study's files, in Markdown."""
    parts = [_STUDY_INTRODUCTION, _section("study.json", "The study in short.", STUDY)]
    parts += [_section(f"{t.name}.parquet", f"{t.meaning} Schema `{t.schema_id}`.", t.columns) for t in (COMPARISON, RUNS)]
    return "\n\n".join(parts) + "\n"


def _section(title: str, meaning: str, columns: tuple[Column, ...]) -> str:
    head = "| Name | Type | Unit | Meaning |\n| --- | --- | --- | --- |"
    rows = [f"| `{c.name}` | {c.kind}{' or null' if c.nullable else ''} | {c.unit} | {c.meaning} |" for c in columns]
    return f"## {title}\n\n{meaning}\n\n" + "\n".join([head, *rows])
