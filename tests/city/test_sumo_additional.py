"""Additional files: programs, detectors, closures, limits, places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from urbanlab.city.network import ALL_CLASSES, class_mask
from urbanlab.city.program import ProgramType
from urbanlab.city.readers.sumo import read_sumo
from urbanlab.city.scenario import Detector, Scenario
from urbanlab.core.errors import InputError, NetworkError, ProgramError

SMALL = Path(__file__).parent / "files" / "small.net.xml"
FOREVER = 2147483.647
STATES = ("rrrgGgrrrGGGgG", "rrryygrrryyygr", "GGgrrrGGgrrrrr")


def load(folder: Path, *bodies: str) -> Scenario:
    paths = []
    for number, body in enumerate(bodies):
        paths.append(folder / f"file{number}.add.xml")
        paths[-1].write_text(f"<additional>\n{body}\n</additional>")
    return read_sumo(SMALL, [], paths)


def program(name: str = "p", kind: str = "static", offset: str = "0", inside: str = "") -> str:
    phases = "".join(f'<phase duration="{9 + number}" state="{state}"/>' for number, state in enumerate(STATES))
    return f'<tlLogic id="centre" type="{kind}" programID="{name}" offset="{offset}">{phases}{inside}</tlLogic>'


# programs


def test_last_program_loaded_is_active(tmp_path: Path) -> None:
    programs = load(tmp_path, program("a"), program("b", "actuated", "7")).programs
    assert programs.program_id == ("0", "a", "b")
    assert programs.active_program.tolist() == [2]
    assert programs.program_type.tolist() == [ProgramType.ACTUATED, ProgramType.STATIC, ProgramType.ACTUATED]
    assert programs.program_offset.tolist() == [0.0, 0.0, 7.0]
    assert programs.phase_start.tolist() == [0, 7, 10, 13]
    assert programs.phase_state[7:10] == STATES


def test_parameters_belong_to_their_program(tmp_path: Path) -> None:
    programs = load(tmp_path, program("a", "actuated", inside='<param key="max-gap" value="2.5"/>')).programs
    assert programs.program_params == ({}, {"max-gap": "2.5"})


def test_minimum_without_maximum_is_unbounded_as_in_sumo(tmp_path: Path) -> None:
    """SUMO 1.28 reports 2147483.647 s as the maximum of such a phase, and the duration where neither is given."""
    body = (
        f'<tlLogic id="centre" type="actuated" programID="a" offset="0">'
        f'<phase duration="33" minDur="5" state="{STATES[0]}"/>'
        f'<phase duration="3" state="{STATES[1]}"/><phase duration="33" maxDur="50" name="side" next="0 1" '
        f'state="{STATES[2]}"/></tlLogic>'
    )
    programs = load(tmp_path, body).programs
    assert programs.phase_min[-3:].tolist() == [5.0, 3.0, 33.0]
    assert programs.phase_max[-3:].tolist() == [FOREVER, 3.0, 50.0]
    assert programs.phase_next[-1] == (0, 1)
    assert programs.phase_name[-1] == "side"


def test_program_without_phases_shifts_the_one_loaded_before(tmp_path: Path) -> None:
    programs = load(tmp_path, '<tlLogic id="centre" programID="0" offset="12"/>').programs
    assert programs.program_offset.tolist() == [12.0]
    assert programs.active_program.tolist() == [0]


def test_off_is_a_program_of_its_own(tmp_path: Path) -> None:
    programs = load(tmp_path, '<tlLogic id="centre" type="static" programID="off"/>').programs
    assert programs.program_type[programs.active_program[0]] == ProgramType.OFF


def test_planned_switches(tmp_path: Path) -> None:
    body = (
        program("a") + '<WAUT id="w" refTime="100" startProg="0"><wautSwitch time="50" to="a"/><wautSwitch time="70" to="off"/>'
        '</WAUT><wautJunction wautID="w" junctionID="centre"/>'
    )
    programs = load(tmp_path, body).programs
    named = [(signal, time, programs.program_id[row]) for signal, time, row in programs.switch_times]
    assert named == [(0, 150.0, "a"), (0, 170.0, "off")]
    assert programs.program_id[programs.active_program[0]] == "0"


def test_unknown_kind_of_program_is_noted(tmp_path: Path) -> None:
    scenario = load(tmp_path, program("a", "swarm"))
    assert scenario.report.not_modelled["signal program type swarm"] == 1
    assert scenario.programs.program_type[-1] == ProgramType.STATIC


@pytest.mark.parametrize(
    "body",
    [
        program("0"), program("a").replace("centre", "center"), '<tlLogic id="centre" programID="none" offset="3"/>',
        program("a").replace('"GGgrrrGGgrrrrr"', '"GG"'), '<wautJunction wautID="w" junctionID="centre"/>',
        '<WAUT id="w"><wautSwitch time="5" to="none"/></WAUT><wautJunction wautID="w" junctionID="centre"/>',
        '<wautSwitch time="5" to="0"/>', program("a", offset="nan"), program("a").replace(' state="GGgrrrGGgrrrrr"',
        ""),
        "".join(program("a").replace(state, state[:-1]) for state in STATES[:1]),
    ],
)  # fmt: skip
def test_bad_programs_are_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(ProgramError):
        load(tmp_path, body)


def test_short_program_of_an_additional_file_says_where(tmp_path: Path) -> None:
    body = program("a")
    for state in STATES:
        body = body.replace(state, state[:5])
    with pytest.raises(ProgramError, match=r"5 of 14 characters \(file0.add.xml, line 2\)"):
        load(tmp_path, body)


# detectors


def test_detectors_of_every_kind(tmp_path: Path) -> None:
    body = (
        '<e1Detector id="a" lane="west_in_1" pos="23" freq="1800" file="out.xml"/>'
        '<inductionLoop id="b" lane="west_in_1" pos="-10"/>'
        '<laneAreaDetector id="c" lane="west_in_1" pos="10" endPos="30" period="60"/>'
        '<e2Detector id="d" lane="west_in_1" pos="-20" length="15"/>'
        '<entryExitDetector id="e" period="300"><detEntry lane="west_in_1" pos="5"/>'
        '<detExit lane="east_out_0" pos="-5"/></entryExitDetector>'
        '<instantInductionLoop id="f" lane="west_in_2" pos="1"/>'
        '<e2Detector id="g" lane="east_in_0" endPos="50" length="20"/>'
    )
    scenario = load(tmp_path, body)
    west, east = scenario.network.lane_of_id("west_in_1"), scenario.network.lane_of_id("east_out_0")
    found = {detector.detector_id: detector for detector in scenario.detectors}
    assert found["a"] == Detector("a", "loop", west, 23.0, 1800.0, file="out.xml")
    assert (found["b"].pos, found["b"].period) == (pytest.approx(84.8), FOREVER)
    assert (found["c"].kind, found["c"].pos, found["c"].length, found["c"].period) == ("area", 10.0, 20.0, 60.0)
    assert (found["d"].pos, found["d"].length) == (pytest.approx(74.8), pytest.approx(15.0))
    assert found["e"] == Detector("e", "probe", west, 5.0, 300.0, end_lane=east, end_pos=pytest.approx(89.8))
    assert found["f"].kind == "loop"
    assert (found["g"].pos, found["g"].length) == (30.0, 20.0)
    assert dict(scenario.report.warnings) == {"instant detector read as a loop": 1}


def test_detector_with_two_entries_is_noted(tmp_path: Path) -> None:
    gate = '<detEntry lane="west_in_1" pos="5"/>' * 2 + '<detExit lane="east_out_0" pos="5"/>'
    scenario = load(tmp_path, f'<e3Detector id="e" freq="300">{gate}</e3Detector>')
    assert scenario.detectors == ()
    assert scenario.report.not_modelled["detector with several entries or exits"] == 1


# closures


def test_closures_and_their_classes(tmp_path: Path) -> None:
    body = (
        '<rerouter id="r" edges="west_in east_in" probability="0.5"><interval begin="0:10:00" end="1200">'
        '<closingReroute id="south_out"/>'
        '<closingLaneReroute id="east_out_1" disallow="passenger"/></interval><interval end="50">'
        '<closingReroute id="east_out" allow="bus"/>'
        "</interval></rerouter>"
    )
    scenario = load(tmp_path, body)
    network = scenario.network
    first, second, third = scenario.closures
    assert [network.lane_id(lane) for lane in first.lanes] == ["south_out_0"]
    assert (first.begin, first.end, first.probability, first.speed) == (600.0, 1200.0, 0.5, -1.0)
    assert first.permissions == ALL_CLASSES  # SUMO: nothing is forbidden, those who obey go another way
    assert first.reroute_edges == (network.edge_of_id["west_in"], network.edge_of_id["east_in"])
    assert second.permissions == ALL_CLASSES & ~class_mask("passenger")
    assert [network.lane_id(lane) for lane in third.lanes] == ["east_out_0", "east_out_1"]
    assert (third.begin, third.end, third.permissions) == (0.0, 50.0, class_mask("bus", "ignoring"))


def test_closings_of_an_interval_are_one_closure_by_permissions(tmp_path: Path) -> None:
    body = (
        '<rerouter id="r" edges="west_in"><interval begin="1" end="2"><closingReroute id="south_out"/><closingReroute id="north_out"/>'
        '<closingLaneReroute id="east_out_0"/></interval><interval begin="3" end="4"><closingReroute id="south_out"/></interval></rerouter>'
        '<rerouter id="off" edges="west_in" off="true"><interval begin="5" end="6"><closingReroute id="south_out"/>'
        '<closingReroute id="north_out" disallow="all"/></interval></rerouter>'
    )
    scenario = load(tmp_path, body)
    found = [([scenario.network.lane_id(lane) for lane in c.lanes], c.begin, c.permissions) for c in scenario.closures]
    assert found == [
        (["south_out_0", "north_out_0"], 1.0, ALL_CLASSES), (["east_out_0"], 1.0, class_mask("authority", "ignoring")),
        (["south_out_0"], 3.0, ALL_CLASSES), (["north_out_0"], 5.0, scenario.closures[-1].permissions),
    ]  # fmt: skip
    assert scenario.closures[-1].probability == 0.0 and scenario.closures[-1].permissions & class_mask("passenger") == 0


def test_conditions_of_rerouters_are_noted(tmp_path: Path) -> None:
    body = (
        '<rerouter id="r" edges="west_in" vTypes="a b" timeThreshold="60" optional="true"><interval begin="1" end="2">'
        '<closingReroute id="south_out" until="40"/></interval></rerouter>'
    )
    assert dict(load(tmp_path, body).report.not_modelled) == {
        "rerouter with vTypes": 1, "rerouter with timeThreshold": 1, "rerouter with optional": 1,
        "closure that ends for those who arrive later": 1,
    }  # fmt: skip


def test_other_rerouting_is_noted(tmp_path: Path) -> None:
    body = '<rerouter id="r" edges="west_in"><interval begin="0" end="9"><destProbReroute id="east_out"/></interval></rerouter>'
    assert dict(load(tmp_path, body).report.not_modelled) == {"element destProbReroute": 1}


def test_speed_signs_become_limits_in_time(tmp_path: Path) -> None:
    body = (
        '<variableSpeedSign id="s" lanes="west_in_1 west_in_2"><step time="100" speed="5"/>'
        '<step time="200" speed="-1"/>'
        '<step time="300" speed="8"/></variableSpeedSign>'
    )
    closures = load(tmp_path, body).closures
    assert [(c.begin, c.end, c.speed, c.permissions) for c in closures] == [
        (100.0, 200.0, 5.0, ALL_CLASSES), (300.0, FOREVER, 8.0, ALL_CLASSES),
    ]  # fmt: skip
    assert len(closures[0].lanes) == 2


BAD = (
    '<busStop id="b" lane="nowhere_0"/>', '<busStop id="b" lane="west_in_1" startPos="50" endPos="20"/>',
    '<busStop id="b" lane="west_in_1" endPos="900"/>',
    '<busStop id="b" lane="west_in_1"/><busStop id="b" lane="west_in_1"/>',
    '<busStop lane="west_in_1"/>', '<e1Detector id="a" lane="west_in_1" pos="nan"/>',
    '<e1Detector id="a" lane="west_in_77" pos="1"/>',
    '<e1Detector id="a" lane="west_in_1"/>', '<e1Detector id="a" lane="west_in_1" pos="1" freq="often"/>',
    '<rerouter id="r" edges="nowhere"/>', '<closingReroute id="east_out"/>', '<interval begin="0" end="1"/>',
    '<rerouter id="r" edges="west_in"><interval begin="5" end="1"/></rerouter>', '<detEntry lane="west_in_1" pos="1"/>',
    '<rerouter id="r" edges="west_in"><interval><closingReroute id="x"/></interval></rerouter>',
    '<step time="1" speed="2"/>',
    '<laneAreaDetector id="c" lane="west_in_1" pos="30" endPos="10"/>', '<variableSpeedSign id="s" lanes="x"/>',
)  # fmt: skip


@pytest.mark.parametrize("body", BAD)
def test_bad_additional_elements_are_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(NetworkError) as caught:
        load(tmp_path, body)
    assert "file0.add.xml, line 2" in str(caught.value)


def test_outputs_are_warned_of_and_drawings_ignored(tmp_path: Path) -> None:
    body = (
        '<edgeData id="e" file="x"/><laneData id="l" file="x"/><poly id="p" shape="0,0 1,1"/><poi id="q"/>'
        '<calibrator id="c"><flow/></calibrator>'
    )
    report = load(tmp_path, body).report
    assert dict(report.warnings) == {"output request edgeData": 1, "output request laneData": 1}
    assert dict(report.not_modelled) == {"element calibrator": 1}


def test_types_and_vehicles_may_stand_in_additional_files(tmp_path: Path) -> None:
    body = '<vType id="t" maxSpeed="9"/><vehicle id="v" type="t" depart="1"><route edges="west_in east_out"/></vehicle>'
    demand = load(tmp_path, body).demand
    assert demand.vehicle_types[demand.trip_type[0]].max_speed == 9.0
    assert np.all(demand.trip_depart == 1.0)


@pytest.mark.parametrize("root", ["net", "configuration", "html", "tripinfos", "osm"])
def test_other_files_are_refused(tmp_path: Path, root: str) -> None:
    path = tmp_path / "x.xml"
    path.write_text(f"<{root}/>")
    with pytest.raises(InputError, match="is not a SUMO route or additional file"):
        read_sumo(SMALL, [path])
