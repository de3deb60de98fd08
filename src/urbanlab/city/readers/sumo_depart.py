"""How vehicles want to depart and arrive: SUMO's words for lanes, positions and speeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.demand import DepartLane, DepartPos, DepartSpeed
from urbanlab.city.readers.sumo_values import Values
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import DemandError

__all__ = ["Styles"]

# What SUMO 1.28 itself does where nothing is said (its options default.departlane and default.departspeed);
# older versions took the first lane and a standing start.
DEFAULT_LANE, DEFAULT_SPEED = "best_prob", "avg"
_KEYS = ("departLane", "departPos", "departSpeed", "arrivalLane", "arrivalPos", "arrivalSpeed")
_LANES = {
    "first": DepartLane.FIRST, "random": DepartLane.RANDOM, "free": DepartLane.FREE, "allowed": DepartLane.ALLOWED,
    "best": DepartLane.BEST, "best_prob": DepartLane.BEST_PROB,
}  # fmt: skip
_POSITIONS = {
    "base": DepartPos.BASE, "random": DepartPos.RANDOM, "free": DepartPos.FREE, "random_free": DepartPos.RANDOM_FREE,
    "last": DepartPos.LAST, "stop": DepartPos.STOP,
}  # fmt: skip
_SPEEDS = {
    "random": DepartSpeed.RANDOM, "max": DepartSpeed.MAX, "desired": DepartSpeed.DESIRED,
    "speedLimit": DepartSpeed.SPEED_LIMIT, "last": DepartSpeed.LAST, "avg": DepartSpeed.AVG,
}  # fmt: skip
_NOT_MODELLED = {"splitFront": DepartPos.BASE}

_Style = tuple[int, int, int, float, int, float, int, float, float]


@dataclass
class Styles:
    """Ways of departing and arriving, each stored once; vehicles hold their number."""

    report: ImportReport
    defaults: Mapping[str, str] = field(default_factory=dict)  # departLane ... of the configuration
    values: Values = field(default_factory=lambda: Values(DemandError))
    _rows: list[_Style] = field(default_factory=list)
    _known: dict[tuple[str | None, ...], int] = field(default_factory=dict)

    def number(self, attributes: Mapping[str, str]) -> int:
        """Number of the way in which these attributes depart and arrive."""
        get = attributes.get
        key = (
            get("departLane"), get("departPos"), get("departSpeed"),
            get("arrivalLane"), get("arrivalPos"), get("arrivalSpeed"),
        )  # fmt: skip
        row = self._known.get(key)
        if row is None:
            row = self._known[key] = len(self._rows)
            self._rows.append(self._style({name: text for name, text in zip(_KEYS, key, strict=True) if text is not None}))
        return row

    def _style(self, given: Mapping[str, str]) -> _Style:
        written = {**self.defaults, **given}
        lane, lane_index = self._lane(written.get("departLane", DEFAULT_LANE))
        pos, pos_value = self._position(written.get("departPos", "base"))
        speed, speed_value = self._speed(written.get("departSpeed", DEFAULT_SPEED))
        return (
            lane, lane_index, pos, pos_value, speed, speed_value,
            self._arrival_lane(written.get("arrivalLane", "current")),
            self._arrival_position(written.get("arrivalPos", "max")),
            self._arrival_speed(written.get("arrivalSpeed", "current")),
        )  # fmt: skip

    def _lane(self, text: str) -> tuple[int, int]:
        if text in _LANES:
            return _LANES[text], 0
        return DepartLane.GIVEN, self.values.index({"departLane": text}, "departLane")

    def _position(self, text: str) -> tuple[int, float]:
        if text in _POSITIONS:
            return _POSITIONS[text], 0.0
        if text in _NOT_MODELLED:
            self.report.note(f"departPos {text}")
            return _NOT_MODELLED[text], 0.0
        return DepartPos.GIVEN, self.values.parse(text, "departPos")

    def _speed(self, text: str) -> tuple[int, float]:
        if text in _SPEEDS:
            return _SPEEDS[text], 0.0
        return DepartSpeed.GIVEN, self.values.not_negative({"departSpeed": text}, "departSpeed")

    def _arrival_lane(self, text: str) -> int:
        if text == "current":
            return -1
        if text == "first":
            return 0
        if text == "random":
            self.report.note("arrivalLane random")
            return -1
        return self.values.index({"arrivalLane": text}, "arrivalLane")

    def _arrival_position(self, text: str) -> float:
        if text == "max":
            return np.inf
        if text in ("random", "center"):
            self.report.note(f"arrivalPos {text}")
            return np.inf
        return self.values.parse(text, "arrivalPos")

    def _arrival_speed(self, text: str) -> float:
        return -1.0 if text == "current" else self.values.not_negative({"arrivalSpeed": text}, "arrivalSpeed")

    def columns(self, styles: NDArray[np.int32]) -> dict[str, NDArray[np.generic]]:
        """Columns of the demand for vehicles with these numbers."""
        rows = list(zip(*self._rows, strict=True)) if self._rows else [()] * 9
        names = (
            ("depart_lane", np.uint8), ("depart_lane_index", np.int32), ("depart_pos", np.uint8),
            ("depart_pos_value", np.float64),
            ("depart_speed", np.uint8), ("depart_speed_value", np.float64), ("arrival_lane", np.int32),
            ("arrival_pos", np.float64), ("arrival_speed", np.float64),
        )  # fmt: skip
        return {name: np.array(row, dtype)[styles] for (name, dtype), row in zip(names, rows, strict=True)}
