"""Phases of actuated programs: which may follow which, and whose vehicles surely drive in each.

Source: the documented behaviour of SUMO's actuated traffic lights (Simulation/Traffic_Lights), with its
rules for phases that several may follow (`next`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from urbanlab.city.network import Network, class_mask
from urbanlab.city.program import SignalPrograms
from urbanlab.traffic.lights.signal_links import SignalLinks

__all__ = ["PhaseTargets", "greens_of", "is_actuated_phase", "is_green", "phase_targets"]

UNMOTORISED = class_mask("pedestrian", "bicycle")
VULNERABLE = class_mask("pedestrian", "bicycle", "scooter", "wheelchair")


class PhaseTargets(NamedTuple):
    """Ways through the phases of one program; phases count within it."""

    chooses: bool  # some phase may be followed by several
    choice: frozenset[int]  # green phases that a `next` leads to, empty unless chooses
    best: dict[tuple[int, int], list[int]]  # (phase, place in its `next`): green phases that this is the best way to


def is_green(state: str) -> bool:
    """Does a state let somebody go and nobody stop? SUMO's definition of a green phase."""
    return ("G" in state or "g" in state) and "y" not in state


def is_actuated_phase(programs: SignalPrograms, row: int) -> bool:
    """May traffic change the length of a phase (row of all phases)?"""
    return bool(programs.phase_min[row] != programs.phase_max[row])


def phase_targets(programs: SignalPrograms, program: int) -> PhaseTargets:
    """Which green phases each phase leads to, and over which of its next ones soonest."""
    begin, end = int(programs.phase_start[program]), int(programs.phase_start[program + 1])
    num = end - begin
    following = [list(programs.phase_next[begin + p]) or [(p + 1) % num] for p in range(num)]
    if not any(len(part) > 1 for part in following):
        return PhaseTargets(chooses=False, choice=frozenset(), best={})
    greens = [_next_green(programs, begin, following, p) for p in range(num)]
    best: dict[tuple[int, int], list[int]] = {}
    for phase in range(num):
        reached = {way: _reach(phase, way, greens, following) for way in sorted(set(following[phase]))}
        for target in range(num):
            times = [(found[target], way) for way, found in reached.items() if target in found]
            if times:
                way = min(times)[1]
                best.setdefault((phase, following[phase].index(way)), []).append(target)
    return PhaseTargets(chooses=True, choice=frozenset(greens[way][0] for part in following for way in part), best=best)


def _next_green(programs: SignalPrograms, begin: int, following: list[list[int]], phase: int) -> tuple[int, float]:
    """First green phase from a phase on, itself included, and the time until then [s]; phase 0 where there is none."""
    first, passed, time = phase, 0, 0.0
    while not is_green(programs.phase_state[begin + phase]):
        passed += 1
        time += float(programs.phase_duration[begin + phase])
        phase = next((way for way in following[phase] if way != phase), phase)
        if phase == first or passed > len(following):
            return 0, 0.0
    return phase, time


def _reach(origin: int, way: int, greens: list[tuple[int, float]], following: list[list[int]]) -> dict[int, float]:
    """Green phases that can be reached over a way without passing the origin, with the shortest time of transition [s]."""
    found: dict[int, float] = {}
    waiting = [(way, 0.0)]
    while waiting:
        step, before = waiting.pop()
        target, time = greens[step][0], greens[step][1] + before
        if target != origin and not found.get(target, np.inf) <= time:
            found[target] = time
            waiting += [(further, time) for further in following[target]]
    return found


def greens_of(network: Network, state: str, states: tuple[str, ...], links: SignalLinks) -> set[int]:
    """Links whose vehicles surely drive in a phase.

    A permissive green counts only if it is never protected (or turns around) and a protected one of the
    same lane is on too, if its edge has a single lane for motor vehicles, or if nobody but bicycles crosses it.
    """
    protected_lanes = {lane for link, lanes in enumerate(links.lanes) if state[link] == "G" for lane in lanes}
    green = set()
    for link, lanes in enumerate(links.lanes):
        if state[link] == "G":
            green.add(link)
        elif state[link] == "g":
            minor = links.turns_around[link] or all(s[link] != "G" for s in states)
            shared = any(lane in protected_lanes for lane in lanes)
            single = any(_is_single(network, lane) for lane in lanes)
            if (minor and shared) or single or not _meets_others(network, state, link, links):
                green.add(link)
    return green


def _is_single(network: Network, lane: int) -> bool:
    edge = int(network.lane_edge[lane])
    part = network.lane_permissions[network.edge_first_lane[edge] : network.edge_first_lane[edge + 1]]
    return int(np.count_nonzero(part & ~UNMOTORISED)) == 1


def _meets_others(network: Network, state: str, link: int, links: SignalLinks) -> bool:
    """Does the way of a link meet that of motor vehicles from another edge that are green too?"""
    request_of = {
        int(network.connection_request[row]): row
        for other, rows in enumerate(links.rows)
        if other != link and state[other] in "Gg"
        for row in rows
    }
    for row in links.rows[link]:
        request = int(network.connection_request[row])
        if request < 0:
            continue
        for foe in network.foe_request[network.foe_start[request] : network.foe_start[request + 1]].tolist():
            other_row = request_of.get(foe, -1)
            if other_row >= 0 and int(network.connection_permissions[other_row]) & ~VULNERABLE:
                own, its = network.connection_from[row], network.connection_from[other_row]
                if network.lane_edge[own] != network.lane_edge[its]:
                    return True
    return False
