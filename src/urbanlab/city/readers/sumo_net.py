"""Reading SUMO networks (`net.xml`, up to version 1.20) into columns."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, JunctionType, Network
from urbanlab.city.readers.sumo_links import right_of_way
from urbanlab.city.readers.sumo_signals import ProgramReader
from urbanlab.city.readers.sumo_values import HUGE, Values, nearest
from urbanlab.city.readers.xml_stream import DEFAULT_LIMITS, ElementHandlers, XmlLimits, parse_xml
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import NetworkError

__all__ = ["NetReader", "read_net"]

Attributes = dict[str, str]
NEWEST = (1, 20)
DEFAULT_WIDTH = 3.2  # [m] of a lane, SUMO's SUMO_const_laneWidth
_FUNCTIONS = {
    "normal": EdgeFunction.NORMAL, "internal": EdgeFunction.INTERNAL, "crossing": EdgeFunction.CROSSING,
    "walkingarea": EdgeFunction.WALKINGAREA, "connector": EdgeFunction.CONNECTOR,
    "source": EdgeFunction.NORMAL, "sink": EdgeFunction.NORMAL, "macro": EdgeFunction.CONNECTOR,
}  # fmt: skip
_JUNCTIONS = {kind.name.lower(): kind for kind in JunctionType} | {"rail_crossing": JunctionType.RAIL_CROSSING}
# what stands in a net, is read by other tools and changes nothing in a run
_SILENT = frozenset({
    "type", "restriction", "prohibition", "location", "configuration", "netconvertConfiguration", "delay",
    "neteditPreferences",
})  # fmt: skip
_LANE_EXTRAS = ("changeLeft", "changeRight", "acceleration", "endOffset")
_CONNECTION_EXTRAS = frozenset({"indirect", "changeLeft", "changeRight", "linkIndex2"})


class NetReader(ElementHandlers):
    """Takes the elements of a net and grows columns."""

    def __init__(self, report: ImportReport, programs: ProgramReader) -> None:
        super().__init__(frozenset({"net"}), "a SUMO network")
        self.report, self.programs, self.values = report, programs, Values(NetworkError)
        self.edge_ids: list[str] = []
        self.edge_of_id: dict[str, int] = {}
        self.edge_ends: list[tuple[str | None, str | None]] = []
        self.edge_names: dict[int, str] = {}
        self.edge_types: dict[int, str] = {}
        self.edge_function, self.edge_priority, self.first_lane = array("B"), array("i"), array("i")
        self.lane_of_id: dict[str, int] = {}
        self.lane_length, self.lane_speed, self.lane_width = array("d"), array("d"), array("d")
        self.lane_permissions, self.shape_start, self.shape = array("q"), array("q"), array("d")
        self.junction_ids: list[str] = []
        self.junction_type, self.junction_x, self.junction_y = array("B"), array("d"), array("d")
        self.junction_lanes: list[tuple[str, str]] = []
        self.request_start, self.request_cont = array("q"), array("B")
        self.responses, self.response_start = array("i"), array("q")
        self.foes, self.foe_start = array("i"), array("q")
        self.links = array("i")  # eight numbers a connection, see _connection
        self.link_permissions = array("q")
        self.link_visibility = array("d")  # [m], 0 as usual
        self.crossings: Attributes = {}  # by edge: the streets it crosses, for whoever writes the net again
        self.roundabouts: list[tuple[int, ...]] = []
        self.header: Attributes = {}
        self.location: Attributes = {}
        self.version = ""
        self._edge = -1
        self._requests: list[tuple[int, str, str, bool]] | None = None
        self._strings: dict[str, str] = {}
        self.starts |= {
            "edge": self._start_edge, "lane": self._lane, "junction": self._start_junction,
            "request": self._request, "connection": self._connection, "roundabout": self._roundabout,
            "location": self._location, "param": self._param, "succ": self._too_old, "succlane": self._too_old,
        }  # fmt: skip
        self.ends |= {"edge": self._end_edge, "junction": self._end_junction}
        programs.attach(self)

    def root(self, attributes: Attributes) -> None:
        """Check the version and keep the switches of the net."""
        self.version = attributes.get("version", "")
        parts = (self.version or "0.0").split(".")
        if not self.version:
            self.report.warn("network without a version")
        is_number = all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts) and len(parts) <= 3
        number = (int(parts[0]), int(parts[1]) if len(parts) > 1 else 0) if is_number else (NEWEST[0] + 1, 0)
        if number[0] > NEWEST[0]:
            raise NetworkError(
                "this version of SUMO networks is not supported",
                got=self.version[:40],
                expected="0.x to 1.20",
                hint="convert it with netconvert of SUMO 1.x: netconvert -s OLD.net.xml -o NEW.net.xml",
            )
        if number > NEWEST:
            self.report.warn("network version newer than 1.20", self.version)
        self.header = {key: value for key, value in attributes.items() if ":" not in key and key != "version"}

    def unknown(self, name: str, attributes: Attributes) -> None:
        """Count what could change a run."""
        if name not in _SILENT:
            self.report.note(f"network element {name}", attributes.get("id", ""))

    def _too_old(self, _: Attributes) -> None:
        raise NetworkError("the network is of a form that SUMO used before 0.13", got="an element <succ>", expected="<connection>")

    def _param(self, attributes: Attributes) -> None:
        self.programs.param(attributes)

    def _location(self, attributes: Attributes) -> None:
        self.location = dict(attributes)

    # edges and lanes

    def _start_edge(self, attributes: Attributes) -> None:
        if self._edge >= 0 or self._requests is not None:
            raise NetworkError("an edge stands inside another element", got=attributes.get("id"))
        edge_id, edge = self.values.text(attributes, "id"), len(self.edge_ids)
        if not edge_id or self.edge_of_id.setdefault(edge_id, edge) != edge:
            raise NetworkError(f"two edges are called '{edge_id}'", expected="a name of its own for every edge")
        written = attributes.get("function", "internal" if edge_id[0] == ":" else "normal")
        function = _FUNCTIONS.get(written)
        if function is None:
            raise NetworkError(f"edge '{edge_id}' has an unknown function", got=repr(written[:40]))
        start, end = attributes.get("from"), attributes.get("to")
        if function is EdgeFunction.NORMAL and (start is None or end is None):
            raise NetworkError(f"edge '{edge_id}' lacks one of its junctions", expected="attributes 'from' and 'to'")
        self._edge = edge
        self.edge_ids.append(edge_id)
        self.edge_ends.append((self._shared(start), self._shared(end)))
        self.edge_function.append(function)
        self.edge_priority.append(self.values.whole(attributes, "priority", -1))
        self.first_lane.append(len(self.lane_length))
        if name := attributes.get("name"):
            self.edge_names[edge] = self._shared(name) or ""
        if kind := attributes.get("type"):
            self.edge_types[edge] = self._shared(kind) or ""
        if function is EdgeFunction.CROSSING and "crossingEdges" in attributes:
            self.crossings[f"crossing {edge_id}"] = attributes["crossingEdges"]
        if "bidi" in attributes:
            self.report.note("edge attribute bidi", edge_id)

    def _shared(self, text: str | None) -> str | None:
        """One copy of texts that repeat."""
        return None if text is None else self._strings.setdefault(text, text)

    def _end_edge(self) -> None:
        if self.first_lane[self._edge] == len(self.lane_length):
            raise NetworkError(f"edge '{self.edge_ids[self._edge]}' has no lanes", expected="one lane or more")
        self._edge = -1

    def _lane(self, attributes: Attributes) -> None:
        edge, lane = self._edge, len(self.lane_length)
        if edge < 0:
            raise NetworkError("a lane stands outside any edge", got=attributes.get("id"))
        lane_id = self.values.text(attributes, "id")
        index = lane - self.first_lane[edge]
        if lane_id != f"{self.edge_ids[edge]}_{index}":
            raise NetworkError(f"lane '{lane_id}' is out of place", expected=f"'{self.edge_ids[edge]}_{index}'")
        self.lane_of_id[lane_id] = lane
        length, speed = self.values.number(attributes, "length"), self.values.not_negative(attributes, "speed")
        if length <= 0:
            raise NetworkError(f"lane '{lane_id}' has no length", got=attributes["length"], expected="more than 0 m")
        self.lane_length.append(length)
        self.lane_speed.append(max(speed, 0.01))
        self.lane_width.append(self.values.positive(attributes, "width", DEFAULT_WIDTH))
        self.lane_permissions.append(self.values.permissions(attributes.get("allow"), attributes.get("disallow")))
        self.shape_start.append(len(self.shape) >> 1)
        self._shape(attributes.get("shape", ""))
        if len(attributes) > 6:
            for key in _LANE_EXTRAS:
                if attributes.get(key, "all") not in ("all", "0", "false", ""):
                    self.report.note(f"lane attribute {key}", lane_id)

    def _shape(self, text: str) -> None:
        points = text.split()
        try:
            if text.count(",") == len(points) and "_" not in text:
                self.shape.extend(map(float, text.replace(",", " ").split()))
            else:
                for point in points:
                    self.shape.extend([self.values.parse(part, "shape") for part in point.split(",")][:2])
        except ValueError:
            raise NetworkError("a shape is not a list of points", got=repr(text[:80]), expected="x,y x,y ...") from None
        if len(self.shape) & 1:
            raise NetworkError("a shape has a point with one coordinate", got=repr(text[:80]), expected="x,y x,y ...")

    # junctions

    def _start_junction(self, attributes: Attributes) -> None:
        if self._requests is not None or self._edge >= 0:
            raise NetworkError("a junction stands inside another element", got=attributes.get("id"))
        junction_id = self.values.text(attributes, "id")
        written = attributes.get("type", "priority")
        kind = _JUNCTIONS.get(written)
        if kind is None:
            self.report.note(f"junction type {written}", junction_id)
            kind = JunctionType.PRIORITY
        self.junction_ids.append(junction_id)
        self.junction_type.append(kind)
        self.junction_x.append(self.values.number(attributes, "x"))
        self.junction_y.append(self.values.number(attributes, "y"))
        self.junction_lanes.append((attributes.get("incLanes", ""), attributes.get("intLanes", "")))
        self.request_start.append(len(self.request_cont))
        self._requests = []

    def _request(self, attributes: Attributes) -> None:
        if self._requests is None:
            raise NetworkError("a request stands outside any junction", got=attributes.get("index"))
        response, foes = self.values.text(attributes, "response"), self.values.text(attributes, "foes")
        cont = self.values.flag(attributes, "cont", default=False)
        self._requests.append((self.values.index(attributes, "index"), response, foes, cont))

    def _end_junction(self) -> None:
        requests, self._requests = self._requests or [], None
        count, base = len(requests), len(self.request_cont)
        for row, (index, response, foes, cont) in enumerate(sorted(requests)):
            if index != row:
                raise NetworkError("the requests of a junction are not numbered 0, 1, ...", got=index, expected=str(row))
            self.response_start.append(len(self.responses))
            self._bits(response, base, count, self.responses)
            self.foe_start.append(len(self.foes))
            self._bits(foes, base, count, self.foes)
            self.request_cont.append(cont)

    def _bits(self, text: str, base: int, count: int, into: array[int]) -> None:
        """Written from right to left: the last character stands for request 0."""
        if text.count("0") + text.count("1") != len(text) or len(text) > count:
            raise NetworkError("a request's response or foes are not bits", got=repr(text[:80]), expected=f"{count} characters 0 or 1")
        last = base + len(text) - 1
        place = text.rfind("1")
        while place >= 0:
            into.append(last - place)
            place = text.rfind("1", 0, place)

    # connections and the rest

    def _connection(self, attributes: Attributes) -> None:
        get = attributes.get
        try:
            find = self.lane_of_id
            start = find[f"{attributes['from']}_{attributes['fromLane']}"]
            end = find[f"{attributes['to']}_{attributes['toLane']}"]
        except KeyError:  # the long way, for the error's text or for an index such as "00"
            start = self._lane_of(attributes, "from", "fromLane")
            end = self._lane_of(attributes, "to", "toLane")
        via, via_lane = get("via"), -1
        if via:
            via_lane = self.lane_of_id.get(via, -1)
            if via_lane < 0:
                raise NetworkError(f"a connection runs over the unknown lane '{via}'", expected="an internal lane")
        signal, link = -1, -1
        tl = get("tl")
        if tl:
            link = self.values.index(attributes, "linkIndex")
            signal = self.programs.link(tl, link)
        direction, state = get("dir", "s"), get("state", "M")
        if direction not in ("s", "t", "T", "l", "r", "L", "R", "i", "invalid") or len(state) != 1 or not state.isascii():
            raise NetworkError("a connection has an unknown direction or state", got=f"dir={direction!r} state={state!r}")
        keep_clear = self.values.flag(attributes, "keepClear", default=True)
        self.links.extend((start, end, via_lane, signal, link, ord(direction[0]) if direction != "T" else ord("t"), ord(state), keep_clear))
        self.link_permissions.append(self.values.permissions(get("allow"), get("disallow")))
        self.link_visibility.append(self.values.positive(attributes, "visibility") if get("visibility") else 0.0)
        for key in attributes.keys() & _CONNECTION_EXTRAS:
            if attributes[key]:
                self.report.note(f"connection attribute {key}", f"{attributes['from']} -> {attributes['to']}")

    def _lane_of(self, attributes: Attributes, edge_key: str, lane_key: str) -> int:
        edge_id = self.values.text(attributes, edge_key)
        edge = self.edge_of_id.get(edge_id)
        if edge is None:
            raise NetworkError(
                f"a connection names the unknown edge '{edge_id}'", expected="an edge that stands before it",
                hint=nearest(edge_id, self.edge_of_id),
            )  # fmt: skip
        lane = self.first_lane[edge] + self.values.index(attributes, lane_key)
        end = self.first_lane[edge + 1] if edge + 1 < len(self.first_lane) else len(self.lane_length)
        if lane >= end:
            raise NetworkError(f"a connection names a lane that edge '{edge_id}' lacks", got=attributes[lane_key])
        return lane

    def _roundabout(self, attributes: Attributes) -> None:
        names = self.values.text(attributes, "edges").split()
        missing = [name for name in names if name not in self.edge_of_id]
        if missing:
            self.report.warn("roundabout with an unknown edge", missing[0])
        self.roundabouts.append(tuple(self.edge_of_id[name] for name in names if name in self.edge_of_id))

    # the whole

    def build(self) -> Network:
        """The network that was read; the file's errors that only show at the end are raised here."""
        if not self.edge_ids:
            raise NetworkError("the network has no edges", expected="one edge or more")
        junction_of_id = {name: row for row, name in enumerate(self.junction_ids)}
        if len(junction_of_id) < len(self.junction_ids):
            twice = sorted({name for name in self.junction_ids if self.junction_ids.count(name) > 1})[:10]
            raise NetworkError(f"two junctions are called '{twice[0]}'", items=twice)
        shape = _column(self.shape, np.float64).reshape(-1, 2)
        if not np.all(np.abs(shape) < HUGE):
            row = int(np.flatnonzero(~np.all(np.abs(shape) < HUGE, axis=1))[0])
            raise NetworkError("a shape has a coordinate that is not a usable number", got=tuple(shape[row].tolist()))
        ends = self._edge_ends(junction_of_id)
        incoming, internal = self._lane_lists(0), self._lane_lists(1)
        first_lane = np.append(_column(self.first_lane, np.int32), np.int32(len(self.lane_length)))
        lane_edge = np.repeat(np.arange(len(self.edge_ids), dtype=np.int32), np.diff(first_lane))
        columns: dict[str, Any] = {
            "junction_type": _column(self.junction_type, np.uint8),
            "edge_from": ends[:, 0].copy(), "edge_to": ends[:, 1].copy(),
            "edge_function": _column(self.edge_function, np.uint8),
            "lane_edge": lane_edge, "junction_inc_start": incoming[0], "junction_inc_lane": incoming[1],
        }  # fmt: skip
        columns |= right_of_way(self, columns)
        return Network(
            junction_id=tuple(self.junction_ids),
            junction_x=_column(self.junction_x, np.float64), junction_y=_column(self.junction_y, np.float64),
            junction_int_start=internal[0], junction_int_lane=internal[1],
            edge_id=tuple(self.edge_ids), edge_priority=_column(self.edge_priority, np.int32),
            edge_first_lane=first_lane,
            edge_name=tuple(self.edge_names.get(edge, "") for edge in range(len(self.edge_ids))),
            edge_type=tuple(self.edge_types.get(edge, "") for edge in range(len(self.edge_ids))),
            lane_length=_column(self.lane_length, np.float64), lane_speed=_column(self.lane_speed, np.float64),
            lane_width=_column(self.lane_width, np.float64), lane_permissions=_column(self.lane_permissions, np.int64),
            lane_shape_start=np.append(_column(self.shape_start, np.int64), np.int64(len(shape))),
            shape_x=shape[:, 0].copy(), shape_y=shape[:, 1].copy(),
            signal_id=tuple(self.programs.signal_of_id), roundabouts=tuple(self.roundabouts),
            lefthand=self.values.flag(self.header, "lefthand", default=False), source_version=self.version,
            attributes={**self.header, **self._boundaries(), **self.crossings},
            **self._projection(), **columns,
        )  # fmt: skip

    def _boundaries(self) -> Attributes:
        return {key: self.location[key] for key in ("convBoundary", "origBoundary") if key in self.location}

    def _projection(self) -> dict[str, Any]:
        offset = self.location.get("netOffset", "0,0").split(",")
        if len(offset) < 2:
            raise NetworkError("netOffset is not two numbers", got=self.location["netOffset"])
        x, y = (self.values.parse(part, "netOffset") for part in offset[:2])
        return {"projection": self.location.get("projParameter", "!"), "offset_x": x, "offset_y": y}

    def _edge_ends(self, junction_of_id: dict[str, int]) -> NDArray[np.int32]:
        """(E, 2) junctions; an edge inside a junction has that junction at both ends."""
        ends = np.empty((len(self.edge_ids), 2), np.int32)
        missing: list[str] = []
        for edge, given in enumerate(self.edge_ends):
            start, end = given
            if start is None or end is None:
                start = end = self.edge_ids[edge].lstrip(":").rpartition("_")[0] if start is end else start or end
            pair = junction_of_id.get(start or "", -1), junction_of_id.get(end or "", -1)
            if min(pair) < 0:
                missing.append(f"edge '{self.edge_ids[edge]}' from '{start}' to '{end}'")
            ends[edge] = pair
        if missing:
            raise NetworkError("an edge begins or ends at a junction that does not exist: " + missing[0], items=missing)
        return ends

    def _lane_lists(self, which: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        lanes, start = array("i"), array("q", [0])
        missing: list[str] = []
        find = self.lane_of_id.get
        for junction, texts in enumerate(self.junction_lanes):
            for name in texts[which].split():
                lane = find(name, -1)
                if lane >= 0:
                    lanes.append(lane)
                else:
                    missing.append(f"'{name}' of junction '{self.junction_ids[junction]}'")
            start.append(len(lanes))
        if missing:
            raise NetworkError(f"a junction lists a lane that does not exist: {missing[0]}", items=missing)
        return _column(start, np.int64), _column(lanes, np.int32)


def _column(values: array[Any], dtype: type[np.generic]) -> NDArray[Any]:
    return np.array(values, dtype) if len(values) else np.empty(0, dtype)


def read_net(
    path: Path,
    report: ImportReport,
    programs: ProgramReader,
    limits: XmlLimits = DEFAULT_LIMITS,
) -> tuple[Network, str]:
    """Read a network; its programs go to `programs`. Returns it with the sha256 of its file."""
    reader = NetReader(report, programs)
    digest = parse_xml(path, reader, limits)
    try:
        network = reader.build()
    except NetworkError as problem:
        problem.where = problem.where or path.name
        raise
    programs.net_is_read = True
    return network, digest
