"""Fuel and carbon dioxide of a vehicle from its speed and acceleration.

Model: road load and engine friction, as the Environmental Protection Agency of the United States (EPA) has published both. The power at
the wheels is v (A + B v + C v^2 + m a), with the coefficients and masses of MOVES 2014 (EPA-420-R-16-003a, "Population and activity of
on-road vehicles", table sourceUseTypePhysics). The engine burns for its friction, in proportion to its revolutions, for its accessories
and for the power at the wheels (PERE, EPA-420-P-05-001, the fuel rate of An and Ross 1993):

    rate = idle N / N_idle + (accessories + power / 0.88) / (efficiency heat),    and not less than standing still

Revolutions N rise evenly to a first value at 20 km/h, where the lower gears have been shifted through, and evenly from there to
a second one at 90 km/h. Works of that government are in the public domain, and figures are facts; no licence applies. Each figure's
source is at its place below. What is known of the agreement with published figures per kilometre: docs/assumptions.md, "Emissions".
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from urbanlab.core.jit import inline

__all__ = ["EMISSION_MODEL", "FUEL_ROWS", "VEHICLES", "Fuel", "FuelRow", "Vehicle", "fuel_rate", "row_of_class"]

EMISSION_MODEL = "EPA road load (MOVES) and engine friction (PERE)"
TRANSMISSION = 0.88
"""Share of the engine's power that reaches the wheels (PERE)."""
SHIFTED, CRUISING = 20.0 / 3.6, 90.0 / 3.6
"""[m/s] speeds of the second and the third of a vehicle's revolutions."""


class Fuel(NamedTuple):
    """What an engine burns, and how well it does. Heat and CO2: IPCC 2006 guidelines, volume 2, tables 1.2 and 3.2.1; efficiency: PERE."""

    heat: float  # [kJ/g]
    efficiency: float  # work at the pistons for heat
    co2: float  # [g CO2/g fuel]


PETROL = Fuel(44.3, 0.40, 44.3 * 0.0693)
DIESEL = Fuel(43.0, 0.45, 43.0 * 0.0741)


class Vehicle(NamedTuple):
    """A kind of vehicle; tables in the documentation repeat these figures."""

    rolling: float  # A [kN]: MOVES, as the next three
    turning: float  # B [kN/(m/s)]
    drag: float  # C [kN/(m/s)^2]
    mass: float  # [t], loaded as in the mean
    fuel: Fuel
    idle: float  # [g/s], without accessories: US Department of Energy, fact of the week 861 (2015), from Argonne National Laboratory
    accessories: float  # [kW]
    revolutions: tuple[float, float, float]  # [1/min] idling, from 20 km/h on, at 90 km/h: ours, of such vehicles' engines and gears


# Idling, in gallons of 3.785 L an hour, petrol of 0.745 kg/L, diesel of 0.835 kg/L: compact sedan, 2 L, petrol 0.16 and diesel 0.17; medium
# heavy truck of 6 to 10 L 0.44; tractor-semitrailer 0.64; transit bus 0.97. Accessories of 0.75 kW are PERE's for cars; the bus
# is one with the truck's engine, and what its idling takes more than the truck's makes 9 kW of accessories; the others' are ours.
VEHICLES: tuple[Vehicle, ...] = (
    Vehicle(0.156461, 0.002002, 0.000493, 1.4788, PETROL, 0.1253, 0.75, (750.0, 1800.0, 2400.0)),  # car: passenger car (21)
    Vehicle(0.235008, 0.003039, 0.000748, 2.05979, DIESEL, 0.1642, 0.75, (800.0, 1800.0, 2400.0)),  # van: light commercial (32), of 2.2 L
    Vehicle(0.596526, 0.0, 0.001603, 8.53896, DIESEL, 0.3863, 2.0, (700.0, 1300.0, 1800.0)),  # lorry: single unit, short haul (52)
    Vehicle(1.03968, 0.0, 0.003587, 16.556, DIESEL, 0.3863, 9.0, (700.0, 1200.0, 1700.0)),  # bus: transit bus (42)
    Vehicle(0.0251, 0.0, 0.000315, 0.285, PETROL, 0.0596, 0.1, (1200.0, 3500.0, 5000.0)),  # motorcycle (11); idling: PERE, for 0.6 L
    Vehicle(0.0, 0.0, 0.0, 0.0, PETROL, 0.0, 0.0, (1.0, 1.0, 1.0)),  # no combustion
    Vehicle(1.43052, 0.0, 0.003792, 22.8289, DIESEL, 0.5619, 2.0, (600.0, 1200.0, 1500.0)),  # articulated: combination, short haul (61)
    Vehicle(1.23039, 0.0, 0.003714, 19.5937, DIESEL, 0.5619, 4.0, (600.0, 1200.0, 1500.0)),  # coach: intercity bus (41)
)


class FuelRow(NamedTuple):
    """A vehicle's coefficients of `fuel_rate`; kernels read all rows as one run of numbers."""

    idle: float  # [g/s] standing still
    shifting: float  # [g/m] more from there, below 20 km/h
    moving: float  # [g/s] where the line of the higher gears meets standstill
    driving: float  # [g/m] more from there, above 20 km/h
    rolling: float  # [g/m] for the power at the wheels, as the next three
    turning: float  # [g s/m^2]
    drag: float  # [g s^2/m^3]
    inertia: float  # [g s^2/m^2]
    co2: float  # [g CO2/g fuel]


FUEL_COLUMNS = len(FuelRow._fields)
CO2_COLUMN = FuelRow._fields.index("co2")


def _row(kind: Vehicle) -> FuelRow:
    standing, town, road = (kind.idle * n / kind.revolutions[0] for n in kind.revolutions)
    accessories = kind.accessories / (kind.fuel.efficiency * kind.fuel.heat)
    per_power = 1.0 / (TRANSMISSION * kind.fuel.efficiency * kind.fuel.heat)  # [g/kJ]
    driving = (road - town) / (CRUISING - SHIFTED)
    return FuelRow(
        idle=standing + accessories,
        shifting=(town - standing) / SHIFTED,
        moving=town - driving * SHIFTED + accessories,
        driving=driving,
        rolling=per_power * kind.rolling,
        turning=per_power * kind.turning,
        drag=per_power * kind.drag,
        inertia=per_power * kind.mass,
        co2=kind.fuel.co2,
    )


FUEL_ROWS: tuple[FuelRow, ...] = tuple(map(_row, VEHICLES))
_ROW_OF_CLASS = {
    "delivery": 1, "truck": 2, "bus": 3, "motorcycle": 4, "moped": 4, "trailer": 6, "coach": 7,
    "bicycle": 5, "evehicle": 5, "pedestrian": 5, "tram": 5, "rail_urban": 5, "rail_electric": 5,
    "rail_fast": 5, "subway": 5, "cable_car": 5, "wheelchair": 5, "scooter": 5, "drone": 5,
}  # fmt: skip


def row_of_class(vehicle_class: str) -> int:
    """Row of FUEL_ROWS for a vehicle class; cars for what is not listed."""
    return _ROW_OF_CLASS.get(vehicle_class, 0)


class Numbers(Protocol):
    """An array of numbers."""

    def __getitem__(self, place: int, /) -> float: ...


@inline
def fuel_rate(v: float, accel: float, table: Numbers, row: int) -> float:
    """Fuel [g/s] at a speed [m/s] and acceleration [m/s^2]; valid up to some 40 m/s on level roads.

    Parameters
    ----------
    v : [m/s], >= 0
    accel : [m/s^2]
    table : FUEL_ROWS as one run of numbers
    row : where the vehicle's coefficients begin in it
    """
    engine = min(table[row] + table[row + 1] * v, table[row + 2] + table[row + 3] * v)
    force = table[row + 4] + v * (table[row + 5] + v * table[row + 6]) + accel * table[row + 7]
    return max(table[row], engine + force * v)
