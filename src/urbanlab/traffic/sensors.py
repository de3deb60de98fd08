"""Detectors of a scenario -> the points and areas of a world, and what these have told so far."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network
from urbanlab.city.scenario import Detector
from urbanlab.core.errors import CapacityError
from urbanlab.traffic.kernels.sensors import NUM_NOW, NUM_SUMS, Areas, Points
from urbanlab.traffic.kernels.world import World

__all__ = ["AreaNow", "Events", "SensorPlan", "Sensors", "plan_sensors"]

SHORTEST = 0.5
"""[m] of an area that a vehicle needs at least."""

FEWEST_EVENTS = 8192
EVENTS_PER_POINT = 32

Int = NDArray[np.int32]
Float = NDArray[np.float64]


class Events(NamedTuple):
    """What has happened at points, in order of the steps, (X,)."""

    point: Int
    trip: Int
    kind: NDArray[np.uint8]
    time: Float  # [s]
    entry: Float  # [s] when the vehicle's front was there
    odo: Float  # [m]
    loss: Float  # [s]
    halts: Int


class AreaNow(NamedTuple):
    """An area in its present period."""

    sums: Float  # (NUM_SUMS,)
    vehicles: int  # on it now
    halt: Float  # [s] of each, 0 = drives
    interval: Float  # [s] of each, the part in the period


class SensorPlan(NamedTuple):
    """Which point and area is whose."""

    first_point: list[int]  # (detectors,) place among all points as they were asked for
    row_of_point: NDArray[np.int64]  # and where that point stands, sorted by lane
    area_of: dict[int, int]  # area of a detector


class _Model(Protocol):
    world: World


def plan_sensors(network: Network, detectors: tuple[Detector, ...], num_trips: int) -> tuple[SensorPlan, Points, Areas]:
    """Points and areas of detectors: loops have one point, probes two.

    Parameters
    ----------
    num_trips : of the run so far
    """
    wanted: list[tuple[int, float, int]] = []  # lane, position, place in this list
    first_point: list[int] = []
    area_of: dict[int, int] = {}
    for number, detector in enumerate(detectors):
        first_point.append(len(wanted))
        if detector.kind == "area":
            area_of[number] = len(area_of)
            continue
        wanted.append((detector.lane, detector.pos, len(wanted)))
        if detector.kind == "probe":
            wanted.append((detector.end_lane, detector.end_pos, len(wanted)))
    order = sorted(wanted)
    rows = np.argsort(np.array([which for _, _, which in order], np.int64), kind="stable")
    has_probes = any(detector.kind == "probe" for detector in detectors)
    points = _points(network, order, num_trips if has_probes else 0)
    return SensorPlan(first_point, rows, area_of), points, _areas([detectors[number] for number in area_of])


class Sensors:
    """What the points and areas of a world have told.

    Parameters
    ----------
    model : whose world it is
    plan : whose points and areas they are
    """

    def __init__(self, model: _Model, plan: SensorPlan) -> None:
        self._model, self._plan = model, plan
        self._taken: list[Events] = []

    @property
    def points(self) -> Points:
        """Points of the world as it is now."""
        return self._model.world.points

    def point(self, detector: int, which: int = 0) -> int:
        """Row of a detector's first or second point."""
        return int(self._plan.row_of_point[self._plan.first_point[detector] + which])

    def occupied_since(self, detector: int) -> float:
        """When the vehicle on a loop came [s]; -1: there is none."""
        row = self.point(detector)
        return float(self.points.entry[row]) if self.points.on[row] >= 0 else -1.0

    def area(self, detector: int) -> AreaNow:
        """Sums of an area since they were cleared."""
        areas, row = self._model.world.areas, self._plan.area_of[detector]
        members = slice(int(areas.room[row]), int(areas.room[row]) + int(areas.num[row]))
        sums = areas.sums[row * NUM_SUMS : (row + 1) * NUM_SUMS]
        return AreaNow(sums.copy(), int(areas.num[row]), areas.halt[members].copy(), areas.interval[members].copy())

    def clear_area(self, detector: int) -> None:
        """Begin a new period."""
        areas, row = self._model.world.areas, self._plan.area_of[detector]
        areas.sums[row * NUM_SUMS : (row + 1) * NUM_SUMS] = 0.0
        areas.interval[int(areas.room[row]) : int(areas.room[row + 1])] = 0.0

    def vehicle(self, trip: int) -> tuple[float, float, int] | None:
        """Odometer [m], time loss [s] and halts of a vehicle on the road; None where it has left."""
        world = self._model.world
        slot = int(world.trips.slot[trip])
        return None if slot < 0 else (float(world.slots.odo[slot]), float(world.slots.loss[slot]), int(world.points.halts[trip]))

    @property
    def is_due(self) -> bool:
        """Does the buffer have to be emptied before the next step?"""
        return bool(2 * self.points.num[0] > len(self.points.event_time))

    def drain(self) -> None:
        """Take events out of the buffer.

        Raises
        ------
        CapacityError : more has happened in one step than the buffer holds
        """
        points, num = self.points, int(self.points.num[0])
        if num > len(points.event_time):
            raise CapacityError("detectors have been passed too often in one step", got=num, expected=f"at most {len(points.event_time)}")
        if num:
            columns = (getattr(points, f"event_{name}")[:num].copy() for name in Events._fields)
            self._taken.append(Events(*columns))
        points.num[0] = 0

    def state(self) -> list[dict[str, Any]]:
        """What has been drained and not taken, as plain values; `restore` takes it back."""
        return [events._asdict() for events in self._taken]

    def restore(self, taken: list[dict[str, Any]]) -> None:
        """Hold these events and no others."""
        self._taken = [Events(**events) for events in taken]

    def take(self) -> Events:
        """Events since the last call."""
        self.drain()
        taken, self._taken = self._taken, []
        if len(taken) == 1:
            return taken[0]
        columns = zip(*taken, strict=True) if taken else [[np.zeros(0, kind)] for kind in _EVENT_KINDS]
        return Events(*(np.concatenate(column) for column in columns))


_EVENT_KINDS = (np.int32, np.int32, np.uint8, np.float64, np.float64, np.float64, np.float64, np.int32)


def _points(network: Network, order: list[tuple[int, float, int]], num_counted: int) -> Points:
    lane = np.array([row[0] for row in order], np.int32)
    of_lane = np.full(network.num_lanes + 1, -1, np.int32) if order else np.zeros(0, np.int32)
    if order:
        of_lane[lane[::-1]] = np.arange(len(order), dtype=np.int32)[::-1]
    num_events = max(FEWEST_EVENTS, EVENTS_PER_POINT * len(order)) if order else 0
    columns = {f"event_{name}": np.zeros(num_events, kind) for name, kind in zip(Events._fields, _EVENT_KINDS, strict=True)}
    return Points(
        of_lane=of_lane,
        lane=lane,
        pos=np.array([row[1] for row in order], np.float64),
        on=np.full(len(order), -1, np.int32),
        entry=np.zeros(len(order)),
        odo=np.zeros(len(order)),
        num=np.zeros(1, np.int64),
        halts=np.zeros(num_counted, np.int32),
        slow=np.zeros(num_counted, np.int32),
        **columns,
    )


def _areas(detectors: list[Detector]) -> Areas:
    num = len(detectors)
    most = [int(detector.length / SHORTEST) + 8 for detector in detectors]
    room = np.concatenate([[0], np.cumsum(most)]).astype(np.int64)
    places = int(room[-1])
    return Areas(
        lane=np.array([detector.lane for detector in detectors], np.int32),
        start=np.array([detector.pos for detector in detectors], np.float64),
        end=np.array([detector.pos + detector.length for detector in detectors], np.float64),
        room=room,
        num=np.zeros(num, np.int32),
        trip=np.zeros(places, np.int32),
        base=np.zeros(places),
        halt=np.zeros(places),
        interval=np.zeros(places),
        before=np.zeros(places, np.int32),
        before_base=np.zeros(places),
        before_halt=np.zeros(places),
        before_interval=np.zeros(places),
        sums=np.zeros(num * NUM_SUMS),
        now=np.zeros(NUM_NOW),
    )
