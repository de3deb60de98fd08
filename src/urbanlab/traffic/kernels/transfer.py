"""Fourth phase of a step, serial: vehicles cross lane ends, arrive, leave for a stop or are teleported.

Everything here may run out of slots. Then the step is left where it stands (a phase and a place in its work list),
Python makes room, and the step goes on: no vehicle is ever turned away by a full array.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import LINK_CONT, LINK_WAIT
from urbanlab.traffic.kernels.conflicts import forget_rear, leave_rear
from urbanlab.traffic.kernels.detect import enter_points
from urbanlab.traffic.kernels.look_ahead import next_link
from urbanlab.traffic.kernels.slots import copy_slot, insert_slot, pop_front, remove_slot
from urbanlab.traffic.kernels.state import NEVER
from urbanlab.traffic.kernels.world import (
    COUNT_ARRIVED,
    COUNT_RUNNING,
    COUNT_TELEPORTS,
    FLAG_CROSS,
    FLAG_STOP,
    FLAG_STUCK,
    MOVE_NEXT,
    MOVE_NUM,
    World,
)

__all__ = ["collect_moves", "end_trip", "next_edge", "notice", "transfer"]

ARRIVED = 3
REACH = 0.1
"""[m] an arrival counts this close to its place."""

MIN_TELEPORT_SPEED = 1.0
"""[m/s] teleported vehicles pass blocked edges at least this fast."""


@device
def collect_moves(w: World, flags: int) -> None:
    """Make the work list of a serial phase: active lanes that carry one of the flags, in their present order."""
    n = 0
    for a in range(w.pool.num_active[0]):
        if w.flags[a] & flags != 0:
            w.moves[n] = w.pool.active[a]
            w.move_flags[n] = w.flags[a]
            n += 1
    w.cursor[MOVE_NUM] = n
    w.cursor[MOVE_NEXT] = 0


@device
def transfer(w: World, time: float) -> bool:
    """Work off the list; False where slots ran out (call again after making room)."""
    while w.cursor[MOVE_NEXT] < w.cursor[MOVE_NUM]:
        lane = w.moves[w.cursor[MOVE_NEXT]]
        flags = w.move_flags[w.cursor[MOVE_NEXT]]
        if flags & FLAG_CROSS != 0:
            _arrivals(w, lane, time)
            if not _crossings(w, lane, time):
                return False
        if flags & FLAG_STOP != 0 and not _park(w, lane):
            return False
        if flags & FLAG_STUCK != 0 and not _teleport(w, lane, time):
            return False
        w.cursor[MOVE_NEXT] += 1
    return True


@device
def end_trip(w: World, slot: int, lane: int, time: float, state: int) -> None:
    """Close the books of a vehicle; its slot is the caller's business."""
    slots, trips = w.slots, w.trips
    trip = slots.trip[slot]
    trips.state[trip] = state
    trips.arrival[trip] = time
    trips.loss[trip] = slots.loss[slot]
    trips.waiting[trip] = slots.waiting[slot]
    trips.halts[trip] = slots.halts[slot]
    trips.stop_time[trip] = slots.stop_time[slot]
    trips.length[trip] = slots.odo[slot]
    trips.fuel[trip] = slots.fuel[slot]
    trips.co2[trip] = slots.co2[slot]
    trips.arrival_lane[trip] = lane
    trips.arrival_pos[trip] = slots.pos[slot]
    trips.arrival_speed[trip] = slots.speed[slot]
    trips.slot[trip] = -1
    trips.lane[trip] = -1


@device
def _arrivals(w: World, lane: int, time: float) -> None:
    """Take vehicles off that have reached their place on their last edge."""
    if w.net.lane_internal[lane] != 0:
        return
    k = 0
    while k < w.lanes.count[lane]:
        slot = w.lanes.first[lane] + k
        trip = w.slots.trip[slot]
        place = w.departures.arrival_pos[trip]
        if w.routes.last[w.slots.route[slot]] == 0 or w.slots.pos[slot] <= place - REACH or w.slots.dwell[slot] >= 0.0:
            k += 1
            continue
        beyond = w.slots.pos[slot] - place
        if beyond > 0.0:
            w.slots.odo[slot] -= beyond
            w.slots.pos[slot] = place
        end_trip(w, slot, lane, time, ARRIVED)
        remove_slot(w.lanes, w.slots, w.trips, w.pool, lane, slot)
        w.lanes.arrived[lane] += 1
        w.counts[COUNT_ARRIVED] += 1
        w.counts[COUNT_RUNNING] -= 1


@device
def _crossings(w: World, lane: int, time: float) -> bool:
    """Move front vehicles over the end of their lane, and on, where a step spans several lanes."""
    while w.lanes.count[lane] > 0 and w.slots.pos[w.lanes.first[lane]] > w.net.lane_length[lane]:
        here = lane
        slot = w.lanes.first[lane]
        while slot == w.lanes.first[here] and w.slots.pos[slot] > w.net.lane_length[here]:
            link = next_link(w, here, w.slots.route[slot])
            if link < 0:
                # the way ends: it waits here for a change of lanes, of the route, or for its teleport
                w.slots.pos[slot] = w.net.lane_length[here]
                break
            slot = _cross(w, here, slot, link, time)
            if slot < 0:
                return False
            here = w.net.link_next[link]
            trip = w.slots.trip[slot]
            if w.routes.last[w.slots.route[slot]] != 0 and w.net.lane_internal[here] == 0:
                if w.slots.pos[slot] > w.departures.arrival_pos[trip] - REACH:
                    _arrivals(w, here, time)
                    break
    return True


@device
def _cross(w: World, lane: int, slot: int, link: int, time: float) -> int:
    """Move one front vehicle to the next lane: its new slot, -1 where there is no room."""
    net, lanes, slots, trips = w.net, w.lanes, w.slots, w.trips
    target = net.link_next[link]
    over = slots.pos[slot] - net.lane_length[lane]
    new = insert_slot(lanes, slots, trips, w.pool, target, over)
    if new < 0:
        return -1
    copy_slot(slots, slot, new)
    pop_front(lanes, slots, w.pool, lane)
    trip = slots.trip[new]
    leave_rear(w, lane, trip, slots.odo[new] - over)
    trips.slot[trip] = new
    trips.lane[trip] = target
    slots.pos[new] = over
    slots.requests[new] >>= 1
    flags = net.link_flags[link]
    if net.lane_internal[lane] == 0:
        lanes.left[lane] += 1
    if net.lane_internal[target] == 0:
        slots.junction_time[new] = slots.first_time[new] = slots.conflict_time[new] = NEVER
    elif net.lane_internal[lane] == 0:
        slots.junction_time[new] = slots.first_time[new] = time
        slots.conflict_time[new] = NEVER if flags & LINK_CONT != 0 else time
    elif flags & LINK_WAIT != 0:
        slots.conflict_time[new] = time
        slots.junction_time[new] = slots.first_time[new]
    if len(w.points.lane) > 0 and w.points.of_lane[target] >= 0:
        enter_points(w, target, new, over, time)
    if net.lane_internal[target] == 0:
        lanes.entered[target] += 1
        slots.route[new] += 1
        notice(w, target, trip)
    return new


@inline
def notice(w: World, lane: int, trip: int) -> None:
    """A vehicle has entered a lane: those who watch it are told at the end of the step."""
    if w.watch.lane[lane] != 0 and w.watch.num[0] < len(w.watch.trip):
        w.watch.trip[w.watch.num[0]] = trip
        w.watch.num[0] += 1


@inline
def _to_limbo(w: World, lane: int, slot: int) -> int:
    """Take a vehicle off the road without ending its trip: its new slot, -1 where there is no room."""
    limbo = w.params.num_lanes
    new = insert_slot(w.lanes, w.slots, w.trips, w.pool, limbo, -1.0)
    if new < 0:
        return -1
    copy_slot(w.slots, slot, new)
    trip = w.slots.trip[new]
    forget_rear(w, lane, trip)
    remove_slot(w.lanes, w.slots, w.trips, w.pool, lane, slot)
    w.trips.slot[trip] = new
    w.trips.lane[trip] = -1
    w.slots.item[new] = 0
    w.slots.speed[new] = 0.0
    return new


@device
def _park(w: World, lane: int) -> bool:
    """Vehicles that have begun a stop beside the road leave their lane."""
    k = 0
    while k < w.lanes.count[lane]:
        slot = w.lanes.first[lane] + k
        stop = w.slots.stop[slot]
        if w.slots.dwell[slot] >= 0.0 and stop >= 0 and w.stops.parking[stop] != 0:
            if _to_limbo(w, lane, slot) < 0:
                return False
        else:
            k += 1
    return True


@device
def _teleport(w: World, lane: int, time: float) -> bool:
    """The first vehicle that is not at a stop has stood for too long: it goes on elsewhere."""
    for k in range(w.lanes.count[lane]):
        slot = w.lanes.first[lane] + k
        if w.slots.dwell[slot] >= 0.0:
            continue
        if w.slots.halt[slot] <= w.params.teleport_after:
            return True
        if w.routes.last[w.slots.route[slot]] != 0 and w.net.lane_internal[lane] == 0:
            # nothing is left of its route to be teleported to: the trip ends here
            w.trips.teleports[w.slots.trip[slot]] += 1
            w.counts[COUNT_TELEPORTS] += 1
            end_trip(w, slot, lane, time, ARRIVED)
            remove_slot(w.lanes, w.slots, w.trips, w.pool, lane, slot)
            w.lanes.arrived[lane] += 1
            w.counts[COUNT_ARRIVED] += 1
            w.counts[COUNT_RUNNING] -= 1
            return True
        trip = w.slots.trip[slot]
        new = _to_limbo(w, lane, slot)
        if new < 0:
            return False
        w.trips.teleports[trip] += 1
        w.counts[COUNT_TELEPORTS] += 1
        if w.net.lane_internal[lane] == 0:
            w.lanes.left[lane] += 1
        next_edge(w, new, time)
        return True
    return True


@inline
def next_edge(w: World, slot: int, time: float) -> None:
    """A teleported vehicle goes on to the next edge of its route; stops left behind are left out."""
    slots = w.slots
    edge = w.routes.edge[slots.route[slot]]
    slots.route[slot] += 1
    while w.routes.edge[slots.route[slot]] == edge and w.routes.last[slots.route[slot]] == 0:
        slots.route[slot] += 1
    while slots.stop[slot] >= 0 and w.stops.route[slots.stop[slot]] < slots.route[slot]:
        slots.stop[slot] = w.stops.next[slots.stop[slot]]
    lane = w.net.edge_first_lane[w.routes.edge[slots.route[slot]]]
    slots.halt[slot] = 0.0
    slots.pos[slot] = 0.0
    slots.conflict_time[slot] = time + w.net.lane_length[lane] / max(MIN_TELEPORT_SPEED, w.lanes.speed[lane])
