"""Names of streets and districts, invented, the same for the same seed."""

from __future__ import annotations

import numpy as np

from urbanlab.city.synthetic.streets import Rank
from urbanlab.core.rng import generator

__all__ = ["district_names", "street_names"]

FIRST = (
    "Alder", "Amber", "Ash", "Beacon", "Birch", "Bishop", "Brook", "Cedar", "Chapel", "Clover", "Copper", "Corn",
    "Elm", "Falcon", "Fern", "Garden", "Glover", "Harbour", "Hazel", "Heron", "Hill", "Hop", "Iron", "Juniper",
    "King", "Lantern", "Larch", "Linden", "Maple", "Market", "Mason", "Meadow", "Mill", "Mint", "Nettle", "North",
    "Oak", "Orchard", "Otter", "Park", "Pearl", "Pine", "Poplar", "Queen", "Quarry", "Raven", "Reed", "River",
    "Rose", "Saddler", "Sage", "School", "Silver", "Smith", "South", "Station", "Stone", "Swan", "Tanner", "Thorn",
    "Tower", "Vine", "Walnut", "Weaver", "Well", "Willow", "Wren", "Yarrow",
)  # fmt: skip
SECOND_OF_RANK = {
    Rank.LOCAL: ("Lane", "Row", "Close", "Street"),
    Rank.COLLECTOR: ("Street", "Road"),
    Rank.ARTERIAL: ("Avenue", "Boulevard"),
    Rank.CIRCLE: ("Circus",),
}
ENDINGS = ("field", "gate", "ham", "hurst", "side", "ton", "wick", "worth", "dale", "ford")


def street_names(ranks: np.ndarray[tuple[int, ...], np.dtype[np.int32]], seed: int) -> list[str]:
    """One name for each street line, different ones as long as they last, then numbered."""
    draw = generator(seed, "street names")
    taken: dict[str, int] = {}
    names: list[str] = []
    order = draw.permutation(len(FIRST))
    for place, rank in enumerate(ranks.tolist()):
        seconds = SECOND_OF_RANK[Rank(rank)]
        name = f"{FIRST[order[place % len(FIRST)]]} {seconds[place // len(FIRST) % len(seconds)]}"
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name} {taken[name]}")
    return names


def district_names(count: int, seed: int) -> tuple[str, ...]:
    """Different names of districts."""
    draw = generator(seed, "district names")
    order = draw.permutation(len(FIRST) * len(ENDINGS))
    names = []
    for place in range(count):
        number = int(order[place % len(order)])
        name = FIRST[number // len(ENDINGS)] + ENDINGS[number % len(ENDINGS)]
        names.append(name if place < len(order) else f"{name} {place // len(order) + 1}")
    return tuple(names)
