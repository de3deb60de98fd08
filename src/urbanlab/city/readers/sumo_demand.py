"""Vehicles, trips, flows and routes of SUMO as columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from urbanlab.city.demand import DEVICE_PARAMS, Flow
from urbanlab.city.network import Network
from urbanlab.city.readers.sumo_depart import Styles
from urbanlab.city.readers.sumo_flows import read_flow
from urbanlab.city.readers.sumo_routes import NamedRoute, RouteStore
from urbanlab.city.readers.sumo_stops import StopDraft
from urbanlab.city.readers.sumo_values import HUGE, Values
from urbanlab.city.readers.xml_stream import ElementHandlers
from urbanlab.city.scenario import ImportReport, RunSettings
from urbanlab.core.errors import DemandError

__all__ = ["DemandReader", "DemandRules"]

Attributes = dict[str, str]
_DEFAULT_TYPE = "DEFAULT_VEHTYPE"
LONGEST_ROUTE = 16 << 20  # [characters] of a route that is repeated
_OWN_ROUTE = NamedRoute()  # stands for the route inside a vehicle, which keeps its stops itself
_DEPART_WORDS = frozenset({"triggered", "containerTriggered", "split", "now"})
_PLACES = (
    "fromTaz", "toTaz", "fromJunction", "toJunction", "viaJunctions", "fromXY", "toXY", "viaXY",
    "fromLonLat", "toLonLat", "viaLonLat",
)  # fmt: skip
# attributes that are read here, or that change nothing in a run
_KNOWN = frozenset({
    "id", "depart", "type", "route", "from", "to", "via", "departLane", "departPos", "departSpeed", "arrivalLane",
    "arrivalPos", "arrivalSpeed", "color", "line", "personNumber", "containerNumber", "personCapacity", "arrival",
    "departPosLat", "arrivalPosLat", "begin", "end", "period", "vehsPerHour", "perHour", "probability", "number",
    "xmlns:xsi", "taz", "modes", "walkFactor", *_PLACES,
})  # fmt: skip


@dataclass(frozen=True)
class DemandRules:
    """What a configuration says about demand."""

    settings: RunSettings = field(default_factory=RunSettings)
    ignore_route_errors: bool = False
    depart_defaults: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """The vehicle, trip or flow whose children are being read."""

    kind: str
    attributes: Attributes
    depart: float
    route: int = -1
    stops: list[StopDraft] = field(default_factory=list)
    params: Attributes = field(default_factory=dict)
    bad: bool = False


class DemandReader:
    """Collects demand over all files of a scenario; `sumo_trips.build_demand` makes the columns."""

    def __init__(self, network: Network, report: ImportReport, rules: DemandRules) -> None:
        self.network, self.report, self.rules = network, report, rules
        self.values = Values(DemandError)
        self.routes = RouteStore(network)
        self.styles = Styles(report, rules.depart_defaults)
        self.named: dict[str, NamedRoute] = {}
        self.names: list[str] = []  # of routes that vehicles refer to; a vehicle holds -2 - its row
        self.type_names: dict[str, int] = {_DEFAULT_TYPE: 0}
        self.ids: list[str] = []
        self.depart = array("d")
        self.type, self.route, self.style, self.line = array("i"), array("i"), array("i"), array("i")
        self.start, self.end = array("i"), array("i")
        self.file_start: list[tuple[int, str]] = []  # first row of each file
        self.via: dict[int, list[int]] = {}
        self.stops: dict[int, list[StopDraft]] = {}
        self.rerouting: dict[int, float] = {}  # by row: [s] period, 0 never
        self.flows: dict[int, Flow] = {}  # by row; Flow.trip is filled in later
        self.problems: list[tuple[str, str]] = []  # message, hint: routes that can't be driven
        self._row_of_name: dict[str, int] = {}
        self._open: _Open | None = None
        self._route: NamedRoute | None = None
        self._distribution: NamedRoute | None = None
        self._handlers: ElementHandlers | None = None

    def attach(self, handlers: ElementHandlers) -> None:
        """Take part in the reading of a file."""
        self._handlers = handlers
        starts, ends = handlers.starts, handlers.ends
        for kind in ("vehicle", "trip", "flow"):
            starts[kind], ends[kind] = self._start_of(kind), self._end_vehicle
        starts |= {"route": self._start_route, "routeDistribution": self._start_distribution, "stop": self._stop}
        ends |= {"route": self._end_route, "routeDistribution": self._end_distribution}

    def begin_file(self, name: str) -> None:
        """The rows from here on come from this file."""
        self.file_start.append((len(self.ids), name))

    def where(self) -> str:
        """Place that is being read."""
        return self._handlers.where() if self._handlers is not None else ""

    # vehicles

    def _start_of(self, kind: str) -> Callable[[Attributes], None]:
        parse = self._depart if kind != "flow" else self._flow_begin

        def start(attributes: Attributes) -> None:
            if self._open is not None or self._route is not None or self._distribution is not None:
                raise DemandError(f"a {kind} stands inside another element", got=attributes.get("id"))
            text = attributes.get("depart")
            try:
                depart = float(text)  # type: ignore[arg-type]  # None goes the slow way, as words and clock times do
                if not -HUGE < depart < HUGE or kind == "flow" or "_" in attributes["depart"]:
                    depart = parse(attributes)
            except (TypeError, ValueError):
                depart = parse(attributes)
            self._open = _Open(kind, attributes, depart)

        return start

    def _depart(self, attributes: Attributes) -> float:
        text = self.values.text(attributes, "depart")
        if text == "begin":
            return self.rules.settings.begin
        return float("nan") if text in _DEPART_WORDS else self.values.parse_time(text, "depart")

    def _flow_begin(self, attributes: Attributes) -> float:
        text = attributes.get("begin")
        if text is None or text == "begin":
            return self.rules.settings.begin
        return float("nan") if text in _DEPART_WORDS else self.values.parse_time(text, "begin")

    def _end_vehicle(self) -> None:
        vehicle, self._open = self._open, None
        if vehicle is None:
            raise DemandError("a vehicle ends that never began")
        attributes = vehicle.attributes
        name = self.values.text(attributes, "id")
        if not name:
            raise DemandError(f"a {vehicle.kind} has an empty id")
        if vehicle.depart != vehicle.depart:
            word = attributes.get("depart") or attributes.get("begin", "")
            self.report.note(f"departure {word}", name)
            return
        flow = read_flow(attributes, vehicle.depart, self.values, self.report) if vehicle.kind == "flow" else None
        if vehicle.kind == "flow" and flow is None:
            return
        if vehicle.depart < self.rules.settings.begin and flow is None:
            self.report.warn("trip departs before begin", name)
            return
        if not attributes.keys() <= _KNOWN:
            for key in attributes.keys() - _KNOWN:
                self.report.note(f"{vehicle.kind} attribute {key}", name)
        row = len(self.ids)
        if vehicle.bad or not self._direction(vehicle, name, row):
            return
        self.ids.append(name)
        self.depart.append(vehicle.depart)
        self.type.append(self.type_names.setdefault(attributes.get("type", _DEFAULT_TYPE), len(self.type_names)))
        self.style.append(self.styles.number(attributes))
        self.line.append(self._handlers.line if self._handlers is not None else 0)
        if vehicle.stops:
            self.stops[row] = vehicle.stops
        if flow is not None:
            self.flows[row] = flow
        if vehicle.params:
            self._device(vehicle, row)

    def param(self, attributes: Attributes) -> None:
        """Take a param element if a vehicle is open; those of its rerouting device are kept."""
        if self._open is None:
            return
        key = self.values.text(attributes, "key")
        if key in DEVICE_PARAMS:
            self._open.params[key] = attributes.get("value", "")
        elif key.startswith(("has.", "device.")):
            self.report.note(f"vehicle parameter {key}", self._open.attributes.get("id", ""))

    def _device(self, vehicle: _Open, row: int) -> None:
        """What a vehicle's own parameters say about looking for faster ways; without a word on the period: the options' one."""
        has = self.values.flag(vehicle.params, "has.rerouting.device", default=True)
        default = self.rules.settings.options.get("device.rerouting.period", "0")
        written = vehicle.params.get("device.rerouting.period", default)
        if "has.rerouting.device" in vehicle.params or "device.rerouting.period" in vehicle.params:
            period = max(self.values.parse_time(written, "device.rerouting.period"), 0.0)
            self.rerouting[row] = (period or math.inf) if has else 0.0

    def _direction(self, vehicle: _Open, name: str, row: int) -> bool:
        """Where it goes: a route of its own, a named one, or an origin and a destination. False: not read."""
        attributes, route, start, end = vehicle.attributes, vehicle.route, -1, -1
        if route == -1 and "route" in attributes:
            route = -2 - self._row(attributes["route"])
        elif route == -1:
            places = [key for key in _PLACES if key in attributes]
            if places and ("from" not in attributes or "to" not in attributes):
                self.report.note(f"{vehicle.kind} with {places[0]}", name)
                return False
            if "from" not in attributes or "to" not in attributes:
                raise DemandError(
                    f"{vehicle.kind} '{name}' has neither a route nor an origin and a destination",
                    expected="a <route>, 'route', or 'from' and 'to'",
                )
            try:
                start, end = (self.routes.edge_of_id[attributes[key]] for key in ("from", "to"))
                if via := attributes.get("via"):
                    self.via[row] = [self.routes.edge_of_id[edge] for edge in via.split()]
            except KeyError as unknown:
                self.via.pop(row, None)
                self._unknown_edge(f"{vehicle.kind} '{name}'", unknown.args[0])
                return False
        self.route.append(route)
        self.start.append(start)
        self.end.append(end)
        return True

    def _row(self, route_name: str) -> int:
        row = self._row_of_name.setdefault(route_name, len(self.names))
        if row == len(self.names):
            self.names.append(route_name)
        return row

    def _unknown_edge(self, who: str, edge: str) -> None:
        if self.rules.ignore_route_errors:
            self.report.note("route with an unknown edge", who)
            return
        hint = self.routes.hint(edge) if not self.problems else ""
        self.problems.append((f"{who} uses the unknown edge '{edge}' ({self.where()})", hint))

    # routes

    def _start_route(self, attributes: Attributes) -> None:
        if self._route is not None:
            raise DemandError("a route stands inside another one", got=attributes.get("id"))
        vehicle, distribution = self._open, self._distribution
        if vehicle is not None and distribution is None:
            self._route = _OWN_ROUTE
            try:  # the way of nearly all vehicles, without a word more than needed
                if "repeat" not in attributes:
                    vehicle.route = self.routes.add(attributes["edges"])
                    return
            except KeyError:
                pass
            vehicle.route, vehicle.bad = self._add(attributes, f"{vehicle.kind} '{vehicle.attributes.get('id', '')}'")
            return
        name = attributes.get("id", "")
        route = self._route = NamedRoute()
        if distribution is not None and "refId" in attributes:
            name = attributes["refId"]
        else:
            if distribution is not None and not name:
                name = f"!{distribution.where}#{len(distribution.members)}"
            if not name:
                raise DemandError("a route outside of vehicles needs an id", got=dict(list(attributes.items())[:3]))
            if name in self.named:
                raise DemandError(f"two routes are called '{name}'", expected="a name of its own for every route")
            route.where = self.where()
            route.route, bad = self._add(attributes, f"route '{name}'")
            self.named[name] = route
            if bad:
                route.route = -2
        if distribution is not None:
            distribution.members.append(name)
            distribution.weights.append(self.values.not_negative(attributes, "probability", 1.0))

    def _add(self, attributes: Attributes, who: str) -> tuple[int, bool]:
        text = attributes.get("edges")
        if text is None:
            raise DemandError(f"{who} has a route without edges", expected="an attribute 'edges'")
        repeat = self.values.whole(attributes, "repeat", 0) if "repeat" in attributes else 0
        if repeat:
            if repeat < 0 or len(text) * (repeat + 1) > LONGEST_ROUTE:
                raise DemandError(f"{who} repeats its route too often", got=repeat, expected="fewer, 0 or above")
            text = " ".join([text] * (repeat + 1))
        try:
            return self.routes.add(text), False
        except KeyError as unknown:
            self._unknown_edge(who, unknown.args[0])
            return -1, True

    def _end_route(self) -> None:
        self._route = None

    def _start_distribution(self, attributes: Attributes) -> None:
        if self._distribution is not None or self._route is not None:
            raise DemandError("a routeDistribution stands inside another element", got=attributes.get("id"))
        vehicle, name = self._open, attributes.get("id", "")
        if vehicle is not None:
            name = f"!{vehicle.attributes.get('id', '')}"  # alternatives of one vehicle, as duarouter writes them
            vehicle.route = -2 - self._row(name)
        if not name or name in self.named:
            raise DemandError(f"a routeDistribution is called '{name}'", expected="a name of its own")
        distribution = self._distribution = self.named[name] = NamedRoute(where=name)
        distribution.members += attributes.get("routes", "").split()
        weights = [self.values.parse(text, "probabilities") for text in attributes.get("probabilities", "").split()]
        if (weights and len(weights) != len(distribution.members)) or min(weights, default=0.0) < 0:
            raise DemandError(f"distribution '{name}' needs one probability a route", got=attributes["probabilities"])
        distribution.weights += weights or [1.0] * len(distribution.members)

    def _end_distribution(self) -> None:
        self._distribution = None

    def _stop(self, attributes: Attributes) -> None:
        draft = StopDraft(dict(attributes), self.where())
        if self._route is not None and self._route is not _OWN_ROUTE:
            self._route.stops.append(draft)
        elif self._open is not None:
            self._open.stops.append(draft)
        else:
            raise DemandError("a stop stands outside any vehicle or route", got=dict(attributes))

    def place(self, row: int) -> str:
        """File and line of a vehicle."""
        files = [name for first, name in self.file_start if first <= row]
        return f"{files[-1] if files else ''}, line {self.line[row]}"
