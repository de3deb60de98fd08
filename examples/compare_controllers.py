"""Is max pressure better than fixed-time signals? A paired experiment and its verdict.

Replication k of both arms has the same trips and the same drivers, so what differs between them is the signals'
doing. One study says nothing about other cities: this one is a small generated grid. Ends with the paired
difference in time loss and its 95 % interval.
"""

from __future__ import annotations

import urbanlab as ul
from urbanlab.city.synthetic import make

city = make("grid:rows=3,cols=3,trips=700,duration=900", seed=3)
study = ul.Experiment(city, baseline="fixed", candidate="max_pressure:interval=15", replications=3, end=1500.0)
result = study.run()

for comparison in result.comparisons():
    measure, figures = comparison.measure, comparison.result
    print(
        f"{measure.label:18} {figures.baseline_mean:9.2f} -> {figures.candidate_mean:9.2f} {measure.unit:8}"
        f" difference {figures.difference:+8.2f} [{figures.t_low:+.2f}, {figures.t_high:+.2f}]  {comparison.verdict}"
    )
loss = next(c.result for c in result.comparisons() if c.measure.key == "time_loss_mean_s")
print(f"time loss changes by {loss.difference:+.1f} s a trip, 95 % interval {loss.t_low:+.1f} to {loss.t_high:+.1f} s")
