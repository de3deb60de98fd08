"""What acts on a running street world: its tables grow, routes change, vehicles come and go. Rare, so in Python."""

__all__: list[str] = []
