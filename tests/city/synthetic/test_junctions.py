"""Right of way and signal programs of generated cities, judged from the drawn curves and the rules of the road."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, JunctionType, Network
from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic.programs import all_red_time, yellow_time

SPECS = (
    "grid:rows=4,cols=5,lanes=3", "grid:rows=3,cols=3,lanes=1,trips=900", "ring:rings=4,radials=9", "river:junctions=150",
    "river:junctions=400,oneway=0.5,missing=0.5,roundabouts=0.5", "demo",
)  # fmt: skip
EVERYWHERE = pytest.mark.parametrize("spec", SPECS)
YIELDING, PROTECTED = "g", "G"


class Rules:
    """Requests of a network as sets."""

    def __init__(self, network: Network) -> None:
        rows = np.flatnonzero(network.connection_request >= 0)
        self.row = dict(zip(network.connection_request[rows].tolist(), rows.tolist(), strict=True))
        num = len(network.request_junction)
        self.foes = [set(network.foe_request[network.foe_start[r] : network.foe_start[r + 1]].tolist()) for r in range(num)]
        self.waits = [set(network.response_request[network.response_start[r] : network.response_start[r + 1]].tolist()) for r in range(num)]
        self.of_junction: dict[int, list[int]] = defaultdict(list)
        for request, junction in enumerate(network.request_junction.tolist()):
            self.of_junction[junction].append(request)


def path(network: Network, row: int) -> NDArray[np.float64]:
    """The whole curve of a connection through its junction."""
    parts, lane = [], int(network.connection_via[row])
    while lane >= 0:
        parts.append(network.lane_shape(lane))
        lane = int(network.connection_via[np.flatnonzero(network.connection_from == lane)[0]])
    return np.concatenate(parts)


def meet(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Do two polylines cross at an angle?"""
    p, r, q, s = a[:-1, None], np.diff(a, axis=0)[:, None], b[None, :-1], np.diff(b, axis=0)[None]
    cross = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    gap = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (gap[..., 0] * s[..., 1] - gap[..., 1] * s[..., 0]) / cross
        u = (gap[..., 0] * r[..., 1] - gap[..., 1] * r[..., 0]) / cross
    return bool(((np.abs(cross) > 1e-9) & (t > 0) & (t < 1) & (u > 0) & (u < 1)).any())


@EVERYWHERE
def test_rows_of_right_of_way_fit_each_other(spec: str, city: Callable[..., Scenario]) -> None:
    """Foes are mutual and of one junction, who waits has a foe to wait for, of two foes one waits and not both for each other."""
    network = city(spec).network
    rules = Rules(network)
    for request, foes in enumerate(rules.foes):
        assert request not in foes
        assert rules.waits[request] <= foes
        for foe in foes:
            assert request in rules.foes[foe]
            assert network.request_junction[foe] == network.request_junction[request]
            assert (foe in rules.waits[request]) != (request in rules.waits[foe])


@EVERYWHERE
def test_ways_that_cross_or_join_are_foes_and_no_others(spec: str, city: Callable[..., Scenario]) -> None:
    network = city(spec).network
    rules = Rules(network)
    for requests in rules.of_junction.values():
        curves = {request: path(network, rules.row[request]) for request in requests}
        for one in requests:
            for other in requests:
                if one >= other:
                    continue
                row, its = rules.row[one], rules.row[other]
                if network.lane_edge[network.connection_from[row]] == network.lane_edge[network.connection_from[its]]:
                    assert other not in rules.foes[one]
                    continue
                joins = network.connection_to[row] == network.connection_to[its]
                expected = joins or meet(curves[one], curves[other])
                assert (other in rules.foes[one]) == expected, (network.junction_id[network.request_junction[one]], row, its)


@EVERYWHERE
def test_ways_of_one_street_do_not_cross(spec: str, city: Callable[..., Scenario]) -> None:
    network = city(spec).network
    rules = Rules(network)
    for requests in rules.of_junction.values():
        for one in requests:
            for other in requests:
                row, its = rules.row[one], rules.row[other]
                if one < other and network.lane_edge[network.connection_from[row]] == network.lane_edge[network.connection_from[its]]:
                    assert network.connection_to[row] != network.connection_to[its]
                    if network.connection_from[row] != network.connection_from[its]:
                        assert not meet(path(network, row), path(network, its))


@EVERYWHERE
def test_minor_streets_and_left_turns_wait(spec: str, city: Callable[..., Scenario]) -> None:
    """Who waits beside a signal: a left turn for oncoming traffic; without one, lower for higher rank."""
    network = city(spec).network
    rules = Rules(network)
    for request, waits in enumerate(rules.waits):
        row = rules.row[request]
        if network.junction_type[network.request_junction[request]] != JunctionType.PRIORITY:
            continue
        for foe in waits:
            own = network.edge_priority[network.lane_edge[network.connection_from[row]]]
            its = network.edge_priority[network.lane_edge[network.connection_from[rules.row[foe]]]]
            assert its >= own


def test_circle_goes_before_those_who_enter(city: Callable[..., Scenario]) -> None:
    network = city("demo", 42).network
    rules = Rules(network)
    circle = {edge for ring in network.roundabouts for edge in ring}
    seen = 0
    for request, waits in enumerate(rules.waits):
        edge = int(network.lane_edge[network.connection_from[rules.row[request]]])
        for foe in rules.foes[request]:
            its = int(network.lane_edge[network.connection_from[rules.row[foe]]])
            if its in circle and edge not in circle:
                assert foe in waits
                seen += 1
    assert seen >= 4


@EVERYWHERE
def test_left_turns_wait_inside_clear_of_oncoming_ways(spec: str, city: Callable[..., Scenario]) -> None:
    """A car that waits there, 1.8 m wide, is not touched by what drives on the oncoming lanes' middle lines."""
    network = city(spec).network
    rules = Rules(network)
    inside = network.edge_function[network.lane_edge] == EdgeFunction.INTERNAL
    split = np.flatnonzero((network.connection_via >= 0) & inside[network.connection_from])
    assert network.request_cont.sum() == len(split)
    of_first = {int(network.connection_via[row]): request for request, row in rules.row.items()}
    for row in split.tolist():
        lane = int(network.connection_from[row])
        request = of_first[lane]
        assert network.request_cont[request]
        assert chr(network.connection_direction[rules.row[request]]) == "l"
        place, straight = network.lane_shape(lane)[-1], False
        for foe in rules.waits[request]:
            if chr(network.connection_direction[rules.row[foe]]) == "s" and oncoming(network, rules.row[request], rules.row[foe]):
                assert to_line(place, path(network, rules.row[foe])) > 1.6
                straight = True
        assert straight or rules.waits[request]


def oncoming(network: Network, row: int, foe: int) -> bool:
    ways = [np.diff(network.lane_shape(int(network.connection_from[one]))[-2:], axis=0)[0] for one in (row, foe)]
    return float(ways[0] @ ways[1]) < -0.65 * float(np.hypot(*ways[0]) * np.hypot(*ways[1]))


def to_line(point: NDArray[np.float64], line: NDArray[np.float64]) -> float:
    start, step = line[:-1], np.diff(line, axis=0)
    share = np.clip(((point - start) * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-9), 0, 1)
    return float(np.hypot(*(start + share[:, None] * step - point).T).min())


# --- signals ---------------------------------------------------------------------------------------------------------


def programs_of(scenario: Scenario) -> list[tuple[int, list[tuple[str, float]]]]:
    programs = scenario.programs
    return [
        (int(programs.program_signal[q]), [(programs.phase_state[p], float(programs.phase_duration[p])) for p in range(first, last)])
        for q, (first, last) in enumerate(zip(programs.phase_start[:-1].tolist(), programs.phase_start[1:].tolist(), strict=True))
    ]


@EVERYWHERE
def test_greens_that_meet_are_permissive_where_they_yield(spec: str, city: Callable[..., Scenario]) -> None:
    """No two protected greens meet; a permissive one yields to every green it meets that does not yield itself."""
    scenario = city(spec)
    network, rules = scenario.network, Rules(scenario.network)
    link_of = {
        request: (int(network.connection_signal[row]), int(network.connection_link[row]))
        for request, row in rules.row.items()
        if network.connection_signal[row] >= 0
    }
    for signal, phases in programs_of(scenario):
        own = [(request, link) for request, (owner, link) in link_of.items() if owner == signal]
        for state, _ in phases:
            for request, link in own:
                for foe in rules.foes[request]:
                    its = state[link_of[foe][1]]
                    if state[link] in "Gg" and its in "Gg":
                        waiting = state[link] if foe in rules.waits[request] else its
                        assert waiting == YIELDING
                        assert (state[link], its) != (PROTECTED, PROTECTED)
            for request, link in own:
                if state[link] == YIELDING and "y" not in state:
                    assert any(state[link_of[foe][1]] in "Gg" for foe in rules.waits[request]), "nobody to yield to"


@EVERYWHERE
def test_programs_keep_to_the_rules_of_engineers(spec: str, city: Callable[..., Scenario]) -> None:
    """Green 6 s or more, yellow 3 s or more, then all-red before crossing traffic; every link served; one cycle for all."""
    scenario = city(spec)
    cycles = set()
    for _, phases in programs_of(scenario):
        cycles.add(sum(length for _, length in phases))
        states = [state for state, _ in phases]
        assert all(any(state[k] in "Gg" for state in states) for k in range(len(states[0])))
        for place, (state, length) in enumerate(phases):
            following = states[(place + 1) % len(states)]
            before = states[place - 1]
            assert length == int(length)
            if "y" in state:
                assert length >= 3.0
            elif state == "r" * len(state):
                assert length >= 1.0
            else:
                assert length >= 6.0
            for old, now, new in zip(before, state, following, strict=True):
                if now == "y":
                    assert old in "Gg" and new == "r"
                if now in "Gg" and new not in "Gg":
                    assert new == "y"
            if any(now == "r" and new in "Gg" for now, new in zip(state, following, strict=True)):
                assert "y" not in state and not any(char in "Gg" for char in state), "greens begin out of an all-red"
    assert len(cycles) == 1
    assert 60 <= cycles.pop() <= 110


def test_change_times_follow_the_formulas_of_engineers() -> None:
    assert [yellow_time(speed / 3.6) for speed in (30, 50, 65, 80)] == [3.0, 3.0, 4.0, 5.0]
    assert yellow_time(80 / 3.6, grade=-0.1) > yellow_time(80 / 3.6)
    assert [all_red_time(width, 50 / 3.6) for width in (5.0, 25.0, 40.0)] == [1.0, 2.0, 3.0]


def test_busier_streets_get_more_green(city: Callable[..., Scenario]) -> None:
    """Correlation of a stage's share of the green with its share of the traffic, over all signals of two stages."""
    scenario = city("demo", 42)
    network, demand = scenario.network, scenario.demand
    flow = np.zeros(network.num_edges)
    for route, count in zip(*np.unique(demand.trip_route, return_counts=True), strict=True):
        flow[demand.route(int(route))[:-1]] += count
    shares = []
    for signal, phases in programs_of(scenario):
        greens = [(state, length) for state, length in phases if set(state) & {"G"} and "y" not in state]
        if len(greens) != 2:
            continue
        rows = np.flatnonzero(network.connection_signal == signal)
        load = [
            sum(
                flow[e]
                for e in {int(network.lane_edge[network.connection_from[r]]) for r in rows if state[network.connection_link[r]] in "Gg"}
            )
            for state, _ in greens
        ]
        shares.append((greens[0][1] / (greens[0][1] + greens[1][1]), load[0] / max(sum(load), 1.0)))
    assert len(shares) > 80
    assert np.corrcoef(np.array(shares).T)[0, 1] > 0.5
