"""Keys and named streams."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlab.core.rng import entity_key, generator, stream_key


def test_keys_are_the_same_in_every_process() -> None:
    # By definition: the first eight bytes, little-endian, of SHA-256 of "42\0trips" and of BLAKE2b-64 of "bus_17".
    assert stream_key(42, "trips") == 0xBBAE3DE94D891BFA
    assert entity_key("bus_17") == 0x3DE8D2981F2C1BA4


def test_streams_of_other_names_and_seeds_differ() -> None:
    keys = {stream_key(seed, name) for seed in range(-50, 50) for name in ("a", "b", "")}
    assert len(keys) == 300
    assert stream_key(1, "2") != stream_key(12, "")


def test_generator_depends_on_seed_and_name_alone() -> None:
    first = generator(7, "homes").random(8)
    generator(7, "jobs").random(100)
    assert np.array_equal(first, generator(7, "homes").random(8))
    assert not np.array_equal(first, generator(7, "jobs").random(8))
    assert not np.array_equal(first, generator(8, "homes").random(8))


@pytest.mark.parametrize("seed", [-1, -(2**63), 2**63 - 1, 2**64 - 1])
def test_generator_takes_any_seed_of_64_bits(seed: int) -> None:
    assert 0.0 <= generator(seed, "homes").random() < 1.0
