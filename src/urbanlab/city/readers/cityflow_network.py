"""CityFlow's roads and intersections -> Network and SignalPrograms.

CityFlow counts lanes from the inside, we count from the kerb: lane k of n becomes lane n - 1 - k. Every road link becomes an
internal edge, every lane link one of its lanes and a connection; a signal's state string has one character a road link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import ALL_CLASSES, EdgeFunction, JunctionType, Network, usual_visibility
from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.city.readers.cityflow_crossings import find_crossings
from urbanlab.city.readers.cityflow_geometry import lane_lines, line_length, link_curve
from urbanlab.city.readers.cityflow_roadnet import Intersection, Road, RoadLink, RoadNet
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import NetworkError

__all__ = ["build_network"]

Point = tuple[float, float]

TURN_SPEED = 8.3333  # [m/s] CityFlow's VehicleInfo::turnSpeed
RANK = {"s": 3, "l": 2, "r": 1, "t": 0}  # who goes first where ways meet: straight before left before right
LINK_WIDTH = 4.0  # [m] CityFlow's lane links
SHORTEST = 1e-6  # [m] a lane link needs some length; CityFlow takes none at all


class _Lanes:
    """Lane columns under construction; lines are kept for the shapes."""

    def __init__(self) -> None:
        self.edge: list[int] = []
        self.length: list[float] = []
        self.speed: list[float] = []
        self.width: list[float] = []
        self.lines: list[Sequence[Point]] = []

    def add(self, edge: int, length: float, speed: float, width: float, line: Sequence[Point]) -> int:
        """Append a lane; its index."""
        self.edge.append(edge)
        self.length.append(length)
        self.speed.append(speed)
        self.width.append(width)
        self.lines.append(line)
        return len(self.edge) - 1


class _Link(NamedTuple):
    """A lane link as a connection under construction."""

    from_lane: int
    to_lane: int
    via: int
    junction: int
    signal: int
    place: int  # road link of the intersection
    turn: str


class _Build:
    """A network under construction, with the names resolved."""

    def __init__(self, net: RoadNet, report: ImportReport) -> None:
        self.net, self.report = net, report
        self.roads = {road.road_id: k for k, road in enumerate(net.roads)}
        self.junctions = {item.intersection_id: k for k, item in enumerate(net.intersections)}
        self.lanes = _Lanes()
        self.first_lane: list[int] = []
        self.links: list[_Link] = []
        self.inner_of: list[int] = []  # junction of each internal edge
        self.inner_name: list[str] = []
        self._whole: dict[str, list[list[Point]]] = {}  # lines of roads that are not shortened
        self._check_names()

    def _check_names(self) -> None:
        wrong = [f"road '{r.road_id}': '{n}'" for r in self.net.roads for n in (r.start, r.end) if n not in self.junctions]
        if wrong:
            raise NetworkError("roads name intersections that do not exist", items=wrong)
        wrong = [
            f"intersection '{i.intersection_id}': '{name}'"
            for i in self.net.intersections
            for name in (*i.roads, *(n for link in i.links for n in (link.start, link.end)))
            if name not in self.roads
        ]
        if wrong:
            raise NetworkError("intersections name roads that do not exist", items=wrong)
        wrong = [
            f"intersection '{i.intersection_id}': {link.start} lane {part.start} to {link.end} lane {part.end}"
            for i in self.net.intersections
            for link in i.links
            for part in link.lane_links
            if part.start >= len(self._road(link.start).widths) or part.end >= len(self._road(link.end).widths)
        ]
        if wrong:
            raise NetworkError("lane links name lanes that do not exist", items=wrong)

    def _road(self, name: str) -> Road:
        return self.net.roads[self.roads[name]]

    def lane(self, road: str, index: int) -> int:
        """Our lane for the index-th of a road, counted from the inside."""
        edge = self.roads[road]
        return self.first_lane[edge] + len(self.net.roads[edge].widths) - 1 - index

    def add_roads(self) -> None:
        """Lanes of all roads; roads are shortened by the widths of their intersections."""
        degenerate = []
        for edge, road in enumerate(self.net.roads):
            start, end = (self.net.intersections[self.junctions[name]] for name in (road.start, road.end))
            self.first_lane.append(len(self.lanes.edge))
            try:
                lines = lane_lines(road.points, road.widths, start_width=start.width, end_width=end.width)
            except ZeroDivisionError:
                degenerate.append(f"'{road.road_id}'")
                continue
            if line_length(road.points) <= start.width + end.width:
                self.report.warn("road shorter than the widths of its intersections", road.road_id)
            for line, width, speed in reversed(list(zip(lines, road.widths, road.speeds, strict=True))):
                self.lanes.add(edge, line_length(line), speed, width, line)
        if degenerate:
            raise NetworkError(
                "roads have pieces of no length",
                items=degenerate,
                hint="two neighbouring points are equal, or the road is as long as its intersections are wide",
            )

    def add_links(self) -> None:
        """Internal lanes and connections of all intersections."""
        signal = -1
        for junction, item in enumerate(self.net.intersections):
            signal += not item.virtual
            for index, link in enumerate(item.links):
                self._add_link(junction, item, signal, index, link)

    def _add_link(self, junction: int, item: Intersection, signal: int, index: int, link: RoadLink) -> None:
        if self._road(link.start).end != item.intersection_id or self._road(link.end).start != item.intersection_id:
            self.report.warn("road link of roads that do not meet there", f"{item.intersection_id}: {link.start} to {link.end}")
        if not link.lane_links:
            return
        edge = len(self.net.roads) + len(self.inner_of)
        self.inner_of.append(junction)
        self.inner_name.append(f":{item.intersection_id}_{index}")
        for part in link.lane_links:
            start, end = self.lane(link.start, part.start), self.lane(link.end, part.end)
            line: Sequence[Point] = part.points or self._curve(item, link, part.start, part.end)
            length = line_length(line)
            if length < SHORTEST:
                self.report.warn("lane link of no length, taken as 1e-6 m", f"{item.intersection_id}: {link.start} to {link.end}")
                line, length = (line[0], (line[0][0] + SHORTEST, line[0][1])), SHORTEST
            speed = max(self.lanes.speed[start], self.lanes.speed[end])
            via = self.lanes.add(edge, length, min(speed, TURN_SPEED) if link.turn in "lr" else speed, LINK_WIDTH, line)
            self.links.append(_Link(start, end, via, junction, signal, index, link.turn))

    def _curve(self, item: Intersection, link: RoadLink, start: int, end: int) -> list[Point]:
        try:
            for name in (link.start, link.end):
                if name not in self._whole:
                    self._whole[name] = lane_lines(self._road(name).points, self._road(name).widths)
            return link_curve(self._whole[link.start][start], self._whole[link.end][end], item.width)
        except ZeroDivisionError:
            raise NetworkError(
                "a lane link can't be drawn", got=f"{link.start} to {link.end}", expected="points", where=item.intersection_id
            ) from None


def build_network(net: RoadNet, report: ImportReport) -> tuple[Network, SignalPrograms]:
    """Columns of a road net.

    Raises
    ------
    NetworkError : names or lanes that do not exist, roads without extent
    """
    build = _Build(net, report)
    build.add_roads()
    build.add_links()
    response, foe = _right_of_way(build)
    return _network(build, response, foe), _programs(build, foe)


Pairs = list[list[int]]


def _right_of_way(build: _Build) -> tuple[Pairs, Pairs]:
    """For each link, those it yields to, and those whose ways cross or join its own.

    Straight goes before left before right; of equals, who comes first goes first, so that both have to look.
    """
    response: Pairs = [[] for _ in build.links]
    foe: Pairs = [[] for _ in build.links]
    by_junction: dict[int, list[int]] = {}
    for k, link in enumerate(build.links):
        by_junction.setdefault(link.junction, []).append(k)
    for members in by_junction.values():
        met = find_crossings([np.array(build.lanes.lines[build.links[k].via]) for k in members])
        pairs = {(members[a], members[b]) for a, b in zip(met.first.tolist(), met.second.tolist(), strict=True)}
        ends: dict[int, list[int]] = {}
        for k in members:
            ends.setdefault(build.links[k].to_lane, []).append(k)
        pairs |= {(a, b) for joined in ends.values() for a in joined for b in joined if a < b}
        for a, b in sorted(pairs):
            if build.links[a].from_lane == build.links[b].from_lane:
                continue
            for own, other in ((a, b), (b, a)):
                foe[own].append(other)
                if RANK[build.links[own].turn] <= RANK[build.links[other].turn]:
                    response[own].append(other)
    return response, foe


def _ranges(lists: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    start = np.concatenate([[0], np.cumsum([len(part) for part in lists], dtype=np.int64)]).astype(np.int64)
    return start, np.array([value for part in lists for value in sorted(part)], np.int32)


def _network(build: _Build, response: Pairs, foe: Pairs) -> Network:
    net, lanes = build.net, build.lanes
    num_inner, num_links, num_junctions = len(build.inner_of), len(build.links), len(net.intersections)
    start = [build.junctions[road.start] for road in net.roads] + build.inner_of
    end = [build.junctions[road.end] for road in net.roads] + build.inner_of
    lane_edge = np.array(lanes.edge, np.int32)
    incoming: list[list[int]] = [[] for _ in range(num_junctions)]
    inside: list[list[int]] = [[] for _ in range(num_junctions)]
    for lane, edge in enumerate(lanes.edge):
        (incoming if edge < len(net.roads) else inside)[end[edge]].append(lane)
    shape_start = np.concatenate([[0], np.cumsum([len(line) for line in lanes.lines], dtype=np.int64)]).astype(np.int64)
    points = np.array([point for line in lanes.lines for point in line], np.float64).reshape(-1, 2)
    inc_start, inc_lane = _ranges(incoming)
    int_start, int_lane = _ranges(inside)
    response_start, response_request = _ranges(response)
    foe_start, foe_request = _ranges(foe)
    kinds = [JunctionType.DEAD_END if item.virtual else JunctionType.TRAFFIC_LIGHT for item in net.intersections]
    return Network(
        junction_id=tuple(item.intersection_id for item in net.intersections),
        junction_type=np.array(kinds, np.uint8),
        junction_x=np.array([item.x for item in net.intersections], np.float64),
        junction_y=np.array([item.y for item in net.intersections], np.float64),
        junction_inc_start=inc_start,
        junction_inc_lane=inc_lane,
        junction_int_start=int_start,
        junction_int_lane=int_lane,
        edge_id=(*(road.road_id for road in net.roads), *build.inner_name),
        edge_from=np.array(start, np.int32),
        edge_to=np.array(end, np.int32),
        edge_function=np.array([EdgeFunction.NORMAL] * len(net.roads) + [EdgeFunction.INTERNAL] * num_inner, np.uint8),
        edge_priority=np.full(len(start), -1, np.int32),
        edge_first_lane=np.searchsorted(lane_edge, np.arange(len(start) + 1)).astype(np.int32),
        edge_name=("",) * len(start),
        edge_type=("",) * len(start),
        lane_edge=lane_edge,
        lane_length=np.array(lanes.length, np.float64),
        lane_speed=np.array(lanes.speed, np.float64),
        lane_width=np.array(lanes.width, np.float64),
        lane_permissions=np.full(len(lanes.edge), ALL_CLASSES, np.int64),
        lane_shape_start=shape_start,
        shape_x=points[:, 0].copy(),
        shape_y=points[:, 1].copy(),
        **_connections(build),
        request_junction=np.array([link.junction for link in build.links], np.int32),
        request_cont=np.zeros(num_links, np.bool_),
        response_start=response_start,
        response_request=response_request,
        foe_start=foe_start,
        foe_request=foe_request,
        signal_id=tuple(item.intersection_id for item in net.intersections if not item.virtual),
        source_version="CityFlow",
    )


def _connections(build: _Build) -> dict[str, Any]:
    """Two rows a lane link: onto the internal lane, in the file's order, and from it onwards."""
    links = build.links
    num = len(links)

    def column(name: str, onward: int, dtype: type[np.generic] = np.int32) -> NDArray[np.generic]:
        return np.array([getattr(link, name) for link in links] + [onward] * num, dtype)

    via = np.array([link.via for link in links], np.int32)
    turns = np.array([ord(link.turn) for link in links], np.uint8)
    state = np.array([ord("o")] * num + [ord("M")] * num, np.uint8)
    return {
        "connection_from": np.concatenate([[link.from_lane for link in links], via]).astype(np.int32),
        "connection_to": np.array([link.to_lane for link in links] * 2, np.int32),
        "connection_via": column("via", -1),
        "connection_junction": np.array([link.junction for link in links] * 2, np.int32),
        "connection_request": np.concatenate([np.arange(num), np.full(num, -1)]).astype(np.int32),
        "connection_signal": column("signal", -1),
        "connection_link": column("place", -1),
        "connection_direction": np.concatenate([turns, turns]),
        "connection_state": state,
        "connection_keep_clear": np.array([True] * num + [False] * num, np.bool_),
        "connection_visibility": usual_visibility(state),
        "connection_permissions": np.full(2 * num, ALL_CLASSES, np.int64),
    }


def _programs(build: _Build, foe: Pairs) -> SignalPrograms:
    """One program a signal; a link is a permissive green where a link that goes before it is available too."""
    before: dict[tuple[int, int], set[int]] = {}
    for own, others in enumerate(foe):
        link = build.links[own]
        above = {build.links[k].place for k in others if RANK[build.links[k].turn] > RANK[link.turn]}
        before.setdefault((link.junction, link.place), set()).update(above)
    states, durations, counts = [], [], []
    for junction, item in enumerate(build.net.intersections):
        if item.virtual:
            continue
        counts.append(len(item.phases))
        for phase in item.phases:
            durations.append(max(phase.time, 0.001))
            states.append(
                "".join(
                    "r" if k not in phase.available else "g" if before.get((junction, k), set()) & phase.available else "G"
                    for k in range(len(item.links))
                )
            )
    num, duration = len(counts), np.array(durations, np.float64)
    return SignalPrograms(
        program_signal=np.arange(num, dtype=np.int32),
        program_id=("0",) * num,
        program_type=np.full(num, ProgramType.STATIC, np.uint8),
        program_offset=np.zeros(num),
        program_params=tuple({} for _ in range(num)),
        phase_start=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        phase_duration=duration,
        phase_min=duration.copy(),
        phase_max=duration.copy(),
        phase_state=tuple(states),
        phase_next=((),) * len(states),
        phase_name=("",) * len(states),
        active_program=np.arange(num, dtype=np.int32),
        source="cityflow",
    )
