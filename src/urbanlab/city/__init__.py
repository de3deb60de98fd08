"""The static world: network, signal programs, demand; readers, writers, checks, routing."""

__all__: list[str] = []
