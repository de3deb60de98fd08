"""Moving vehicles between slots: blocks of lanes, insertion, removal. Serial code, no allocation.

A function that needs room returns False when the pool is full; the caller leaves the step for Python,
which grows the arrays and comes back.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.state import BUSY_FRONT, BUSY_REAR, NUM_SIZES, Lanes, Pool, Slots, Trips

__all__ = ["clear_slot", "copy_slot", "insert_slot", "pop_front", "remove_slot", "reserve"]


@device
def copy_slot(slots: Slots, source: int, target: int) -> None:
    """Copy everything of a vehicle from one slot to another."""
    slots.trip[target] = slots.trip[source]
    slots.kind[target] = slots.kind[source]
    slots.route[target] = slots.route[source]
    slots.pos[target] = slots.pos[source]
    slots.speed[target] = slots.speed[source]
    slots.last_speed[target] = slots.last_speed[source]
    slots.odo[target] = slots.odo[source]
    slots.factor[target] = slots.factor[source]
    slots.loss[target] = slots.loss[source]
    slots.waiting[target] = slots.waiting[source]
    slots.halt[target] = slots.halt[source]
    slots.stop_time[target] = slots.stop_time[source]
    slots.fuel[target] = slots.fuel[source]
    slots.co2[target] = slots.co2[source]
    slots.halts[target] = slots.halts[source]
    slots.stop[target] = slots.stop[source]
    slots.dwell[target] = slots.dwell[source]
    slots.junction_time[target] = slots.junction_time[source]
    slots.first_time[target] = slots.first_time[source]
    slots.conflict_time[target] = slots.conflict_time[source]
    slots.gain[target] = slots.gain[source]
    slots.keep_right[target] = slots.keep_right[source]
    slots.look_speed[target] = slots.look_speed[source]
    slots.advices[target] = slots.advices[source]
    slots.advice_1[target] = slots.advice_1[source]
    slots.advice_2[target] = slots.advice_2[source]
    slots.advice_3[target] = slots.advice_3[source]
    slots.advice_4[target] = slots.advice_4[source]
    slots.ask_trip[target] = slots.ask_trip[source]
    slots.ask_speed[target] = slots.ask_speed[source]
    slots.ask_mark[target] = slots.ask_mark[source]
    slots.left_space[target] = slots.left_space[source]
    slots.blocker[target] = slots.blocker[source]
    slots.want[target] = slots.want[source]
    slots.changed[target] = slots.changed[source]
    slots.plan[target] = slots.plan[source]
    slots.item[target] = slots.item[source]
    slots.asked[target] = slots.asked[source]
    slots.requests[target] = slots.requests[source]
    slots.waits[target] = slots.waits[source]
    slots.entry[target] = slots.entry[source]


@device
def clear_slot(slots: Slots, slot: int) -> None:
    """Mark a slot as empty."""
    slots.trip[slot] = -1


@device
def _take_block(pool: Pool, size: int, num_slots: int) -> int:
    """A block of 4 << size slots, -1 where the pool is full."""
    block = pool.free_head[size]
    if block >= 0:
        pool.free_head[size] = pool.free_next[block]
        return block
    block = pool.top[0]
    if block + (4 << size) > num_slots:
        return -1
    pool.top[0] = block + (4 << size)
    return block


@device
def _give_block(pool: Pool, block: int, size: int) -> None:
    pool.free_next[block] = pool.free_head[size]
    pool.free_head[size] = block


@device
def reserve(lanes: Lanes, slots: Slots, trips: Trips, pool: Pool, lane: int) -> bool:
    """Make room for one more vehicle behind the last of a lane."""
    size = lanes.size[lane]
    count = lanes.count[lane]
    if size >= 0:
        base = lanes.base[lane]
        if lanes.first[lane] + count < base + (4 << size):
            return True
        if 2 * count <= (4 << size):
            _shift(lanes, slots, trips, lane, base)
            return True
    if size + 1 >= NUM_SIZES:
        return False
    block = _take_block(pool, size + 1, len(slots.trip))
    if block < 0:
        return False
    if size >= 0:
        base = lanes.base[lane]
        _shift(lanes, slots, trips, lane, block)
        _give_block(pool, base, size)
    lanes.base[lane] = block
    lanes.size[lane] = size + 1
    lanes.first[lane] = block
    return True


@device
def _shift(lanes: Lanes, slots: Slots, trips: Trips, lane: int, target: int) -> None:
    """Move all vehicles of a lane so that the front one stands in slot `target` (before it, or elsewhere)."""
    first = lanes.first[lane]
    for k in range(lanes.count[lane]):
        copy_slot(slots, first + k, target + k)
        trips.slot[slots.trip[target + k]] = target + k
    for k in range(lanes.count[lane]):
        slot = first + k
        if slot < target or slot >= target + lanes.count[lane]:
            slots.trip[slot] = -1
    lanes.first[lane] = target


@device
def insert_slot(lanes: Lanes, slots: Slots, trips: Trips, pool: Pool, lane: int, pos: float) -> int:
    """Open a slot for a vehicle whose front is at `pos` [m]; the caller fills it. -1 where the pool is full.

    A vehicle goes behind those at the same position.
    """
    if not reserve(lanes, slots, trips, pool, lane):
        return -1
    slot = lanes.first[lane] + lanes.count[lane]
    while slot > lanes.first[lane] and slots.pos[slot - 1] < pos:
        copy_slot(slots, slot - 1, slot)
        trips.slot[slots.trip[slot]] = slot
        slot -= 1
    if lanes.count[lane] == 0:
        lanes.busy[lane] |= BUSY_FRONT
        lanes.active_at[lane] = pool.num_active[0]
        pool.active[pool.num_active[0]] = lane
        pool.num_active[0] += 1
    lanes.count[lane] += 1
    slots.entry[slot] = 0
    slots.ask_trip[slot] = -1
    return slot


@device
def pop_front(lanes: Lanes, slots: Slots, pool: Pool, lane: int) -> None:
    """Take the front vehicle off a lane; its trip is the caller's business."""
    slots.trip[lanes.first[lane]] = -1
    lanes.first[lane] += 1
    lanes.count[lane] -= 1
    _release_if_empty(lanes, pool, lane)


@device
def remove_slot(lanes: Lanes, slots: Slots, trips: Trips, pool: Pool, lane: int, slot: int) -> None:
    """Take any vehicle off a lane; those behind it move up a slot."""
    last = lanes.first[lane] + lanes.count[lane] - 1
    if slot == lanes.first[lane]:
        pop_front(lanes, slots, pool, lane)
        return
    for k in range(slot, last):
        copy_slot(slots, k + 1, k)
        trips.slot[slots.trip[k]] = k
    slots.trip[last] = -1
    lanes.count[lane] -= 1


@device
def _release_if_empty(lanes: Lanes, pool: Pool, lane: int) -> None:
    if lanes.count[lane] > 0:
        return
    _give_block(pool, lanes.base[lane], lanes.size[lane])
    lanes.busy[lane] &= BUSY_REAR
    lanes.base[lane] = -1
    lanes.size[lane] = -1
    lanes.first[lane] = -1
    place = lanes.active_at[lane]
    last = pool.active[pool.num_active[0] - 1]
    pool.active[place] = last
    lanes.active_at[last] = place
    lanes.active_at[lane] = -1
    pool.num_active[0] -= 1
