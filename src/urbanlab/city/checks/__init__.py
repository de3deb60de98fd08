"""Named consistency checks, each listing every offender: errors on own tables, warnings on imported files."""

from urbanlab.city.checks.finding import Check, Finding
from urbanlab.city.checks.run import CHECKS, find_all, note_inconsistencies, require_consistent

__all__ = ["CHECKS", "Check", "Finding", "find_all", "note_inconsistencies", "require_consistent"]
