"""Last phase of a step, serial: vehicles enter the road: departures, parked and teleported ones.

Model: SUMO's insertion: a place is found by the trip's depart attributes; the vehicle enters if it keeps a safe
distance to those ahead and behind and can stop before links that are closed to it; a free choice of speed is
lowered until that holds. Trips that find no room wait, in order, one queue an edge; after a refusal
the lane is left alone until the next step, and those behind who want another lane may go first.
"""

from __future__ import annotations

from urbanlab.core.draw import uniform
from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.choose_way import choose_again, choose_late, choose_way, is_late
from urbanlab.traffic.kernels.entry_room import fits
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.slots import insert_slot, reserve
from urbanlab.traffic.kernels.state import NEVER
from urbanlab.traffic.kernels.transfer import notice
from urbanlab.traffic.kernels.world import (
    CHOICE_NONE,
    COUNT_RUNNING,
    COUNT_WAITING,
    ROOM,
    ROOM_ROUTES,
    Departures,
    World,
)
from urbanlab.traffic.physics.following import secure_gap

__all__ = ["best_insertion_lane", "enqueue_due", "free_lane", "insert_waiting"]

DRAW_LANE = 1
DRAW_POS = 2
DRAW_SPEED = 3
DRAW_TRY = 16

BASE_MARGIN = 0.1
"""[m] a vehicle that departs at the start of its lane stands this far beyond its own length."""

BEST_LOOK = 3000.0
"""[m] lanes that lead on at least so far are all best for a departure."""

TRIES = 10
"""Random places tried before a free one is looked for."""

REFUSED = 0
INSERTED = 1
FULL = 2

RUNNING = 2
WAITING = 1
REMOVED = 4


@device
def enqueue_due(w: World, time: float, horizon: float) -> bool:
    """Trips that want to depart by `time` join the queue of their edge; those that do before the next step have chosen their way.

    `horizon` bounds the whole run [s]. False where there is no room for new routes (call again after making some).
    """
    d = w.departures
    trip = d.cursor[3]
    while trip < len(d.depart) and d.depart[trip] < min(time + w.params.dt - 1e-9, horizon):
        if w.trips.state[trip] == 0 and d.choice[trip] != CHOICE_NONE:
            if not choose_way(w, trip, 0):
                w.cursor[ROOM] = ROOM_ROUTES
                d.cursor[3] = trip
                return False
            d.choose_next[trip] = time + w.nav.again_after
        trip += 1
    d.cursor[3] = trip
    trip = d.cursor[0]
    while trip < len(d.depart) and d.depart[trip] <= time + 1e-9 and d.depart[trip] < horizon:
        if w.trips.state[trip] == 0:
            append(w, trip)
        trip += 1
    d.cursor[0] = trip
    return True


@device
def append(w: World, trip: int) -> None:
    """A trip waits at its first edge."""
    d = w.departures
    edge = w.routes.edge[d.route[trip]]
    w.trips.state[trip] = WAITING
    w.counts[COUNT_WAITING] += 1
    d.next[trip] = -1
    if d.queue_head[edge] < 0:
        d.queue_head[edge] = trip
        d.queued[d.cursor[1]] = edge
        d.cursor[1] += 1
    else:
        d.next[d.queue_tail[edge]] = trip
    d.queue_tail[edge] = trip


@device
def insert_waiting(w: World, step: int, time: float) -> bool:
    """Try every queue; False where slots or routes ran out (call again after making room).

    The queues are worked off in the order in which they became non-empty; `departures.cursor[2]` is the next one.
    """
    d = w.departures
    if w.nav.interval > 0 and not _choose_anew(w, time):
        w.cursor[ROOM] = ROOM_ROUTES
        return False
    while d.cursor[2] < d.cursor[1]:
        edge = d.queued[d.cursor[2]]
        if not _try_queue(w, edge, step, time):
            return False
        if d.queue_head[edge] < 0:
            # close the gap and keep the order: the list stays short
            for k in range(d.cursor[2], d.cursor[1] - 1):
                d.queued[k] = d.queued[k + 1]
            d.cursor[1] -= 1
        else:
            d.cursor[2] += 1
    d.cursor[2] = 0
    return True


@device
def _choose_anew(w: World, time: float) -> bool:
    """Those who wait choose their way anew where it is time to, long before it is their turn; False where there is no room for routes."""
    d = w.departures
    for k in range(d.cursor[1]):
        trip = d.queue_head[d.queued[k]]
        while trip >= 0:
            if w.trips.state[trip] == WAITING and not choose_again(w, trip, time):
                return False
            trip = d.next[trip]
    return True


@device
def _try_queue(w: World, edge: int, step: int, time: float) -> bool:
    """Try those who wait at an edge, in order; a lane that has refused one of them is not tried again in this step.

    False where slots or routes ran out. Tried again from the head then, lanes refuse the same trips once more.
    """
    d = w.departures
    every = (1 << w.net.edge_num_lanes[edge]) - 1
    refused = 0
    before, trip = -1, d.queue_head[edge]
    while trip >= 0 and refused != every:
        after = d.next[trip]
        stays = False
        if w.trips.state[trip] == WAITING:
            lane = best_insertion_lane(w, trip, edge, step, 0.0)
            bit = 0 if lane < 0 else 1 << (lane - w.net.edge_first_lane[edge])
            result = REFUSED if lane < 0 or refused & bit != 0 else _depart(w, trip, lane, step, time)
            if result == FULL:
                return False
            if result == REFUSED:
                refused |= bit
                stays = w.params.max_depart_delay < 0.0 or time - d.depart[trip] <= w.params.max_depart_delay
                if not stays:
                    w.trips.state[trip] = REMOVED
                    w.counts[COUNT_WAITING] -= 1
                    w.counts[3] += 1
        if stays:
            before = trip
        else:
            _unlink(d, edge, before, trip)
        trip = after
    return True


@inline
def _unlink(d: Departures, edge: int, before: int, trip: int) -> None:
    """Take a trip out of the queue of its edge; `before` is the one that waits before it, -1 none."""
    after = d.next[trip]
    if before < 0:
        d.queue_head[edge] = after
    else:
        d.next[before] = after
    if after < 0:
        d.queue_tail[edge] = before


@inline
def _allowed(w: World, lane: int, kind: int) -> bool:
    return w.lanes.permissions[lane] & w.types.class_bit[kind] != 0


@device
def free_lane(w: World, low: int, num: int, kind: int, route: int, mode: int, pos: float) -> int:
    """Lane with the largest gap before its last vehicle; mode: 3 free, 4 allowed, 5 best."""
    longest = 0.0
    start = w.routes.best_start[route]
    if mode == 5:
        for i in range(num):
            if _allowed(w, low + i, kind):
                longest = max(longest, w.routes.best_length[start + i])
        longest = min(longest, BEST_LOOK)
    best, room = -1, -1e9
    for i in range(num):
        lane = low + i
        if not _allowed(w, lane, kind):
            continue
        if mode == 4 and w.routes.last[route] == 0 and w.routes.best_link[start + i] < 0:
            continue
        if mode == 5 and w.routes.best_length[start + i] < longest:
            continue
        last = w.net.lane_length[lane]
        if w.lanes.count[lane] > 0:
            last = w.slots.pos[w.lanes.first[lane] + w.lanes.count[lane] - 1]
        if last - pos > room:
            best, room = lane, last - pos
    return best


@device
def best_insertion_lane(w: World, trip: int, edge: int, step: int, pos: float) -> int:
    """Lane on which a trip departs, -1 where none may be used."""
    d = w.departures
    kind = d.kind[trip]
    low, num = w.net.edge_first_lane[edge], w.net.edge_num_lanes[edge]
    mode = d.lane_mode[trip]
    if mode == 1:
        lane = low + d.lane_index[trip]
        return lane if lane < low + num and _allowed(w, lane, kind) else -1
    if mode == 0:
        for lane in range(low, low + num):
            if _allowed(w, lane, kind):
                return lane
        return -1
    if mode == 2:
        usable = 0
        for lane in range(low, low + num):
            if _allowed(w, lane, kind):
                usable += 1
        wanted = int(uniform(w.trips.key[trip], step, DRAW_LANE) * usable)
        for lane in range(low, low + num):
            if _allowed(w, lane, kind):
                if wanted == 0:
                    return lane
                wanted -= 1
        return -1
    return free_lane(w, low, num, kind, d.route[trip], 5 if mode == 6 else mode, pos)


@inline
def _depart_speed(w: World, d: Departures, trip: int, lane: int, step: int) -> tuple[float, bool]:
    """Wanted departure speed [m/s], and may it be lowered?"""
    kind = d.kind[trip]
    limit = lane_limit(w, lane, kind, d.factor[trip])
    mode = d.speed_mode[trip]
    if mode == 0:
        return d.speed[trip], False
    if mode == 1:
        return uniform(w.trips.key[trip], step, DRAW_SPEED) * limit, True
    if mode == 4:
        return min(w.lanes.speed[lane], w.types.max_speed[kind]), True
    count = w.lanes.count[lane]
    if mode == 5:
        if count > 0:
            return min(limit, w.slots.speed[w.lanes.first[lane] + count - 1]), False
        return limit, True
    if mode == 6:
        if count == 0:
            return limit, True
        total = 0.0
        for slot in range(w.lanes.first[lane], w.lanes.first[lane] + count):
            total += w.slots.speed[slot]
        return min(limit, total / count), False
    return limit, True


@device
def _depart(w: World, trip: int, lane: int, step: int, time: float) -> int:
    """Try to bring one trip onto a lane."""
    d, net = w.departures, w.net
    kind = d.kind[trip]
    length, edge = w.types.length[kind], net.lane_edge[lane]
    end = net.lane_length[lane]
    wanted, may_lower = _depart_speed(w, d, trip, lane, step)
    mode = d.pos_mode[trip]
    if mode == 1:
        pos = d.pos[trip] + end if d.pos[trip] < 0.0 else d.pos[trip]
        return _place(w, trip, lane, pos if 0.0 <= pos <= end else end, wanted, may_lower, time)
    if mode == 2:
        return _place(w, trip, lane, uniform(w.trips.key[trip], step, DRAW_POS) * end, wanted, may_lower, time)
    if mode == 7:
        return _place(w, trip, lane, end, wanted, may_lower, time)
    if mode == 6 and d.stop[trip] >= 0 and w.net.lane_edge[w.stops.lane[d.stop[trip]]] == edge:
        pos = min(w.stops.end[d.stop[trip]], end)
        return _place(w, trip, w.stops.lane[d.stop[trip]], pos, wanted, may_lower, time)
    if mode == 4:
        for n in range(TRIES):
            pos = uniform(w.trips.key[trip], step, DRAW_TRY + n) * end
            result = _place(w, trip, lane, pos, wanted, may_lower, time)
            if result != REFUSED:
                return result
    if mode == 3 or mode == 4:
        return _place_free(w, trip, lane, wanted, may_lower, time)
    if mode == 5:
        return _place_last(w, trip, lane, wanted, may_lower, time)
    return _place(w, trip, lane, min(length + BASE_MARGIN, end), wanted, may_lower, time)


@device
def _place_free(w: World, trip: int, lane: int, wanted: float, may_lower: bool, time: float) -> int:
    """At the first place from the start of the lane where it fits: there, or behind the rear of each vehicle."""
    kind = w.departures.kind[trip]
    own = w.types.length[kind]
    count = w.lanes.count[lane]
    if count == 0:
        return _place(w, trip, lane, min(own + BASE_MARGIN, w.net.lane_length[lane]), wanted, may_lower, time)
    base = min(own + BASE_MARGIN, w.net.lane_length[lane])
    result = _place(w, trip, lane, base, wanted, may_lower, time)
    if result != REFUSED:
        return result
    first = w.lanes.first[lane]
    for k in range(count):
        # behind the vehicle k positions from the back, as close as it may drive there
        slot = first + count - 1 - k
        rear = w.slots.pos[slot] - w.types.length[w.slots.kind[slot]]
        need = w.types.min_gap[kind] + secure_gap(
            wanted, w.types.decel[kind], w.types.tau[kind], w.slots.speed[slot], w.types.decel[w.slots.kind[slot]], w.params.dt
        )
        pos = rear - need
        if pos >= base:
            result = _place(w, trip, lane, pos, wanted, may_lower, time)
            if result != REFUSED:
                return result
    return REFUSED


@device
def _place_last(w: World, trip: int, lane: int, wanted: float, may_lower: bool, time: float) -> int:
    """Right behind the last vehicle of the lane, at its end where it is empty."""
    kind = w.departures.kind[trip]
    pos = w.net.lane_length[lane]
    if w.lanes.count[lane] > 0:
        slot = w.lanes.first[lane] + w.lanes.count[lane] - 1
        other = w.slots.kind[slot]
        need = secure_gap(wanted, w.types.decel[kind], w.types.tau[kind], w.slots.speed[slot], w.types.decel[other], w.params.dt)
        pos = w.slots.pos[slot] - w.types.length[other] - w.types.min_gap[kind] - need
    return _place(w, trip, lane, pos, wanted, may_lower, time) if pos >= 0.0 else REFUSED


@device
def _place(w: World, trip: int, lane: int, pos: float, wanted: float, may_lower: bool, time: float) -> int:
    """Insert a departing trip at a place if it fits."""
    d = w.departures
    kind = d.kind[trip]
    stop = d.stop[trip]
    while stop >= 0 and w.stops.lane[stop] == lane and w.stops.route[stop] == d.route[trip] and w.stops.end[stop] < pos - 0.1:
        stop = w.stops.next[stop]  # it departs beyond its first stop
    stop_end = w.stops.end[stop] if stop >= 0 and w.stops.lane[stop] == lane and w.stops.route[stop] == d.route[trip] else -1.0
    speed = fits(w, lane, pos, wanted, may_lower, kind, d.route[trip], d.factor[trip], stop_end)
    if speed < 0.0:
        return REFUSED
    if not reserve(w.lanes, w.slots, w.trips, w.pool, lane):
        return FULL
    if is_late(w, trip, time) and not choose_late(w, trip, lane, pos, speed):
        w.cursor[ROOM] = ROOM_ROUTES
        return FULL
    slot = insert_slot(w.lanes, w.slots, w.trips, w.pool, lane, pos)
    _fill_slot(w, slot, trip, lane, pos, speed, stop)
    w.trips.state[trip] = RUNNING
    w.trips.depart[trip] = time
    w.trips.depart_lane[trip] = lane
    w.trips.depart_pos[trip] = pos
    w.trips.depart_speed[trip] = speed
    w.trips.factor[trip] = d.factor[trip]
    w.lanes.departed[lane] += 1
    w.counts[COUNT_WAITING] -= 1
    w.counts[COUNT_RUNNING] += 1
    notice(w, lane, trip)
    return INSERTED


@device
def _fill_slot(w: World, slot: int, trip: int, lane: int, pos: float, speed: float, stop: int) -> None:
    slots, d = w.slots, w.departures
    slots.trip[slot] = trip
    slots.kind[slot] = d.kind[trip]
    slots.route[slot] = d.route[trip]
    slots.pos[slot] = pos
    slots.speed[slot] = speed
    slots.last_speed[slot] = speed
    slots.odo[slot] = 0.0
    slots.factor[slot] = d.factor[trip]
    slots.loss[slot] = 0.0
    slots.waiting[slot] = 0.0
    slots.halt[slot] = 0.0
    slots.stop_time[slot] = 0.0
    slots.fuel[slot] = 0.0
    slots.co2[slot] = 0.0
    slots.halts[slot] = 0
    slots.stop[slot] = stop
    slots.dwell[slot] = -1.0
    slots.junction_time[slot] = NEVER
    slots.first_time[slot] = NEVER
    slots.conflict_time[slot] = NEVER
    slots.gain[slot] = 0.0
    slots.keep_right[slot] = 0.0
    slots.look_speed[slot] = speed
    slots.advices[slot] = 0
    slots.left_space[slot] = 0.0
    slots.blocker[slot] = 0.0
    slots.want[slot] = 0
    slots.changed[slot] = -1000
    slots.plan[slot] = speed
    slots.item[slot] = 0
    slots.asked[slot] = 0
    slots.requests[slot] = 0
    slots.waits[slot] = 0
    w.trips.slot[trip] = slot
    w.trips.lane[trip] = lane
