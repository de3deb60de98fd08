"""Wrong CityFlow files: one clear error each, that says what, where and what was expected."""

from __future__ import annotations

import copy
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.city.readers.cityflow_json import JsonLimits, JsonStream
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import ConfigError, DemandError, FileError, NetworkError, ProgramError, UrbanlabError

CROSS = Path(__file__).parent / "files" / "cityflow_cross"
TEXTS = {f"{name}.json": (CROSS / f"{name}.json").read_text() for name in ("config", "roadnet", "flow")}
LIMITS = JsonLimits(max_bytes=1 << 20, max_element=1 << 16)
Files = dict[str, Any]


def write(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    return folder


def edited(change: Callable[[Files], object]) -> dict[str, str]:
    files = {name.removesuffix(".json"): json.loads(text) for name, text in TEXTS.items()}
    change(files)
    return {f"{name}.json": json.dumps(content) for name, content in files.items()}


# what stands in the files


def road(files: Files) -> dict[str, Any]:
    result: dict[str, Any] = files["roadnet"]["roads"][0]
    return result


def centre(files: Files) -> dict[str, Any]:
    result: dict[str, Any] = files["roadnet"]["intersections"][0]
    return result


def flow(files: Files) -> dict[str, Any]:
    result: dict[str, Any] = files["flow"][4]
    return result


def put(where: Callable[[Files], dict[str, Any]], *keys: str | int, value: object) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        place: Any = where(files)
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def drop(where: Callable[[Files], dict[str, Any]], key: str) -> Callable[[Files], None]:
    return lambda files: where(files).pop(key)


WRONG: list[tuple[str, Callable[[Files], object], type[UrbanlabError], str]] = [
    ("no lanes", put(road, "lanes", value=[]), NetworkError, "no lanes.*west_in"),
    ("one point", put(road, "points", value=[{"x": 0, "y": 0}]), NetworkError, "needs two points.*west_in"),
    ("equal points", put(road, "points", value=[{"x": 0, "y": 0}] * 2), NetworkError, "no length.*west_in"),
    ("eaten road", put(road, "points", 0, value={"x": -20, "y": 0}), NetworkError, "no length.*west_in"),
    ("negative width", put(road, "lanes", 0, "width", value=-4), NetworkError, "'width'.*got -4.*west_in', lanes\\[0\\]"),
    ("text for a number", put(road, "lanes", 0, "maxSpeed", value="fast"), NetworkError, "'maxSpeed'.*got 'fast'.*a number"),
    ("truth for a number", put(road, "lanes", 0, "width", value=True), NetworkError, "'width'.*got True"),
    ("huge speed", put(road, "lanes", 0, "maxSpeed", value=1e300), NetworkError, "'maxSpeed'.*to 1000"),
    ("huge coordinate", put(road, "points", 0, "x", value=10**400), NetworkError, "'x'.*many digits"),
    ("number for a text", put(road, "id", value=7), NetworkError, "'id'.*got 7.*a text"),
    ("array for an object", put(road, "points", 1, value=[1, 2]), NetworkError, "an object is expected.*an array"),
    ("missing key", drop(road, "lanes"), NetworkError, "'lanes' is missing.*west_in"),
    ("two of one name", put(road, "id", value="west_out"), NetworkError, "same id.*'west_out'"),
    ("lost intersection", put(road, "endIntersection", value="nowhere"), NetworkError, "do not exist.*'west_in': 'nowhere'"),
    ("lost road", put(centre, "roads", 0, value="nowhere"), NetworkError, "do not exist.*'centre': 'nowhere'"),
    ("lost road of a link", put(centre, "roadLinks", 1, "endRoad", value="nowhere"), NetworkError, "do not exist.*'nowhere'"),
    ("lost lane", put(centre, "roadLinks", 0, "laneLinks", 0, "endLaneIndex", value=2), NetworkError, "lanes that do not exist.*lane 2"),
    ("negative lane", put(centre, "roadLinks", 0, "laneLinks", 0, "endLaneIndex", value=-1), NetworkError, "'endLaneIndex'.*got -1"),
    ("no flag", put(centre, "virtual", value=0), NetworkError, "'virtual'.*got 0.*true or false"),
    ("roads that are no names", put(centre, "roads", value=[["west_in"]]), NetworkError, "'roads'.*identifiers"),
    ("no phases", put(centre, "trafficLight", "lightphases", value=[]), ProgramError, "no light phases.*'centre'"),
    ("lost link of a phase", put(centre, "trafficLight", "lightphases", 0, "availableRoadLinks", value=[12]), ProgramError, "12.*0 to 11"),
    ("negative phase", put(centre, "trafficLight", "lightphases", 0, "time", value=-5), ProgramError, "'time'.*got -5"),
    ("phases of no time", lambda f: [p.update(time=0) for p in centre(f)["trafficLight"]["lightphases"]], ProgramError, "take no time"),
    ("no signal", drop(centre, "trafficLight"), NetworkError, "'trafficLight' is missing"),
    ("unknown road", put(flow, "route", 1, value="nowhere"), DemandError, "roads that do not exist.*flow 4: road 'nowhere'"),
    ("empty route", put(flow, "route", value=[]), DemandError, "a route is not.*flow 4"),
    ("route of numbers", put(flow, "route", value=[1, 2]), DemandError, "a route is not.*flow 4"),
    ("negative length", put(flow, "vehicle", "length", value=-5), DemandError, "'length'.*got -5.*from 0.001.*flow 4, 'vehicle'"),
    ("no braking", put(flow, "vehicle", "maxNegAcc", value=0), DemandError, "'maxNegAcc'.*got 0.*from 0.001"),
    ("missing parameter", lambda f: flow(f)["vehicle"].pop("minGap"), DemandError, "'minGap' is missing.*flow 4"),
    ("no interval", put(flow, "interval", value=0), DemandError, "'interval'.*got 0"),
    ("time that is a text", put(flow, "startTime", value="noon"), DemandError, "'startTime'.*got 'noon'"),
    ("far future", put(flow, "endTime", value=10**12), DemandError, "'endTime'"),
    ("flow that is a number", lambda f: f["flow"].insert(0, 3), DemandError, "an object is expected.*got 3.*flow 0"),
    ("no network named", lambda f: f["config"].pop("roadnetFile"), ConfigError, "'roadnetFile' is missing"),
    ("lost network", lambda f: f["config"].update(roadnetFile="lost.json"), FileError, "'roadnetFile' does not exist.*lost.json"),
    ("impossible name", lambda f: f["config"].update(flowFile="a\0b"), FileError, "'flowFile' does not exist"),
    ("no step", lambda f: f["config"].update(interval=0), ConfigError, "'interval'.*got 0"),
    ("uneven step", lambda f: f["config"].update(interval=1 / 3), ConfigError, "whole milliseconds"),
    ("seed that is none", lambda f: f["config"].update(seed=1.5), ConfigError, "'seed'.*got 1.5"),
    ("lane change that is none", lambda f: f["config"].update(laneChange="yes"), ConfigError, "'laneChange'.*got 'yes'"),
    ("road net that is an array", lambda f: f.update(roadnet=[]), FileError, "roadnet.json.*an object"),
    ("flows that are an object", lambda f: f.update(flow={}), FileError, "flow.json.*an array"),
    ("road net without roads", lambda f: f["roadnet"].pop("roads"), FileError, "not a CityFlow road net.*without 'roads'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_content_is_one_clear_error(tmp_path: Path, change: Callable[[Files], object], kind: type[UrbanlabError], words: str) -> None:
    with pytest.raises(kind) as caught:
        read_cityflow(write(tmp_path, edited(change)) / "config.json")
    assert type(caught.value) is kind
    assert re.search(words, str(caught.value), re.DOTALL), str(caught.value)


def test_all_unknown_roads_are_listed(tmp_path: Path) -> None:
    texts = edited(lambda files: [item.update(route=["west_in", "lost"]) for item in files["flow"]])
    with pytest.raises(DemandError) as caught:
        read_cityflow(write(tmp_path, texts))
    assert len(caught.value.items) == 1  # one route, however many flows drive it
    texts = edited(lambda files: [item.update(route=["west_in", f"lost{k}"]) for k, item in enumerate(files["flow"])])
    with pytest.raises(DemandError, match=r"12 in all"):
        read_cityflow(write(tmp_path, texts))


# files as such


@pytest.mark.parametrize("name", ["config.json", "roadnet.json", "flow.json"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_json_cut_in_the_middle(tmp_path: Path, name: str, share: float) -> None:
    text = TEXTS[name].rstrip()
    write(tmp_path, TEXTS | {name: text[: int(share * len(text))]})
    with pytest.raises(FileError, match=f"{name} ends in the middle"):
        read_cityflow(tmp_path)


def read_all(path: Path) -> list[Any]:
    stream = JsonStream(path, LIMITS)
    found = list(stream.elements())
    stream.end()
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2] 3", "text after its end"),
        ('[{"a": 1,, "b": 2}]', "not JSON"),
        ("hello", "not JSON|an array"),
        ("[NaN]", "NaN is no number"),
        ("[-Infinity]", "no number"),
        ("[1e999]", "too large"),
        ("[" + "9" * 5000 + "]", "can't be used"),
        ("[" * 20_000 + "]" * 20_000, "nested too deeply"),
        ('[{"a":' * 5_000, "nested too deeply|ends in the middle"),
        ('["' + "x" * (1 << 19) + '"]', "does not end"),
        ("\ufeff[", "ends in the middle"),
    ],
)
def test_text_that_is_no_usable_json(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "flow.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=words):
        read_all(tmp_path / "flow.json")


def test_errors_in_the_text_name_the_line(tmp_path: Path) -> None:
    text = TEXTS["flow.json"].replace('"interval": 7,', '"interval": seven,')
    with pytest.raises(FileError, match=r"flow.json, line 4"):
        read_cityflow(write(tmp_path, TEXTS | {"flow.json": text}))


def test_elements_are_read_one_by_one_across_pieces_of_the_file(tmp_path: Path) -> None:
    values = [{"n": k, "text": "\u00e4\u4e2d]}[{" * (k % 7), "deep": [[k]]} for k in range(30_000)]
    (tmp_path / "a.json").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    stream = JsonStream(tmp_path / "a.json", JsonLimits(max_element=1 << 16))  # the file is larger than that
    assert all(got == want for got, want in zip(stream.elements(), values, strict=True))
    stream.end()


def test_not_utf8(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    (tmp_path / "flow.json").write_bytes('["\u00fc"]'.encode("latin-1"))
    with pytest.raises(FileError, match="not UTF-8"):
        read_cityflow(tmp_path)


def test_truncated_gzip(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    whole = gzip.compress(TEXTS["flow.json"].encode())
    (tmp_path / "flow.json").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="truncated gzip"):
        read_cityflow(tmp_path)
    (tmp_path / "flow.json").write_bytes(whole[:30] + b"\xff" + whole[31:])
    with pytest.raises(FileError, match=r"damaged gzip|truncated gzip|UTF-8|JSON"):
        read_cityflow(tmp_path)


def test_gzip_bomb(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    (tmp_path / "flow.json").write_bytes(gzip.compress(b"[" + b" " * (4 << 20) + b"]"))
    with pytest.raises(FileError, match="decompression bomb"):
        read_cityflow(tmp_path, limits=LIMITS)


def test_missing_and_misplaced_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read_cityflow(tmp_path / "config.json")
    with pytest.raises(FileError, match=r"no roadnet.json and no flow.json"):
        read_cityflow(tmp_path)
    write(tmp_path, TEXTS)
    (tmp_path / "config.json").unlink()
    (tmp_path / "flow.json").unlink()
    (tmp_path / "flow.json").mkdir()
    with pytest.raises(FileError, match=r"no flow.json"):
        read_cityflow(tmp_path)
    with pytest.raises(FileError, match="does not exist"):
        read_cityflow(tmp_path, flow=tmp_path / "lost.json")


# whatever stands there


NASTY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 20), st.floats(), st.text(max_size=20),
    st.sampled_from(["west_in", "west_out", "centre", "go_straight", "turn_left", "", "\0", "-1"]),
    st.sampled_from([1e308, 5e-324, 1 << 64, [], {}, [[]], [{}]]),
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: its container and its key there."""
    found: list[tuple[Any, Any]] = []
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        found += places(value[key])
    return found


def reads_or_says_why(folder: Path) -> None:
    try:
        scenario = read_cityflow(folder, limits=LIMITS)
    except UrbanlabError:
        return
    assert isinstance(scenario, Scenario)
    assert (scenario.network.lane_length > 0.0).all()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_other_values_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    files = {name: json.loads(text) for name, text in TEXTS.items()}
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(files)))
        container, key = data.draw(st.sampled_from(places(files[name]) or [(files, name)]))
        action = data.draw(st.sampled_from(["change", "drop", "repeat"]))
        if action == "change" or (action == "repeat" and isinstance(container, dict)):
            container[key] = copy.deepcopy(data.draw(NASTY))
        elif action == "drop" and container is not files:
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
    folder = tmp_path_factory.mktemp("fuzz")
    reads_or_says_why(write(folder, {name: json.dumps(content) for name, content in files.items()}))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_other_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[name]
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 40)))
    new = data.draw(st.one_of(st.text(max_size=10), st.text('{}[],:"0123456789.eE+-\\ntrufals', max_size=10)))
    folder = tmp_path_factory.mktemp("fuzz")
    reads_or_says_why(write(folder, TEXTS | {name: text[:start] + new + text[end:]}))
