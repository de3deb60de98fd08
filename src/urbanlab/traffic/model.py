"""The microscopic model of SUMO scenarios: its world, and the calls of the kernels that move it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.core.bundle import Handle, pack
from urbanlab.traffic.kernels.arrays import Params
from urbanlab.traffic.build import class_bits, new_world
from urbanlab.traffic.compile import compile_network
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.routes import compile_routes
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState
from urbanlab.traffic.kernels.state import grow_slots, new_items
from urbanlab.traffic.kernels.world import PHASE, STEP, World

__all__ = ["StreetModel"]

IMPATIENCE_TIME = 180.0
"""[s] waiting until a driver is fully impatient (SUMO's time-to-impatience)."""


class StreetModel:
    """One world under the rules of DESIGN 4."""

    def __init__(
        self,
        scenario: Scenario,
        trips: ExpandedTrips,
        plan: SignalPlan,
        signals: SignalState,
        *,
        seed: int,
        begin: float,
        end: float,
        threads: int,
    ) -> None:
        settings, demand = scenario.settings, scenario.demand
        self.network = scenario.network
        self.trip_ids = trips.trip_id
        self.expanded = trips
        self.plan, self.signal_state = plan, signals
        self.threads = threads
        net = compile_network(scenario.network, plan.connection_signal_pos)
        bits = class_bits(demand.vehicle_types)[trips.kind]
        compiled = compile_routes(scenario.network, net, scenario.network.lane_permissions, demand, trips.row, bits)
        params = Params(
            dt=settings.step,
            begin=begin,
            end=end,
            teleport_after=settings.teleport_after,
            impatience_time=IMPATIENCE_TIME,
            lane_change=int(settings.lane_change),
            num_lanes=scenario.network.num_lanes,
            max_depart_delay=settings.max_depart_delay,
        )
        self.world: World = new_world(
            scenario.network, net, demand, compiled, rows=trips.row, kind=trips.kind, depart=trips.depart,
            trip_ids=trips.trip_id, seed=seed, params=params, signal_state=signals.link_state,
        )  # fmt: skip
        self._plan_handle, self._signal_handle = pack(plan), pack(signals)
        self._handle: Handle = pack(self.world)

    def __getattr__(self, name: str) -> Any:
        """Parts of the world by their names: slots, lanes, trips, pool, counts."""
        if name in World._fields:
            return getattr(self.world, name)
        raise AttributeError(name)

    def warm_up(self) -> None:
        """Compile, or load from the cache, without doing a step."""
        self.advance(0, until_empty=False)

    def advance(self, num_steps: int, *, until_empty: bool) -> int:
        """Do steps; the number done, fewer only where every vehicle has left."""
        from urbanlab.traffic.kernels import step_cpu  # the compiler is loaded with the first run, not with the package

        kernel = step_cpu.advance_serial if self.threads == 1 else step_cpu.advance_parallel
        done = 0
        while True:
            done += kernel(
                self._handle.address, self._plan_handle.address, self._signal_handle.address, num_steps - done, until_empty
            )
            if self.world.cursor[PHASE] == 0:
                return done
            self._grow()

    def _grow(self) -> None:
        """Twice the slots; vehicles keep theirs."""
        num = 2 * len(self.world.slots.trip)
        slots, pool = grow_slots(self.world.slots, self.world.pool, num)
        self.replace(slots=slots, pool=pool, items=new_items(num))

    def replace(self, **parts: Any) -> None:
        """Exchange parts of the world between two calls."""
        self.world = self.world._replace(**parts)
        self._handle = pack(self.world)

    @property
    def time(self) -> float:
        """[s] start of the next step."""
        return float(self.world.params.begin + self.world.cursor[STEP] * self.world.params.dt)

    def lane_vehicles(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane."""
        return self.world.lanes.count[: self.network.num_lanes]

    def lane_halting(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane that drive less than 0.1 m/s."""
        slots, trips = self.world.slots, self.world.trips
        running = np.flatnonzero(trips.lane >= 0)
        slow = running[slots.speed[trips.slot[running]] < 0.1]
        return np.bincount(trips.lane[slow], minlength=self.network.num_lanes).astype(np.int32)

    def close(self) -> None:
        """Let go of the arrays."""
        del self._handle


