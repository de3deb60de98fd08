"""All benchmarks, in the order of the page; those of the peers, which take longest, run last."""

from __future__ import annotations

from performance.cityflow import CITYFLOW
from performance.loading import LOADING
from performance.memory import GROWTH, MEMORY
from performance.mesoscopic import UXSIM
from performance.peers import PEERS
from performance.scaling import MAPS, VEHICLES
from performance.start import START
from performance.threads import METROPOLIS, THREADS

__all__ = ["PARTS", "RUN_ORDER"]

PARTS = (PEERS, CITYFLOW, UXSIM, THREADS, METROPOLIS, MAPS, VEHICLES, MEMORY, GROWTH, START, LOADING)
RUN_ORDER = (START, MAPS, VEHICLES, THREADS, METROPOLIS, MEMORY, GROWTH, LOADING, CITYFLOW, UXSIM, PEERS)
