"""Code of others: what is missing in it, and that its errors are told as its own, with the line of its code."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from urbanlab.core.errors import ConfigError, ControllerError, DemandError
from urbanlab.core.guests import blamed_on, check_controller


def controller(**changes: Any) -> Any:
    """A controller, or what is left of it: None takes an entry away."""
    entries = {"interval": 10.0, "yellow": 3.0, "start": print, "decide": print} | changes
    return SimpleNamespace(**{key: value for key, value in entries.items() if value is not None})


@pytest.mark.parametrize("entry", ["interval", "yellow", "start", "decide"])
def test_what_a_controller_lacks_is_named(entry: str) -> None:
    with pytest.raises(ConfigError, match=f"controller 'mine' has no '{entry}'"):
        check_controller(controller(**{entry: None}), "mine")


@pytest.mark.parametrize(
    ("entry", "value"),
    [("interval", "abc"), ("interval", True), ("yellow", "3"), ("yellow", -1.0), ("yellow", math.nan), ("start", 1), ("decide", 2)],
)
def test_entries_of_no_use_are_named_with_what_they_are(entry: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"'{entry}' of controller 'mine' is no") as caught:
        check_controller(controller(**{entry: value}), "mine")
    assert caught.value.got == repr(value)


def test_class_instead_of_an_object_is_refused() -> None:
    with pytest.raises(ConfigError, match="is a class"):
        check_controller(SimpleNamespace, "mine")


def test_whole_numbers_and_those_of_numpy_are_numbers() -> None:
    check_controller(controller(interval=np.float32(5.0), yellow=np.int64(3)), "mine")


class Guest:
    """Fails in more than one way."""

    def divide(self) -> float:
        return 1 / 0  # the line that is blamed

    def numpy(self) -> object:
        return np.zeros(2).reshape(3)  # the line that is blamed

    def refuse(self) -> None:
        raise DemandError("no such thing")


@pytest.mark.parametrize(("method", "text"), [("divide", "ZeroDivisionError: division by zero"), ("numpy", "ValueError: cannot reshape")])
def test_error_of_a_guest_names_the_line_of_its_own_code(method: str, text: str) -> None:
    with pytest.raises(ControllerError, match=f"^'g' failed: {text}") as caught, blamed_on(Guest(), "'g' failed", ControllerError):
        getattr(Guest(), method)()
    name, _, line = caught.value.where.rpartition(":")
    code = Path(name).read_text(encoding="utf-8").splitlines()
    assert code[int(line) - 1].endswith("# the line that is blamed")
    assert caught.value.__cause__ is not None


def test_call_that_does_not_fit_names_where_the_guest_is_written() -> None:
    with pytest.raises(ConfigError) as caught, blamed_on(Guest(), "'g' failed", ConfigError):
        int("3", 4, 5)  # type: ignore[call-overload]
    assert "test_guests.py:" in caught.value.where


def test_errors_of_urbanlab_pass_as_they_are() -> None:
    with pytest.raises(DemandError, match=r"^no such thing$"), blamed_on(Guest(), "'g' failed", ControllerError):
        Guest().refuse()


def test_what_urbanlabs_own_code_does_wrong_is_not_blamed_on_anybody() -> None:
    from urbanlab.signals.controllers.fixed import Fixed

    with pytest.raises(ZeroDivisionError), blamed_on(Fixed(), "'fixed' failed", ControllerError):
        Guest().divide()
