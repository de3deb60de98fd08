"""The page on controllers names all that a controller sees, offers and may be given."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from urbanlab.core import control
from urbanlab.core.registry import CONTROLLERS, PROGRAM, names, resolve

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "controllers.md").read_text(encoding="utf-8")
WORDS = {word for code in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"\w+", code)}


@pytest.mark.parametrize("kind", [control.SignalLayout, control.SignalView, control.Controller])
def test_every_public_field_and_method_is_named(kind: type) -> None:
    members = {name for name in {*kind.__annotations__, *vars(kind)} if not name.startswith("_")} - {"count", "index"}
    assert members and members - WORDS == set()


@pytest.mark.parametrize("name", [PROGRAM, *names(CONTROLLERS)])
def test_every_built_in_controller_is_named_with_its_options(name: str) -> None:
    options = set() if name == PROGRAM else set(inspect.signature(resolve(CONTROLLERS, name)).parameters)
    assert {name, *options} - WORDS == set()
