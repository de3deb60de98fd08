"""Announcements: at each crossing point of a link, the one vehicle that others have to reckon with.

That is the last vehicle that has not cleared the point: on the lane behind the link while its rear still covers the
point, on the link itself, or the front one on the lane before it if the link is open. Source: the behaviour of
CityFlow's `Engine::threadNotifyCross` (commit 81ee0f47).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.jit import device, inline
from urbanlab.traffic.cityflow.kernels.world import World

__all__ = ["is_open", "tell_all"]


@inline
def is_open(w: World, signal_state: NDArray[np.uint8], link: int) -> bool:
    """Does the signal of a link show green?"""
    place = w.net.link_signal[link]
    return place < 0 or signal_state[place] == 71 or signal_state[place] == 103  # G g


@device
def tell_all(w: World, signal_state: NDArray[np.uint8], step: int) -> None:
    """Announce the vehicles of all lanes and links."""
    net, lanes, slots = w.net, w.lanes, w.slots
    for a in range(w.pool.num_active[0]):
        lane = w.pool.active[a]
        if net.is_link[lane] != 0:
            _tell(w, signal_state, lane, step)
            continue
        first = lanes.first[lane]
        link = slots.next[first]
        if link >= 0 and is_open(w, signal_state, link):
            _tell(w, signal_state, link, step)
        last = first + lanes.count[lane] - 1
        link = slots.before[last]
        if link >= 0 and net.is_link[link] != 0 and slots.pos[last] < w.types.length[slots.kind[last]] + 1.0:
            _tell(w, signal_state, link, step)


@device
def _tell(w: World, signal_state: NDArray[np.uint8], link: int, step: int) -> None:
    """Announce the vehicles of one link, from its last crossing point to its first."""
    net, lanes, slots, told = w.net, w.lanes, w.slots, w.told
    if lanes.told[link] == step:
        return
    lanes.told[link] = step
    begin, point = net.cross_start[link], net.cross_start[link + 1] - 1
    behind = net.link_to[link]
    if lanes.count[behind] > 0:
        slot = lanes.first[behind] + lanes.count[behind] - 1
        if slots.before[slot] == link:
            pos, rear = slots.pos[slot], slots.pos[slot] - w.types.length[slots.kind[slot]]
            while point >= begin and (net.length[link] - net.cross_pos[point]) + rear < 0.0:
                told.slot[point] = slot
                told.distance[point] = -(pos + (net.length[link] - net.cross_pos[point]))
                point -= 1
    for slot in range(lanes.first[link], lanes.first[link] + lanes.count[link]):
        pos, length = slots.pos[slot], w.types.length[slots.kind[slot]]
        while point >= begin:
            cross = net.cross_pos[point]
            if pos > cross and pos - cross - length > 0.0:
                break
            told.slot[point] = slot
            told.distance[point] = cross - pos
            point -= 1
    before = net.link_from[link]
    if point >= begin and lanes.count[before] > 0:
        slot = lanes.first[before]
        if slots.next[slot] == link and is_open(w, signal_state, link):
            distance = net.length[before] - slots.pos[slot]
            while point >= begin:
                told.slot[point] = slot
                told.distance[point] = distance + net.cross_pos[point]
                point -= 1
    lanes.told_from[link] = point + 1
