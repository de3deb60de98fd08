"""Which paths meet inside junctions, where, and who goes first: computed once from the network."""

__all__: list[str] = []
