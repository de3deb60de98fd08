"""Compiled loops over the vehicles of a CityFlow scenario; no physics here."""

__all__: list[str] = []
