"""Generated cities, each made once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from urbanlab.city.scenario import Scenario
from urbanlab.city.synthetic import make


@pytest.fixture(scope="session")
def city() -> Callable[..., Scenario]:
    """The city of a specification and a seed."""
    made: dict[tuple[str, int], Scenario] = {}

    def of(spec: str, seed: int = 7) -> Scenario:
        if (spec, seed) not in made:
            made[spec, seed] = make(spec, seed=seed)
        return made[spec, seed]

    return of
