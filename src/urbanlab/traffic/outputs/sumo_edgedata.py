"""SUMO's `edgedata.xml`: mean values of edges by period.

A vehicle is on the edge where its front is; SUMO calls figures of that kind `density`, `speed` and `traveltime`. Its
figures that count a vehicle while any part of it is on the edge (`overlapDensity`, `occupancy`) are left out.
"""

from __future__ import annotations

from pathlib import Path

from urbanlab.core.provenance import Provenance
from urbanlab.traffic.outputs.sumo_xml import attribute, head
from urbanlab.traffic.record import EdgePeriod, RunRecord

__all__ = ["write_edgedata"]

LONGEST = 100_000.0
"""[s] SUMO's travel time of an edge where vehicles only stood."""


def write_edgedata(path: Path, record: RunRecord, provenance: Provenance) -> None:
    """Write the file; edges inside junctions are left out."""
    with path.open("w", encoding="utf-8") as file:
        file.write(head("meandata", "meandata_file.xsd", provenance))
        for period in record.edge_periods:
            file.write(f'    <interval begin="{period.begin:.2f}" end="{period.end:.2f}" id="urbanlab">\n')
            file.writelines(
                f"        <edge id={attribute(name)} {_values(record, period, edge)}/>\n"
                for edge, name in enumerate(record.edge_ids)
                if not record.edge_is_internal[edge]
            )
            file.write("    </interval>\n")
        file.write("</meandata>\n")


def _values(record: RunRecord, period: EdgePeriod, edge: int) -> str:
    seconds, metres, length = float(period.seconds[edge]), float(period.metres[edge]), float(record.edge_length[edge])
    parts = [f'sampledSeconds="{seconds:.2f}"']
    if seconds > 0.0:
        density = seconds / (period.end - period.begin) * 1000.0 / length
        travel_time = min(LONGEST, length * seconds / metres) if metres > 0.0 else LONGEST
        parts += [
            f'traveltime="{travel_time:.2f}"',
            f'density="{density:.2f}"',
            f'laneDensity="{density / int(record.edge_lanes[edge]):.2f}"',
            f'waitingTime="{period.waiting[edge]:.2f}"',
            f'timeLoss="{period.time_loss[edge]:.2f}"',
            f'speed="{metres / seconds:.2f}"',
        ]
    parts += [f'{name}="{getattr(period, name)[edge]}"' for name in ("departed", "arrived", "entered", "left")]
    return " ".join([*parts, f'distance="{metres:.2f}"'])
