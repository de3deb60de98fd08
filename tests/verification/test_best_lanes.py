"""Which lanes are best for a route: closed-form cases of Erdmann 2014, section 3."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from urbanlab.city.network import VEHICLE_CLASSES, class_mask
from urbanlab.city.synthetic import make
from urbanlab.traffic.simulation import Simulation


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
