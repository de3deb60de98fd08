"""A crossroads in CityFlow's format, as it is and changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from urbanlab.city.readers.cityflow import read_cityflow
from urbanlab.city.scenario import Scenario

CROSS = Path(__file__).parents[2] / "city" / "files" / "cityflow_cross"


@pytest.fixture(scope="session")
def cross() -> Scenario:
    """As it is."""
    return read_cityflow(CROSS)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Scenario]:
    """With something changed: a function gets the files' content by name and changes it."""

    def read(change: Callable[[dict[str, Any]], object]) -> Scenario:
        files = {name: json.loads((CROSS / f"{name}.json").read_text()) for name in ("config", "roadnet", "flow")}
        change(files)
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return read_cityflow(tmp_path)

    return read
