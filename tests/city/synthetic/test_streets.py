"""Generated networks: connected, in order, and laid out so that lanes fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from urbanlab.city.checks import find_all
from urbanlab.city.network import EdgeFunction, JunctionType, Network
from urbanlab.city.scenario import Scenario

SPECS = (
    "grid:rows=1,cols=2", "grid:rows=1,cols=6,lanes=1", "grid:rows=2,cols=2", "grid:rows=4,cols=5,lanes=3", "grid:rows=3,cols=3,lanes=6",
    "ring:rings=1,radials=5", "ring:rings=4,radials=9", "ring:rings=3,radials=3,square=100", "river:junctions=10", "river:junctions=150",
    "river:junctions=400,oneway=0.5,missing=0.5,roundabouts=0.5", "river:junctions=300,block=100,width=20", "demo",
)  # fmt: skip
SEEDS = (3, 42)
LANE_WIDTH = 3.2
EVERYWHERE = pytest.mark.parametrize(("spec", "seed"), [(spec, seed) for spec in SPECS for seed in SEEDS])


def normal(network: Network) -> NDArray[np.bool_]:
    return network.edge_function == EdgeFunction.NORMAL


def entries(network: Network) -> NDArray[np.int64]:
    """Connections that enter junctions, in the order of requests."""
    rows = np.flatnonzero(network.connection_request >= 0)
    return rows[np.argsort(network.connection_request[rows])]


@EVERYWHERE
def test_nothing_is_inconsistent(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    assert find_all(city(spec, seed)) == ()


@EVERYWHERE
def test_every_street_can_be_reached_from_every_other(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    network = city(spec, seed).network
    rows = entries(network)
    pairs = network.lane_edge[network.connection_from[rows]], network.lane_edge[network.connection_to[rows]]
    graph = coo_array((np.ones(len(rows)), pairs), shape=(network.num_edges, network.num_edges)).tocsr()
    _, part = connected_components(graph, directed=True, connection="strong")
    assert len(set(part[normal(network)].tolist())) == 1


@EVERYWHERE
def test_lanes_have_the_length_of_their_shape(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    network = city(spec, seed).network
    for lane in range(network.num_lanes):
        drawn = np.hypot(*np.diff(network.lane_shape(lane), axis=0).T).sum()
        tolerance = 0.011 if not normal(network)[network.lane_edge[lane]] else 0.05  # all lanes of an edge are as long as the first
        assert abs(float(network.lane_length[lane]) - max(drawn, 0.1)) < tolerance


@EVERYWHERE
def test_ways_through_junctions_begin_and_end_where_lanes_do(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    network = city(spec, seed).network
    for row in entries(network).tolist():
        points = [network.lane_shape(int(network.connection_from[row]))[-1]]
        lane = int(network.connection_via[row])
        while lane >= 0:
            shape = network.lane_shape(lane)
            assert np.allclose(shape[0], points[-1], atol=0.011)
            points.append(shape[-1])
            onward = np.flatnonzero(network.connection_from == lane)
            assert len(onward) == 1
            lane = int(network.connection_via[onward[0]])
        assert np.allclose(points[-1], network.lane_shape(int(network.connection_to[row]))[0], atol=0.011)


@EVERYWHERE
def test_ways_stay_within_their_junction(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    """Every point of a way is no farther from the junction than the farthest end of a lane there, and on no street."""
    network = city(spec, seed).network
    reach: dict[int, float] = defaultdict(float)
    for edge in np.flatnonzero(normal(network)).tolist():
        for lane in range(int(network.edge_first_lane[edge]), int(network.edge_first_lane[edge + 1])):
            shape = network.lane_shape(lane)
            for junction, point in ((int(network.edge_from[edge]), shape[0]), (int(network.edge_to[edge]), shape[-1])):
                reach[junction] = max(reach[junction], distance(network, junction, point))
    for lane in np.flatnonzero(~normal(network)[network.lane_edge]).tolist():
        junction = int(network.edge_from[network.lane_edge[lane]])
        for point in network.lane_shape(lane):
            assert distance(network, junction, point) <= reach[junction] + 0.5


def distance(network: Network, junction: int, point: NDArray[np.float64]) -> float:
    return float(np.hypot(network.junction_x[junction] - point[0], network.junction_y[junction] - point[1]))


@EVERYWHERE
def test_lanes_lie_side_by_side(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    """Neighbours are a lane's width apart; where streets meet, no lane begins or ends on another one."""
    network = city(spec, seed).network
    ends: dict[int, list[tuple[int, NDArray[np.float64]]]] = defaultdict(list)
    for edge in np.flatnonzero(normal(network)).tolist():
        lanes = range(int(network.edge_first_lane[edge]), int(network.edge_first_lane[edge + 1]))
        for lane in lanes:
            shape = network.lane_shape(lane)
            ends[int(network.edge_from[edge])].append((edge, shape[0]))
            ends[int(network.edge_to[edge])].append((edge, shape[-1]))
            if lane > lanes.start:
                assert np.hypot(*(shape[0] - network.lane_shape(lane - 1)[0])) == pytest.approx(LANE_WIDTH, abs=0.03)
    for points in ends.values():
        place = np.array([point for _, point in points])
        gap = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(place))
        assert gap.min() > 0.9 * LANE_WIDTH


@EVERYWHERE
def test_every_street_leads_on(spec: str, seed: int, city: Callable[..., Scenario]) -> None:
    """One lane of it at least."""
    network = city(spec, seed).network
    assert set(network.lane_edge[network.connection_from].tolist()) == set(range(network.num_edges))


def test_nobody_waits_at_signals_for_a_right_turn_alone(city: Callable[..., Scenario]) -> None:
    """Max pressure does not count right turns: in a lane without another turn a queue would never be seen."""
    network = city("demo", 42).network
    turns: dict[int, set[str]] = defaultdict(set)
    for row in np.flatnonzero(network.connection_signal >= 0).tolist():
        turns[int(network.connection_from[row])].add(chr(network.connection_direction[row]))
    assert {"r"} not in turns.values()


@pytest.mark.parametrize("spec", ["demo", "river:junctions=150", "grid:rows=4,cols=5,lanes=3", "ring:rings=4,radials=9"])
def test_lanes_without_a_way_on_are_few(spec: str, city: Callable[..., Scenario]) -> None:
    """They end where a street narrows, as before a roundabout."""
    network = city(spec, 42).network
    used = np.zeros(network.num_lanes, bool)
    used[network.connection_from] = True
    assert np.count_nonzero(~used[normal(network)[network.lane_edge]]) <= 0.003 * network.num_lanes


def test_river_is_crossed_by_bridges_alone(city: Callable[..., Scenario]) -> None:
    network = city("demo", 42).network
    course = np.array([[float(number) for number in pair.split(",")] for pair in network.attributes["river"].split()])
    crossing = set()
    for edge in np.flatnonzero(normal(network)).tolist():
        ends = np.array([[network.junction_x[j], network.junction_y[j]] for j in (network.edge_from[edge], network.edge_to[edge])])
        if any(crosses(ends, course[k : k + 2]) for k in range(len(course) - 1)):
            crossing.add(edge)
    named = {edge for edge, name in enumerate(network.edge_name) if name.endswith(" Bridge")}
    assert crossing == named
    assert len(named) >= 10


def crosses(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    def side(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> float:
        return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    return side(*one, other[0]) * side(*one, other[1]) < 0 and side(*other, one[0]) * side(*other, one[1]) < 0


def test_city_has_streets_of_all_kinds(city: Callable[..., Scenario]) -> None:
    network = city("demo", 42).network
    kinds = set(network.edge_type) - {""}
    assert kinds == {"highway.residential", "highway.tertiary", "highway.primary", "highway.secondary"}
    types = set(network.junction_type.tolist())
    assert {JunctionType.TRAFFIC_LIGHT, JunctionType.PRIORITY, JunctionType.RIGHT_BEFORE_LEFT, JunctionType.INTERNAL} <= types
    pairs = {(int(a), int(b)) for a, b in zip(network.edge_from, network.edge_to, strict=True)}
    oneway = [e for e in np.flatnonzero(normal(network)) if (int(network.edge_to[e]), int(network.edge_from[e])) not in pairs]
    assert len(oneway) > 20
    assert len(set(network.edge_name)) > 30


def test_main_streets_end_at_main_streets(city: Callable[..., Scenario]) -> None:
    network = city("river:junctions=400,trips=0", 5).network
    rank = {"highway.residential": 1, "highway.tertiary": 2, "highway.primary": 3, "highway.secondary": 4}
    at: dict[int, dict[str, int]] = defaultdict(dict)
    for edge in np.flatnonzero(normal(network)).tolist():
        street = network.edge_id[edge].lstrip("-")
        for junction in (int(network.edge_from[edge]), int(network.edge_to[edge])):
            at[junction][street] = rank[network.edge_type[edge]]
    for streets in at.values():
        highest = max(streets.values())
        assert highest in (1, 4) or sum(value == highest for value in streets.values()) >= 2 or 4 in streets.values()
