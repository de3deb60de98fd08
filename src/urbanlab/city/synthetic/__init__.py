"""Synthetic cities, deterministic from a seed: `make("grid:rows=4,cols=4", seed=1)`."""

from urbanlab.city.synthetic.spec import make

__all__ = ["make"]
