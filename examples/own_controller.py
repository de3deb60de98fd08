"""Write a signal controller and run it against the programs of the city.

A controller is any object with these four members. It reads plain arrays and answers with the phase that each
signal should show; the engine's interlock adds yellow and all-red and refuses what is not safe. In a package
of your own, name the class under the entry point group `urbanlab.controllers`, and `--controller NAME` finds
it. Ends with the mean time loss of both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import urbanlab as ul
from urbanlab.city.synthetic import make
from urbanlab.core.control import KEEP, SignalLayout, SignalView


class LongestQueue:
    """Shows the phase whose lanes hold most standing vehicles."""

    interval = 15.0  # [s] between decisions
    yellow = None  # the interlock's own

    def start(self, layout: SignalLayout, *, seed: int) -> None:
        """Find the lanes that each phase lets go."""
        self.layout = layout
        self.choices: list[list[tuple[int, NDArray[np.int32]]]] = []
        for signal, controllable in enumerate(layout.controllable):
            first, last = layout.phase_start[signal], layout.phase_start[signal + 1]
            states = layout.phase_state[first:last] if controllable else ()
            greens = [phase for phase, state in enumerate(states) if "y" not in state and ("G" in state or "g" in state)]
            self.choices.append([(phase, self._lanes(signal, states[phase])) for phase in greens])

    def _lanes(self, signal: int, state: str) -> NDArray[np.int32]:
        links = np.flatnonzero(self.layout.link_signal == signal)
        green = [link for link in links if state[self.layout.link_index[link]] in "Gg"]
        return np.unique(self.layout.link_from_lane[green])

    def decide(self, view: SignalView) -> NDArray[np.int32]:
        """(S,) wanted phase of each signal."""
        answer = np.full(len(self.choices), KEEP, np.int32)
        for signal, phases in enumerate(self.choices):
            queues = [int(view.lane_halting[lanes].sum()) for _, lanes in phases]
            if queues and max(queues) > 0:
                answer[signal] = phases[int(np.argmax(queues))][0]
        return answer


city = make("grid:rows=4,cols=4,trips=900,duration=1200", seed=1)
for name, controller in (("programs of the city", None), ("longest queue", LongestQueue())):
    with ul.Simulation(city, end=1800.0, controller=controller) as run:
        summary = run.run().summary()
    print(
        f"{name:22} time loss {summary['time_loss_mean_s']:6.1f} s, {summary['arrived']} of {summary['loaded']} arrived, "
        f"{summary['interventions']} requests altered by the interlock"
    )
