"""One world under CityFlow's rules: everything a step reads and writes, bundled for kernels.

Letters: L lanes (those of roads and, as internal lanes, the lane links), K out-links, X crossing points (two entries
each, one a link), T vehicle types, P route positions, N slots, V trips, Q lanes where trips begin.

A lane owns a block of slots in which its vehicles stand in the order in which they came, front first: vehicle k of lane l
is slot `first[l] + k`. Blocks are taken from a pool, doubled when full and given back when empty.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.traffic.kernels.state import Trips

__all__ = [
    "NO_ENTRY", "NUM_SIZES", "Departures", "Lanes", "Net", "Params", "Pool", "Routes", "Slots", "Types", "World", "grow_slots", "new_lanes",
    "new_pool", "new_slots",
]  # fmt: skip

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

NUM_SIZES = 24
"""Block sizes are 4 << s for s below this."""

NO_ENTRY = 2147483647
"""Step of entering a lane link, of vehicles that are on none (CityFlow's value, which comparisons see)."""


class Net(NamedTuple):
    """Streets."""

    length: F64  # (L,) [m]
    limit: F64  # (L,) [m/s] that vehicles keep to; CityFlow has none on lane links
    desired: F64  # (L,) [m/s] against which time loss is counted
    is_link: U8  # (L,)
    offset: I32  # (L,) place in the edge
    link_from: I32  # (L,) lane before a link, -1 no link
    link_to: I32  # (L,) lane behind a link, -1 no link
    link_rank: U8  # (L,) who goes first: straight 3, left 2, right 1, else 0
    link_turn: U8  # (L,) driven at turning speed
    link_signal: I32  # (L,) place in the array of link states, -1 no signal
    out_start: I32  # (L+1,) range of out_link
    out_link: I32  # (K,) links that start from a lane, in the file's order
    cross_start: I32  # (L+1,) range of crossing points of a link, by distance
    cross_pos: F64  # (X,) [m] from the link's start
    cross_foe: I32  # (X,) the other link
    cross_twin: I32  # (X,) the same point in the list of the other link


class Types(NamedTuple):
    """Vehicle types, (T,)."""

    length: F64
    min_gap: F64
    max_speed: F64
    max_accel: F64
    max_decel: F64
    usual_accel: F64
    usual_decel: F64
    headway: F64
    turn_speed: F64
    approach: F64  # [m] before an intersection where drivers begin to care for it
    emission: I32  # row of `fuel`
    fuel: F64  # coefficients of the fuel model, see physics/emissions.py


class Routes(NamedTuple):
    """Routes, one after another."""

    turn: I32  # (P,) first row of next_link, for lane 0 of the position's edge
    last: U8  # (P,) final edge
    next_link: I32  # link to take, by lane of the edge; -1 none


class Departures(NamedTuple):
    """Who is created when and where, in CityFlow's order, (V,)."""

    step: I64  # when it is created
    kind: I32  # vehicle type
    route: I32  # first position in Routes
    queue: I32  # lane where it waits, row of queue_lane
    priority: I32  # who goes first if all else is equal
    next: I32  # next trip in the queue, -1 none
    queue_lane: I32  # (Q,) lanes in CityFlow's order
    queue_head: I32  # (Q,) -1 none
    queue_tail: I32  # (Q,)
    cursor: I64  # (1,) next trip that is not created


class Lanes(NamedTuple):
    """State of lanes, (L,)."""

    base: I32  # first slot of the block, -1 none
    size: I32  # size class of the block: 4 << size slots; -1 none
    first: I32  # slot of the front vehicle
    count: I32  # type: ignore[assignment]  # nobody counts the tuple's entries
    active_at: I32  # place in the list of active lanes, -1 none
    ahead: I32  # trip that the front vehicle follows, on a lane further on; -1 none
    gap: F64  # [m] to it
    on_links: I32  # vehicles on the links that start from the lane
    told: I64  # last step in which vehicles of a link announced themselves at its crossing points
    told_from: I32  # first crossing point where one did
    fresh: I64  # last step in which vehicles drove onto the lane
    num_fresh: I32  # how many
    seconds: F64  # [s] vehicle seconds in the present period
    metres: F64  # [m]
    waiting: F64  # [s]
    loss: F64  # [s]
    entered: I64
    left: I64
    departed: I64
    arrived: I64


class Slots(NamedTuple):
    """Vehicles on the road, (N,); what moves with a vehicle from lane to lane."""

    trip: I32  # -1 empty
    kind: I32  # vehicle type
    route: I32  # position of the present (on links: the last) edge
    next: I32  # lane or link that follows, -1 none
    before: I32  # lane or link that it came from, -1 none
    pos: F64  # [m] front, from the start of the lane
    speed: F64  # [m/s]
    entry: I64  # step in which it entered the link, NO_ENTRY on lanes
    blocker: I32  # trip that it gave way to in the last step, -1 none
    priority: I32
    halted: U8  # it stood at the end of the last step
    halts: I32  # times it came to a halt
    odo: F64  # [m] driven since departure
    loss: F64  # [s]
    waiting: F64  # [s]
    fuel: F64  # [kg]
    co2: F64  # [kg]
    next_pos: F64  # [m] after this step, on the old lane
    next_speed: F64  # [m/s]
    next_blocker: I32
    goal: I32  # lane or link that it drives onto, while it stands aside


class Pool(NamedTuple):
    """Bookkeeping of slot blocks and of the active lanes."""

    free_head: I32  # (NUM_SIZES,) first free block of a size, -1 none
    free_next: I32  # (N,) next free block, at the block's first slot
    top: I32  # (1,) slots handed out so far
    active: I32  # (L,) lanes that have vehicles, the first num_active[0] entries
    num_active: I32  # (1,)


class Told(NamedTuple):
    """Who announced itself at a crossing point in this step, (X,); see Lanes.told."""

    slot: I32
    distance: F64  # [m] to the point, negative behind it


class Params(NamedTuple):
    """Constants of a run."""

    dt: float  # [s]
    begin: float  # [s]


class World(NamedTuple):
    """See the parts."""

    net: Net
    types: Types
    routes: Routes
    departures: Departures
    lanes: Lanes
    slots: Slots
    pool: Pool
    told: Told
    trips: Trips
    step: I64  # (1,) index of the step
    counts: I64  # (8,) see COUNT_...
    params: Params


COUNT_STEPS = 0  # vehicle steps
COUNT_RUNNING = 1
COUNT_ARRIVED = 2
COUNT_WAITING = 3

_NONE = {"trip": -1, "next": -1, "before": -1, "blocker": -1, "next_blocker": -1}
_SLOT_TYPES: dict[str, type[np.generic]] = {
    "trip": np.int32, "kind": np.int32, "route": np.int32, "next": np.int32, "before": np.int32, "entry": np.int64,
    "blocker": np.int32, "priority": np.int32, "halted": np.uint8, "halts": np.int32, "next_blocker": np.int32,
    "goal": np.int32,
}  # fmt: skip


def new_slots(num: int) -> Slots:
    """Empty slots."""
    return Slots._make(np.full(num, _NONE.get(name, 0), _SLOT_TYPES.get(name, np.float64)) for name in Slots._fields)


def grow_slots(slots: Slots, pool: Pool, num: int) -> tuple[Slots, Pool]:
    """The same vehicles in the same slots, with room for `num`."""
    grown = new_slots(num)
    for name in Slots._fields:
        getattr(grown, name)[: len(slots.trip)] = getattr(slots, name)
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
    )


def new_lanes(num: int) -> Lanes:
    """Empty lanes."""
    values: dict[str, Any] = {name: np.full(num, -1, np.int32) for name in ("base", "size", "first", "active_at", "ahead")}
    values |= {name: np.zeros(num, np.int32) for name in ("count", "on_links", "told_from", "num_fresh")}
    values |= {name: np.zeros(num) for name in ("gap", "seconds", "metres", "waiting", "loss")}
    values |= {name: np.full(num, -1, np.int64) for name in ("told", "fresh")}
    values |= {name: np.zeros(num, np.int64) for name in ("entered", "left", "departed", "arrived")}
    return Lanes(**values)
