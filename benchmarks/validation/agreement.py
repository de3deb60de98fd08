"""Aggregates of a scenario beside those of its stored SUMO reference, and how far they may be apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["QUANTITIES", "Quantity", "Row", "compare", "variant_of"]

MOST_NOISE = 0.20
"""Share of the reference up to which its own spread excuses a difference."""


class Quantity(NamedTuple):
    """A figure of both programs and its tolerances."""

    ours: str  # key of summary.json
    theirs: str  # key of the reference's means
    label: str
    relative: float  # [1]
    absolute: float  # in the figure's unit


QUANTITIES = (
    Quantity("arrived", "arrived", "arrived", 0.01, 5.0),
    Quantity("travel_time_mean_s", "duration_mean", "travel time [s]", 0.05, 1.0),
    Quantity("time_loss_mean_s", "timeloss_mean", "time loss [s]", 0.08, 1.5),
    Quantity("waiting_time_mean_s", "waiting_mean", "waiting [s]", 0.12, 1.5),
    Quantity("depart_delay_mean_s", "depart_delay_mean", "depart delay [s]", 0.20, 2.0),
    Quantity("route_length_mean_m", "route_length_mean", "route length [m]", 0.01, 2.0),
    Quantity("speed_distance_weighted_mps", "speed_distance_weighted", "speed by distance [m/s]", 0.05, 0.1),
)


@dataclass(frozen=True)
class Row:
    """One figure of one scenario, as means over seeds."""

    scenario: str
    label: str
    ours: float
    theirs: float
    allowed: float

    @property
    def difference(self) -> float:
        """Ours minus SUMO's."""
        return self.ours - self.theirs

    @property
    def agrees(self) -> bool:
        """Whether the difference is no more than what is allowed."""
        return abs(self.difference) <= self.allowed


def variant_of(reference: Mapping[str, Any]) -> dict[str, Any]:
    """The runs of a reference up to the scenario's own end, or else those until every vehicle has left."""
    variant: dict[str, Any] = reference["window" if "window" in reference else "drain"]
    return variant


def compare(scenario: str, summaries: Sequence[Mapping[str, Any]], variant: Mapping[str, Any]) -> list[Row]:
    """All figures of a scenario.

    Parameters
    ----------
    scenario : its name
    summaries : of our runs, one a seed
    variant : seeds, means and standard deviations of SUMO's runs

    A mean may differ by the largest of the relative tolerance, the absolute one, and three standard errors of the
    difference of two such means at SUMO's own spread.
    """
    mean, spread, num_theirs = variant["mean"], variant["std"], len(variant["seeds"])
    rows = []
    for quantity in QUANTITIES:
        want = float(mean[quantity.theirs])
        noise = 3.0 * spread[quantity.theirs] * math.sqrt(1.0 / len(summaries) + 1.0 / num_theirs)
        scale = mean["loaded"] if quantity.ours == "arrived" else abs(want)
        allowed = max(quantity.relative * scale, quantity.absolute, min(noise, MOST_NOISE * abs(want)))
        ours = statistics.fmean(float(summary[quantity.ours]) for summary in summaries)
        rows.append(Row(scenario, quantity.label, ours, want, allowed))

    def count(key: str) -> float:
        return statistics.fmean(summary[key] for summary in summaries)

    lost = sum(map(_lost, summaries))
    return [
        *rows,
        Row(scenario, "loaded", count("loaded"), mean["loaded"], 1.0),
        Row(scenario, "lost or removed, all seeds", float(lost), 0.0, 0.0),
        Row(scenario, "collisions, all seeds", float(sum(s["collisions"] for s in summaries)), 0.0, 0.0),
        Row(scenario, "teleports", count("teleports"), mean["teleports"], max(5.0, 0.001 * mean["loaded"])),
    ]


def _lost(summary: Mapping[str, Any]) -> int:
    """Vehicles removed, or missing in the books."""
    kept = int(summary["arrived"] + summary["removed"] + summary["running_end"] + summary["waiting_end"])
    return int(summary["removed"]) + abs(int(summary["loaded"]) - kept)
