"""When CityFlow's flows create their vehicles: sums of steps, as its engine adds them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlab.core import jit
from urbanlab.traffic.cityflow.kernels.step_cpu import SOURCES

__all__ = ["flow_steps"]

F64 = NDArray[np.float64]


@jit.entry(SOURCES)
def flow_steps(clock: F64, begin: F64, end: F64, interval: F64, dt: float, flow: NDArray[np.int64], step: NDArray[np.int64]) -> int:
    """Write down the flow and the step of every vehicle created; their number, even if they do not all fit.

    Parameters
    ----------
    clock : (steps,) [s] time of each step, as the engine adds it up
    begin, end, interval : (F,) [s] of each flow
    dt : [s]
    flow, step : (room,) results, flow by flow
    """
    num = 0
    for f in range(len(begin)):
        first = np.searchsorted(clock, begin[f])
        waited = interval[f]
        for n in range(first, len(clock)):
            if clock[n] > end[f]:
                break
            while waited >= interval[f]:
                if num < len(flow):
                    flow[num] = f
                    step[num] = n
                num += 1
                waited -= interval[f]
            waited += dt
    return num
