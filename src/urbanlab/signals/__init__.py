"""Controllers of signals: they ask, traffic obeys only what is safe."""

__all__: list[str] = []
