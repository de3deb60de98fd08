"""A world under CityFlow's rules, and the calls of the kernels that move it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import Handle, pack
from urbanlab.traffic.build import trip_keys
from urbanlab.traffic.cityflow.compile import compile_network, compile_routes, compile_types
from urbanlab.traffic.cityflow.departures import Created, create_trips
from urbanlab.traffic.cityflow.kernels.world import (
    COUNT_ARRIVED,
    COUNT_RUNNING,
    COUNT_STEPS,
    COUNT_WAITING,
    Departures,
    Params,
    Told,
    World,
    grow_slots,
    new_lanes,
    new_pool,
    new_slots,
)
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.kernels.state import Trips, new_trips
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState
from urbanlab.traffic.model import Counts, LaneTotals, ModelInput
from urbanlab.traffic.model_state import model_state, restored_model

__all__ = ["CityflowModel"]

FIRST_SLOTS = 4096
HALTING = 0.1  # [m/s]

STATIC = ("net", "types", "routes", "params")
"""Parts of the world that are the same for any state of a run."""

_GATHERED = {"loss": "loss", "waiting": "waiting", "halts": "halts", "length": "odo", "fuel": "fuel", "co2": "co2"}
"""Columns of Trips and where a vehicle under way keeps them."""


class CityflowModel:
    """One world under the rules of CityFlow: its car following, crossings, lights, queues of departures and clock.

    Lane changes are left out; vehicles keep to the lanes that CityFlow's router chooses. Times of arrival are those of
    CityFlow, whose clock stands at the begin of the step in which a vehicle leaves.
    """

    def __init__(self, given: ModelInput, trips: ExpandedTrips, plan: SignalPlan, signals: SignalState) -> None:
        scenario, step = given.scenario, given.scenario.settings.step
        self.network, self.plan, self.signal_state = scenario.network, plan, signals
        self.acts = self.sensors = None
        routes = compile_routes(scenario.network, scenario.demand)
        created = create_trips(given, trips, routes)
        self.expanded = created.trips
        num_lanes, num_trips = scenario.network.num_lanes, len(created.step)
        net = compile_network(scenario.network, plan.connection_signal_pos)
        states = new_trips(num_trips, trip_keys(created.trips.trip_id, given.seed))
        states = states._replace(factor=np.ones(num_trips))
        self.world = World(
            net=net,
            types=compile_types(scenario.demand.vehicle_types, step),
            routes=routes.routes,
            departures=_departures(created, routes.start, scenario.network.lane_edge),
            lanes=new_lanes(num_lanes),
            slots=new_slots(FIRST_SLOTS),
            pool=new_pool(FIRST_SLOTS, num_lanes),
            told=Told(np.zeros(len(net.cross_pos), np.int32), np.zeros(len(net.cross_pos))),
            trips=states,
            step=np.zeros(1, np.int64),
            counts=np.zeros(8, np.int64),
            params=Params(dt=step, begin=given.begin),
        )
        self._plan_handle, self._signal_handle = pack(plan), pack(signals)
        self._handle: Handle = pack(self.world)

    def warm_up(self) -> None:
        """Compile, or load from the cache, without doing a step."""
        self.advance(0, until_empty=False)

    def advance(self, num_steps: int, *, until_empty: bool) -> int:
        """Do steps; the number done, fewer only where every vehicle has left."""
        from urbanlab.traffic.cityflow.kernels.step_cpu import advance  # the compiler is loaded with the first run

        done = 0
        while True:
            done += advance(self._handle.address, self._plan_handle.address, self._signal_handle.address, num_steps - done, until_empty)
            if done >= num_steps or (until_empty and self._is_over()):
                return done
            self._grow()

    @staticmethod
    def advance_together(models: Sequence[CityflowModel], num_steps: Sequence[int], until_empty: Sequence[bool], threads: int) -> list[int]:
        """Do steps in several worlds, one after the other on one thread; the numbers done."""
        del threads  # CityFlow's rules are for one
        return [model.advance(num, until_empty=empty) for model, num, empty in zip(models, num_steps, until_empty, strict=True)]

    def _is_over(self) -> bool:
        counts, departures = self.world.counts, self.world.departures
        return bool(counts[COUNT_RUNNING] == 0 and counts[COUNT_WAITING] == 0 and departures.cursor[0] >= len(departures.step))

    def _grow(self) -> None:
        """Twice the slots; vehicles keep theirs."""
        slots, pool = grow_slots(self.world.slots, self.world.pool, 2 * len(self.world.slots.trip))
        self.world = self.world._replace(slots=slots, pool=pool)
        self._handle = pack(self.world)

    def replace_plan(self, plan: SignalPlan) -> None:
        """Exchange the plan of the signals between two calls."""
        self.plan = plan
        self._plan_handle = pack(plan)

    def counts(self) -> Counts:
        """Bookkeeping so far; CityFlow knows neither teleports nor collisions, and nobody is removed."""
        counts = self.world.counts
        return Counts(
            vehicle_steps=int(counts[COUNT_STEPS]),
            running=int(counts[COUNT_RUNNING]),
            arrived=int(counts[COUNT_ARRIVED]),
            removed=0,
            waiting=int(counts[COUNT_WAITING]),
            teleports=0,
            collisions=0,
            emergency_stops=0,
        )

    def results(self) -> Trips:
        """Trips (V,) with what those under way have gathered so far; a copy."""
        trips = Trips._make(column.copy() for column in self.world.trips)
        running = np.flatnonzero(trips.slot >= 0)
        where = trips.slot[running]
        for name, column in _GATHERED.items():
            getattr(trips, name)[running] = getattr(self.world.slots, column)[where]
        return trips

    def totals(self) -> LaneTotals:
        """Sums by lane since they were last cleared; a copy."""
        return LaneTotals._make(getattr(self.world.lanes, name).copy() for name in LaneTotals._fields)

    def clear_totals(self) -> None:
        """Begin the sums by lane anew."""
        for name in LaneTotals._fields:
            getattr(self.world.lanes, name)[:] = 0

    def lane_vehicles(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane."""
        return self.world.lanes.count

    def lane_halting(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane that drive less than 0.1 m/s."""
        slots, trips = self.world.slots, self.world.trips
        taken = slots.trip[: int(self.world.pool.top[0])]
        slow = taken[(taken >= 0) & (slots.speed[: len(taken)] < HALTING)]
        return np.bincount(trips.lane[slow], minlength=self.network.num_lanes).astype(np.int32)

    @property
    def positions(self) -> NDArray[np.float64]:
        """(N,) [m] front of the vehicle in each slot, from the start of its lane."""
        return self.world.slots.pos

    @property
    def speeds(self) -> NDArray[np.float64]:
        """(N,) [m/s] by slot."""
        return self.world.slots.speed

    @property
    def vehicle_of_slot(self) -> NDArray[np.int32]:
        """(N,) trip in each slot, -1 empty."""
        return self.world.slots.trip

    @property
    def lane_of_vehicle(self) -> NDArray[np.int32]:
        """(V,) lane of each trip, -1 not on a lane."""
        return self.world.trips.lane

    def state(self) -> dict[str, Any]:
        """Everything that evolves, as arrays and plain values; arrays are those of the world, not copies."""
        return model_state(self.world, self.plan, self.signal_state, STATIC)

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says, of a model made of the same input; the arrays are taken over."""
        self.world, self.plan, self.signal_state = restored_model(self.world, self.plan, self.signal_state, state)
        self._plan_handle, self._signal_handle, self._handle = pack(self.plan), pack(self.signal_state), pack(self.world)

    def close(self) -> None:
        """Let go of the arrays."""
        del self._handle


def _departures(created: Created, route_start: NDArray[np.int64], lane_edge: NDArray[np.int32]) -> Departures:
    """Queues of the lanes where trips begin, in CityFlow's order: by road, from the inside."""
    num = len(created.step)
    lanes = np.unique(created.lane)
    lanes = lanes[np.lexsort((-lanes, lane_edge[lanes]))].astype(np.int32)
    place = {lane: k for k, lane in enumerate(lanes.tolist())}
    return Departures(
        step=created.step,
        kind=created.trips.kind.astype(np.int32),
        route=route_start[created.trips.route].astype(np.int32),
        queue=np.array([place[lane] for lane in created.lane.tolist()], np.int32),
        priority=created.priority,
        next=np.full(num, -1, np.int32),
        queue_lane=lanes,
        queue_head=np.full(len(lanes), -1, np.int32),
        queue_tail=np.full(len(lanes), -1, np.int32),
        cursor=np.zeros(1, np.int64),
    )
