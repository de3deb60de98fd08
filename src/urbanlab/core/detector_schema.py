"""Columns of detectors.parquet; see `core.schema` for what a column is."""

from __future__ import annotations

from urbanlab.core.schema import Column, TableSchema

__all__ = ["DETECTORS"]

DETECTORS = TableSchema(
    "detectors", 1,
    "One row a detector and period, where the scenario has detectors: loops (a point of a lane), areas (a stretch of a lane) and "
    "travel-time probes (from one point to another). Halting is below 5 km/h here, as SUMO's detectors have it. Null: not measured by "
    "that kind, or a mean over nothing.",
    (
        Column("detector_id", "category", "", "identifier of the source"),
        Column("kind", "category", "", "loop, area or probe"),
        Column("begin_s", "float64", "s", "begin of the period"),
        Column("end_s", "float64", "s", "end of the period"),
        Column("entered", "int64", "", "loop, area: vehicles that came onto it", nullable=True),
        Column("left", "int64", "", "loop: vehicles that drove off it; area: that left it; probe: whose rear passed its exit",
               nullable=True),
        Column("seen", "int64", "", "area: vehicles that were on it", nullable=True),
        Column("inside", "int64", "", "area, probe: vehicles on it, or between its points, at the end", nullable=True),
        Column("flow_per_s", "float64", "1/s", "loop: left over the length of the period", nullable=True),
        Column("occupancy", "float64", "1", "loop: share of the time a vehicle is on it; area: mean share of its length that is taken",
               nullable=True),
        Column("occupancy_max", "float64", "1", "area: largest share of its length that is taken", nullable=True),
        Column("speed_mps", "float64", "m/s", "loop: mean of the speeds of those who left, each its length over its time on it; area: "
               "mean over vehicle seconds; probe: mean of those who left, each metres over seconds", nullable=True),
        Column("speed_harmonic_mps", "float64", "m/s", "loop: harmonic mean of the same speeds", nullable=True),
        Column("length_m", "float64", "m", "loop: mean length of the vehicles that left", nullable=True),
        Column("seconds_s", "float64", "s", "area: vehicle seconds", nullable=True),
        Column("vehicles_mean", "float64", "1", "area: vehicles, mean over steps", nullable=True),
        Column("vehicles_max", "int64", "", "area: most vehicles in a step", nullable=True),
        Column("travel_time_s", "float64", "s", "probe: front at the entry to front at the exit, mean of those who left", nullable=True),
        Column("overlap_time_s", "float64", "s", "probe: front at the entry to rear at the exit, mean of those who left", nullable=True),
        Column("time_loss_s", "float64", "s", "area: mean of the vehicles seen; probe: of those who left", nullable=True),
        Column("halts_mean", "float64", "1", "probe: halts of those who left, mean", nullable=True),
        Column("jam_mean_m", "float64", "m", "area: longest jam, mean over steps", nullable=True),
        Column("jam_mean_vehicles", "float64", "1", "area: vehicles of the longest jam, mean over steps", nullable=True),
        Column("jam_max_m", "float64", "m", "area: longest jam of all steps", nullable=True),
        Column("jam_max_vehicles", "int64", "", "area: vehicles of the longest jam of all steps", nullable=True),
        Column("jam_sum_m", "float64", "m", "area: all jams, sum over steps", nullable=True),
        Column("jam_sum_vehicles", "int64", "", "area: vehicles of all jams, sum over steps", nullable=True),
        Column("halts_started", "int64", "", "area: halts that began", nullable=True),
        Column("halt_sum_s", "float64", "s", "area: halts that ended or still last, from their beginning on", nullable=True),
        Column("halt_mean_s", "float64", "s", "area: their mean", nullable=True),
        Column("halt_max_s", "float64", "s", "area: the longest", nullable=True),
        Column("halt_period_sum_s", "float64", "s", "area: the part of the same halts within the period", nullable=True),
        Column("halt_period_mean_s", "float64", "s", "area: its mean", nullable=True),
        Column("halt_period_max_s", "float64", "s", "area: the longest", nullable=True),
        Column("inside_time_s", "float64", "s", "probe: of those inside, time since the entry, mean", nullable=True),
        Column("inside_speed_mps", "float64", "m/s", "probe: of those inside, speed since the entry, mean", nullable=True),
        Column("inside_halts_mean", "float64", "1", "probe: of those inside, halts since the entry, mean", nullable=True),
        Column("inside_period_time_s", "float64", "s", "probe: of those inside, time in the period, mean", nullable=True),
        Column("inside_period_speed_mps", "float64", "m/s", "probe: of those inside, speed in the period, mean", nullable=True),
        Column("inside_period_halts_mean", "float64", "1", "probe: of those inside, halts in the period, mean", nullable=True),
        Column("inside_time_loss_s", "float64", "s", "probe: of those inside, time loss in the period, mean", nullable=True),
    ),
)  # fmt: skip
