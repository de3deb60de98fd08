"""Physics as scalar functions, once; the loops around them live in the step files."""

__all__: list[str] = []
