"""Who drives where in a synthetic city: a morning peak from homes to work places.

Districts have homes and work places; a doubly constrained gravity model with exponential deterrence ties
them together (Wilson 1967, "A statistical theory of spatial distribution models"). Trips choose their paths
in slices that see what earlier slices have loaded (incremental assignment with the BPR volume-delay function,
Bureau of Public Roads 1964), so that parallel streets share the load.

Letters: E normal edges, Z districts, V trips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, DepartLane, DepartPos, DepartSpeed, VehicleType
from urbanlab.city.network import Network
from urbanlab.city.path_search import Paths, solve_pairs, with_landmarks
from urbanlab.city.routing import routing_graph
from urbanlab.city.routing_kernels import RoutingGraph
from urbanlab.city.synthetic.builder import Built
from urbanlab.city.synthetic.streets import Rank
from urbanlab.core.rng import generator

__all__ = ["VEHICLE_TYPES", "Peak", "make_demand"]

SLICES = 5  # of the incremental assignment
LANE_CAPACITY = 600.0 / 3600.0  # [1/s] of a lane that ends at a signal or has to yield: a third of the time green
BPR_FACTOR, BPR_POWER = 0.6, 4.0  # steeper than on motorways: the delay of a junction is in it
FURNESS_ROUNDS = 12
EAGER, EAGER_FROM = 1.2, 50_000  # [1], pairs of edges that follow each other
REDRAWS = 50  # of trips that would stay in their street
DOORS_PER_DISTRICT = 24  # edges of a district where trips begin, and where they end
MIN_DOOR = 45.0  # [m] shorter edges have no doors
DOORS_OF_RANK = {Rank.LOCAL: 1.0, Rank.COLLECTOR: 0.7, Rank.ARTERIAL: 0.25, Rank.CIRCLE: 0.0}
PEAK_SHARE, PEAK_WIDTH = 0.6, 0.2  # of the trips in the bump, its deviation as share of the duration

VEHICLE_TYPES: tuple[VehicleType, ...] = (
    VehicleType("car", "passenger"),
    VehicleType("van", "delivery", length=6.5, width=2.16, max_speed=200 / 3.6, accel=2.6, decel=4.5),
    VehicleType("lorry", "truck", length=7.1, width=2.4, max_speed=130 / 3.6, accel=1.3, decel=4.0,
                apparent_decel=4.0, emergency_decel=7.0, speed_factor=(1.0, 0.05, 0.2, 2.0)),
)  # fmt: skip
MIX = (0.90, 0.07, 0.03)
Int = NDArray[np.int32]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Peak:
    """How much demand, and when."""

    trips: int
    begin: float  # [s]
    duration: float  # [s]
    reach: float  # [m] mean of the deterrence exp(-distance / reach)


class _Doors(NamedTuple):
    """Edges where trips begin or end, by district."""

    edge: NDArray[np.int64]
    start: NDArray[np.int64]  # (Z+1,)
    share: Float  # of the district's trips


def make_demand(built: Built, peak: Peak, *, seed: int) -> Demand:
    """Draw the trips of a peak and route them."""
    graph = routing_graph(built.network)
    origin, target = _draw_ends(built, graph, peak, seed)
    draw = generator(seed, "departures")
    depart = np.sort(np.round(peak.begin + peak.duration * _profile(draw.random(len(origin))), 2))
    kind = generator(seed, "vehicle mix").choice(len(MIX), size=len(origin), p=MIX).astype(np.int32)
    paths = _assign(built.network, graph, origin, target, peak, seed)
    return _columns(depart, kind, paths)


def _profile(at: Float) -> Float:
    """Share of the duration at which a share of the trips has departed: a bump on a plateau, inverted."""
    grid = np.linspace(0.0, 1.0, 2001)
    bump = np.exp(-0.5 * ((grid - 0.5) / PEAK_WIDTH) ** 2)
    density = (1.0 - PEAK_SHARE) + PEAK_SHARE * bump / bump.mean()
    departed = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2.0)])
    return np.interp(at, departed / departed[-1], grid) * (1.0 - 1e-9)


def _draw_ends(built: Built, graph: RoutingGraph, peak: Peak, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Origin and destination edge of each trip, in random order."""
    homes = _doors(built, graph, built.streets.homes, generator(seed, "homes"))
    jobs = _doors(built, graph, built.streets.jobs, generator(seed, "jobs"))
    matrix = _gravity(built, homes, jobs, peak.reach)
    draw = generator(seed, "origins and destinations")
    num = len(built.streets.districts)
    share = (matrix / matrix.sum()).reshape(-1)
    count = draw.multinomial(peak.trips, share)
    pair = np.repeat(np.arange(num * num), count)
    origin, target = _pick(homes, pair // num, draw), _pick(jobs, pair % num, draw)
    street = built.edges.street
    for _ in range(REDRAWS):  # nobody drives to the own street or its other side
        same = np.flatnonzero(street[origin] == street[target])
        if len(same) == 0:
            break
        pair = draw.choice(num * num, len(same), p=share)
        origin[same], target[same] = _pick(homes, pair // num, draw), _pick(jobs, pair % num, draw)
    order = draw.permutation(np.flatnonzero(street[origin] != street[target]))
    return origin[order], target[order]


def _doors(built: Built, graph: RoutingGraph, weight: Float, draw: np.random.Generator) -> _Doors:
    streets, edges = built.streets, built.edges
    num_edges = len(edges.start)
    rank = streets.street_rank[edges.street]
    factor = np.array([0.0, *(DOORS_OF_RANK[kind] for kind in Rank)])[rank]
    length = built.network.lane_length[built.network.edge_first_lane[:num_edges]]
    district = streets.node_district[edges.end]
    has_doors = streets.street_has_doors[edges.street] & (factor > 0)
    useful = (length >= MIN_DOOR) & np.isfinite(graph.edge_cost[:num_edges]) & has_doors
    share = np.where(useful, factor * length, 0.0)
    # a sample without replacement, the larger the likelier (Efraimidis and Spirakis 2006)
    key = np.where(share > 0, draw.random(num_edges) ** (1.0 / np.maximum(share, 1e-9)), -1.0)
    order = np.lexsort((-key, district))
    first = np.flatnonzero(np.diff(district[order], prepend=-1))
    place = np.arange(num_edges) - np.repeat(first, np.diff(np.append(first, num_edges)))
    kept = np.sort(order[(place < DOORS_PER_DISTRICT) & (key[order] >= 0)])
    kept = kept[np.argsort(district[kept], kind="stable")]
    count = np.bincount(district[kept], minlength=len(streets.districts))
    start = np.concatenate([[0], np.cumsum(count)])
    total = np.bincount(district, weights=share, minlength=len(streets.districts)) * weight
    per_district = np.bincount(district[kept], weights=share[kept], minlength=len(streets.districts))
    scale = np.divide(total, per_district, out=np.zeros_like(total), where=per_district > 0)
    return _Doors(kept, start, share[kept] * scale[district[kept]])


def _gravity(built: Built, homes: _Doors, jobs: _Doors, reach: float) -> Float:
    """(Z, Z) trips, in proportion: rows add up to homes, columns to work places."""
    x, y = _centres(built, homes)
    other_x, other_y = _centres(built, jobs)
    distance = np.hypot(x[:, None] - other_x, y[:, None] - other_y)
    produced, attracted = _totals(homes), _totals(jobs)
    attracted *= produced.sum() / attracted.sum()
    matrix = np.exp(-distance / reach) * (produced[:, None] > 0) * (attracted > 0)
    for _ in range(FURNESS_ROUNDS):
        matrix *= _ratio(attracted, matrix.sum(axis=0))
        matrix *= _ratio(produced, matrix.sum(axis=1))[:, None]
    return matrix


def _ratio(wanted: Float, have: Float) -> Float:
    return np.divide(wanted, have, out=np.zeros_like(wanted), where=have > 0)


def _totals(doors: _Doors) -> Float:
    running = np.concatenate([[0.0], np.cumsum(doors.share)])
    totals: Float = running[doors.start[1:]] - running[doors.start[:-1]]
    return totals


def _centres(built: Built, doors: _Doors) -> tuple[Float, Float]:
    node = built.edges.end[doors.edge]
    district = np.repeat(np.arange(len(doors.start) - 1), np.diff(doors.start))
    count = np.maximum(np.diff(doors.start), 1)
    x = np.bincount(district, weights=built.streets.node_x[node], minlength=len(count)) / count
    y = np.bincount(district, weights=built.streets.node_y[node], minlength=len(count)) / count
    return x, y


def _pick(doors: _Doors, district: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.int64]:
    """A door of each given district, by share."""
    running = np.concatenate([[0.0], np.cumsum(doors.share)])
    low, high = running[doors.start[district]], running[doors.start[district + 1]]
    at = low + draw.random(len(district)) * (high - low)
    place = np.searchsorted(running, at, side="right") - 1
    edges: NDArray[np.int64] = doors.edge[np.clip(place, doors.start[district], doors.start[district + 1] - 1)]
    return edges


def _assign(network: Network, graph: RoutingGraph, origin: NDArray[np.int64], target: NDArray[np.int64], peak: Peak, seed: int) -> Paths:
    """Routes by slices; each slice sees the volumes of those before, scaled to the whole demand."""
    lanes = np.diff(network.edge_first_lane)
    capacity = LANE_CAPACITY * lanes * peak.duration
    volume = np.zeros(network.num_edges)
    slice_of = generator(seed, "slices").integers(0, SLICES, len(origin))
    solved: list[tuple[NDArray[np.int64], Paths]] = []
    eager = _eager(graph)  # streets only get slower, so that bounds of the empty ones hold
    for number in range(SLICES):
        rows = np.flatnonzero(slice_of == number)
        load = volume * (1.0 if number == 0 else SLICES / number)
        cost = graph.edge_cost * (1.0 + BPR_FACTOR * (load / capacity) ** BPR_POWER)
        paths = solve_pairs(eager._replace(edge_cost=cost), origin[rows], target[rows])
        volume += np.bincount(paths.edge, minlength=network.num_edges)
        solved.append((rows, paths))
    return _in_order(solved)


def _eager(graph: RoutingGraph) -> RoutingGraph:
    """In a metropolis, drivers search towards their destination: bounds by landmarks times EAGER.

    Their paths take at most so much longer than the fastest ones (Pohl 1970), on average two hundredths, and are
    found four times sooner.
    """
    if len(graph.successor_edge) < EAGER_FROM:
        return graph
    measured = with_landmarks(graph)
    return measured._replace(landmark_time=measured.landmark_time * EAGER)


def _in_order(solved: list[tuple[NDArray[np.int64], Paths]]) -> Paths:
    """One table of all slices, in the order of the trips; trips without a path have an empty one."""
    rows = np.concatenate([part[0] for part in solved])
    start = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part[1].start) for part in solved]))])
    edge = np.concatenate([part[1].edge for part in solved])
    cost = np.concatenate([part[1].cost for part in solved])
    return Paths(start, edge, cost).take(np.argsort(rows, kind="stable"))


def _columns(depart: Float, kind: Int, paths: Paths) -> Demand:
    """The demand's columns; the trips that found a path."""
    found = np.flatnonzero(np.isfinite(paths.cost))
    paths, depart, kind = paths.take(found), depart[found], kind[found]
    num = len(found)
    number: dict[bytes, int] = {}
    route = np.array([number.setdefault(paths.path(row).tobytes(), len(number)) for row in range(num)], np.int32)
    first = np.full(len(number), num, np.int64)
    np.minimum.at(first, route, np.arange(num))
    stored = paths.take(first)
    return Demand(
        trip_id=tuple(f"t{row}" for row in range(num)), trip_type=kind, trip_depart=depart, trip_route=route,
        trip_from=np.full(num, -1, np.int32), trip_to=np.full(num, -1, np.int32),
        trip_via_start=np.zeros(num + 1, np.int64), via_edge=np.empty(0, np.int32),
        trip_is_template=np.zeros(num, np.bool_),
        depart_lane=np.full(num, DepartLane.BEST, np.uint8), depart_lane_index=np.full(num, -1, np.int32),
        depart_pos=np.full(num, DepartPos.BASE, np.uint8), depart_pos_value=np.zeros(num),
        depart_speed=np.full(num, DepartSpeed.MAX, np.uint8), depart_speed_value=np.zeros(num),
        arrival_lane=np.full(num, -1, np.int32), arrival_pos=np.full(num, np.inf), arrival_speed=np.full(num, -1.0),
        trip_stop_start=np.zeros(num + 1, np.int64), stops=(),
        route_start=stored.start, route_edge=stored.edge, vehicle_types=VEHICLE_TYPES,
    )  # fmt: skip
