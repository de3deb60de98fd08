"""`ul.load`: every kind of source, and one clear error for everything that is none."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import urbanlab as ul
from urbanlab.city.folder import City
from urbanlab.city.load import require_modelled
from urbanlab.city.readers.toml import ScenarioFile
from urbanlab.city.scenario import RunSettings
from urbanlab.city.synthetic import make
from urbanlab.core.errors import ConfigError, DemandError, FileError, NetworkError, ProgramError, UrbanlabError

SMALL = Path(__file__).parent / "files" / "small.net.xml"
NET = SMALL.read_text()
TRIPS = """<routes><vType id="bus" vClass="bus"/>
<vehicle id="a" depart="1"><route edges="west_in east_out"/></vehicle>
<trip id="b" depart="5" from="west_in" to="south_out" type="bus"/>
</routes>"""
CONFIG = (
    """<configuration><net-file value="n.net.xml"/><route-files value="r.rou.xml"/><begin value="0"/><end value="100"/></configuration>"""
)
FILES = {"n.net.xml": NET, "r.rou.xml": TRIPS, "x.sumocfg": CONFIG}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small SUMO scenario."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def zipped(path: Path) -> Path:
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return target


def trips(path: Path, **options: object) -> tuple[str, ...]:
    return ul.load(path, **options).demand.trip_id  # type: ignore[arg-type]


# kinds


def test_sumo_configuration(folder: Path) -> None:
    scenario = ul.load(str(folder / "x.sumocfg"))
    assert (scenario.name, scenario.demand.trip_id, scenario.settings.end) == ("x", ("a", "b"), 100.0)
    assert trips(zipped(folder / "x.sumocfg")) == ("a", "b")


def test_sumo_network_with_routes(folder: Path) -> None:
    net, routes = folder / "n.net.xml", folder / "r.rou.xml"
    for given_routes in (routes, str(routes), [routes], (str(routes),)):
        assert trips(net, routes=given_routes) == ("a", "b")
    assert ul.load(net, routes=routes).settings.end is None
    assert trips(zipped(net), routes=zipped(routes)) == ("a", "b")


def test_sumo_network_without_routes_is_empty_and_says_so(folder: Path) -> None:
    scenario = ul.load(folder / "n.net.xml")
    assert (scenario.demand.num_trips, scenario.report.warnings["network without route files"]) == (0, 1)


def test_routes_given_replace_those_of_the_configuration(folder: Path) -> None:
    (folder / "other.rou.xml").write_text(TRIPS.replace('id="a"', 'id="z"'))
    assert trips(folder / "x.sumocfg", routes=folder / "other.rou.xml") == ("z", "b")
    (folder / "stops.add.xml").write_text('<additional><busStop id="halt" lane="west_in_1" startPos="2" endPos="9"/></additional>')
    (folder / "bus.rou.xml").write_text(
        '<routes><vehicle id="c" depart="2"><route edges="west_in east_out"/><stop busStop="halt" duration="3"/></vehicle></routes>'
    )
    scenario = ul.load(folder / "x.sumocfg", routes=folder / "bus.rou.xml", additional=folder / "stops.add.xml")
    assert scenario.demand.stops[0].stop_id == "halt"


@pytest.mark.parametrize("name", ["net", "city.xml", "x.sumo.cfg", "x.cfg", "noending"])
def test_sumo_files_of_any_name_are_known_by_what_stands_in_them(folder: Path, name: str) -> None:
    shutil.copy(folder / ("n.net.xml" if name == "net" else "x.sumocfg"), folder / name)
    scenario = ul.load(folder / name, routes=folder / "r.rou.xml")
    assert scenario.demand.trip_id == ("a", "b")
    text = (folder / name).read_bytes()
    (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace(b"<?xml", b"<?xml", 1))  # a byte order mark
    assert trips(zipped(folder / name), routes=folder / "r.rou.xml") == ("a", "b")


def test_city_folder(tmp_path: Path) -> None:
    scenario = make("grid:rows=2,cols=3,trips=10", seed=1)
    City(scenario).save(tmp_path / "city")
    assert ul.load(tmp_path / "city").demand.trip_id == scenario.demand.trip_id
    for options in ({"routes": "a.rou.xml"}, {"additional": "a.add.xml"}):
        with pytest.raises(ConfigError, match="own routes"):
            ul.load(tmp_path / "city", **options)  # type: ignore[arg-type]
    with pytest.raises(FileError, match="by its folder"):
        ul.load(tmp_path / "city" / "city.json")


def test_cityflow_folder_and_configuration(traffic_data: Path, tmp_path: Path) -> None:
    source = traffic_data / "jinan3x4"
    whole = ul.load(source)
    assert (whole.demand.num_trips, whole.settings.end, whole.settings.model) == (6295, 3600.0, "cityflow")
    assert ul.load(source, routes=source / "flow_2000.json.gz").demand.num_trips == 4365
    for name in ("roadnet.json", "flow.json"):
        (tmp_path / name).write_bytes(gzip.decompress((source / f"{name}.gz").read_bytes()))
    config = {"interval": 1.0, "seed": 0, "dir": f"{tmp_path}/", "roadnetFile": "roadnet.json", "flowFile": "flow.json"}
    config |= {"rlTrafficLight": False, "laneChange": False, "saveReplay": False}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert ul.load(tmp_path / "config.json").demand.trip_id == whole.demand.trip_id
    assert trips(zipped(tmp_path / "config.json")) == whole.demand.trip_id
    for options in ({"additional": "a.xml"}, {"routes": ["a.json", "b.json"]}):
        with pytest.raises(ConfigError, match="one flow file"):
            ul.load(source, **options)  # type: ignore[arg-type]


# begin


def test_begin_earlier_than_the_sources_brings_back_its_trips(folder: Path) -> None:
    (folder / "x.sumocfg").write_text(CONFIG.replace('<begin value="0"/>', '<begin value="3"/>'))
    assert trips(folder / "x.sumocfg") == ("b",)
    assert trips(folder / "x.sumocfg", begin=0) == ("a", "b")
    scenario = ul.load(folder / "x.sumocfg", begin=2.0)
    assert (scenario.settings.begin, scenario.report.warnings["trip departs before begin"]) == (2.0, 1)


def test_begin_of_a_network_and_of_a_city(folder: Path) -> None:
    assert trips(folder / "n.net.xml", routes=folder / "r.rou.xml", begin=2) == ("b",)
    City(ul.load(folder / "x.sumocfg")).save(folder / "city")
    scenario = ul.load(folder / "city", begin=2.0)
    assert (scenario.demand.trip_id, scenario.settings.begin) == (("b",), 2.0)
    assert scenario.report.warnings["trip departs before begin"] == 1


@pytest.mark.parametrize("begin", [-1.0, float("nan"), float("inf")])
def test_begin_that_is_no_time_is_refused(folder: Path, begin: float) -> None:
    with pytest.raises(ConfigError, match="'begin'"):
        ul.load(folder / "x.sumocfg", begin=begin)


# strict


def test_what_is_not_modelled_is_an_error_only_where_it_is_asked_for(folder: Path) -> None:
    require_modelled(ul.load(folder / "x.sumocfg"))
    (folder / "r.rou.xml").write_text(TRIPS.replace("</routes>", '<person id="p" depart="1"/><person id="q" depart="1"/></routes>'))
    scenario = ul.load(folder / "x.sumocfg")
    with pytest.raises(ConfigError, match="element person: 2"):
        require_modelled(scenario)


def test_imperfect_files_load_with_counted_warnings_and_survive_their_city_folder(traffic_data: Path, tmp_path: Path) -> None:
    scenario = ul.load(traffic_data / "hamburg_tavf" / "hamburg_tavf.sumocfg")
    known = {"signal state longer than its links": 1, "conflicting greens": 5, "missing yellow": 2}
    assert dict(scenario.report.warnings) == known
    assert len(scenario.report.examples["conflicting greens"]) == 5
    City(scenario).save(tmp_path / "city")
    assert dict(ul.load(tmp_path / "city").report.warnings) == known


def test_trips_before_the_begin_are_counted_once(traffic_data: Path) -> None:
    scenario = ul.load(traffic_data / "cologne3" / "cologne3.sumocfg")
    assert (scenario.demand.num_trips, dict(scenario.report.warnings)) == (2856, {"trip departs before begin": 1638})


# scenario files


def toml(folder: Path, text: str) -> Path:
    (folder / "s.toml").write_text(text)
    return folder / "s.toml"


def test_scenario_file_overrides_its_source(folder: Path) -> None:
    path = toml(
        folder, 'source = "x.sumocfg"\nbegin_s = 2\nend_s = 50.5\nseed = 7\nteleport_after_s = -1\nstep_s = 0.5\nlane_change = false\n'
    )
    scenario = ul.load(path)
    settings = scenario.settings
    assert (settings.begin, settings.end, settings.seed, settings.teleport_after) == (2.0, 50.5, 7, -1.0)
    assert (settings.step, settings.lane_change) == (0.5, False)
    assert (scenario.name, scenario.demand.trip_id, scenario.source) == ("s", ("b",), str(path))
    assert set(scenario.input_hashes) == {"s.toml", "x.sumocfg", "n.net.xml", "r.rou.xml"}
    assert trips(zipped(path)) == ("b",)


def test_scenario_file_with_files_of_its_own(folder: Path) -> None:
    (folder / "below").mkdir()
    path = folder / "below" / "s.toml"
    path.write_text('source = "../n.net.xml"\nroutes = ["../r.rou.xml"]\nname = "morning"\nend_s = inf\n')
    scenario = ul.load(path)
    assert (scenario.name, scenario.demand.num_trips, scenario.settings.end) == ("morning", 2, None)
    path.write_text('source = "../n.net.xml"\nroutes = "../r.rou.xml"\n')
    assert trips(path) == ("a", "b")


def test_scenario_file_without_a_word_changes_nothing(folder: Path) -> None:
    plain, same = ul.load(folder / "x.sumocfg"), ul.load(toml(folder, 'source = "x.sumocfg"'))
    assert (same.settings, same.demand.trip_id) == (plain.settings, plain.demand.trip_id)
    City(plain).save(folder / "city")
    assert ul.load(toml(folder, 'source = "city"\nend_s = inf')).settings == replace(plain.settings, end=None)


def test_every_setting_of_a_scenario_file_is_one_of_a_run() -> None:
    mine = {entry.name.removesuffix("_s") for entry in fields(ScenarioFile)} - {"source", "routes", "additional", "name"}
    assert mine <= {entry.name for entry in fields(RunSettings)}


BAD_TOML = {
    "no TOML": ("source =", "not TOML"),
    "no text": (b"\xff\xfe", "not TOML"),
    "deep": ("a = " + "[" * 5000, "not TOML"),
    "no source": ("seed = 1", "names no source"),
    "an empty source": ('source = " "', "names no source"),
    "an unknown key": ('source = "x.sumocfg"\nbegins_s = 5', "did you mean 'begin_s'"),
    "a key without its unit": ('source = "x.sumocfg"\nbegin = 5', "did you mean 'begin_s'"),
    "a table": ('source = "x.sumocfg"\n[settings]\nseed = 1', "unknown key 'settings'"),
    "a text for a number": ('source = "x.sumocfg"\nbegin_s = "5"', "'begin_s' has another type"),
    "a flag for a number": ('source = "x.sumocfg"\nbegin_s = true', "'begin_s' has another type"),
    "a number for a flag": ('source = "x.sumocfg"\nlane_change = 1', "'lane_change' has another type"),
    "a broken seed": ('source = "x.sumocfg"\nseed = 1.5', "'seed' has another type"),
    "a negative seed": ('source = "x.sumocfg"\nseed = -1', "'seed' is out of range"),
    "a number for a file": ("source = 5", "'source' has another type"),
    "numbers for files": ('source = "x.sumocfg"\nroutes = [5]', "'routes' is not a list of files"),
    "nan": ('source = "x.sumocfg"\nbegin_s = nan', "not a usable number"),
    "an endless begin": ('source = "x.sumocfg"\nbegin_s = inf', "not a usable number"),
    "a long step": ('source = "x.sumocfg"\nstep_s = 2', "'step_s' is out of range"),
    "an end before the begin": ('source = "x.sumocfg"\nbegin_s = 9\nend_s = 5', "'end_s' is out of range"),
    "a huge number": ('source = "x.sumocfg"\nbegin_s = ' + "9" * 400, "'begin_s' has another type"),
    "itself": ('source = "s.toml"', "another one as its source"),
    "a source that is not there": ('source = "y.sumocfg"', "does not exist"),
    "routes that are not there": ('source = "n.net.xml"\nroutes = ["y.rou.xml"]', "does not exist"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TOML)
def test_scenario_files_that_make_no_sense_are_one_clear_error(folder: Path, case: str) -> None:
    text, message = BAD_TOML[case]
    (folder / "s.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UrbanlabError, match=message):
        ul.load(folder / "s.toml")


def test_scenario_file_and_options_may_not_both_give_routes(folder: Path) -> None:
    with pytest.raises(ConfigError, match="stand in the scenario file"):
        ul.load(toml(folder, 'source = "n.net.xml"'), routes=folder / "r.rou.xml")


# what is no source


def test_a_missing_file_names_its_neighbour(folder: Path) -> None:
    with pytest.raises(FileError, match=r"did you mean .*x\.sumocfg"):
        ul.load(folder / "xx.sumocfg")
    with pytest.raises(FileError, match="does not exist") as caught:
        ul.load(folder / "nowhere" / "x.sumocfg")
    assert "a .sumocfg" in str(caught.value) and "city folder" in str(caught.value)


def test_a_specification_is_made_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="urbanlab city make grid:rows=2 --out CITY"):
        ul.load("grid:rows=2")


def test_a_folder_that_is_none_of_ours_names_what_lies_in_it(folder: Path) -> None:
    with pytest.raises(FileError, match=r"did you mean .*x\.sumocfg"):
        ul.load(folder)
    (folder / "y.sumocfg").mkdir()
    with pytest.raises(FileError, match="is no scenario"):
        ul.load(folder / "y.sumocfg")
    (folder / "z.net.xml").mkdir()
    with pytest.raises(FileError, match="is no scenario"):
        ul.load(folder / "z.net.xml")


@pytest.mark.parametrize("name", ["a.osm", "a.osm.gz", "a.osm.pbf", "a.osm.xml", "a.osm.bz2", "plain.xml"])
def test_maps_of_openstreetmap_are_for_later(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('<?xml version="1.0"?><!-- a map --><osm version="0.6"></osm>')
    with pytest.raises(FileError, match="OpenStreetMap files can't be imported yet") as caught:
        ul.load(tmp_path / name)
    assert "netconvert" in str(caught.value)


CONTENTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "of a kind that urbanlab does not know"),
    "text": (b"hello", "of a kind that urbanlab does not know"),
    "another root": (b"<html/>", "root <html>"),
    "routes": (b"<routes/>", "--routes"),
    "a comment that does not end": (b"<!-- <net>" * 9000, "of a kind that urbanlab does not know"),
    "noise": (bytes(range(256)), "of a kind that urbanlab does not know"),
    "half a gzip": (gzip.compress(b"<net>" * 1000)[:-20], "truncated|kind"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTENTS)
def test_files_of_no_known_kind_are_one_clear_error(tmp_path: Path, case: str) -> None:
    content, message = CONTENTS[case]
    (tmp_path / "file.dat").write_bytes(content)
    with pytest.raises(UrbanlabError, match=message):
        ul.load(tmp_path / "file.dat")


@pytest.mark.parametrize("name", ["\0", "a\0b.sumocfg", "x" * 5000, "x" * 300 + ".sumocfg", "", "/dev/null"])
def test_names_that_no_file_can_have_are_one_clear_error(name: str) -> None:
    with pytest.raises(FileError):
        ul.load(name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["f", "f.sumocfg", "f.net.xml", "f.toml", "f.json", "f.xml"]), st.binary(max_size=60), st.booleans())
def test_noise_of_any_name_is_one_clear_error(tmp_path: Path, name: str, content: bytes, is_packed: bool) -> None:
    path = tmp_path / (name + ".gz" if is_packed else name)
    path.write_bytes(gzip.compress(content) if is_packed else content)
    with pytest.raises(UrbanlabError):
        ul.load(path)


# bad input, each end to end


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text, (name, old)
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def cut(name: str, share: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * share)])

    return change


def cut_gzip(folder: Path) -> None:
    data = gzip.compress((folder / "r.rou.xml").read_bytes())
    (folder / "r.rou.xml").write_bytes(data[: len(data) // 2])


def as_folder(folder: Path) -> None:
    (folder / "r.rou.xml").unlink()
    (folder / "r.rou.xml").mkdir()


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
BAD: dict[str, tuple[Callable[[Path], None], type[UrbanlabError], str]] = {
    "a missing file": (lambda folder: (folder / "r.rou.xml").unlink(), FileError, r"r\.rou\.xml does not exist"),
    "a folder instead of a file": (as_folder, FileError, r"r\.rou\.xml is a folder"),
    "a truncated gzip": (cut_gzip, FileError, r"r\.rou\.xml is a truncated gzip file"),
    "XML cut in the middle": (cut("n.net.xml", 0.5), FileError, r"n\.net\.xml ends in the middle"),
    "a wrong root": (edit("r.rou.xml", "routes>", "html>"), FileError, "root element <html>"),
    "an unknown edge": (edit("r.rou.xml", "west_in east_out", "west_inn east_out"), DemandError, "unknown edge 'west_inn'"),
    "a gap": (edit("r.rou.xml", "west_in east_out", "west_in west_in"), DemandError, "gap between the edges 'west_in' and 'west_in'"),
    "two vehicles of one id": (edit("r.rou.xml", 'id="b"', 'id="a"'), DemandError, "two vehicles are called 'a'"),
    "an unknown vehicle type": (edit("r.rou.xml", 'type="bus"', 'type="buss"'), DemandError, "unknown type 'buss'"),
    "an unknown class": (edit("r.rou.xml", 'vClass="bus"', 'vClass="horse"'), DemandError, "unknown class"),
    "a departure that is nan": (edit("r.rou.xml", 'depart="1"', 'depart="nan"'), DemandError, "not a usable number"),
    "a huge departure": (edit("r.rou.xml", 'depart="1"', 'depart="1e300"'), DemandError, "not a usable number"),
    "a negative length": (edit("n.net.xml", ' length="', ' length="-'), NetworkError, "has no length"),
    "a length that is nan": (edit("n.net.xml", ' length="', ' length="nan" x="'), NetworkError, "not a usable number"),
    "an infinite speed": (edit("n.net.xml", ' speed="', ' speed="inf" x="'), NetworkError, "not a usable number"),
    "a huge coordinate": (edit("n.net.xml", ' shape="', ' shape="1e300,0.00 '), NetworkError, "not a usable number"),
    "an edge without lanes": (edit("n.net.xml", "</edge>", '</edge><edge id="e" from="west" to="centre"/>'), NetworkError, "has no lanes"),
    "a program too short": (edit("n.net.xml", 'state="rrrgGgrrrGGGgG"', 'state="rrr"'), ProgramError, "different lengths|too short"),
    "billion laughs": (
        edit("r.rou.xml", "<routes>", f'<!DOCTYPE routes [<!ENTITY l0 "ha">{LAUGHS}]><routes>'), FileError, "document type declarations",
    ),
    "an external entity": (
        edit("r.rou.xml", "<routes>", '<!DOCTYPE routes [<!ENTITY x SYSTEM "file:///etc/passwd">]><routes>'), FileError,
        "document type declarations",
    ),
    "a net of SUMO 2": (edit("n.net.xml", 'version="1.20"', 'version="2.0"'), NetworkError, "version"),
    "a step of an hour": (edit("x.sumocfg", "<begin", '<step-length value="3600"/><begin'), ConfigError, "step-length"),
    "no network": (edit("x.sumocfg", "net-file", "net-fil"), ConfigError, "names no network"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(folder: Path, case: str) -> None:
    change, kind, message = BAD[case]
    change(folder)
    with pytest.raises(kind, match=message) as caught:
        ul.load(folder / "x.sumocfg")
    assert len(str(caught.value)) < 2000


def test_every_state_of_a_program_too_short_is_an_error(folder: Path) -> None:
    text = (folder / "n.net.xml").read_text()
    for state in (
        "rrrgGgrrrGGGgG",
        "rrrgGgrrrGGGgr",
        "rrryygrrryyygr",
        "rrrrrGrrrrrrGr",
        "rrrrryrrrrrryr",
        "GGgrrrGGgrrrrr",
        "yyyrrryyyrrrrr",
    ):
        text = text.replace(f'state="{state}"', f'state="{state[:-1]}"')
    (folder / "n.net.xml").write_text(text)
    with pytest.raises(ProgramError, match="too short"):
        ul.load(folder / "x.sumocfg")


def test_a_net_of_a_newer_sumo_is_a_warning(folder: Path) -> None:
    edit("n.net.xml", 'version="1.20"', 'version="1.99"')(folder)
    assert ul.load(folder / "x.sumocfg").report.warnings["network version newer than 1.20"] == 1


def test_gzip_bombs_are_refused(folder: Path) -> None:
    (folder / "r.rou.xml").write_bytes(gzip.compress(b"<routes>" + b" " * (80 << 20) + b"</routes>"))
    with pytest.raises(FileError, match="decompression bomb"):
        ul.load(folder / "x.sumocfg")


def test_loading_twice_gives_the_same(folder: Path) -> None:
    one, other = ul.load(folder / "x.sumocfg"), ul.load(folder / "x.sumocfg")
    assert np.array_equal(one.network.lane_length, other.network.lane_length)
    assert one.input_hashes == other.input_hashes and one.report == other.report
