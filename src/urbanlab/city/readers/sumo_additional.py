"""Additional files of SUMO: stopping places, detectors, closures, variable speed signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from urbanlab.city.network import ALL_CLASSES, Network, class_mask
from urbanlab.city.readers.sumo_stops import STOPPING_PLACES, StoppingPlace, lane_range
from urbanlab.city.readers.sumo_values import Values, nearest
from urbanlab.city.readers.xml_stream import ElementHandlers
from urbanlab.city.scenario import Closure, Detector, ImportReport
from urbanlab.core.errors import NetworkError

__all__ = ["AdditionalReader"]

Attributes = dict[str, str]
WHOLE_RUN = 2147483.647  # [s] SUMO's largest time: a detector without a period reports once
_OUTPUTS = ("edgeData", "laneData", "timedEvent", "vTypeProbe", "routeProbe", "meandataSuperposition")
_SILENT = ("poly", "poi", "polygon", "location", "viewsettings", "delay", "include-schema")


@dataclass
class _Rerouter:
    edges: tuple[int, ...]
    probability: float
    name: str
    begin: float = 0.0
    end: float = WHOLE_RUN
    closed: dict[int, list[int]] = field(default_factory=dict)  # lanes of the present interval by permissions


@dataclass
class _SpeedSign:
    lanes: tuple[int, ...]
    steps: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class _Gate:
    """A multi-entry multi-exit detector while it is read."""

    name: str
    period: float
    file: str
    entries: list[tuple[int, float]] = field(default_factory=list)
    exits: list[tuple[int, float]] = field(default_factory=list)


class AdditionalReader:
    """Collects what stands beside the streets."""

    def __init__(self, network: Network, report: ImportReport) -> None:
        self.network, self.report, self.values = network, report, Values(NetworkError)
        self.places: dict[tuple[str, str], StoppingPlace] = {}
        self.detectors: list[Detector] = []
        self.closures: list[Closure] = []
        self._rerouter: _Rerouter | None = None
        self._sign: _SpeedSign | None = None
        self._gate: _Gate | None = None
        self._detector_ids: set[str] = set()

    def attach(self, handlers: ElementHandlers) -> None:
        """Take part in the reading of a file."""
        starts, ends = handlers.starts, handlers.ends
        for kind in STOPPING_PLACES:
            starts[kind] = self._stopping_place(kind)
        for name in ("e1Detector", "inductionLoop"):
            starts[name] = self._loop
        for name in ("e2Detector", "laneAreaDetector"):
            starts[name] = self._area
        for name in ("e3Detector", "entryExitDetector"):
            starts[name], ends[name] = self._start_gate, self._end_gate
        starts |= {
            "instantInductionLoop": self._instant, "detEntry": self._entry, "detExit": self._exit,
            "rerouter": self._start_rerouter, "interval": self._interval, "closingReroute": self._close_edge,
            "closingLaneReroute": self._close_lane, "variableSpeedSign": self._start_sign, "step": self._sign_step,
        }  # fmt: skip
        ends |= {"rerouter": self._end_rerouter, "interval": self._end_interval, "variableSpeedSign": self._end_sign}
        for name in ("access", "space", "stopAreaBoundary"):
            starts[name] = self._detail

    def unknown(self, name: str, attributes: Attributes) -> None:
        """Count an element that no reader takes."""
        if name in _OUTPUTS:
            self.report.warn(f"output request {name}", attributes.get("id", ""))
        elif name not in _SILENT:
            self.report.note(f"element {name}", attributes.get("id", ""))

    def _detail(self, attributes: Attributes) -> None:
        """Part of a stopping place that only persons or parking lots need."""

    # places

    def _lane(self, attributes: Attributes, key: str = "lane") -> int:
        name = self.values.text(attributes, key)
        lane = self.network.lane_of_id(name)
        if lane < 0:
            raise NetworkError(
                f"'{attributes.get('id', '')}' lies on the unknown lane '{name}'",
                hint=nearest(name.rpartition("_")[0], self.network.edge_of_id),
            )
        return lane

    def _edges(self, text: str) -> tuple[int, ...]:
        unknown = [name for name in text.split() if name not in self.network.edge_of_id]
        if unknown:
            raise NetworkError(f"unknown edge '{unknown[0]}'", hint=nearest(unknown[0], self.network.edge_of_id), items=unknown)
        return tuple(self.network.edge_of_id[name] for name in text.split())

    def _stopping_place(self, kind: str) -> Callable[[Attributes], None]:
        def start(attributes: Attributes) -> None:
            name = self.values.text(attributes, "id")
            if (kind, name) in self.places:
                raise NetworkError(f"two places of kind {kind} are called '{name}'")
            place = lane_range(attributes, self._lane(attributes), self.network, self.values, shortest=0.0)
            self.places[(kind, name)] = place
            if kind in ("chargingStation", "overheadWireSegment"):
                self.report.note(f"charging at a {kind}", name)
            elif "parkingLength" in attributes:
                self.report.note(f"parkingLength of a {kind}", name)
            elif kind == "parkingArea":
                self.report.note("capacity of a parkingArea", name)

        return start

    # detectors

    def _position(self, attributes: Attributes, lane: int, key: str = "pos") -> float:
        length = float(self.network.lane_length[lane])
        position = self.values.number(attributes, key)
        position = position + length if position < 0 else position
        if not 0 <= position <= length:
            if not self.values.flag(attributes, "friendlyPos", default=False):
                self.report.warn("detector beyond its lane", attributes.get("id", ""))
            position = min(max(position, 0.0), length)
        return position

    def _period(self, attributes: Attributes) -> float:
        key = "period" if "period" in attributes else "freq"
        return self.values.time(attributes, key, WHOLE_RUN) or WHOLE_RUN

    def _name(self, attributes: Attributes) -> str:
        name = self.values.text(attributes, "id")
        if name in self._detector_ids:
            self.report.warn("two detectors of one name", name)
        self._detector_ids.add(name)
        return name

    def _loop(self, attributes: Attributes) -> None:
        lane, name = self._lane(attributes), self._name(attributes)
        position, period = self._position(attributes, lane), self._period(attributes)
        self.detectors.append(Detector(name, "loop", lane, position, period, file=attributes.get("file", "")))

    def _instant(self, attributes: Attributes) -> None:
        self.report.warn("instant detector read as a loop", attributes.get("id", ""))
        self._loop(attributes)

    def _area(self, attributes: Attributes) -> None:
        name = self._name(attributes)
        if "lanes" in attributes:
            self.report.note("area detector over several lanes", name)
            return
        lane = self._lane(attributes)
        length = float(self.network.lane_length[lane])
        if "pos" in attributes:
            start = self._position(attributes, lane)
            end = start + self.values.number(attributes, "length", length - start)
            if "endPos" in attributes:
                end = self._position(attributes, lane, "endPos")
        else:
            end = self._position(attributes, lane, "endPos") if "endPos" in attributes else length
            start = end - self.values.number(attributes, "length", end)
        if end > length + 0.1 or start < -0.1:
            self.report.warn("area detector longer than its lane", name)
        start, end = max(start, 0.0), min(end, length)
        if end <= start:
            raise NetworkError(f"area detector '{name}' has no length", got=f"{start:g} to {end:g} m")
        file = attributes.get("file", "")
        self.detectors.append(Detector(name, "area", lane, start, self._period(attributes), end - start, file=file))

    def _start_gate(self, attributes: Attributes) -> None:
        self._gate = _Gate(self._name(attributes), self._period(attributes), attributes.get("file", ""))

    def _entry(self, attributes: Attributes) -> None:
        if self._gate is None:
            raise NetworkError("a detEntry stands outside any detector")
        lane = self._lane(attributes)
        self._gate.entries.append((lane, self._position(attributes, lane)))

    def _exit(self, attributes: Attributes) -> None:
        if self._gate is None:
            raise NetworkError("a detExit stands outside any detector")
        lane = self._lane(attributes)
        self._gate.exits.append((lane, self._position(attributes, lane)))

    def _end_gate(self) -> None:
        gate, self._gate = self._gate, None
        if gate is None or len(gate.entries) != 1 or len(gate.exits) != 1:
            self.report.note("detector with several entries or exits", gate.name if gate else "")
            return
        (lane, pos), (end_lane, end_pos) = gate.entries[0], gate.exits[0]
        self.detectors.append(Detector(gate.name, "probe", lane, pos, gate.period, end_lane=end_lane, end_pos=end_pos, file=gate.file))

    # closures and limits

    def _start_rerouter(self, attributes: Attributes) -> None:
        name = self.values.text(attributes, "id")
        probability = self.values.not_negative(attributes, "probability", 1.0)
        if self.values.flag(attributes, "off", default=False):
            self.report.warn("rerouter that is switched off", name)
            probability = 0.0
        self._rerouter = _Rerouter(self._edges(attributes.get("edges", "")), min(probability, 1.0), name)
        for key in ("timeThreshold", "vTypes", "optional", "radius"):
            if attributes.get(key):
                self.report.note(f"rerouter with {key}", name)
        if attributes.get("file"):
            self.report.note("rerouter in a file of its own", name)

    def _interval(self, attributes: Attributes) -> None:
        if self._rerouter is None:
            raise NetworkError("an interval stands outside any rerouter")
        self._rerouter.begin = self.values.time(attributes, "begin", 0.0)
        self._rerouter.end = self.values.time(attributes, "end", WHOLE_RUN)
        if self._rerouter.end < self._rerouter.begin:
            raise NetworkError("an interval ends before it begins", got=dict(attributes))

    def _close_edge(self, attributes: Attributes) -> None:
        edges = self._edges(self.values.text(attributes, "id"))
        first = self.network.edge_first_lane
        # SUMO: without a word on classes nothing is forbidden, only those who obey go another way
        self._close([lane for edge in edges for lane in range(first[edge], first[edge + 1])], attributes, ALL_CLASSES)

    def _close_lane(self, attributes: Attributes) -> None:
        # SUMO: without a word on classes only authorities may pass
        self._close([self._lane(attributes, "id")], attributes, class_mask("authority", "ignoring"))

    def _close(self, lanes: list[int], attributes: Attributes, otherwise: int) -> None:
        if self._rerouter is None:
            raise NetworkError("a closure stands outside any rerouter", got=dict(attributes))
        allow, disallow = attributes.get("allow"), attributes.get("disallow")
        permissions = self.values.permissions(allow, disallow) if allow or disallow else otherwise
        if attributes.get("until"):
            self.report.note("closure that ends for those who arrive later", self._rerouter.name)
        self._rerouter.closed.setdefault(permissions, []).extend(lanes)

    def _end_interval(self) -> None:
        rerouter = self._rerouter
        if rerouter is None:
            raise NetworkError("an interval ends outside any rerouter")
        for permissions, lanes in rerouter.closed.items():
            if rerouter.probability > 0 or permissions != ALL_CLASSES:
                span = (rerouter.begin, rerouter.end)
                self.closures.append(Closure(tuple(lanes), *span, permissions, rerouter.edges, rerouter.probability))
        rerouter.closed.clear()

    def _end_rerouter(self) -> None:
        self._rerouter = None

    def _start_sign(self, attributes: Attributes) -> None:
        names = attributes.get("lanes", "").split()
        lanes = tuple(self._lane({"id": attributes.get("id", ""), "lane": name}) for name in names)
        first = self.network.edge_first_lane
        edges = self._edges(attributes.get("edges", ""))
        self._sign = _SpeedSign(lanes + tuple(lane for edge in edges for lane in range(first[edge], first[edge + 1])))
        if attributes.get("file"):
            self.report.note("variable speed sign in a file of its own", attributes.get("id", ""))

    def _sign_step(self, attributes: Attributes) -> None:
        if self._sign is None:
            raise NetworkError("a step stands outside any variableSpeedSign")
        self._sign.steps.append((self.values.time(attributes, "time"), self.values.number(attributes, "speed", -1.0)))

    def _end_sign(self) -> None:
        sign, self._sign = self._sign, None
        if sign is None:
            raise NetworkError("a variableSpeedSign ends that never began")
        sign.steps.sort()
        limit = Closure(sign.lanes, 0.0, 0.0, permissions=ALL_CLASSES)
        for (time, speed), (end, _) in pairwise([*sign.steps, (WHOLE_RUN, 0.0)]):
            if speed >= 0:  # below 0: back to the lane's own limit
                self.closures.append(replace(limit, begin=time, end=end, speed=max(speed, 0.01)))
