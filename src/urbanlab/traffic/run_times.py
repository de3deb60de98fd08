"""Begin, end, step and periods of a run: do they make sense together?"""

from __future__ import annotations

import math

from urbanlab.core.errors import ConfigError

__all__ = ["check_times", "require_whole_steps"]


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
