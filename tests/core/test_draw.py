"""Draws inside kernels: known answers, and statistics with a false-alarm rate below one in a million."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from urbanlab.core import jit
from urbanlab.core.bundle import pack, viewer
from urbanlab.core.draw import mix64, uniform
from urbanlab.core.rng import entity_key, stream_key

FALSE_ALARM = 1e-7  # per test; a handful of tests stay below one in a million
NUM_ENTITIES, NUM_STEPS, NUM_DRAWS = 100, 100, 4


class _Table(NamedTuple):
    """Draws of entities (V,) over steps and numbers, row by row."""

    keys: NDArray[np.uint64]
    mixed: NDArray[np.uint64]
    values: NDArray[np.float64]
    num_steps: int
    num_draws: int


_as_table = viewer(_Table)


@jit.entry(())
def _fill(address: int) -> None:
    t = _as_table(address)
    row = 0
    for v in range(len(t.keys)):
        t.mixed[v] = mix64(t.keys[v])
        for step in range(t.num_steps):
            for draw in range(t.num_draws):
                t.values[row] = uniform(t.keys[v], step, draw)
                row += 1


def _draws(keys: NDArray[np.uint64], num_steps: int, num_draws: int) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    table = _Table(keys, np.zeros_like(keys), np.zeros(len(keys) * num_steps * num_draws), num_steps, num_draws)
    handle = pack(table)
    _fill(handle.address)
    return table.mixed, table.values.reshape(len(keys), num_steps, num_draws)


@pytest.fixture(scope="module")
def draws() -> NDArray[np.float64]:
    """(V, step, draw) of a hundred drivers over a hundred steps."""
    keys = np.array([entity_key(f"trip{k}") ^ stream_key(42, "trips") for k in range(NUM_ENTITIES)], np.uint64)
    return _draws(keys, NUM_STEPS, NUM_DRAWS)[1]


def test_mix64_gives_the_known_answers_of_splitmix64() -> None:
    # SplitMix64 (Steele, Lea, Flood 2014) with seed 1234567: the first outputs, as published with the reference code.
    golden = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + k * golden) % 2**64 for k in range(1, 6)], np.uint64)
    mixed, _ = _draws(states, 0, 0)
    assert mixed.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]


def test_draw_is_a_pure_function(draws: NDArray[np.float64]) -> None:
    keys = np.array([entity_key("trip7") ^ stream_key(42, "trips")], np.uint64)
    assert np.array_equal(_draws(keys, NUM_STEPS, NUM_DRAWS)[1][0], draws[7])


def test_draws_fill_the_unit_interval_evenly(draws: NDArray[np.float64]) -> None:
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    counts = np.bincount((draws.ravel() * 64).astype(np.int64), minlength=64)
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["entities", "steps", "draws"])
def test_neighbours_do_not_depend_on_each_other(draws: NDArray[np.float64], axis: int) -> None:
    first = np.delete(draws, -1, axis).ravel()
    second = np.delete(draws, 0, axis).ravel()
    counts, _, _ = np.histogram2d(first, second, bins=8, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue > FALSE_ALARM


def test_entities_are_alike(draws: NDArray[np.float64]) -> None:
    # Means of 400 draws each are normal with a standard error of sqrt(1 / 12 / 400).
    z = (draws.mean(axis=(1, 2)) - 0.5) / np.sqrt(1.0 / 12.0 / (NUM_STEPS * NUM_DRAWS))
    assert stats.chi2.sf(float((z**2).sum()), NUM_ENTITIES) > FALSE_ALARM
    assert np.abs(z).max() < stats.norm.isf(FALSE_ALARM / 2 / NUM_ENTITIES)


def test_flipping_one_bit_of_a_key_flips_half_the_bits() -> None:
    keys = np.array([entity_key(f"v{k}") for k in range(64)], np.uint64)
    base, _ = _draws(keys, 0, 0)
    flipped = [_draws(keys ^ np.uint64(1 << bit), 0, 0)[0] ^ base for bit in range(64)]
    ones = sum(int(word).bit_count() for words in flipped for word in words)
    total = 64 * 64 * 64
    assert abs(ones - total / 2) < stats.norm.isf(FALSE_ALARM / 2) * np.sqrt(total / 4)


def test_numpy_and_compiled_code_mix_alike() -> None:
    keys = np.array([0, 1, 2**63, 2**64 - 1, entity_key("bus_17")], np.uint64)
    mixed, _ = _draws(keys, 0, 0)
    for key, answer in zip(keys.tolist(), mixed.tolist(), strict=True):
        value = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) % 2**64
        assert answer == value ^ (value >> 31)
