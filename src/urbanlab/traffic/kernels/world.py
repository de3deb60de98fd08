"""One world: everything a step reads and writes, bundled for kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.bundle import rows
from urbanlab.traffic.kernels.arrays import Net, Params, Places, Routes, Runs, Stops, Types
from urbanlab.traffic.kernels.navigation import Navigation
from urbanlab.traffic.kernels.sensors import Areas, Points
from urbanlab.traffic.kernels.state import Items, Lanes, Pool, Slots, Trips

__all__ = ["Calls", "Departures", "Links", "Watch", "World"]


@rows(("head", "memory"))
class Links(NamedTuple):
    """State of links, (K,)."""

    head: NDArray[np.int32]  # first announcement of this step, -1 none
    touched: NDArray[np.int32]  # links with announcements, the first num_touched[0]
    num_touched: NDArray[np.int32]  # (1,)
    signal_state: NDArray[np.uint8]  # state by signal position (SignalState.link_state)
    memory: NDArray[np.int32]  # row of Memory, -1 not remembered


class Memory(NamedTuple):
    """Who asked for certain links in the step before, (R * NUM_REMEMBERED,), in the order of arrival."""

    num: NDArray[np.int32]  # (R,) how many of a row count
    trip: NDArray[np.int32]
    kind: NDArray[np.int32]
    arrive: NDArray[np.float64]  # [s]
    leave: NDArray[np.float64]  # [s]
    brake_speed: NDArray[np.float64]  # [m/s] when arriving braking
    leave_speed: NDArray[np.float64]  # [m/s]
    distance: NDArray[np.float64]  # [m] to the link
    speed: NDArray[np.float64]  # [m/s]
    waited: NDArray[np.float64]  # [s]


class Departures(NamedTuple):
    """Who departs when and how, in order of the wanted departure, (V,)."""

    depart: NDArray[np.float64]  # [s]
    kind: NDArray[np.int32]  # vehicle type
    route: NDArray[np.int32]  # first position in Routes
    stop: NDArray[np.int32]  # first stop, -1 none
    lane_mode: NDArray[np.uint8]  # DepartLane
    lane_index: NDArray[np.int32]
    pos_mode: NDArray[np.uint8]  # DepartPos
    pos: NDArray[np.float64]  # [m]
    speed_mode: NDArray[np.uint8]  # DepartSpeed
    speed: NDArray[np.float64]  # [m/s]
    arrival_pos: NDArray[np.float64]  # [m] from the start of the last edge, at most its length
    arrival_speed: NDArray[np.float64]  # [m/s] -1 none
    factor: NDArray[np.float64]  # [1] own speed factor
    choice: NDArray[np.uint8]  # CHOICE_...
    choose_next: NDArray[np.float64]  # [s] when a waiting trip chooses again
    via_start: NDArray[np.int32]  # first of the edges to pass in between, in Navigation.via_edge
    via_num: NDArray[np.int32]  # number of them
    next: NDArray[np.int32]  # next trip waiting at the same edge, -1 none
    queue_head: NDArray[np.int32]  # (E,) first trip waiting at an edge
    queue_tail: NDArray[np.int32]  # (E,)
    queued: NDArray[np.int32]  # (E,) edges with waiting trips, the first num_queued[0]
    cursor: NDArray[np.int64]  # (4,) next trip not due, number of queued edges, next of these, next trip that has not chosen its way


class Watch(NamedTuple):
    """Vehicles that somebody outside waits for: the step in which one enters a watched lane is the last of a call."""

    lane: NDArray[np.uint8]  # (L+1,) 1: watched
    trip: NDArray[np.int32]  # (N,) who has entered, the first num[0] entries
    num: NDArray[np.int64]  # (1,)


class Calls(NamedTuple):
    """What a call of the step is to do: worlds, (W,), by the addresses of their bundles."""

    world: NDArray[np.int64]
    signal_plan: NDArray[np.int64]
    signal_state: NDArray[np.int64]
    num_steps: NDArray[np.int64]
    until_empty: NDArray[np.uint8]  # 1: no step is done any more when every vehicle has left
    done: NDArray[np.int64]  # answer: steps done


class World(NamedTuple):
    """See the parts."""

    net: Net
    types: Types
    routes: Routes
    runs: Runs
    stops: Stops
    places: Places
    lanes: Lanes
    slots: Slots
    trips: Trips
    pool: Pool
    items: Items
    links: Links
    memory: Memory
    departures: Departures
    nav: Navigation
    watch: Watch
    points: Points
    areas: Areas
    flags: NDArray[np.uint8]  # (L,) by place in the active list: FLAG_... of this step
    moves: NDArray[np.int32]  # (L+1,) work list of a serial phase: lanes
    move_flags: NDArray[np.uint8]  # (L+1,) and their flags
    cursor: NDArray[np.int64]  # (8,) where the step stands, see the names below
    moved: NDArray[np.int64]  # (chunks,) scratch
    counts: NDArray[np.int64]  # (16,) see COUNT_...
    params: Params


CHOICE_NONE = 0  # drives the route it has
CHOICE_ONCE = 1  # chooses its route when it wants to depart
CHOICE_AGAIN = 2  # and every minute while it waits

NUM_REMEMBERED = 4  # announcements of a link that are kept for the next step

PHASE = 0  # phase of the step that is to be done next
MOVE_NEXT = 1  # next entry of the work list
MOVE_NUM = 2  # entries of the work list
STEP = 3  # index of the step
ROOM = 4  # what there is no room for, where a step stands still: ROOM_...

ROOM_SLOTS = 0
ROOM_ROUTES = 1
ROOM_LOG = 2

FLAG_CROSS = 1
FLAG_STUCK = 2
FLAG_STOP = 4

COUNT_STEPS = 0  # vehicle steps
COUNT_RUNNING = 1
COUNT_ARRIVED = 2
COUNT_REMOVED = 3
COUNT_WAITING = 4
COUNT_TELEPORTS = 5
COUNT_TELEPORTS_YIELD = 6
COUNT_TELEPORTS_WRONG = 7
