"""Draws inside kernels: counters mixed by the finaliser of SplitMix64.

Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA.
"""

from __future__ import annotations

import numpy as np

from urbanlab.core.jit import wrapping

__all__ = ["mix64", "uniform"]


@wrapping
def mix64(value: np.uint64) -> np.uint64:
    """Bijective mixing of 64 bits."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@wrapping
def uniform(key: np.uint64, step: int, draw: int) -> float:
    """A number in [0, 1): the draw-th of an entity (its key) at a step."""
    counter = np.uint64(step) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(draw) * np.uint64(0xD1B54A32D192ED03)
    bits = mix64(np.uint64(key) ^ mix64(counter))
    return float(bits >> np.uint64(11)) * 1.1102230246251565e-16
