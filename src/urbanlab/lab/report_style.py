"""How reports look: one style sheet, light and dark, narrow and wide, on screen and on paper.

Sequential colours follow viridis, diverging ones blue to orange; both are told apart with any colour vision.
"""

from __future__ import annotations

__all__ = ["NUM_DIVERGING", "NUM_SEQUENTIAL", "STYLE"]

NUM_SEQUENTIAL = 6
NUM_DIVERGING = 7

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b6470; --paper: #fcfcfa; --card: #fff; --line: #dfe2e6;
  --good: #1b6a9c; --bad: #a8510a; --none: #d7dadf; --water: #cfe3f2;
  --s0: #d8e219; --s1: #7ad151; --s2: #22a884; --s3: #2a788e; --s4: #414487; --s5: #440154;
  --d0: #0b4f8a; --d1: #3f8fc4; --d2: #a6cbe3; --d3: #d9dadb; --d4: #f2c38f; --d5: #d9822b; --d6: #8f3f00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #a0a8b3; --paper: #14171a; --card: #1b1f24;
  --line: #333a42; --good: #7cbcea; --bad: #f0a35e; --none: #353b43; --water: #22384c;
  --s0: #4b3f8f; --s1: #3b6fa0; --s2: #26a08b; --s3: #5ec962; --s4: #b5de2b; --s5: #fde725;
  --d0: #9fd0f5; --d1: #5aa5dc; --d2: #2f6690; --d3: #444a52; --d4: #8a5a2b; --d5: #d9822b; --d6: #ffc07a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1.1rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: clamp(1.5rem, 4vw, 2.2rem); line-height: 1.15; margin: 0.4rem 0 0.3rem; letter-spacing: -0.015em; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 0.6rem; }
p, li, dd { max-width: 46rem; }
.lead { font-size: 1.15rem; max-width: 44rem; }
.soft, figcaption, caption, .note { color: var(--soft); font-size: 0.9rem; }
.better { color: var(--good); font-weight: 600; } .worse { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 0.5rem; }
caption span { display: inline-block; max-width: calc(100vw - 2.2rem); }
th, td { padding: 0.45rem 0.7rem 0.45rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; font-size: 0.85rem; color: var(--soft); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; } td:last-child, th:last-child { text-align: left; padding-right: 0; }
tbody th { font-weight: 400; font-size: 1rem; color: var(--ink); }
.change { display: flex; gap: 0.6rem; align-items: center; justify-content: flex-end; } .change svg { flex: none; }
thead th, .figures td:last-child { white-space: normal; }
@media (max-width: 38rem) { .figures th, .figures td { white-space: normal; } .figures .change { justify-content: flex-start; }
  .figures .wide, .figures .forest { display: none; } }
details { margin-top: 1rem; } summary { cursor: pointer; color: var(--soft); } details .scroll { margin-top: 0.8rem; }
.maps { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; }
@media (max-width: 46rem) { .maps { grid-template-columns: minmax(0, 1fr); } }
.maps .whole { grid-column: 1 / -1; }
figure { margin: 0; padding: 0.9rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
figure h3 { margin: 0 0 0.4rem; font-size: 1rem; }
svg { display: block; width: 100%; height: auto; }
.map path { fill: none; stroke-linecap: round; stroke-linejoin: round; stroke: var(--none); }
.map path.water { stroke: var(--water); stroke-linecap: butt; }
.whole svg.map { max-height: 46rem; }
.sequential .c0 { stroke: var(--s0); } .sequential .c1 { stroke: var(--s1); } .sequential .c2 { stroke: var(--s2); }
.sequential .c3 { stroke: var(--s3); } .sequential .c4 { stroke: var(--s4); } .sequential .c5 { stroke: var(--s5); }
.diverging .c0 { stroke: var(--d0); } .diverging .c1 { stroke: var(--d1); } .diverging .c2 { stroke: var(--d2); }
.diverging .c3 { stroke: var(--d3); } .diverging .c4 { stroke: var(--d4); } .diverging .c5 { stroke: var(--d5); }
.diverging .c6 { stroke: var(--d6); }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 0.9rem; padding: 0; margin: 0.6rem 0 0; list-style: none;
  font-size: 0.85rem; color: var(--soft); }
.legend svg { display: inline-block; width: 1.5rem; height: 0.5rem; margin-right: 0.35rem; vertical-align: middle; }
.forest { width: 11rem; height: 1.1rem; } .forest .zero { stroke: var(--soft); stroke-dasharray: 2 2; }
.forest .bar { stroke: var(--soft); stroke-width: 2; } .forest .dot { fill: var(--soft); }
.forest.good .bar { stroke: var(--good); } .forest.good .dot { fill: var(--good); }
.forest.bad .bar { stroke: var(--bad); } .forest.bad .dot { fill: var(--bad); }
pre { overflow-x: auto; padding: 0.8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem;
  font-size: 0.88rem; } code { font-family: ui-monospace, "SF Mono", Consolas, monospace; }
dt { font-weight: 600; margin-top: 0.6rem; } dd { margin: 0; }
@media print { :root { color-scheme: light; } body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr { break-inside: avoid; } .maps { grid-template-columns: 1fr 1fr; } }
"""
