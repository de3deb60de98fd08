"""Paths of many pairs: the same rows whoever searches them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from urbanlab.city import path_search
from urbanlab.city.path_search import Paths, solve_pairs
from urbanlab.city.routing import routing_graph
from urbanlab.city.routing_kernels import RoutingGraph
from urbanlab.city.synthetic import make

Pairs = tuple[RoutingGraph, NDArray[np.int64], NDArray[np.int64]]
NUM_PAIRS = 400


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """A town, and pairs of its edges: some twice, some the same edge, some from one origin, some without a way."""
    network = make("ring:rings=3,radials=6,trips=0,signals=false", seed=1).network
    graph = routing_graph(network)
    draw = np.random.default_rng(1)
    usable = np.flatnonzero(np.isfinite(graph.edge_cost))
    origin, target = draw.choice(usable, NUM_PAIRS), draw.choice(usable, NUM_PAIRS)
    origin[:100] = origin[0]
    target[200:210] = origin[200:210]
    target[300] = np.flatnonzero(np.isinf(graph.edge_cost))[0]
    return graph, origin, target


def solved(monkeypatch: pytest.MonkeyPatch, pairs: Pairs, cores: int) -> Paths:
    monkeypatch.setattr(path_search, "_num_cores", lambda: cores)
    monkeypatch.setattr(path_search, "PAIRS_OF_WORKER", 10)
    return solve_pairs(*pairs)


@pytest.mark.parametrize("directed_from", [0, 10**9], ids=["landmarks", "plain"])
def test_number_of_cores_does_not_matter(monkeypatch: pytest.MonkeyPatch, pairs: Pairs, directed_from: int) -> None:
    monkeypatch.setattr(path_search, "DIRECTED_FROM", directed_from)
    alone = solved(monkeypatch, pairs, 1)
    for cores in (2, 7):
        together = solved(monkeypatch, pairs, cores)
        assert np.array_equal(alone.start, together.start) and np.array_equal(alone.edge, together.edge)
        assert np.array_equal(alone.cost, together.cost)
    assert len(alone.cost) == NUM_PAIRS and np.isinf(alone.cost[300]) and len(alone.path(300)) == 0


def test_landmarks_find_what_plain_search_finds(monkeypatch: pytest.MonkeyPatch, pairs: Pairs) -> None:
    monkeypatch.setattr(path_search, "DIRECTED_FROM", 0)
    directed = solved(monkeypatch, pairs, 2)
    monkeypatch.setattr(path_search, "DIRECTED_FROM", 10**9)
    assert directed.cost == pytest.approx(solved(monkeypatch, pairs, 1).cost)


def test_no_pairs_have_no_paths(pairs: Pairs) -> None:
    none = np.zeros(0, np.int32)
    assert len(solve_pairs(pairs[0], none, none).cost) == 0
