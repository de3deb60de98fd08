"""Errors: what they show, and that they survive the way between processes."""

from __future__ import annotations

import pickle

import pytest

from urbanlab.core import errors
from urbanlab.core.errors import ConfigError, DemandError, InputError, UrbanlabError


def test_error_shows_message_values_place_and_hint() -> None:
    error = DemandError(
        "route of trip 'bus_17' has a gap",
        got="'a12' -> 'b7' with no connection",
        expected="a connected route",
        where="trips.csv, row 412",
        hint="insert 'a13'",
    )
    assert str(error) == (
        "route of trip 'bus_17' has a gap\n"
        "  got 'a12' -> 'b7' with no connection, expected a connected route (trips.csv, row 412)\n"
        "  hint: insert 'a13'"
    )


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, None),
        ({"got": 0}, "  got 0"),
        ({"expected": "a number"}, "  expected a number"),
        ({"where": "line 3"}, "  (line 3)"),
        ({"got": "", "where": "line 3"}, "  got  (line 3)"),
    ],
)
def test_error_leaves_out_what_it_does_not_know(parts: dict[str, str], line: str | None) -> None:
    assert str(ConfigError("wrong", **parts)).split("\n") == ["wrong", *([line] if line is not None else [])]


def test_error_shows_ten_offenders_and_their_number() -> None:
    lines = str(DemandError("bad", items=[f"trip {k}" for k in range(12)])).split("\n")
    assert lines[1:] == [*(f"  - trip {k}" for k in range(10)), "  ... 12 in all"]


def test_error_of_ten_offenders_shows_no_number() -> None:
    assert "in all" not in str(DemandError("bad", items=["x"] * 10))


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "UrbanlabError"])
def test_error_survives_pickling(name: str) -> None:
    kind = getattr(errors, name)
    error = kind("bad", got=3, expected="4", where="here", hint="do", items=("a", "b"))
    error.add_note("a note")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__


def test_every_input_error_is_told_from_a_defect_of_ours() -> None:
    kinds = {name: getattr(errors, name) for name in errors.__all__}
    assert all(issubclass(kind, UrbanlabError) for kind in kinds.values())
    ours = {"UrbanlabError", "CapacityError"}
    assert {name for name, kind in kinds.items() if not issubclass(kind, InputError)} == ours


def test_tree_on_top_of_the_module_names_every_error() -> None:
    tree = errors.__doc__ or ""
    assert [name for name in errors.__all__ if name not in tree] == []
