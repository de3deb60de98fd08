"""Everything that acts on a running world: one queue, applied at the start of a step, and a log that can be replayed."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from urbanlab.city.network import EdgeFunction
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import CommandError, ConfigError, InputError
from urbanlab.traffic.acting.lane_orders import LaneOrders, nearest_names, streets
from urbanlab.traffic.acting.signal_orders import SignalOrders
from urbanlab.traffic.acting.vehicle_orders import VehicleOrders
from urbanlab.traffic.model import Model

__all__ = ["Command", "Commands"]

TIMED = frozenset({"request_phase", "show_states", "add_vehicle", "add_trip", "remove_vehicle"})
"""Kinds that need to know when they act."""

ADDING = frozenset({"add_vehicle", "add_trip"})


@dataclass(frozen=True)
class Command:
    """One entry of the log."""

    time: float  # [s] start of the step in which it acts
    kind: str
    arguments: Mapping[str, Any]  # plain values: names, numbers, lists of them
    source: str = "command"  # who asked: "command" from outside; "scenario", "controller" or "rerouting" come by themselves again
    refused: str = ""  # why it could not be done when its time came


class _Run(Protocol):
    scenario: Scenario
    model: Model

    @property
    def time(self) -> float: ...

    def step_at(self, time: float) -> float: ...


class Commands:
    """The queue of one run.

    Commands take effect at the start of the next step, or of the first step at or after `at` [s]; those of one step in the
    order in which they were given. What is wrong for ever (an unknown lane, a gap in a route) is an error at once. What the moment
    forbids (a vehicle that is not there) is an error at once where the command is for the next step, and else is written
    down as refused when its time has come. Signals, lanes, edges, vehicles and vehicle types go by their names.

    Parameters
    ----------
    run : whose world is acted on

    Examples
    --------
    >>> import urbanlab as ul
    >>> from urbanlab.city.synthetic import make
    >>> run = ul.Simulation(make("grid:2x2", seed=1), end=60.0)  # doctest: +SKIP
    >>> run.commands.close_edge("A0B0", until=30.0)  # doctest: +SKIP
    """

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._queue: list[tuple[int, int, Command]] = []
        self._given = 0
        self._log: list[Command] = []
        network, acts = run.scenario.network, run.model.acts
        self._network = network
        signals = SignalOrders(run.scenario, run.model)
        self._orders: dict[str, Callable[..., Callable[[], None]]] = {"request_phase": signals.request, "show_states": signals.show}
        self.vehicles: VehicleOrders | None = None
        self._lanes: LaneOrders | None = None
        if acts is None:
            return
        lanes, vehicles = LaneOrders(network, acts), VehicleOrders(run.scenario, run.model, acts)
        self.vehicles, self._lanes = vehicles, lanes
        self._orders |= {
            "close_lanes": lanes.close, "open_lanes": lanes.open, "set_speed_limit": lanes.limit, "add_vehicle": vehicles.add,
            "add_trip": vehicles.add_fastest, "remove_vehicle": vehicles.remove, "reroute": vehicles.reroute,
            "reroute_fastest": vehicles.reroute_fastest, "stop_vehicle": vehicles.stop, "resume_vehicle": vehicles.resume,
        }  # fmt: skip

    # --- what can be asked for -------------------------------------------------------------------------------------

    def request_phase(self, signal: str, phase: int, *, at: float | None = None) -> None:
        """Ask a signal for a phase (from 0) of its program; the interlock grants it in its time.

        From then on the signal waits for commands: its program does not go on by itself.
        """
        self._give("request_phase", {"signal": signal, "phase": phase}, at)

    def show_states(self, signal: str, states: str, *, at: float | None = None) -> None:
        """Ask a signal for a state string, one character a link (G g y r u s); the interlock shows what is safe of it."""
        self._give("show_states", {"signal": signal, "states": states}, at)

    def close_lane(self, lane: str, *, allow: Sequence[str] = (), at: float | None = None, until: float | None = None) -> None:
        """Close a lane to all classes but `allow`, until a time [s] or until it is opened.

        Vehicles on the lane drive on; others choose other lanes, and stop before the closure where their route leaves no choice.
        """
        self._close([lane], allow, at, until)

    def close_edge(self, edge: str, *, allow: Sequence[str] = (), at: float | None = None, until: float | None = None) -> None:
        """Close all lanes of an edge, as `close_lane` does."""
        self._close(self._lanes_of(edge), allow, at, until)

    def _close(self, lanes: list[str], allow: Sequence[str], at: float | None, until: float | None) -> None:
        if until is not None and not until >= (self._run.time if at is None else at):
            raise ConfigError("a closure ends before it begins", got=f"until {until:g} s", expected="a later time")
        self._give("close_lanes", {"lanes": lanes, "allow": list(allow), "by": "command"}, at)
        if until is not None:
            self._give("open_lanes", {"lanes": lanes, "by": "command"}, until)

    def open_lane(self, lane: str, *, at: float | None = None) -> None:
        """Give a lane its own permissions again, whoever closed it."""
        self._give("open_lanes", {"lanes": [lane], "by": ""}, at)

    def open_edge(self, edge: str, *, at: float | None = None) -> None:
        """Open all lanes of an edge, as `open_lane` does."""
        self._give("open_lanes", {"lanes": self._lanes_of(edge), "by": ""}, at)

    def set_speed_limit(self, lane: str, speed: float | None, *, at: float | None = None) -> None:
        """Limit of a lane [m/s]; None: the network's own."""
        self._give("set_speed_limit", {"lanes": [lane], "speed": speed}, at)

    def add_vehicle(
        self,
        vehicle: str,
        edges: Sequence[str],
        *,
        vehicle_type: str = "",
        at: float | None = None,
        depart_lane: str = "best_prob",
        depart_speed: str = "avg",
    ) -> None:
        """Add a vehicle with a route; it counts as loaded from then on and departs as soon as there is room.

        `vehicle_type` empty: the first one of the scenario, which is SUMO's default type in scenarios of SUMO.
        `depart_lane` is free, allowed, best, best_prob, first or random; `depart_speed` max, desired, speed_limit, last, avg or random.
        """
        arguments = {"vehicle": vehicle, "edges": list(edges)} | self._departure(vehicle_type, depart_lane, depart_speed)
        self._give("add_vehicle", arguments, at)

    def add_trip(self, vehicle: str, origin: str, destination: str, *, vehicle_type: str = "", at: float | None = None) -> None:
        """Add a vehicle that takes the fastest way of the moment from one edge to another."""
        arguments = {"vehicle": vehicle, "origin": origin, "destination": destination} | self._departure(vehicle_type, "best_prob", "avg")
        self._give("add_trip", arguments, at)

    @staticmethod
    def _departure(vehicle_type: str, lane: str, speed: str) -> dict[str, str]:
        for name, known in ((lane, DEPART_LANES), (speed, DEPART_SPEEDS)):
            if name not in known:
                raise ConfigError(f"no vehicle departs by '{name}'", expected="one of " + ", ".join(known), hint=nearest_names(name, known))
        return {"vehicle_type": vehicle_type, "lane": lane, "speed": speed}

    def remove_vehicle(self, vehicle: str, *, at: float | None = None) -> None:
        """End the trip of a vehicle where it is, or waits to depart; it counts as removed."""
        self._give("remove_vehicle", {"vehicle": vehicle}, at)

    def reroute(self, vehicle: str, edges: Sequence[str], *, at: float | None = None) -> None:
        """Give a vehicle a route that begins with the edge where it is, by all stops that it still has to make."""
        self._give("reroute", {"vehicle": vehicle, "edges": list(edges)}, at)

    def reroute_fastest(self, vehicle: str, *, destination: str = "", avoid: Sequence[str] = (), at: float | None = None) -> None:
        """Give a vehicle the fastest way by limits and permissions of the moment, to its own destination or another one."""
        self._give("reroute_fastest", {"vehicle": vehicle, "destination": destination, "avoid": list(avoid)}, at)

    def stop_vehicle(
        self,
        vehicle: str,
        lane: str,
        *,
        position: float | None = None,
        duration: float = math.inf,
        parking: bool = False,
        at: float | None = None,
    ) -> None:
        """Let a vehicle stop on a lane of its way with its front at `position` [m] (None: the lane's end).

        Parameters
        ----------
        duration : [s] inf: until it is told to resume
        parking : beside the road, so that others can pass
        """
        seconds = None if math.isinf(duration) else duration
        arguments = {"vehicle": vehicle, "lane": lane, "position": position, "duration": seconds, "parking": parking}
        self._give("stop_vehicle", arguments, at)

    def resume_vehicle(self, vehicle: str, *, at: float | None = None) -> None:
        """Send a vehicle on from the stop that it makes."""
        self._give("resume_vehicle", {"vehicle": vehicle}, at)

    # --- the queue and the log -------------------------------------------------------------------------------------

    @property
    def log(self) -> tuple[Command, ...]:
        """What has acted on the world so far, in order."""
        return tuple(self._log)

    def replay(self, log: Iterable[Command]) -> None:
        """Give the commands of another run's log once more, each at its time; what came by itself comes by itself again."""
        for command in log:
            if command.source == "command":
                self._enqueue(replace(command, refused=""))

    def schedule(self, kind: str, arguments: Mapping[str, Any], at: float, source: str) -> None:
        """Enqueue what a scenario plans."""
        self._enqueue(Command(at, kind, arguments, source))

    def register(self, kind: str, order: Callable[..., Callable[[], None]]) -> None:
        """Take in a kind of command that a part of the run plans for itself."""
        self._orders[kind] = order

    def note(self, kind: str, arguments: Mapping[str, Any], source: str, time: float) -> None:
        """Write down what has just been done to the world at a time [s], not by this queue."""
        self._log.append(Command(time, kind, arguments, source))

    def next_step(self) -> float:
        """Index of the step at whose start the next command acts; inf: none."""
        return self._queue[0][0] if self._queue else math.inf

    @property
    def adds_later(self) -> bool:
        """Is a vehicle still to be added?"""
        return self.vehicles is not None and bool(self.vehicles.coming)

    @property
    def expects(self) -> bool:
        """Is anything from outside still to be done?"""
        return any(command.source == "command" for _, _, command in self._queue)

    def state(self) -> dict[str, Any]:
        """What evolves, as plain values."""
        waiting = self._queue
        return {
            "given": self._given,
            "step": np.array([step for step, _, _ in waiting], np.int64),
            "number": np.array([number for _, number, _ in waiting], np.int64),
            "queue": _columns([command for _, _, command in waiting]),
            "log": _columns(self._log),
            "closings": self._lanes.closings() if self._lanes is not None else [],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says."""
        self._queue.clear()
        if self.vehicles is not None and self._lanes is not None:
            self.vehicles.coming.clear()
            self._lanes.restore(state["closings"])
        for step, number, command in zip(state["step"].tolist(), state["number"].tolist(), _rows(state["queue"]), strict=True):
            self._note_coming(command)
            self._queue.append((step, number, command))  # in the order of the heap
        self._given, self._log = state["given"], _rows(state["log"])

    def apply(self, step: int, time: float) -> None:
        """Do what is due at the start of a step."""
        while self._queue and self._queue[0][0] <= step:
            command = replace(heapq.heappop(self._queue)[2], time=time)
            if command.kind in ADDING and self.vehicles is not None:
                self.vehicles.coming.discard(command.arguments["vehicle"])
            try:
                self._prepare(command)()
            except InputError as refusal:
                command = replace(command, refused=refusal.message)
            self._log.append(command)

    def _give(self, kind: str, arguments: Mapping[str, Any], at: float | None) -> None:
        """Check a command, then enqueue it."""
        time = self._run.time if at is None else float(at)
        if not time >= self._run.time or math.isinf(time):
            raise ConfigError("a command comes too late", got=f"{time:g} s", expected=f"{self._run.time:g} s or later")
        command = Command(time, kind, arguments)
        try:
            self._prepare(command)
        except CommandError:
            if at is None and not self._is_coming(arguments):
                raise
        self._enqueue(command)

    def _is_coming(self, arguments: Mapping[str, Any]) -> bool:
        """Is it about a vehicle that is only about to be added?"""
        return self.vehicles is not None and arguments.get("vehicle") in self.vehicles.coming

    def _note_coming(self, command: Command) -> None:
        if command.kind in ADDING and self.vehicles is not None:
            self.vehicles.coming.add(command.arguments["vehicle"])

    def _enqueue(self, command: Command) -> None:
        self._note_coming(command)
        heapq.heappush(self._queue, (int(self._run.step_at(command.time)), self._given, command))
        self._given += 1

    def _prepare(self, command: Command) -> Callable[[], None]:
        order = self._orders.get(command.kind)
        if order is None:
            raise ConfigError(f"'{command.kind}' is not modelled under the rules of CityFlow", expected=", ".join(self._orders))
        time = {"time": command.time} if command.kind in TIMED else {}
        return order(**command.arguments, **time)

    def _lanes_of(self, edge: str) -> list[str]:
        number = self._network.edge_of_id.get(edge, -1)
        if number < 0 or self._network.edge_function[number] != EdgeFunction.NORMAL:
            raise ConfigError(f"unknown edge '{edge}'", hint=nearest_names(edge, streets(self._network)))
        return [self._network.lane_id(lane) for lane in range(*self._network.edge_first_lane[number : number + 2].tolist())]


def _columns(commands: Sequence[Command]) -> dict[str, Any]:
    """Commands as plain columns."""
    return {
        "time": np.array([command.time for command in commands], np.float64),
        **{name: [getattr(command, name) for command in commands] for name in ("kind", "arguments", "source", "refused")},
    }


def _rows(columns: dict[str, Any]) -> list[Command]:
    """Commands of plain columns."""
    return [Command(*row) for row in zip(columns["time"].tolist(), *list(columns.values())[1:], strict=True)]


DEPART_LANES = ("best_prob", "best", "free", "allowed", "first", "random")
DEPART_SPEEDS = ("avg", "max", "desired", "speed_limit", "last", "random")
