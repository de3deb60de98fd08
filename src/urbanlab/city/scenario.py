"""A scenario: a network, its signal programs, a demand and how to run them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from urbanlab.city.demand import Demand
from urbanlab.city.fingerprint import fingerprint
from urbanlab.city.frozen import freeze
from urbanlab.city.network import Network
from urbanlab.city.program import SignalPrograms

__all__ = ["Closure", "Detector", "ImportReport", "Reading", "RunSettings", "Scenario"]


@dataclass
class ImportReport:
    """What a source contains and urbanlab does not model, or had to repair or skip, by kind.

    Keys are short phrases such as "element person" or "trip departs before begin"; `examples` keeps up to
    ten identifiers of each kind. Written as import.json.
    """

    not_modelled: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, example: str = "", *, count: int = 1) -> None:
        """Count something that is not modelled."""
        self.not_modelled[kind] += count
        self._keep(kind, example)

    def warn(self, kind: str, example: str = "", *, count: int = 1) -> None:
        """Count something imperfect that was taken as it is, repaired or skipped as the source's own simulator does."""
        self.warnings[kind] += count
        self._keep(kind, example)

    def _keep(self, kind: str, example: str) -> None:
        kept = self.examples.setdefault(kind, [])
        if example and len(kept) < 10:
            kept.append(example)


@dataclass(frozen=True)
class RunSettings:
    """How the source wants to be run; options of the command override."""

    begin: float = 0.0  # [s]
    end: float | None = None  # [s] None: until every vehicle has left
    step: float = 1.0  # [s]
    seed: int | None = None
    teleport_after: float = 300.0  # [s] waiting before a vehicle is teleported; <= 0 never
    teleport_after_highways: float = 0.0  # [s] 0 = off
    max_depart_delay: float = -1.0  # [s] vehicles not inserted after this are removed; -1 never
    lane_change: bool = True
    ballistic: bool = False  # integration method; False = Euler
    model: str = "sumo"  # sumo | cityflow: whose junction and following rules
    ignore_junction_blocker: float = -1.0  # [s]
    eager_insert: bool = False
    options: dict[str, str] = field(default_factory=dict)  # other options of the source, as written

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True)
class Detector:
    """A loop (kind "loop"), an area ("area") or a travel-time probe ("probe": two positions)."""

    detector_id: str
    kind: str
    lane: int
    pos: float  # [m] area: start
    period: float = 900.0  # [s]
    length: float = 0.0  # [m] area only
    end_lane: int = -1  # probe only
    end_pos: float = 0.0  # [m] probe only
    file: str = ""


@dataclass(frozen=True)
class Closure:
    """Closed lanes for some time, or a limit; where all lanes of an edge are closed, those who obey keep off the edge.

    With permissions for all classes nothing is forbidden: drivers who obey go another way, others drive through (SUMO's
    closingReroute without a word on classes).
    """

    lanes: tuple[int, ...]
    begin: float  # [s]
    end: float  # [s]
    permissions: int = 0  # bit mask of classes that may still enter
    reroute_edges: tuple[int, ...] = ()  # edges where drivers learn of it and choose a new route
    probability: float = 1.0  # [1] share of drivers that obey, drawn anew on each of these edges
    speed: float = -1.0  # [m/s] variable speed sign instead of a closure, -1 none


@dataclass(frozen=True)
class Reading:
    """How `load` was asked for a scenario, with whole paths, so that it can be read once more."""

    source: str
    routes: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    begin: float | None = None  # [s]


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything that a run needs, read once, shared by all runs of it."""

    name: str
    network: Network
    programs: SignalPrograms
    demand: Demand
    settings: RunSettings
    report: ImportReport
    detectors: tuple[Detector, ...] = ()
    closures: tuple[Closure, ...] = ()
    input_hashes: dict[str, str] = field(default_factory=dict)  # file name -> sha256
    source: str = ""
    licence: str = ""  # of the data, as free text; "": the source does not say
    reading: Reading | None = field(default=None, compare=False)  # where it was read, no part of what it is; None: from no files

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides a run: network, programs, demand, settings, detectors, closures."""
        return fingerprint(self.network, self.programs, self.demand, self.settings, self.detectors, self.closures)

    def __post_init__(self) -> None:
        freeze(self)
