"""Names of controllers: from entry points to objects, and what is said of wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from urbanlab.core import registry
from urbanlab.core.control import KEEP, SignalLayout, SignalView
from urbanlab.core.errors import ConfigError
from urbanlab.core.registry import CONTROLLERS, make_controller, names, parse_spec, resolve


class Silent:
    """A controller without options."""

    interval, yellow = 5.0, None

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Nothing to prepare."""

    def decide(self, view: SignalView) -> NDArray[np.int32]:
        """Nothing is changed."""
        return np.full(len(view.phase), KEEP, np.int32)


class Patient(Silent):
    """A controller of another package."""

    def __init__(self, *, interval: float = 5.0, name: str = "") -> None:
        self.interval, self.name = float(interval), name


NOT_CALLABLE = "text"


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Pretend that installed packages offer controllers."""

    def use(values: dict[str, str]) -> None:
        points = {name: EntryPoint(name, value, CONTROLLERS) for name, value in values.items()}
        monkeypatch.setattr(registry, "_points", lambda group: points if group == CONTROLLERS else {})

    return use


@pytest.fixture
def offered(offer: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer the controllers of this module and some broken ones."""
    import sys

    monkeypatch.setitem(sys.modules, "offering", sys.modules[__name__])
    offer(
        {
            "patient": "offering:Patient",
            "silent": "offering:Silent",
            "lost": "offering:Nowhere",
            "gone": "no_such_package.of_ours:Thing",
            "text": "offering:NOT_CALLABLE",
        }
    )


def test_built_in_controllers_come_by_entry_points() -> None:
    assert {"fixed", "max_pressure"} <= set(names(CONTROLLERS))
    for name in names(CONTROLLERS):
        assert callable(resolve(CONTROLLERS, name))


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ("fixed", ("fixed", {})),
        ("fixed:", ("fixed", {})),
        (" a : x = 1 , y=b ", ("a", {"x": "1", "y": "b"})),
        ("learned:policy=a/b:c.pt", ("learned", {"policy": "a/b:c.pt"})),
        ("a:x=1=2", ("a", {"x": "1=2"})),
    ],
)
def test_spec_is_split_into_name_and_options(spec: str, answer: tuple[str, dict[str, str]]) -> None:
    assert parse_spec(spec) == answer


@pytest.mark.parametrize("spec", ["", ":x=1", "a:x", "a:x=", "a:=1", "a:x=1,", "a:x=1,x=2"])
def test_malformed_spec_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError):
        parse_spec(spec)


@given(st.text(max_size=30))
def test_any_text_is_a_spec_or_a_config_error(text: str) -> None:
    try:
        name, options = parse_spec(text)
    except ConfigError:
        return
    assert name
    assert all(key and value for key, value in options.items())


@pytest.mark.usefixtures("offered")
def test_options_reach_the_controller_as_numbers_and_texts() -> None:
    controller = make_controller("patient:interval=15,name=x")
    assert isinstance(controller, Patient)
    assert (controller.interval, controller.name) == (15, "x")
    assert make_controller("patient:interval=1e1").interval == 10.0


@pytest.mark.usefixtures("offered")
def test_unknown_name_shows_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        make_controller("patent")
    assert caught.value.message == "unknown controller 'patent'"
    assert caught.value.expected == "one of gone, lost, patient, program, silent, text"
    assert caught.value.hint == "did you mean 'patient'?"


@pytest.mark.usefixtures("offered")
def test_option_that_the_controller_can_not_read_is_the_users_error() -> None:
    with pytest.raises(ConfigError, match=r"controller 'patient' can't be made from 'patient:interval=abc': ValueError") as caught:
        make_controller("patient:interval=abc")
    assert "test_registry.py:" in caught.value.where


@pytest.mark.usefixtures("offered")
def test_unknown_option_shows_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        make_controller("patient:intervall=3")
    assert caught.value.expected == "one of interval, name"
    assert caught.value.hint == "did you mean 'interval'?"


@pytest.mark.usefixtures("offered")
def test_option_of_a_controller_without_any_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        make_controller("silent:x=1")
    assert caught.value.expected == "no option"


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("name", ["lost", "gone"])
def test_what_can_not_be_imported_is_the_users_error(name: str) -> None:
    with pytest.raises(ConfigError, match=f"controller '{name}' can't be imported"):
        resolve(CONTROLLERS, name)


@pytest.mark.usefixtures("offered")
def test_what_is_not_callable_is_refused() -> None:
    with pytest.raises(ConfigError, match="not callable"):
        resolve(CONTROLLERS, "text")


def test_group_without_any_name_still_answers(offer: Callable[[dict[str, str]], None]) -> None:
    offer({})
    with pytest.raises(ConfigError, match="unknown controller 'fixed'"):
        resolve(CONTROLLERS, "fixed")


def test_numbers_that_are_none_reach_the_controllers_own_check() -> None:
    with pytest.raises(ConfigError, match="not a time"):
        make_controller(f"max_pressure:interval={math.nan}")
