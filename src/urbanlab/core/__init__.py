"""Shared words: units, errors, randomness, schemas, compilation. Knows no city."""

__all__: list[str] = []
