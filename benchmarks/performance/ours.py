"""urbanlab as the command that everybody calls."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from performance.processes import OURS, BenchError, run

__all__ = ["simulate"]


def simulate(source: Path, *options: str) -> dict[str, Any]:
    """The summary of one run, with `process`: what the whole process has cost.

    Raises
    ------
    BenchError : the summary states more processor time than the process has had
    """
    with tempfile.TemporaryDirectory() as out:
        usage = run([*OURS, "simulate", str(source), "--seed", "42", "--out", f"{out}/run", "--json", *options])
    summary: dict[str, Any] = json.loads(usage.output)
    if summary["cpu_s"] > usage.cpu_s:
        raise BenchError("a run states more than it cost", got=f"{summary['cpu_s']} s", expected=f"at most {usage.cpu_s} s")
    return summary | {"process": usage._replace(output="")._asdict()}
