"""Signal programs of SUMO: from networks and additional files, the last one loaded is active."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.city.readers.sumo_values import Values, nearest
from urbanlab.city.readers.xml_stream import ElementHandlers
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import ProgramError

__all__ = ["ProgramReader"]

Attributes = dict[str, str]
STATES = frozenset("GgyrusoO")
_TYPES = {
    "static": ProgramType.STATIC,
    "actuated": ProgramType.ACTUATED,
    "delay_based": ProgramType.DELAY_BASED,
    "NEMA": ProgramType.NEMA,
    "off": ProgramType.OFF,
}
_UNBOUNDED = 2147483.647  # [s] SUMO's largest time, its maximum of a phase that has only a minimum


@dataclass
class _Phase:
    duration: float
    minimum: float
    maximum: float
    state: str
    following: tuple[int, ...]
    name: str


@dataclass
class _Program:
    signal: int
    program_id: str
    kind: ProgramType
    offset: float
    where: str
    params: dict[str, str] = field(default_factory=dict)
    phases: list[_Phase] = field(default_factory=list)


@dataclass
class _Switching:
    """A WAUT: the times at which its junctions change programs."""

    reference: float
    start_program: str
    switches: list[tuple[float, str]] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)


class ProgramReader:
    """Collects programs over all files of a scenario."""

    def __init__(self, report: ImportReport, begin: float = 0.0) -> None:
        self.report, self.begin = report, begin
        self.values = Values(ProgramError)
        self.signal_of_id: dict[str, int] = {}
        self.programs: list[_Program] = []
        self.net_is_read = False
        self.num_links: dict[int, int] = {}  # by signal: least length of its states
        self._of_key: dict[tuple[int, str], _Program] = {}
        self._active: dict[int, _Program] = {}
        self._current: _Program | None = None
        self._where: Callable[[], str] = str
        self._switchings: dict[str, _Switching] = {}
        self._switching: _Switching | None = None

    def attach(self, handlers: ElementHandlers) -> None:
        """Take part in the reading of a file."""
        self._where = handlers.where
        handlers.starts.update({
            "tlLogic": self._start_program, "phase": self._phase, "WAUT": self._start_switching,
            "wautSwitch": self._switch, "wautJunction": self._switched_signal,
        })  # fmt: skip
        handlers.ends.update({"tlLogic": self._end_program, "WAUT": self._end_switching})

    def param(self, attributes: Attributes) -> bool:
        """Take a param element if a program is open."""
        if self._current is None:
            return False
        self._current.params[self.values.text(attributes, "key")] = attributes.get("value", "")
        return True

    def _start_program(self, attributes: Attributes) -> None:
        if self._current is not None:
            raise ProgramError("a tlLogic stands inside another one", got=attributes.get("id"))
        signal_id = self.values.text(attributes, "id")
        if self.net_is_read and signal_id not in self.signal_of_id:
            raise ProgramError(
                f"a program is given for the unknown signal '{signal_id}'",
                expected="a signal of the network",
                hint=nearest(signal_id, self.signal_of_id),
            )
        signal = self.signal_of_id.setdefault(signal_id, len(self.signal_of_id))
        program_id, written = attributes.get("programID", "default"), attributes.get("type", "static")
        kind = ProgramType.OFF if program_id == "off" else _TYPES.get(written)
        if kind is None:
            self.report.note(f"signal program type {written}", signal_id)
            kind = ProgramType.STATIC
        text = attributes.get("offset", "0")
        offset = self.begin if text == "begin" else self.values.parse_time(text, "offset")
        self._current = _Program(signal, program_id, kind, offset, self._where())

    def _phase(self, attributes: Attributes) -> None:
        program = self._current
        if program is None:
            raise ProgramError("a phase stands outside any tlLogic", got=attributes.get("state"))
        state = self.values.text(attributes, "state").replace("Y", "y")
        if not STATES.issuperset(state):
            raise ProgramError("a phase has unknown characters in its state", got=repr(state[:200]), expected="GgyrusoO")
        duration = self.values.time(attributes, "duration", 0.0 if program.kind is ProgramType.NEMA else None)
        minimum = self.values.time(attributes, "minDur", duration)
        maximum = self.values.time(attributes, "maxDur", _UNBOUNDED if "minDur" in attributes else duration)
        duration = duration if duration > 0 or program.kind is not ProgramType.NEMA else minimum
        if duration <= 0 or minimum < 0 or maximum <= 0:
            raise ProgramError("a phase has no duration", got=f"{duration:g} s", expected="more than 0 s")
        following = tuple(int(self.values.parse(item, "next")) for item in attributes.get("next", "").split())
        program.phases.append(_Phase(duration, minimum, maximum, state, following, attributes.get("name", "")))

    def _end_program(self) -> None:
        program, self._current = self._current, None
        if program is None:
            raise ProgramError("a tlLogic ends that never began")
        known = self._of_key.get((program.signal, program.program_id))
        if not program.phases and program.kind is not ProgramType.OFF:
            if known is None:
                raise ProgramError("a signal program has no phases", got=f"program '{program.program_id}'")
            known.offset = program.offset  # SUMO: without phases it adapts the one loaded before
            known.params.update(program.params)
            return
        if known is not None:
            raise ProgramError(
                "a signal has two programs of one name", got=f"'{program.program_id}'", expected="a new programID",
            )  # fmt: skip
        for phase in program.phases:
            if len(phase.state) != len(program.phases[0].state):
                raise ProgramError(
                    "the phases of a program have states of different lengths",
                    got=f"{len(phase.state)} and {len(program.phases[0].state)} characters",
                )
            if any(not 0 <= item < len(program.phases) for item in phase.following):
                raise ProgramError("'next' names a phase that does not exist", got=phase.following)
        self.programs.append(program)
        self._of_key[(program.signal, program.program_id)] = program
        self._active[program.signal] = program

    def _start_switching(self, attributes: Attributes) -> None:
        name = self.values.text(attributes, "id")
        reference = self.values.time(attributes, "refTime", 0.0)
        self._switching = _Switching(reference, attributes.get("startProg", ""))
        self._switchings[name] = self._switching
        if self.values.time(attributes, "period", 0.0) > 0:
            self.report.note("periodic WAUT", name)

    def _switch(self, attributes: Attributes) -> None:
        if self._switching is None:
            raise ProgramError("a wautSwitch stands outside any WAUT")
        time, program = self.values.time(attributes, "time"), self.values.text(attributes, "to")
        self._switching.switches.append((time, program))

    def _end_switching(self) -> None:
        self._switching = None

    def _switched_signal(self, attributes: Attributes) -> None:
        name = self.values.text(attributes, "wautID")
        if name not in self._switchings:
            raise ProgramError(f"a wautJunction names the unknown WAUT '{name}'", hint=nearest(name, self._switchings))
        if attributes.get("procedure"):
            self.report.note(f"WAUT procedure {attributes['procedure']}", name)
        self._switchings[name].signals.append(self.values.text(attributes, "junctionID"))

    def _program_of(self, signal_id: str, program_id: str) -> _Program:
        signal = self.signal_of_id.get(signal_id, -1)
        program = self._of_key.get((signal, program_id))
        if program is None and program_id == "off" and signal >= 0:
            program = _Program(signal, "off", ProgramType.OFF, 0.0, "")
            self.programs.append(program)
            self._of_key[(signal, "off")] = program
        if program is None:
            raise ProgramError(
                f"a WAUT switches signal '{signal_id}' to the unknown program '{program_id}'",
                hint=nearest(signal_id, self.signal_of_id) if signal < 0 else "",
            )
        return program

    def link(self, signal_id: str, index: int) -> int:
        """A link has this index in a signal's states; row of the signal."""
        signal = self.signal_of_id.setdefault(signal_id, len(self.signal_of_id))
        if index >= self.num_links.get(signal, 0):
            self.num_links[signal] = index + 1
        return signal

    def build(self) -> SignalPrograms:
        """The programs of all files."""
        planned: list[tuple[_Program, float]] = []
        for switching in self._switchings.values():
            for signal_id in switching.signals:
                if switching.start_program:
                    start = self._program_of(signal_id, switching.start_program)
                    self._active[start.signal] = start
                for time, program_id in switching.switches:
                    planned.append((self._program_of(signal_id, program_id), switching.reference + time))
        self._check_lengths()
        order = sorted(range(len(self.programs)), key=lambda row: self.programs[row].signal)
        programs = [self.programs[row] for row in order]
        row_of = {id(program): row for row, program in enumerate(programs)}
        phases = [phase for program in programs for phase in program.phases]
        return SignalPrograms(
            program_signal=np.array([p.signal for p in programs], np.int32),
            program_id=tuple(p.program_id for p in programs),
            program_type=np.array([p.kind for p in programs], np.uint8),
            program_offset=np.array([p.offset for p in programs], np.float64),
            program_params=tuple(p.params for p in programs),
            phase_start=np.cumsum([0] + [len(p.phases) for p in programs], dtype=np.int64),
            phase_duration=np.array([p.duration for p in phases], np.float64),
            phase_min=np.array([p.minimum for p in phases], np.float64),
            phase_max=np.array([p.maximum for p in phases], np.float64),
            phase_state=tuple(p.state for p in phases),
            phase_next=tuple(p.following for p in phases),
            phase_name=tuple(p.name for p in phases),
            active_program=np.array(
                [row_of[id(self._active[s])] if s in self._active else -1 for s in range(len(self.signal_of_id))],
                np.int32,
            ),
            switch_times=tuple((program.signal, time, row_of[id(program)]) for program, time in sorted(planned, key=lambda item: item[1])),
        )

    def _check_lengths(self) -> None:
        names = list(self.signal_of_id)
        lacking = [names[signal] for signal in range(len(names)) if signal in self.num_links and signal not in self._active]
        if lacking:
            raise ProgramError(
                f"connections are controlled by the signal '{lacking[0]}', which has no program",
                expected="a tlLogic for every signal",
                items=lacking,
            )
        short: list[str] = []
        for program in self.programs:
            needed = self.num_links.get(program.signal, 0)
            length = len(program.phases[0].state) if program.phases else needed
            name = f"'{program.program_id}' of signal '{names[program.signal]}'"
            if length < needed:
                short.append(f"program {name} has {length} of {needed} characters ({program.where})")
            elif length > needed:
                self.report.warn("signal state longer than its links", names[program.signal])
        if short:
            raise ProgramError(
                "the states of a signal program are too short: " + short[0],
                expected="one character a link index",
                items=short,
            )
