"""The fuel model: its coefficients and figures per kilometre as `docs/assumptions.md` states them, beside published ones."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from urbanlab.traffic.physics.emissions import FUEL_COLUMNS, FUEL_ROWS, VEHICLES, fuel_rate, row_of_class

TABLE = np.array(FUEL_ROWS, np.float64).ravel()
KINDS = {
    "Car": "passenger", "Van": "delivery", "Lorry": "truck", "Articulated lorry": "trailer", "Bus": "bus", "Coach": "coach",
    "Motorcycle": "motorcycle",
}  # fmt: skip
COEFFICIENTS = {"A [kN]": "rolling", "B [kN/(m/s)]": "turning", "C [kN/(m/s)2]": "drag", "Mass [t]": "mass", "Idling [g/s]": "idle",
                "Accessories [kW]": "accessories"}  # fmt: skip
PUBLISHED = {  # by kind of vehicle a light and a heavy one of two models
    "Car": ("PHEMlight petrol Euro 4", "HBEFA 4 petrol Euro 4"),
    "Van": ("HBEFA 4 diesel N1-II Euro 6", "HBEFA 4 diesel N1-III Euro 6"),
    "Lorry": ("HBEFA 4 rigid up to 7.5 t Euro VI", "HBEFA 4 rigid 12 to 14 t Euro VI"),
    "Articulated lorry": ("HBEFA 4 28 to 34 t Euro VI", "HBEFA 4 34 to 40 t Euro VI"),
    "Bus": ("HBEFA 4 urban up to 15 t Euro VI", "HBEFA 4 urban 15 to 18 t Euro VI"),
    "Motorcycle": ("HBEFA 4 up to 250 cc", "HBEFA 4 over 250 cc"),
}
CLASSES = {
    "PHEMlight petrol Euro 4": "PHEMlight/PC_G_EU4",
    "HBEFA 4 petrol Euro 4": "HBEFA4/PC_petrol_Euro-4",
    "HBEFA 4 diesel N1-II Euro 6": "HBEFA4/LCV_diesel_N1-II_Euro-6ab",
    "HBEFA 4 diesel N1-III Euro 6": "HBEFA4/LCV_diesel_N1-III_Euro-6ab",
    "HBEFA 4 rigid up to 7.5 t Euro VI": "HBEFA4/RT_le7.5t_Euro-VI_A-C",
    "HBEFA 4 rigid 12 to 14 t Euro VI": "HBEFA4/RT_gt12-14t_Euro-VI_A-C",
    "HBEFA 4 28 to 34 t Euro VI": "HBEFA4/TT_AT_gt28-34t_Euro-VI_A-C",
    "HBEFA 4 34 to 40 t Euro VI": "HBEFA4/TT_AT_gt34-40t_Euro-VI_A-C",
    "HBEFA 4 urban up to 15 t Euro VI": "HBEFA4/UBus_Midi_le15t_Euro-VI_A-C",
    "HBEFA 4 urban 15 to 18 t Euro VI": "HBEFA4/UBus_Std_gt15-18t_Euro-VI_A-C",
    "HBEFA 4 up to 250 cc": "HBEFA4/MC_4S_le250cc_preEuro",
    "HBEFA 4 over 250 cc": "HBEFA4/MC_4S_gt250cc_preEuro",
}
LINE = re.compile(r"^\|(.+)\|$", re.MULTILINE)
Course = NDArray[np.float64]


def course(*legs: tuple[float, int]) -> Course:
    """(T,) [m/s] each second of legs that lead evenly to a speed [km/h] within so many seconds."""
    times = np.cumsum([0, *(seconds for _, seconds in legs)])
    return np.interp(np.arange(times[-1] + 1), times, [0.0, *(speed / 3.6 for speed, _ in legs)])


def stop_and_go() -> Course:
    """A jam: up to 30 km/h at 1.5 m/s2, ten seconds there, down at 2 m/s2, twenty seconds' stand."""
    top, speeds = 30.0 / 3.6, [0.0]
    while speeds[-1] < top:
        speeds.append(min(top, speeds[-1] + 1.5))
    speeds += [top] * 10
    while speeds[-1] > 0.0:
        speeds.append(max(0.0, speeds[-1] - 2.0))
    return np.array(speeds + [0.0] * 20)


def bus_line() -> Course:
    """The shape of UITP's SORT 1: three legs between stops of twenty seconds, by top speed [km/h], length [m] and acceleration [m/s2]."""
    speeds = [0.0]
    for top, length, accel in ((20.0 / 3.6, 100.0, 1.03), (30.0 / 3.6, 200.0, 0.77), (40.0 / 3.6, 220.0, 0.62)):
        begin = len(speeds)
        while speeds[-1] < top:
            speeds.append(min(top, speeds[-1] + accel))
        while sum(speeds[begin:]) + top + top * top / 1.6 < length:
            speeds.append(top)
        while speeds[-1] > 0.0:
            speeds.append(max(0.0, speeds[-1] - 0.8))
        speeds += [0.0] * 20
    return np.array(speeds)


# UN regulation 83, type I test: the urban cycle and the one outside towns of cars and vans.
TOWN = course((0, 11), (15, 4), (15, 8), (0, 5), (0, 21), (32, 12), (32, 24), (0, 11), (0, 21), (50, 26), (50, 12), (35, 8), (35, 13),
              (0, 12), (0, 7))  # fmt: skip
ROAD = course((0, 20), (70, 41), (70, 50), (50, 8), (50, 69), (70, 13), (70, 50), (100, 35), (100, 30), (120, 20), (120, 10), (0, 34),
              (0, 20))  # fmt: skip
CYCLES = [np.full(101, kmh / 3.6) for kmh in (30.0, 50.0, 90.0)] + [TOWN, ROAD, bus_line(), stop_and_go()]


def rate(kind: str, v: float, accel: float) -> float:
    return float(fuel_rate(v, accel, TABLE, row_of_class(KINDS[kind]) * FUEL_COLUMNS))


def per_km(kind: str, speeds: Course) -> float:
    """Fuel [g/km] of a course of speeds, second by second."""
    accels = np.diff(speeds).tolist()
    grams = sum(rate(kind, v, a) for v, a in zip(speeds[1:].tolist(), accels, strict=True))
    return grams / float(speeds[1:].sum()) * 1000.0


@pytest.fixture(scope="module")
def rows(root: Path) -> dict[str, list[str]]:
    """Rows of the tables of the section on emissions, by their first cell."""
    text = (root / "docs" / "assumptions.md").read_text(encoding="utf-8")
    section = re.search(r"^## Emissions\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    cells = [[cell.strip() for cell in line.split("|")] for line in LINE.findall(section[1])]
    return {row[0]: row[1:] for row in cells}


def test_coefficients_are_those_of_the_page(rows: dict[str, list[str]]) -> None:
    for name, field in COEFFICIENTS.items():
        used = [float(getattr(VEHICLES[row_of_class(kind)], field)) for kind in KINDS.values()]
        assert [float(cell) for cell in rows[name]] == used, name
    revolutions = [VEHICLES[row_of_class(kind)].revolutions for kind in KINDS.values()]
    assert [tuple(map(float, cell.split(", "))) for cell in rows["Revolutions [1/min]"]] == revolutions


@pytest.mark.parametrize("kind", KINDS)
def test_fuel_per_km_is_that_of_the_page(kind: str, rows: dict[str, list[str]]) -> None:
    assert [round(per_km(kind, cycle)) for cycle in CYCLES] == [int(cell) for cell in rows[f"{kind}, urbanlab"]]


@pytest.mark.parametrize("kind", [kind for kind in PUBLISHED if kind != "Articulated lorry"])
def test_fuel_per_km_is_near_published_models(kind: str, rows: dict[str, list[str]]) -> None:
    """At constant speeds and over each cycle: between a light and a heavy vehicle of that kind, or a quarter outside."""
    published = [[float(cell) for cell in rows[f"{kind}, {model}"]] for model in PUBLISHED[kind]]
    for cycle, low, high in zip(CYCLES, *map(list, zip(*map(sorted, zip(*published, strict=True)), strict=True)), strict=True):
        assert 0.75 * low <= per_km(kind, cycle) <= 1.25 * high


@pytest.mark.parametrize(("speed", "recent", "old"), [(13.4, 40.0, 55.3), (20.1, 40.7, 56.0), (24.6, 38.9, 54.1)])
def test_car_at_constant_speeds_is_between_measured_ones(speed: float, recent: float, old: float) -> None:
    """One of today and those of 1997, in the Transportation Energy Data Book.

    43 and 45 miles a gallon at 45 and 55 miles an hour of a midsize car (edition 38, table 4.33), no more at 30; 31.7, 31.6 and 32.4 at
    30, 45 and 55 of nine cars and light trucks of 1997 (edition 30).
    """
    assert recent <= per_km("Car", np.full(101, speed)) <= old


@pytest.mark.parametrize(
    ("kind", "miles"),
    [("Car", 24.2), ("Van", 17.5), ("Lorry", 6.5), ("Articulated lorry", 5.29), ("Bus", 3.26), ("Motorcycle", 44.0)],
)
def test_mean_fuel_of_a_country_is_between_open_road_and_jam(kind: str, miles: float) -> None:
    """Miles a gallon of petrol or its energy, 121 MJ, in the United States.

    Alternative Fuels Data Center, chart 10310: delivery trucks for lorries, class 8 for articulated ones, light trucks and vans.
    """
    mean = 121.0e3 / (miles * 1.609344) / VEHICLES[row_of_class(KINDS[kind])].fuel.heat
    assert per_km(kind, ROAD) <= mean * 1.2
    assert mean <= per_km(kind, stop_and_go())


def test_idling_is_as_published() -> None:
    """US Department of Energy, fact of the week 861: gallons an hour, without accessories but for the transit bus."""
    for kind, gallons, density in (("Car", 0.16, 745.0), ("Lorry", 0.44, 835.0), ("Articulated lorry", 0.64, 835.0)):
        assert VEHICLES[row_of_class(KINDS[kind])].idle == pytest.approx(gallons * 3.785411784 * density / 3600.0, rel=1e-3), kind
    assert rate("Bus", 0.0, 0.0) == pytest.approx(0.97 * 3.785411784 * 835.0 / 3600.0, rel=2e-3)


@given(st.sampled_from(sorted(KINDS)), st.floats(0.0, 40.0), st.lists(st.floats(-9.0, 6.0), min_size=2))
def test_fuel_never_falls_with_acceleration_nor_below_idling(kind: str, v: float, accels: list[float]) -> None:
    rates = [rate(kind, v, accel) for accel in sorted(accels)]
    assert all(before <= after for before, after in pairwise(rates))
    assert rates[0] >= rate(kind, 0.0, 0.0) > 0.0


def test_braking_and_standing_take_the_idling_rate() -> None:
    assert rate("Car", 10.0, -3.0) == rate("Car", 0.0, 0.0) == FUEL_ROWS[0].idle


def test_no_combustion_takes_no_fuel() -> None:
    assert fuel_rate(10.0, 2.0, TABLE, row_of_class("bicycle") * FUEL_COLUMNS) == 0.0


def test_published_figures_are_those_of_sumos_models(rows: dict[str, list[str]], tmp_path: Path) -> None:
    sumo = pytest.importorskip("sumo", reason="SUMO (eclipse-sumo) is not installed")
    for k, speeds in enumerate(CYCLES):
        steps = zip(speeds[1:].tolist(), np.diff(speeds).tolist(), strict=True)
        (tmp_path / f"{k}.csv").write_text("".join(f"{t};{v:.6f};{a:.6f}\n" for t, (v, a) in enumerate(steps)))
    for kind, models in PUBLISHED.items():
        for model in models:
            found = []
            for k, speeds in enumerate(CYCLES):
                command: list[str | Path] = [
                    Path(sumo.SUMO_HOME) / "bin" / "emissionsDrivingCycle",
                    "-t",
                    f"{k}.csv",
                    "-e",
                    CLASSES[model],
                    "-o",
                    "out.csv",
                ]
                subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "SUMO_HOME": sumo.SUMO_HOME})
                lines = [line.split(";") for line in (tmp_path / "out.csv").read_text().splitlines()]
                found.append(round(sum(float(cells[9]) for cells in lines) / float(speeds[1:].sum())))
            assert found == [int(cell) for cell in rows[f"{kind}, {model}"]], model
