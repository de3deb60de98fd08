"""SUMO's defaults of vehicle types per vehicle class.

Source: SUMO 1.28.0 itself, asked class by class through its TraCI interface (`vehicletype.get...` for a type
of which only `vClass` is given); the desired maximum speeds of cycles and pedestrians from the page "Vehicle
Type Parameter Defaults" of its documentation. A test asks the installed SUMO again.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLASS_DEFAULTS", "ClassDefaults"]


class ClassDefaults(NamedTuple):
    """Defaults of one vehicle class."""

    length: float = 5.0  # [m]
    width: float = 1.8  # [m]
    min_gap: float = 2.5  # [m]
    max_speed: float = 200 / 3.6  # [m/s]
    accel: float = 2.6  # [m/s^2]
    decel: float = 4.5  # [m/s^2]
    emergency_decel: float = 9.0  # [m/s^2]
    sigma: float = 0.5  # [1]
    speed_deviation: float = 0.1  # [1]
    emission_class: str = "HBEFA4/PC_petrol_Euro-4"
    desired_max_speed: float = 10000 / 3.6  # [m/s]


_CAR = ClassDefaults()
_SERVICE = _CAR._replace(speed_deviation=0.0)
_VAN = _CAR._replace(length=6.5, width=2.16, speed_deviation=0.05, emission_class="HBEFA4/LCV_diesel_N1-III_Euro-6ab")
_WALK = ClassDefaults(0.215, 0.478, 0.25, 37.58 / 3.6, 1.5, 2.0, 5.0, emission_class="Zero/default", desired_max_speed=5 / 3.6)
_HEAVY = ClassDefaults(12.0, 2.5, 2.5, 100 / 3.6, 1.2, 4.0, 7.0, speed_deviation=0.05)
_BICYCLE = ClassDefaults(1.6, 0.65, 0.5, 50 / 3.6, 1.2, 3.0, 7.0, emission_class="Zero/default", desired_max_speed=20 / 3.6)
_RAIL = ClassDefaults(135.0, 2.84, 5.0, 160 / 3.6, 0.25, 1.3, 5.0, 0.0, 0.0, "HBEFA3/HDV_D_EU0")
_CLEAN = "Zero/default"

CLASS_DEFAULTS: dict[str, ClassDefaults] = {
    "ignoring": _SERVICE,
    "private": _CAR,
    "emergency": _VAN._replace(speed_deviation=0.0),
    "authority": _SERVICE,
    "army": _SERVICE,
    "vip": _CAR,
    "pedestrian": _WALK,
    "passenger": _CAR,
    "hov": _CAR,
    "taxi": _CAR._replace(speed_deviation=0.05),
    "bus": _HEAVY._replace(speed_deviation=0.0, emission_class="HBEFA4/UBus_Std_gt15-18t_Euro-VI_A-C"),
    "coach": _HEAVY._replace(length=14.0, width=2.6, accel=2.0, emission_class="HBEFA4/Coach_3-Axes_gt18t_Euro-VI_A-C"),
    "delivery": _VAN,
    "truck": _HEAVY._replace(length=7.1, width=2.4, max_speed=130 / 3.6, accel=1.3, emission_class="HBEFA4/RT_le7.5t_Euro-VI_A-C"),
    "trailer": _HEAVY._replace(length=16.5, width=2.55, max_speed=130 / 3.6, accel=1.1, emission_class="HBEFA4/TT_AT_gt34-40t_Euro-VI_A-C"),
    "motorcycle": ClassDefaults(2.2, 0.9, 2.5, 200 / 3.6, 6.0, 10.0, 10.0, emission_class="HBEFA4/MC_4S_gt250cc_preEuro"),
    "moped": ClassDefaults(2.1, 0.78, 2.5, 60 / 3.6, 1.1, 7.0, 10.0, emission_class="HBEFA4/Moped_le50cc_Euro-2"),
    "bicycle": _BICYCLE,
    "evehicle": _CAR._replace(emission_class=_CLEAN),
    "tram": ClassDefaults(22.0, 2.4, 2.5, 80 / 3.6, 1.0, 3.0, 7.0, 0.0, 0.0, _CLEAN),
    "rail_urban": ClassDefaults(109.5, 3.0, 5.0, 100 / 3.6, 1.0, 3.0, 7.0, 0.0, 0.0, _CLEAN),
    "rail": _RAIL,
    "rail_electric": _RAIL._replace(length=200.0, width=2.95, max_speed=220 / 3.6, accel=0.5, emission_class=_CLEAN),
    "rail_fast": _RAIL._replace(length=200.0, width=2.95, max_speed=330 / 3.6, accel=0.5, emission_class=_CLEAN),
    "ship": ClassDefaults(17.0, 4.0, 2.5, 8 / 1.94, 0.1, 0.15, 1.0, 0.0, 0.1, "HBEFA3/HDV_D_EU0"),
    "container": _SERVICE._replace(length=6.096, width=2.438),
    "cable_car": _SERVICE,
    "subway": _SERVICE._replace(length=109.5, width=3.0, min_gap=5.0, max_speed=100 / 3.6, emission_class=_CLEAN),
    "aircraft": _SERVICE._replace(length=72.7, width=79.8),
    "wheelchair": _WALK._replace(length=1.2, width=0.72, min_gap=0.5, max_speed=30 / 3.6),
    "scooter": _BICYCLE._replace(length=1.2, width=0.5, max_speed=25 / 3.6),
    "drone": _SERVICE._replace(length=0.5, width=0.5),
    "custom1": _CAR,
    "custom2": _CAR,
}
