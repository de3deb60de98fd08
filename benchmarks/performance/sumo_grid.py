"""The grid of the comparison with SUMO, as SUMO's files: the net by SUMO's own `netgenerate`, ways as `staircases` draws them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from performance.staircases import staircases
from performance.sumo import sumo_program

__all__ = ["make_sumo_grid"]

BLOCK, NEAREST, FARTHEST = 200.0, 1500.0, 5000.0  # [m]
HEAD = (
    '<routes>\n<vType id="car" length="5" minGap="2.5" accel="2.6" decel="4.5" sigma="0.5" tau="1" maxSpeed="55.55" '
    'speedFactor="normc(1,0.1,0.2,2)"/>\n'
)
CONFIG = (
    '<configuration><input><net-file value="grid.net.xml"/><route-files value="grid.rou.xml"/></input>'
    '<time><begin value="0"/></time></configuration>\n'
)


def make_sumo_grid(folder: Path, size: int, num: int, fill: float) -> Path:
    """A grid of `size` times `size` signalled junctions, two lanes a direction; found again where it has been made.

    Parameters
    ----------
    folder : for its files
    size : junctions of a row, at most 676
    num : vehicles
    fill : [s] in which they set off
    """
    done = folder / "grid.sumocfg"
    if done.is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    grid = ["--grid", "--grid.number", str(size), "--grid.length", f"{BLOCK:g}", "-L", "2", "--default.speed", "13.89"]
    kind = ["--default-junction-type", "traffic_light", "--no-turnarounds", "true", "-o", str(folder / "grid.net.xml")]
    subprocess.run([sumo_program("netgenerate"), *grid, *kind], check=True, capture_output=True)
    _write_routes(folder / "grid.rou.xml", size, num, fill)
    done.write_text(CONFIG, encoding="utf-8")
    return folder


def _write_routes(path: Path, size: int, num: int, fill: float) -> None:
    farthest = min(FARTHEST / BLOCK, 1.2 * (size - 1))
    ways = staircases(size, size, num, nearest=min(NEAREST / BLOCK, 0.4 * size), farthest=farthest, seed=1)
    names = [f"{_column(k % size, size)}{k // size}" for k in range(size * size)]
    edges = [names[tail] + names[head] for tail, head in zip(ways.tail.tolist(), ways.head.tolist(), strict=True)]
    depart = np.sort(np.random.default_rng(2).random(num) * fill).tolist()
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for k, time in enumerate(depart):
            route = " ".join(edges[ways.start[k] : ways.start[k + 1]])
            file.write(
                f'<vehicle id="{k}" type="car" depart="{time:.2f}" departLane="best" departPos="random_free" departSpeed="max">'
                f'<route edges="{route}"/></vehicle>\n'
            )
        file.write("</routes>\n")


def _column(k: int, size: int) -> str:
    """Netgenerate's name of a column: a letter, or two where one is not enough for all."""
    return chr(65 + k) if size <= 26 else chr(65 + k // 26) + chr(65 + k % 26)
