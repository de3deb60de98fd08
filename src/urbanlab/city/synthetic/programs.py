"""Fixed-time programs for the signals of a synthetic city.

Streets that face each other are green together. Heavy left turns get a phase of their own behind the common
one, others turn through gaps. Yellow and all-red times follow the formulas of the Institute of Transportation
Engineers, green times the critical flows, the cycle Webster (1958, "Traffic signal settings", Road Research
Technical Paper 39); one cycle for the city, offsets for progression towards the centre.

Letters: S signals, K links of one signal, P phases, C connections, E edges.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from urbanlab.city.demand import Demand
from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.city.synthetic.builder import Built
from urbanlab.city.synthetic.stages import SignalLinks, Stage, links_of_signals, stages_of
from urbanlab.city.synthetic.streets import Rank

__all__ = ["all_red_time", "make_programs", "yellow_time"]

REACTION, BRAKING, GRAVITY = 1.0, 3.05, 9.81  # [s], [m/s^2], [m/s^2] ITE's values
VEHICLE_LENGTH = 5.0  # [m] that has to clear the junction
SHORTEST_CYCLE, LONGEST_CYCLE = 60, 110  # [s]
PEAK_FACTOR = 1.3  # flow in the height of the peak over its mean
Float = NDArray[np.float64]


def yellow_time(speed: float, grade: float = 0.0) -> float:
    """Yellow in whole seconds: t + v / (2 a + 2 g G) (ITE, Traffic Engineering Handbook), at least 3 s.

    Parameters
    ----------
    speed : [m/s] of the approach
    grade : [1] uphill positive

    Examples
    --------
    >>> yellow_time(50 / 3.6), yellow_time(80 / 3.6)
    (3.0, 5.0)
    """
    return float(max(3, round(REACTION + speed / (2 * BRAKING + 2 * GRAVITY * grade))))


def all_red_time(width: float, speed: float) -> float:
    """All-red in whole seconds: (W + L) / v (ITE), at least 1 s.

    Parameters
    ----------
    width : [m] of the way through the junction
    speed : [m/s] on it
    """
    return float(max(1, round((width + VEHICLE_LENGTH) / speed)))


class _Plan(NamedTuple):
    """One signal before its times are fixed."""

    stages: list[Stage]
    waits_for: list[list[int]]  # (K,) links that each yields to
    yellow: float  # [s]
    all_red: float  # [s]


def make_programs(built: Built, demand: Demand, duration: float, *, protected: bool) -> SignalPrograms:
    """One static program for each signal, made for a demand."""
    flow = _link_flows(built, demand, duration) * PEAK_FACTOR
    plans = [_plan(built, first, links, protected=protected) for first, links in links_of_signals(built, flow)]
    cycle = _common_cycle(plans)
    states: list[str] = []
    durations: list[float] = []
    counts: list[int] = []
    for plan in plans:
        phases = _phases(plan, cycle)
        states += [state for state, _ in phases]
        durations += [length for _, length in phases]
        counts.append(len(phases))
    num = len(plans)
    length = np.array(durations)
    return SignalPrograms(
        program_signal=np.arange(num, dtype=np.int32), program_id=("0",) * num,
        program_type=np.full(num, ProgramType.STATIC, np.uint8), program_offset=_offsets(built, cycle),
        program_params=tuple({} for _ in range(num)),
        phase_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), phase_duration=length,
        phase_min=length.copy(), phase_max=length.copy(), phase_state=tuple(states),
        phase_next=((),) * len(states), phase_name=("",) * len(states), active_program=np.arange(num, dtype=np.int32),
    )  # fmt: skip


def _link_flows(built: Built, demand: Demand, duration: float) -> Float:
    """(C,) [1/s] flow of each connection: that of its movement, shared by its lanes."""
    num_edges = built.network.num_edges
    weight = np.bincount(demand.trip_route, minlength=len(demand.route_start) - 1).astype(np.float64)
    route = np.repeat(np.arange(len(weight)), np.diff(demand.route_start))
    follows = np.flatnonzero(route[1:] == route[:-1]) if len(route) else np.empty(0, np.int64)
    pair = demand.route_edge[follows].astype(np.int64) * num_edges + demand.route_edge[follows + 1]
    driven, place = np.unique(pair, return_inverse=True)
    volume = np.bincount(place.reshape(-1), weights=weight[route[follows]], minlength=len(driven))
    own = built.turns.from_edge.astype(np.int64) * num_edges + built.turns.to_edge
    _, move, lanes = np.unique(own, return_inverse=True, return_counts=True)
    if len(driven) == 0:
        return np.zeros(len(own))
    at = np.minimum(np.searchsorted(driven, own), len(driven) - 1)
    flow = np.where(driven[at] == own, volume[at], 0.0) / lanes[move.reshape(-1)]
    return np.asarray(flow / duration, dtype=np.float64)


def _plan(built: Built, first: int, links: SignalLinks, *, protected: bool) -> _Plan:
    """Stages and change times of the signal whose links begin at a connection."""
    network, lanes = built.network, links.lane
    ahead = [k for k, left in enumerate(links.is_left) if not left] or list(range(len(lanes)))
    speed = float(network.lane_speed[lanes].max())
    width = float(network.lane_length[network.connection_via[[first + k for k in ahead]]].max())
    return _Plan(stages_of(links, protected=protected), links.waits_for, yellow_time(speed), all_red_time(width, speed))


def _common_cycle(plans: list[_Plan]) -> int:
    """[s] the longest that Webster's formula wants, within bounds."""
    wanted = [SHORTEST_CYCLE]
    for plan in plans:
        lost = _lost_time(plan)
        load = min(sum(stage.flow_ratio for stage in plan.stages), 0.85)
        needed = lost + sum(stage.min_green for stage in plan.stages)
        wanted.append(max(math.ceil(needed), math.ceil((1.5 * lost + 5.0) / (1.0 - load))))
    return min(max(5 * math.ceil(max(wanted) / 5), SHORTEST_CYCLE), LONGEST_CYCLE)


def _lost_time(plan: _Plan) -> float:
    """[s] of a cycle in which nothing has green."""
    return sum(_change(plan, stage, following) for stage, following in _changes(plan))


def _changes(plan: _Plan) -> list[tuple[Stage, Stage]]:
    if len(plan.stages) == 1:
        return []
    return list(zip(plan.stages, plan.stages[1:] + plan.stages[:1], strict=True))


def _change(plan: _Plan, stage: Stage, following: Stage) -> float:
    """[s] of a change; no all-red where some links stay green, within one street."""
    stays = any(one and other for one, other in zip(stage.green, following.green, strict=True))
    return plan.yellow + (0.0 if stays else plan.all_red)


def _phases(plan: _Plan, cycle: int) -> list[tuple[str, float]]:
    """States and durations of one cycle: each stage, its yellow, its all-red."""
    greens = _splits(plan, cycle)
    if len(plan.stages) == 1:
        return [(_state(plan, plan.stages[0]), float(cycle))]
    phases: list[tuple[str, float]] = []
    for (stage, following), green in zip(_changes(plan), greens, strict=True):
        shown = _state(plan, stage)
        staying = [one and other for one, other in zip(stage.green, following.green, strict=True)]
        phases.append((shown, green))
        phases.append((_while_changing(shown, stage, staying, "y"), plan.yellow))
        if not any(staying):
            phases.append((_while_changing(shown, stage, staying, "r"), plan.all_red))
    return phases


def _while_changing(shown: str, stage: Stage, staying: list[bool], letter: str) -> str:
    triples = zip(shown, stage.green, staying, strict=True)
    return "".join(letter if green and not stays else old for old, green, stays in triples)


def _state(plan: _Plan, stage: Stage) -> str:
    """G where nothing green has to be waited for, else g."""
    pairs = zip(stage.green, plan.waits_for, strict=True)
    return "".join("r" if not on else "g" if any(stage.green[foe] for foe in foes) else "G" for on, foes in pairs)


def _splits(plan: _Plan, cycle: int) -> list[float]:
    """[s] whole green seconds in proportion to the critical flows, none under its minimum."""
    available = round(cycle - _lost_time(plan))
    least = [stage.min_green for stage in plan.stages]
    ratio = [max(stage.flow_ratio, 1e-3) for stage in plan.stages]
    free = available - sum(least)
    if free <= 0:
        return [float(green) for green in least]
    wish = [max(share / sum(ratio) * available - green, 0.0) for share, green in zip(ratio, least, strict=True)]
    extra = [part / sum(wish) * free for part in wish]
    whole = [math.floor(part) for part in extra]
    by_rest = sorted(range(len(whole)), key=lambda place: whole[place] - extra[place])
    for place in by_rest[: free - sum(whole)]:
        whole[place] += 1
    return [float(green + more) for green, more in zip(least, whole, strict=True)]


def _offsets(built: Built, cycle: int) -> Float:
    """[s] start of each cycle so that platoons on the main streets reach the centre with its green."""
    streets, edges = built.streets, built.edges
    signals = built.network.junction_of_id
    nodes = np.array([signals[name] for name in built.network.signal_id], np.int64)
    if len(nodes) == 0:
        return np.zeros(0)
    middle_x, middle_y = streets.node_x[nodes].mean(), streets.node_y[nodes].mean()
    centre = int(nodes[np.argmin(np.hypot(streets.node_x[nodes] - middle_x, streets.node_y[nodes] - middle_y))])
    length = np.hypot(streets.node_x[edges.end] - streets.node_x[edges.start], streets.node_y[edges.end] - streets.node_y[edges.start])
    rank = streets.street_rank[edges.street]
    slower = np.where(rank >= Rank.ARTERIAL, 1.0, np.where(rank == Rank.COLLECTOR, 1.3, 3.0))  # keep to main streets
    time = length / streets.street_speed[edges.street] * slower
    reverse = coo_array((time, (edges.end, edges.start)), shape=(streets.num_nodes, streets.num_nodes)).tocsr()
    to_centre = dijkstra(reverse, indices=centre)[nodes]
    offsets: Float = np.asarray(np.round(np.where(np.isfinite(to_centre), -to_centre, 0.0)) % cycle, np.float64)
    return offsets
