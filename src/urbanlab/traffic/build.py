"""Scenario -> World: vehicle types, departures, empty state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from urbanlab.city.acted_on import JUNCTION_PARAMETERS, LANE_CHANGE_PARAMETERS
from urbanlab.city.demand import Demand, VehicleType
from urbanlab.city.network import VEHICLE_CLASSES, Network
from urbanlab.core.rng import entity_key, stream_key
from urbanlab.traffic.kernels.arrays import Net, Params, Places, Types
from urbanlab.traffic.kernels.navigation import Navigation
from urbanlab.traffic.kernels.sensors import Areas, Points
from urbanlab.traffic.kernels.state import new_items, new_lanes, new_pool, new_slots, new_trips
from urbanlab.traffic.kernels.world import NUM_REMEMBERED, Departures, Links, Memory, Watch, World
from urbanlab.traffic.navigation import Choosers
from urbanlab.traffic.physics.emissions import FUEL_ROWS, row_of_class
from urbanlab.traffic.routes import CompiledRoutes

__all__ = ["arrival_places", "class_bits", "compile_types", "new_world", "speed_factors", "trip_keys"]

NUM_COUNTS = 16
FIRST_SLOTS = 1024
"""Room for so many vehicles, more or less; it doubles when it runs out."""
NUM_CHUNKS = 64


def class_bits(vehicle_types: Sequence[VehicleType]) -> NDArray[np.int64]:
    """(T,) permission bit of each vehicle type."""
    return np.array([1 << VEHICLE_CLASSES.index(t.vehicle_class) for t in vehicle_types], np.int64)


def compile_types(vehicle_types: Sequence[VehicleType]) -> Types:
    """Vehicle types as columns; what a type does not say has SUMO's default."""

    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(t, name) for t in vehicle_types], np.float64)

    def parameter(name: str) -> NDArray[np.float64]:
        if name in LANE_CHANGE_PARAMETERS:
            return np.array([t.lane_change.get(name, LANE_CHANGE_PARAMETERS[name]) for t in vehicle_types], np.float64)
        return np.array([t.junction.get(name, JUNCTION_PARAMETERS[name]) for t in vehicle_types], np.float64)

    mobil = [t.lane_change_model == "MOBIL" for t in vehicle_types]
    return Types(
        model=np.array([int(t.car_following) for t in vehicle_types], np.uint8),
        class_bit=class_bits(vehicle_types),
        length=column("length"),
        min_gap=column("min_gap"),
        max_speed=column("max_speed"),
        desired_max_speed=column("desired_max_speed"),
        accel=column("accel"),
        decel=column("decel"),
        emergency_decel=np.maximum(column("emergency_decel"), column("decel")),
        apparent_decel=column("apparent_decel"),
        sigma=column("sigma"),
        tau=column("tau"),
        delta=column("delta"),
        impatience=column("impatience"),
        timegap_minor=parameter("jmTimegapMinor"),
        stopline_gap=parameter("jmStoplineGap"),
        keep_clear_time=parameter("jmIgnoreKeepClearTime"),
        lc_strategic=parameter("lcStrategic"),
        lc_cooperative=parameter("lcCooperative"),
        lc_speed_gain=parameter("lcSpeedGain"),
        lc_keep_right=parameter("lcKeepRight"),
        lc_lookahead_left=parameter("lcLookaheadLeft"),
        lc_speed_gain_right=parameter("lcSpeedGainRight"),
        lc_assertive=parameter("lcAssertive"),
        lc_mobil=np.array(mobil, np.uint8),
        emission=np.array([row_of_class(t.vehicle_class) for t in vehicle_types], np.int32),
        fuel=np.array(FUEL_ROWS, np.float64).ravel(),
    )


def trip_keys(trip_ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """(V,) key of all draws of each trip: a function of the seed and the trip's identifier alone."""
    keys = np.array([entity_key(name) for name in trip_ids], np.uint64)
    return keys ^ np.uint64(stream_key(seed, "trips"))


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Uniform in (0, 1) from keys, by the finaliser of SplitMix64."""
    bits = keys.copy()
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def speed_factors(vehicle_types: Sequence[VehicleType], kind: NDArray[np.int32], trip_ids: Sequence[str], seed: int) -> NDArray[np.float64]:
    """(V,) own speed factor of each driver: a normal deviate within bounds, as SUMO's normc.

    Drawn by inversion of the truncated distribution, which is that of rejecting what lies outside.
    """
    table = np.array([t.speed_factor for t in vehicle_types], np.float64).reshape(-1, 4)
    mean, deviation, low, high = table[kind].T
    keys = np.array([entity_key(name) for name in trip_ids], np.uint64) ^ np.uint64(stream_key(seed, "speed factor"))
    draw = _mixed(keys)
    spread = deviation > 0.0
    safe = np.where(spread, deviation, 1.0)
    below, above = ndtr((low - mean) / safe), ndtr((high - mean) / safe)
    value: NDArray[np.float64] = mean + safe * ndtri(below + draw * (above - below))
    return np.where(spread, np.clip(value, low, high), mean)


def arrival_places(wanted: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """(V,) [m] where trips arrive on their last edges, which end at `end` [m]; negative wishes count from there."""
    place = np.where(np.isnan(wanted), math.inf, wanted)
    place = np.where(place < 0.0, np.maximum(place + end, 0.0), place)
    return np.asarray(np.minimum(place, end))


def _departures(
    demand: Demand,
    net: Net,
    compiled: CompiledRoutes,
    rows: NDArray[np.int64],
    kind: NDArray[np.int32],
    depart: NDArray[np.float64],
    choosers: Choosers,
) -> Departures:
    num = len(rows)
    last = _last_edge(compiled, num)
    end = net.lane_length[net.edge_first_lane[last]] if num else np.zeros(0)
    num_edges = len(net.edge_num_lanes)
    return Departures(
        depart=depart,
        kind=kind,
        route=compiled.trip_route,
        stop=compiled.trip_stop,
        lane_mode=demand.depart_lane[rows],
        lane_index=demand.depart_lane_index[rows],
        pos_mode=demand.depart_pos[rows],
        pos=demand.depart_pos_value[rows],
        speed_mode=demand.depart_speed[rows],
        speed=demand.depart_speed_value[rows],
        arrival_pos=arrival_places(demand.arrival_pos[rows], end),
        arrival_speed=demand.arrival_speed[rows],
        factor=np.ones(num),
        **choosers._asdict(),
        next=np.full(num, -1, np.int32),
        queue_head=np.full(num_edges, -1, np.int32),
        queue_tail=np.full(num_edges, -1, np.int32),
        queued=np.zeros(num_edges + 1, np.int32),
        cursor=np.zeros(4, np.int64),
    )


def _last_edge(compiled: CompiledRoutes, num: int) -> NDArray[np.int32]:
    """Final edge of each trip."""
    if not num:
        return np.zeros(0, np.int32)
    ends = np.flatnonzero(compiled.routes.last)
    return compiled.routes.edge[ends[np.searchsorted(ends, compiled.trip_route)]]


def _memory(net: Net, longest: float) -> tuple[NDArray[np.int32], Memory]:
    """Links that others yield to that start from lanes on which not every vehicle fits (`longest` [m] with its gap)."""
    short = net.lane_length[net.link_from] < longest
    yields = np.repeat(short, np.diff(net.yield_start))
    rows = np.full(len(short), -1, np.int32)
    links = np.unique(net.yield_link[yields])
    rows[links] = np.arange(len(links))
    num = len(links) * NUM_REMEMBERED
    ints: dict[str, Any] = {name: np.zeros(num, np.int32) for name in ("trip", "kind")}
    floats: dict[str, Any] = {name: np.zeros(num) for name in Memory._fields[3:]}
    return rows, Memory(num=np.zeros(len(links), np.int32), **ints, **floats)


def new_world(  # noqa: PLR0913 - all that a world is made of, by keyword
    network: Network,
    net: Net,
    demand: Demand,
    compiled: CompiledRoutes,
    *,
    rows: NDArray[np.int64],
    kind: NDArray[np.int32],
    depart: NDArray[np.float64],
    trip_ids: Sequence[str],
    seed: int,
    params: Params,
    signal_state: NDArray[np.uint8],
    points: Points,
    areas: Areas,
    choosers: Choosers,
    nav: Navigation,
) -> World:
    """An empty world with all trips still to come; slots and lanes hold one virtual lane for vehicles off the road."""
    num_lanes = network.num_lanes
    departures = _departures(demand, net, compiled, rows, kind, depart, choosers)
    departures = departures._replace(factor=speed_factors(demand.vehicle_types, kind, trip_ids, seed))
    speed = np.append(network.lane_speed, 1.0)
    permissions = np.append(network.lane_permissions, 0)
    num_slots = FIRST_SLOTS
    num_links, num_places = len(net.link_from), int(compiled.stops.place.max(initial=-1)) + 1
    types = compile_types(demand.vehicle_types)
    remembered, memory = _memory(net, float((types.length + types.min_gap).max(initial=0.0)))
    return World(
        net=net,
        types=types,
        routes=compiled.routes,
        runs=compiled.runs,
        stops=compiled.stops,
        places=Places(np.full(num_places, -np.inf), np.zeros(num_places), np.zeros(num_places, np.int32)),
        lanes=new_lanes(speed, permissions),
        slots=new_slots(num_slots),
        trips=new_trips(len(rows), trip_keys(trip_ids, seed)),
        pool=new_pool(num_slots, num_lanes + 1),
        items=new_items(num_slots),
        links=Links(
            head=np.full(num_links, -1, np.int32),
            touched=np.zeros(num_links + 1, np.int32),
            num_touched=np.zeros(1, np.int32),
            signal_state=signal_state,
            memory=remembered,
        ),
        memory=memory,
        departures=departures,
        nav=nav,
        points=points,
        areas=areas,
        watch=Watch(np.zeros(num_lanes + 1, np.uint8), np.zeros(0, np.int32), np.zeros(1, np.int64)),
        flags=np.zeros(num_lanes + 1, np.uint8),
        moves=np.zeros(num_lanes + 1, np.int32),
        move_flags=np.zeros(num_lanes + 1, np.uint8),
        cursor=np.zeros(8, np.int64),
        moved=np.zeros(NUM_CHUNKS, np.int64),
        counts=np.zeros(NUM_COUNTS, np.int64),
        params=params,
    )
