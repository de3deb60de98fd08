"""What a run needs of a traffic model, whichever rules it follows, and the choice between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.routing import route_demand
from urbanlab.city.scenario import Scenario
from urbanlab.traffic.acting.street_acts import StreetActs
from urbanlab.traffic.departures import ExpandedTrips, expand_flows
from urbanlab.traffic.kernels.state import Trips
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState, compile_signals, new_signal_state
from urbanlab.traffic.sensors import Sensors

__all__ = ["Counts", "LaneTotals", "Model", "ModelInput", "new_model"]


class Counts(NamedTuple):
    """Bookkeeping of a world so far."""

    vehicle_steps: int
    running: int
    arrived: int
    removed: int
    waiting: int
    teleports: int
    collisions: int
    emergency_stops: int


class LaneTotals(NamedTuple):
    """Sums by lane since they were taken the last time, (L,)."""

    seconds: NDArray[np.float64]  # [s] vehicle seconds
    metres: NDArray[np.float64]  # [m] driven
    waiting: NDArray[np.float64]  # [s] below 0.1 m/s
    loss: NDArray[np.float64]  # [s]
    entered: NDArray[np.int64]
    left: NDArray[np.int64]
    departed: NDArray[np.int64]
    arrived: NDArray[np.int64]


class Model(Protocol):
    """One world under one set of rules; letters: V trips, L lanes, N slots."""

    network: Network
    expanded: ExpandedTrips  # the trips of this run, in the order of their wanted departure
    plan: SignalPlan
    signal_state: SignalState

    @property
    def acts(self) -> StreetActs | None:
        """What can be done to lanes and vehicles while it runs; None under rules that know no such thing."""

    @property
    def sensors(self) -> Sensors | None:
        """What detectors have told; None under rules that know none."""

    def warm_up(self) -> None:
        """Compile, or load from the cache, without doing a step."""

    def advance(self, num_steps: int, *, until_empty: bool) -> int:
        """Do steps; the number done, fewer only where every vehicle has left."""

    @staticmethod
    def advance_together(models: Sequence[Any], num_steps: Sequence[int], until_empty: Sequence[bool], threads: int) -> list[int]:
        """Do steps in several worlds of this model in one pass; the numbers done."""

    def replace_plan(self, plan: SignalPlan) -> None:
        """Exchange the plan of the signals between two calls."""

    def counts(self) -> Counts:
        """Bookkeeping so far."""

    def results(self) -> Trips:
        """Trips (V,) with what those under way have gathered so far; a copy."""

    def totals(self) -> LaneTotals:
        """Sums by lane since they were last cleared; a copy."""

    def clear_totals(self) -> None:
        """Begin the sums by lane anew."""

    def lane_vehicles(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane."""

    def lane_halting(self) -> NDArray[np.int32]:
        """(L,) vehicles on each lane that drive less than 0.1 m/s."""

    @property
    def positions(self) -> NDArray[np.float64]:
        """(N,) [m] front of the vehicle in each slot, from the start of its lane."""

    @property
    def speeds(self) -> NDArray[np.float64]:
        """(N,) [m/s] by slot."""

    @property
    def vehicle_of_slot(self) -> NDArray[np.int32]:
        """(N,) trip in each slot, -1 empty."""

    @property
    def lane_of_vehicle(self) -> NDArray[np.int32]:
        """(V,) lane of each trip, -1 not on a lane."""

    def state(self) -> dict[str, Any]:
        """Everything that evolves, as arrays and plain values; arrays are those of the world, not copies."""

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says, of a model made of the same input; the arrays are taken over.

        Raises
        ------
        FileError : the state has other parts than this version knows
        """

    def close(self) -> None:
        """Let go of the arrays."""


@dataclass(frozen=True, eq=False)
class ModelInput:
    """Everything that decides a run."""

    scenario: Scenario
    seed: int
    begin: float  # [s]
    end: float  # [s] inf: until every vehicle has left
    threads: int
    mode: str  # of the interlock: "source" or "enforce"
    controlled: bool  # a controller chooses the phases
    static: bool  # actuated programs run their stored durations
    yellow: float | None  # [s] of a controller's changes; None: the interlock's own
    like: Model | None = None  # of the same city: what does not change in a run is shared with it


def new_model(given: ModelInput) -> Model:
    """The world of a scenario: trips routed and spelled out, signals compiled, nobody on the road.

    Raises
    ------
    DemandError : a trip has no route, or a flow no end
    """
    scenario = _routed(given.scenario)
    given = replace(given, scenario=scenario)
    trips = expand_flows(scenario.demand, begin=given.begin, end=given.end, seed=given.seed)
    plan = compile_signals(
        scenario.network,
        scenario.programs,
        begin=given.begin,
        step=scenario.settings.step,
        seed=given.seed,
        mode=given.mode,
        controller_used=given.controlled,
        static=given.static,
        yellow=given.yellow,
        controllable=controllable_signals(scenario),
    )
    signals = new_signal_state(plan)
    if scenario.settings.model == "cityflow":
        from urbanlab.traffic.cityflow.model import CityflowModel

        return CityflowModel(given, trips, plan, signals)
    from urbanlab.traffic.street import StreetModel

    return StreetModel(given, trips, plan, signals)


def _routed(scenario: Scenario) -> Scenario:
    """The same scenario where every trip that needs a route before it departs has one; found once, for all its runs."""
    demand = scenario.demand
    if not np.any((demand.trip_route == -1) & (demand.trip_from >= 0)):
        return scenario
    if scenario not in _known_routes:
        _known_routes[scenario] = route_demand(scenario)
    return _known_routes[scenario]


_known_routes: WeakKeyDictionary[Scenario, Scenario] = WeakKeyDictionary()


def controllable_signals(scenario: Scenario) -> NDArray[np.bool_]:
    """(S,) signals that let at least one movement of normal edges go and have two phases or more."""
    network, programs = scenario.network, scenario.programs
    result = np.zeros(network.num_signals, bool)
    normal = network.edge_function[network.lane_edge[network.connection_from]] == EdgeFunction.NORMAL
    result[network.connection_signal[normal & (network.connection_signal >= 0)]] = True
    phases = np.diff(programs.phase_start)
    active = programs.active_program
    return result & (active >= 0) & (phases[np.maximum(active, 0)] >= 2) if len(phases) else np.zeros_like(result)
