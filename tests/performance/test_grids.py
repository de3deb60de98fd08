"""Grids of the benchmarks: ways that lead from junction to junction, the same for every simulator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from performance.cityflow_grid import make_cityflow_grid
from performance.grids import empty_grid, with_vehicles
from performance.staircases import staircases

from urbanlab.city.checks import require_consistent
from urbanlab.city.load import load


def test_ways_are_connected_and_have_no_step_back() -> None:
    ways = staircases(7, 5, 400, nearest=2.0, farthest=6.0, seed=3)
    assert len(ways.start) == 401
    for first, last in zip(ways.start[:-1], ways.start[1:], strict=True):
        tail, head = ways.tail[first:last], ways.head[first:last]
        assert (head[:-1] == tail[1:]).all()
        dx, dy = head % 7 - tail % 7, head // 7 - tail // 7
        assert (np.abs(dx) + np.abs(dy) == 1).all()
        assert len(set(dx[dx != 0])) <= 1 and len(set(dy[dy != 0])) <= 1
        assert (np.diff(dx != 0) != 0).sum() <= 2  # corners
        apart = np.hypot(head[-1] % 7 - tail[0] % 7, head[-1] // 7 - tail[0] // 7)
        assert 2.0 <= apart <= 6.0


def test_ways_depend_on_the_seed_alone() -> None:
    first, second, other = (staircases(9, 9, 50, nearest=2.0, farthest=9.0, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first.start, other.start) or not np.array_equal(first.tail, other.tail)


def test_vehicles_of_a_grid_drive_its_streets() -> None:
    scenario = with_vehicles(empty_grid(6), 6, np.linspace(0.0, 10.0, 30))
    require_consistent(scenario)
    assert scenario.demand.num_trips == 30


def test_cityflow_grid_can_be_read(tmp_path: Path) -> None:
    config = make_cityflow_grid(tmp_path / "net", 4, 25, 10)
    scenario = load(config)
    assert scenario.network.num_signals == 16 and scenario.demand.num_trips == 25
    assert len(json.loads((tmp_path / "net" / "flow.json").read_text())) == 25


def test_sumo_grid_is_the_same_net_for_both(tmp_path: Path) -> None:
    pytest.importorskip("sumo")
    from performance.sumo_grid import make_sumo_grid

    scenario = load(make_sumo_grid(tmp_path / "net", 4, 20, 10.0) / "grid.sumocfg")
    assert scenario.demand.num_trips == 20 and scenario.network.num_signals == 16
    require_consistent(scenario)
