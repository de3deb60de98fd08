"""Stops of vehicles: where they are and which place of the route they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanlab.city.demand import StopRow
from urbanlab.city.network import EdgeFunction, Network
from urbanlab.city.readers.sumo_values import Values, nearest
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import DemandError

__all__ = ["STOPPING_PLACES", "StopDraft", "StoppingPlace", "resolve_stop", "stops_on_route"]

Attributes = dict[str, str]
STOPPING_PLACES = ("busStop", "trainStop", "containerStop", "chargingStation", "parkingArea", "overheadWireSegment")
_SHORTEST = 0.2  # [m] twice SUMO's POSITION_EPS: length of a stop for which only an end is given
# they change what a stop does and have no counterpart here
_EFFECTIVE = (
    "speed",
    "jump",
    "split",
    "join",
    "extension",
    "ended",
    "arrival",
    "onDemand",
    "triggered",
    "containerTriggered",
    "index",
)
_FALSE = ("0", "false", "", "-1")


@dataclass(frozen=True)
class StoppingPlace:
    """A bus stop or another named place on a lane."""

    lane: int
    start: float  # [m]
    end: float  # [m]


@dataclass(frozen=True)
class StopDraft:
    """A stop as written, to be resolved once all files are read."""

    attributes: Attributes
    where: str


def resolve_stop(
    draft: StopDraft,
    network: Network,
    places: dict[tuple[str, str], StoppingPlace],
    values: Values,
    report: ImportReport,
) -> StopRow:
    """One stop with its lane and positions."""
    attributes = draft.attributes
    place, stop_id = _place(attributes, network, places, values)
    for key in _EFFECTIVE:
        if attributes.get(key, "0") not in _FALSE:
            report.note(f"stop attribute {key}", draft.where)
    parking = attributes.get("parking", "false")
    if parking == "opportunistic":
        report.note("stop attribute parking=opportunistic", draft.where)
        parking = "false"
    is_parking = values.flag({"parking": parking}, "parking", default=False) or "parkingArea" in attributes
    triggered = attributes.get("triggered", "false")
    duration = values.time(attributes, "duration", 0.0)
    return StopRow(
        lane=place.lane,
        start=place.start,
        end=place.end,
        duration=max(duration, 0.0),
        until=values.time(attributes, "until", -1.0),
        parking=is_parking,
        stop_id=stop_id if "parkingArea" not in attributes else "",  # whose room is not that of a stopping place
        triggered=triggered not in _FALSE,
    )


def _place(
    attributes: Attributes, network: Network, places: dict[tuple[str, str], StoppingPlace], values: Values
) -> tuple[StoppingPlace, str]:
    for kind in STOPPING_PLACES:
        name = attributes.get(kind)
        if name is not None:
            place = places.get((kind, name))
            if place is None:
                known = [other for which, other in places if which == kind]
                raise DemandError(f"a vehicle stops at the unknown {kind} '{name}'", hint=nearest(name, known))
            return place, name
    if "lane" in attributes:
        lane = network.lane_of_id(attributes["lane"])
    elif "edge" in attributes:
        lane = int(network.edge_first_lane[network.edge_of_id[attributes["edge"]]]) if attributes["edge"] in network.edge_of_id else -1
    else:
        raise DemandError("a stop does not say where it is", expected="busStop, lane or edge", got=dict(attributes))
    if lane < 0:
        raise DemandError(f"a vehicle stops on the unknown lane '{attributes.get('lane') or attributes.get('edge')}'")
    return lane_range(attributes, lane, network, values, shortest=_SHORTEST), ""


def lane_range(attributes: Attributes, lane: int, network: Network, values: Values, *, shortest: float) -> StoppingPlace:
    """Start and end on a lane [m]; negative positions count from the end. Places beyond the lane are pulled onto it."""
    length = float(network.lane_length[lane])
    end = values.number(attributes, "endPos", length)
    end = end + length if end < 0 else end
    start = values.number(attributes, "startPos", max(end - shortest, 0.0) if shortest else 0.0)
    start = start + length if start < 0 else start
    if (end > length + 0.1 or start < -0.1 or start > end) and not values.flag(attributes, "friendlyPos", default=False):
        raise values.error(
            "a stop does not fit on its lane", got=f"{start:g} to {end:g} m",
            expected=f"0 <= startPos < endPos <= {length:g} m (lane '{network.lane_id(lane)}')",
        )  # fmt: skip
    end = min(max(end, 0.0), length)
    return StoppingPlace(lane, min(max(start, 0.0), end), end)


def stops_on_route(stops: list[StopRow], edges: np.ndarray, network: Network) -> list[int] | None:
    """Earliest place in the route that each stop may belong to, in the stops' order; None where one doesn't fit."""
    places: list[int] = []
    at, reached = 0, 0.0
    for stop in stops:
        edge = int(network.lane_edge[stop.lane])
        if network.edge_function[edge] == EdgeFunction.INTERNAL:
            places.append(-1)  # inside a junction: no edge of the route has it
            continue
        found = np.flatnonzero(edges[at:] == edge)
        if len(found) and found[0] == 0 and stop.end < reached:
            found = found[1:]  # behind the stop before it: only when the route comes here again
        if not len(found):
            return None
        if found[0] > 0:
            at += int(found[0])
        reached = stop.end
        places.append(at)
    return places
