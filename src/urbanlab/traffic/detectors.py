"""Detectors of a scenario, period by period: what loops, areas and travel-time probes have measured.

Definitions are those of SUMO's E1, E2 and E3 detectors (`MSInductLoop`, `MSE2Collector`, `MSE3Collector`), in SI; the columns of
a row are those of `core.detector_schema.DETECTORS`. A mean over nothing is None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.scenario import Scenario
from urbanlab.traffic.kernels import sensors as of
from urbanlab.traffic.model import Model
from urbanlab.traffic.sensors import Events, Sensors

__all__ = ["DetectorLog"]

Row = dict[str, object]
SHORTEST = 0.001
"""[s] the shortest time on a loop that a speed is made of."""


class _Run(Protocol):
    scenario: Scenario
    model: Model
    begin: float


class _Loops:
    """Sums of all loops over their present periods, by detector (N,)."""

    def __init__(self, num: int) -> None:
        self.entered, self.left = np.zeros(num, np.int64), np.zeros(num, np.int64)
        self.length, self.speed, self.inverse = np.zeros(num), np.zeros(num), np.zeros(num)  # [m], [m/s], [s/m] of those who left
        self.occupied = np.zeros(num)  # [s]

    def add(self, events: Events, loop: NDArray[np.int64], begin: NDArray[np.float64], length: NDArray[np.float64]) -> None:
        """Take in events of loops.

        Parameters
        ----------
        loop, begin, length : (X,) detector, begin of its period [s] and the vehicle's length [m]
        """
        came = (events.kind == of.EVENT_FRONT) | (events.kind == of.EVENT_JOIN)
        np.add.at(self.entered, loop[came], 1)
        np.add.at(self.occupied, loop[~came], (events.time - np.maximum(begin, events.entry))[~came])
        off = events.kind == of.EVENT_REAR
        seconds = np.maximum(events.time - events.entry, SHORTEST)
        columns = (
            (self.left, 1),
            (self.length, length[off]),
            (self.speed, (length / seconds)[off]),
            (self.inverse, (seconds / length)[off]),
        )
        for column, values in columns:
            np.add.at(column, loop[off], values)

    def clear(self, loop: int) -> None:
        """Begin a new period."""
        for column in (self.entered, self.left, self.length, self.speed, self.inverse, self.occupied):
            column[loop] = 0


@dataclass
class _Inside:
    """A vehicle between the points of a probe; values when it came, and when the period began."""

    entry: float  # [s]
    odo: float
    loss: float
    halts: int
    odo_begin: float
    loss_begin: float
    halts_begin: int
    front: float = -1.0  # [s] when its front was at the exit


@dataclass
class _Probe:
    inside: dict[int, _Inside] = field(default_factory=dict)  # by trip
    times: list[tuple[float, float, float, float, int]] = field(default_factory=list)  # of those who have left, see `_pass_probe`

    def state(self) -> tuple[list[Any], list[Any]]:
        """Both fields as plain values, in order."""
        return [[trip, vars(inside)] for trip, inside in self.inside.items()], list(self.times)

    @classmethod
    def of(cls, inside: list[Any], times: list[Any]) -> _Probe:
        """One with the state that `state` has told."""
        return cls({trip: _Inside(**values) for trip, values in inside}, [tuple(row) for row in times])


class DetectorLog:
    """Closes the periods of detectors when their time has come; open ones can be read at any time.

    Parameters
    ----------
    run : whose scenario may have detectors
    """

    def __init__(self, run: _Run) -> None:
        self._run, self._detectors = run, run.scenario.detectors if run.model.sensors is not None else ()
        self._length = np.array([kind.length for kind in run.scenario.demand.vehicle_types])
        self._begin = np.full(len(self._detectors), run.begin)
        self._period = np.array([detector.period for detector in self._detectors], np.float64)
        self._rows: list[tuple[float, int, Row]] = []
        self._loops = _Loops(len(self._detectors))
        self._probes = {number: _Probe() for number, detector in enumerate(self._detectors) if detector.kind == "probe"}
        self._owner, self._is_exit = self._owners()

    def _owners(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Detector of each point, and whether it is the exit of a probe."""
        points = [(self._sensors.point(n), n, False) for n, detector in enumerate(self._detectors) if detector.kind != "area"]
        points += [(self._sensors.point(number, 1), number, True) for number in self._probes]
        points.sort()
        return np.array([owner for _, owner, _ in points], np.int64), np.array([is_exit for _, _, is_exit in points], bool)

    @property
    def _sensors(self) -> Sensors:
        sensors = self._run.model.sensors
        assert sensors is not None, "there are detectors only where there are sensors"
        return sensors

    @property
    def due(self) -> float:
        """[s] end of the first open period; inf: there are no detectors."""
        return float((self._begin + self._period).min(initial=math.inf))

    def close_if_due(self, time: float) -> None:
        """End the periods that end at a time [s]; periods end on steps."""
        if time < self.due - 1e-9:
            return
        self._collect()
        for number in np.flatnonzero(time >= self._begin + self._period - 1e-9).tolist():
            self._rows.append((time, number, self._row(number, time)))
            self._start(number, time)

    def rows(self, time: float) -> list[Row]:
        """All rows up to a time [s], those of open periods included where they have a length."""
        if not self._detectors:
            return []
        self._collect()
        still = [(time, number, self._row(number, time)) for number in np.flatnonzero(time > self._begin).tolist()]
        return [row for _, _, row in sorted(self._rows + still, key=lambda entry: entry[:2])]

    def state(self) -> dict[str, Any]:
        """What evolves, as plain values."""
        return {
            "begin": self._begin,
            "rows": [list(entry) for entry in self._rows],
            "loops": vars(self._loops),
            "probes": [[number, *probe.state()] for number, probe in self._probes.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` says."""
        self._begin = state["begin"]
        self._rows = [(time, number, row) for time, number, row in state["rows"]]
        vars(self._loops).update(state["loops"])
        self._probes = {number: _Probe.of(inside, times) for number, inside, times in state["probes"]}

    # --- events ----------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Take in what has happened at points, in order of time."""
        events = self._sensors.take()
        if not len(events.time):
            return
        order = np.argsort(events.time, kind="stable")
        events = Events._make(column[order] for column in events)
        owner = self._owner[events.point]
        is_probe = np.isin(owner, list(self._probes))
        loops = Events._make(column[~is_probe] for column in events)
        length = self._length[self._run.model.expanded.kind[loops.trip]]
        self._loops.add(loops, owner[~is_probe], self._begin[owner[~is_probe]], length)
        for n in np.flatnonzero(is_probe).tolist():
            _pass_probe(self._probes[int(owner[n])], events, n, is_exit=bool(self._is_exit[events.point[n]]))

    # --- rows ------------------------------------------------------------------------------------------------------

    def _row(self, number: int, time: float) -> Row:
        detector, begin = self._detectors[number], float(self._begin[number])
        row: Row = {"detector_id": detector.detector_id, "kind": detector.kind, "begin_s": begin, "end_s": time}
        if detector.kind == "loop":
            return row | self._loop_row(number, begin, time)
        if detector.kind == "probe":
            return row | self._probe_row(self._probes[number], begin, time)
        return row | self._area_row(number)

    def _start(self, number: int, time: float) -> None:
        """Begin the next period of a detector."""
        self._begin[number] = time
        probe = self._probes.get(number)
        if probe is not None:
            probe.times.clear()
            for trip, inside in probe.inside.items():
                inside.odo_begin, inside.loss_begin, inside.halts_begin = self._sensors.vehicle(trip) or (0.0, 0.0, 0)
        elif self._detectors[number].kind == "area":
            self._sensors.clear_area(number)
        else:
            self._loops.clear(number)

    def _loop_row(self, number: int, begin: float, time: float) -> Row:
        loops, since, left = self._loops, self._sensors.occupied_since(number), int(self._loops.left[number])
        occupied = float(loops.occupied[number]) + (time - max(begin, since) if since >= 0.0 else 0.0)
        return {
            "entered": int(loops.entered[number]), "left": left,
            "flow_per_s": left / (time - begin), "occupancy": occupied / (time - begin),
            "speed_mps": float(loops.speed[number]) / left if left else None,
            "speed_harmonic_mps": left / float(loops.inverse[number]) if left else None,
            "length_m": float(loops.length[number]) / left if left else None,
        }  # fmt: skip

    def _area_row(self, number: int) -> Row:
        now = self._sensors.area(number)
        sums, steps = now.sums, max(float(now.sums[of.SUM_STEPS]), 1.0)
        seconds, seen = float(sums[of.SUM_SAMPLES]), int(sums[of.SUM_LEFT]) + now.vehicles
        halts = now.halt[now.halt > 0.0]
        num_halts = int(sums[of.SUM_HALTS]) + len(halts)
        halt_sum, part_sum = float(sums[of.SUM_HALT] + halts.sum()), float(sums[of.SUM_INTERVAL] + now.interval.sum())
        longest, longest_part = (
            max(sums[of.SUM_HALT_MAX], now.halt.max(initial=0.0)),
            max(sums[of.SUM_INTERVAL_MAX], now.interval.max(initial=0.0)),
        )
        return {
            "entered": int(sums[of.SUM_ENTERED]), "left": int(sums[of.SUM_LEFT]), "seen": seen, "inside": now.vehicles,
            "seconds_s": seconds, "speed_mps": float(sums[of.SUM_SPEED]) / seconds if seconds > 0.0 else None,
            "time_loss_s": float(sums[of.SUM_LOSS]) / seen if seen else None,
            "occupancy": float(sums[of.SUM_OCCUPANCY]) / steps, "occupancy_max": float(sums[of.SUM_OCCUPANCY_MAX]),
            "vehicles_mean": float(sums[of.SUM_VEHICLES]) / steps, "vehicles_max": int(sums[of.SUM_MOST]),
            "jam_mean_m": float(sums[of.SUM_JAM_MAX_M]) / steps, "jam_mean_vehicles": float(sums[of.SUM_JAM_MAX_V]) / steps,
            "jam_max_m": float(sums[of.SUM_LONGEST_M]), "jam_max_vehicles": int(sums[of.SUM_LONGEST_V]),
            "jam_sum_m": float(sums[of.SUM_JAM_M]), "jam_sum_vehicles": int(sums[of.SUM_JAM_V]),
            "halts_started": int(sums[of.SUM_STARTED]), "halt_sum_s": halt_sum,
            "halt_mean_s": halt_sum / num_halts if num_halts else 0.0, "halt_max_s": float(longest),
            "halt_period_sum_s": part_sum, "halt_period_mean_s": part_sum / num_halts if num_halts else 0.0,
            "halt_period_max_s": float(longest_part),
        }  # fmt: skip

    def _probe_row(self, probe: _Probe, begin: float, time: float) -> Row:
        gone = [trip for trip in probe.inside if self._sensors.vehicle(trip) is None]
        for trip in gone:  # it has ended inside, and is forgotten
            del probe.inside[trip]
        columns = list(zip(*probe.times, strict=True)) if probe.times else [()] * 5
        travel, overlap, speed, loss, halts = ([float(value) for value in column] for column in columns)
        return {
            "left": len(probe.times), "inside": len(probe.inside), "travel_time_s": _mean(travel), "overlap_time_s": _mean(overlap),
            "speed_mps": _mean(speed), "time_loss_s": _mean(loss), "halts_mean": _mean(halts),
        } | self._inside_row(probe, begin, time)  # fmt: skip

    def _inside_row(self, probe: _Probe, begin: float, time: float) -> Row:
        """Means over the vehicles that are still between the points."""
        rows = []
        for trip, inside in probe.inside.items():
            odo, loss, halts = self._sensors.vehicle(trip) or (0.0, 0.0, 0)
            stay = time - inside.entry
            within = min(stay, time - begin)
            rows.append((
                stay, (odo - inside.odo) / stay, halts - inside.halts, within, (odo - inside.odo_begin) / within,
                halts - inside.halts_begin, loss - inside.loss_begin,
            ))  # fmt: skip
        means = np.array(rows, np.float64).mean(axis=0).tolist() if rows else [None] * 7
        names = ("time_s", "speed_mps", "halts_mean", "period_time_s", "period_speed_mps", "period_halts_mean", "time_loss_s")
        return {f"inside_{name}": value for name, value in zip(names, means, strict=True)}


def _pass_probe(probe: _Probe, events: Events, n: int, *, is_exit: bool) -> None:
    kind, trip, time, odo, loss, halts = (
        int(events.kind[n]), int(events.trip[n]), float(events.time[n]), float(events.odo[n]), float(events.loss[n]), int(events.halts[n]),
    )  # fmt: skip
    if not is_exit:
        if kind == of.EVENT_FRONT and trip not in probe.inside:
            probe.inside[trip] = _Inside(time, odo, loss, halts, odo, loss, halts)
        return
    inside = probe.inside.get(trip)
    if inside is None:
        return
    if kind == of.EVENT_FRONT:
        inside.front = time
    elif kind == of.EVENT_REAR:
        del probe.inside[trip]
        overlap = time - inside.entry
        probe.times.append((inside.front - inside.entry, overlap, (odo - inside.odo) / overlap, loss - inside.loss, halts - inside.halts))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
