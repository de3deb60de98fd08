"""`python -m performance.inside MODULE:FUNCTION ARGUMENTS`: one measurement in a process of its own, its result as JSON."""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    """Call the function with the arguments given as a JSON object."""
    module, _, name = sys.argv[1].partition(":")
    result = getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
