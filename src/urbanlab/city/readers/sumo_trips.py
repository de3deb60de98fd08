"""From what the files of a scenario say about vehicles to the columns of a demand."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import Demand, Flow, StopRow
from urbanlab.city.readers.sumo_demand import DemandReader
from urbanlab.city.readers.sumo_routes import NamedRoute, has_gap
from urbanlab.city.readers.sumo_stops import StopDraft, StoppingPlace, resolve_stop, stops_on_route
from urbanlab.city.readers.sumo_types import TypeReader
from urbanlab.city.readers.sumo_values import nearest
from urbanlab.core.errors import DemandError, UrbanlabError

__all__ = ["build_demand"]

_Distribution = tuple[tuple[int, ...], tuple[float, ...]]


@dataclass
class _Rows:
    """Vehicles while names are being resolved."""

    reader: DemandReader
    route: NDArray[np.int32]
    keep: NDArray[np.bool_]
    distributions: list[_Distribution]
    route_stops: dict[int, list[StopDraft]]  # by row: stops that come with a named route


def build_demand(reader: DemandReader, types: TypeReader, places: dict[tuple[str, str], StoppingPlace]) -> Demand:
    """The demand of all files together.

    Raises
    ------
    DemandError
        unknown edges, routes, types or stops, routes with gaps, two vehicles of one id
    """
    _raise(reader.problems)
    vehicle_types, distributions, type_code = types.build(list(reader.type_names))
    unknown = [name for name in reader.type_names if name not in type_code]
    if unknown:
        lacking = {reader.type_names[name] for name in unknown}
        rows = [row for row, code in enumerate(reader.type) if code in lacking]
        raise DemandError(
            f"vehicle '{reader.ids[rows[0]]}' has the unknown type '{unknown[0]}'",
            where=reader.place(rows[0]), hint=nearest(unknown[0], types.known), items=unknown,
        )  # fmt: skip
    rows_ = _named_routes(reader)
    _refuse_gaps(rows_)
    stops = _stops(rows_, places)
    kept = np.flatnonzero(rows_.keep)
    depart = np.array(reader.depart, np.float64)
    order = kept[np.argsort(depart[kept], kind="stable")]
    _refuse_twice(reader, order)
    codes = np.array([type_code[name] for name in reader.type_names], np.int32)
    start, edges = reader.routes.columns()
    template = np.zeros(len(depart), np.bool_)
    template[list(reader.flows)] = True
    rerouting = np.full(len(depart), -1.0)
    rerouting[list(reader.rerouting)] = list(reader.rerouting.values())
    ids, numbers = reader.ids, order.tolist()
    return Demand(
        trip_id=tuple([ids[row] for row in numbers]),
        trip_type=codes[np.array(reader.type, np.int32)][order],
        trip_depart=depart[order],
        trip_route=rows_.route[order],
        trip_from=np.array(reader.start, np.int32)[order], trip_to=np.array(reader.end, np.int32)[order],
        trip_is_template=template[order], trip_rerouting=rerouting[order],
        route_start=start, route_edge=edges,
        vehicle_types=vehicle_types, distributions=distributions,
        flows=_flows(reader.flows, order), route_distributions=tuple(rows_.distributions),
        **_ranges(reader, stops, numbers, rows_.route), **_typed(reader, order),
    )  # fmt: skip


def _typed(reader: DemandReader, order: NDArray[np.int64]) -> dict[str, Any]:
    return dict(reader.styles.columns(np.array(reader.style, np.int32)[order]))


def _raise(problems: list[tuple[str, str]]) -> None:
    if problems:
        message, hint = problems[0]
        raise DemandError(message, items=[text for text, _ in problems] if len(problems) > 1 else (), hint=hint)


def _named_routes(reader: DemandReader) -> _Rows:
    """Put rows of routes, or of distributions of routes, where vehicles give names."""
    route = np.array(reader.route, np.int32)
    rows = _Rows(reader, route, np.ones(len(route), np.bool_), [], {})
    codes: list[int | None] = []
    for name in reader.names:
        entry = reader.named.get(name)
        if entry is None:
            row = int(np.flatnonzero(route == -2 - len(codes))[0])
            raise DemandError(
                f"vehicle '{reader.ids[row]}' takes the unknown route '{name}'",
                where=reader.place(row), hint=nearest(name, reader.named),
            )  # fmt: skip
        if entry.route == -1:
            codes.append(-2 - len(rows.distributions))
            rows.distributions.append(_members(name, entry, reader.named))
        else:
            codes.append(entry.route if entry.route >= 0 else None)
    named = np.flatnonzero(route <= -2)
    for row in named.tolist():
        which = -2 - int(route[row])
        code = codes[which]
        if code is None:  # counted already: its edges are not all known, and the options say to go on
            rows.keep[row] = False
            continue
        route[row] = code
        if stops := reader.named[reader.names[which]].stops:
            rows.route_stops[row] = stops
    return rows


def _members(name: str, entry: NamedRoute, named: dict[str, NamedRoute]) -> _Distribution:
    members, weights = [], []
    for member, weight in zip(entry.members, entry.weights, strict=True):
        route = named.get(member)
        if route is None or route.route == -1:
            raise DemandError(f"route distribution '{name}' names the unknown route '{member}'", hint=nearest(member, named))
        if route.route >= 0:
            members.append(route.route)
            weights.append(weight)
    if not sum(weights) > 0:
        raise DemandError(f"route distribution '{name}' has no route that can be drawn", expected="a probability above 0")
    return tuple(members), tuple(weights)


def _refuse_gaps(rows: _Rows) -> None:
    reader, network = rows.reader, rows.reader.network
    start, edges = reader.routes.columns()
    gap = has_gap(network, start, edges) if len(edges) else np.empty(0, np.int64)
    if not np.any(gap >= 0):
        return
    given = rows.route >= 0
    bad = np.zeros(len(rows.route), np.bool_)
    bad[given] = gap[rows.route[given]] >= 0
    problems: list[tuple[str, str]] = []
    for row in np.flatnonzero(bad & rows.keep).tolist():
        first = int(start[rows.route[row]] + gap[rows.route[row]])
        pair = f"'{network.edge_id[edges[first]]}' and '{network.edge_id[edges[first + 1]]}'"
        if reader.rules.ignore_route_errors:
            rows.keep[row] = False
            reader.report.note("route with a gap", reader.ids[row])
        else:
            text = f"route of vehicle '{reader.ids[row]}' has a gap between the edges {pair} ({reader.place(row)})"
            problems.append((text, "add what lies between, or give 'from' and 'to' and let urbanlab find the route"))
    for members, _ in rows.distributions:
        for member in members:
            if gap[member] >= 0:
                first = int(start[member] + gap[member])
                problems.append((f"a route of a distribution has a gap after edge '{network.edge_id[edges[first]]}'", ""))
    _raise(problems)


def _refuse_twice(reader: DemandReader, order: NDArray[np.int64]) -> None:
    ids = [reader.ids[row] for row in order.tolist()]
    if len(set(ids)) == len(ids):
        return
    twice = [name for name, count in Counter(ids).items() if count > 1]
    second = [row for row in sorted(order.tolist()) if reader.ids[row] == twice[0]][1]
    raise DemandError(
        f"two vehicles are called '{twice[0]}'", expected="an id of its own for every vehicle",
        where=reader.place(second), items=twice if len(twice) > 1 else (),
    )  # fmt: skip


def _stops(rows: _Rows, places: dict[tuple[str, str], StoppingPlace]) -> dict[int, list[StopRow]]:
    """Stops of each vehicle that has any: those of its named route first, as SUMO adds them."""
    reader = rows.reader
    found: dict[int, list[StopRow]] = {}
    for row in sorted(reader.stops.keys() | rows.route_stops.keys()):
        if not rows.keep[row]:
            continue
        drafts = [*rows.route_stops.get(row, ()), *reader.stops.get(row, ())]
        stops = [_stop(draft, reader, places) for draft in drafts]
        if rows.route[row] >= 0:
            on_route = stops_on_route(stops, reader.routes.of(int(rows.route[row])), reader.network)
            if on_route is None:
                if not reader.rules.ignore_route_errors:
                    raise DemandError(
                        f"a stop of vehicle '{reader.ids[row]}' does not lie on its route, or not in this order",
                        got=", ".join(reader.network.lane_id(stop.lane) for stop in stops[:6]), where=reader.place(row),
                    )  # fmt: skip
                reader.report.note("stop beside the route", reader.ids[row])
                continue
            stops = [replace(stop, on_route=place) for stop, place in zip(stops, on_route, strict=True)]
        found[row] = stops
    return found


def _stop(draft: StopDraft, reader: DemandReader, places: dict[tuple[str, str], StoppingPlace]) -> StopRow:
    try:
        return resolve_stop(draft, reader.network, places, reader.values, reader.report)
    except UrbanlabError as problem:
        problem.where = problem.where or draft.where
        raise


def _ranges(reader: DemandReader, stops: dict[int, list[StopRow]], order: list[int], route: NDArray[np.int32]) -> dict[str, Any]:
    """Stops and via edges as ranges. A trip that is still to be routed passes the edges of its stops, as in SUMO."""
    lane_edge = reader.network.lane_edge
    stop_start, via_start, via_edges = array("q", [0]), array("q", [0]), array("i")
    stop_rows: list[StopRow] = []
    for row in order:
        mine = stops.get(row)
        if mine:
            stop_rows += mine
        via = reader.via.get(row)
        if mine and route[row] == -1:
            edges = [int(lane_edge[stop.lane]) for stop in mine]
            if via and not set(edges) <= set(via):
                reader.report.note("stop beside the via edges of a trip", reader.ids[row])
            via = via or [edge for at, edge in enumerate(edges) if at == 0 or edges[at - 1] != edge]
        if via:
            via_edges.extend(via)
        stop_start.append(len(stop_rows))
        via_start.append(len(via_edges))
    return {
        "stops": tuple(stop_rows), "trip_stop_start": np.array(stop_start, np.int64),
        "trip_via_start": np.array(via_start, np.int64), "via_edge": np.array(via_edges, np.int32),
    }  # fmt: skip


def _flows(flows: dict[int, Flow], order: NDArray[np.int64]) -> tuple[Flow, ...]:
    if not flows:
        return ()
    trip_of_row = {row: trip for trip, row in enumerate(order.tolist())}
    return tuple(replace(flow, trip=trip_of_row[row]) for row, flow in flows.items() if row in trip_of_row)
