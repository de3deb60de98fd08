"""The measures of a study: what they are called, what they mean and which way is better."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MEASURES", "Measure"]


@dataclass(frozen=True)
class Measure:
    """A figure of a run's summary."""

    key: str
    label: str
    unit: str
    better: int  # -1 lower is better, +1 higher is better
    definition: str


MEASURES: tuple[Measure, ...] = (
    Measure("travel_time_mean_s", "travel time", "s", -1, "Mean over arrived trips of arrival minus departure."),
    Measure(
        "delay_mean_s", "delay, all trips", "s", -1,
        "Mean over all trips, also those under way or still waiting to depart, of time loss plus wait before departure.",
    ),
    Measure(
        "time_loss_mean_s", "time loss", "s", -1,
        "Mean over arrived trips of the time lost against driving at the driver's own desired speed.",
    ),
    Measure(
        "waiting_time_mean_s", "waiting time", "s", -1,
        "Mean over arrived trips of the time below 0.1 m/s, scheduled stops left out.",
    ),
    Measure("stops_mean", "stops", "a trip", -1, "Mean number of times that an arrived trip came to a halt."),
    Measure(
        "speed_distance_weighted_mps", "speed", "m/s", 1, "All metres over all seconds of arrived trips."
    ),
    Measure("arrived", "trips arrived", "", 1, "Trips that reached their destination before the end of the run."),
    Measure("co2_kg", "carbon dioxide", "kg", -1, "Emitted by all vehicles, by the model that the summary names."),
)  # fmt: skip
