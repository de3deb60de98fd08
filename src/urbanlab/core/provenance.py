"""Where a file comes from: the same block in everything that urbanlab writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import urbanlab

__all__ = ["Provenance", "engine_key"]

DECIDING = ("core", "city", "traffic", "signals")
"""Rooms whose code decides what comes of a run."""


@cache
def engine_key() -> str:
    """Hash of the code that decides what comes of a run: equal keys, equal bits on one machine."""
    digest = hashlib.sha256(urbanlab.__version__.encode())
    package = Path(urbanlab.__file__).parent
    for path in sorted(file for room in DECIDING for file in (package / room).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


@dataclass(frozen=True)
class Provenance:
    """What has to be known to make a result again."""

    command: str = ""  # as typed; empty where Python code ran it
    configuration: Mapping[str, Any] = field(default_factory=dict)  # every setting in effect, with its unit in the key
    seed: int | None = None
    input_hashes: Mapping[str, str] = field(default_factory=dict)  # file name -> SHA-256

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in JSON."""
        return {
            "urbanlab_version": urbanlab.__version__,
            "command": self.command,
            "configuration": dict(self.configuration),
            "seed": self.seed,
            "input_hashes": dict(self.input_hashes),
        }

    def as_json(self) -> str:
        """One line."""
        return json.dumps(self.as_dict(), allow_nan=False)
