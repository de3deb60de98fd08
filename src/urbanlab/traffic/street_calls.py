"""Calls of the street model's kernels: one world, or many in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from urbanlab.core.bundle import pack
from urbanlab.traffic.kernels.world import Calls

__all__ = ["StreetCalls"]


class _Model(Protocol):
    @property
    def addresses(self) -> tuple[int, int, int]: ...

    def settle(self) -> bool: ...


class StreetCalls:
    """Room for a call.

    Parameters
    ----------
    most : worlds that are moved together, at most
    """

    def __init__(self, most: int) -> None:
        columns = {name: np.zeros(most, np.uint8 if name == "until_empty" else np.int64) for name in Calls._fields}
        self._handle = pack(Calls(**columns))  # type: ignore[arg-type]  # every column has the type its name asks for
        self._calls: Calls = self._handle.value

    def advance(self, models: Sequence[_Model], num_steps: Sequence[int], until_empty: Sequence[bool], threads: int) -> list[int]:
        """Do steps in each world; the numbers done, fewer only where every vehicle has left.

        Parameters
        ----------
        models, num_steps, until_empty : by world
        threads : they share the worlds, or the lanes where there is only one; results do not depend on it
        """
        from urbanlab.traffic.kernels import step_cpu  # the compiler is loaded with the first run, not with the package

        kernel = step_cpu.advance_serial if threads == 1 else step_cpu.advance_parallel
        calls, done, open_ones = self._calls, [0] * len(models), list(range(len(models)))
        while open_ones:
            for row, k in enumerate(open_ones):
                calls.world[row], calls.signal_plan[row], calls.signal_state[row] = models[k].addresses
                calls.num_steps[row], calls.until_empty[row] = num_steps[k] - done[k], until_empty[k]
            kernel(self._handle.address, len(open_ones))
            for row, k in enumerate(open_ones):
                done[k] += int(calls.done[row])
            open_ones = [k for k in open_ones if models[k].settle()]
        return done
