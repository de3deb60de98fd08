"""A metropolis on a river: bent blocks, bridges, a centre and suburbs.

The plan is a lattice that is bent at random, denser in the centre, and opened along a river, whose banks are main
streets. Every fourth line is an arterial, every other one a collector, the rest are local streets, some of them
one-way, some missing. Bridges carry the arterials, every other collector and the outermost streets. Where main
streets cross there are signals, a few of the collectors' crossings are roundabouts. People live everywhere but
mostly around, and work mostly in, the centre.
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
from urbanlab.city.synthetic.turns import ways_on
from urbanlab.core.rng import generator

__all__ = ["RiverOptions", "plan_river"]

LANES_OF_RANK = np.array([0, 1, 2, 3])
ARTERIAL_EVERY, COLLECTOR_EVERY = 4, 2  # lines of the lattice
NODES_PER_DISTRICT = 30
BEND = 0.2  # [block] deviation of nodes
WAVE, WAVE_LENGTH = 0.45, 7.0  # [block] deviation of whole quarters, and over how many blocks
CENTRE, RIM = 0.8, 0.3  # [1] size of a block in the centre, and by how much it grows towards the rim
SWING = 0.1  # [1] of the river, as share of the height
BANK = 30.0  # [m] from the water to the middle of the street on the bank
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
    south_bank: int  # row of the lattice; the next one is the north bank
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
    links = _without_stubs(_without_missing(links, options.missing, len(lattice.x), seed), len(lattice.x))
    forward, backward = _lanes(links, lattice, options.oneway, seed)
    degree = np.bincount(np.concatenate([links.start, links.end]), minlength=len(lattice.x))
    is_main = _num_main_arms(links, len(lattice.x))
    control = np.where((is_main >= 3) & (degree >= 3) & options.signals, Control.SIGNAL, Control.AUTO).astype(np.uint8)
    circles = _circles(links, lattice, degree, options.roundabouts, seed)
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
    line_x = np.cumsum(1.0 + 0.3 * (draw.random(columns) - 0.5))
    line_y = np.cumsum(1.0 + 0.3 * (draw.random(rows) - 0.5))
    x = line_x[column] + BEND * (draw.random(len(column)) - 0.5)
    y = line_y[row] + BEND * (draw.random(len(row)) - 0.5)
    south_bank = rows // 2 - 1
    middle = float(line_y[south_bank] + line_y[south_bank + 1]) / 2.0
    shape = _Shape(*_extent(x, y), middle, draw.random(5) * 2 * np.pi, options.block)
    x, y = _bend(x, y, shape)
    y = _opened(y, row, south_bank, options)
    return _Lattice(columns, rows, column, row, x, y, row > south_bank, south_bank, *_river(x, y, south_bank, columns))


class _Shape(NamedTuple):
    """How the lattice is bent; lengths are [block]."""

    centre_x: float
    centre_y: float
    half_x: float
    half_y: float
    river_y: float
    turn: Float  # (5,) [rad] random phases of the waves
    block: float  # [m]


def _extent(x: Float, y: Float) -> tuple[float, float, float, float]:
    return float(x.mean()), float(y.mean()), max(float(np.ptp(x)) / 2.0, 1.0), max(float(np.ptp(y)) / 2.0, 1.0)


def _bend(x: Float, y: Float, shape: _Shape) -> tuple[Float, Float]:
    """From the straight lattice [block] to the plane [m]: waves, the river's swing, blocks that grow from the centre."""
    wave = 2 * np.pi / WAVE_LENGTH
    away = np.exp(-(((y - shape.river_y) / (0.7 * shape.half_y)) ** 2))
    course = np.sin(np.pi * (1.0 + 0.5 * np.sin(shape.turn[4])) * (x - shape.centre_x) / shape.half_x + shape.turn[0])
    bent_x = x + WAVE * np.sin(wave * y + shape.turn[1]) * np.cos(0.4 * wave * x + shape.turn[3])
    bent_y = y + WAVE * np.sin(wave * x + shape.turn[2]) * (1.0 - away) + 2 * SWING * shape.half_y * course * away
    right, up = bent_x - shape.centre_x, bent_y - shape.centre_y
    growth = CENTRE + RIM * np.minimum(np.hypot(right / shape.half_x, up / shape.half_y), 1.0)
    return right * growth * shape.block, up * growth * shape.block


def _opened(y: Float, row: Int, south_bank: int, options: RiverOptions) -> Float:
    """The banks moved apart until the river has its room everywhere."""
    columns = len(y) // (int(row.max()) + 1)
    across = y.reshape(-1, columns)[south_bank + 1] - y.reshape(-1, columns)[south_bank]
    lacking = max(options.width + 2 * BANK - float(across.min()), 0.0)
    return y + np.where(row > south_bank, lacking / 2.0, -lacking / 2.0)


def _river(x: Float, y: Float, south_bank: int, columns: int) -> tuple[Float, Float]:
    """Centre line [m] half way between the banks, and a block beyond both ends of the city."""
    banks = slice(south_bank * columns, (south_bank + 2) * columns)
    line = np.stack([x[banks].reshape(2, columns).mean(axis=0), y[banks].reshape(2, columns).mean(axis=0)])
    beyond = np.stack([2 * line[:, 0] - line[:, 1], 2 * line[:, -1] - line[:, -2]], axis=1)
    whole = np.concatenate([beyond[:, :1], line, beyond[:, 1:]], axis=1)
    return whole[0], whole[1]


def _line_ranks(lattice: _Lattice) -> Int:
    """Rank of each line: rows first, then columns; the outermost are collectors at least."""
    ranks: list[NDArray[np.int64]] = []
    for count in (lattice.rows, lattice.columns):
        place = np.arange(count)
        rank = np.where(place % COLLECTOR_EVERY == 0, Rank.COLLECTOR, Rank.LOCAL)
        rank = np.where(place % ARTERIAL_EVERY == 2, Rank.ARTERIAL, rank)
        if count == lattice.rows and len(ranks) == 0:
            banks = slice(lattice.south_bank, lattice.south_bank + 2)
            rank[banks] = np.maximum(rank[banks], Rank.COLLECTOR)
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
    is_wide = (rank == Rank.ARTERIAL) | (column == 0) | (column == lattice.columns - 1) | (column % (2 * ARTERIAL_EVERY) == ARTERIAL_EVERY)
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
    return _Links._make(column[keep] for column in links)


def _without_stubs(links: _Links, num_nodes: int) -> _Links:
    """Main streets end at streets of their rank: what leads on, to the edge of the city or the river, is as its ends are."""
    rank = links.rank.copy()
    while True:
        highest, second, count = np.zeros(num_nodes, np.int32), np.zeros(num_nodes, np.int32), np.zeros(num_nodes, np.int64)
        for end in (links.start, links.end):
            np.maximum.at(highest, end, rank)
        for end in (links.start, links.end):
            is_top = rank == highest[end]
            np.add.at(count, end[is_top], 1)
            np.maximum.at(second, end[~is_top], rank[~is_top])
        # the rank that the others at a node have at most
        others = [np.where((rank == highest[end]) & (count[end] == 1), second[end], highest[end]) for end in (links.start, links.end)]
        lower = np.maximum(np.minimum(rank, np.minimum(*others)), int(Rank.LOCAL))
        if np.array_equal(lower, rank):
            return links._replace(rank=rank)
        rank = lower.astype(np.int32)


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
    """(J,) nodes at the ends of what cannot be reached from, or cannot reach, the bulk of the city without turning back."""
    opened, closed = np.flatnonzero(forward > 0), np.flatnonzero(backward > 0)
    street = np.concatenate([opened, closed])
    start = np.concatenate([links.start[opened], links.end[closed]])
    end = np.concatenate([links.end[opened], links.start[closed]])
    one, other = ways_on(street, start, end, num_nodes)
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(street), len(street))).tocsr()
    _, part = connected_components(graph, directed=True, connection="strong")
    away = part != np.argmax(np.bincount(part))
    outside = np.zeros(num_nodes, dtype=bool)
    outside[start[away]] = outside[end[away]] = True
    return outside


def _num_main_arms(links: _Links, num_nodes: int) -> NDArray[np.int64]:
    is_main = links.rank >= Rank.COLLECTOR
    return np.bincount(np.concatenate([links.start[is_main], links.end[is_main]]), minlength=num_nodes)


def _circles(links: _Links, lattice: _Lattice, degree: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
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
