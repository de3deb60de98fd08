"""Randomness as pure functions: a draw depends on (stream key, entity, step, draw number) alone.

Above kernels, named streams come from NumPy's `SeedSequence`; the draws inside kernels are in
`core/draw.py`, keyed by the keys made here.
"""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["entity_key", "generator", "stream_key"]


def stream_key(seed: int, name: str) -> int:
    """64-bit key of a named stream of a seed."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def entity_key(name: str) -> int:
    """64-bit key of an external identifier: the same in every process and run."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def generator(seed: int, name: str) -> np.random.Generator:
    """NumPy generator of a named stream of a seed, which may be any integer of 64 bits."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed % 2**64, stream_key(0, name)])))
