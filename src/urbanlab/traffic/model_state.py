"""What evolves in a model, as a tree of arrays, and a model that stands there again: whatever fields its world has."""

from __future__ import annotations

from typing import Any, TypeVar

from urbanlab.core.bundle_tree import bundle_of, tree_of
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState

__all__ = ["model_state", "restored_model"]

W = TypeVar("W")


def model_state(world: Any, plan: SignalPlan, signals: SignalState, left_out: tuple[str, ...]) -> dict[str, Any]:
    """World and signals as trees of their fields.

    Parameters
    ----------
    left_out : parts of the world that do not evolve, or that every step makes anew
    """
    parts = {name: tree for name, tree in tree_of(world).items() if name not in left_out}
    return {"world": parts, "plan": tree_of(plan), "signals": tree_of(signals)}


def restored_model(world: W, plan: SignalPlan, signals: SignalState, state: dict[str, Any]) -> tuple[W, SignalPlan, SignalState]:
    """The same with what `model_state` has told; parts that it left out stay as they are.

    Raises
    ------
    FileError : the state has other parts than this version knows
    """
    parts = {**tree_of(world), **state["world"]}
    return bundle_of(world, parts), bundle_of(plan, state["plan"]), bundle_of(signals, state["signals"])
