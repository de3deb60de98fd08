"""`make`: a scenario from a specification such as `grid:rows=4,cols=4`."""

from __future__ import annotations

import difflib

import numpy as np

from urbanlab.city.scenario import ImportReport, RunSettings, Scenario
from urbanlab.city.synthetic.builder import build_network
from urbanlab.city.synthetic.demand import Peak, make_demand
from urbanlab.city.synthetic.grid import GridOptions, plan_grid
from urbanlab.city.synthetic.options import CommonOptions, read_options
from urbanlab.city.synthetic.programs import make_programs
from urbanlab.city.synthetic.ring_radial import RingOptions, plan_ring
from urbanlab.city.synthetic.river import RiverOptions, plan_river
from urbanlab.city.synthetic.streets import Streets
from urbanlab.core.errors import ConfigError

__all__ = ["DEMO", "make"]

DEMO = "river:junctions=400"
REACH_SHARE, SHORTEST_REACH, LONGEST_REACH = 0.4, 400.0, 3000.0  # [1], [m], [m]


def make(spec: str, *, seed: int) -> Scenario:
    """Generate a city: streets, network, demand and signal programs, the same bits for the same seed.

    Parameters
    ----------
    spec : `grid:...`, `ring:...`, `river:...` with `key=value` options, or `demo`
    seed : of everything that is drawn

    Examples
    --------
    >>> make("grid:rows=2,cols=3,trips=10", seed=1).network.num_signals
    2
    """
    text = DEMO if spec.strip() == "demo" else spec.strip()
    streets, options = _plan(text, seed)
    built = build_network(streets)
    extent = float(np.hypot(np.ptp(streets.node_x), np.ptp(streets.node_y)))
    reach = min(max(REACH_SHARE * extent, SHORTEST_REACH), LONGEST_REACH)
    peak = Peak(options.num_trips(streets.num_nodes), options.begin, options.duration, reach)
    demand = make_demand(built, peak, seed=seed)
    programs = make_programs(built, demand, options.duration, protected=options.protected)
    return Scenario(
        name="demo" if spec.strip() == "demo" else streets.name,
        network=built.network,
        programs=programs,
        demand=demand,
        settings=RunSettings(begin=options.begin, seed=seed),
        report=ImportReport(),
        source=f"{text};seed={seed}",
    )


def _plan(text: str, seed: int) -> tuple[Streets, CommonOptions]:
    kind, _, rest = text.partition(":")
    if kind == "grid":
        grid = read_options(GridOptions, rest, text)
        return plan_grid(grid), grid
    if kind == "ring":
        ring = read_options(RingOptions, rest, text)
        return plan_ring(ring, seed), ring
    if kind == "river":
        river = read_options(RiverOptions, rest, text)
        return plan_river(river, seed), river
    known = ("grid", "ring", "river", "demo")
    near = difflib.get_close_matches(kind, known, n=1)
    raise ConfigError(
        f"Kind of city {kind!r} is unknown.",
        got=repr(kind),
        expected="one of " + ", ".join(known),
        hint=f"did you mean {near[0]!r}?" if near else "",
    )
