"""Slots of lanes: blocks, and vehicles that come and go. Serial code, no allocation.

A step begins only if the slots that it can need at most are free (`has_room`), so that nothing here runs out of them.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.cityflow.kernels.world import COUNT_RUNNING, COUNT_WAITING, World

__all__ = ["append_slot", "copy_slot", "drop_front", "has_room", "release_if_empty"]


@device
def has_room(w: World) -> bool:
    """Are there slots for whatever one step can do?

    Every block may double, every vehicle and every waiting one may open a lane, and all may stand aside at once.
    """
    moving = w.counts[COUNT_RUNNING] + w.counts[COUNT_WAITING]
    return len(w.slots.trip) >= 3 * w.pool.top[0] + 5 * moving + 16


@device
def copy_slot(w: World, source: int, target: int) -> None:
    """Copy everything of a vehicle from one slot to another, and tell its trip."""
    s = w.slots
    s.trip[target] = s.trip[source]
    s.kind[target] = s.kind[source]
    s.route[target] = s.route[source]
    s.next[target] = s.next[source]
    s.before[target] = s.before[source]
    s.pos[target] = s.pos[source]
    s.speed[target] = s.speed[source]
    s.entry[target] = s.entry[source]
    s.blocker[target] = s.blocker[source]
    s.priority[target] = s.priority[source]
    s.halted[target] = s.halted[source]
    s.halts[target] = s.halts[source]
    s.odo[target] = s.odo[source]
    s.loss[target] = s.loss[source]
    s.waiting[target] = s.waiting[source]
    s.fuel[target] = s.fuel[source]
    s.co2[target] = s.co2[source]
    w.trips.slot[s.trip[target]] = target


@device
def _take_block(w: World, size: int) -> int:
    """A block of 4 << size slots."""
    block = w.pool.free_head[size]
    if block >= 0:
        w.pool.free_head[size] = w.pool.free_next[block]
        return block
    block = w.pool.top[0]
    w.pool.top[0] = block + (4 << size)
    return block


@device
def _give_block(w: World, block: int, size: int) -> None:
    w.pool.free_next[block] = w.pool.free_head[size]
    w.pool.free_head[size] = block


@device
def _shift(w: World, lane: int, target: int) -> None:
    """Move the vehicles of a lane to where slot `target` is the front one: before it, or elsewhere."""
    lanes, slots = w.lanes, w.slots
    first, count = lanes.first[lane], lanes.count[lane]
    for k in range(count):
        copy_slot(w, first + k, target + k)
    for slot in range(first, first + count):
        if slot < target or slot >= target + count:
            slots.trip[slot] = -1
    lanes.first[lane] = target


@device
def append_slot(w: World, lane: int) -> int:
    """Open a slot behind the last vehicle of a lane; the caller fills it."""
    lanes, pool = w.lanes, w.pool
    size, count = lanes.size[lane], lanes.count[lane]
    if size < 0:
        lanes.base[lane] = lanes.first[lane] = _take_block(w, 0)
        lanes.size[lane] = 0
        lanes.active_at[lane] = pool.num_active[0]
        pool.active[pool.num_active[0]] = lane
        pool.num_active[0] += 1
    elif lanes.first[lane] + count == lanes.base[lane] + (4 << size):
        if 2 * count <= (4 << size):
            _shift(w, lane, lanes.base[lane])
        else:
            block = _take_block(w, size + 1)
            _shift(w, lane, block)
            _give_block(w, lanes.base[lane], size)
            lanes.base[lane] = block
            lanes.size[lane] = size + 1
    lanes.count[lane] = count + 1
    return lanes.first[lane] + count


@device
def drop_front(w: World, lane: int) -> None:
    """Take the front vehicle off a lane; its trip is the caller's business, and so is `release_if_empty`."""
    w.slots.trip[w.lanes.first[lane]] = -1
    w.lanes.first[lane] += 1
    w.lanes.count[lane] -= 1


@device
def release_if_empty(w: World, lane: int) -> None:
    """Give the block of an empty lane back; the last of the active lanes takes its place in the list."""
    lanes, pool = w.lanes, w.pool
    if lanes.count[lane] > 0:
        return
    _give_block(w, lanes.base[lane], lanes.size[lane])
    lanes.base[lane] = -1
    lanes.size[lane] = -1
    lanes.first[lane] = -1
    place, last = lanes.active_at[lane], pool.active[pool.num_active[0] - 1]
    pool.active[place] = last
    lanes.active_at[last] = place
    lanes.active_at[lane] = -1
    pool.num_active[0] -= 1
