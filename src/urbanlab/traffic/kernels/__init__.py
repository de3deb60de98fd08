"""Compiled loops of a step and the arrays they work on; physics itself is in `traffic/physics`."""

__all__: list[str] = []
