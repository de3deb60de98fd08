"""Rings and radials around a central square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanlab.city.synthetic.names import district_names, street_names
from urbanlab.city.synthetic.options import CommonOptions, check_range
from urbanlab.city.synthetic.streets import SPEED_OF_RANK, Control, Rank, Streets

__all__ = ["RingOptions", "plan_ring"]

LANES_OF_RANK = np.array([0, 1, 2, 3])


@dataclass(frozen=True, kw_only=True)
class RingOptions(CommonOptions):
    """`ring:` rings around a square, radials through them."""

    rings: int = 4
    radials: int = 8
    spacing: float = 250.0  # [m] between rings
    square: float = 150.0  # [m] radius of the innermost ring

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("rings", self.rings, 1, 500)
        check_range("radials", self.radials, 3, 400)
        check_range("rings * radials", self.rings * self.radials, 3, 200_000)
        check_range("spacing", self.spacing, 80.0, 5000.0)
        check_range("square", self.square, 60.0, 20000.0)
        if 2 * np.pi * self.square / self.radials < 60.0:
            check_range("square", self.square, 60.0 * self.radials / (2 * np.pi), 20000.0)


def plan_ring(options: RingOptions, seed: int) -> Streets:
    """Junctions ring by ring from the square; every other radial and ring is an arterial."""
    rings, radials = options.rings, options.radials
    ring, radial = np.repeat(np.arange(rings), radials), np.tile(np.arange(radials), rings)
    distance = options.square + ring * options.spacing
    angle = 2 * np.pi * (radial + 0.25) / radials
    node = np.arange(rings * radials)
    outward = node[ring < rings - 1]
    street_from = np.concatenate([node, outward]).astype(np.int32)
    street_to = np.concatenate([ring * radials + (radial + 1) % radials, outward + radials]).astype(np.int32)
    line = np.concatenate([ring, rings + radial[outward]])
    line_rank = np.concatenate([
        np.where(np.arange(rings) % 2 == 1, Rank.ARTERIAL, Rank.COLLECTOR),
        np.where(np.arange(radials) % 2 == 0, Rank.ARTERIAL, Rank.COLLECTOR),
    ])  # fmt: skip
    rank = line_rank[line].astype(np.int32)
    arms = np.bincount(np.concatenate([street_from, street_to]), minlength=len(node))
    names = street_names(line_rank.astype(np.int32), seed)
    sectors = max(2, min(radials, 8))
    district = (ring // 2) * sectors + radial * sectors // radials
    num = int(district.max()) + 1
    inner = np.arange(num) // sectors / max(1, (rings - 1) // 2 + 1)
    return Streets(
        name=f"ring_{rings}x{radials}",
        node_x=np.round(distance * np.cos(angle), 2), node_y=np.round(distance * np.sin(angle), 2),
        node_control=np.where((arms >= 3) & options.signals, Control.SIGNAL, Control.AUTO).astype(np.uint8),
        node_district=district.astype(np.int32), street_from=street_from, street_to=street_to,
        lanes_forward=LANES_OF_RANK[rank].astype(np.int32), lanes_backward=LANES_OF_RANK[rank].astype(np.int32),
        street_rank=rank, street_speed=np.array([0.0, *(SPEED_OF_RANK[kind] for kind in Rank)])[rank],
        street_name=tuple(names[k] for k in line.tolist()), districts=district_names(num, seed),
        homes=0.6 + inner, jobs=1.5 - inner,
        street_has_doors=np.ones(len(street_from), dtype=bool),
    )  # fmt: skip
