"""State that kernels work on (`core/bundle.py`) as a tree of its fields, and back: whatever fields there are."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from urbanlab.core.errors import FileError

__all__ = ["bundle_of", "tree_of"]

B = TypeVar("B")


def tree_of(bundle: Any) -> dict[str, Any]:
    """Fields of a NamedTuple by name; those that are NamedTuples themselves as trees. Arrays are not copied."""
    return {name: tree_of(value) if hasattr(value, "_fields") else value for name, value in bundle._asdict().items()}


def bundle_of(like: B, tree: Any, where: str = "") -> B:
    """The NamedTuple that a tree stands for.

    Parameters
    ----------
    like : one of the same class, whose fields have the same types; lengths of arrays may differ
    tree : of `tree_of`

    Raises
    ------
    FileError : its fields are others
    """
    kind: Any = type(like)
    known = like._asdict()  # type: ignore[attr-defined]
    place = where or kind.__name__
    if not isinstance(tree, dict) or tree.keys() != known.keys():
        names = sorted(tree.keys() ^ known.keys()) if isinstance(tree, dict) else []
        raise FileError(f"the state has other parts than '{place}'", expected="those of this version", items=names)
    return kind(**{name: _value(old, tree[name], f"{place}.{name}") for name, old in known.items()})  # type: ignore[no-any-return]


def _value(old: Any, new: Any, where: str) -> Any:
    if hasattr(old, "_fields"):
        return bundle_of(old, new, where)
    if isinstance(old, np.ndarray):
        if not isinstance(new, np.ndarray) or new.dtype != old.dtype or new.ndim != old.ndim:
            got = f"{new.dtype} {new.shape}" if isinstance(new, np.ndarray) else type(new).__name__
            raise FileError(f"'{where}' has another type", got=got, expected=f"{old.dtype} in {old.ndim} dimensions")
        return new
    if isinstance(new, np.ndarray | dict | list):
        raise FileError(f"'{where}' has another type", got=type(new).__name__, expected=type(old).__name__)
    return new
