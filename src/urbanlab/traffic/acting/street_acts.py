"""What can be done to a street world between two steps; who asks for it, and whether it is allowed, is decided above.

Everything here changes the world's arrays in place, or exchanges them for longer ones. Trips, lanes and edges are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import DepartLane, DepartPos, DepartSpeed
from urbanlab.city.network import Network
from urbanlab.city.routing import penalties_of
from urbanlab.city.scenario import Scenario
from urbanlab.core.bundle import Handle
from urbanlab.traffic.acting.grow import Rooms
from urbanlab.traffic.acting.paths import PathFinder
from urbanlab.traffic.acting.route_runs import RouteRuns, Run
from urbanlab.traffic.acting.ways import Way, read_way, slot_of
from urbanlab.traffic.build import arrival_places, speed_factors, trip_keys
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.kernels.world import CHOICE_NONE, COUNT_REMOVED, COUNT_WAITING, STEP, World
from urbanlab.traffic.navigation import mean_limits, with_pairs
from urbanlab.traffic.physics.following import brake_gap
from urbanlab.traffic.record import TripState
from urbanlab.traffic.routes import wanted_arrival

__all__ = ["NewStop", "NewTrip", "StreetActs"]


WATCHED_AT_ONCE = 4096
"""Vehicles that are told of one by one when they enter watched lanes in one step; where there are more, all on the lanes are."""


class NewTrip(NamedTuple):
    """A trip that joins during the run."""

    trip_id: str
    kind: int  # vehicle type
    edges: NDArray[np.int32]
    depart_lane: DepartLane = DepartLane.BEST_PROB
    depart_speed: DepartSpeed = DepartSpeed.AVG


class NewStop(NamedTuple):
    """A stop that a vehicle is told to make."""

    place: int  # in the edges of its way
    lane: int
    start: float  # [m]
    end: float  # [m]
    duration: float  # [s]
    parking: bool


class _Model(Protocol):
    world: World
    expanded: ExpandedTrips
    handle: Handle

    def replace(self, **parts: object) -> None: ...


class StreetActs:
    """Acts on one world.

    Parameters
    ----------
    model : whose world it is
    scenario : that it runs
    seed : of its draws
    """

    def __init__(self, model: _Model, scenario: Scenario, seed: int) -> None:
        self._model, self._scenario, self._seed = model, scenario, seed
        self.runs = RouteRuns(model)
        self._rooms = Rooms()
        self._num_lanes = scenario.network.num_lanes
        self._watched: list[int] = []
        self._told: Callable[[list[int], float], None] = lambda _trips, _time: None
        self.paths = PathFinder(scenario.network, scenario.demand.vehicle_types, penalties_of(scenario.settings.options))

    @property
    def world(self) -> World:
        """The world as it is now."""
        return self._model.world

    def restored(self) -> None:
        """Learn that the world is another one: limits and permissions may differ from the network's own."""
        network, lanes, num = self._scenario.network, self.world.lanes, self._num_lanes
        same = np.array_equal(lanes.speed[:num], network.lane_speed) and np.array_equal(lanes.permissions[:num], network.lane_permissions)
        if not same:
            self.paths.lanes_changed(self._network_now())

    def _network_now(self) -> Network:
        """The network with the limits and permissions of the moment."""
        lanes, num = self.world.lanes, self._num_lanes
        return replace(self._scenario.network, lane_speed=lanes.speed[:num].copy(), lane_permissions=lanes.permissions[:num].copy())

    # --- watching --------------------------------------------------------------------------------------------------

    def watch(self, lanes: Sequence[int], told: Callable[[list[int], float], None]) -> None:
        """Have somebody told which trips have entered lanes, at the end of the step and with its time [s]."""
        self._told = told
        flags = np.zeros(self._num_lanes + 1, np.uint8)
        flags[list(lanes)] = 1
        self._watched = list(lanes)
        self._model.replace(watch=self.world.watch._replace(lane=flags, trip=np.zeros(WATCHED_AT_ONCE, np.int32)))

    def tell_entered(self) -> None:
        """Tell who has entered watched lanes."""
        watch, params = self.world.watch, self.world.params
        entered = watch.trip[: int(watch.num[0])].tolist()
        if len(entered) == len(watch.trip):  # there may have been more
            entered += self.on_lanes(self._watched)
        watch.num[0] = 0
        self._told(list(dict.fromkeys(entered)), params.begin + int(self.world.cursor[STEP]) * params.dt)

    def on_lanes(self, lanes: Sequence[int]) -> list[int]:
        """Trips whose vehicles are on lanes, front to back."""
        state, slots = self.world.lanes, self.world.slots
        return [int(trip) for lane in lanes for trip in slots.trip[state.first[lane] : state.first[lane] + state.count[lane]]]

    # --- lanes -----------------------------------------------------------------------------------------------------

    def set_permissions(self, lanes: Sequence[int], permissions: Sequence[int]) -> None:
        """Classes that may use lanes from now on; vehicles on them drive on, routes are looked at anew."""
        now = self.world.lanes.permissions
        changed = [(lane, mask) for lane, mask in zip(lanes, permissions, strict=True) if now[lane] != mask]
        if not changed:
            return
        for lane, mask in changed:
            now[lane] = mask
        edges = np.unique(self._scenario.network.lane_edge[[lane for lane, _ in changed]])
        self.runs.refill(edges, self._used_positions())
        self._tell_paths()

    def set_limits(self, lanes: Sequence[int], speed: Sequence[float]) -> None:
        """Limits [m/s] of lanes from now on."""
        self.world.lanes.speed[list(lanes)] = speed
        self._tell_paths()

    def _tell_paths(self) -> None:
        """Whoever looks for ways learns of other limits and permissions."""
        nav, network = self.world.nav, self._network_now()
        self.paths.lanes_changed(network)
        if len(nav.limit):
            altered = np.flatnonzero(mean_limits(network, network.lane_speed) != nav.limit).astype(np.int32)
            kinds = np.flatnonzero(nav.graph >= 0)
            self._model.replace(nav=with_pairs(nav._replace(altered=altered), network, self._scenario.demand, kinds))

    def _used_positions(self) -> NDArray[np.int32]:
        world = self.world
        ahead = world.trips.state <= TripState.WAITING
        return np.concatenate([world.slots.route[world.slots.trip >= 0], world.departures.route[ahead]])

    # --- ways ------------------------------------------------------------------------------------------------------

    def state(self, trip: int) -> TripState:
        """Where a trip stands."""
        return TripState(int(self.world.trips.state[trip]))

    def kind(self, trip: int) -> int:
        """Vehicle type of a trip."""
        return int(self.world.departures.kind[trip])

    def class_bit(self, trip: int) -> int:
        """Bit of a trip's vehicle class in permission masks."""
        return int(self.world.types.class_bit[self.kind(trip)])

    def way(self, trip: int) -> Way:
        """The rest of a trip's way."""
        return read_way(self.world, self.runs, trip)

    def lane_and_position(self, trip: int) -> tuple[int, float]:
        """Lane (-1: none) and position [m] of a vehicle's front."""
        slot = slot_of(self.world, trip)
        return (-1, 0.0) if slot < 0 else (int(self.world.trips.lane[trip]), float(self.world.slots.pos[slot]))

    def is_inside_junction(self, trip: int) -> bool:
        """Is a vehicle's front on an internal lane?"""
        lane = int(self.world.trips.lane[trip])
        return lane >= 0 and bool(self.world.net.lane_internal[lane])

    def may_use(self, lane: int, kind: int) -> bool:
        """May a vehicle type use a lane by the network's own permissions, whatever is closed now?"""
        return bool(self._scenario.network.lane_permissions[lane] & self.world.types.class_bit[kind])

    def leads_to(self, edge: int, after: int, kind: int) -> bool:
        """Does a connection for a vehicle type lead from an edge to another, whatever is closed now?"""
        net, bit = self.world.net, int(self.world.types.class_bit[kind])
        for lane in range(net.edge_first_lane[edge], net.edge_first_lane[edge + 1]):
            for link in range(net.lane_out[lane], net.lane_out[lane + 1]):
                target = int(net.link_to[link])
                fits = self.may_use(lane, kind) and self.may_use(target, kind) and bool(net.link_permissions[link] & bit)
                if fits and net.lane_edge[target] == after:
                    return True
        return False

    def stop_place(self, stop: int) -> tuple[int, float]:
        """Lane of a stop and its end [m]."""
        return int(self.world.stops.lane[stop]), float(self.world.stops.end[stop])

    def brake_gap(self, trip: int) -> float:
        """Distance in which a vehicle can stop [m], without reaction."""
        world, slot = self.world, slot_of(self.world, trip)
        return float(brake_gap(float(world.slots.speed[slot]), float(world.types.decel[self.kind(trip)]), 0.0, world.params.dt))

    def first_choice(self, trip: int) -> int:
        """Place in its way of the edge from which a vehicle can still choose: 0, or 1 inside junctions and close before them."""
        lane, position = self.lane_and_position(trip)
        if lane < 0:
            return 0
        net = self.world.net
        late = position > net.lane_length[lane] - self.brake_gap(trip)
        return 1 if net.lane_internal[lane] != 0 or late else 0

    def set_way(self, trip: int, way: Way) -> None:
        """Give a trip another way from where it is; its first edge has to be the present one."""
        world, demand = self.world, self._scenario.demand
        row, last = int(self._model.expanded.row[trip]), int(way.edges[-1])
        lanes, ends = world.stops.lane, world.stops.end
        run = Run(
            edges=way.edges,
            stops=tuple((place, int(lanes[s]), float(ends[s])) for s, place in zip(way.stops, way.places, strict=True)),
            arrival=wanted_arrival(self._scenario.network, last, int(demand.arrival_lane[row]) if row >= 0 else -1),
            class_bit=self.class_bit(trip),
        )
        start = self.runs.add(run)
        for n, (stop, place) in enumerate(zip(way.stops, way.places, strict=True)):
            world.stops.route[stop] = start + place + n
            world.stops.next[stop] = way.stops[n + 1] if n + 1 < len(way.stops) else -1
        first, slot = way.stops[0] if way.stops else -1, slot_of(world, trip)
        if slot >= 0:
            world.slots.route[slot], world.slots.stop[slot] = start, first
        else:
            world.departures.route[trip], world.departures.stop[trip] = start, first
        wanted = demand.arrival_pos[[row]] if row >= 0 else np.array([np.inf])
        end = world.net.lane_length[world.net.edge_first_lane[[last]]]
        world.departures.arrival_pos[trip] = arrival_places(wanted, end)[0]

    # --- vehicles --------------------------------------------------------------------------------------------------

    def add_trip(self, new: NewTrip, time: float) -> None:
        """A trip that wants to depart at `time` [s], the start of the next step; it waits for room as others do."""
        world, trip = self.world, len(self.world.trips.state)
        start = self.runs.add(Run(new.edges, (), None, int(world.types.class_bit[new.kind])))
        types = self._scenario.demand.vehicle_types
        factor = speed_factors(types, np.array([new.kind], np.int32), [new.trip_id], self._seed)
        blank = {"slot": -1, "lane": -1, "depart": -1.0, "arrival": -1.0, "depart_lane": -1, "arrival_lane": -1}
        rows = {name: [blank.get(name, 0)] for name in world.trips._fields}
        rows["key"] = trip_keys([new.trip_id], self._seed)  # type: ignore[assignment]
        end = world.net.lane_length[world.net.edge_first_lane[new.edges[-1]]]
        departure = {
            "depart": time, "kind": new.kind, "route": start, "stop": -1, "lane_mode": new.depart_lane, "lane_index": 0,
            "pos_mode": DepartPos.BASE, "pos": 0.0, "speed_mode": new.depart_speed, "speed": 0.0, "arrival_pos": end,
            "arrival_speed": -1.0, "factor": factor[0], "choice": CHOICE_NONE, "choose_next": 0.0, "via_start": 0, "via_num": 0, "next": -1,
        }  # fmt: skip
        departures = self._rooms.extended(world.departures, {name: [value] for name, value in departure.items()})
        self._model.replace(departures=departures, trips=self._rooms.extended(world.trips, rows))
        if len(world.points.halts):
            self._model.replace(points=self._rooms.extended(world.points, {"halts": [0], "slow": [0]}))
        self._name_trip(new, time)
        self._wait(trip, int(new.edges[0]))

    def _name_trip(self, new: NewTrip, time: float) -> None:
        self._model.expanded = self._model.expanded.extended([new.trip_id], np.array([time]), np.array([new.kind], np.int32))

    def _wait(self, trip: int, edge: int) -> None:
        """Last in the queue of an edge, as `kernels.insert.append` does it."""
        world, d = self.world, self.world.departures
        world.trips.state[trip] = TripState.WAITING
        world.counts[COUNT_WAITING] += 1
        if d.queue_head[edge] < 0:
            d.queue_head[edge] = trip
            d.queued[d.cursor[1]] = edge
            d.cursor[1] += 1
        else:
            d.next[d.queue_tail[edge]] = trip
        d.queue_tail[edge] = trip

    def remove(self, trip: int, time: float) -> None:
        """Take a trip out that is under way or waits to depart."""
        world = self.world
        if slot_of(world, trip) >= 0:
            from urbanlab.traffic.kernels.take_off import take_off  # compiled where it is needed

            take_off(self._model.handle.address, trip, time)
            return
        world.trips.state[trip] = TripState.REMOVED
        world.counts[COUNT_WAITING] -= 1
        world.counts[COUNT_REMOVED] += 1

    def add_stop(self, trip: int, new: NewStop) -> None:
        """A scheduled stop more, before those that lie behind its place."""
        world, way = self.world, self.way(trip)
        row = len(world.stops.lane)
        values = {
            "lane": new.lane, "start": new.start, "end": new.end, "duration": new.duration, "until": -1.0, "parking": int(new.parking),
            "route": 0, "next": -1, "place": -1,
        }  # fmt: skip
        self._model.replace(stops=self._rooms.extended(world.stops, {name: [value] for name, value in values.items()}))
        ends = self.world.stops.end
        known = list(zip(way.places, (float(ends[s]) for s in way.stops), way.stops, strict=True))
        here = len([1 for place, end, _ in known if (place, end) <= (new.place, new.end)])
        known.insert(here, (new.place, new.end, row))
        self.set_way(trip, Way(way.edges, tuple(row for _, _, row in known), tuple(place for place, _, _ in known)))

    def is_stopped(self, trip: int) -> bool:
        """Is a vehicle at a scheduled stop?"""
        slot = slot_of(self.world, trip)
        return slot >= 0 and bool(self.world.slots.dwell[slot] >= 0.0)

    def resume(self, trip: int) -> None:
        """End the stop that a vehicle makes."""
        self.world.slots.dwell[slot_of(self.world, trip)] = 0.0
