"""How long, and in how much memory, a synthetic metropolis is made.

Goal: 100,000 junctions with 100,000 routed trips in under 60 s of one core and 4 GB.

    python benchmarks/city/make_city.py [SPEC ...]

Each specification is made in a process of its own, after one small city that loads the compiled search. A run
of minutes is not repeated five times by default; --repeat N does.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys

SPECS = ("river:junctions=400,trips=10000", "river:junctions=10000", "grid:rows=316,cols=316", "river:junctions=100000")
CHILD = """
import json, resource, sys, time
from urbanlab.city.synthetic import make
make("grid:rows=3,cols=3", seed=1)
wall, cpu = time.perf_counter(), time.process_time()
city = make(sys.argv[1], seed=1)
print(json.dumps({
    "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu,
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "junctions": int((city.network.junction_type != 9).sum()), "lanes": city.network.num_lanes,
    "signals": city.network.num_signals, "trips": city.demand.num_trips,
}))
"""


def main() -> None:
    """Print a line for each specification."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="*", default=SPECS)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.processor() or platform.machine()}")
    for spec in options.spec:
        runs = [
            json.loads(subprocess.run([sys.executable, "-c", CHILD, spec], capture_output=True, text=True, check=True).stdout)
            for _ in range(options.repeat)
        ]
        cpu = [run["cpu_s"] for run in runs]
        print(
            f"{spec:34} {runs[0]['junctions']:7,} junctions {runs[0]['lanes']:9,} lanes {runs[0]['signals']:6,} signals "
            f"{runs[0]['trips']:7,} trips: cpu median {statistics.median(cpu):6.1f} s ({min(cpu):.1f} .. {max(cpu):.1f}), "
            f"wall {statistics.median(run['wall_s'] for run in runs):6.1f} s, {runs[0]['peak_bytes'] / 1e9:.2f} GB, "
            f"{runs[0]['junctions'] / statistics.median(cpu):,.0f} junctions/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
