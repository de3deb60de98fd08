"""Signals of a running world: programs, actuation, and the interlock that every request passes."""

__all__: list[str] = []
