"""Commands to vehicles: they are added, removed, rerouted, stopped and sent on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import DepartLane, DepartSpeed
from urbanlab.city.network import EdgeFunction
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import CommandError, ConfigError, DemandError, NetworkError
from urbanlab.traffic.acting.choices import Choices, joined
from urbanlab.traffic.acting.lane_orders import nearest_names, streets
from urbanlab.traffic.acting.street_acts import NewStop, NewTrip, StreetActs
from urbanlab.traffic.acting.ways import Way
from urbanlab.traffic.departures import ExpandedTrips
from urbanlab.traffic.record import TripState

__all__ = ["VehicleOrders"]

FOREVER = 1e12
"""[s] a stop that lasts until the vehicle is told to go on."""

SHORTEST_STOP = 1.0
"""[m] of the road that a stop takes where only its end is given."""

Act = Callable[[], None]
Int = NDArray[np.int32]


class _Model(Protocol):
    expanded: ExpandedTrips


class VehicleOrders:
    """Prepares commands to vehicles: each method checks its arguments and gives back what is to be done.

    Parameters
    ----------
    scenario : what runs
    model : that runs it
    acts : on its world
    """

    def __init__(self, scenario: Scenario, model: _Model, acts: StreetActs) -> None:
        self._network, self._demand, self._model, self._acts = scenario.network, scenario.demand, model, acts
        self.choices = Choices(acts)
        self._trip_of_id: dict[str, int] = {}
        self.coming: set[str] = set()  # names of vehicles that are to be added later

    # --- names -----------------------------------------------------------------------------------------------------

    def trip(self, name: str) -> int:
        """Number of a trip."""
        if name in self.coming:
            raise CommandError(f"vehicle '{name}' is not there", got="to be added later", expected="running, or waiting to depart")
        trips = self._trips()
        if name not in trips:
            raise DemandError(f"unknown vehicle '{name}'", expected="a trip of this run", hint=nearest_names(name, list(trips)))
        return trips[name]

    def _trips(self) -> dict[str, int]:
        names, known = self._model.expanded.trip_id, self._trip_of_id
        known.update((names[trip], trip) for trip in range(len(known), len(names)))
        return known

    def _present(self, name: str) -> int:
        """A vehicle that is on its way or waits to depart."""
        trip = self.trip(name)
        state = self._acts.state(trip)
        if state not in (TripState.WAITING, TripState.RUNNING):
            raise CommandError(f"vehicle '{name}' is not there", got=state.name.lower(), expected="running, or waiting to depart")
        return trip

    def _running(self, name: str) -> int:
        trip = self._present(name)
        if self._acts.state(trip) != TripState.RUNNING:
            raise CommandError(f"vehicle '{name}' is not on the road", got="waiting to depart", expected="running")
        return trip

    def edges(self, names: Sequence[str]) -> Int:
        """Numbers of edges between junctions."""
        known = self._network.edge_of_id
        wrong = [name for name in names if known.get(name, -1) < 0 or self._network.edge_function[known[name]] != EdgeFunction.NORMAL]
        if wrong:
            raise NetworkError(f"unknown edge '{wrong[0]}'", hint=nearest_names(wrong[0], streets(self._network)), items=wrong)
        return np.array([known[name] for name in names], np.int32)

    def _checked_route(self, who: str, names: Sequence[str], kind: int) -> Int:
        edges = self.edges(names)
        if not len(edges):
            raise DemandError(f"the route of '{who}' is empty", expected="one edge or more")
        for before, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if not self._acts.leads_to(before, after, kind):
                first, second = self._network.edge_id[before], self._network.edge_id[after]
                raise DemandError(
                    f"route of trip '{who}' has a gap between edges '{first}' and '{second}'",
                    got=f"'{first}' -> '{second}' with no connection for its class", expected="a connected route",
                    hint="let urbanlab route it: add_trip, reroute_fastest",
                )  # fmt: skip
        return edges

    # --- coming and going ------------------------------------------------------------------------------------------

    def add(self, *, vehicle: str, edges: Sequence[str], vehicle_type: str, lane: str, speed: str, time: float) -> Act:
        """A vehicle with a route."""
        kind = self._kind(vehicle, vehicle_type)
        new = NewTrip(vehicle, kind, self._checked_route(vehicle, edges, kind), DepartLane[lane.upper()], DepartSpeed[speed.upper()])
        return lambda: self._acts.add_trip(new, time)

    def add_fastest(self, *, vehicle: str, origin: str, destination: str, vehicle_type: str, lane: str, speed: str, time: float) -> Act:
        """A vehicle that takes the fastest way of the moment."""
        kind, points = self._kind(vehicle, vehicle_type), self.edges([origin, destination])
        legs = self._acts.paths.path(kind, points.tolist())
        if legs is None:
            raise CommandError(f"no route for '{vehicle}'", got=f"from '{origin}' to '{destination}'", expected="a way for its class, now")
        new = NewTrip(vehicle, kind, joined(legs), DepartLane[lane.upper()], DepartSpeed[speed.upper()])
        return lambda: self._acts.add_trip(new, time)

    def _kind(self, vehicle: str, name: str) -> int:
        if not vehicle or vehicle in self.coming or vehicle in self._trips():
            raise DemandError(f"no vehicle can be added as '{vehicle}'", expected="a name that no other trip has")
        names = [kind.vehicle_type_id for kind in self._demand.vehicle_types]
        if not name and names:
            return 0
        if name not in names:
            raise DemandError(f"unknown vehicle type '{name}'", hint=nearest_names(name, names) or "one of " + ", ".join(names[:10]))
        return names.index(name)

    def remove(self, *, vehicle: str, time: float) -> Act:
        """End a trip."""
        trip = self._present(vehicle)
        return lambda: self._acts.remove(trip, time)

    # --- ways ------------------------------------------------------------------------------------------------------

    def reroute(self, *, vehicle: str, edges: Sequence[str]) -> Act:
        """A given route, from the present edge (or the one a vehicle inside a junction is about to enter) on."""
        trip = self._present(vehicle)
        way, kind = self._acts.way(trip), self._acts.kind(trip)
        route = self._checked_route(vehicle, edges, kind)
        inside = self._acts.is_inside_junction(trip)
        here = [self._network.edge_id[edge] for edge in way.edges[: 2 if inside else 1].tolist()]
        if inside and route[0] == way.edges[1]:
            route = np.concatenate([way.edges[:1], route])
        if route[0] != way.edges[0] or (inside and (len(route) < 2 or route[1] != way.edges[1])):
            raise CommandError(
                f"the route does not begin where vehicle '{vehicle}' is", got=f"edge '{edges[0]}'", expected=f"edges {here}, then others"
            )
        return self._changing(trip, self._with_stops(vehicle, way, route))

    def _with_stops(self, vehicle: str, way: Way, route: Int) -> Way:
        """A route with the stops that are still to come."""
        places: list[int] = []
        for stop in way.stops:
            lane, end = self._acts.stop_place(stop)
            after = places[-1] if places else 0
            if places and self._acts.stop_place(way.stops[len(places) - 1])[1] > end and route[after] == self._network.lane_edge[lane]:
                after += 1
            found = np.flatnonzero(route[after:] == self._network.lane_edge[lane])
            if not len(found):
                name = self._network.lane_id(lane)
                raise CommandError(f"the route misses a stop of vehicle '{vehicle}'", got=f"no lane '{name}'", expected="all its stops")
            places.append(after + int(found[0]))
        return Way(route, way.stops, tuple(places))

    def reroute_fastest(self, *, vehicle: str, destination: str, avoid: Sequence[str]) -> Act:
        """The fastest way of the moment by all stops to come; `destination` empty: the present one."""
        trip = self._present(vehicle)
        way = self.choices.fastest(trip, self.edges([destination])[0] if destination else -1, self.edges(avoid))
        if way is None:
            raise CommandError(f"no other way for vehicle '{vehicle}'", expected="a way for its class, now")
        return self._changing(trip, way)

    def _changing(self, trip: int, way: Way) -> Act:
        def act() -> None:
            if not np.array_equal(way.edges, self._acts.way(trip).edges):
                self._acts.set_way(trip, way)

        return act

    # --- stops -----------------------------------------------------------------------------------------------------

    def stop(self, *, vehicle: str, lane: str, position: float | None, duration: float | None, parking: bool) -> Act:
        """A stop on the way, at a position [m] (None: the lane's end) for a time [s] (None: until told to go on)."""
        trip, number = self._present(vehicle), self._network.lane_of_id(lane)
        if number < 0:
            raise NetworkError(f"unknown lane '{lane}'", hint=nearest_names(lane, [f"{edge}_0" for edge in streets(self._network)]))
        length = float(self._network.lane_length[number])
        end, seconds = length if position is None else position, FOREVER if duration is None else duration
        if not 0.0 < end <= length or not 0.0 < seconds <= FOREVER:
            raise ConfigError("this is no stop", got=f"at {end:g} m for {seconds:g} s", expected=f"within {length:g} m, for more than 0 s")
        if not self._acts.may_use(number, self._acts.kind(trip)):
            raise CommandError(f"vehicle '{vehicle}' may not stop on lane '{lane}'", expected="a lane that its class may use")
        place = self._first_place(vehicle, trip, number, end)
        new = NewStop(place, number, max(0.0, end - SHORTEST_STOP), end, seconds, parking)
        return lambda: self._acts.add_stop(trip, new)

    def _first_place(self, vehicle: str, trip: int, lane: int, end: float) -> int:
        """Place in its way where a vehicle can make a stop for the first time."""
        way = self._acts.way(trip)
        here, position = self._acts.lane_and_position(trip)
        places = np.flatnonzero(way.edges == self._network.lane_edge[lane]).tolist()
        if here >= 0 and (self._acts.is_inside_junction(trip) or position + self._acts.brake_gap(trip) > end):
            places = [place for place in places if place > 0]
        if not places:
            raise CommandError(
                f"vehicle '{vehicle}' can't stop on lane '{self._network.lane_id(lane)}' any more",
                got="behind it, too near to brake, or not on its way", expected="a place ahead on its way",
            )  # fmt: skip
        return int(places[0])

    def resume(self, *, vehicle: str) -> Act:
        """Go on from a stop."""
        trip = self._running(vehicle)
        if not self._acts.is_stopped(trip):
            raise CommandError(f"vehicle '{vehicle}' is at no stop", expected="a vehicle at a scheduled stop")
        return lambda: self._acts.resume(trip)
