"""The grid of the comparison in CityFlow's form: its road net and its flow, one entry a vehicle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from performance.staircases import staircases

__all__ = ["make_cityflow_grid"]

BLOCK, WIDTH, LANE = 200.0, 20.0, 4.0  # [m] between junctions, across a junction, of a lane
SPEED, GREEN = 13.89, 30  # [m/s], [s]
CAR = {
    "length": 5.0, "width": 2.0, "maxPosAcc": 2.6, "maxNegAcc": 4.5, "usualPosAcc": 2.6, "usualNegAcc": 4.5, "minGap": 2.5,
    "maxSpeed": SPEED, "headwayTime": 1.0,
}  # fmt: skip
CONFIG = {
    "interval": 1.0, "seed": 0, "roadnetFile": "roadnet.json", "flowFile": "flow.json", "rlTrafficLight": False,
    "laneChange": False, "saveReplay": False,
}  # fmt: skip
TURNS = {0: ("go_straight", (0, 1)), 1: ("turn_left", (0,)), 3: ("turn_right", (1,))}
"""Of quarters to the left; lanes count from the inside."""


def make_cityflow_grid(folder: Path, size: int, num: int, fill: int) -> Path:
    """`config.json` of a grid of `size` times `size` signals with `num` vehicles in `fill` seconds; found again where it is."""
    config = folder / "config.json"
    if not config.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        roads = [road for k in range(size * size) for road in _roads_from(k, size)]
        crossings = [_intersection(k, size) for k in range(size * size)]
        _write(folder / "roadnet.json", {"intersections": crossings, "roads": roads})
        _write(folder / "flow.json", _flow(size, num, fill))
        _write(config, {**CONFIG, "dir": f"{folder.resolve()}/"})
    return config


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _neighbour(k: int, quarter: int, size: int) -> int:
    """Junction east, north, west or south of another; -1 none."""
    x, y = k % size + (1, 0, -1, 0)[quarter], k // size + (0, 1, 0, -1)[quarter]
    return y * size + x if 0 <= x < size and 0 <= y < size else -1


def _point(k: int, size: int) -> dict[str, float]:
    return {"x": BLOCK * (k % size), "y": BLOCK * (k // size)}


def _roads_from(k: int, size: int) -> list[dict[str, Any]]:
    heads = [head for quarter in range(4) if (head := _neighbour(k, quarter, size)) >= 0]
    return [
        {
            "id": f"r{k}-{head}", "points": [_point(k, size), _point(head, size)], "lanes": [{"width": LANE, "maxSpeed": SPEED}] * 2,
            "startIntersection": f"i{k}", "endIntersection": f"i{head}",
        }
        for head in heads
    ]  # fmt: skip


def _intersection(k: int, size: int) -> dict[str, Any]:
    """All turns but back; a phase for the streets from east and west, one for those from north and south."""
    arms = [quarter for quarter in range(4) if _neighbour(k, quarter, size) >= 0]
    links, greens = [], ([], [])  # type: ignore[var-annotated]
    for arm in arms:  # the arm from where one comes, driving the other way
        for left, (kind, lanes) in TURNS.items():
            out = (arm + 2 + left) % 4
            if out in arms:
                greens[arm % 2].append(len(links))
                links.append(_link(k, (arm, out), kind, lanes, size))
    phases = [{"time": GREEN, "availableRoadLinks": green} for green in greens]
    others = [_neighbour(k, quarter, size) for quarter in arms]
    return {
        "id": f"i{k}", "point": _point(k, size), "width": WIDTH, "roads": [f"r{k}-{o}" for o in others] + [f"r{o}-{k}" for o in others],
        "roadLinks": links, "trafficLight": {"roadLinkIndices": list(range(len(links))), "lightphases": phases}, "virtual": False,
    }  # fmt: skip


def _link(k: int, arms: tuple[int, int], kind: str, lanes: tuple[int, ...], size: int) -> dict[str, Any]:
    tail, head = _neighbour(k, arms[0], size), _neighbour(k, arms[1], size)
    pairs = [(start, end) for start in lanes for end in (0, 1)]
    return {
        "type": kind, "startRoad": f"r{tail}-{k}", "endRoad": f"r{k}-{head}", "direction": (arms[0] + 2) % 4,
        "laneLinks": [{"startLaneIndex": start, "endLaneIndex": end, "points": []} for start, end in pairs],
    }  # fmt: skip


def _flow(size: int, num: int, fill: int) -> list[dict[str, Any]]:
    ways = staircases(size, size, num, nearest=min(7.5, 0.4 * size), farthest=min(25.0, 1.2 * (size - 1)), seed=1)
    roads = [f"r{tail}-{head}" for tail, head in zip(ways.tail.tolist(), ways.head.tolist(), strict=True)]
    times = np.sort(np.random.default_rng(2).integers(0, fill, num)).tolist()
    return [
        {"vehicle": CAR, "route": roads[ways.start[k] : ways.start[k + 1]], "interval": 1.0, "startTime": time, "endTime": time}
        for k, time in enumerate(times)
    ]
