"""Every vehicle, every second: the microscopic engine."""

__all__: list[str] = []
