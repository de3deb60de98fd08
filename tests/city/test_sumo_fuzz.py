"""Whatever stands in a file, the readers either read it or say what is wrong: nothing else ever comes out."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from urbanlab.city.readers.sumo import read_sumo, read_sumo_config
from urbanlab.city.readers.xml_stream import XmlLimits
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import UrbanlabError

SMALL = Path(__file__).parent / "files" / "small.net.xml"
NET = SMALL.read_text()
ROUTES = """<routes>
<vType id="t" vClass="bus" speedFactor="normc(1.1,0.2,0.5,1.5)" lcStrategic="2" sigma="0.3"/>
<vType id="i" carFollowModel="IDM"/>
<vTypeDistribution id="d" vTypes="t i" probabilities="0.3 0.7"/>
<route id="r" edges="west_in south_out"><stop lane="west_in_1" endPos="30" duration="5"/></route>
<routeDistribution id="rd" routes="r" probabilities="1"/>
<vehicle id="a" type="d" depart="1.1" departLane="1" departPos="-3" departSpeed="2" arrivalPos="5">
<route edges="west_in east_out"/>
<stop busStop="halt" duration="12" until="99" parking="true"/></vehicle>
<vehicle id="b" depart="2" route="rd"/><trip id="c" depart="3" from="west_in" to="east_out" via="south_in"/>
<flow id="f" begin="4" end="100" period="exp(0.1)" from="west_in" to="east_out"/>
<flow id="g" begin="5" number="9" end="50" route="r"/>
</routes>"""
BESIDE = """<additional><busStop id="halt" lane="west_in_1" startPos="20" endPos="40"/>
<inductionLoop id="l" lane="west_in_1" pos="3" period="60"/>
<laneAreaDetector id="m" lane="west_in_1" pos="10" endPos="30"/><entryExitDetector id="n" period="60">
<detEntry lane="west_in_1" pos="1"/>
<detExit lane="east_out_0" pos="2"/></entryExitDetector><rerouter id="r" edges="west_in"><interval begin="10" end="20">
<closingReroute id="east_out" allow="bus"/></interval></rerouter><variableSpeedSign id="v" lanes="west_in_1">
<step time="10" speed="3"/></variableSpeedSign>
<tlLogic id="centre" type="static" programID="x" offset="3"><phase duration="9" state="rrrgGgrrrGGGgG" next="0"/>
<param key="k" value="1"/></tlLogic>
<WAUT id="w" startProg="x"><wautSwitch time="50" to="0"/></WAUT><wautJunction wautID="w" junctionID="centre"/>
</additional>"""
CONFIG = """<configuration><net-file value="n.net.xml"/><route-files value="r.rou.xml"/>
<additional-files value="a.add.xml"/>
<begin value="0"/><end value="100"/><step-length value="0.5"/><seed value="3"/><default.speeddev value="0.1"/>
</configuration>"""
TEXTS = {"n.net.xml": NET, "r.rou.xml": ROUTES, "a.add.xml": BESIDE, "x.sumocfg": CONFIG}
LIMITS = XmlLimits(max_bytes=1 << 20, max_token_bytes=1 << 16)
VALUE = re.compile(r'(?<==")[^"]*(?=")')
NAME = re.compile(r"(?<=<)/?\w+|\w+(?==\")")
# what breaks readers: numbers that are none, signs, emptiness, other alphabets, other elements' words
NASTY = (
    "", " ", "-1", "0", "1", "nan", "inf", "-inf", "1e999", "1e-999", "1_0", "99999999999999999999", "2147483648",
    "-2147483649", "1.5",
    "0x10", "\u0663", "true", "x" * 300, "a b c", ",", ",,", "1,2", "(", "normc()", "normc(,,)", "exp()", "exp(-1)",
    "::", "1:2:3",
    "west_in", "west_in_1", ":centre_0_0", ":centre_w1_0", ":centre_c0", "east_out west_in", "centre", "halt", "r",
    "d", "all", "internal",
    "crossing", "walkingarea", "traffic_light", "off", "begin", "triggered", "random", "GG", "0" * 14, "1" * 14,
    "../..", "&amp;", "&lt;",
)  # fmt: skip


def load(folder: Path, files: dict[str, bytes]) -> Scenario | None:
    """Read; None where an error of ours came out. Any other error fails the test."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    try:
        return read_sumo_config(folder / "x.sumocfg", limits=LIMITS)
    except UrbanlabError:
        return None


def check(scenario: Scenario | None) -> None:
    """What was read is sound enough for those who trust it."""
    if scenario is None:
        return
    network, demand, programs = scenario.network, scenario.demand, scenario.programs
    for column in (network.lane_length, network.lane_speed, network.lane_width):
        assert np.all(np.isfinite(column)) and np.all(column > 0)
    for lanes in (network.connection_from, network.connection_to, network.junction_inc_lane, network.junction_int_lane):
        assert np.all((lanes >= 0) & (lanes < network.num_lanes))
    assert np.all(network.connection_via < network.num_lanes)
    assert np.all(network.connection_request < len(network.request_junction))
    assert np.all((network.response_request >= 0) & (network.response_request < len(network.request_junction)))
    for phase in range(len(programs.phase_state)):
        assert programs.phase_duration[phase] > 0
    for link, signal in zip(network.connection_link, network.connection_signal, strict=True):
        row = programs.active_program[signal] if signal >= 0 else -1
        if row >= 0 and programs.phase_start[row + 1] > programs.phase_start[row]:
            assert link < len(programs.phase_state[programs.phase_start[row]])
    assert np.all(np.isfinite(demand.trip_depart)) and np.all(np.diff(demand.trip_depart) >= 0)
    assert np.all(demand.trip_type < len(demand.vehicle_types)) and np.all(demand.trip_route < len(demand.route_start) - 1)
    assert np.all((demand.trip_route != -1) | ((demand.trip_from >= 0) & (demand.trip_to >= 0)))
    for kind in demand.vehicle_types:
        assert min(kind.length, kind.accel, kind.decel, kind.max_speed, kind.emergency_decel) > 0
    for stop in demand.stops:
        assert 0 <= stop.start <= stop.end <= network.lane_length[stop.lane]
    assert all(flow.period > 0 or flow.probability > 0 or flow.poisson_rate > 0 for flow in demand.flows)


def encoded(**changed: str) -> dict[str, bytes]:
    return {name: changed.get(name, text).encode("utf-8", "surrogatepass") for name, text in TEXTS.items()}


FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def test_the_seed_files_are_good(tmp_path: Path) -> None:
    scenario = load(tmp_path, encoded())
    assert scenario is not None
    check(scenario)


@FUZZ
@given(
    st.sampled_from(sorted(TEXTS)),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(NASTY)), min_size=1, max_size=3),
)
def test_other_attribute_values(tmp_path: Path, name: str, changes: list[tuple[int, str]]) -> None:
    text = TEXTS[name]
    for place, value in changes:
        spans = [match.span() for match in VALUE.finditer(text)]
        first, last = spans[place % len(spans)]
        text = text[:first] + value + text[last:]
    check(load(tmp_path, encoded(**{name: text})))


@FUZZ
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_values_of_other_attributes_of_the_file(tmp_path: Path, name: str, place: int, other: int) -> None:
    text = TEXTS[name]
    spans = [match.span() for match in VALUE.finditer(text)]
    first, last = spans[place % len(spans)]
    source = spans[other % len(spans)]
    check(load(tmp_path, encoded(**{name: text[:first] + text[source[0] : source[1]] + text[last:]})))


@FUZZ
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_lines_and_tags_lost_doubled_or_swapped(tmp_path: Path, name: str, place: int, other: int) -> None:
    tags = re.findall(r"<[^>]*>", TEXTS[name])
    first, second = place % len(tags), other % len(tags)
    for mixed in (tags[:first] + tags[first + 1 :], [*tags[:first], tags[second], *tags[first:]]):
        check(load(tmp_path, encoded(**{name: "".join(mixed)})))
    tags[first], tags[second] = tags[second], tags[first]
    check(load(tmp_path, encoded(**{name: "".join(tags)})))


@FUZZ
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_other_names_of_elements_and_attributes(tmp_path: Path, name: str, place: int, other: int) -> None:
    text = TEXTS[name]
    spans = [match.span() for match in NAME.finditer(text)]
    (first, last), source = spans[place % len(spans)], spans[other % len(spans)]
    check(load(tmp_path, encoded(**{name: text[:first] + text[source[0] : source[1]] + text[last:]})))


@FUZZ
@given(
    st.sampled_from(sorted(TEXTS)),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_other_bytes(tmp_path: Path, name: str, changes: list[tuple[int, int]]) -> None:
    files = encoded()
    content = bytearray(files[name])
    for place, value in changes:
        content[place % len(content)] = value
    check(load(tmp_path, files | {name: bytes(content)}))


@FUZZ
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 10**6), st.booleans())
def test_cut_files(tmp_path: Path, name: str, place: int, is_packed: bool) -> None:
    files = encoded()
    content = gzip.compress(files[name]) if is_packed else files[name]
    check(load(tmp_path, files | {name: content[: place % len(content)]}))


@FUZZ
@given(st.binary(max_size=200))
def test_noise(tmp_path: Path, content: bytes) -> None:
    for name in TEXTS:
        assert load(tmp_path, encoded() | {name: content}) is None or name != "n.net.xml"


# cases that fuzzing found

FOUND: dict[str, tuple[str, str, str]] = {
    "a file name that no disk takes": ("x.sumocfg", "r.rou.xml", "x" * 300),
    "a speed sign without steps": ("a.add.xml", '<step time="10" speed="3"/>', ""),
}


@pytest.mark.parametrize("case", FOUND)
def test_found_cases(tmp_path: Path, case: str) -> None:
    name, old, new = FOUND[case]
    assert old in TEXTS[name]
    check(load(tmp_path, encoded(**{name: TEXTS[name].replace(old, new)})))


def test_route_files_of_every_shape_are_read_without_a_net_of_ours(tmp_path: Path) -> None:
    (tmp_path / "r.rou.xml").write_text(ROUTES.replace('<stop busStop="halt" duration="12" until="99" parking="true"/>', ""))
    assert read_sumo(SMALL, [tmp_path / "r.rou.xml"]).demand.num_trips == 5
