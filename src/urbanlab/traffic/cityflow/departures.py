"""Who is created when, and on which lane: CityFlow's flows spelled out with its own random numbers.

CityFlow draws from one Mersenne Twister, seeded by the configuration: for every vehicle its priority and a number for the
threads, then, road by road, its first lane among those that lead on. None of it depends on traffic, so that all can be
known before the run. Source: the behaviour of CityFlow's `Flow::nextStep`, `Engine::pushVehicle`,
`Engine::planRoute` and `Router::selectLaneIndex` (commit 81ee0f47).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand
from urbanlab.core.errors import CapacityError
from urbanlab.traffic.cityflow.compile import RouteTable
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.model import ModelInput

__all__ = ["Created", "create_trips"]

MOST_TRIPS = 1 << 27


class Created(NamedTuple):
    """The trips of a run in the order of their creation, (V,)."""

    trips: ExpandedTrips
    step: NDArray[np.int64]
    lane: NDArray[np.int32]  # where each begins
    priority: NDArray[np.int32]


class _Events(NamedTuple):
    """Vehicles in the order in which CityFlow creates them."""

    step: NDArray[np.int64]
    row: NDArray[np.int64]  # row of the demand
    flow: NDArray[np.int64]  # -1 a single trip
    number: NDArray[np.int64]  # within the flow


def create_trips(given: ModelInput, trips: ExpandedTrips, routes: RouteTable) -> Created:
    """Spell out the flows of a demand, and draw what CityFlow draws.

    Vehicles whose route has a gap are left out, as CityFlow does; its random numbers are used up all the same.

    Parameters
    ----------
    given : scenario, seed, begin and end
    trips : expanded by the general rules; single trips are taken from here
    routes : the demand's routes on the network
    """
    demand, settings = given.scenario.demand, given.scenario.settings
    events = _events(given, trips)
    route = demand.trip_route[events.row]
    kept, lane, priority = _draw(events, route, routes, given.seed)
    step = events.step[kept]
    row = events.row[kept]
    expanded = ExpandedTrips(
        trip_id=_names(demand, events, kept),
        depart=np.asarray(given.begin + step * settings.step, np.float64),
        row=row,
        kind=demand.trip_type[row],
        route=route[kept],
    )
    return Created(expanded, step, lane, priority)


def _events(given: ModelInput, trips: ExpandedTrips) -> _Events:
    demand, step = given.scenario.demand, given.scenario.settings.step
    flow, flow_step, number = _flow_events(demand, given.begin, given.end, step)
    alone = ~demand.trip_is_template[trips.row]
    single_step = np.ceil((trips.depart[alone] - given.begin) / step - 1e-9).astype(np.int64)
    steps = np.concatenate([flow_step, single_step])
    owner = np.concatenate([flow, np.full(len(single_step), len(demand.flows))])
    template = np.array([f.trip for f in demand.flows], np.int64)
    row = np.concatenate([template[flow], trips.row[alone]]).astype(np.int64)
    numbers = np.concatenate([number, np.arange(len(single_step))])
    order = np.lexsort((numbers, owner, steps))
    order = order[(given.begin + steps[order] * step) < given.end]
    owner = np.where(owner == len(demand.flows), -1, owner)
    return _Events(steps[order], row[order], owner[order], numbers[order])


def _flow_events(demand: Demand, begin: float, end: float, dt: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Flow, step from begin on, and number within the flow, of all vehicles that flows create."""
    from urbanlab.traffic.cityflow.kernels.clock import flow_steps  # the compiler is loaded with the first run

    starts = np.array([f.begin for f in demand.flows], np.float64)
    ends = np.array([f.end for f in demand.flows], np.float64)
    interval = np.array([f.period for f in demand.flows], np.float64)
    last = min(end, float(ends.max(initial=0.0)) + 2.0 * dt)
    before = math.ceil(begin / dt - 1e-9)  # steps before begin, from the engine's start on
    num = max(0, before + math.ceil((last - begin) / dt - 1e-9))
    clock = np.cumsum(np.concatenate([[begin - before * dt], np.full(num, dt)]))[:num]
    room = len(starts)
    while True:
        flow, step = np.zeros(room, np.int64), np.zeros(room, np.int64)
        count = flow_steps(clock, starts, ends, interval, dt, flow, step)
        if count > MOST_TRIPS:
            raise CapacityError("flows create more vehicles than can be held", got=count, expected=f"at most {MOST_TRIPS}")
        if count <= room:
            break
        room = count
    flow, step = flow[:count], step[:count]
    number = np.arange(count) - np.searchsorted(flow, flow)
    kept = step >= before
    return flow[kept], step[kept] - before, number[kept]


def _names(demand: Demand, events: _Events, kept: NDArray[np.int64]) -> list[str]:
    """CityFlow's names: flow, underscore, number."""
    rows = zip(events.flow[kept].tolist(), events.number[kept].tolist(), events.row[kept].tolist(), strict=True)
    return [f"{demand.flows[flow].flow_id}_{number}" if flow >= 0 else demand.trip_id[row] for flow, number, row in rows]


def _numbers(seed: int, block: int = 4096) -> Iterator[int]:
    """The 32-bit numbers of C++'s mt19937."""
    generator = np.random.RandomState(seed & 0xFFFFFFFF)  # the engine's own generator is this one
    while True:
        yield from generator.randint(0, 1 << 32, block, dtype=np.uint32).tolist()


def _draw(
    events: _Events, route: NDArray[np.int32], routes: RouteTable, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Events that become trips, their first lanes and their priorities."""
    numbers = _numbers(seed)
    used: set[int] = set()
    closed: set[int] = set()  # flows whose route was found to have a gap
    kept: list[int] = []
    lanes: list[int] = []
    priorities: list[int] = []
    bounds = np.flatnonzero(np.diff(events.step, prepend=-1, append=np.iinfo(np.int64).max)).tolist()
    flow, routed = events.flow.tolist(), route.tolist()
    for first, last in pairwise(bounds):
        created: list[tuple[int, int, int]] = []  # road, event, priority
        gaps: set[int] = set()
        for event in range(first, last):
            if flow[event] in closed:
                continue
            priority = next(number for number in numbers if number not in used)
            next(numbers)  # CityFlow: the thread that the vehicle belongs to
            if not routes.first_lanes[routed[event]]:
                gaps.add(flow[event])
                continue
            used.add(priority)
            created.append((routes.first_edge[routed[event]], event, priority))
        closed |= gaps - {-1}
        lane_of = {event: routes.first_lanes[routed[event]] for _, event, _ in created}
        drawn = {event: lane_of[event][next(numbers) % len(lane_of[event])] for _, event, _ in sorted(created)}
        for _, event, priority in created:
            kept.append(event)
            lanes.append(drawn[event])
            priorities.append(priority)
    return np.array(kept, np.int64), np.array(lanes, np.int32), np.array(priorities, np.uint32).view(np.int32)
