"""The street model (DESIGN 4): its world, and the calls of the kernels that move it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import Handle, pack
from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.build import class_bits, new_world
from urbanlab.traffic.compile import compile_network
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.kernels.arrays import Net, Params
from urbanlab.traffic.kernels.state import Trips, grow_slots, new_items
from urbanlab.traffic.kernels.world import (
    CHOICE_NONE,
    COUNT_ARRIVED,
    COUNT_REMOVED,
    COUNT_RUNNING,
    COUNT_STEPS,
    COUNT_TELEPORTS,
    COUNT_WAITING,
    PHASE,
    ROOM,
    ROOM_LOG,
    ROOM_ROUTES,
    ROOM_SLOTS,
    World,
)
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState
from urbanlab.traffic.model import Counts, LaneTotals, ModelInput
from urbanlab.traffic.model_state import model_state, restored_model
from urbanlab.traffic.navigation import choosers_of, new_navigation, with_longer_log
from urbanlab.traffic.rerouting_options import ReroutingOptions
from urbanlab.traffic.routes import compile_routes
from urbanlab.traffic.sensors import Sensors, plan_sensors
from urbanlab.traffic.street_calls import StreetCalls

__all__ = ["StreetModel"]

IMPATIENCE_TIME = 180.0
"""[s] waiting until a driver is fully impatient (SUMO's time-to-impatience)."""


STATIC = ("net", "types", "params")
"""Parts of the world that are the same for any state of a run."""

SCRATCH = ("items",)
"""Parts that each step makes anew before it reads them."""

_GATHERED = {
    "loss": "loss", "waiting": "waiting", "halts": "halts", "stop_time": "stop_time", "length": "odo", "fuel": "fuel", "co2": "co2",
}  # fmt: skip
"""Columns of Trips and where a vehicle under way keeps them."""


class StreetModel:
    """One world under the rules of DESIGN 4."""

    def __init__(self, given: ModelInput, trips: ExpandedTrips, plan: SignalPlan, signals: SignalState) -> None:
        scenario, settings = given.scenario, given.scenario.settings
        self.network, self.expanded = scenario.network, trips
        self.plan, self.signal_state = plan, signals
        self.threads = given.threads
        self.programs = scenario.programs
        net = self._streets(given, plan)
        bits = class_bits(scenario.demand.vehicle_types)[trips.kind]
        compiled = compile_routes(scenario.network, net, scenario.demand, trips, bits)
        params = Params(
            dt=settings.step,
            begin=given.begin,
            end=given.end,
            teleport_after=settings.teleport_after,
            impatience_time=IMPATIENCE_TIME,
            lane_change=int(settings.lane_change),
            num_lanes=scenario.network.num_lanes,
            max_depart_delay=settings.max_depart_delay,
        )
        sensors, points, areas = plan_sensors(scenario.network, scenario.detectors, len(trips.row))
        options = ReroutingOptions(settings.options, given.seed)
        self.periods = options.periods(scenario.demand, trips)
        choosers = choosers_of(scenario.demand, trips, options, self.periods)
        chooses = choosers.choice != CHOICE_NONE
        nav = new_navigation(
            scenario.network, scenario.demand, options, kinds=np.unique(trips.kind[chooses]), num=int(np.sum(self.periods > 0.0)),
            most_via=int(choosers.via_num.max(initial=0)), step=settings.step,
        )  # fmt: skip
        self.world: World = new_world(
            scenario.network, net, scenario.demand, compiled, rows=trips.row, kind=trips.kind, depart=trips.depart,
            trip_ids=trips.trip_id, seed=given.seed, params=params, signal_state=signals.link_state, points=points, areas=areas,
            choosers=choosers, nav=nav,
        )  # fmt: skip
        self._calls = StreetCalls(1)
        self._plan_handle, self._signal_handle = pack(plan), pack(signals)
        self.handle: Handle = pack(self.world)
        self.world = self.handle.value
        self.sensors = Sensors(self, sensors)
        self.acts = StreetActs(self, scenario, given.seed)
        self.acts.runs.fill_all()

    def _streets(self, given: ModelInput, plan: SignalPlan) -> Net:
        """Tables of the streets: those of a model of the same city, where there is one."""
        other = given.like
        if isinstance(other, StreetModel) and other.network is self.network and other.programs is self.programs:
            return other.world.net
        return compile_network(self.network, plan.connection_signal_pos)

    def warm_up(self) -> None:
        """Compile, or load from the cache, without doing a step."""
        self.advance(0, until_empty=False)

    def advance(self, num_steps: int, *, until_empty: bool) -> int:
        """Do steps; the number done, fewer only where every vehicle has left."""
        return self._calls.advance([self], [num_steps], [until_empty], self.threads)[0]

    @staticmethod
    def advance_together(models: Sequence[StreetModel], num_steps: Sequence[int], until_empty: Sequence[bool], threads: int) -> list[int]:
        """Do steps in several worlds in one pass; the numbers done."""
        return StreetCalls(len(models)).advance(models, num_steps, until_empty, threads)

    @property
    def addresses(self) -> tuple[int, int, int]:
        """Of the bundles that kernels work on: world, plan and state of the signals."""
        return self.handle.address, self._plan_handle.address, self._signal_handle.address

    def settle(self) -> bool:
        """See to what a call has stopped for; is there more to do in the same call?"""
        if self.world.cursor[PHASE] != 0:
            self._grow()
        elif self.world.watch.num[0] > 0:
            self.acts.tell_entered()
        elif self.sensors.is_due:
            self.sensors.drain()
        else:
            return False
        return True

    def _grow(self) -> None:
        """Room for what a step stands still for: twice as much as there was."""
        lacking = int(self.world.cursor[ROOM])
        self.world.cursor[ROOM] = ROOM_SLOTS
        if lacking == ROOM_ROUTES:
            self.acts.runs.make_room(len(self.world.nav.path))
        elif lacking == ROOM_LOG:
            self.replace(nav=with_longer_log(self.world.nav))
        else:
            self._grow_slots()

    def _grow_slots(self) -> None:
        """Vehicles keep their slots."""
        num = 2 * len(self.world.slots.trip)
        slots, pool = grow_slots(self.world.slots, self.world.pool, num)
        self.replace(slots=slots, pool=pool, items=new_items(num))

    def replace(self, **parts: Any) -> None:
        """Exchange parts of the world between two calls."""
        self.handle = pack(self.world._replace(**parts))
        self.world = self.handle.value

    def replace_plan(self, plan: SignalPlan) -> None:
        """Exchange the plan of the signals between two calls."""
        self.plan = plan
        self._plan_handle = pack(plan)

    def counts(self) -> Counts:
        """Bookkeeping so far."""
        counts, lanes = self.world.counts, self.world.lanes
        return Counts(
            vehicle_steps=int(counts[COUNT_STEPS]),
            running=int(counts[COUNT_RUNNING]),
            arrived=int(counts[COUNT_ARRIVED]),
            removed=int(counts[COUNT_REMOVED]),
            waiting=int(counts[COUNT_WAITING]),
            teleports=int(counts[COUNT_TELEPORTS]),
            collisions=int(lanes.collisions.sum()),
            emergency_stops=int(lanes.braking.sum()),
        )

    def results(self) -> Trips:
        """Trips (V,) with what those under way have gathered so far; a copy."""
        copies: dict[str, Any] = {name: column.copy() for name, column in self.world.trips._asdict().items()}
        trips = Trips(**copies)
        slots = self.world.slots
        running = np.flatnonzero(trips.slot >= 0)
        where = trips.slot[running]
        for name, column in _GATHERED.items():
            getattr(trips, name)[running] = getattr(slots, column)[where]
        return trips

    def totals(self) -> LaneTotals:
        """Sums by lane since they were last cleared; a copy. The virtual lane of vehicles off the road is left out."""
        lanes, num = self.world.lanes, self.network.num_lanes
        return LaneTotals(*(getattr(lanes, name)[:num].copy() for name in LaneTotals._fields))

    def clear_totals(self) -> None:
        """Begin the sums by lane anew."""
        for name in LaneTotals._fields:
            getattr(self.world.lanes, name)[:] = 0

    def lane_vehicles(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane."""
        return self.world.lanes.count[: self.network.num_lanes]

    def lane_halting(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane that drive less than 0.1 m/s."""
        slots, trips = self.world.slots, self.world.trips
        running = np.flatnonzero(trips.lane >= 0)
        slow = running[slots.speed[trips.slot[running]] < 0.1]
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
        added = np.flatnonzero(self.expanded.row < 0)
        return model_state(self.world, self.plan, self.signal_state, STATIC + SCRATCH) | {
            "runs": self.acts.runs.state(),
            "events": self.sensors.state(),
            "added": [self.expanded.trip_id[trip] for trip in added.tolist()],
            "added_depart": self.expanded.depart[added],
            "added_kind": self.expanded.kind[added],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says, of a model made of the same input; the arrays are taken over."""
        world, self.plan, self.signal_state = restored_model(self.world, self.plan, self.signal_state, state)
        self.world = world._replace(items=new_items(len(world.slots.trip)))
        self._plan_handle, self._signal_handle, self.handle = pack(self.plan), pack(self.signal_state), pack(self.world)
        self.world = self.handle.value
        self.acts.runs.restore(state["runs"])
        self.sensors.restore(state["events"])
        self.expanded = self.expanded.extended(state["added"], state["added_depart"], state["added_kind"])
        self.acts.restored()

    def close(self) -> None:
        """Let go of the arrays."""
        del self.handle
