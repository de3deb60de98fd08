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
from urbanlab.city.synthetic.streets import Rank
from urbanlab.city.synthetic.turns import LEFT

__all__ = ["all_red_time", "make_programs", "yellow_time"]

SATURATION = 1800.0 / 3600.0  # [1/s] of a lane
REACTION, BRAKING, GRAVITY = 1.0, 3.05, 9.81  # [s], [m/s^2], [m/s^2] ITE's values
VEHICLE_LENGTH = 5.0  # [m] that has to clear the junction
SHORTEST_CYCLE, LONGEST_CYCLE = 60, 110  # [s]
MIN_GREEN, MIN_GREEN_LEFT = 8, 6  # [s]
PEAK_FACTOR = 1.3  # flow in the height of the peak over its mean
PROTECT_FROM = 90.0 / 3600.0  # [1/s] left turns that get a phase of their own, if oncoming traffic is dense too
PROTECT_PRODUCT = 50_000.0 / 3600.0**2  # [1/s^2] left turns times oncoming flow per lane (HCM's rule of thumb)
SNEAKERS = 0.6  # part of a protected left flow that still needs its own phase: the rest finds gaps before
GAP_EQUIVALENT = 1.8  # [1] lane time of a left turn through gaps over that of a straight one
FACING = np.radians(50.0)
Int = NDArray[np.int32]
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


class _Stage(NamedTuple):
    """Links that are green together for one critical flow."""

    green: NDArray[np.bool_]  # (K,)
    flow_ratio: float  # [1] critical flow over saturation flow
    min_green: int  # [s]


class _Plan(NamedTuple):
    """One signal before its times are fixed."""

    stages: list[_Stage]
    yields: NDArray[np.bool_]  # (K, K) the first waits for the second
    yellow: float  # [s]
    all_red: float  # [s]
    num_pairs: int


def make_programs(built: Built, demand: Demand, duration: float, *, protected: bool) -> SignalPrograms:
    """One static program for each signal, made for a demand."""
    flow = _link_flows(built, demand, duration) * PEAK_FACTOR
    network = built.network
    signal_rows = np.flatnonzero(network.connection_signal[: len(built.turns.node)] >= 0)
    signal = network.connection_signal[signal_rows]
    bounds = np.flatnonzero(np.diff(signal, prepend=-1, append=network.num_signals))
    plans = [
        _plan(built, int(signal_rows[first]), int(signal_rows[last - 1]) + 1, flow, protected=protected)
        for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
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


def _plan(built: Built, first: int, last: int, flow: Float, *, protected: bool) -> _Plan:
    turns, ways, network = built.turns, built.ways, built.network
    yields = np.zeros((last - first, last - first), dtype=bool)
    for link in range(first, last):
        part = slice(int(ways.foe_start[link]), int(ways.foe_start[link + 1]))
        yields[link - first, ways.foe[part][ways.yields[part]] - first] = True
    edge, lane, kind = turns.from_edge[first:last], turns.from_lane[first:last], turns.kind[first:last]
    own = flow[first:last]
    groups = _groups(built, edge, own)
    stages: list[_Stage] = []
    for group in groups:
        stages += _stages(group, edge, lane, kind, own, yields, protected=protected)
    via = network.connection_via[first:last]
    straight = np.flatnonzero(kind != LEFT)
    widest = via[straight if len(straight) else slice(None)]
    speed = float(network.lane_speed[lane].max())
    width = float(network.lane_length[widest].max())
    return _Plan(stages, yields, yellow_time(speed), all_red_time(width, speed), len(groups))


def _groups(built: Built, edge: Int, flow: Float) -> list[list[int]]:
    """Incoming edges in groups that face each other, the one with the most traffic first."""
    waiting = list(dict.fromkeys(edge.tolist()))
    load = {one: float(flow[edge == one].sum()) for one in waiting}
    heading = built.edges.heading
    facing = []
    for place, one in enumerate(waiting):
        for other in waiting[place + 1 :]:
            turn = (float(heading[other]) - float(heading[one])) % (2 * math.pi)
            if abs(turn - math.pi) < FACING:
                facing.append((abs(turn - math.pi), one, other))
    groups: list[list[int]] = []
    for _, one, other in sorted(facing):
        if one in waiting and other in waiting:
            groups.append([one, other])
            waiting.remove(one)
            waiting.remove(other)
    groups += [[one] for one in waiting]
    return sorted(groups, key=lambda group: (-sum(load[one] for one in group), group))


def _stages(
    group: list[int],
    edge: Int,
    lane: Int,
    kind: NDArray[np.int8],
    flow: Float,
    yields: NDArray[np.bool_],
    *,
    protected: bool,
) -> list[_Stage]:
    """One stage for a group of edges, or two where left turns get their own."""
    green = np.isin(edge, group)
    through_gaps = green & (kind == LEFT) & (yields & green).any(axis=1)
    separate = np.zeros(len(edge), dtype=bool)
    for link in np.flatnonzero(through_gaps).tolist():
        shared = np.any(green & (lane == lane[link]) & (kind != LEFT))
        oncoming = max(float(flow[lane == one].sum()) for one in set(lane[yields[link] & green].tolist()))
        is_heavy = flow[link] >= PROTECT_FROM and flow[link] * oncoming >= PROTECT_PRODUCT
        separate[link] = protected and is_heavy and not shared
    equivalent = np.where(through_gaps & ~separate, GAP_EQUIVALENT, 1.0) * flow
    common = [float(equivalent[green & ~separate & (lane == one)].sum()) for one in set(lane[green].tolist())]
    stages = [_Stage(green, max(common) / SATURATION, MIN_GREEN)]
    if separate.any():
        # all left turns of the group that have lanes of their own and do not meet go together
        alone = green & (kind == LEFT) & ~np.isin(lane, lane[green & (kind != LEFT)])
        meets = yields | yields.T
        if not meets[np.ix_(alone, alone)].any():
            critical = max(float(flow[alone & (lane == one)].sum()) for one in set(lane[alone].tolist()))
            stages.append(_Stage(alone, SNEAKERS * critical / SATURATION, MIN_GREEN_LEFT))
    return stages


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
    return sum(_change(plan, stage, following)[1] for stage, following in _changes(plan))


def _changes(plan: _Plan) -> list[tuple[_Stage, _Stage]]:
    if len(plan.stages) == 1:
        return []
    return list(zip(plan.stages, plan.stages[1:] + plan.stages[:1], strict=True))


def _change(plan: _Plan, stage: _Stage, following: _Stage) -> tuple[bool, float]:
    """Whether links stay green over a change, and its length [s]; no all-red within one street."""
    stays = bool(np.any(stage.green & following.green))
    return stays, plan.yellow + (0.0 if stays else plan.all_red)


def _phases(plan: _Plan, cycle: int) -> list[tuple[str, float]]:
    """States and durations of one cycle: each stage, its yellow, its all-red."""
    greens = _splits(plan, cycle)
    if len(plan.stages) == 1:
        return [(_state(plan, plan.stages[0]), float(cycle))]
    phases: list[tuple[str, float]] = []
    for (stage, following), green in zip(_changes(plan), greens, strict=True):
        shown = _state(plan, stage)
        staying = stage.green & following.green
        phases.append((shown, green))
        phases.append((_while_changing(shown, stage, staying, "y"), plan.yellow))
        if not staying.any():
            phases.append((_while_changing(shown, stage, staying, "r"), plan.all_red))
    return phases


def _while_changing(shown: str, stage: _Stage, staying: NDArray[np.bool_], letter: str) -> str:
    pairs = zip(shown, stage.green.tolist(), staying.tolist(), strict=True)
    return "".join(letter if green and not stays else old for old, green, stays in pairs)


def _state(plan: _Plan, stage: _Stage) -> str:
    """G where nothing green has to be waited for, else g."""
    waits = np.any(plan.yields & stage.green, axis=1).tolist()
    return "".join("r" if not on else "g" if wait else "G" for on, wait in zip(stage.green.tolist(), waits, strict=True))


def _splits(plan: _Plan, cycle: int) -> list[float]:
    """[s] whole green seconds in proportion to the critical flows, none under its minimum."""
    available = round(cycle - _lost_time(plan))
    least = np.array([stage.min_green for stage in plan.stages])
    ratio = np.array([max(stage.flow_ratio, 1e-3) for stage in plan.stages])
    free = available - int(least.sum())
    if free <= 0:
        return [float(green) for green in least]
    wish = np.maximum(ratio / ratio.sum() * available - least, 0.0)
    extra = wish / wish.sum() * free if wish.sum() > 0 else np.full(len(least), free / len(least))
    whole = np.floor(extra).astype(np.int64)
    for place in np.argsort(-(extra - whole), kind="stable")[: free - int(whole.sum())].tolist():
        whole[place] += 1
    return [float(green) for green in least + whole]


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
