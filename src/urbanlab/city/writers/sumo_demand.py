"""Demand as SUMO's `rou.xml`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from urbanlab.city.demand import DEVICE_PARAMS, CarFollowing, Demand, DepartLane, DepartPos, DepartSpeed, Flow, StopRow, VehicleType
from urbanlab.city.network import Network
from urbanlab.city.writers.sumo_net import open_tag, tag, text_of

__all__ = ["demand_lines", "named_places"]

_IMPATIENCE_OFF = -1e9
_LANES = {
    DepartLane.FIRST: "first", DepartLane.RANDOM: "random", DepartLane.FREE: "free",
    DepartLane.ALLOWED: "allowed", DepartLane.BEST: "best", DepartLane.BEST_PROB: "best_prob",
}  # fmt: skip
_POSITIONS = {
    DepartPos.BASE: "base", DepartPos.RANDOM: "random", DepartPos.FREE: "free",
    DepartPos.RANDOM_FREE: "random_free", DepartPos.LAST: "last", DepartPos.STOP: "stop", DepartPos.MAX: "last",
}  # fmt: skip
_SPEEDS = {
    DepartSpeed.RANDOM: "random", DepartSpeed.MAX: "max", DepartSpeed.DESIRED: "desired",
    DepartSpeed.SPEED_LIMIT: "speedLimit", DepartSpeed.LAST: "last", DepartSpeed.AVG: "avg",
}  # fmt: skip


def demand_lines(demand: Demand, network: Network) -> Iterator[str]:
    """Lines of a route file: types, distributions, routes, then vehicles by departure.

    SUMO has no counterpart of CityFlow's own following rule; such types are written as Krauss with the same
    lengths, accelerations and speeds.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<routes>\n'
    type_ids = [kind.vehicle_type_id for kind in demand.vehicle_types]
    mixes = _free_names("mix", len(demand.distributions), type_ids)
    for row, kind in enumerate(demand.vehicle_types):
        if row or kind != VehicleType():
            yield from _vehicle_type(kind)
    for row, (members, weights) in enumerate(demand.distributions):
        yield tag(
            "vTypeDistribution",
            id=mixes[row],
            vTypes=" ".join(type_ids[member] for member in members),
            probabilities=" ".join(map(text_of, weights)),
        )
    for row in range(len(demand.route_start) - 1):
        yield tag("route", id=f"route{row}", edges=" ".join(network.edge_id[edge] for edge in demand.route(row)))
    for row, (members, weights) in enumerate(demand.route_distributions):
        yield tag(
            "routeDistribution",
            id=f"routes{row}",
            routes=" ".join(f"route{member}" for member in members),
            probabilities=" ".join(map(text_of, weights)),
        )
    flow_of_trip = {flow.trip: flow for flow in demand.flows}
    places = named_places(demand)
    for trip in range(demand.num_trips):
        flow, code = flow_of_trip.get(trip), int(demand.trip_type[trip])
        type_id = type_ids[code] if code >= 0 else mixes[-2 - code]
        yield from _trip(trip, demand, network, flow, type_id, places)
    yield "</routes>\n"


def _free_names(prefix: str, count: int, taken: list[str]) -> list[str]:
    """Names that nothing else has."""
    while any(name.startswith(prefix) for name in taken):
        prefix = "_" + prefix
    return [f"{prefix}{row}" for row in range(count)]


def _vehicle_type(kind: VehicleType) -> Iterator[str]:
    params = {key: value for key, value in kind.attributes.items() if key in DEVICE_PARAMS}
    mean, deviation, low, high = kind.speed_factor
    is_idm = kind.car_following is CarFollowing.IDM
    model = kind.lane_change_model if kind.lane_change_model == "SL2015" else None
    yield (open_tag if params else tag)(
        "vType",
        id=kind.vehicle_type_id,
        vClass=kind.vehicle_class,
        length=kind.length,
        width=kind.width,
        minGap=kind.min_gap,
        maxSpeed=kind.max_speed,
        desiredMaxSpeed=kind.desired_max_speed,
        accel=kind.accel,
        decel=kind.decel,
        emergencyDecel=kind.emergency_decel,
        apparentDecel=kind.apparent_decel,
        sigma=kind.sigma,
        tau=kind.tau,
        carFollowModel="IDM" if is_idm else "Krauss",
        delta=kind.delta if is_idm else None,
        speedFactor=f"normc({mean!r},{deviation!r},{low!r},{high!r})",
        impatience="off" if kind.impatience == _IMPATIENCE_OFF else kind.impatience,
        startupDelay=kind.start_loss or None,
        laneChangeModel=model,
        **kind.lane_change,
        **kind.junction,
        emissionClass=kind.emission_class or None,
        boardingDuration=kind.boarding,
        **{key: value for key, value in kind.attributes.items() if key != "carFollowModel" and key not in params},
    )
    yield from (tag("param", key=key, value=value) for key, value in params.items())
    if params:
        yield "</vType>\n"


def named_places(demand: Demand) -> dict[str, tuple[int, float, float]]:
    """Lane, start and end of each named stop; a name that stands for two places is left out."""
    places: dict[str, tuple[int, float, float]] = {}
    twice: set[str] = set()
    for stop in demand.stops:
        if stop.stop_id and places.setdefault(stop.stop_id, (stop.lane, stop.start, stop.end)) != (
            stop.lane,
            stop.start,
            stop.end,
        ):
            twice.add(stop.stop_id)
    return {name: place for name, place in places.items() if name not in twice}


def _trip(
    trip: int,
    demand: Demand,
    network: Network,
    flow: Flow | None,
    type_id: str,
    places: dict[str, tuple[int, float, float]],
) -> Iterator[str]:
    route = int(demand.trip_route[trip])
    via = demand.via_edge[demand.trip_via_start[trip] : demand.trip_via_start[trip + 1]]
    stops = demand.stops[demand.trip_stop_start[trip] : demand.trip_stop_start[trip + 1]]
    name = "flow" if flow is not None else "vehicle" if route != -1 else "trip"
    rerouting = float(demand.trip_rerouting[trip])
    has_inside = bool(stops) or rerouting >= 0.0
    yield (open_tag if has_inside else tag)(
        name,
        id=demand.trip_id[trip],
        type=type_id,
        **_times(flow, float(demand.trip_depart[trip])),
        route=None if route == -1 else f"route{route}" if route >= 0 else f"routes{-2 - route}",
        from_=network.edge_id[demand.trip_from[trip]] if route == -1 else None,
        to=network.edge_id[demand.trip_to[trip]] if route == -1 else None,
        via=" ".join(network.edge_id[edge] for edge in via) or None if route == -1 else None,
        **_manner(trip, demand),
    )
    if rerouting >= 0.0:
        yield tag("param", key="has.rerouting.device", value="true" if rerouting > 0.0 else "false")
        yield tag("param", key="device.rerouting.period", value=rerouting if math.isfinite(rerouting) else 0.0)
    for stop in stops:
        yield _stop(stop, network, places)
    if has_inside:
        yield f"</{name}>\n"


def _times(flow: Flow | None, depart: float) -> dict[str, object]:
    if flow is None:
        return {"depart": depart}
    rate: dict[str, object] = {"period": flow.period} if flow.period else {"probability": flow.probability}
    if flow.poisson_rate:
        rate = {"period": f"exp({flow.poisson_rate!r})"}
    end = {} if math.isinf(flow.end) else {"end": flow.end}
    number = {} if flow.number < 0 else {"number": flow.number}
    return {"begin": flow.begin, **end, **rate, **number}


def _manner(trip: int, demand: Demand) -> dict[str, object]:
    """How a trip departs and arrives, in SUMO's words."""
    lane, position = DepartLane(int(demand.depart_lane[trip])), DepartPos(int(demand.depart_pos[trip]))
    speed = DepartSpeed(int(demand.depart_speed[trip]))
    arrival_lane, arrival_pos = int(demand.arrival_lane[trip]), float(demand.arrival_pos[trip])
    arrival_speed = float(demand.arrival_speed[trip])
    return {
        "departLane": int(demand.depart_lane_index[trip]) if lane is DepartLane.GIVEN else _LANES[lane],
        "departPos": demand.depart_pos_value[trip] if position is DepartPos.GIVEN else _POSITIONS[position],
        "departSpeed": demand.depart_speed_value[trip] if speed is DepartSpeed.GIVEN else _SPEEDS[speed],
        "arrivalLane": arrival_lane if arrival_lane >= 0 else None,
        "arrivalPos": None if math.isinf(arrival_pos) else arrival_pos,
        "arrivalSpeed": arrival_speed if arrival_speed >= 0 else None,
    }


def _stop(stop: StopRow, network: Network, places: dict[str, tuple[int, float, float]]) -> str:
    is_named = stop.stop_id in places
    return tag(
        "stop",
        busStop=stop.stop_id if is_named else None,
        lane=None if is_named else network.lane_id(stop.lane),
        startPos=None if is_named else stop.start,
        endPos=None if is_named else stop.end,
        duration=stop.duration,
        until=stop.until if stop.until >= 0 else None,
        parking="true" if stop.parking else None,
        triggered="true" if stop.triggered else None,
    )
