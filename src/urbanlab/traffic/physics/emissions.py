"""Fuel and carbon dioxide of a vehicle from its speed and acceleration.

Model: the instantaneous power model of Bowyer, Akcelik and Biggs 1985 (ARRB special report 32, "Guide to fuel
consumption analyses", section 5; also Akcelik 1989): the fuel rate is the idling rate plus a part in
proportion to the tractive power and a part for the inertial power while accelerating. Coefficients of
the light vehicle are those of the report; the heavy classes use their own mass, drag and idling rate.
Formulas and figures are facts of the literature; no licence applies.
"""

from __future__ import annotations

from typing import NamedTuple

from urbanlab.core.jit import inline

__all__ = ["EMISSION_MODEL", "FUEL_ROWS", "FuelRow", "fuel_rate", "row_of_class"]

EMISSION_MODEL = "ARRB power model (Bowyer, Akcelik, Biggs 1985)"


FUEL_COLUMNS = 7
"""Fields of a FuelRow; kernels read the table as one run of numbers."""


class FuelRow(NamedTuple):
    """Coefficients of one kind of vehicle."""

    idle: float  # [g/s]
    per_power: float  # [g/kJ]
    per_inertia: float  # [g/(kJ m/s^2)]
    rolling: float  # [kN]
    drag: float  # [kN/(m/s)^2]
    mass: float  # [t]
    co2: float  # [g CO2/g fuel]


# Petrol 0.74 g/mL and 3.12 g CO2/g, diesel 0.84 g/mL and 3.16 g CO2/g (IPCC 2006 guidelines, vol. 2, ch. 3).
FUEL_ROWS: tuple[FuelRow, ...] = (
    FuelRow(0.375 * 0.74, 0.090 * 0.74, 0.030 * 0.74, 0.333, 0.00108, 1.2, 3.12),  # car
    FuelRow(0.42 * 0.84, 0.075 * 0.84, 0.025 * 0.84, 0.50, 0.0019, 2.8, 3.16),  # van
    FuelRow(0.80 * 0.84, 0.070 * 0.84, 0.020 * 0.84, 1.10, 0.0036, 12.0, 3.16),  # lorry
    FuelRow(0.80 * 0.84, 0.070 * 0.84, 0.020 * 0.84, 1.00, 0.0034, 13.0, 3.16),  # bus
    FuelRow(0.12 * 0.74, 0.090 * 0.74, 0.030 * 0.74, 0.060, 0.0004, 0.25, 3.12),  # motorcycle
    FuelRow(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),  # no combustion
)
_ROW_OF_CLASS = {
    "delivery": 1, "truck": 2, "trailer": 2, "bus": 3, "coach": 3, "motorcycle": 4, "moped": 4,
    "bicycle": 5, "evehicle": 5, "pedestrian": 5, "tram": 5, "rail_urban": 5, "rail_electric": 5,
    "rail_fast": 5, "subway": 5, "cable_car": 5, "wheelchair": 5, "scooter": 5, "drone": 5,
}  # fmt: skip


def row_of_class(vehicle_class: str) -> int:
    """Row of FUEL_ROWS for a vehicle class; cars for what is not listed."""
    return _ROW_OF_CLASS.get(vehicle_class, 0)


@inline
def fuel_rate(
    speed: float, accel: float, idle: float, per_power: float, per_inertia: float, rolling: float, drag: float, mass: float
) -> float:
    """Fuel [g/s] at a speed [m/s] and acceleration [m/s^2]; valid up to some 40 m/s on level roads."""
    force = rolling + drag * speed * speed + mass * accel
    if force <= 0.0:
        return idle
    rate = idle + per_power * force * speed
    if accel > 0.0:
        rate += per_inertia * mass * accel * accel * speed
    return rate
