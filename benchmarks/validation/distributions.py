"""Distributions of travel times: histograms of common bins, and how far two are apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["common_bins", "distance", "shares", "spread_among"]

Float = NDArray[np.float64]

SHOWN = 0.99
"""Share of the vehicles whose travel times the picture shows."""

NUM_BINS = 48
WIDTHS = (1.0, 2.0, 2.5, 5.0)


def distance(a: Float, b: Float) -> float:
    """Largest difference of two empirical distribution functions (Kolmogorov and Smirnov), in [0, 1]."""
    if not len(a) or not len(b):
        raise ValueError("a distribution of nothing")
    places = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(values), places, side="right") / len(values) for values in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def spread_among(runs: Sequence[Float]) -> float:
    """Mean distance of two of these runs: what chance alone does; 0 for a single run."""
    pairs = [distance(a, b) for a, b in itertools.combinations(runs, 2)]
    return float(np.mean(pairs)) if pairs else 0.0


def common_bins(*samples: Float) -> Float:
    """[s] limits of bins of a round width from 0 on, up to where SHOWN of every sample lie."""
    end = max(float(np.quantile(values, SHOWN)) for values in samples)
    width = max(end / NUM_BINS, 1.0)
    power = 10.0 ** np.floor(np.log10(width))
    step = next((w * power for w in WIDTHS if w * power >= width), 10.0 * power)
    return np.asarray(np.arange(0.0, end + step, step), np.float64)


def shares(values: Float, bins: Float) -> Float:
    """Share of all values in each bin."""
    return np.asarray(np.histogram(values, bins)[0] / len(values), np.float64)
