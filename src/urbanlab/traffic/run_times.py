"""Times of a run: do begin, end, step and periods make sense together, and how many steps does a call do?"""

from __future__ import annotations

import math

from urbanlab.core.errors import ConfigError

__all__ = ["FIRST_CALL", "MAX_CALL", "check_times", "next_call", "require_whole_steps"]

FIRST_CALL, MAX_CALL = 16, 300
"""Steps in one call of the engine: signal events are read in between."""

PROGRESS_TIME = 0.2
"""[s] of work between two looks at the clock."""


def check_times(begin: float, end: float, edges_every: float, step: float, threads: int) -> None:
    """Raise ConfigError where times [s] or the number of threads make no sense."""
    if not end >= begin or not math.isfinite(begin):
        raise ConfigError("the end lies before the begin", got=f"begin {begin} s, end {end} s", expected="end >= begin")
    if threads < 1:
        raise ConfigError("threads have to be positive", got=str(threads), expected="1 or more")
    if not step <= edges_every < math.inf:
        raise ConfigError("the period of edge totals makes no sense", got=f"{edges_every} s", expected=f"a step ({step} s) or more")


def require_whole_steps(begin: float, end: float, step: float) -> None:
    """A begin or end that was asked for is kept to the second; a source's own runs until its last step is over."""
    if math.isinf(end):
        return
    steps = (end - begin) / step
    if abs(steps - round(steps)) > 1e-6:
        before, after = (begin + count * step for count in (math.floor(steps), math.ceil(steps)))
        raise ConfigError(
            "from begin to end it is no whole number of steps",
            got=f"begin {begin:.10g} s, end {end:.10g} s, step {step:g} s",
            expected=f"an end such as {before:.10g} or {after:.10g} s",
        )


def next_call(size: int, took: float) -> int:
    """Steps that the next call should do at most, after one of at most `size` steps that took so long [s]."""
    if took > PROGRESS_TIME:
        return max(1, size // 2)
    return min(MAX_CALL, size * 2) if took < PROGRESS_TIME / 2 else size
