"""The inner lanes of roundabouts: why a vehicle that need not leave soon goes there.

Model: SUMO's bonus for roundabouts (Erdmann, `MSLCHelper::getRoundaboutDistBonus`): a lane that leads through a roundabout past more
than its next exit counts as leading on farther than it does, the more the emptier the inner lane is beside the best one.
"""

from __future__ import annotations

from urbanlab.core.jit import device, inline
from urbanlab.traffic.kernels.arrays import EDGE_BRANCHES, EDGE_NEARS_ROUNDABOUT, ROUNDABOUT_REACH
from urbanlab.traffic.kernels.look_ahead import next_link
from urbanlab.traffic.kernels.neighbours import taken
from urbanlab.traffic.kernels.world import World

__all__ = ["roundabout_bonus"]

MAX_AHEAD = 64
SPACE_OF_EXIT = 7.5
"""[m] by which the inner lane may be fuller for each exit that is passed."""
WEIGHT = 9.0
"""[1] SUMO's own factor."""


@inline
def _taken_by_link(w: World, link: int) -> float:
    """The same on the first internal lane of a link [m]."""
    lane = w.net.link_next[link]
    return taken(w, lane) if w.net.lane_internal[lane] != 0 else 0.0


@device
def roundabout_bonus(w: World, slot: int, kind: int, best: int, inner: int) -> float:
    """By how much a change can be put off for the sake of the roundabout ahead [m].

    Parameters
    ----------
    best, inner : lanes of the vehicle's edge: the best one, and the left one of its own and the one beside it
    """
    net, route, pos, share = w.net, w.slots.route[slot], w.slots.pos[slot], 1.0
    if net.lane_internal[best] != 0:
        best, inner, route = net.link_to[net.lane_out[best]], net.link_to[net.lane_out[inner]], route + 1
    else:
        share -= pos / net.lane_length[best]  # those behind it do not count
    if net.edge_flags[net.lane_edge[best]] & EDGE_NEARS_ROUNDABOUT == 0:
        return 0.0
    seen, exits, entered, driven = -pos, 0, False, 0.0
    outer_taken, inner_taken = 0.0, 0.0
    for _ in range(MAX_AHEAD):
        edge = net.lane_edge[best]
        rounds = net.edge_roundabout[edge] != 0
        if seen > ROUNDABOUT_REACH or (inner < 0 and (rounds or not entered)):
            return 0.0
        if entered and not rounds:
            break
        entered = rounds
        if rounds:
            driven += net.lane_length[best]
            if net.edge_flags[edge] & EDGE_BRANCHES != 0:
                exits += 1
        outer_taken += share * taken(w, best)
        if inner >= 0:
            inner_taken += share * taken(w, inner)
        seen += net.lane_length[best]
        share = 1.0
        if w.routes.last[route] != 0:
            break
        link, inner_link = next_link(w, best, route), next_link(w, inner, route) if inner >= 0 else -1
        if link < 0:
            break
        route += 1
        best, inner = net.link_to[link], net.link_to[inner_link] if inner_link >= 0 else -1
        if net.edge_roundabout[net.lane_edge[best]] != 0 or not entered:
            outer_taken += _taken_by_link(w, link)
            if inner_link >= 0:
                inner_taken += _taken_by_link(w, inner_link)
        if net.edge_roundabout[net.lane_edge[best]] != 0:
            driven += net.link_length[link]
    most = max(outer_taken, inner_taken)
    if exits < 2 or most == 0.0:
        return 0.0
    spare = exits * SPACE_OF_EXIT
    free = max(0.0, (outer_taken - inner_taken + spare) / (most + spare))
    return driven * free * w.types.lc_cooperative[kind] * WEIGHT
