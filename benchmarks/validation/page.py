"""The page `docs/validation.md`: versions, the table, the picture, edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from validation.agreement import Row
from validation.comparison import Comparison
from validation.edges import LEAST_COUNT, EdgeAgreement

__all__ = ["Versions", "page", "table"]

COUNT_ERROR_WANTED = 0.05
SPEED_FIT_WANTED = 0.9


class Versions(NamedTuple):
    """Of the two programs."""

    urbanlab: str
    commit: str  # last one that touched the program
    sumo: str


INTRODUCTION = """# Validation against SUMO

This page and its picture are made by `scripts/validate`; with the same versions the same bytes come out. Both programs
run the same files with the same seeds, though equal seeds mean nothing across programs. SUMO's means are those of the
stored `sumo-reference.json`; the runs of SUMO that the distributions and edges come from give the same means (largest
difference of a seed's mean travel time: {drift:.4f} s). What the differences come from, as far as known, stands in
[the assumptions](assumptions.md#what-differs-from-sumo-measured).

| | |
| --- | --- |
| urbanlab | {urbanlab}, commit `{commit}` |
| SUMO | {sumo}, its defaults, step 1 s |
| Seeds | {seeds} |
| Agree | {agree} |

## Aggregates

Means over the seeds. The difference may be the largest of a relative tolerance (arrived and route length 1 %, travel
time and speed 5 %, time loss 8 %, waiting 12 %, depart delay 20 %), an absolute one (5 vehicles; 1, 1.5, 1.5 and 2 s;
2 m; 0.1 m/s), and three standard errors of such a difference by SUMO's own spread, at most 20 %.
"""

PICTURE = """## Travel times

![Distributions of travel times of both programs, by scenario](images/validation.svg)

All seeds together, up to the time within which 99 % of the vehicles arrive. D is the distance of Kolmogorov and Smirnov;
beside it stands the mean distance of two of SUMO's own seeds, which chance alone makes.
"""

EDGES = f"""## Edges

Every edge in every quarter of an hour, means over the seeds. *Count error*: absolute errors of entered plus departed
vehicles over all counts. *Speed fit*: coefficient of determination of mean speeds, weighted by counts, where SUMO has
{LEAST_COUNT:g} vehicles or more. Wanted of cologne8: at most {COUNT_ERROR_WANTED:.0%}, at least {SPEED_FIT_WANTED}.
*SUMO itself*: its odd seeds against its even ones, which is as well as so few seeds can agree.
"""

DEFINITION = """
**Which speed.** SUMO's `speed` and `sampledSeconds` count a vehicle on an edge from when its front enters until its
*rear* has left, by fractions of a step: longer than its front is there by its length over its speed, half a second for a
car at 10 m/s, on every edge. So a car of 5 m at a constant 10 m/s counts 0.6 s on an edge of 1 m, 0.1 s of them its
front's. The metres are those driven in the same time, so that the speed just behind an edge counts too: more than
anything else on edges shorter than vehicles, and most behind stop lines, where queues gather speed. It is a definition
and has nothing to do with steps. `density`, `traveltime` and `distance` are the front's alone. Urbanlab's tables count
fronts, each step on the edge where it begins. *Speed fit* compares fronts with fronts (length over SUMO's `traveltime`);
the next column compares our speeds with SUMO's `speed` as it stands, which is what the stored reference of cologne8 has.
"""


def table(rows: Sequence[Row]) -> str:
    """All aggregates as one table."""
    lines = ["| Scenario | Figure | urbanlab | SUMO | Difference | Allowed | |", "| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    lines += [
        f"| {row.scenario} | {row.label} | {row.ours:.2f} | {row.theirs:.2f} | {row.difference:+.2f} | {row.allowed:.2f} "
        f"| {'agrees' if row.agrees else '**differs**'} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def page(comparisons: Sequence[Comparison], versions: Versions) -> str:
    """The whole page."""
    rows = [row for one in comparisons for row in one.rows]
    agreeing, whole = sum(row.agrees for row in rows), sum(one.agrees for one in comparisons)
    introduction = INTRODUCTION.format(
        drift=max(one.reference_drift for one in comparisons),
        seeds=_seeds(comparisons),
        agree=f"{agreeing} of {len(rows)} figures; all figures of {whole} of {len(comparisons)} scenarios",
        **versions._asdict(),
    )
    return "\n".join([introduction, table(rows), PICTURE, EDGES, _edges(comparisons), DEFINITION.strip(), ""])


def _seeds(comparisons: Sequence[Comparison]) -> str:
    by_seeds: dict[tuple[int, ...], list[str]] = {}
    for one in comparisons:
        by_seeds.setdefault(one.seeds, []).append(one.scenario)
    most = max(by_seeds, key=lambda seeds: len(by_seeds[seeds]))
    parts = [f"{', '.join(map(str, most))}"]
    parts += [f"{', '.join(names)}: {', '.join(map(str, seeds))}" for seeds, names in by_seeds.items() if seeds != most]
    return "; ".join(parts)


def _edges(comparisons: Sequence[Comparison]) -> str:
    lines = [
        "| Scenario | Vehicles counted | Count error | SUMO itself | Speeds compared | Speed fit | with SUMO's `speed` | SUMO itself |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in comparisons:
        count, speed = _own(one.edges_of_seeds)
        lines.append(_edge_line(one.scenario, one.edges, f"{one.edges_overlap.speed_fit:.3f}", count, speed))
        if one.edges_stored is not None:
            lines.append(_edge_line(f"{one.scenario}, stored reference", one.edges_stored, f"{one.edges_stored.speed_fit:.3f}", "", ""))
    return "\n".join(lines) + "\n"


def _own(seeds: EdgeAgreement | None) -> tuple[str, str]:
    return (f"{seeds.count_error:.1%}", f"{seeds.speed_fit:.3f}") if seeds is not None else ("", "")


def _edge_line(name: str, found: EdgeAgreement, overlap: str, count: str, speed: str) -> str:
    front = "" if "stored" in name else f"{found.speed_fit:.3f}"
    compared = str(found.num_speeds) if found.num_speeds == found.num_busy else f"{found.num_speeds} of {found.num_busy}"
    cells = [name, f"{found.num_vehicles:,.0f}", f"{found.count_error:.1%}", count, compared, front, overlap, speed]
    return f"| {' | '.join(cells)} |"
