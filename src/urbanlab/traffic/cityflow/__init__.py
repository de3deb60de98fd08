"""The traffic model of CityFlow scenarios: CityFlow's own rules, reproduced vehicle by vehicle."""

__all__: list[str] = []
