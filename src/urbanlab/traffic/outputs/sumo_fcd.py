"""SUMO's `fcd.xml` (floating car data): where every vehicle on the road is, step by step, written while the run goes on."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.network import Network
from urbanlab.core.provenance import Provenance
from urbanlab.traffic.lane_places import LanePlaces
from urbanlab.traffic.outputs.sumo_xml import attribute, head
from urbanlab.traffic.simulation import Simulation

__all__ = ["FcdWriter"]

BUFFER = 1 << 20  # [byte]


class FcdWriter:
    """Streams positions; call it after every step.

    Vehicles come in the order of their wanted departure; parked and teleporting ones are left out. The angle
    is SUMO's: degrees clockwise from north, here of the lane at the vehicle's front.

    Parameters
    ----------
    path : the file
    run : the run that is to be watched
    provenance : goes into the head
    goes_on : the file has its head and some steps already, and the others are added
    """

    def __init__(self, path: Path, run: Simulation, provenance: Provenance, *, goes_on: bool = False) -> None:
        network, demand = run.scenario.network, run.scenario.demand
        self._places = LanePlaces(network)
        self._types = [attribute(kind.vehicle_type_id) for kind in demand.vehicle_types]
        self._vehicle: list[tuple[str, str]] = []  # identifier and type of each trip, in quotes
        self._lane = _lanes(network)
        self._file = path.open("a" if goes_on else "w", encoding="utf-8", buffering=BUFFER)
        if not goes_on:
            self._file.write(head("fcd-export", "fcd_file.xsd", provenance))

    def __call__(self, run: Simulation) -> None:
        """Write where everybody is after the step that has just been done."""
        time = run.time - run.step_length
        slot, on_road, lane = _on_road(run)
        if not len(slot):
            self._file.write(f'    <timestep time="{time:.2f}"/>\n')
            return
        position = run.positions[slot]
        x, y, heading = self._places.points(lane, position)
        angle = (90.0 - np.degrees(heading)) % 360.0
        rows = zip(
            on_road.tolist(), x.tolist(), y.tolist(), angle.tolist(), run.speeds[slot].tolist(), position.tolist(), lane.tolist(),
            strict=True,
        )  # fmt: skip
        self._name_vehicles(run)
        vehicle, lanes = self._vehicle, self._lane
        self._file.write(f'    <timestep time="{time:.2f}">\n')
        self._file.writelines(
            f'        <vehicle id={vehicle[v][0]} x="{px:.2f}" y="{py:.2f}" angle="{a:.2f}" type={vehicle[v][1]} '
            f'speed="{s:.2f}" pos="{p:.2f}" lane={lanes[at]}/>\n'
            for v, px, py, a, s, p, at in rows
        )
        self._file.write("    </timestep>\n")

    def sync(self) -> int:
        """Wait until all steps so far are on the disk; how many bytes they take."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def _name_vehicles(self, run: Simulation) -> None:
        """Take in trips that have joined since the last step."""
        known = len(self._vehicle)
        kinds = run.model.expanded.kind[known:].tolist()
        self._vehicle += [(attribute(name), self._types[kind]) for name, kind in zip(run.trip_ids[known:], kinds, strict=True)]

    def __enter__(self) -> FcdWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        with self._file:
            self._file.write("</fcd-export>\n")


def _on_road(run: Simulation) -> tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]:
    """Slot, trip and lane of every vehicle on a lane, by trip."""
    slot = np.flatnonzero(run.vehicle_of_slot >= 0)
    slot = slot[np.argsort(run.vehicle_of_slot[slot])]
    vehicle = run.vehicle_of_slot[slot]
    lane = run.lane_of_vehicle[vehicle]
    on_lane = lane >= 0
    return slot[on_lane], vehicle[on_lane], lane[on_lane]


def _lanes(network: Network) -> list[str]:
    return [attribute(network.lane_id(lane)) for lane in range(network.num_lanes)]
