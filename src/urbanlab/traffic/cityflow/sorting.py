"""The order in which C++'s `std::sort` leaves equal keys, as libstdc++ sorts.

CityFlow sorts the crossing points of a link by distance. Points at one distance are the rule (links that leave one lane
all meet where they begin), and which of them comes first decides whom a driver waits for. Source: the algorithm of
libstdc++'s `std::sort`: introspective sort (Musser 1997) down to pieces of 16, then insertion sort.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["sorted_order"]

SMALL = 16


def sorted_order(keys: Sequence[float]) -> list[int]:
    """Places of the keys in ascending order, equal ones as libstdc++ leaves them.

    Examples
    --------
    >>> sorted_order([2.0, 1.0, 2.0])
    [1, 0, 2]
    """
    order = list(range(len(keys)))
    if len(keys) <= SMALL or len(set(keys)) == len(keys):
        return sorted(order, key=keys.__getitem__)
    _divide(keys, order, 0, len(keys), 2 * (len(keys).bit_length() - 1))
    _insert(keys, order, 0, SMALL)
    for k in range(SMALL, len(keys)):
        _sink(keys, order, k)
    return order


def _divide(keys: Sequence[float], order: list[int], first: int, last: int, depth: int) -> None:
    """Part until no piece is larger than 16."""
    while last - first > SMALL:
        if depth == 0:  # the parts are so uneven that libstdc++ would go on by a heap; equal keys have no order then
            order[first:last] = sorted(order[first:last], key=keys.__getitem__)
            return
        depth -= 1
        cut = _part(keys, order, first, last)
        _divide(keys, order, cut, last, depth)
        last = cut


def _part(keys: Sequence[float], order: list[int], first: int, last: int) -> int:
    """Part around the median of three, which is moved to the front; the place of the cut."""
    a, b, c = first + 1, first + (last - first) // 2, last - 1
    middle = _median(keys[order[a]], keys[order[b]], keys[order[c]], (a, b, c))
    order[first], order[middle] = order[middle], order[first]
    pivot = keys[order[first]]
    low, high = first + 1, last
    while True:
        while keys[order[low]] < pivot:
            low += 1
        high -= 1
        while pivot < keys[order[high]]:
            high -= 1
        if low >= high:
            return low
        order[low], order[high] = order[high], order[low]
        low += 1


def _median(a: float, b: float, c: float, places: tuple[int, int, int]) -> int:
    """Which of three places has the median; the questions are asked in libstdc++'s order."""
    if a < b:
        return places[1] if b < c else places[2] if a < c else places[0]
    return places[0] if a < c else places[2] if b < c else places[1]


def _insert(keys: Sequence[float], order: list[int], first: int, last: int) -> None:
    for k in range(first + 1, last):
        if keys[order[k]] < keys[order[first]]:
            order[first : k + 1] = [order[k], *order[first:k]]
        else:
            _sink(keys, order, k)


def _sink(keys: Sequence[float], order: list[int], k: int) -> None:
    """Move an entry down to behind the last one that is not larger."""
    entry = order[k]
    while keys[entry] < keys[order[k - 1]]:
        order[k] = order[k - 1]
        k -= 1
    order[k] = entry
