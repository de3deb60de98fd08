"""All that evolves in a run, as arrays.

Letters in shapes: L lanes, N slots, V trips, E edges.

A lane owns a block of slots in which its vehicles stand contiguously, front to back: the vehicle `k` of lane
`l` is slot `first[l] + k`, its leader the slot before. Blocks are taken from a pool when a lane gets
its first vehicle, doubled when full and given back when empty, so memory and time follow the vehicles
on the road and not the size of the map. What is asked after a trip has ended is kept by trip.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import rows

__all__ = [
    "BUSY_FRONT", "BUSY_REAR", "EXPECTS_TO_WAIT", "ITEM_HELD", "ITEM_REQUEST", "NEVER", "NO_REQUEST", "NUM_ITEMS", "NUM_SIZES", "Items",
    "Lanes", "Pool", "Slots", "Trips", "grow_slots", "new_items", "new_lanes", "new_pool", "new_slots", "new_trips",
]  # fmt: skip

I32 = NDArray[np.int32]
F64 = NDArray[np.float64]

NUM_ITEMS = 12
"""Links a vehicle looks at in one step: those of the next few junctions; what lies beyond is not looked at."""

ITEM_REQUEST = 1
"""The vehicle means to pass the link if it may."""

NO_REQUEST = 0xFF ^ ITEM_REQUEST
"""All other bits of `Items.flags`, as a mask that fits its unsigned byte."""

ITEM_HELD = 2
"""Vehicles stand, or are about to, on the lane behind the link."""

BUSY_FRONT = 1
"""Fronts of vehicles are on the lane."""

BUSY_REAR = 2
"""A vehicle has left the lane with its front and, when last looked, not with its rear."""

EXPECTS_TO_WAIT = 1 << 30
"""Bit of `asked`: it looks at no link and does not expect to pass the next one."""

NEVER = 1e12
"""[s] later than any time of a run."""

NUM_SIZES = 20
"""Block sizes are 4 << s for s below this."""


@rows(
    ("busy",),
    ("first", "count"),
    ("left_odo", "left_trip"),
    ("speed", "permissions"),
    ("handled", "joined", "first_blocked", "last_blocked", "occupied"),
    (
        "base", "size", "active_at", "seconds", "metres", "waiting", "loss", "entered", "left", "departed", "arrived", "collisions",
        "braking",
    ),
)  # fmt: skip
class Lanes(NamedTuple):
    """State of lanes, (L,)."""

    busy: NDArray[np.uint8]  # BUSY_...; 0: nobody is there
    base: I32  # first slot of the block, -1 none
    size: I32  # size class of the block: 4 << size slots; -1 none
    first: I32  # slot of the front vehicle
    count: I32  # type: ignore[assignment]  # vehicles whose front is on the lane; hides what a tuple counts
    speed: F64  # [m/s] limit now in force
    permissions: NDArray[np.int64]  # classes that may use it now
    left_trip: I32  # vehicle whose front has left over the end and whose rear may still be here, -1 none
    left_odo: F64  # [m] odometer of that vehicle when its front was at the end
    handled: I32  # lane change phase: vehicles from the front that have decided
    occupied: F64  # [m] lane change phase: taken by those and their gaps
    joined: I32  # lane change phase: slot of the last vehicle that has decided to change onto this lane, -1 none
    first_blocked: I32  # lane change phase: slot of the first vehicle that urgently wants onto this lane and can't, -1 none
    last_blocked: I32  # lane change phase: slot of the last one
    active_at: I32  # place in the list of active lanes, -1 none
    seconds: F64  # [s] vehicle seconds in the present period
    metres: F64  # [m]
    waiting: F64  # [s]
    loss: F64  # [s]
    entered: NDArray[np.int64]
    left: NDArray[np.int64]
    departed: NDArray[np.int64]
    arrived: NDArray[np.int64]
    collisions: NDArray[np.int64]
    braking: NDArray[np.int64]  # emergency stops


@rows(...)
class Items(NamedTuple):
    """Links that a vehicle approaches, (N * NUM_ITEMS,), made anew each step."""

    link: I32  # -1: not a link but a stop, or the end of the way
    next: I32  # next announcement at the same link, -1 none
    flags: NDArray[np.uint8]  # ITEM_...
    distance: F64  # [m] to the link
    speed_pass: F64  # [m/s] next speed if the link is open
    speed_wait: F64  # [m/s] next speed if it is not
    arrive: F64  # [s]
    leave: F64  # [s]
    arrive_speed: F64  # [m/s]
    leave_speed: F64  # [m/s]
    brake_speed: F64  # [m/s] when arriving braking
    space: F64  # [m] free behind the link
    waited: F64  # [s] that the vehicle has stood
    speed: F64  # [m/s] of the vehicle now


class Pool(NamedTuple):
    """Bookkeeping of slot blocks and of the active lanes."""

    free_head: I32  # (NUM_SIZES,) first free block of a size, -1 none
    free_next: I32  # (N,) next free block, at the block's first slot
    top: I32  # (1,) slots handed out so far
    active: I32  # (L,) lanes that have vehicles, the first num_active[0] entries
    num_active: I32  # (1,)
    trailing: I32  # (L,) lanes with BUSY_REAR, the first num_trailing[0] entries
    num_trailing: I32  # (1,)


@rows(...)
class Slots(NamedTuple):
    """Vehicles on the road, (N,); what moves with a vehicle from lane to lane."""

    trip: I32  # vehicle (trip) in the slot
    kind: I32  # vehicle type
    route: I32  # position of the current (on internal lanes: the last) edge in the route table
    pos: F64  # [m] front, from the start of the lane
    speed: F64  # [m/s]
    last_speed: F64  # [m/s] of the step before
    odo: F64  # [m] driven since departure
    factor: F64  # [1] own desired speed over the limit
    loss: F64  # [s] time loss so far
    waiting: F64  # [s] waiting so far, scheduled stops left out
    halt: F64  # [s] since it last drove 0.1 m/s or more
    stop_time: F64  # [s] at scheduled stops so far
    fuel: F64  # [kg]
    co2: F64  # [kg]
    halts: I32  # times it came to a halt
    stop: I32  # next scheduled stop (row of the stop table), -1 none
    dwell: F64  # [s] left at the stop, -1 not at a stop
    junction_time: F64  # [s] when it entered the junction it is on; NEVER where it has given up its turn or is on none
    first_time: F64  # [s] the same, also where it has given up its turn
    conflict_time: F64  # [s] when it entered the part of that junction that others cross
    gain: F64  # [1] lane change: memory of speed gain (left positive)
    keep_right: F64  # [1] lane change: memory of the duty to keep right
    look_speed: F64  # [m/s] lane change: speed that decides how far it looks ahead
    advices: I32  # lane change: number of speeds that others or the own wish ask for
    advice_1: F64  # [m/s]
    advice_2: F64  # [m/s]
    advice_3: F64  # [m/s]
    advice_4: F64  # [m/s]
    ask_trip: I32  # lane change: vehicle of another edge that it asks for room, told when all have decided; -1 none
    ask_speed: F64  # [m/s] that helps
    ask_mark: I32  # what that one is asked for
    left_space: F64  # [m] lane change: left before a necessary change
    blocker: F64  # [m] lane change: length of the leader it lets in first
    want: I32  # lane change: flags of the last decision
    changed: I32  # step of the last lane change
    plan: F64  # [m/s] speed it will have if no other vehicle holds a link
    item: I32  # links it looks at in this step, rows of Items from slot * NUM_ITEMS
    asked: I32  # bit k: it means to pass the k-th of them
    requests: I32  # the same, as the others know it: of the step before, moved on with each link passed
    waits: I32  # 1: it does not expect to pass the next link
    entry: I32  # 1: the way into a roundabout ahead was found closed in the step before


class Trips(NamedTuple):
    """By trip, (V,); results are complete once it has arrived or been removed."""

    state: NDArray[np.uint8]  # TripState
    slot: I32  # slot now, -1 not on a lane
    lane: I32  # lane now, -1 not on a lane (also while parked or teleporting)
    key: NDArray[np.uint64]  # of all its draws
    depart: F64  # [s] -1 not yet
    arrival: F64  # [s] -1 not yet
    loss: F64
    waiting: F64
    halts: I32
    stop_time: F64
    length: F64  # [m] driven
    teleports: I32
    fuel: F64
    co2: F64
    depart_lane: I32
    depart_pos: F64
    depart_speed: F64
    arrival_lane: I32
    arrival_pos: F64
    arrival_speed: F64
    factor: F64


_SLOT_NONE = {"trip": -1, "ask_trip": -1, "stop": -1, "dwell": -1.0}
_INT_SLOTS = {
    "trip", "kind", "route", "halts", "stop", "want", "changed", "advices", "ask_trip", "ask_mark", "item", "asked", "requests",
    "waits", "entry",
}  # fmt: skip


def new_slots(num: int) -> Slots:
    """Empty slots."""
    arrays: dict[str, Any] = {}
    for name in Slots._fields:
        dtype = np.int32 if name in _INT_SLOTS else np.float64
        arrays[name] = np.full(num, _SLOT_NONE.get(name, 0), dtype)
    return Slots(**arrays)


def new_items(num_slots: int) -> Items:
    """Room for the links of all slots."""
    num = num_slots * NUM_ITEMS
    kinds: dict[str, type[np.generic]] = {"link": np.int32, "next": np.int32, "flags": np.uint8}
    return Items(**{name: np.zeros(num, kinds.get(name, np.float64)) for name in Items._fields})


def grow_slots(slots: Slots, pool: Pool, num: int) -> tuple[Slots, Pool]:
    """The same vehicles in the same slots, with room for `num`."""
    grown = new_slots(num)
    for name, old in slots._asdict().items():
        getattr(grown, name)[: len(old)] = old
    free_next = np.full(num, -1, np.int32)
    free_next[: len(pool.free_next)] = pool.free_next
    return grown, pool._replace(free_next=free_next)


def new_pool(num_slots: int, num_lanes: int) -> Pool:
    """A pool that has handed out nothing."""
    return Pool(
        free_head=np.full(NUM_SIZES, -1, np.int32),
        free_next=np.full(num_slots, -1, np.int32),
        top=np.zeros(1, np.int32),
        active=np.full(num_lanes, -1, np.int32),
        num_active=np.zeros(1, np.int32),
        trailing=np.full(num_lanes, -1, np.int32),
        num_trailing=np.zeros(1, np.int32),
    )


def new_lanes(speed: NDArray[np.float64], permissions: NDArray[np.int64]) -> Lanes:
    """Empty lanes with the given limits [m/s] and permissions."""
    num = len(speed)
    none = ("base", "size", "first", "left_trip", "active_at", "handled", "joined", "first_blocked", "last_blocked")
    sums = ("left_odo", "occupied", "seconds", "metres", "waiting", "loss")
    counted = ("entered", "left", "departed", "arrived", "collisions", "braking")
    arrays: dict[str, Any] = {name: np.full(num, -1, np.int32) for name in none}
    arrays |= {name: np.zeros(num) for name in sums}
    arrays |= {name: np.zeros(num, np.int64) for name in counted}
    return Lanes(busy=np.zeros(num, np.uint8), count=np.zeros(num, np.int32), speed=speed.copy(), permissions=permissions.copy(), **arrays)


def new_trips(num: int, key: NDArray[np.uint64]) -> Trips:
    """Trips that are not due yet."""
    ints = {"slot": -1, "lane": -1, "halts": 0, "teleports": 0, "depart_lane": -1, "arrival_lane": -1}
    arrays: dict[str, Any] = {name: np.full(num, value, np.int32) for name, value in ints.items()}
    for name in Trips._fields:
        if name in ("depart", "arrival"):
            arrays[name] = np.full(num, -1.0)
        elif name not in arrays:
            arrays[name] = np.zeros(num)
    arrays["state"] = np.zeros(num, np.uint8)
    arrays["key"] = key
    return Trips(**arrays)
