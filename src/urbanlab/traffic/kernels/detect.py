"""Detectors, serial: what vehicles have passed in a step, and what they have stood on.

Model: SUMO's induction loops (E1), lane area detectors (E2) and cross sections of entry-exit detectors (E3); definitions as in
`MSInductLoop`, `MSE2Collector` and `MSE3Collector`. Within a step vehicles drive with their new speed.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.limits import lane_limit
from urbanlab.traffic.kernels.sensors import (
    EVENT_EARLY,
    EVENT_FRONT,
    EVENT_JOIN,
    EVENT_REAR,
    NOW_FIRST,
    NOW_JAM,
    NOW_LAST,
    NOW_LONGEST_M,
    NOW_LONGEST_V,
    NOW_NEW,
    NOW_SEEN,
    NOW_TAKEN,
    NUM_SUMS,
    SUM_ENTERED,
    SUM_HALT,
    SUM_HALT_MAX,
    SUM_HALTS,
    SUM_INTERVAL,
    SUM_INTERVAL_MAX,
    SUM_JAM_M,
    SUM_JAM_MAX_M,
    SUM_JAM_MAX_V,
    SUM_JAM_V,
    SUM_LEFT,
    SUM_LONGEST_M,
    SUM_LONGEST_V,
    SUM_LOSS,
    SUM_MOST,
    SUM_OCCUPANCY,
    SUM_OCCUPANCY_MAX,
    SUM_SAMPLES,
    SUM_SPEED,
    SUM_STARTED,
    SUM_STEPS,
    SUM_VEHICLES,
)
from urbanlab.traffic.kernels.world import World

__all__ = ["enter_points", "events_due", "watch_areas", "watch_points"]

HALTING = 5.0 / 3.6
"""[m/s] slower is halting to detectors (SUMO's speedThreshold)."""

HALT_TIME = 1.0
"""[s] who halts for longer is in a jam, and has halted once (SUMO's timeThreshold)."""

EPS = 1e-9


@inline
def events_due(w: World) -> bool:
    """Is the buffer half full? What is left is more than one step can bring."""
    return 2 * w.points.num[0] > len(w.points.event_time)


@device
def watch_points(w: World, step: int, time: float) -> None:
    """What happens at points in a step, before vehicles cross the ends of their lanes; see `enter_points` for the rest."""
    if len(w.points.halts) > 0:
        _count_halts(w)
    for point in range(len(w.points.lane)):
        _watch_point(w, point, step, time)


@device
def _count_halts(w: World) -> None:
    p, dt = w.points, w.params.dt
    for k in range(w.pool.num_active[0]):
        lane = w.pool.active[k]
        for slot in range(w.lanes.first[lane], w.lanes.first[lane] + w.lanes.count[lane]):
            trip = w.slots.trip[slot]
            if w.slots.speed[slot] >= HALTING or lane >= w.params.num_lanes:
                p.slow[trip] = 0
            else:
                p.slow[trip] += 1
                lasts = (p.slow[trip] - 1) * dt
                if HALT_TIME - EPS <= lasts < HALT_TIME + dt - EPS:
                    p.halts[trip] += 1


@inline
def _tell(w: World, point: int, kind: int, time: float, odo: float, loss: float) -> None:
    """Put what the vehicle on a point does into the buffer; what finds no room is counted, and Python gives up."""
    p = w.points
    n, trip = p.num[0], p.on[point]
    p.num[0] = n + 1
    if n < len(p.event_time):
        p.event_point[n] = point
        p.event_trip[n] = trip
        p.event_kind[n] = kind
        p.event_time[n] = time
        p.event_entry[n] = p.entry[point]
        p.event_odo[n] = odo
        p.event_loss[n] = loss
        p.event_halts[n] = p.halts[trip] if len(p.halts) > 0 else 0


@device
def _watch_point(w: World, point: int, step: int, time: float) -> None:
    """Who leaves the point, and who of the lane's vehicles comes onto it."""
    p, slots, dt = w.points, w.slots, w.params.dt
    if p.on[point] >= 0:
        _leave_early(w, point, step, time)
        _leave_behind(w, point, time)
    lane, place = p.lane[point], p.pos[point]
    for slot in range(w.lanes.first[lane], w.lanes.first[lane] + w.lanes.count[lane]):
        if slots.pos[slot] < place:
            break
        old = slots.pos[slot] - slots.speed[slot] * dt
        if old < place:
            _pass_point(w, point, slot, slots.pos[slot], time)
        elif old - w.types.length[slots.kind[slot]] < place and p.on[point] != slots.trip[slot]:
            if slots.changed[slot] == step - 1 or w.trips.depart[slots.trip[slot]] > time - 1.5 * dt:
                _occupy(w, point, slot, time - dt, slots.odo[slot] - (slots.pos[slot] - place), EVENT_JOIN)
                _leave_behind(w, point, time)


@device
def enter_points(w: World, lane: int, slot: int, over: float, time: float) -> None:
    """A vehicle has crossed onto a lane and is `over` [m] beyond its start: it may have passed points there already."""
    p = w.points
    point = p.of_lane[lane]
    while point < len(p.lane) and p.lane[point] == lane:
        if p.pos[point] <= over:
            _pass_point(w, point, slot, over, time)
        point += 1


@device
def _pass_point(w: World, point: int, slot: int, pos: float, time: float) -> None:
    """A vehicle's front drives over a point in this step and is at `pos` [m] at its end."""
    beyond = pos - w.points.pos[point]
    _occupy(w, point, slot, time + w.params.dt - beyond / w.slots.speed[slot], w.slots.odo[slot] - beyond, EVENT_FRONT)
    _leave_behind(w, point, time)


@inline
def _occupy(w: World, point: int, slot: int, entry: float, odo: float, kind: int) -> None:
    p = w.points
    if p.on[point] >= 0:  # two vehicles on one point: the first is let go
        _tell(w, point, EVENT_EARLY, entry, p.odo[point], 0.0)
    p.on[point] = w.slots.trip[slot]
    p.entry[point] = entry
    p.odo[point] = odo
    _tell(w, point, kind, entry, odo, w.slots.loss[slot])


@inline
def _leave_early(w: World, point: int, step: int, time: float) -> None:
    """The vehicle on a point is somewhere else since the end of the last step."""
    p, slots, trip = w.points, w.slots, w.points.on[point]
    slot = w.trips.slot[trip]
    if slot < 0 or w.trips.lane[trip] < 0 or slots.changed[slot] == step - 1:
        _tell(w, point, EVENT_EARLY, time, p.odo[point], slots.loss[slot] if slot >= 0 else w.trips.loss[trip])
        p.on[point] = -1


@inline
def _leave_behind(w: World, point: int, time: float) -> None:
    """The vehicle on a point leaves it when its rear has driven over it."""
    p, slots, trip = w.points, w.slots, w.points.on[point]
    if trip < 0:
        return
    slot = w.trips.slot[trip]
    length = w.types.length[slots.kind[slot]]
    beyond = slots.odo[slot] - p.odo[point] - length
    if beyond > 0.0:
        _tell(w, point, EVENT_REAR, time + w.params.dt - beyond / slots.speed[slot], p.odo[point] + length, slots.loss[slot])
        p.on[point] = -1


@device
def watch_areas(w: World, step: int) -> None:
    """One step of each area, once vehicles are on their new lanes: front to back, jams on the way, sums at the end."""
    a, lanes, slots = w.areas, w.lanes, w.slots
    for area in range(len(a.lane)):
        lane, known = a.lane[area], a.num[area]
        for k in range(a.room[area], a.room[area] + known):
            a.before[k], a.before_base[k] = a.trip[k], a.base[k]
            a.before_halt[k], a.before_interval[k] = a.halt[k], a.interval[k]
        a.num[area] = 0
        for n in range(len(a.now)):
            a.now[n] = 0.0
        for k in range(a.room[area], a.room[area] + known):
            slot = w.trips.slot[a.before[k]]
            if slot >= 0 and w.trips.lane[a.before[k]] >= 0 and w.trips.lane[a.before[k]] != lane and slots.changed[slot] != step - 1:
                _see(w, area, slot, slots.odo[slot] - a.before_base[k], k)  # its front is beyond the lane
        for slot in range(lanes.first[lane], lanes.first[lane] + lanes.count[lane]):
            if slots.pos[slot] <= a.start[area]:
                break
            _see(w, area, slot, slots.pos[slot], _place_before(w, area, known, slots.trip[slot]))
        _end_jam(w, area)
        _add_step(w, area, known)


@device
def _place_before(w: World, area: int, known: int, trip: int) -> int:
    """Where a vehicle stands among those that were on the area one step before, -1 nowhere."""
    a = w.areas
    for k in range(a.room[area], a.room[area] + known):
        if a.before[k] == trip:
            return k
    return -1


@device
def _see(w: World, area: int, slot: int, pos: float, place: int) -> None:
    """One vehicle whose front is at `pos` [m] of the lane."""
    a, slots, dt = w.areas, w.slots, w.params.dt
    start, end, row, speed = a.start[area], a.end[area], area * NUM_SUMS, slots.speed[slot]
    length, moved = w.types.length[slots.kind[slot]], slots.speed[slot] * dt
    if pos - moved - length >= end:
        return
    on = max(0.0, min(length, pos - start) + min(0.0, end - pos))
    seconds, loss = dt, dt
    if moved > 0.0:
        seconds = dt - (max(0.0, start - (pos - moved)) + max(0.0, pos - (end + length))) / speed
        limit = max(lane_limit(w, w.trips.lane[slots.trip[slot]], slots.kind[slot], slots.factor[slot]), EPS)
        loss = max(0.0, seconds * (limit - speed) / limit)
    a.sums[row + SUM_SAMPLES] += seconds
    a.sums[row + SUM_SPEED] += speed * seconds
    a.sums[row + SUM_LOSS] += loss
    a.now[NOW_SEEN] += 1.0
    a.now[NOW_NEW] += 1.0 if place < 0 else 0.0
    a.now[NOW_TAKEN] += on
    halt, interval = _halt(w, area, speed, place)
    if halt > HALT_TIME:
        ahead = max(end - pos, 0.0)
        a.now[NOW_FIRST] = ahead if a.now[NOW_JAM] == 0.0 else a.now[NOW_FIRST]
        a.now[NOW_LAST] = ahead + on
        a.now[NOW_JAM] += 1.0
    else:
        _end_jam(w, area)
    k = a.room[area] + a.num[area]
    if pos - length < end and k < a.room[area + 1]:
        a.trip[k], a.base[k], a.halt[k], a.interval[k] = slots.trip[slot], slots.odo[slot] - pos, halt, interval
        a.num[area] += 1


@device
def _halt(w: World, area: int, speed: float, place: int) -> tuple[float, float]:
    """How long a vehicle has halted, and the part in this period [s]; a halt that has ended goes into the sums."""
    a, row = w.areas, area * NUM_SUMS
    halt, interval = 0.0, 0.0
    if place >= 0:
        halt, interval = a.before_halt[place], a.before_interval[place]
    if speed < HALTING:
        if halt == 0.0:
            a.sums[row + SUM_STARTED] += 1.0
        return halt + w.params.dt, interval + w.params.dt
    if halt > 0.0:
        a.sums[row + SUM_HALT] += halt
        a.sums[row + SUM_HALT_MAX] = max(a.sums[row + SUM_HALT_MAX], halt)
        a.sums[row + SUM_HALTS] += 1.0
        a.sums[row + SUM_INTERVAL] += interval
        a.sums[row + SUM_INTERVAL_MAX] = max(a.sums[row + SUM_INTERVAL_MAX], interval)
    return 0.0, 0.0


@device
def _end_jam(w: World, area: int) -> None:
    """The vehicle after the last of a jam halts no more, or there is none."""
    a, row = w.areas, area * NUM_SUMS
    if a.now[NOW_JAM] > 0.0:
        metres = a.now[NOW_LAST] - a.now[NOW_FIRST]
        a.now[NOW_LONGEST_M] = max(a.now[NOW_LONGEST_M], metres)
        a.now[NOW_LONGEST_V] = max(a.now[NOW_LONGEST_V], a.now[NOW_JAM])
        a.sums[row + SUM_JAM_M] += metres
        a.sums[row + SUM_JAM_V] += a.now[NOW_JAM]
        a.now[NOW_JAM] = 0.0


@device
def _add_step(w: World, area: int, known: int) -> None:
    """What is counted by step."""
    a, row = w.areas, area * NUM_SUMS
    share = a.now[NOW_TAKEN] / (a.end[area] - a.start[area])
    a.sums[row + SUM_STEPS] += 1.0
    a.sums[row + SUM_OCCUPANCY] += share
    a.sums[row + SUM_OCCUPANCY_MAX] = max(a.sums[row + SUM_OCCUPANCY_MAX], share)
    a.sums[row + SUM_VEHICLES] += a.now[NOW_SEEN]
    a.sums[row + SUM_MOST] = max(a.sums[row + SUM_MOST], a.now[NOW_SEEN])
    a.sums[row + SUM_ENTERED] += a.now[NOW_NEW]
    a.sums[row + SUM_LEFT] += known + a.now[NOW_NEW] - a.num[area]
    a.sums[row + SUM_JAM_MAX_M] += a.now[NOW_LONGEST_M]
    a.sums[row + SUM_JAM_MAX_V] += a.now[NOW_LONGEST_V]
    a.sums[row + SUM_LONGEST_M] = max(a.sums[row + SUM_LONGEST_M], a.now[NOW_LONGEST_M])
    a.sums[row + SUM_LONGEST_V] = max(a.sums[row + SUM_LONGEST_V], a.now[NOW_LONGEST_V])
