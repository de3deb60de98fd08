"""urbanlab: an open urban laboratory. One city, one clock, every technology a guest in it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names and where they live; resolved at first use, so that importing stays quick.
_PUBLIC = {
    "load": ("urbanlab.city.load", "load"),
    "City": ("urbanlab.city.folder", "City"),
    "Scenario": ("urbanlab.city.scenario", "Scenario"),
    "Simulation": ("urbanlab.traffic.simulation", "Simulation"),
    "Experiment": ("urbanlab.lab.experiment", "Experiment"),
    "errors": ("urbanlab.core.errors", None),
}
__all__ = ["City", "Experiment", "Scenario", "Simulation", "errors", "load"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'urbanlab' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    found = import_module(module)
    value = found if attribute is None else getattr(found, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
