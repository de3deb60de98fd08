"""Vehicles off the road: parked at a stop, or teleporting. They are the vehicles of one virtual lane.

Model: SUMO's vehicle transfer: a teleported vehicle tries to enter each edge of the rest of its route in turn, wherever
there is a gap, and goes on to the next after the time that driving the edge would take. A parked vehicle
comes back at its place as soon as there is a gap.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.entry_room import fits, free_place
from urbanlab.traffic.kernels.insert import free_lane
from urbanlab.traffic.kernels.slots import copy_slot, insert_slot, remove_slot
from urbanlab.traffic.kernels.transfer import end_trip, next_edge, notice
from urbanlab.traffic.kernels.world import COUNT_ARRIVED, COUNT_RUNNING, MOVE_NEXT, World

__all__ = ["return_from_limbo"]

ARRIVED = 3


@device
def return_from_limbo(w: World, time: float) -> bool:
    """Bring vehicles back to the road; False where slots ran out. `cursor[MOVE_NEXT]` is the next one."""
    limbo = w.params.num_lanes
    while w.cursor[MOVE_NEXT] < w.lanes.count[limbo]:
        slot = w.lanes.first[limbo] + w.cursor[MOVE_NEXT]
        if w.slots.dwell[slot] >= 0.0:
            result = _unpark(w, slot, time)
        else:
            result = _reappear(w, slot, time)
        if result < 0:
            return False
        if result == 0:
            w.cursor[MOVE_NEXT] += 1
    w.cursor[MOVE_NEXT] = 0
    return True


@device
def _enter(w: World, slot: int, lane: int, pos: float, speed: float) -> int:
    """Move a vehicle from limbo onto a lane: 1, or -1 where there is no room."""
    new = insert_slot(w.lanes, w.slots, w.trips, w.pool, lane, pos)
    if new < 0:
        return -1
    copy_slot(w.slots, slot, new)
    remove_slot(w.lanes, w.slots, w.trips, w.pool, w.params.num_lanes, slot)
    trip = w.slots.trip[new]
    w.trips.slot[trip] = new
    w.trips.lane[trip] = lane
    w.slots.pos[new] = pos
    w.slots.speed[new] = speed
    w.slots.last_speed[new] = speed
    w.slots.halt[new] = 0.0
    w.slots.want[new] = 0
    w.slots.advices[new] = 0
    notice(w, lane, trip)
    return 1


@device
def _unpark(w: World, slot: int, time: float) -> int:
    """A vehicle parked at its stop: it waits out its time and then for a gap. 1 back on the road, 0 not yet."""
    slots, dt = w.slots, w.params.dt
    if slots.dwell[slot] > 0.0:
        slots.dwell[slot] = max(0.0, slots.dwell[slot] - dt)
        slots.stop_time[slot] += dt
        return 0
    stop = slots.stop[slot]
    lane = w.stops.lane[stop]
    pos = min(slots.pos[slot], w.net.lane_length[lane])
    route = slots.route[slot] + 1
    if fits(w, lane, pos, 0.0, False, slots.kind[slot], route, slots.factor[slot], -1.0) < 0.0:
        return 0
    place = w.stops.place[stop]
    if place >= 0:
        w.places.time[place], w.places.front[place], w.places.kind[place] = time, pos, slots.kind[slot]
    slots.dwell[slot] = -1.0
    slots.stop[slot] = w.stops.next[stop]
    slots.route[slot] = route
    return _enter(w, slot, lane, pos, 0.0)


@device
def _reappear(w: World, slot: int, time: float) -> int:
    """A teleported vehicle: back on the road where its present edge has a gap (1), else on to the next in time (0)."""
    slots, net = w.slots, w.net
    kind, route = slots.kind[slot], slots.route[slot]
    edge = w.routes.edge[route]
    low = net.edge_first_lane[edge]
    lane = free_lane(w, low, net.edge_num_lanes[edge], kind, route, 4, 0.0)
    if lane >= 0:
        pos, speed = free_place(w, lane, kind, route, slots.factor[slot])
        if speed >= 0.0:
            return _enter(w, slot, lane, pos, speed)
    if time < slots.conflict_time[slot]:
        return 0
    if w.routes.last[route] != 0:
        end_trip(w, slot, low, time, ARRIVED)
        remove_slot(w.lanes, w.slots, w.trips, w.pool, w.params.num_lanes, slot)
        w.lanes.arrived[low] += 1
        w.counts[COUNT_ARRIVED] += 1
        w.counts[COUNT_RUNNING] -= 1
        return 1
    next_edge(w, slot, time)
    return 0
