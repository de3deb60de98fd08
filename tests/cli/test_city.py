"""`urbanlab city`: import, make and describe cities from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import urbanlab as ul
from urbanlab.city.synthetic import make
from urbanlab.cli.main import run

SMALL = Path(__file__).parent.parent / "city" / "files" / "small.net.xml"
TRIPS = '<routes><vehicle id="a" depart="1"><route edges="west_in east_out"/></vehicle>{}</routes>'


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    path = tmp_path / "r.rou.xml"
    path.write_text(TRIPS.format(""))
    return path


def read(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    assert run(arguments) == status
    captured = capsys.readouterr()
    return captured.out, captured.err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    out, err = read(capsys, *arguments, "--json")
    assert err == "" and out.count("\n") == 1
    return dict(json.loads(out))


def test_make_writes_the_city_of_its_specification_and_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = read(capsys, "city", "make", "grid:rows=2,cols=3,trips=12", "--out", str(tmp_path / "city"), "--seed", "5")
    assert err == ""
    assert ul.load(tmp_path / "city").demand.trip_depart.tolist() == make("grid:rows=2,cols=3,trips=12", seed=5).demand.trip_depart.tolist()
    for text in ("grid_2x3", "12, all with routes", "signals    2, programs: 2 static", "all checks pass", "urbanlab simulate"):
        assert text in out, out


def test_make_with_json_says_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = as_json(capsys, "city", "make", "grid:rows=2,cols=3,trips=12", "--out", str(tmp_path / "city"))
    assert (figures["schema"], figures["city"]) == ("urbanlab/city-info/1", str(tmp_path / "city"))
    assert (figures["network"]["junctions"], figures["demand"]["trips"], figures["warnings"]) == (6, 12, {})
    assert figures["source"].endswith(";seed=42")
    assert as_json(capsys, "city", "info", str(tmp_path / "city")) == figures


def test_build_imports_a_network_with_its_routes(tmp_path: Path, routes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "city"
    out, _ = read(capsys, "city", "build", str(SMALL), "--routes", str(routes), "--out", str(target), "--licence", "CC BY 4.0")
    assert ul.load(target).licence == "CC BY 4.0"
    assert ul.load(target).demand.trip_id == ("a",)
    for text in ("licence    CC BY 4.0", "imperfect", "1 conflicting greens", "small.net.xml", "departures by 15 min", "00:00"):
        assert text in out, out


def test_build_replaces_an_earlier_city_and_refuses_anything_else(tmp_path: Path, routes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("city", "build", str(SMALL), "--routes", str(routes), "--out")
    for _ in range(2):
        read(capsys, *call, str(tmp_path / "city"))
    _, err = read(capsys, *call, str(tmp_path), status=2)
    assert err.startswith("OutputError: the output folder holds something else")
    assert routes.exists()


def test_build_of_a_city_folder_copies_it(tmp_path: Path, routes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(capsys, "city", "build", str(SMALL), "--routes", str(routes), "--out", str(tmp_path / "one"), "--licence", "CC0")
    one = as_json(capsys, "city", "info", str(tmp_path / "one"))
    two = as_json(capsys, "city", "build", str(tmp_path / "one"), "--out", str(tmp_path / "two"))
    assert two == one | {"city": str(tmp_path / "two")}


def test_strict_refuses_what_is_not_modelled(tmp_path: Path, routes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    routes.write_text(TRIPS.format('<person id="p" depart="1"/>'))
    call = ("city", "build", str(SMALL), "--routes", str(routes), "--out", str(tmp_path / "city"))
    _, err = read(capsys, *call, "--strict", status=2)
    assert "element person: 1" in err and not (tmp_path / "city").exists()
    out, _ = read(capsys, *call)
    assert "1 element person" in out


def test_info_of_an_import_counts_what_is_imperfect(tmp_path: Path, traffic_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = traffic_data / "hamburg_tavf" / "hamburg_tavf.sumocfg"
    figures = as_json(capsys, "city", "build", str(source), "--out", str(tmp_path / "city"))
    assert figures["warnings"] == {"signal state longer than its links": 1, "conflicting greens": 5, "missing yellow": 2}
    assert figures["demand"]["trips"] == 20051 + 1025 + 189
    assert set(figures["inputs"]) >= {"hamburg_tavf.sumocfg", "network.net.xml.gz"}
    out, _ = read(capsys, "city", "info", str(tmp_path / "city"))
    assert "5 conflicting greens" in out and "not stated: ask the source" in out


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "a source that is not there": (("city", "build", "nowhere.sumocfg", "--out", "city"), "does not exist"),
    "a map": (("city", "build", "a.osm.pbf", "--out", "city"), "OpenStreetMap files can't be imported yet"),
    "a city that is not there": (("city", "info", "nowhere"), "'nowhere' does not exist"),
    "an unknown kind of city": (("city", "make", "gird:rows=2", "--out", "city"), "did you mean 'grid'"),
    "an unknown option of a city": (("city", "make", "grid:row=2", "--out", "city"), "did you mean 'rows'"),
    "too many junctions": (("city", "make", "river:junctions=100000000", "--out", "city"), "out of range"),
    "no output": (("city", "make", "grid:rows=2"), "--out"),
    "a negative seed": (("city", "make", "grid:rows=2", "--out", "city", "--seed", "-1"), "--seed"),
    "no command": (("city", "built"), "built"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_exit_status_2_and_one_text(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.osm.pbf").write_bytes(b"\0")
    arguments, text = WRONG[case]
    out, err = read(capsys, *arguments, status=2)
    assert out == "" and text in err and "Traceback" not in err
    assert not (tmp_path / "city").exists()


def test_help_loads_neither_tables_nor_compiler() -> None:
    code = (
        "import sys\nfrom urbanlab.cli.main import run\nrun(['city', 'build', '--help'])\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pyarrow', 'numba', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_info_shows_the_vehicles_of_flows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    route = '<route id="r" edges="west_in east_out"/>'
    flow = '<flow id="f" route="r" begin="0" end="600" period="10"/>'
    (tmp_path / "r.rou.xml").write_text(f"<routes>{route}{flow}</routes>")
    out, _ = read(capsys, "city", "build", str(SMALL), "--routes", str(tmp_path / "r.rou.xml"), "--out", str(tmp_path / "city"))
    for text in ("trips      1 flow of 60 vehicles", "vehicles   60 DEFAULT_VEHTYPE", "  00:00       60 #####"):
        assert text in out, out


def test_info_tells_what_is_missing_from_what_is_no_city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["city", "info", str(tmp_path / "nope")]) == 2
    assert "nope' does not exist" in capsys.readouterr().err
    source = tmp_path / "x.sumocfg"
    source.write_text("<configuration/>")
    assert run(["city", "info", str(source)]) == 2
    assert f"hint: urbanlab city build {source}" in capsys.readouterr().err
