"""Picture of the README, made from the report of a real run.

Use: python scripts/picture.py urbanlab-demo/report.html

Takes the two maps of time loss out of the report and sets them side by side, with the report's own colours.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images" / "demo.svg"
MAP = re.compile(r'<svg class="map" viewBox="0 0 (\d+) (\d+)"[^>]*aria-label="(Time loss with [^"]*)">(.*?)</svg>', re.DOTALL)
COLOUR = re.compile(r"--(s\d|none|water): ?(#[0-9a-f]+)")
GAP, CAPTION = 40, 64


def main() -> int:
    """Write the picture; 1 where the report has no two maps."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    maps = MAP.findall(text)
    colours = dict(reversed(COLOUR.findall(text)))  # the first of each name: those of light paper
    if len(maps) < 2 or "none" not in colours:
        print("this report has no two maps of time loss", file=sys.stderr)
        return 1
    width, height = int(maps[0][0]), int(maps[0][1])
    classes = {"c" + name[1:] if name.startswith("s") else name: colour for name, colour in sorted(colours.items()) if name != "none"}
    style = "".join(f".{name}{{stroke:{colour}}}" for name, colour in classes.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width + 3 * GAP} {height + GAP + CAPTION}">',
        "<title>Time loss in the demo city, by street: darker is worse, wider carries more traffic</title>",
        f"<style>path{{fill:none;stroke-linecap:round;stroke-linejoin:round;stroke:{colours['none']}}}{style}.water{{stroke-linecap:butt}}",
        "text{font:600 30px system-ui,sans-serif;fill:#1c2024}</style>",
        '<rect width="100%" height="100%" fill="#fcfcfa"/>',
    ]
    for place, (_, _, title, drawing) in enumerate(maps[:2]):
        x = GAP + place * (width + GAP)
        lines = re.sub(r"<(title|desc)>.*?</\1>", "", drawing)
        parts.append(f'<text x="{x}" y="{CAPTION - 20}">{title}</text><g transform="translate({x} {CAPTION})">{lines}</g>')
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
