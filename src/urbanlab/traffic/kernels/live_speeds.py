"""End of a step: mean speeds of edges, smoothed over the last minutes, for drivers who choose their way.

Model: SUMO's `MSRoutingEngine` and `MSEdge::getMeanSpeed`: the mean over an edge's vehicles, where a lane without any counts
as one that drives at its limit, averaged over the last samples (or exponentially). Kept is what speeds lack to the limit, so
that only edges with vehicles cost time and memory.
"""

from __future__ import annotations

from urbanlab.core.jit import device
from urbanlab.traffic.kernels.navigation import LOG_HEAD, LOG_TAIL, LOG_USED, MICRO, SAMPLES
from urbanlab.traffic.kernels.world import ROOM, ROOM_LOG, World

__all__ = ["sample_speeds"]


@device
def sample_speeds(w: World, step: int) -> bool:
    """Take a sample if one is due; False where the log has no room for it."""
    nav = w.nav
    if nav.interval == 0 or step % nav.interval != 0:
        return True
    if nav.samples == 0:
        _sample_exponential(w)
        return True
    if nav.cursor[LOG_USED] + w.pool.num_active[0] + len(nav.altered) > len(nav.log_edge):
        w.cursor[ROOM] = ROOM_LOG
        return False
    _forget_oldest(w)
    num = _sum_up(w, 0)
    for k in range(num):
        edge = nav.here[k]
        lost = _lost(w, edge)
        nav.vehicles[edge] = 0
        if lost != 0:
            _log(w, edge, lost)
    nav.cursor[SAMPLES] += 1
    return True


@device
def _sum_up(w: World, num: int) -> int:
    """Speeds and vehicles of the edges that a sample is about: behind the first `num` of `here`; how many that are then."""
    nav, net = w.nav, w.net
    for a in range(w.pool.num_active[0]):
        lane = w.pool.active[a]
        if lane >= w.params.num_lanes or w.lanes.count[lane] == 0:
            continue  # off the road, or only the rear of a vehicle is here
        edge = net.lane_edge[lane]
        if nav.vehicles[edge] == 0:
            nav.here[num] = edge
            num += 1
            nav.total[edge] = 0.0
            nav.seen[edge] = 1
        first, count = w.lanes.first[lane], w.lanes.count[lane]
        total = 0.0
        for slot in range(first, first + count):
            total += w.slots.speed[slot]
        nav.total[edge] += total
        nav.vehicles[edge] += count
    for k in range(len(nav.altered)):
        edge = nav.altered[k]
        if nav.seen[edge] != 0 and nav.vehicles[edge] == 0:
            nav.here[num] = edge
            num += 1
            nav.total[edge] = 0.0
    return num


@device
def _lost(w: World, edge: int) -> int:
    """What the mean speed of an edge lacks to its limit at begin [micrometre/s]."""
    nav = w.nav
    total, vehicles = nav.total[edge], nav.vehicles[edge]
    low = w.net.edge_first_lane[edge]
    for lane in range(low, low + w.net.edge_num_lanes[edge]):
        if w.lanes.count[lane] == 0:
            total += w.lanes.speed[lane]
            vehicles += 1
    return int(round((nav.limit[edge] - total / vehicles) * MICRO))


@device
def _log(w: World, edge: int, lost: int) -> None:
    nav = w.nav
    head = nav.cursor[LOG_HEAD]
    nav.log_edge[head], nav.log_lost[head] = edge, lost
    nav.cursor[LOG_HEAD] = head + 1 if head + 1 < len(nav.log_edge) else 0
    nav.cursor[LOG_USED] += 1
    nav.log_num[nav.cursor[SAMPLES] % nav.samples] += 1
    nav.lost[edge] += lost


@device
def _forget_oldest(w: World) -> None:
    """Take the sample out of the sums whose place the next one takes."""
    nav = w.nav
    place = nav.cursor[SAMPLES] % nav.samples
    tail = nav.cursor[LOG_TAIL]
    for _ in range(nav.log_num[place]):
        nav.lost[nav.log_edge[tail]] -= nav.log_lost[tail]
        tail = tail + 1 if tail + 1 < len(nav.log_edge) else 0
    nav.cursor[LOG_TAIL] = tail
    nav.cursor[LOG_USED] -= nav.log_num[place]
    nav.log_num[place] = 0


@device
def _sample_exponential(w: World) -> None:
    nav = w.nav
    known = nav.cursor[LOG_USED]
    for k in range(known):
        nav.lost[nav.here[k]] *= nav.weight
    num = _sum_up(w, known)
    for k in range(known, num):
        edge = nav.here[k]
        nav.lost[edge] += (1.0 - nav.weight) * _lost(w, edge)
        nav.vehicles[edge] = 0
    _keep_known(w, known, num)
    nav.cursor[SAMPLES] += 1


@device
def _keep_known(w: World, known: int, num: int) -> None:
    """Edges whose speed has ever been less than its limit stay in the list; `total` marks them between samples."""
    nav = w.nav
    for k in range(known):
        nav.total[nav.here[k]] = -1.0
    for k in range(known, num):
        edge = nav.here[k]
        if nav.total[edge] != -1.0:
            nav.here[known] = edge
            known += 1
    nav.cursor[LOG_USED] = known
