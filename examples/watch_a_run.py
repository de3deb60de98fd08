"""Drive a simulation step by step and look at it through NumPy.

The views (`speeds`, `vehicle_of_slot`, ...) are the engine's own arrays: nothing is copied, so looking costs
nothing. They are valid until the next step. Ends with the minute in which most vehicles stood still.
"""

from __future__ import annotations

import numpy as np

import urbanlab as ul
from urbanlab.city.synthetic import make

WAITING = 0.1  # [m/s] slower is standing still, here as everywhere in urbanlab

city = make("grid:rows=4,cols=4,trips=900,duration=1200", seed=1)
print(f"{city.network.num_signals} signals, {city.demand.num_trips} trips")

standing = []
with ul.Simulation(city, end=1800.0) as run:
    while not run.ended:
        run.run(run.time + 60.0)
        on_the_road = run.vehicle_of_slot >= 0
        standing.append(int(np.sum(run.speeds[on_the_road] < WAITING)))
    summary = run.summary()

assert summary["loaded"] == summary["arrived"] + summary["removed"] + summary["running_end"] + summary["waiting_end"]
for minute, count in enumerate(standing):
    print(f"{minute:3d} min {count:4d} {'#' * (count // 4)}")
print(f"most stood still in minute {int(np.argmax(standing))}: {max(standing)} vehicles")
print(f"{summary['arrived']} trips arrived after {summary['travel_time_mean_s']:.1f} s on average")
