"""What a run does not act on is counted, and the list of what it does act on is the engine's own."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from urbanlab.city.acted_on import _IDLE_PARAMETERS as IDLE_PARAMETERS
from urbanlab.city.acted_on import IDLE_SETTINGS, IDLE_TYPE_FIELDS, JUNCTION_PARAMETERS, LANE_CHANGE_PARAMETERS, note_idle_settings
from urbanlab.city.demand import VehicleType
from urbanlab.city.load import load
from urbanlab.city.readers.sumo import read_sumo_config
from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.traffic.build import compile_types
from urbanlab.traffic.kernels.arrays import Types

SUMO = importlib.util.find_spec("sumo")
SMALL = Path(__file__).parent / "files" / "small.net.xml"
PLAIN = '<vehicle id="v" depart="0" type="t"><route edges="west_in east_out"/></vehicle>'
TRAFFIC = Path(__file__).resolve().parents[2] / "src" / "urbanlab" / "traffic"
VEHICLE = '<vehicle id="v" depart="0" type="t"><route edges="west_in east_out"/>{}</vehicle>'


def read(folder: Path, options: str = "", attributes: str = "", stop: str = "") -> Scenario:
    shutil.copy(SMALL, folder / "n.net.xml")
    (folder / "r.rou.xml").write_text(f'<routes><vType id="t" {attributes}/>{VEHICLE.format(stop)}</routes>')
    path = folder / "x.sumocfg"
    path.write_text(f'<configuration><net-file value="n.net.xml"/><route-files value="r.rou.xml"/>{options}</configuration>')
    return read_sumo_config(path)


@pytest.mark.parametrize(
    ("name", "value", "off"),
    [
        ("time-to-teleport.highways", "60", "0"),
        ("ignore-junction-blocker", "0", "-1"),
        ("eager-insert", "true", "false"),
        ("step-method.ballistic", "true", "0"),
    ],
)
def test_options_that_are_not_acted_on_are_counted_where_they_are_on(tmp_path: Path, name: str, value: str, off: str) -> None:
    on = read(tmp_path, f'<{name} value="{value}"/>').report
    assert dict(on.not_modelled) == {f"option {name}": 1} and on.examples[f"option {name}"] == [value]
    assert not read(tmp_path, f'<{name} value="{off}"/>').report.not_modelled


@pytest.mark.parametrize(
    ("name", "value", "default"),
    [
        ("width", "2.5", "1.8"),
        ("startupDelay", "1", "0"),
        ("boardingDuration", "2", "0.5"),
        ("emissionClass", "HBEFA4/PC_diesel_Euro-4", "HBEFA4/PC_petrol_Euro-4"),
        ("lcPushy", "0.5", "0"),
        ("lcCooperativeSpeed", "0.5", "1"),
        ("lcImaginary", "1", None),
        ("jmIgnoreFoeProb", "0.1", "0"),
        ("jmSigmaMinor", "0.1", "0.5"),
        ("jmDriveRedSpeed", "3", None),
    ],
)
def test_type_attributes_that_are_not_acted_on_are_counted(tmp_path: Path, name: str, value: str, default: str | None) -> None:
    report = read(tmp_path, attributes=f'{name}="{value}"').report
    assert dict(report.not_modelled) == {f"vType attribute {name}": 1} and report.examples[f"vType attribute {name}"] == ["t"]
    if default is not None:
        assert not read(tmp_path, attributes=f'{name}="{default}"').report.not_modelled


def test_defaults_are_those_of_the_class_and_of_the_parameter_that_is_followed(tmp_path: Path) -> None:
    bus = 'vClass="bus" width="2.5" emissionClass="HBEFA4/UBus_Std_gt15-18t_Euro-VI_A-C"'
    assert not read(tmp_path, attributes=f'{bus} lcCooperative="0.3" lcCooperativeSpeed="0.3"').report.not_modelled


def test_attributes_that_are_acted_on_are_not_counted(tmp_path: Path) -> None:
    given = " ".join(f'{name}="0.7"' for name in (*LANE_CHANGE_PARAMETERS, *JUNCTION_PARAMETERS))
    assert not read(tmp_path, attributes=given).report.not_modelled


@pytest.mark.parametrize("attribute", ["triggered", "containerTriggered"])
def test_stops_that_wait_for_somebody_are_counted(tmp_path: Path, attribute: str) -> None:
    stop = '<stop lane="west_in_0" endPos="50" duration="5" {}="{}"/>'
    report = read(tmp_path, stop=stop.format(attribute, "true")).report
    assert dict(report.not_modelled) == {f"stop attribute {attribute}": 1}
    assert not read(tmp_path, stop=stop.format(attribute, "false")).report.not_modelled


def test_settings_of_a_scenario_file_count_once_whatever_its_source(tmp_path: Path) -> None:
    read(tmp_path, '<eager-insert value="true"/>')
    file = tmp_path / "x.toml"
    file.write_text('source = "x.sumocfg"\neager_insert = true\nballistic = true\n')
    assert dict(load(file).report.not_modelled) == {"option eager-insert": 1, "option step-method.ballistic": 1}
    report = ImportReport()
    for _ in range(2):
        note_idle_settings(RunSettings(ballistic=True, eager_insert=True), report, ["ballistic"])
    assert dict(report.not_modelled) == {"option step-method.ballistic": 1}


# --- the list and the engine -----------------------------------------------------------------------------------------


def text_of(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))


def changed(kind: VehicleType) -> list[str]:
    """Columns of the engine that tell a type from one that says nothing."""
    plain, other = compile_types([VehicleType()]), compile_types([kind])
    return [name for name in Types._fields if not np.array_equal(getattr(plain, name), getattr(other, name))]


@pytest.mark.parametrize("name", [*LANE_CHANGE_PARAMETERS, *JUNCTION_PARAMETERS])
def test_each_parameter_that_is_acted_on_reaches_the_engine(name: str) -> None:
    given = "lane_change" if name in LANE_CHANGE_PARAMETERS else "junction"
    default = LANE_CHANGE_PARAMETERS.get(name, JUNCTION_PARAMETERS.get(name, 0.0))
    assert len(changed(replace(VehicleType(), **{given: {name: default + 0.5}}))) == 1
    assert changed(replace(VehicleType(), **{given: {name: default}})) == []


@pytest.mark.parametrize("name", IDLE_PARAMETERS)
def test_no_other_parameter_reaches_the_engine(name: str) -> None:
    assert changed(replace(VehicleType(), lane_change={name: 0.7}, junction={name: 0.7})) == []


def test_kernels_read_every_column_of_vehicle_types() -> None:
    kernels = text_of(TRAFFIC / "kernels")
    assert [name for name in Types._fields if not re.search(rf"types\.{name}\b", kernels)] == []


def test_fields_of_types_that_are_not_acted_on_are_listed() -> None:
    engine = text_of(TRAFFIC)
    unread = {field.name for field in fields(VehicleType) if not re.search(rf'\.{field.name}\b|"{field.name}"', engine)}
    assert unread == set(IDLE_TYPE_FIELDS) - {"width"}  # of lanes and areas, the engine knows widths
    assert changed(replace(VehicleType(), width=9.0, start_loss=9.0, emission_class="x", boarding=9.0)) == []


def test_settings_that_are_not_acted_on_are_listed() -> None:
    engine = text_of(TRAFFIC)
    unread = {field.name for field in fields(RunSettings) if not re.search(rf"settings\.{field.name}\b", engine)}
    assert unread == set(IDLE_SETTINGS)


@pytest.mark.skipif(SUMO is None, reason="eclipse-sumo is not installed")
def test_defaults_of_lane_changes_are_those_of_the_installed_sumo(tmp_path: Path) -> None:
    (tmp_path / "r.rou.xml").write_text(f'<routes><vType id="t"/>{PLAIN}</routes>')
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1] + '/tools')\n"
        "import traci\n"
        "traci.start([sys.argv[1] + '/bin/sumo', '-n', sys.argv[2], '-r', sys.argv[3], '--no-step-log', 'true'])\n"
        "traci.simulationStep()\n"
        "traci.simulationStep()\n"
        "for name in sys.argv[4:]:\n"
        "    try:\n"
        "        print('told', name, traci.vehicle.getParameter('v', 'laneChangeModel.' + name))\n"
        "    except traci.TraCIException:\n"
        "        pass\n"  # a parameter of another model
        "traci.close()\n"
    )
    assert SUMO is not None
    home = str((SUMO.submodule_search_locations or [""])[0])
    ours = {name: value for name, value in {**LANE_CHANGE_PARAMETERS, **IDLE_PARAMETERS}.items() if name.startswith("lc")}
    command = [sys.executable, str(script), home, str(SMALL), str(tmp_path / "r.rou.xml"), *ours]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "SUMO_HOME": home})
    told = {name: float(value) for name, value in (line.split()[1:] for line in done.stdout.splitlines() if line.startswith("told"))}
    assert len(told) > 15
    assert {name: ours[name] for name in told} == told
