"""A metropolis on a river: bent blocks, bridges, a centre and suburbs.

The plan is a lattice that is bent at random and opened along a river. Every fourth line is an arterial, every
other one a collector, the rest are local streets, some of them one-way, some missing. Bridges carry arterials
and some collectors. Where main streets cross there are signals, a few of the collectors' crossings are
roundabouts. People live everywhere but mostly around, and work mostly in, the centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from urbanlab.city.synthetic.names import district_names, street_names
from urbanlab.city.synthetic.options import CommonOptions, check_range
from urbanlab.city.synthetic.streets import SPEED_OF_RANK, Control, Rank, Streets, with_roundabouts
from urbanlab.core.rng import generator

__all__ = ["RiverOptions", "plan_river"]

LANES_OF_RANK = np.array([0, 1, 2, 3])
ARTERIAL_EVERY, COLLECTOR_EVERY = 4, 2  # lines of the lattice
NODES_PER_DISTRICT = 30
BEND = 0.14  # [block] deviation of nodes
ASPECT = 1.4  # columns over rows
Int = NDArray[np.int32]
Float = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RiverOptions(CommonOptions):
    """`river:` a metropolis of about so many junctions."""

    junctions: int = 400
    block: float = 160.0  # [m] mean side of a block
    width: float = 90.0  # [m] of the river
    missing: float = 0.12  # share of the local streets that do not exist
    oneway: float = 0.25  # share of the local streets that are one-way
    roundabouts: float = 0.10  # share of the collectors' crossings that are roundabouts

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("junctions", self.junctions, 10, 150_000)
        check_range("block", self.block, 100.0, 1000.0)
        check_range("width", self.width, 20.0, 500.0)
        for name in ("missing", "oneway", "roundabouts"):
            check_range(name, getattr(self, name), 0.0, 0.5)


class _Lattice(NamedTuple):
    columns: int
    rows: int
    column: Int  # (J,)
    row: Int  # (J,)
    x: Float  # (J,) [m]
    y: Float  # (J,) [m]
    is_north: NDArray[np.bool_]  # (J,) of the river
    river_x: Float  # [m] its centre line
    river_y: Float


class _Links(NamedTuple):
    """Streets of the lattice."""

    start: Int
    end: Int
    rank: Int
    line: Int  # rows first, then columns
    is_bridge: NDArray[np.bool_]


def plan_river(options: RiverOptions, seed: int) -> Streets:
    """Plan the streets of a river metropolis."""
    lattice = _lattice(options, seed)
    links = _links(lattice)
    links = _without_missing(links, options.missing, len(lattice.x), seed)
    forward, backward = _lanes(links, lattice, options.oneway, seed)
    degree = np.bincount(np.concatenate([links.start, links.end]), minlength=len(lattice.x))
    is_main = _num_main_arms(links, len(lattice.x))
    control = np.where((is_main >= 3) & (degree >= 3) & options.signals, Control.SIGNAL, Control.AUTO).astype(np.uint8)
    circles = _circles(links, lattice, control, degree, options.roundabouts, seed)
    control[circles] = Control.AUTO
    district, homes, jobs = _districts(lattice, options, seed)
    names = street_names(_line_ranks(lattice), seed)
    river = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(lattice.river_x, lattice.river_y, strict=True))
    streets = Streets(
        name=f"river_{len(lattice.x)}",
        node_x=np.round(lattice.x, 2), node_y=np.round(lattice.y, 2), node_control=control, node_district=district,
        street_from=links.start, street_to=links.end, lanes_forward=forward, lanes_backward=backward,
        street_rank=links.rank, street_speed=np.array([0.0, *(SPEED_OF_RANK[kind] for kind in Rank)])[links.rank],
        street_name=tuple(
            f"{names[line]} Bridge" if bridge else names[line]
            for line, bridge in zip(links.line.tolist(), links.is_bridge.tolist(), strict=True)
        ),
        districts=district_names(len(homes), seed), homes=homes, jobs=jobs,
        street_has_doors=~links.is_bridge,
        attributes={"river": river, "river_width_m": f"{options.width:g}"},
    )  # fmt: skip
    return with_roundabouts(streets, circles)


def _lattice(options: RiverOptions, seed: int) -> _Lattice:
    columns = max(3, round(np.sqrt(options.junctions * ASPECT)))
    rows = max(3, round(options.junctions / columns))
    draw = generator(seed, "lattice")
    column = np.tile(np.arange(columns, dtype=np.int32), rows)
    row = np.repeat(np.arange(rows, dtype=np.int32), columns)
    # whole lines lie at uneven distances, nodes deviate a little more
    line_x = np.cumsum(1.0 + 0.2 * (draw.random(columns) - 0.5))
    line_y = np.cumsum(1.0 + 0.2 * (draw.random(rows) - 0.5))
    x = (line_x[column] + BEND * (draw.random(len(column)) - 0.5)) * options.block
    y = (line_y[row] + BEND * (draw.random(len(row)) - 0.5)) * options.block
    height, extent = float(y.max()), float(x.max())
    swing, waves, phase = 0.12 * height, 1.0 + draw.random(), 2 * np.pi * draw.random()

    def river(at: Float) -> Float:
        return height * 0.5 + swing * np.sin(2 * np.pi * waves * at / extent + phase)

    offset = y - river(x)
    is_north = offset > 0
    is_north = np.where(row == 0, False, np.where(row == rows - 1, True, is_north))
    room = options.width / 2 + 0.35 * options.block
    y = y + np.where(is_north, room, -room) * np.exp(-np.abs(offset) / (5 * options.block))
    line = np.linspace(x.min() - options.block, x.max() + options.block, 60)
    return _Lattice(columns, rows, column, row, x, y, is_north, line, river(line))


def _line_ranks(lattice: _Lattice) -> Int:
    """Rank of each line: rows first, then columns; the outermost are collectors at least."""
    ranks = []
    for count in (lattice.rows, lattice.columns):
        place = np.arange(count)
        rank = np.where(place % COLLECTOR_EVERY == 0, Rank.COLLECTOR, Rank.LOCAL)
        rank = np.where(place % ARTERIAL_EVERY == 2, Rank.ARTERIAL, rank)
        rank[-1] = max(int(rank[-1]), int(Rank.COLLECTOR))
        ranks.append(rank)
    return np.concatenate(ranks).astype(np.int32)


def _links(lattice: _Lattice) -> _Links:
    node = np.arange(len(lattice.x), dtype=np.int32)
    east = node[lattice.column < lattice.columns - 1]
    north = node[lattice.row < lattice.rows - 1]
    start = np.concatenate([east, north])
    end = np.concatenate([east + 1, north + lattice.columns]).astype(np.int32)
    line = np.concatenate([lattice.row[east], lattice.rows + lattice.column[north]])
    rank = _line_ranks(lattice)[line]
    crosses = lattice.is_north[start] != lattice.is_north[end]
    along = np.concatenate([np.ones(len(east), dtype=bool), np.zeros(len(north), dtype=bool)])
    # only columns bridge the river: the arterials, the outermost two, and every other collector
    column = lattice.column[start]
    is_wide = (rank == Rank.ARTERIAL) | (column == 0) | (column == lattice.columns - 1)
    keep = ~crosses | (~along & is_wide)
    return _Links(start[keep], end[keep], rank[keep], line[keep].astype(np.int32), crosses[keep])


def _without_missing(links: _Links, share: float, num_nodes: int, seed: int) -> _Links:
    """Leave out some local streets, no two at one node, none where fewer than four meet."""
    degree = np.bincount(np.concatenate([links.start, links.end]), minlength=num_nodes)
    local = np.flatnonzero((links.rank == Rank.LOCAL) & (degree[links.start] > 3) & (degree[links.end] > 3))
    order = generator(seed, "missing streets").permutation(local)[: int(share * np.sum(links.rank == Rank.LOCAL)) * 2]
    touched = np.zeros(num_nodes, dtype=bool)
    keep = np.ones(len(links.start), dtype=bool)
    left = int(share * np.sum(links.rank == Rank.LOCAL))
    for link in order.tolist():
        one, other = links.start[link], links.end[link]
        if left and not (touched[one] or touched[other]):
            keep[link] = False
            touched[one] = touched[other] = True
            left -= 1
    return _Links(*(column[keep] for column in links))


def _lanes(links: _Links, lattice: _Lattice, oneway: float, seed: int) -> tuple[Int, Int]:
    """Lanes forward and backward; one-way streets alternate from line to line and must not cut off anybody."""
    lanes = LANES_OF_RANK[links.rank].astype(np.int32)
    draw = generator(seed, "one-way streets")
    is_oneway = (links.rank == Rank.LOCAL) & (draw.random(len(lanes)) < oneway)
    goes_back = links.line % 4 < 2
    while True:
        forward = np.where(is_oneway & goes_back, 0, lanes).astype(np.int32)
        backward = np.where(is_oneway & ~goes_back, 0, lanes).astype(np.int32)
        outside = _cut_off(links, forward, backward, len(lattice.x))
        wrong = is_oneway & (outside[links.start] | outside[links.end])
        if not wrong.any():
            return forward, backward
        is_oneway &= ~wrong


def _cut_off(links: _Links, forward: Int, backward: Int, num_nodes: int) -> NDArray[np.bool_]:
    """(J,) nodes that cannot be reached from, or cannot reach, the bulk of the city."""
    start = np.concatenate([links.start[forward > 0], links.end[backward > 0]])
    end = np.concatenate([links.end[forward > 0], links.start[backward > 0]])
    graph = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(num_nodes, num_nodes)).tocsr()
    _, part = connected_components(graph, directed=True, connection="strong")
    return np.asarray(part != np.argmax(np.bincount(part)))


def _num_main_arms(links: _Links, num_nodes: int) -> NDArray[np.int64]:
    is_main = links.rank >= Rank.COLLECTOR
    return np.bincount(np.concatenate([links.start[is_main], links.end[is_main]]), minlength=num_nodes)


def _circles(
    links: _Links, lattice: _Lattice, control: NDArray[np.uint8], degree: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.int64]:
    """Crossings of four collectors that become roundabouts."""
    highest = np.zeros(len(lattice.x), np.int32)
    np.maximum.at(highest, links.start, links.rank)
    np.maximum.at(highest, links.end, links.rank)
    fits = np.flatnonzero((_num_main_arms(links, len(lattice.x)) == 4) & (highest == Rank.COLLECTOR) & (degree == 4))
    at_bridge = np.zeros(len(lattice.x), dtype=bool)
    at_bridge[links.start[links.is_bridge]] = at_bridge[links.end[links.is_bridge]] = True
    fits = fits[~at_bridge[fits]]
    count = round(share * len(fits)) if share == 0.0 else max(round(share * len(fits)), min(1, len(fits)))
    return np.sort(generator(seed, "roundabouts").permutation(fits)[:count])


def _districts(lattice: _Lattice, options: RiverOptions, seed: int) -> tuple[Int, Float, Float]:
    """District of each node (nearest of random centres on its side of the river), homes and work places."""
    draw = generator(seed, "districts")
    num = max(2, round(len(lattice.x) / NODES_PER_DISTRICT))
    centres = np.sort(draw.permutation(len(lattice.x))[:num])
    side = 1e3 * options.block * lattice.rows  # a detour that separates the banks
    points = np.column_stack([lattice.x, lattice.y, np.where(lattice.is_north, side, 0.0)])
    _, district = cKDTree(points[centres]).query(points)
    x, y = lattice.x[centres], lattice.y[centres]
    middle_x, middle_y = lattice.x.mean(), lattice.y.mean()
    away = np.hypot(x - middle_x, y - middle_y) / (0.5 * np.hypot(np.ptp(lattice.x), np.ptp(lattice.y)))
    homes = (0.4 + 1.2 * np.minimum(away * 1.5, 1.0)) * (0.6 + 0.8 * draw.random(num))
    jobs = (0.25 + 2.0 * np.exp(-((away / 0.35) ** 2))) * (0.5 + draw.random(num))
    business = draw.permutation(num)[: max(1, num // 12)]  # parks of offices or workshops away from the centre
    jobs[business] += 1.5
    return district.astype(np.int32), homes, jobs
