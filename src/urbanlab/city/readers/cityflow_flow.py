"""CityFlow's flow file -> Demand: every entry is a flow along named roads.

Format: CityFlow documentation, "Flow File Format" (cityflow.readthedocs.io/en/latest/flow.html). The first vehicle
departs at `startTime`, the others every `interval` seconds, the last not after `endTime`; -1 is no end.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from urbanlab.city.demand import CarFollowing, Demand, DepartLane, DepartPos, DepartSpeed, Flow, VehicleType
from urbanlab.city.readers.cityflow_json import JsonLimits, JsonStream
from urbanlab.city.readers.cityflow_routes import RouteFinder
from urbanlab.city.readers.cityflow_values import LARGEST, SMALLEST, Values
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import DemandError

__all__ = ["read_flows"]

MAX_RATE = 1e3  # [m/s], [m/s^2]
_FLOW_KEYS = frozenset({"vehicle", "route", "interval", "startTime", "endTime"})
_VEHICLE_KEYS = frozenset({
    "length", "width", "maxPosAcc", "maxNegAcc", "usualPosAcc", "usualNegAcc", "minGap", "maxSpeed", "headwayTime",
})  # fmt: skip


class _FlowRow(NamedTuple):
    kind: int  # vehicle type
    route: int
    begin: float  # [s]
    end: float  # [s] inf: never
    interval: float  # [s]


class _Reader:
    """Flows under construction; equal vehicles and routes are stored once."""

    def __init__(self, edge_of_id: dict[str, int], finder: RouteFinder, report: ImportReport) -> None:
        self.edge_of_id, self.finder, self.report = edge_of_id, finder, report
        self.rows: list[_FlowRow] = []
        self.types: list[VehicleType] = []
        self.routes: list[tuple[int, ...]] = []
        self.unknown: Counter[str] = Counter()
        self.lost: list[str] = []  # roads that do not exist
        self._kind_of: dict[str, int] = {}
        self._route_of: dict[tuple[str, ...], int] = {}
        self._omitted: set[int] = set()

    def add(self, item: Values) -> None:
        """Take one flow."""
        number = len(self.rows)
        self.unknown.update(item.unknown(_FLOW_KEYS))
        kind, route = self._kind(item), self._route(item)
        if route in self._omitted:
            self.report.warn("flow without a route, left out as CityFlow does", f"flow_{number}")
        interval = item.number("interval", low=SMALLEST)
        begin, end = self._time(item, "startTime", 0), self._time(item, "endTime", -1)
        if end not in (-1, begin) and end < begin:
            self.report.warn("flow that ends before it begins", f"flow_{number}")
        self.rows.append(_FlowRow(kind, route, float(max(begin, 0)), math.inf if end == -1 else float(end), interval))

    def _time(self, item: Values, key: str, default: int) -> int:
        """CityFlow takes the default where a time is missing, and silently where it is no whole number."""
        if key not in item.given:
            return default
        if isinstance(item.given[key], float):
            item.number(key)
            self.report.warn(f"flow with a {key} that is no whole number, taken as {default} as CityFlow does")
            return default
        return item.whole(key, low=-round(LARGEST), high=round(LARGEST))

    def _kind(self, item: Values) -> int:
        part = item.part("vehicle")
        key = repr(part.given)
        if key in self._kind_of:
            return self._kind_of[key]
        self.types.append(_vehicle_type(part, f"type_{len(self.types)}"))
        self._kind_of[key] = len(self.types) - 1
        for name in part.unknown(_VEHICLE_KEYS):
            self.unknown[f"vehicle/{name}"] += 1
        return len(self.types) - 1

    def _route(self, item: Values) -> int:
        names = item.array("route")
        if not names or not all(isinstance(name, str) for name in names):
            raise DemandError(
                "a route is not what it should be", got=f"{len(names)} items", expected="identifiers of roads", where=item.where
            )
        key = tuple(names)
        if key in self._route_of:
            return self._route_of[key]
        self._route_of[key] = len(self.routes)
        lost = [name for name in key if name not in self.edge_of_id]
        if lost:
            self.lost += [f"{item.where}: road '{name[:60]}'" for name in lost]
            self.routes.append(())
            return len(self.routes) - 1
        anchors = [self.edge_of_id[name] for name in key]
        found = self.finder.route(anchors)
        if found is None:
            self._omitted.add(len(self.routes))
        self.routes.append(found or tuple(anchors))
        return len(self.routes) - 1


def _vehicle_type(item: Values, name: str) -> VehicleType:
    def rate(key: str) -> float:
        return item.number(key, low=SMALLEST, high=MAX_RATE)

    speed, decel = rate("maxSpeed"), rate("maxNegAcc")
    return VehicleType(
        vehicle_type_id=name,
        vehicle_class="passenger",
        length=rate("length"),
        width=rate("width"),
        min_gap=item.number("minGap", low=0.0, high=MAX_RATE),
        max_speed=speed,
        desired_max_speed=speed,
        accel=rate("maxPosAcc"),
        decel=decel,
        emergency_decel=decel,
        apparent_decel=decel,
        sigma=0.0,
        tau=item.number("headwayTime", low=0.0, high=MAX_RATE),
        car_following=CarFollowing.CITYFLOW,
        speed_factor=(1.0, 0.0, 1.0, 1.0),
        usual_accel=rate("usualPosAcc"),
        usual_decel=rate("usualNegAcc"),
        turn_speed=8.3333,
    )


def read_flows(path: Path, edge_of_id: dict[str, int], finder: RouteFinder, report: ImportReport, limits: JsonLimits) -> tuple[Demand, str]:
    """Read a flow file; the demand and the sha256 of the file.

    Parameters
    ----------
    edge_of_id : roads by their identifiers
    finder : joins the roads that a flow names

    Raises
    ------
    FileError, DemandError
    """
    stream = JsonStream(path, limits)
    reader = _Reader(edge_of_id, finder, report)
    for number, item in enumerate(stream.elements()):
        reader.add(Values(item, f"{path.name}, flow {number}", DemandError))
    stream.end()
    if reader.lost:
        raise DemandError("routes name roads that do not exist", items=reader.lost)
    for key, count in reader.unknown.items():
        report.note(f"flow key '{key[:40]}'", count=count)
    return _demand(reader), stream.digest


def _demand(reader: _Reader) -> Demand:
    rows = reader.rows
    num = len(rows)
    order = np.argsort([row.begin for row in rows], kind="stable") if num else np.zeros(0, np.int64)
    place = np.empty(num, np.int64)
    place[order] = np.arange(num)
    ordered = [rows[k] for k in order.tolist()]
    flows = tuple(
        Flow(f"flow_{k}", int(place[k]), row.begin, row.end, period=row.interval, at_begin_and_end=True) for k, row in enumerate(rows)
    )
    return Demand(
        trip_id=tuple(f"flow_{k}" for k in order.tolist()),
        trip_type=np.array([row.kind for row in ordered], np.int32),
        trip_depart=np.array([row.begin for row in ordered], np.float64),
        trip_route=np.array([row.route for row in ordered], np.int32),
        trip_from=np.full(num, -1, np.int32),
        trip_to=np.full(num, -1, np.int32),
        trip_via_start=np.zeros(num + 1, np.int64),
        via_edge=np.zeros(0, np.int32),
        trip_is_template=np.ones(num, np.bool_),
        depart_lane=np.full(num, DepartLane.RANDOM, np.uint8),
        depart_lane_index=np.zeros(num, np.int32),
        depart_pos=np.full(num, DepartPos.GIVEN, np.uint8),
        depart_pos_value=np.zeros(num),
        depart_speed=np.full(num, DepartSpeed.GIVEN, np.uint8),
        depart_speed_value=np.zeros(num),
        arrival_lane=np.full(num, -1, np.int32),
        arrival_pos=np.full(num, math.inf),
        arrival_speed=np.full(num, -1.0),
        trip_stop_start=np.zeros(num + 1, np.int64),
        stops=(),
        route_start=np.concatenate([[0], np.cumsum([len(route) for route in reader.routes], dtype=np.int64)]).astype(np.int64),
        route_edge=np.array([edge for route in reader.routes for edge in route], np.int32),
        vehicle_types=tuple(reader.types),
        flows=flows,
    )
