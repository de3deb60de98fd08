"""One step, and many, on the CPU: the order of the phases. No physics here.

The step is CityFlow's: trips are created and inserted, vehicles announce themselves at crossing points, all work out
their next state from the present one, then all move, then all look whom they follow. One thread does it; `threads` does
not change anything.
"""

from __future__ import annotations

from urbanlab.core import jit
from urbanlab.core.bundle import viewer
from urbanlab.traffic.cityflow.kernels.blocks import has_room
from urbanlab.traffic.cityflow.kernels.drive import drive_all
from urbanlab.traffic.cityflow.kernels.insert import create_due, insert_waiting
from urbanlab.traffic.cityflow.kernels.move import follow_all, move_all
from urbanlab.traffic.cityflow.kernels.tell import tell_all
from urbanlab.traffic.cityflow.kernels.world import COUNT_RUNNING, COUNT_WAITING, World
from urbanlab.traffic.lights.signal_kernels import step_signals
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState

__all__ = ["SOURCES", "advance"]

SOURCES = (
    "urbanlab.traffic.cityflow.kernels", "urbanlab.traffic.cityflow.physics", "urbanlab.traffic.kernels.state", "urbanlab.traffic.lights",
    "urbanlab.traffic.physics",
)  # fmt: skip

as_world = viewer(World)
as_plan = viewer(SignalPlan)
as_state = viewer(SignalState)


@jit.device
def _is_over(w: World) -> bool:
    """Has every vehicle left, and is none to come?"""
    return w.counts[COUNT_RUNNING] == 0 and w.counts[COUNT_WAITING] == 0 and w.departures.cursor[0] >= len(w.departures.step)


@jit.entry(SOURCES)
def advance(world: int, signal_plan: int, signal_state: int, num_steps: int, until_empty: bool) -> int:
    """Do steps; the number done. Fewer than asked for: it is over, or slots may run out in the next one."""
    w, plan, signals = as_world(world), as_plan(signal_plan), as_state(signal_state)
    done = 0
    while done < num_steps:
        step = w.step[0]
        if until_empty and _is_over(w):
            return done
        create_due(w, step)
        if not has_room(w):
            return done
        time = w.params.begin + step * w.params.dt
        step_signals(plan, signals, w.lanes, w.slots, w.types.length, step, time)
        insert_waiting(w, time)
        tell_all(w, signals.link_state, step)
        drive_all(w, signals.link_state, step)
        move_all(w, step, time)
        follow_all(w)
        w.step[0] = step + 1
        done += 1
    return done
