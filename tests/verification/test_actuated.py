"""Actuated signals: greens are extended while cars come, and end in a gap."""

from __future__ import annotations

from typing import Any

PERFECT = '<vType id="c" sigma="0" speedDev="0"/>'


def cars(name: str, edges: str, departures: list[float]) -> list[tuple[float, str]]:
    return [
        (depart, f'<vehicle id="{name}{k}" type="c" depart="{depart:g}" departSpeed="max"><route edges="{edges}"/></vehicle>')
        for k, depart in enumerate(departures)
    ]


def test_green_is_extended_by_a_platoon_and_ends_in_a_gap(verify: Any) -> None:
    """A platoon from the west, one car from the south.

    Expected: the state of every vehicle as in SUMO 1.28.0, with its defaults (maximum gap 3 s, passing time, detector gap 2 s).
    """
    rows = cars("w", "wc ce", [1.9 * k for k in range(24)]) + cars("s", "sc cn", [12.0]) + cars("e", "ec cw", [70.0, 95.0])
    case = verify.case("actuated", PERFECT + "".join(row for _, row in sorted(rows)), end=150.0)
    verify.same_trace(case)


def test_actuated_signal_at_random(verify: Any, flow: Any) -> None:
    """Four unequal streams. Expected: SUMO 1.28.0, 20 seeds; 5 % of the time loss of each."""
    streams = flow("w", 0.15, "wc ce") + flow("e", 0.05, "ec cw") + flow("n", 0.08, "nc cs") + flow("sl", 0.03, "sc cw")
    verify.agrees(verify.case("actuated", streams), seeds=6, figures={f"{name} loss": 0.05 for name in ("w", "e", "n", "sl")})
