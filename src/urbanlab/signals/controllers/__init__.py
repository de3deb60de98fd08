"""Built-in signal controllers, one file each."""

__all__: list[str] = []
