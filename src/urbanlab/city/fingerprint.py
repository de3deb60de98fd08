"""A hash of everything that decides a run of a scenario, whatever files it came from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["fingerprint"]


def fingerprint(*parts: Any) -> str:
    """SHA-256 of dataclasses, arrays, texts, numbers, and dictionaries and sequences of these: equal content, equal hash."""
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data if value.size else b"")
    elif is_dataclass(value):
        digest.update(f"record {type(value).__name__}".encode())
        for entry in fields(value):
            digest.update(f"field {entry.name}".encode())
            _add(digest, getattr(value, entry.name))
    elif isinstance(value, dict):
        digest.update(f"map {len(value)}".encode())
        for key in sorted(value, key=repr):
            _add(digest, key)
            _add(digest, value[key])
    elif isinstance(value, tuple | list):
        if all(type(item) is str for item in value):
            digest.update(json.dumps(value).encode())
            return
        digest.update(f"row {len(value)}".encode())
        for item in value:
            _add(digest, item)
    else:
        _add_plain(digest, value)


def _add_plain(digest: Any, value: Any) -> None:
    if isinstance(value, bool | np.bool_ | int | np.integer):
        digest.update(f"whole {int(value)}".encode())
    elif isinstance(value, float | np.floating):
        digest.update(f"real {float(value)!r}".encode())
    elif value is None or isinstance(value, str):
        digest.update(f"text {json.dumps(value)}".encode())
    else:
        raise TypeError(f"a {type(value).__name__} has no fingerprint")
