"""SUMO's `tripinfo.xml`: one element a trip that has ended, in the order of their ends.

Definitions are those of SUMO's trip information device: times in s, lengths in m, speeds in m/s; -1 and empty texts where
there is no value. Trips under way or waiting at the end are left out, as SUMO does without `write-unfinished`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from urbanlab.core.provenance import Provenance
from urbanlab.traffic.measures import durations
from urbanlab.traffic.outputs.sumo_xml import attribute, decimals, head
from urbanlab.traffic.record import RunRecord, TripState

__all__ = ["write_tripinfo"]


def write_tripinfo(path: Path, record: RunRecord, provenance: Provenance) -> None:
    """Write the file."""
    ended = np.flatnonzero((record.depart >= 0.0) & (record.arrival >= 0.0))
    ended = ended[np.argsort(record.arrival[ended], kind="stable")]
    columns = _columns(record, ended)
    names = tuple(columns)
    with path.open("w", encoding="utf-8") as file:
        file.write(head("tripinfos", "tripinfo_file.xsd", provenance))
        for row in zip(*columns.values(), strict=True):
            file.write(f"    <tripinfo {' '.join(f'{name}={value}' for name, value in zip(names, row, strict=True))}/>\n")
        file.write("</tripinfos>\n")


def _columns(record: RunRecord, rows: np.ndarray[Any, np.dtype[np.intp]]) -> dict[str, list[str]]:
    """Attributes in SUMO's order, each value in quotes."""

    def number(values: Any) -> list[str]:
        return [f'"{text}"' for text in decimals(np.asarray(values, np.float64)[rows])]

    def count(values: Any) -> list[str]:
        return [f'"{value}"' for value in values[rows].tolist()]

    def lane(lanes: Any) -> list[str]:
        return [attribute(record.lane_ids[k]) if k >= 0 else '""' for k in lanes[rows].tolist()]

    removed = record.state[rows] == TripState.REMOVED
    return {
        "id": [attribute(record.trip_id[k]) for k in rows.tolist()],
        "depart": number(record.depart),
        "departLane": lane(record.depart_lane),
        "departPos": number(record.depart_pos),
        "departSpeed": number(record.depart_speed),
        "departDelay": number(record.depart - record.depart_wanted),
        "arrival": number(record.arrival),
        "arrivalLane": lane(record.arrival_lane),
        "arrivalPos": number(record.arrival_pos),
        "arrivalSpeed": number(record.arrival_speed),
        "duration": number(durations(record)),
        "routeLength": number(record.route_length),
        "waitingTime": number(record.waiting),
        "waitingCount": count(record.stops),
        "stopTime": number(record.stop_time),
        "timeLoss": number(record.time_loss),
        "rerouteNo": count(record.reroutes) if len(record.reroutes) else ['"0"'] * len(rows),
        "devices": ['""'] * len(rows),
        "vType": [attribute(record.trip_type[k]) for k in rows.tolist()],
        "speedFactor": number(record.speed_factor),
        "vaporized": ['"traci"' if gone else '""' for gone in removed.tolist()],
    }
