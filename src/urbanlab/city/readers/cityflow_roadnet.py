"""CityFlow's road net file as plain records: what it says, checked item by item.

Format: CityFlow documentation, "Roadnet File Format" (cityflow.readthedocs.io/en/latest/roadnet.html). Roads have
lanes from the inside to the kerb; a road link joins two roads over lane links; phases list the road links that are
available. An intersection that is `virtual` is an end of the net: it has no links and no signal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from urbanlab.city.readers.cityflow_json import JsonLimits, JsonStream
from urbanlab.city.readers.cityflow_values import LARGEST, SMALLEST, Values
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import FileError, NetworkError, ProgramError

__all__ = ["TURNS", "Intersection", "LaneLink", "Phase", "Road", "RoadLink", "RoadNet", "read_roadnet"]

Points = tuple[tuple[float, float], ...]

TURNS = {"go_straight": "s", "turn_left": "l", "turn_right": "r", "turn_u": "t"}
"""CityFlow's types of road links and our directions; CityFlow itself knows the first three."""

MAX_SPEED = 1e3  # [m/s]
_ROAD_KEYS = frozenset({"id", "points", "lanes", "startIntersection", "endIntersection"})
_LANE_KEYS = frozenset({"width", "maxSpeed"})
_INTERSECTION_KEYS = frozenset({"id", "point", "width", "roads", "roadLinks", "trafficLight", "virtual"})
_LINK_KEYS = frozenset({"type", "startRoad", "endRoad", "direction", "laneLinks"})
_LANE_LINK_KEYS = frozenset({"startLaneIndex", "endLaneIndex", "points"})
_LIGHT_KEYS = frozenset({"roadLinkIndices", "lightphases"})
_PHASE_KEYS = frozenset({"time", "availableRoadLinks"})


class Road(NamedTuple):
    """A directed road; lanes counted from the inside."""

    road_id: str
    start: str  # intersection
    end: str
    widths: tuple[float, ...]  # [m]
    speeds: tuple[float, ...]  # [m/s]
    points: Points  # [m]


class LaneLink(NamedTuple):
    """A way from a lane to a lane; without points CityFlow draws a curve."""

    start: int  # lane, counted from the inside
    end: int
    points: Points


class RoadLink(NamedTuple):
    """A turn from a road to a road."""

    turn: str  # direction: s l r t
    start: str
    end: str
    lane_links: tuple[LaneLink, ...]


class Phase(NamedTuple):
    """A light phase: the road links that are available."""

    time: float  # [s]
    available: frozenset[int]


class Intersection(NamedTuple):
    """An intersection; a virtual one has no links and no phases."""

    intersection_id: str
    x: float
    y: float
    virtual: bool
    width: float  # [m]
    roads: tuple[str, ...]
    links: tuple[RoadLink, ...]
    phases: tuple[Phase, ...]


class RoadNet(NamedTuple):
    """All of a road net file."""

    roads: list[Road]
    intersections: list[Intersection]
    digest: str


def read_roadnet(path: Path, report: ImportReport, limits: JsonLimits) -> RoadNet:
    """Read a road net file; keys that CityFlow does not know go into the report.

    Raises
    ------
    FileError, NetworkError, ProgramError
    """
    stream = JsonStream(path, limits)
    unknown: Counter[str] = Counter()
    roads: list[Road] = []
    intersections: list[Intersection] = []
    seen = set()
    for key in stream.members():
        seen.add(key)
        if key == "roads":
            roads = list(_each(stream, "road", lambda item: _road(item, unknown)))
        elif key == "intersections":
            intersections = list(_each(stream, "intersection", lambda item: _intersection(item, unknown, report)))
        else:
            unknown[key] += 1
            stream.value()
    stream.end()
    lacking = [key for key in ("roads", "intersections") if key not in seen]
    if lacking:
        raise FileError(
            f"{path.name} is not a CityFlow road net", got=f"an object without '{lacking[0]}'", expected="'roads' and 'intersections'"
        )
    for key, count in unknown.items():
        report.note(f"roadnet key '{key[:40]}'", count=count)
    _unique("roads", [road.road_id for road in roads])
    _unique("intersections", [item.intersection_id for item in intersections])
    return RoadNet(roads, intersections, stream.digest)


def _each(stream: JsonStream, kind: str, make: Callable[[Values], Any]) -> Iterator[Any]:
    for number, item in enumerate(stream.elements()):
        name = item.get("id") if isinstance(item, dict) else None
        label = f"'{name[:60]}'" if isinstance(name, str) else str(number)
        yield make(Values(item, f"{stream.path.name}, {kind} {label}", NetworkError))


def _unique(kind: str, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise NetworkError(f"{kind} have the same id", items=[f"'{name}'" for name in twice])


def _count(item: Values, known: frozenset[str], unknown: Counter[str]) -> None:
    unknown.update(item.unknown(known))


def _road(item: Values, unknown: Counter[str]) -> Road:
    _count(item, _ROAD_KEYS, unknown)
    lanes, points = item.parts("lanes"), item.parts("points")
    if not lanes:
        raise NetworkError("a road has no lanes", expected="one or more", where=item.where)
    if len(points) < 2:
        raise NetworkError("a road needs two points", got=f"{len(points)}", expected="two or more", where=item.where)
    for lane in lanes:
        _count(lane, _LANE_KEYS, unknown)
    return Road(
        road_id=item.text("id"),
        start=item.text("startIntersection"),
        end=item.text("endIntersection"),
        widths=tuple(lane.number("width", low=SMALLEST) for lane in lanes),
        speeds=tuple(lane.number("maxSpeed", low=SMALLEST, high=MAX_SPEED) for lane in lanes),
        points=tuple(point.point() for point in points),
    )


def _intersection(item: Values, unknown: Counter[str], report: ImportReport) -> Intersection:
    _count(item, _INTERSECTION_KEYS, unknown)
    x, y = item.part("point").point()
    virtual = item.flag("virtual")
    names = item.array("roads")
    if not all(isinstance(name, str) for name in names):
        raise NetworkError("'roads' are not what they should be", expected="identifiers of roads", where=item.where)
    links = () if virtual else tuple(_road_link(part, unknown, report) for part in item.parts("roadLinks"))
    return Intersection(
        intersection_id=item.text("id"),
        x=x,
        y=y,
        virtual=virtual,
        width=0.0 if virtual else item.number("width", low=0.0),
        roads=tuple(names),
        links=links,
        phases=() if virtual else _phases(item, len(links), unknown, report),
    )


def _road_link(item: Values, unknown: Counter[str], report: ImportReport) -> RoadLink:
    _count(item, _LINK_KEYS, unknown)
    kind = item.text("type")
    if kind not in TURNS:
        report.warn("road link of a type that CityFlow does not know, taken as turning around", kind[:40])
    lane_links = []
    for part in item.parts("laneLinks"):
        _count(part, _LANE_LINK_KEYS, unknown)
        points = tuple(point.point() for point in part.parts("points")) if "points" in part.given else ()
        lane_links.append(LaneLink(part.whole("startLaneIndex", low=0), part.whole("endLaneIndex", low=0), points))
    return RoadLink(TURNS.get(kind, "t"), item.text("startRoad"), item.text("endRoad"), tuple(lane_links))


def _phases(item: Values, num_links: int, unknown: Counter[str], report: ImportReport) -> tuple[Phase, ...]:
    light = item.part("trafficLight")
    light.error = ProgramError
    _count(light, _LIGHT_KEYS, unknown)
    phases = []
    for part in light.parts("lightphases"):
        _count(part, _PHASE_KEYS, unknown)
        links = part.array("availableRoadLinks")
        wrong = [link for link in links if not isinstance(link, int) or isinstance(link, bool) or not 0 <= link < num_links]
        if wrong:
            raise ProgramError(
                "a phase names a road link that does not exist",
                got=repr(wrong[0])[:40],
                expected=f"a number from 0 to {num_links - 1}",
                where=part.where,
            )
        phases.append(Phase(part.number("time", low=0.0, high=LARGEST), frozenset(links)))
    if not phases:
        raise ProgramError("an intersection has no light phases", expected="one or more, or 'virtual': true", where=light.where)
    if not any(phase.time > 0.0 for phase in phases):
        raise ProgramError("the phases of an intersection take no time", expected="a time above 0 s", where=light.where)
    if any(phase.time == 0.0 for phase in phases):
        report.warn("light phase of no time, taken as 1 ms", light.where)
    return tuple(phases)
