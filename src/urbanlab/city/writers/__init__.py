"""One Network and Demand in, other tools' formats out."""

__all__: list[str] = []
