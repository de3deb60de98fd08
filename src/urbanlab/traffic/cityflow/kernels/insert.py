"""Departures: trips are created, wait at their first lane, and drive off when its last vehicle leaves room.

Source: the behaviour of CityFlow's `Engine::handleWaiting` and `Lane::available` (commit 81ee0f47): one vehicle a lane and
step, with its front at the start of the lane, standing.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.cityflow.kernels.blocks import append_slot
from urbanlab.traffic.cityflow.kernels.move import find_leader, link_after
from urbanlab.traffic.cityflow.kernels.world import COUNT_RUNNING, COUNT_WAITING, NO_ENTRY, World

__all__ = ["create_due", "insert_waiting"]

WAITING, RUNNING = 1, 2  # TripState


@device
def create_due(w: World, step: int) -> None:
    """Trips whose time has come join the queue of their lane."""
    departures = w.departures
    trip = departures.cursor[0]
    while trip < len(departures.step) and departures.step[trip] <= step:
        queue = departures.queue[trip]
        departures.next[trip] = -1
        if departures.queue_head[queue] < 0:
            departures.queue_head[queue] = trip
        else:
            departures.next[departures.queue_tail[queue]] = trip
        departures.queue_tail[queue] = trip
        w.trips.state[trip] = WAITING
        w.counts[COUNT_WAITING] += 1
        trip += 1
    departures.cursor[0] = trip


@device
def insert_waiting(w: World, time: float) -> None:
    """The first of every queue drives off if it can, in the order of the lanes."""
    departures = w.departures
    if w.counts[COUNT_WAITING] == 0:
        return
    for queue in range(len(departures.queue_lane)):
        trip = departures.queue_head[queue]
        if trip >= 0 and _is_free(w, departures.queue_lane[queue], departures.kind[trip]):
            departures.queue_head[queue] = departures.next[trip]
            _depart(w, departures.queue_lane[queue], trip, time)


@device
def _is_free(w: World, lane: int, kind: int) -> bool:
    if w.lanes.count[lane] == 0:
        return True
    tail = w.lanes.first[lane] + w.lanes.count[lane] - 1
    return w.slots.pos[tail] > w.types.length[w.slots.kind[tail]] + w.types.min_gap[kind]


@device
def _depart(w: World, lane: int, trip: int, time: float) -> None:
    s, trips = w.slots, w.trips
    slot = append_slot(w, lane)
    route = w.departures.route[trip]
    s.trip[slot] = trip
    s.kind[slot] = w.departures.kind[trip]
    s.route[slot] = route
    s.next[slot] = link_after(w, lane, route)
    s.before[slot] = -1
    s.pos[slot] = s.speed[slot] = 0.0
    s.entry[slot] = NO_ENTRY
    s.blocker[slot] = -1
    s.priority[slot] = w.departures.priority[trip]
    s.halted[slot] = 0
    s.halts[slot] = 0
    s.odo[slot] = s.loss[slot] = s.waiting[slot] = s.fuel[slot] = s.co2[slot] = 0.0
    trips.state[trip] = RUNNING
    trips.slot[trip] = slot
    trips.lane[trip] = lane
    trips.depart[trip] = time
    trips.depart_lane[trip] = lane
    w.lanes.departed[lane] += 1
    w.counts[COUNT_RUNNING] += 1
    w.counts[COUNT_WAITING] -= 1
    if w.lanes.count[lane] == 1:
        find_leader(w, lane)
