"""A scenario by both programs: what the page and the picture show of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlab.city.load import load
from urbanlab.city.network import EdgeFunction
from validation.agreement import Row, compare, variant_of
from validation.distributions import distance, spread_among
from validation.edges import EdgeAgreement, agreement, mean_of, of_reference
from validation.runs import Run, Sumo, config_of, our_run

__all__ = ["Comparison", "compare_scenario"]


@dataclass(frozen=True)
class Comparison:
    """Everything about one scenario."""

    scenario: str
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    ours: NDArray[np.float64]  # [s] travel times of all seeds
    theirs: NDArray[np.float64]  # [s]
    distance: float  # [1] of the two distributions
    distance_of_seeds: float  # [1] of SUMO's seeds among each other
    edges: EdgeAgreement  # against SUMO's runs, by fronts
    edges_overlap: EdgeAgreement  # the same with SUMO's `speed`
    edges_of_seeds: EdgeAgreement | None  # SUMO's odd seeds against its even ones; None for one seed
    edges_stored: EdgeAgreement | None  # against the stored reference, where it has edges
    reference_drift: float  # [s] largest difference of a seed's mean travel time from the stored one

    @property
    def agrees(self) -> bool:
        """Whether all aggregates do."""
        return all(row.agrees for row in self.rows)


def compare_scenario(folder: Path, sumo: Sumo, most_seeds: int, say: Callable[[str], None]) -> Comparison:
    """Run both programs with the seeds of the stored reference, at most so many of them.

    Parameters
    ----------
    folder : of the scenario; has a SUMO configuration and sumo-reference.json
    sumo : the other program
    most_seeds : >= 1
    say : told what is done next
    """
    reference = json.loads((folder / "sumo-reference.json").read_text())
    variant = variant_of(reference)
    stored = {int(run["seed"]): run for run in variant["seeds"]}
    seeds = tuple(sorted(stored))[:most_seeds]
    scenario = load(config_of(folder))
    network = scenario.network
    ours = []
    for seed in seeds:
        say(f"{folder.name}: urbanlab, seed {seed}")
        ours.append(our_run(scenario, seed))
    streets = np.flatnonzero(network.edge_function == EdgeFunction.NORMAL)
    ids, lengths = [network.edge_id[k] for k in streets.tolist()], network.lane_length[network.edge_first_lane[streets]]
    theirs = []
    for seed in seeds:
        say(f"{folder.name}: SUMO {sumo.version}, seed {seed}")
        theirs.append(sumo.run(folder, seed, ids, lengths))
    drift = max(abs(run.summary["travel_time_mean_s"] - stored[seed]["duration_mean"]) for seed, run in zip(seeds, theirs, strict=True))
    return _compared(folder.name, seeds, ours, theirs, reference | {"ids": ids, "drift": drift})


def _compared(name: str, seeds: tuple[int, ...], ours: Sequence[Run], theirs: Sequence[Run], stored: dict[str, Any]) -> Comparison:
    our_edges, their_edges = (mean_of([run.edges for run in runs]) for runs in (ours, theirs))
    odd, even = ([run.edges for run in theirs[k::2]] for k in (0, 1))
    our_times, their_times = (np.concatenate([run.travel_times for run in runs]) for runs in (ours, theirs))
    return Comparison(
        scenario=name,
        seeds=seeds,
        rows=tuple(compare(name, [run.summary for run in ours], variant_of(stored))),
        ours=our_times,
        theirs=their_times,
        distance=distance(our_times, their_times),
        distance_of_seeds=spread_among([run.travel_times for run in theirs]),
        edges=agreement(our_edges, their_edges),
        edges_overlap=agreement(our_edges, their_edges, overlap=True),
        edges_of_seeds=agreement(mean_of(odd), mean_of(even)) if even else None,
        edges_stored=agreement(our_edges, of_reference(stored["edges"], stored["ids"]), overlap=True) if "edges" in stored else None,
        reference_drift=stored["drift"],
    )
