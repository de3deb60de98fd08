"""What we write, our reader reads back bit by bit, and SUMO drives as it drives the source."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from urbanlab.city.readers.sumo import read_sumo, read_sumo_config
from urbanlab.city.readers.sumo_defaults import CLASS_DEFAULTS
from urbanlab.city.scenario import RunSettings, Scenario
from urbanlab.city.writers.sumo import write_sumo, write_sumo_net
from urbanlab.core.errors import OutputError

SMALL = Path(__file__).parent / "files" / "small.net.xml"
CONFIGS = (
    "arterial4x4/arterial4x4", "bologna_acosta/acosta", "bologna_pasubio/pasubio", "cologne1/cologne1",
    "cologne3/cologne3",
    "cologne8/cologne8", "grid4x4/grid4x4", "hamburg_tavf/hamburg_tavf", "ingolstadt1/ingolstadt1",
    "ingolstadt7/ingolstadt7",
)  # fmt: skip


def differences(first: object, second: object, skip: tuple[str, ...] = ()) -> list[str]:
    """Names of the fields that are not equal to the last bit."""
    found = []
    for entry in fields(first):  # type: ignore[arg-type]
        a, b = getattr(first, entry.name), getattr(second, entry.name)
        same = a.dtype == b.dtype and np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
        if not same and entry.name not in skip:
            found.append(entry.name)
    return found


def assert_same(first: Scenario, second: Scenario) -> None:
    assert differences(first.network, second.network, ("source_version",)) == []
    assert differences(first.programs, second.programs) == []
    assert differences(first.demand, second.demand) == []
    assert differences(first.settings, second.settings, ("options",)) == []
    assert first.detectors == second.detectors
    assert first.closures == second.closures


@pytest.mark.parametrize("name", CONFIGS)
def test_real_scenarios_round_trip(name: str, traffic_data: Path, tmp_path: Path) -> None:
    scenario = read_sumo_config(traffic_data / f"{name}.sumocfg")
    assert_same(scenario, read_sumo_config(write_sumo(scenario, tmp_path)))


EVERYTHING = """<routes>
<vType id="t" vClass="bus" speedFactor="norm(1.1,0.2)" impatience="off" lcStrategic="2" jmSigmaMinor="0.1"
color="red" startupDelay="1"/>
<vType id="i" carFollowModel="IDM" delta="2.5" tau="1.3"><param key="device.rerouting.probability" value="0.5"/></vType>
<vType id="mix" vClass="bicycle"/>
<vTypeDistribution id="d" vTypes="t i" probabilities="0.3 0.7"/>
<route id="r" edges="west_in south_out"/><route id="s" edges="west_in east_out"/>
<routeDistribution id="rd" routes="r s" probabilities="1 3"/>
<vehicle id="&lt;a&quot;&gt;&amp;" type="d" depart="1.1" departLane="1" departPos="-85.5" departSpeed="2.3"
arrivalLane="0" arrivalPos="-1.5" arrivalSpeed="4"
 route="s"><stop busStop="halt" duration="12.5" until="99"/>
<stop lane="east_out_1" startPos="3" endPos="20" parking="true" triggered="true"/></vehicle>
<vehicle id="b" depart="2" route="rd" departLane="random" departPos="last" departSpeed="speedLimit">
<param key="has.rerouting.device" value="true"/><param key="device.rerouting.period" value="30"/></vehicle>
<trip id="c" depart="3" from="west_in" to="east_out" via="west_in" type="t"/>
<flow id="f" begin="4" end="100" period="7" from="west_in" to="east_out"/>
<flow id="g" begin="5" probability="0.1" number="9" route="r"/>
<flow id="h" begin="6" end="50" period="exp(0.25)" route="s"/>
</routes>"""
BESIDE = """<additional><busStop id="halt" lane="west_in_1" startPos="20.25" endPos="40.5"/>
<inductionLoop id="l" lane="west_in_1" pos="3" period="60" file="o.xml"/>
<laneAreaDetector id="m" lane="west_in_1" pos="10" endPos="30" period="60" file="o.xml"/>
<entryExitDetector id="n" period="60" file="o.xml"><detEntry lane="west_in_1" pos="1"/>
<detExit lane="east_out_0" pos="2"/></entryExitDetector>
<rerouter id="r" edges="west_in" probability="0.25"><interval begin="290" end="295">
<closingReroute id="east_out" allow="bus"/>
<closingLaneReroute id="south_out_0" disallow="truck"/></interval></rerouter>
<variableSpeedSign id="v" lanes="west_in_1 west_in_2"><step time="10" speed="3"/><step time="20" speed="4"/>
</variableSpeedSign>
<tlLogic id="centre" type="static" programID="day" offset="3.5">
<phase duration="9" state="rrrgGgrrrGGGgG" next="1" name="a &amp; b"/>
<phase duration="8" minDur="4" maxDur="12" state="GGgrrrGGgrrrrr"/><param key="k" value="1 &lt; 2"/></tlLogic>
<WAUT id="w" startProg="day"><wautSwitch time="50" to="0"/></WAUT><wautJunction wautID="w" junctionID="centre"/>
</additional>"""


@pytest.fixture
def everything(tmp_path: Path) -> Scenario:
    (tmp_path / "all.rou.xml").write_text(EVERYTHING)
    (tmp_path / "all.add.xml").write_text(BESIDE)
    settings = RunSettings(begin=0.5, end=300.0, step=0.5, seed=5, teleport_after=-1.0, max_depart_delay=60.0, ballistic=True)
    return read_sumo(SMALL, [tmp_path / "all.rou.xml"], [tmp_path / "all.add.xml"], settings=settings, name="all")


def test_everything_round_trips(everything: Scenario, tmp_path: Path) -> None:
    back = read_sumo_config(write_sumo(everything, tmp_path / "out"))
    assert_same(everything, back)
    again = read_sumo_config(write_sumo(back, tmp_path / "again"))
    assert_same(back, again)
    for name in ("all.net.xml", "all.rou.xml", "all.add.xml", "all.sumocfg"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_gzipped_net_is_the_same_every_time(tmp_path: Path) -> None:
    scenario = read_sumo(SMALL, [])
    for name in ("a.net.xml.gz", "b.net.xml.gz"):
        write_sumo_net(scenario.network, scenario.programs, tmp_path / name)
    assert (tmp_path / "a.net.xml.gz").read_bytes() == (tmp_path / "b.net.xml.gz").read_bytes()
    assert differences(read_sumo(tmp_path / "a.net.xml.gz", []).network, scenario.network) == []


def test_folder_that_cannot_be_written_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        write_sumo(read_sumo(SMALL, []), tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# SUMO itself

SUMO = importlib.util.find_spec("sumo")
needs_sumo = pytest.mark.skipif(SUMO is None, reason="SUMO (the package eclipse-sumo) is not installed")


def sumo(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert SUMO is not None
    home = Path(str((SUMO.submodule_search_locations or [""])[0]))
    command = [str(home / "bin" / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "SUMO_HOME": str(home)})


def trips(config: Path, folder: Path, *, until: float) -> list[str]:
    """What SUMO writes of every arrived trip of a configuration."""
    out = folder / "trips.xml"
    done = sumo("sumo", "-c", config, "--seed", "1", "-e", str(until), "--tripinfo-output", out, "--no-step-log", "true")
    assert done.returncode == 0, done.stderr
    return sorted(re.findall(r"<tripinfo [^>]*>", out.read_text()))  # arrivals of one second come in any order


@needs_sumo
@pytest.mark.parametrize(
    ("name", "seconds"),
    [("cologne8/cologne8", 1800), ("ingolstadt1/ingolstadt1", 900), ("bologna_pasubio/pasubio", 600),
    ("grid4x4/grid4x4", 400),
     ("arterial4x4/arterial4x4", 300), ("cologne3/cologne3", 600), ("hamburg_tavf/hamburg_tavf", 150)],
)  # fmt: skip
def test_sumo_drives_our_files_exactly_as_the_source(name: str, seconds: float, traffic_data: Path, tmp_path: Path) -> None:
    """Every trip of the export has the same departure, arrival, speed factor and waiting to the last digit."""
    source = traffic_data / f"{name}.sumocfg"
    scenario = read_sumo_config(source)
    until = scenario.settings.begin + seconds
    original = trips(source, tmp_path, until=until)
    assert len(original) > 10
    assert trips(write_sumo(scenario, tmp_path / "out"), tmp_path, until=until) == original


@needs_sumo
def test_sumo_and_netconvert_load_everything(everything: Scenario, tmp_path: Path) -> None:
    config = write_sumo(everything, tmp_path / "out")
    done = sumo("netconvert", "-s", tmp_path / "out" / "all.net.xml", "-o", tmp_path / "again.net.xml")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out" / "all.rou.xml").read_text()
    # nobody would ever set off the stop, and SUMO takes no such id, though XML can say it
    (tmp_path / "out" / "all.rou.xml").write_text(text.replace(' triggered="true"', "").replace('&lt;a"&gt;&amp;', "a"))
    done = sumo("sumo", "-c", config, "--no-step-log", "true")
    assert done.returncode == 0, done.stderr


@needs_sumo
def test_class_defaults_are_those_of_the_installed_sumo(tmp_path: Path) -> None:
    """A run of one vehicle a class: SUMO writes the types it uses, defaults filled in, into its full output and FCD."""
    types = "".join(f'<vType id="{name}" vClass="{name}" carFollowModel="Krauss"/>' for name in CLASS_DEFAULTS)
    (tmp_path / "types.add.xml").write_text(f"<additional>{types}</additional>")
    script = tmp_path / "ask.py"
    script.write_text(
        "import json, sys\n"
        "sys.path.insert(0, sys.argv[1] + '/tools')\n"
        "import traci\n"
        "traci.start([sys.argv[1] + '/bin/sumo', '-n', sys.argv[2], '-a', sys.argv[3], '--no-step-log', 'true', "
        "'-e', '1'])\n"
        "ask = traci.vehicletype\n"
        "print(json.dumps({name: [ask.getLength(name), ask.getWidth(name), ask.getMinGap(name), "
        "ask.getMaxSpeed(name), ask.getAccel(name),"
        " ask.getDecel(name), ask.getEmergencyDecel(name), ask.getImperfection(name), ask.getSpeedDeviation(name),"
        " ask.getEmissionClass(name)] for name in sys.argv[4].split()}))\n"
        "traci.close()\n"
    )
    assert SUMO is not None
    home = str((SUMO.submodule_search_locations or [""])[0])
    done = subprocess.run(
        [sys.executable, str(script), home, str(SMALL), str(tmp_path / "types.add.xml"), " ".join(CLASS_DEFAULTS)],
        capture_output=True, text=True, check=True, env={**os.environ, "SUMO_HOME": home},
    )  # fmt: skip
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    for name, values in told.items():
        for ours, theirs in zip(CLASS_DEFAULTS[name], values, strict=False):
            same = ours == theirs if isinstance(theirs, str) else math.isclose(ours, theirs, rel_tol=1e-12)
            assert same, f"{name}: {ours} here, {theirs} there"
