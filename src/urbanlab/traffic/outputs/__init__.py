"""Writers of a run's record: tables, the summary, and SUMO's own output files. Readers of records, nothing more."""

__all__: list[str] = []
