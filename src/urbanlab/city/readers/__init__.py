"""Many formats in, one Network, SignalPrograms and Demand out."""

__all__: list[str] = []
