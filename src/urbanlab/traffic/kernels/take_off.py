"""Taking a vehicle off the road by command: a kernel of its own, since it is rare."""

from __future__ import annotations

from urbanlab.core import jit
from urbanlab.core.bundle import viewer
from urbanlab.traffic.kernels.conflicts import forget_rear
from urbanlab.traffic.kernels.slots import remove_slot
from urbanlab.traffic.kernels.transfer import end_trip
from urbanlab.traffic.kernels.world import COUNT_REMOVED, COUNT_RUNNING, World

__all__ = ["take_off"]

REMOVED = 4

_as_world = viewer(World)


@jit.entry(("urbanlab.traffic.kernels", "urbanlab.city.routing_kernels"))
def take_off(world: int, trip: int, time: float) -> None:
    """End a trip that is on the road, parked or being teleported."""
    w = _as_world(world)
    slot, lane = w.trips.slot[trip], w.trips.lane[trip]
    where = w.params.num_lanes if lane < 0 else lane
    end_trip(w, slot, lane, time, REMOVED)
    if lane >= 0:
        forget_rear(w, lane, trip)
    remove_slot(w.lanes, w.slots, w.trips, w.pool, where, slot)
    w.counts[COUNT_REMOVED] += 1
    w.counts[COUNT_RUNNING] -= 1
