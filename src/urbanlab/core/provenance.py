"""Where a file comes from: the same block in everything that urbanlab writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urbanlab

__all__ = ["Provenance"]


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
