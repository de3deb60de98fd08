"""The figures of a run, from its record: what `summary.json` holds (DESIGN 3.2 and 3.3).

"Average travel time" has several meanings in print; each has a name of its own here. Letters: V loaded trips.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.core.schema import SUMMARY_SCHEMA
from urbanlab.traffic.record import RunRecord, TripState

__all__ = ["delays", "durations", "engine_times", "peak_memory", "summarise"]

Float = NDArray[np.float64]


def summarise(record: RunRecord) -> dict[str, Any]:
    """All figures of a run, in the order of the summary; a mean over nothing is None."""
    return {
        "schema": SUMMARY_SCHEMA,
        **_what_was_run(record),
        **_cost(record),
        **_bookkeeping(record),
        **_arrived_trips(record),
        "travel_time_engine_mean_s": _mean(engine_times(record)),
        "delay_mean_s": _mean(delays(record)),
        "co2_kg": float(record.co2_kg.sum()),
        "fuel_kg": float(record.fuel_kg.sum()),
        "emission_model": record.emission_model,
        "interventions": record.interventions,
    }


def durations(record: RunRecord) -> Float:
    """(V,) [s] from departure to arrival, so far where it has not arrived; 0 where it never departed."""
    ended = np.where(record.arrival >= 0.0, record.arrival, record.end)
    return np.where(record.depart >= 0.0, ended - record.depart, 0.0)


def engine_times(record: RunRecord) -> Float:
    """(V,) [s] from the wanted departure until the trip ended, or until now.

    Source: CityFlow's `Engine::getAverageTravelTime`: vehicles exist from their wanted departure on, so that the wait
    before insertion counts, and unfinished ones count with the time they exist.
    """
    ended = np.where(record.arrival >= 0.0, record.arrival, record.end)
    return np.asarray(ended - record.depart_wanted)


def delays(record: RunRecord) -> Float:
    """(V,) [s] time loss plus depart delay so far; end minus wanted departure where it never departed.

    Source: RESCO (Ault and Sharon 2021), `utils/readXML.py`: SUMO's tripinfo with unfinished trips, and the trips of the
    demand that never departed.
    """
    departed = record.depart >= 0.0
    wait = np.where(departed, record.depart, record.end) - record.depart_wanted
    return np.asarray(wait + np.where(departed, record.time_loss, 0.0))


def peak_memory() -> int:
    """Most memory [bytes] that this process has held so far; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def _what_was_run(record: RunRecord) -> dict[str, Any]:
    return {
        "scenario": record.scenario,
        "seed": record.seed,
        "backend": record.backend,
        "threads": record.threads,
        "step_s": record.step,
        "begin_s": record.begin,
        "end_s": record.end,
    }


def _cost(record: RunRecord) -> dict[str, Any]:
    wall = record.wall_s
    return {
        "load_s": record.load_s,
        "compile_s": record.compile_s,
        "wall_s": wall,
        "cpu_s": record.cpu_s,
        "peak_rss_bytes": peak_memory(),
        "vehicle_steps": record.vehicle_steps,
        "vehicle_steps_per_s": record.vehicle_steps / wall if wall > 0.0 else None,
        "real_time_factor": (record.end - record.begin) / wall if wall > 0.0 else None,
    }


def _bookkeeping(record: RunRecord) -> dict[str, Any]:
    def number(state: TripState) -> int:
        return int(np.count_nonzero(record.state == state))

    return {
        "loaded": len(record.trip_id),
        "inserted": int(np.count_nonzero(record.depart >= 0.0)),
        "arrived": number(TripState.ARRIVED),
        "removed": number(TripState.REMOVED),
        "running_end": number(TripState.RUNNING),
        "waiting_end": number(TripState.WAITING),
        "teleports": int(record.teleports.sum()),
        "collisions": record.collisions,
        "emergency_stops": record.emergency_stops,
    }


def _arrived_trips(record: RunRecord) -> dict[str, Any]:
    arrived = record.state == TripState.ARRIVED
    duration, length = durations(record)[arrived], record.route_length[arrived]
    moved = duration > 0.0
    seconds = float(duration.sum())
    return {
        "travel_time_mean_s": _mean(duration),
        "travel_time_median_s": _quantile(duration, 0.5),
        "travel_time_p95_s": _quantile(duration, 0.95),
        "time_loss_mean_s": _mean(record.time_loss[arrived]),
        "waiting_time_mean_s": _mean(record.waiting[arrived]),
        "depart_delay_mean_s": _mean((record.depart - record.depart_wanted)[arrived]),
        "stops_mean": _mean(record.stops[arrived]),
        "route_length_mean_m": _mean(length),
        "speed_mean_mps": _mean(length[moved] / duration[moved]),
        "speed_distance_weighted_mps": float(length.sum()) / seconds if seconds > 0.0 else None,
    }


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _quantile(values: Float, share: float) -> float | None:
    """Linear between the two nearest values, as NumPy's default."""
    return float(np.quantile(values, share)) if len(values) else None
