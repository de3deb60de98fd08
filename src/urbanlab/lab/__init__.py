"""Experiments: pairing, replication, statistics, report."""

__all__: list[str] = []
