"""Demand: who drives, with what vehicle, when, where from and to, with which stops.

Trips are columns (V trips); vehicle types and flows are few and are records. Draws that depend on
the seed (type distributions, random departure lanes and positions, probabilistic flows) are left
to the run: demand holds what the source says.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.frozen import freeze

__all__ = [
    "DEVICE_PARAMS", "CarFollowing", "Demand", "DepartLane", "DepartPos", "DepartSpeed", "Flow", "StopRow", "VehicleType",
]  # fmt: skip


DEVICE_PARAMS = ("has.rerouting.device", "device.rerouting.period", "device.rerouting.probability")
"""Parameters of SUMO's rerouting device, which types keep among their attributes."""


class CarFollowing(enum.IntEnum):
    """Car-following models of the engine."""

    KRAUSS = 0
    IDM = 1
    CITYFLOW = 2


class DepartLane(enum.IntEnum):
    """SUMO's departLane; GIVEN uses the value column."""

    FIRST = 0
    GIVEN = 1
    RANDOM = 2
    FREE = 3
    ALLOWED = 4
    BEST = 5
    BEST_PROB = 6


class DepartPos(enum.IntEnum):
    """SUMO's departPos (and arrivalPos: GIVEN, RANDOM, MAX)."""

    BASE = 0
    GIVEN = 1
    RANDOM = 2
    FREE = 3
    RANDOM_FREE = 4
    LAST = 5
    STOP = 6
    MAX = 7


class DepartSpeed(enum.IntEnum):
    """SUMO's departSpeed (and arrivalSpeed: GIVEN or MAX = current)."""

    GIVEN = 0
    RANDOM = 1
    MAX = 2
    DESIRED = 3
    SPEED_LIMIT = 4
    LAST = 5
    AVG = 6


@dataclass(frozen=True)
class VehicleType:
    """A kind of vehicle with its driver. Defaults are SUMO's for a passenger car."""

    vehicle_type_id: str = "DEFAULT_VEHTYPE"
    vehicle_class: str = "passenger"
    length: float = 5.0  # [m]
    width: float = 1.8  # [m]
    min_gap: float = 2.5  # [m]
    max_speed: float = 55.555555  # [m/s]
    desired_max_speed: float = 2778.0  # [m/s]
    accel: float = 2.6  # [m/s^2]
    decel: float = 4.5  # [m/s^2]
    emergency_decel: float = 9.0  # [m/s^2]
    apparent_decel: float = 4.5  # [m/s^2]
    sigma: float = 0.5  # [1] driver imperfection, 0..1
    tau: float = 1.0  # [s]
    delta: float = 4.0  # [1] exponent of IDM
    car_following: CarFollowing = CarFollowing.KRAUSS
    speed_factor: tuple[float, float, float, float] = (1.0, 0.1, 0.2, 2.0)  # mean, deviation, min, max [1]
    impatience: float = 0.0  # [1] 0..1; -1e9 = off
    start_loss: float = 0.0  # [s] startupDelay
    lane_change: dict[str, float] = field(default_factory=dict)  # lcStrategic ... as in the source
    junction: dict[str, float] = field(default_factory=dict)  # jmTimegapMinor ... as in the source
    lane_change_model: str = "LC2013"  # LC2013 | SL2015 | MOBIL
    emission_class: str = ""
    boarding: float = 0.5  # [s] a person
    # CityFlow only: usual acceleration and deceleration beside the maximal ones
    usual_accel: float = 2.6  # [m/s^2]
    usual_decel: float = 4.5  # [m/s^2]
    turn_speed: float = 8.3333  # [m/s]
    attributes: dict[str, str] = field(default_factory=dict)  # colour, shape, what is not modelled

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True)
class Flow:
    """Repeated departures. Exactly one of period, probability, poisson_rate is positive."""

    flow_id: str
    trip: int  # row of the template trip in Demand (not driven itself: Demand.trip_is_template)
    begin: float  # [s]
    end: float  # [s] may be inf
    number: int = -1  # at most so many; -1 no bound
    period: float = 0.0  # [s] fixed spacing
    probability: float = 0.0  # [1] a second
    poisson_rate: float = 0.0  # [1/s] exponential spacing
    at_begin_and_end: bool = False  # CityFlow: first departure at begin, last not after end


@dataclass(frozen=True)
class StopRow:
    """One scheduled stop of a trip."""

    lane: int
    start: float  # [m] on the lane
    end: float  # [m] the front stops before here
    duration: float = 0.0  # [s]
    until: float = -1.0  # [s] -1 none
    parking: bool = False  # leaves the lane free
    stop_id: str = ""  # bus stop or ""
    triggered: bool = False
    on_route: int = -1  # earliest position in the route's edge list that it may belong to; -1 any


@dataclass(frozen=True, eq=False)
class Demand:
    """Trips as columns (V,), in the order of their wanted departure (stable)."""

    trip_id: tuple[str, ...]
    trip_type: NDArray[np.int32]  # (V,) vehicle type; -2 - d = distribution d
    trip_depart: NDArray[np.float64]  # (V,) [s] wanted departure
    trip_route: NDArray[np.int32]  # (V,) route; -1 = to be found from trip_from, trip_via, trip_to
    trip_from: NDArray[np.int32]  # (V,) edge, -1 where a route is given
    trip_to: NDArray[np.int32]  # (V,) edge, -1 where a route is given
    trip_via_start: NDArray[np.int64]  # (V+1,) ranges of via_edge
    via_edge: NDArray[np.int32]
    trip_is_template: NDArray[np.bool_]  # (V,) template of a flow, not driven itself
    depart_lane: NDArray[np.uint8]  # (V,) DepartLane
    depart_lane_index: NDArray[np.int32]  # (V,) for GIVEN
    depart_pos: NDArray[np.uint8]  # (V,) DepartPos
    depart_pos_value: NDArray[np.float64]  # (V,) [m] for GIVEN; negative counts from the end
    depart_speed: NDArray[np.uint8]  # (V,) DepartSpeed
    depart_speed_value: NDArray[np.float64]  # (V,) [m/s] for GIVEN
    arrival_lane: NDArray[np.int32]  # (V,) lane index on the last edge, -1 any ("current")
    arrival_pos: NDArray[np.float64]  # (V,) [m] negative counts from the end; inf = lane end; nan never
    arrival_speed: NDArray[np.float64]  # (V,) [m/s]; -1 current
    trip_stop_start: NDArray[np.int64]  # (V+1,) ranges of stops
    stops: tuple[StopRow, ...]
    route_start: NDArray[np.int64]  # (N+1,) ranges of route_edge; equal routes are stored once
    route_edge: NDArray[np.int32]
    vehicle_types: tuple[VehicleType, ...]
    distributions: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...] = ()  # (types, probabilities)
    flows: tuple[Flow, ...] = ()
    # SUMO's routeDistributions: trip_route = -2 - d means that the run draws from distribution d
    route_distributions: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...] = ()  # (routes, probabilities)
    # (V,) [s] period in which a driver looks for a faster way under way; 0 never; -1 as the type, else the run's options say.
    # Left empty it is -1 for all
    trip_rerouting: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def num_trips(self) -> int:
        """Trips, templates of flows included."""
        return len(self.trip_id)

    def route(self, route: int) -> NDArray[np.int32]:
        """Edges of a route."""
        return self.route_edge[self.route_start[route] : self.route_start[route + 1]]

    def __post_init__(self) -> None:
        if not len(self.trip_rerouting):
            object.__setattr__(self, "trip_rerouting", np.full(len(self.trip_id), -1.0))
        freeze(self)
