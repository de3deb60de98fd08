"""Which lanes are best for a route: Erdmann 2014, section 3, and SUMO's own tables (`traci.vehicle.getBestLanes`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from urbanlab.city.network import VEHICLE_CLASSES, class_mask
from urbanlab.city.readers.sumo import read_sumo
from urbanlab.city.synthetic import make
from urbanlab.traffic.simulation import Simulation

# by net: the edges of a route, and by edge the length [m] and the lanes to the best one of each lane, right to left
BEST = {
    "short": (
        "s0 01 12 23 34 45 56 67 78 89 9e",
        {
            "s0": [(880.0, 0), (880.0, 0)], "01": [(536.0, 0), (536.0, 0)], "12": [(476.0, 1), (832.0, 0)],
            "78": [(116.0, 1), (472.0, 0)], "9e": [(356.0, 0)],
        },
    ),
    "barred": ("ab bc cx", {"ab": [(300.0, 2), (300.0, 1), (892.0, 0)], "bc": [(0.0, 2), (0.0, 1), (592.0, 0)], "cx": [(296.0, 0)]}),
    "pass": ("ab bc cd", {"ab": [(596.0, 1), (888.8, 0)], "bc": [(296.0, 1), (588.8, 0)], "cd": [(292.8, 0), (292.8, 0)]}),
}  # fmt: skip


@pytest.mark.parametrize("net", BEST)
def test_lanes_lead_on_as_far_as_in_sumo(verify: Any, net: str) -> None:
    """How far a driver looks, lanes from which a bus lane bars the way, and a lane that has to yield beside one that has not.

    Many short edges are looked at as far as a car could brake from its top speed (55.6 m/s), at least 200 m.
    Expected: SUMO 1.28.0, `traci.vehicle.getBestLanes` on each edge.
    """
    edges, expected = BEST[net]
    vehicle = f'<vehicle id="v" depart="0" departLane="best"><route edges="{edges}"/></vehicle>'
    case = verify.case(net, vehicle, end=1.0)
    scenario = read_sumo(case.net, [case.routes], case.additional)
    with Simulation(scenario, seed=1) as run:
        routes, network = run.model.world.routes, scenario.network
        for place, name in enumerate(edges.split()):
            edge = network.edge_of_id[name]
            assert routes.edge[place] == edge
            row = int(routes.best_start[place])
            rows = slice(row, row + int(network.edge_first_lane[edge + 1] - network.edge_first_lane[edge]))
            found = list(zip(routes.best_length[rows].tolist(), routes.best_offset[rows].tolist(), strict=True))
            if name in expected:
                assert [lanes for _, lanes in found] == [lanes for _, lanes in expected[name]], name
                assert [length for length, _ in found] == pytest.approx([length for length, _ in expected[name]], abs=0.01), name


def test_a_lane_that_a_class_may_not_use_is_never_best() -> None:
    """Whatever it leads to: Hamburg's bus lanes lead on where others end."""
    city = make("grid:rows=3,cols=3,trips=60,duration=120", seed=1)
    network = city.network
    first, num = network.edge_first_lane[:-1], np.diff(network.edge_first_lane)
    wide = np.flatnonzero(num > 1)
    left = first[wide] + num[wide] - 1
    bus_lanes = network.lane_permissions.copy()
    normal = network.edge_function[wide] == 0
    bus_lanes[left[normal]] = class_mask("bus")
    barred = replace(city, network=replace(network, lane_permissions=bus_lanes))
    with Simulation(barred, seed=1) as run:
        world = run.model.world
        routes, runs = world.routes, world.runs
        car = 1 << VEHICLE_CLASSES.index("passenger")
        seen = 0
        for row in range(int(runs.used[0])):
            for here in range(int(runs.start[row]), int(runs.end[row])):
                low, lanes = int(first[routes.edge[here]]), int(num[routes.edge[here]])
                rows = slice(int(routes.best_start[here]), int(routes.best_start[here]) + lanes)
                open_to = bus_lanes[low : low + lanes] & int(runs.class_bit[row]) != 0
                if runs.class_bit[row] == car and open_to.any() and not open_to.all():
                    seen += 1
                    assert np.all(routes.best_offset[rows][~open_to] != 0)
        assert seen > 10
