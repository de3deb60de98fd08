"""SUMO's own detector files: induction loops (`e1.xml`), areas (`e2.xml`) and entry-exit detectors (`e3.xml`).

Times in s, lengths in m, speeds in m/s, flows in vehicles an hour, occupancy in per cent; -1 where there is nothing to average.
"""

from __future__ import annotations

from pathlib import Path

from urbanlab.core.provenance import Provenance
from urbanlab.traffic.outputs.sumo_xml import attribute, head
from urbanlab.traffic.record import RunRecord

__all__ = ["FILES", "write_detectors"]

FILES = {"loop": "e1.xml", "area": "e2.xml", "probe": "e3.xml"}
"""File of each kind of detector."""

_ROOTS = {"loop": ("detector", "det_e1_file.xsd"), "area": ("detector", "det_e2_file.xsd"), "probe": ("e3Detector", "det_e3_file.xsd")}

# SUMO's attribute -> column of a row and the factor to SUMO's unit
_ATTRIBUTES: dict[str, dict[str, tuple[str, float]]] = {
    "loop": {
        "nVehContrib": ("left", 1.0), "flow": ("flow_per_s", 3600.0), "occupancy": ("occupancy", 100.0), "speed": ("speed_mps", 1.0),
        "harmonicMeanSpeed": ("speed_harmonic_mps", 1.0), "length": ("length_m", 1.0), "nVehEntered": ("entered", 1.0),
    },
    "area": {
        "sampledSeconds": ("seconds_s", 1.0), "nVehEntered": ("entered", 1.0), "nVehLeft": ("left", 1.0), "nVehSeen": ("seen", 1.0),
        "meanSpeed": ("speed_mps", 1.0), "meanTimeLoss": ("time_loss_s", 1.0), "meanOccupancy": ("occupancy", 100.0),
        "maxOccupancy": ("occupancy_max", 100.0), "meanMaxJamLengthInVehicles": ("jam_mean_vehicles", 1.0),
        "meanMaxJamLengthInMeters": ("jam_mean_m", 1.0), "maxJamLengthInVehicles": ("jam_max_vehicles", 1.0),
        "maxJamLengthInMeters": ("jam_max_m", 1.0), "jamLengthInVehiclesSum": ("jam_sum_vehicles", 1.0),
        "jamLengthInMetersSum": ("jam_sum_m", 1.0), "meanHaltingDuration": ("halt_mean_s", 1.0), "maxHaltingDuration": ("halt_max_s", 1.0),
        "haltingDurationSum": ("halt_sum_s", 1.0), "meanIntervalHaltingDuration": ("halt_period_mean_s", 1.0),
        "maxIntervalHaltingDuration": ("halt_period_max_s", 1.0), "intervalHaltingDurationSum": ("halt_period_sum_s", 1.0),
        "startedHalts": ("halts_started", 1.0), "meanVehicleNumber": ("vehicles_mean", 1.0), "maxVehicleNumber": ("vehicles_max", 1.0),
    },
    "probe": {
        "meanTravelTime": ("travel_time_s", 1.0), "meanOverlapTravelTime": ("overlap_time_s", 1.0), "meanSpeed": ("speed_mps", 1.0),
        "meanHaltsPerVehicle": ("halts_mean", 1.0), "meanTimeLoss": ("time_loss_s", 1.0), "vehicleSum": ("left", 1.0),
        "meanSpeedWithin": ("inside_speed_mps", 1.0), "meanHaltsPerVehicleWithin": ("inside_halts_mean", 1.0),
        "meanDurationWithin": ("inside_time_s", 1.0), "vehicleSumWithin": ("inside", 1.0),
        "meanIntervalSpeedWithin": ("inside_period_speed_mps", 1.0), "meanIntervalHaltsPerVehicleWithin": ("inside_period_halts_mean", 1.0),
        "meanIntervalDurationWithin": ("inside_period_time_s", 1.0), "meanTimeLossWithin": ("inside_time_loss_s", 1.0),
    },
}  # fmt: skip


def write_detectors(path: Path, kind: str, record: RunRecord, provenance: Provenance) -> None:
    """Write the file of one kind: loop, area or probe."""
    root, schema = _ROOTS[kind]
    with path.open("w", encoding="utf-8") as file:
        file.write(head(root, schema, provenance))
        for row in record.detectors:
            if row["kind"] == kind:
                values = " ".join(f'{name}="{_value(row[column], factor)}"' for name, (column, factor) in _ATTRIBUTES[kind].items())
                times = f'begin="{row["begin_s"]:.2f}" end="{row["end_s"]:.2f}"'
                file.write(f"    <interval {times} id={attribute(str(row['detector_id']))} {values}/>\n")
        file.write(f"</{root}>\n")


def _value(value: object, factor: float) -> str:
    if value is None:
        return "-1.00"
    return str(value) if isinstance(value, int) else f"{float(value) * factor:.2f}"  # type: ignore[arg-type]
