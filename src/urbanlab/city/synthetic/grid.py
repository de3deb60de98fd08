"""A grid of equal streets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanlab.city.synthetic.options import CommonOptions, check_range
from urbanlab.city.synthetic.streets import Control, Rank, Streets

__all__ = ["GridOptions", "plan_grid"]


@dataclass(frozen=True, kw_only=True)
class GridOptions(CommonOptions):
    """`grid:` rows times cols junctions."""

    rows: int = 4
    cols: int = 4
    length: float = 200.0  # [m] between junctions
    lanes: int = 2  # in each direction
    speed: float = 50 / 3.6  # [m/s]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("rows", self.rows, 1, 2000)
        check_range("cols", self.cols, 1, 2000)
        check_range("rows * cols", self.rows * self.cols, 2, 200_000)
        check_range("length", self.length, 60.0, 5000.0)
        check_range("lanes", self.lanes, 1, 6)
        check_range("speed", self.speed, 1.0, 60.0)


def plan_grid(options: GridOptions) -> Streets:
    """Junctions row by row from the south west; one district for each quarter of about 4 x 4 junctions."""
    rows, cols = options.rows, options.cols
    column, row = np.tile(np.arange(cols), rows), np.repeat(np.arange(rows), cols)
    node = np.arange(rows * cols)
    east, north = node[column < cols - 1], node[row < rows - 1]
    street_from = np.concatenate([east, north]).astype(np.int32)
    street_to = np.concatenate([east + 1, north + cols]).astype(np.int32)
    num = len(street_from)
    arms = np.bincount(np.concatenate([street_from, street_to]), minlength=len(node))
    control = np.where((arms >= 3) & options.signals, Control.SIGNAL, Control.AUTO)
    names = tuple(f"Row {r + 1}" for r in row[east]) + tuple(f"Column {c + 1}" for c in column[north])
    wide = -(-cols // 4)
    district = (row // 4) * wide + column // 4
    districts = tuple(f"Quarter {k + 1}" for k in range(int(district.max()) + 1))
    return Streets(
        name=f"grid_{rows}x{cols}",
        node_x=np.asarray(column * options.length, np.float64),
        node_y=np.asarray(row * options.length, np.float64),
        node_control=control.astype(np.uint8),
        node_district=district.astype(np.int32),
        street_from=street_from,
        street_to=street_to,
        lanes_forward=np.full(num, options.lanes, np.int32),
        lanes_backward=np.full(num, options.lanes, np.int32),
        street_rank=np.full(num, Rank.COLLECTOR, np.int32),
        street_speed=np.full(num, options.speed),
        street_name=names,
        street_has_doors=np.ones(num, dtype=bool),
        districts=districts,
        homes=np.ones(len(districts)),
        jobs=np.ones(len(districts)),
    )
