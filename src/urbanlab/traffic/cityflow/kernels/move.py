"""Second phase of a step: vehicles take their next state, change lanes and links, and find whom they follow.

Source: the behaviour of CityFlow's `Engine::updateLocation`, `Vehicle::update` and `Vehicle::updateLeaderAndGap`
(commit 81ee0f47). Serial: vehicles change their lanes.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.cityflow.kernels.blocks import append_slot, copy_slot, release_if_empty
from urbanlab.traffic.cityflow.kernels.world import COUNT_ARRIVED, COUNT_RUNNING, NO_ENTRY, World

__all__ = ["find_leader", "follow_all", "link_after", "move_all"]

ARRIVED = 3  # TripState.ARRIVED


@device
def move_all(w: World, step: int, time: float) -> None:
    """Move all vehicles; those that leave their lane stand aside, at the end of the slots, until all lanes are done."""
    num = len(w.slots.trip)
    aside = num
    for a in range(w.pool.num_active[0] - 1, -1, -1):
        lane = w.pool.active[a]
        aside = _move_lane(w, lane, aside, time)
        release_if_empty(w, lane)
    for k in range(num - aside):
        slot = num - 1 - k
        _enter(w, slot, step)
        w.slots.trip[slot] = -1


@device
def _move_lane(w: World, lane: int, aside: int, time: float) -> int:
    """Take the next state on one lane; whoever is past its end goes to the slots before `aside`, whose new value is returned."""
    lanes, slots, length = w.lanes, w.slots, w.net.length[lane]
    first, count = lanes.first[lane], lanes.count[lane]
    gone = kept = 0  # gone: those that left in front of all others
    for slot in range(first, first + count):
        slots.pos[slot] = slots.next_pos[slot]
        slots.speed[slot] = slots.next_speed[slot]
        slots.blocker[slot] = slots.next_blocker[slot]
        if slots.pos[slot] <= length:
            if slot != first + gone + kept:
                copy_slot(w, slot, first + gone + kept)
            kept += 1
            continue
        if kept == 0:
            gone += 1
        copy_slot(w, slot, aside - 1)
        if _leave(w, lane, aside - 1, time):
            aside -= 1
    for slot in range(first, first + count):
        if slot < first + gone or slot >= first + gone + kept:
            slots.trip[slot] = -1
    lanes.first[lane] = first + gone
    lanes.count[lane] = kept
    return aside


@inline
def link_after(w: World, lane: int, route: int) -> int:
    """Lane or link that follows on a route, -1 none; `route` is the position of the lane's edge or of the edge before the link."""
    if w.net.is_link[lane] != 0:
        return w.net.link_to[lane]
    return w.routes.next_link[w.routes.turn[route] + w.net.offset[lane]]


@device
def _leave(w: World, lane: int, slot: int, time: float) -> bool:
    """Drive over the end of a lane, and of as many as the step reaches; False: the trip has ended."""
    net, lanes, slots = w.net, w.lanes, w.slots
    now, following, pos = lane, slots.next[slot], slots.pos[slot]
    while pos > net.length[now]:
        pos -= net.length[now]
        if net.is_link[now] != 0:
            lanes.on_links[net.link_from[now]] -= 1
        if following < 0:
            slots.odo[slot] -= pos
            _arrive(w, now, slot, time)
            return False
        lanes.left[now] += 1
        now = following
        lanes.entered[now] += 1
        if net.is_link[now] != 0:
            lanes.on_links[net.link_from[now]] += 1
        else:
            slots.route[slot] += 1
        following = link_after(w, now, slots.route[slot])
    slots.pos[slot] = pos
    slots.before[slot] = lane
    slots.goal[slot] = now
    slots.next[slot] = following
    return True


@device
def _arrive(w: World, lane: int, slot: int, time: float) -> None:
    """End a trip; CityFlow's clock stands at the begin of the step."""
    trips, slots = w.trips, w.slots
    trip = slots.trip[slot]
    trips.state[trip] = ARRIVED
    trips.slot[trip] = -1
    trips.lane[trip] = -1
    trips.arrival[trip] = time
    trips.arrival_lane[trip] = lane
    trips.arrival_pos[trip] = w.net.length[lane]
    trips.arrival_speed[trip] = slots.speed[slot]
    trips.loss[trip] = slots.loss[slot]
    trips.waiting[trip] = slots.waiting[slot]
    trips.halts[trip] = slots.halts[slot]
    trips.length[trip] = slots.odo[slot]
    trips.fuel[trip] = slots.fuel[slot]
    trips.co2[trip] = slots.co2[slot]
    slots.trip[slot] = -1
    w.lanes.arrived[lane] += 1
    w.counts[COUNT_ARRIVED] += 1
    w.counts[COUNT_RUNNING] -= 1


@device
def _enter(w: World, source: int, step: int) -> None:
    """Let a vehicle in behind those that were on its lane before this step; of the new ones the foremost goes first."""
    lanes, slots = w.lanes, w.slots
    lane = slots.goal[source]
    slots.entry[source] = step if w.net.is_link[lane] != 0 else NO_ENTRY
    if lanes.fresh[lane] != step:
        lanes.fresh[lane] = step
        lanes.num_fresh[lane] = 0
    slot = append_slot(w, lane)
    for _ in range(lanes.num_fresh[lane]):
        if slots.pos[slot - 1] >= slots.pos[source]:
            break
        copy_slot(w, slot - 1, slot)
        slot -= 1
    copy_slot(w, source, slot)
    lanes.num_fresh[lane] += 1
    w.trips.lane[slots.trip[slot]] = lane


@device
def follow_all(w: World) -> None:
    """Find whom the front vehicle of every lane follows; the others follow their neighbour."""
    for a in range(w.pool.num_active[0]):
        find_leader(w, w.pool.active[a])


@device
def find_leader(w: World, lane: int) -> None:
    """Look ahead from the front vehicle of a lane, as far as its driver cares."""
    net, lanes, slots, types = w.net, w.lanes, w.slots, w.types
    slot = lanes.first[lane]
    sight, route = types.approach[slots.kind[slot]], slots.route[slot]
    lanes.ahead[lane] = -1
    distance = net.length[lane] - slots.pos[slot]
    before, now = lane, slots.next[slot]
    while now >= 0:
        if net.is_link[now] != 0:
            if lanes.on_links[before] > 0 and _last_on_links(w, lane, before, distance):
                return
        else:
            route += 1
            if lanes.count[now] > 0:
                tail = lanes.first[now] + lanes.count[now] - 1
                lanes.ahead[lane] = slots.trip[tail]
                lanes.gap[lane] = distance + slots.pos[tail] - types.length[slots.kind[tail]]
                return
        distance += net.length[now]
        if distance > sight:
            return
        before, now = now, link_after(w, now, route)


@device
def _last_on_links(w: World, lane: int, before: int, distance: float) -> bool:
    """Take the nearest of the last vehicles of all links that start where this one does: they may overlap."""
    net, lanes, slots = w.net, w.lanes, w.slots
    found = False
    for k in range(net.out_start[before], net.out_start[before + 1]):
        link = net.out_link[k]
        if lanes.count[link] > 0:
            tail = lanes.first[link] + lanes.count[link] - 1
            gap = distance + slots.pos[tail] - w.types.length[slots.kind[tail]]
            if not found or gap < lanes.gap[lane]:
                found = True
                lanes.ahead[lane] = slots.trip[tail]
                lanes.gap[lane] = gap
    return found
