"""Programs keep their clocks: against the definition, and second by second against SUMO."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.city.readers.sumo import read_sumo, read_sumo_config
from urbanlab.city.scenario import RunSettings, Scenario
from urbanlab.city.synthetic import make
from urbanlab.city.writers.sumo import write_sumo_net

GRID = make("grid:rows=2,cols=3,trips=0", seed=1)
LENGTH = 8  # characters of each of its two signals
STATES = ("GGGGGGGG", "yyyyyyyy", "rrrrrrrr", "GrGrGrGr", "rgrgrgrg", "yryryryr", "gggggggg", "GyrGyrGy")


def one_program(durations: list[float], offset: float, begin: float, step: float) -> Scenario:
    num = len(durations)
    length = np.array(durations)
    programs = SignalPrograms(
        program_signal=np.array([0, 1], np.int32), program_id=("p", "q"),
        program_type=np.full(2, ProgramType.STATIC, np.uint8), program_offset=np.array([offset, 0.0]),
        program_params=({}, {}), phase_start=np.array([0, num, num + 1], np.int64),
        phase_duration=np.append(length, 10.0), phase_min=np.append(length, 10.0), phase_max=np.append(length, 10.0),
        phase_state=(*STATES[:num], "rrrrrrrr"), phase_next=((),) * (num + 1), phase_name=("",) * (num + 1),
        active_program=np.array([0, 1], np.int32),
    )  # fmt: skip
    return replace(GRID, programs=programs, settings=RunSettings(begin=begin, step=step))


@settings(max_examples=60, deadline=None)
@given(
    durations=st.lists(st.integers(1, 400).map(lambda tenths: tenths / 10), min_size=1, max_size=len(STATES)),
    offset=st.integers(-3000, 3000).map(lambda tenths: tenths / 10),
    begin=st.integers(0, 90_000),
    step=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_static_program_shows_the_phase_of_its_clock(lights: type, durations: list[float], offset: float, begin: int, step: float) -> None:
    """The phase at the end of a step's interval, since SUMO does at a step's beginning what is due within it."""
    run = lights(one_program(durations, offset, begin, step), step=step)
    ends = np.cumsum(np.round(np.array(durations) * 1000).astype(np.int64))
    run.advance()
    for k in range(1, 300):
        run.advance()
        due = round(1000 * (begin + k * step + step)) - 1
        place = (due - round(1000 * offset)) % int(ends[-1])
        assert run.shown()[0] == STATES[int(np.searchsorted(ends, place, side="right"))], (k, place)


def test_first_step_shows_where_the_clock_stands(lights: type) -> None:
    run = lights(one_program([30.0, 3.0, 2.0], 10.0, 41.0, 1.0))
    run.advance()
    assert run.shown()[0] == STATES[1]  # 31 s into the cycle
    assert run.state.phase_ms[0] == 40_000
    run.advance(2)
    assert run.shown()[0] == STATES[2]


def test_programs_do_not_drift(lights: type) -> None:
    """Two hours in steps of 0.1 s: the next change is where the cycle of 30.2 s says, to the millisecond."""
    run = lights(one_program([29.9, 0.3], 0.0, 0.0, 0.1), step=0.1)
    run.advance(72_000)
    assert run.state.program_ms[0] == 7_200_000 - 7_200_000 % 30_200 + 29_900


def test_signal_without_program_is_dark(lights: type) -> None:
    scenario = one_program([10.0], 0.0, 0.0, 1.0)
    programs = replace(scenario.programs, active_program=np.array([0, -1], np.int32))
    run = lights(replace(scenario, programs=programs))
    run.advance()
    assert set(run.shown()[1]) <= set("oO")
    assert run.state.phase[1] == -1


def test_fixed_runs_actuated_programs_by_their_stored_durations(lights: type) -> None:
    scenario = one_program([10.0, 5.0], 0.0, 0.0, 1.0)
    programs = replace(scenario.programs, program_type=np.full(2, ProgramType.ACTUATED, np.uint8), phase_min=np.array([2.0, 2.0, 10.0]))
    run, fixed = lights(replace(scenario, programs=programs)), lights(replace(scenario, programs=programs), static=True)
    run.advance(3)
    fixed.advance(3)
    assert (run.shown()[0], fixed.shown()[0]) == (STATES[1], STATES[0])


# --- SUMO ------------------------------------------------------------------------------------------------------------


def compare(run: object, reference: dict[int, dict[str, str]], num: int) -> None:
    for _ in range(num):
        now = round(1000 * run.time)  # type: ignore[attr-defined]
        run.advance()  # type: ignore[attr-defined]
        for name, shown in zip(run.scenario.network.signal_id, run.shown(), strict=True):  # type: ignore[attr-defined]
            expected = reference[now][name]
            assert shown[: len(expected)] == expected, f"signal '{name}' at {now / 1000} s"


REAL = (
    "cologne8/cologne8", "ingolstadt7/ingolstadt7", "bologna_acosta/acosta", "bologna_pasubio/pasubio", "hamburg_tavf/hamburg_tavf",
    "arterial4x4/arterial4x4", "cologne3/cologne3",
)  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_programs_show_what_sumo_shows(name: str, lights: type, sumo_states: Callable, traffic_data: Path, tmp_path: Path) -> None:
    """Without traffic for 20 minutes; Hamburg's are actuated."""
    source = traffic_data / f"{name}.sumocfg"
    scenario = read_sumo_config(source)
    given_files = {e.tag: e.attrib["value"] for e in ElementTree.parse(source).iter() if "value" in e.attrib}
    beside = [source.parent / part.strip() for part in given_files.get("additional-files", "").split(",") if part.strip()]
    begin = scenario.settings.begin
    reference = sumo_states(
        tmp_path, scenario.network.signal_id, beside, "-n", source.parent / given_files["net-file"], "-b", begin, "-e", begin + 1200
    )
    compare(lights(scenario), reference, 1200)


def random_phases(rng: random.Random, kind: str) -> str:
    """Phases of a program: some shorter than a step, some with bounds and ways to others."""
    num, fine = rng.randint(1, 7), rng.choice([1, 0.5, 0.1, 0.01])
    phases = ""
    for _ in range(num):
        state = "".join(rng.choice("rrrGGgyr" if rng.random() < 0.5 else "rGg") for _ in range(LENGTH))
        duration = max(fine, round(rng.choice([rng.uniform(0, 3), rng.uniform(1, 30)]) / fine) * fine)
        phases += f'<phase duration="{duration:.2f}" state="{state}"'
        if kind == "actuated" and rng.random() < 0.7:
            least = max(fine, round(rng.uniform(0.5, 10) / fine) * fine)
            phases += f' minDur="{least:.2f}"'
            phases += f' maxDur="{least + round(rng.uniform(0, 20) / fine) * fine:.2f}"' if rng.random() < 0.8 else ""
        if rng.random() < 0.25:
            several = rng.choice([1, 1, 2, 3]) if kind == "actuated" else 1
            phases += f' next="{" ".join(str(rng.randrange(num)) for _ in range(several))}"'
        phases += "/>"
    return phases


def random_programs(rng: random.Random, kinds: tuple[str, ...], names: tuple[str, ...], begin: float, length: float) -> str:
    """Several programs a signal and changes between them, also to `off` and at and before the begin."""
    text = ""
    for name in names:
        programs = [f"p{k}" for k in range(rng.choice([1, 2, 3]))]
        for program in programs:
            kind = rng.choice(kinds)
            offset = rng.choice([0, rng.randint(-200, 200), round(rng.uniform(-100, 100), 2)])
            text += f'<tlLogic id="{name}" type="{kind}" programID="{program}" offset="{offset}">{random_phases(rng, kind)}</tlLogic>'
        if rng.random() < 0.6:
            times = sorted(rng.sample(range(-5, int(length)), rng.randint(1, 4)))
            switches = "".join(f'<wautSwitch time="{max(0, begin + time)}" to="{rng.choice([*programs, "0", "off"])}"/>' for time in times)
            start = rng.choice(programs)
            text += (
                f'<WAUT id="w{name}" refTime="0" startProg="{start}">{switches}</WAUT><wautJunction wautID="w{name}" junctionID="{name}"/>'
            )
    return f"<additional>{text}</additional>"


@pytest.mark.parametrize("kinds", [("static",), ("actuated",), ("static", "actuated")])
def test_random_programs_show_what_sumo_shows(kinds: tuple[str, ...], lights: type, sumo_states: Callable, tmp_path: Path) -> None:
    """Twelve draws: offsets, phases shorter than a step, `next`, WAUT switches, steps of 1, 0.5 and 0.1 s."""
    net = tmp_path / "grid.net.xml"
    write_sumo_net(GRID.network, GRID.programs, net)
    names = GRID.network.signal_id
    for seed in range(12):
        rng = random.Random(f"{kinds}{seed}")
        step, length = rng.choice([1.0, 1.0, 0.5, 0.1]), 120
        begin = rng.choice([0, 25200, 33, 7.5] if step < 1 else [0, 25200, 33])
        programs = tmp_path / "programs.add.xml"
        programs.write_text(random_programs(rng, kinds, names, begin, length))
        reference = sumo_states(tmp_path, names, [programs], "-n", net, "-b", begin, "-e", begin + length, "--step-length", step)
        scenario = read_sumo(net, [], [programs], settings=RunSettings(begin=begin, step=step))
        compare(lights(scenario, step=step), reference, int(length / step))
