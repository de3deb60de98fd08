"""How means of both programs are compared."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from validation.agreement import QUANTITIES, Row, compare, variant_of

THEIRS = {quantity.theirs: 100.0 for quantity in QUANTITIES} | {"loaded": 1000.0, "teleports": 2.0}


def summary(**changes: float) -> dict[str, float]:
    books = {"loaded": 1000, "removed": 0, "running_end": 900, "waiting_end": 0, "collisions": 0, "teleports": 2}
    return {quantity.ours: 100.0 for quantity in QUANTITIES} | books | changes


def variant(spread: float = 0.0) -> dict[str, Any]:
    return {"mean": THEIRS, "std": dict.fromkeys(THEIRS, spread), "seeds": [{}] * 4}


def rows_of(*summaries: dict[str, float], spread: float = 0.0) -> dict[str, Row]:
    return {row.label: row for row in compare("x", summaries, variant(spread))}


def test_equal_figures_agree() -> None:
    rows = rows_of(summary(), summary())
    assert all(row.agrees and row.difference == 0.0 for row in rows.values()) and len(rows) == 11


def test_difference_may_be_the_largest_of_its_tolerances() -> None:
    assert rows_of(summary())["travel time [s]"].allowed == 5.0  # 5 % of 100
    assert rows_of(summary())["arrived"].allowed == 10.0  # 1 % of the loaded
    noise = rows_of(summary(), spread=4.0)["travel time [s]"].allowed
    assert noise == pytest.approx(3.0 * 4.0 * (1.0 + 1.0 / 4.0) ** 0.5)
    assert rows_of(summary(), spread=50.0)["travel time [s]"].allowed == 20.0  # no more than 20 %


def test_difference_is_that_of_means() -> None:
    row = rows_of(summary(travel_time_mean_s=101.0), summary(travel_time_mean_s=110.0))["travel time [s]"]
    assert row.ours == 105.5 and row.difference == 5.5 and not row.agrees


@pytest.mark.parametrize("change", [{"removed": 1, "running_end": 899}, {"running_end": 899}, {"loaded": 1001}])
def test_one_vehicle_lost_in_any_run_is_seen(change: dict[str, float]) -> None:
    rows = rows_of(summary(), summary(**change))
    assert not rows["lost or removed, all seeds"].agrees


def test_one_collision_in_any_run_is_seen() -> None:
    assert not rows_of(summary(), summary(collisions=1))["collisions, all seeds"].agrees


def test_window_goes_before_drain() -> None:
    assert variant_of({"window": {"a": 1}, "drain": {"a": 2}}) == {"a": 1}
    assert variant_of({"drain": {"a": 2}}) == {"a": 2}


def test_tolerances_are_those_of_the_check(test_data: Path) -> None:
    """The check beside the data is what the project is held to."""
    path = test_data.parent / "checks" / "fidelity.py"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the test data")
    check = runpy.run_path(str(path), run_name="check")
    assert check["QUANTITIES"] == tuple((q.ours, q.theirs, q.relative, q.absolute) for q in QUANTITIES)
