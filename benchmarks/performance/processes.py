"""Other processes, and what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from urbanlab.core.errors import UrbanlabError

__all__ = ["OURS", "BenchError", "Usage", "inside", "run"]

OURS = (sys.executable, "-c", "import sys; from urbanlab.cli.main import run; sys.exit(run())")
"""What the command `urbanlab` does, with the Python that runs the benchmarks."""

PACKAGE = Path(__file__).resolve().parents[1]
TAIL = 1500  # characters of a failed program's last words


class BenchError(UrbanlabError):
    """A program that was to be measured failed."""


class Usage(NamedTuple):
    """What a process has cost and said."""

    wall_s: float
    user_s: float
    cpu_s: float  # user and system
    peak_bytes: int
    output: str


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Usage:
    """Run a program to its end, with changes to the environment.

    Raises
    ------
    BenchError : it failed
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode(errors="replace")
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-TAIL:]
            raise BenchError("a program that was to be measured failed", got=said, where=" ".join(map(str, command))[:300])
    return Usage(wall, usage.ru_utime, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


def inside(function: Callable[..., Any], /, *, env: Mapping[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
    """Call a function of a module here in a process of its own; what it returns, with `process` for the process' own cost."""
    name = f"{function.__module__}:{function.__qualname__}"
    path = os.pathsep.join(filter(None, (str(PACKAGE), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "performance.inside", name, json.dumps(arguments)]
    usage = run(command, env={"PYTHONPATH": path, **(env or {})})
    result: dict[str, Any] = json.loads(usage.output.splitlines()[-1])
    return result | {"process": usage._replace(output="")._asdict()}
