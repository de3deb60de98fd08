"""Configurations: files, times, options, and what is said about the rest."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from urbanlab.city.demand import CarFollowing, DepartLane, DepartPos, DepartSpeed
from urbanlab.city.load import load
from urbanlab.city.readers.sumo import read_sumo_config
from urbanlab.city.readers.sumo_config import SumoConfig, read_config
from urbanlab.city.routing import route_demand
from urbanlab.city.scenario import ImportReport, Scenario
from urbanlab.core.errors import ConfigError, DemandError, FileError, InputError

SUMO = importlib.util.find_spec("sumo")
SMALL = Path(__file__).parent / "files" / "small.net.xml"
VEHICLE = '<vehicle id="v" depart="0"><route edges="west_in east_out"/></vehicle>'


def write(folder: Path, options: str, name: str = "x.sumocfg", root: str = "configuration") -> Path:
    path = folder / name
    path.write_text(f'<?xml version="1.0"?>\n<{root}>{options}</{root}>')
    return path


def config(folder: Path, options: str, report: ImportReport | None = None) -> SumoConfig:
    return read_config(write(folder, f'<input><net-file value="n.net.xml"/></input>{options}'), report or ImportReport())


def scenario(folder: Path, options: str, routes: str = VEHICLE) -> Scenario:
    shutil.copy(SMALL, folder / "n.net.xml")
    (folder / "r.rou.xml").write_text(f"<routes>{routes}</routes>")
    return read_sumo_config(write(folder, f'<net-file value="n.net.xml"/><route-files value="r.rou.xml"/>{options}'))


def test_sections_flat_options_and_short_names_read_alike(tmp_path: Path) -> None:
    report = ImportReport()
    sections = '<input><net-file value="n"/><route-files value="a"/></input><time><begin value="5"/><end value="9"/></time>'
    flat = '<net-file value="n"/><route-files value="a"/><begin value="5"/><end value="9"/>'
    short = '<n v="n"/><r v="a"/><b v="5"/><e v="9"/>'
    first, second, third = (read_config(write(tmp_path, text), report) for text in (sections, flat, short))
    assert first.settings.begin == second.settings.begin == third.settings.begin == 5.0
    assert first.settings.end == second.settings.end == third.settings.end == 9.0
    assert first.routes == second.routes == third.routes == (tmp_path / "a",)


@pytest.mark.parametrize("text", ["a.xml,b.xml", "a.xml b.xml", " a.xml , b.xml ,", "a.xml;b.xml", "a.xml,  b.xml"])
def test_lists_of_files(tmp_path: Path, text: str) -> None:
    assert config(tmp_path, f'<route-files value="{text}"/>').routes == (tmp_path / "a.xml", tmp_path / "b.xml")


def test_file_names_with_blanks_are_found_where_they_exist(tmp_path: Path) -> None:
    (tmp_path / "my routes.xml").write_text("<routes/>")
    assert config(tmp_path, '<route-files value="my routes.xml,b.xml"/>').routes == (
        tmp_path / "my routes.xml",
        tmp_path / "b.xml",
    )


def test_options_that_settings_have_fields_for(tmp_path: Path) -> None:
    report = ImportReport()
    options = (
        '<begin value="1:00:00"/><end value="0:02:00:00"/><step-length value="0.5"/><seed value="7"/>'
        '<time-to-teleport value="-1"/>'
        '<time-to-teleport.highways value="60"/><max-depart-delay value="900"/><step-method.ballistic value="true"/>'
        '<ignore-junction-blocker value="20"/><eager-insert value="1"/>'
    )
    settings = config(tmp_path, options, report).settings
    assert (settings.begin, settings.end, settings.step, settings.seed) == (3600.0, 7200.0, 0.5, 7)
    assert (settings.teleport_after, settings.teleport_after_highways, settings.max_depart_delay) == (-1.0, 60.0, 900.0)
    assert (settings.ballistic, settings.ignore_junction_blocker, settings.eager_insert) == (True, 20.0, True)
    assert not report.not_modelled
    assert not report.warnings


def test_defaults_are_sumos(tmp_path: Path) -> None:
    settings = config(tmp_path, "").settings
    assert (settings.begin, settings.end, settings.step, settings.seed) == (0.0, None, 1.0, None)
    assert (settings.teleport_after, settings.max_depart_delay) == (300.0, -1.0)


def test_options_without_effect_are_silent(tmp_path: Path) -> None:
    report = ImportReport()
    options = (
        '<route-steps value="200"/><tripinfo-output value="x"/><verbose value="true"/>'
        '<no-step-log value="true"/><gui-settings-file value="g"/>'
        '<duration-log.statistics value="true"/><device.emissions.probability value="1"/><scale value="1.0"/>'
        '<lateral-resolution value="-1"/>'
        '<collision.action value="teleport"/><precision value="6"/><fcd-output.geo value="true"/><report>'
        '<log value="l"/></report>'
        '<lanechange.duration value="0"/><threads value="4"/><device.rerouting.threads value="2"/>'
        '<no-warnings value="1"/>'
    )
    config(tmp_path, options, report)
    assert not report.not_modelled


@pytest.mark.skipif(SUMO is None or SUMO.origin is None, reason="eclipse-sumo is not installed")
def test_defaults_written_out_by_sumo_itself_change_nothing(tmp_path: Path) -> None:
    assert SUMO is not None and SUMO.origin is not None
    template = tmp_path / "all.sumocfg"
    program = Path(SUMO.origin).parent / "bin" / "sumo"
    subprocess.run([program, "--save-template", template], check=True, capture_output=True)
    written = template.read_text().replace('<net-file value=""', '<net-file value="n.net.xml"', 1)
    report = ImportReport()
    plain = config(tmp_path, "")
    template.write_text(written)
    full = read_config(template, report)
    assert written.count("value=") > 300
    assert (dict(report.not_modelled), dict(report.warnings)) == ({}, {})
    assert replace(full.settings, options={}, seed=None) == replace(plain.settings, options={}, seed=None)


def test_what_the_router_asks_for_reaches_it(tmp_path: Path) -> None:
    report = ImportReport()
    options = config(
        tmp_path, '<ignore-route-errors value="true"/><weights.minor-penalty value="3"/><weights.turnaround-penalty value="4"/>', report
    ).settings.options
    assert options == {"ignore-route-errors": "true", "weights.minor-penalty": "3", "weights.turnaround-penalty": "4"}
    assert not report.not_modelled


def test_trips_without_a_way_are_left_out_only_where_the_options_say_so(tmp_path: Path) -> None:
    shutil.copy(SMALL, tmp_path / "n.net.xml")
    (tmp_path / "r.rou.xml").write_text(
        '<routes><vType id="boat" vClass="ship"/><trip id="a" depart="1" from="west_in" to="east_out"/>'
        '<trip id="b" depart="2" from="west_in" to="east_out" type="boat"/></routes>'
    )
    net = (tmp_path / "n.net.xml").read_text()
    (tmp_path / "n.net.xml").write_text(re.sub(r'(<lane id="[^:"]+" index="\d")( disallow="[^"]*")?', r'\1 disallow="ship"', net))
    files = '<net-file value="n.net.xml"/><route-files value="r.rou.xml"/>'
    with pytest.raises(DemandError, match=r"(?s)No route for 1 of 2 trips.*'b' \(ship\)"):
        route_demand(load(write(tmp_path, files)))
    left_out = load(write(tmp_path, files + '<ignore-route-errors value="true"/>'))
    assert left_out.report.warnings["unreachable destination"] == 1
    for _ in range(2):
        assert route_demand(left_out).demand.trip_id == ("a",)
    assert "trip without a route" not in left_out.report.warnings


def test_rerouting_is_modelled_under_way_and_at_departure(tmp_path: Path) -> None:
    report, silent = ImportReport(), ImportReport()
    share = '<device.rerouting.probability value="0.5"/>'
    config(tmp_path, share, report)
    options = config(tmp_path, share + '<device.rerouting.period value="60"/>', silent).settings.options
    assert not report.not_modelled and not silent.not_modelled
    assert options == {"device.rerouting.probability": "0.5", "device.rerouting.period": "60"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("scale", "1.5"), ("lateral-resolution", "0.8"), ("collision.action", "warn"), ("lanechange.duration", "3"),
    ("mesosim", "true"),
     ("device.toc.probability", "1"), ("tls.all-off", "true"), ("time-to-impatience", "60"), ("random", "true"),
     ("option-of-tomorrow", "x")],
)  # fmt: skip
def test_options_that_would_change_a_run_are_noted(tmp_path: Path, name: str, value: str) -> None:
    report = ImportReport()
    config(tmp_path, f'<{name} value="{value}"/>', report)
    assert dict(report.not_modelled) == {f"option {name}": 1}
    assert report.examples[f"option {name}"] == [value]


@pytest.mark.parametrize(
    "options",
    ['<step-length value="2"/>', '<step-length value="0.01"/>', '<begin value="-5"/>', '<begin value="nan"/>',
    '<end value="soon"/>',
     '<begin value="10"/><end value="5"/>', '<seed value="1.5"/>', '<step-method.ballistic value="maybe"/>',
     '<time-to-teleport value="inf"/>', '<default.emergencydecel value="-3"/>'],
)  # fmt: skip
def test_bad_values_are_refused_with_their_line(tmp_path: Path, options: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, options)
    assert "x.sumocfg" in str(caught.value)


def test_configuration_without_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no network"):
        read_config(write(tmp_path, '<route-files value="a"/>'), ImportReport())


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"n\.net\.xml does not exist"):
        read_sumo_config(write(tmp_path, '<net-file value="n.net.xml"/>'))
    with pytest.raises(FileError, match="does not exist"):
        read_sumo_config(tmp_path / "none.sumocfg")
    with pytest.raises(FileError, match="is a folder"):
        read_sumo_config(tmp_path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a SUMO configuration"):
        read_sumo_config(SMALL)


def test_defaults_of_departures_and_types_come_from_the_options(tmp_path: Path) -> None:
    options = (
        '<default.departlane value="first"/><default.departspeed value="0"/><default.speeddev value="0"/>'
        '<carfollow.model value="IDM"/><default.emergencydecel value="decel"/>'
    )
    result = scenario(tmp_path, options)
    demand = result.demand
    assert (demand.depart_lane[0], demand.depart_pos[0]) == (DepartLane.FIRST, DepartPos.BASE)
    assert (demand.depart_speed[0], demand.depart_speed_value[0]) == (DepartSpeed.GIVEN, 0.0)
    kind = demand.vehicle_types[0]
    assert (kind.speed_factor[1], kind.car_following, kind.emergency_decel) == (0.0, CarFollowing.IDM, 4.5)
    assert not result.report.not_modelled


BROKEN = (
    VEHICLE + '<vehicle id="gap" depart="1"><route edges="west_in east_in"/></vehicle>'
    '<vehicle id="lost" depart="2"><route edges="west_in nowhere"/></vehicle><route id="r" edges="nowhere"/>'
    '<vehicle id="named" depart="3" route="r"/><trip id="t" depart="4" from="west_in" to="nowhere"/>'
    '<vehicle id="stop" depart="5"><route edges="west_in east_out"/><stop lane="north_in_0" duration="1"/></vehicle>'
)


def test_broken_routes_are_errors_unless_the_options_say_otherwise(tmp_path: Path) -> None:
    with pytest.raises(DemandError):
        scenario(tmp_path, "", BROKEN)
    result = scenario(tmp_path, '<ignore-route-errors value="true"/>', BROKEN)
    assert result.demand.trip_id == ("v", "stop")
    assert dict(result.report.not_modelled) == {
        "route with an unknown edge": 3,
        "route with a gap": 1,
        "stop beside the route": 1,
    }


def test_hashes_name_every_file(tmp_path: Path) -> None:
    result = scenario(tmp_path, "")
    assert list(result.input_hashes) == ["x.sumocfg", "n.net.xml", "r.rou.xml"]
    assert all(len(digest) == 64 for digest in result.input_hashes.values())
    assert result.name == "x"


def test_entities_in_a_configuration_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sumocfg"
    path.write_text('<!DOCTYPE configuration [<!ENTITY a "b">]><configuration><net-file value="&a;"/></configuration>')
    with pytest.raises(InputError, match="document type"):
        read_sumo_config(path)
