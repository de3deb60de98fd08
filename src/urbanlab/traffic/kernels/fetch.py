"""Having memory fetched before it is needed: what the vehicles of the next lanes in a loop will be asked for.

On a large city nearly every vehicle's data has to come from main memory, and one vehicle's reads depend on each other:
lane, slot, route, link. So while one lane is worked on, those after it are followed a little way each, the nearest ones
farthest. Nothing here changes anything.
"""

from __future__ import annotations

from urbanlab.core.bundle import prefetch
from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.look_ahead import next_link
from urbanlab.traffic.kernels.state import NUM_ITEMS
from urbanlab.traffic.kernels.world import World

__all__ = ["fetch_ahead", "fetch_links_ahead"]

LANE_AHEAD, SLOT_AHEAD, ROUTE_AHEAD, ROW_AHEAD, LINK_AHEAD = 20, 14, 9, 6, 3
"""Lanes before the one at hand at which each step of the way is taken."""


FEW_LANES = 4000
"""Active lanes whose data stays in the nearer levels of the cache, so that fetching would cost more than it saves."""


@inline
def fetch_ahead(w: World, a: int) -> None:
    """The front vehicles, and their lanes, that come soon after place `a` of the active lanes."""
    if w.pool.num_active[0] > FEW_LANES:
        _fetch_lane(w, a)


@device
def _fetch_lane(w: World, a: int) -> None:
    num = w.pool.num_active[0]
    if a + LANE_AHEAD < num:
        lane = w.pool.active[a + LANE_AHEAD]
        prefetch(w.lanes.first, lane)
        prefetch(w.lanes.speed, lane)
        prefetch(w.lanes.base, lane)
        prefetch(w.net.lane_edge, lane)
        prefetch(w.net.lane_length, lane)
    if a + SLOT_AHEAD < num:
        slot = w.lanes.first[w.pool.active[a + SLOT_AHEAD]]
        prefetch(w.slots.trip, slot)
        prefetch(w.slots.waiting, slot)
        prefetch(w.slots.first_time, slot)
        prefetch(w.slots.advice_3, slot)
        prefetch(w.slots.plan, slot)
        item = slot * NUM_ITEMS
        prefetch(w.items.link, item)
        prefetch(w.items.leave, item)
        prefetch(w.items.link, item + 2)


@inline
def fetch_links_ahead(w: World, a: int) -> None:
    """The same, and the links that those vehicles will look at."""
    if w.pool.num_active[0] > FEW_LANES:
        _fetch_lane(w, a)
        _fetch_links(w, a)


@device
def _fetch_links(w: World, a: int) -> None:
    num, net, routes = w.pool.num_active[0], w.net, w.routes
    if a + ROUTE_AHEAD < num:
        slot = w.lanes.first[w.pool.active[a + ROUTE_AHEAD]]
        prefetch(routes.best_start, w.slots.route[slot])
        prefetch(w.trips.key, w.slots.trip[slot])
    if a + ROW_AHEAD < num:
        lane = w.pool.active[a + ROW_AHEAD]
        slot = w.lanes.first[lane]
        prefetch(routes.best_link, routes.best_start[w.slots.route[slot]])
    if a + LINK_AHEAD < num:
        lane = w.pool.active[a + LINK_AHEAD]
        slot = w.lanes.first[lane]
        link = next_link(w, lane, w.slots.route[slot]) if lane < w.params.num_lanes else -1
        if link >= 0:
            prefetch(net.link_from, link)
            prefetch(net.link_permissions, link)
