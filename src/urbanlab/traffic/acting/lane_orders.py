"""Commands to lanes: permissions and limits. Several may close one lane; it is open to whom all of them let pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from urbanlab.city.network import VEHICLE_CLASSES, EdgeFunction, Network, class_mask
from urbanlab.core.errors import ConfigError, NetworkError
from urbanlab.traffic.acting.street_acts import StreetActs

__all__ = ["LaneOrders", "nearest_names", "streets"]

SLOWEST = 0.01
"""[m/s] a limit below is no limit but a closure."""


def nearest_names(wrong: str, known: Sequence[str]) -> str:
    """Hint that names what was perhaps meant."""
    import difflib

    close = difflib.get_close_matches(wrong, known, n=3, cutoff=0.6)
    return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?" if close else ""


def streets(network: Network) -> list[str]:
    """Names of the edges between junctions."""
    return [name for name, function in zip(network.edge_id, network.edge_function, strict=True) if function == EdgeFunction.NORMAL]


class LaneOrders:
    """Prepares commands to lanes: each method checks its arguments and gives back what is to be done.

    Parameters
    ----------
    network : the streets
    acts : on the world
    """

    def __init__(self, network: Network, acts: StreetActs) -> None:
        self._network, self._acts = network, acts
        self._closings: dict[int, dict[str, int]] = {}  # by lane: who closed it, and whom it lets pass

    def _lanes(self, names: Sequence[str]) -> list[int]:
        lanes = [self._network.lane_of_id(name) for name in names]
        unknown = [name for name, lane in zip(names, lanes, strict=True) if lane < 0]
        if unknown:
            known = [f"{edge}_0" for edge in streets(self._network)]
            raise NetworkError(
                f"unknown lane '{unknown[0]}'", expected="an edge, an underscore, the lane's index from the kerb",
                hint=nearest_names(unknown[0], known), items=unknown,
            )  # fmt: skip
        return lanes

    def close(self, *, lanes: Sequence[str], allow: Sequence[str], by: str) -> Callable[[], None]:
        """Only the classes `allow` may use the lanes."""
        numbers, unknown = self._lanes(lanes), [name for name in allow if name not in VEHICLE_CLASSES]
        if unknown:
            raise ConfigError(f"unknown vehicle class '{unknown[0]}'", expected="one of " + ", ".join(VEHICLE_CLASSES), items=unknown)
        mask = class_mask(*allow)

        def act() -> None:
            for lane in numbers:
                self._closings.setdefault(lane, {})[by] = mask
            self._set(numbers)

        return act

    def open(self, *, lanes: Sequence[str], by: str) -> Callable[[], None]:
        """Take a closing back; `by` empty: all of them."""
        numbers = self._lanes(lanes)

        def act() -> None:
            for lane in numbers:
                closings = self._closings.get(lane, {})
                for name in [by] if by else list(closings):
                    closings.pop(name, None)
            self._set(numbers)

        return act

    def _set(self, lanes: list[int]) -> None:
        permissions = []
        for lane in lanes:
            mask = int(self._network.lane_permissions[lane])
            for others in self._closings.get(lane, {}).values():
                mask &= others
            permissions.append(mask)
        self._acts.set_permissions(lanes, permissions)

    def closings(self) -> list[list[Any]]:
        """Who closed which lane and whom each lets pass, as plain values; `restore` takes it back."""
        return [[lane, list(by), list(by.values())] for lane, by in self._closings.items()]

    def restore(self, closings: list[list[Any]]) -> None:
        """Know of these closings and no others; lanes are left as they are."""
        self._closings = {lane: dict(zip(names, masks, strict=True)) for lane, names, masks in closings}

    def limit(self, *, lanes: Sequence[str], speed: float | None) -> Callable[[], None]:
        """A limit [m/s]; None: the network's own."""
        numbers = self._lanes(lanes)
        if speed is not None and not SLOWEST <= speed < 1000.0:
            expected = f"{SLOWEST:g} to 1000 m/s, or None"
            raise ConfigError("this is no speed limit", got=f"{speed:g} m/s", expected=expected, hint="close_lane closes a lane")
        limits = [float(self._network.lane_speed[lane]) if speed is None else float(speed) for lane in numbers]
        return lambda: self._acts.set_limits(numbers, limits)
