"""A city folder gives back every bit, notices every change, and appears whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import urbanlab as ul
from urbanlab.city.columns import TABLES, Kind
from urbanlab.city.demand import CarFollowing, StopRow
from urbanlab.city.folder import City, is_city_folder
from urbanlab.city.folder.header import digest_of
from urbanlab.city.network import Network
from urbanlab.city.scenario import Closure, Detector, ImportReport, RunSettings, Scenario
from urbanlab.city.synthetic import make
from urbanlab.core.errors import FileError, InputError, NetworkError, OutputError

BASE = make("grid:rows=3,cols=4,trips=60", seed=3)


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit: arrays by type and bytes, numbers by their bits, mappings in their order."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if is_dataclass(one):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one) if f.compare)
    if isinstance(one, float):
        return isinstance(other, float) and struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_same_sees_every_difference() -> None:
    lanes = BASE.network.lane_length
    assert same(BASE, make("grid:rows=3,cols=4,trips=60", seed=3))
    assert not same(BASE, replace(BASE, network=replace(BASE.network, lane_length=np.nextafter(lanes, 0.0))))
    assert not same(0.0, -0.0) and not same({"a": 1, "b": 2}, {"b": 2, "a": 1}) and not same(np.zeros(1), np.zeros(1, np.float32))


# round trips


def rich() -> Scenario:
    """Something of everything, with the numbers and texts that files lose most easily."""
    base, demand = BASE, BASE.demand
    num = demand.num_trips
    lane = int(base.network.edge_first_lane[demand.route(demand.trip_route[0])[0]])
    arrival = demand.arrival_pos.copy()
    arrival[0] = np.frombuffer(struct.pack("<Q", 0x7FF8_0000_0000_1234), np.float64)[0]  # a nan with something in it
    arrival[1:4] = -0.0, 5e-324, np.nextafter(1.0, 2.0)
    via_start = np.full(num + 1, 2, np.int64)
    via_start[0] = 0
    stop_start = np.full(num + 1, 1, np.int64)
    stop_start[0] = 0
    template = demand.trip_is_template.copy()
    template[5] = True
    kind = replace(
        demand.vehicle_types[0], vehicle_type_id="", car_following=CarFollowing.IDM, lane_change={"b": 0.1, "a": -0.0},
        junction={"jmTimegapMinor": 1e-300}, attributes={"colour": "rot, \u6c34\n\0", "": ""}, impatience=-1e9,
    )  # fmt: skip
    trips = replace(
        demand, trip_id=("", "\u6771\u4eac 'a' \"b\", \n", *demand.trip_id[2:]), arrival_pos=arrival, trip_is_template=template,
        trip_via_start=via_start, via_edge=np.array([1, 0], np.int32), trip_stop_start=stop_start,
        stops=(StopRow(lane, 1.0, 9.0, 10.0, -1.0, parking=True, stop_id="halt", triggered=True, on_route=0),),
        vehicle_types=(kind, *demand.vehicle_types[1:]), distributions=(((0, 1), (0.1, 0.2)), ((2,), (1.0,))),
        route_distributions=(((0, 1, 2), (1.0, 0.0, 3.0)),),
        flows=(ul_flow(5, float("inf")), ul_flow(5, 60.0)),
    )  # fmt: skip
    programs = replace(
        base.programs, phase_next=((0, 1), *base.programs.phase_next[1:]),
        program_params=({"max-gap": "3"}, *base.programs.program_params[1:]), switch_times=((0, 60.5, 0),), attributes={"k": "v"},
    )  # fmt: skip
    report = ImportReport()
    report.note("element person", "p1", count=3)
    report.warn("trips of one name", "x")
    return replace(
        base, demand=trips, programs=programs, report=report,
        network=replace(base.network, roundabouts=((0, 1, 2), ()), projection="+proj=utm", offset_x=-0.0, lefthand=True),
        settings=RunSettings(begin=0.0, end=None, step=0.1, seed=7, teleport_after=float("inf"), options={"z": "1", "a": "2"}),
        detectors=(Detector("d", "probe", 0, 1.5, 60.0, end_lane=1, end_pos=2.5, file="out.xml"),),
        closures=(Closure((0, 1), 0.0, 60.0, 1 << 33, (2,), 0.5), Closure((), 1.0, 2.0, speed=5.0)),
        input_hashes={"b.xml": "ff", "a.xml": "00"}, source="somewhere", licence="CC0",
    )  # fmt: skip


def ul_flow(trip: int, end: float) -> Any:
    from urbanlab.city.demand import Flow

    return Flow(f"f{end}", trip, 0.0, end, 10, poisson_rate=0.25, at_begin_and_end=True)


def saved(scenario: Scenario, path: Path) -> City:
    return City.load(City(scenario).save(path))


def test_everything_that_a_scenario_can_hold_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urbanlab.city.folder.city.require_consistent", lambda scenario: None)  # it has names that checks refuse
    scenario = rich()
    city = saved(scenario, tmp_path / "city")
    assert same(scenario, city.scenario)
    assert city.scenario.licence == "CC0"


SPECS = st.one_of(
    st.builds("grid:rows={},cols={},trips={},signals={}".format, st.integers(2, 5), st.integers(2, 5), st.integers(0, 200), st.booleans()),
    st.builds("ring:rings={},radials={},trips={}".format, st.integers(1, 3), st.integers(3, 6), st.integers(0, 200)),
    st.builds("river:junctions={},begin={}".format, st.integers(10, 200), st.integers(0, 80_000)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SPECS, st.integers(0, 2**40))
def test_synthetic_cities_come_back_to_the_last_bit(tmp_path: Path, spec: str, seed: int) -> None:
    scenario = make(spec, seed=seed)
    assert same(scenario, saved(scenario, tmp_path / "city").scenario)


NAMES = (
    "arterial4x4/arterial4x4.sumocfg", "bologna_acosta/acosta.sumocfg", "bologna_pasubio/pasubio.sumocfg", "cologne1/cologne1.sumocfg",
    "cologne3/cologne3.sumocfg", "cologne8/cologne8.sumocfg", "grid4x4/grid4x4.sumocfg", "hamburg_tavf/hamburg_tavf.sumocfg",
    "ingolstadt1/ingolstadt1.sumocfg", "ingolstadt7/ingolstadt7.sumocfg", "hangzhou4x4", "jinan3x4", "newyork16x1",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_real_scenarios_come_back_to_the_last_bit(tmp_path: Path, traffic_data: Path, name: str) -> None:
    scenario = ul.load(traffic_data / name)
    City(scenario).save(tmp_path / "city")
    assert same(scenario, ul.load(tmp_path / "city"))


def test_the_public_names_are_these(tmp_path: Path) -> None:
    city = ul.City(BASE)
    assert same(ul.City.load(str(city.save(str(tmp_path / "city")))).scenario, BASE)
    assert same(ul.load(tmp_path / "city"), BASE)


def test_the_same_city_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = City(BASE).save(tmp_path / "one"), City(BASE).save(tmp_path / "other")
    names = sorted(entry.name for entry in one.iterdir())
    assert names == sorted([*(table.file for table in TABLES), "city.json"])
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_loaded_columns_can_not_be_changed(tmp_path: Path) -> None:
    scenario = saved(BASE, tmp_path / "city").scenario
    for owner in (scenario.network, scenario.programs, scenario.demand):
        for entry in fields(owner):
            value = getattr(owner, entry.name)
            if isinstance(value, np.ndarray):
                assert not value.flags.writeable and value.flags.c_contiguous, entry.name
    with pytest.raises(TypeError):
        scenario.network.attributes["a"] = "b"  # type: ignore[index]


def test_tables_explain_themselves_and_are_complete() -> None:
    """Every field of the network is a column, a range, or stands in city.json."""
    columns = {name for table in TABLES if table.owner == "network" for c in table.columns for name in (c.field, c.start)}
    parents = {name for table in TABLES if table.owner == "network" and table.parent for name in (table.parent.start, table.parent.field)}
    beside = {"projection", "offset_x", "offset_y", "lefthand", "source_version", "attributes", "roundabouts"}
    assert {entry.name for entry in fields(Network)} == (columns | parents | beside) - {""}
    for table in TABLES:
        assert len({c.name for c in table.columns}) == len(table.columns)
        for column in table.columns:
            assert column.meaning
            if "[m]" in column.meaning or "[s]" in column.meaning or "[m/s]" in column.meaning:
                assert column.name.endswith(("_m", "_s", "_mps")), column.name


def test_other_programs_read_the_tables(tmp_path: Path) -> None:
    City(BASE).save(tmp_path / "city")
    lanes = pq.read_table(tmp_path / "city" / "lanes.parquet").to_pydict()
    assert lanes["length_m"] == BASE.network.lane_length.tolist()
    assert lanes["edge"] == BASE.network.lane_edge.tolist()
    junctions = pq.read_table(tmp_path / "city" / "junctions.parquet")
    assert set(junctions["type"].to_pylist()) <= {"priority", "traffic_light", "right_before_left", "internal", "dead_end"}
    assert b"[m]" in junctions.schema.field("x_m").metadata[b"meaning"]


def test_tables_rewritten_by_another_program_are_read(tmp_path: Path) -> None:
    """Plain texts instead of dictionaries, several row groups, another compression: the content counts."""
    city = City(BASE).save(tmp_path / "city")
    for table in TABLES:
        arrow = pq.read_table(city / table.file)
        for place, column in enumerate(arrow.schema):
            if pa.types.is_dictionary(column.type):
                arrow = arrow.set_column(place, column.name, arrow.column(column.name).cast(pa.string()))
        pq.write_table(arrow.replace_schema_metadata(None), city / table.file, compression="snappy", row_group_size=7)
    restate(city)
    assert same(City.load(city).scenario, BASE)


# damage


def restate(city: Path, change: Callable[[dict[str, Any]], object] = lambda content: None) -> None:
    """Write hashes and sizes anew, as a program that makes city folders would."""
    import hashlib

    content = json.loads((city / "city.json").read_text())
    for name, entry in content["files"].items():
        data = (city / name).read_bytes()
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    change(content)
    content["digest"] = digest_of(content)
    (city / "city.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return City(BASE).save(tmp_path_factory.mktemp("cities") / "whole")


@pytest.fixture
def city(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "city"))


FILES = [*(table.file for table in TABLES), "city.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(city: Path, name: str) -> None:
    data = (city / name).read_bytes()
    (city / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError, match=rf"{name} is (truncated|damaged or cut off)"):
        ul.load(city)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(city: Path, name: str) -> None:
    (city / name).unlink()
    with pytest.raises(FileError, match=f"{name} is missing"):
        City.load(city)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_a_folder_is_named(city: Path, name: str) -> None:
    (city / name).unlink()
    (city / name).mkdir()
    with pytest.raises(FileError, match=f"{name} can't be read"):
        City.load(city)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), st.integers(0, 10**9), st.integers(1, 255))
def test_a_changed_byte_is_noticed(whole: Path, tmp_path: Path, name: str, place: int, bits: int) -> None:
    """Wherever it lies; white space between the words of city.json says nothing and may change."""
    city = tmp_path / "city"
    if not city.exists():
        shutil.copytree(whole, city)
    data = bytearray((whole / name).read_bytes())
    data[place % len(data)] ^= bits
    (city / name).write_bytes(data)
    if name == "city.json":
        try:
            if json.loads(bytes(data)) == json.loads((whole / name).read_bytes()):
                shutil.copy(whole / name, city / name)
                return
        except (ValueError, UnicodeDecodeError):
            pass
    with pytest.raises(FileError, match=name.replace(".", r"\.")):
        City.load(city)
    shutil.copy(whole / name, city / name)


def test_two_files_of_one_size_exchanged_are_noticed(city: Path) -> None:
    data = (city / "trips.parquet").read_bytes()
    (city / "routes.parquet").write_bytes(data)
    with pytest.raises(FileError, match=r"routes\.parquet"):
        City.load(city)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another version": (lambda c: c.update(schema="urbanlab/city/2"), "kind that this version does not read"),
    "another schema": (lambda c: c.update(schema="urbanlab/summary/1"), "kind that this version does not read"),
    "a key too many": (lambda c: c.update(extra=1), "other keys"),
    "a key too few": (lambda c: c.pop("settings"), "other keys"),
    "other classes": (lambda c: c["vehicle_classes"].reverse(), "vehicle classes"),
    "a setting too many": (lambda c: c["settings"].update(extra=1), "other keys"),
    "a setting of another type": (lambda c: c["settings"].update(step_s="soon"), "another type"),
    "a setting that is true": (lambda c: c["settings"].update(step_s=True), "another type"),
    "a seed with a comma": (lambda c: c["settings"].update(seed=1.5), "another type"),
    "options that are a list": (lambda c: c["settings"].update(options=["a"]), "another type"),
    "attributes that are numbers": (lambda c: c["network"].update(attributes={"a": 1}), "another type"),
    "a report without warnings": (lambda c: c["report"].pop("warnings"), "report"),
    "a report that counts texts": (lambda c: c["report"].update(warnings={"a": "b"}), "report"),
    "a report of numbers": (lambda c: c["report"].update(examples={"a": [1]}), "report"),
    "a file too few": (lambda c: c["files"].pop("trips.parquet"), "other files"),
    "a file without a hash": (lambda c: c["files"]["trips.parquet"].pop("sha256"), "another type"),
    "a size that is a text": (lambda c: c["files"]["trips.parquet"].update(bytes="many"), "another type"),
    "inputs that are a text": (lambda c: c.update(inputs="all"), "another type"),
    "a name that is a number": (lambda c: c.update(name=5), "another type"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_that_makes_no_sense_is_one_clear_error(city: Path, name: str) -> None:
    change, text = CHANGES[name]
    restate(city, change)
    with pytest.raises(FileError, match=text):
        City.load(city)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"city"', "[" * 100_000, "\ud800"])
def test_a_header_that_is_no_header_is_one_clear_error(city: Path, text: str) -> None:
    (city / "city.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(FileError, match=r"city\.json"):
        City.load(city)


def rewrite(city: Path, name: str, change: Callable[[Any], Any]) -> None:
    pq.write_table(change(pq.read_table(city / name)), city / name)
    restate(city)


def with_column(name: str, values: Any) -> Callable[[Any], Any]:
    return lambda table: table.set_column(table.schema.get_field_index(name), name, values(table.column(name)))


TABLE_CHANGES: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a column too few": ("trips.parquet", lambda t: t.drop_columns(["depart_s"]), "columns differ"),
    "a column too many": ("trips.parquet", lambda t: t.append_column("x", t.column("depart_s")), "columns differ"),
    "a column twice": ("trips.parquet", lambda t: t.append_column("x", t.column("depart_s")).drop_columns(["route"]), "columns differ"),
    "single precision": ("lanes.parquet", with_column("length_m", lambda c: c.cast(pa.float32())), "another type"),
    "texts for numbers": ("lanes.parquet", with_column("length_m", lambda c: c.cast(pa.string())), "another type"),
    "gaps": ("lanes.parquet", with_column("length_m", lambda c: pa.array([None] * len(c), pa.float64())), "gaps"),
    "an unknown word": ("junctions.parquet", with_column("type", lambda c: pa.array(["maze"] * len(c))), "unknown word"),
    "two characters": ("connections.parquet", with_column("state", lambda c: pa.array(["MM"] * len(c))), "unknown word"),
    "lanes out of order": ("lanes.parquet", with_column("edge", lambda c: pa.array(c.to_pylist()[::-1], pa.int32())), "out of order"),
    "lanes of no edge": ("lanes.parquet", with_column("edge", lambda c: pa.array([10**6] * len(c), pa.int32())), "out of order"),
    "shapes of two lengths": (
        "lanes.parquet",
        with_column("shape_x_m", lambda c: pa.array([[0.0]] * len(c), c.type)), "other lengths",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE_CHANGES)
def test_a_table_that_makes_no_sense_is_one_clear_error(city: Path, name: str) -> None:
    file, change, text = TABLE_CHANGES[name]
    rewrite(city, file, change)
    with pytest.raises(FileError, match=text) as caught:
        City.load(city)
    assert file in str(caught.value)


def test_a_file_that_is_no_parquet_is_named(city: Path) -> None:
    (city / "trips.parquet").write_bytes(b"PAR1 this is none PAR1")
    restate(city)
    with pytest.raises(FileError, match=r"trips\.parquet is no Parquet file"):
        City.load(city)


def test_a_table_that_points_nowhere_never_reaches_the_engine(city: Path) -> None:
    rewrite(city, "connections.parquet", with_column("to_lane", lambda c: pa.array([10**6] * len(c), pa.int32())))
    with pytest.raises(InputError, match="do not fit"):
        City.load(city)


def test_inconsistent_tables_of_ours_are_errors_at_loading(city: Path) -> None:
    rewrite(city, "lanes.parquet", with_column("length_m", lambda c: pa.array([-1.0] * len(c))))
    with pytest.raises(NetworkError, match="lane without a length"):
        ul.load(city)


def test_inconsistent_cities_are_not_saved(tmp_path: Path) -> None:
    broken = replace(BASE, network=replace(BASE.network, lane_length=np.zeros(BASE.network.num_lanes)))
    with pytest.raises(NetworkError, match="lane without a length"):
        City(broken).save(tmp_path / "city")
    assert list(tmp_path.iterdir()) == []


# the folder as a whole


def test_an_earlier_city_is_replaced(tmp_path: Path) -> None:
    City(BASE).save(tmp_path / "city")
    other = make("grid:rows=2,cols=3,trips=5", seed=1)
    City(other).save(tmp_path / "city")
    assert same(ul.load(tmp_path / "city"), other)
    assert [entry.name for entry in tmp_path.iterdir()] == ["city"]


def test_an_empty_folder_is_taken_and_parents_are_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    City(BASE).save(tmp_path / "empty")
    City(BASE).save(tmp_path / "a" / "b" / "city")
    assert is_city_folder(tmp_path / "empty") and is_city_folder(tmp_path / "a" / "b" / "city")


def test_anything_else_is_refused_and_untouched(tmp_path: Path) -> None:
    for name in ("notes.txt", "city.json", "summary.json"):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_text('{"schema": "urbanlab/summary/1", "files": ["summary.json"]}')
        with pytest.raises(OutputError, match="something else"):
            City(BASE).save(folder)
        assert [entry.name for entry in folder.iterdir()] == [name]
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="no folder"):
        City(BASE).save(tmp_path / "file")


def test_a_city_with_notes_beside_it_is_not_replaced(city: Path) -> None:
    (city / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="something else"):
        City(BASE).save(city)
    assert same(ul.load(city), BASE)


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full disk", "interrupt"])
def test_what_goes_wrong_while_writing_leaves_the_earlier_city(city: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    write, count = pq.write_table, 0

    def fail(*args: Any, **options: Any) -> None:
        nonlocal count
        count += 1
        if count == 7:
            raise problem
        write(*args, **options)

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OutputError if isinstance(problem, OSError) else KeyboardInterrupt):
        City(make("grid:rows=2,cols=2", seed=1)).save(city)
    assert [entry.name for entry in city.parent.iterdir()] == ["city"]
    assert same(ul.load(city), BASE)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="can't be written"):
        City(BASE).save(tmp_path / "city")


def test_not_a_city_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, text in (
        (tmp_path, r"city\.json is missing"),
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "file", "is no city folder"),
    ):
        with pytest.raises(FileError, match=text):
            City.load(path)
    with pytest.raises(FileError, match="can't be read"):
        City.load("x" * 5000)


def test_texts_that_no_file_can_hold_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="table trips"):
        City(replace(BASE, demand=replace(BASE.demand, trip_id=("\ud800", *BASE.demand.trip_id[1:])))).save(tmp_path / "city")


# figures


def test_figures_count_streets_and_trips() -> None:
    figures = City(replace(BASE, licence="CC0")).figures()
    network, demand = figures["network"], figures["demand"]
    assert (network["junctions"], network["edges"]) == (12, 2 * (3 * 3 + 2 * 4))
    assert figures["signals"]["signals"] == BASE.network.num_signals
    assert demand["trips"] == BASE.demand.num_trips == sum(demand["profile"]["departures"]) == sum(demand["vehicle_types"].values())
    assert figures["licence"] == "CC0"
    assert json.loads(json.dumps(figures, allow_nan=False))["name"] == "grid_3x4"
    lanes = BASE.network.lane_length[BASE.network.edge_function[BASE.network.lane_edge] == 0]
    assert network["lane_length_m"] == pytest.approx(lanes.sum())


def test_figures_of_an_empty_demand_and_of_long_ones() -> None:
    empty = City(make("grid:rows=2,cols=2,trips=0,signals=false", seed=1)).figures()
    assert (empty["demand"]["trips"], empty["demand"]["first_depart_s"], empty["signals"]["cycle_min_s"]) == (0, None, None)
    long = City(make("grid:rows=2,cols=2,trips=50,duration=500000", seed=1)).figures()["demand"]["profile"]
    assert long["period_s"] > 900 and len(long["departures"]) <= 96 and sum(long["departures"]) > 0


@pytest.mark.slow
def test_large_cities_come_back_to_the_last_bit(tmp_path: Path) -> None:
    scenario = make("river:junctions=5000,trips=5000", seed=1)
    assert same(scenario, saved(scenario, tmp_path / "city").scenario)


def test_kinds_of_columns_are_all_in_use() -> None:
    assert {column.kind for table in TABLES for column in table.columns} == set(Kind)
