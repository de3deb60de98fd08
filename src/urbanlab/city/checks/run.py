"""All checks: as errors on urbanlab's own tables, as counted warnings on imported files."""

from __future__ import annotations

from collections.abc import Mapping

from urbanlab.city.checks.columns import columns_that_do_not_fit
from urbanlab.city.checks.demand import DEMAND_CHECKS
from urbanlab.city.checks.finding import Check, Finding
from urbanlab.city.checks.network import NETWORK_CHECKS
from urbanlab.city.checks.programs import PROGRAM_CHECKS
from urbanlab.city.scenario import ImportReport, Scenario
from urbanlab.core.errors import InputError

__all__ = ["CHECKS", "find_all", "note_inconsistencies", "require_consistent"]

CHECKS: tuple[Check, ...] = (*NETWORK_CHECKS, *PROGRAM_CHECKS, *DEMAND_CHECKS)
"""Every possible inconsistency, by name."""


def find_all(scenario: Scenario) -> tuple[Finding, ...]:
    """What is inconsistent, each kind with all its offenders; empty where all is well.

    The hard checks come first: the others rely on them and are left out where one of them fails.

    Raises
    ------
    InputError : columns that do not fit each other, so that nothing can be looked at
    """
    problems = columns_that_do_not_fit(scenario)
    if problems:
        raise InputError(f"the columns of '{scenario.name}' do not fit each other: {problems[0]}", where=scenario.source, items=problems)
    hard = _run(scenario, is_hard=True)
    return hard or _run(scenario, is_hard=False)


def _run(scenario: Scenario, *, is_hard: bool) -> tuple[Finding, ...]:
    found = ((check, check.find(scenario)) for check in CHECKS if check.is_hard == is_hard)
    return tuple(Finding(check, tuple(items)) for check, items in found if items)


def require_consistent(scenario: Scenario) -> None:
    """Refuse a scenario that is inconsistent in more than its import report admits.

    What was imported from real files is imperfect: the report says where, and how often. The same number of
    offenders or fewer pass; one more is an error, as is any in a city without a report of it.

    Raises
    ------
    NetworkError, ProgramError, DemandError : with all offenders of the first check that fails
    """
    _refuse(find_all(scenario), scenario, scenario.report.warnings)


def note_inconsistencies(scenario: Scenario) -> ImportReport:
    """Count what is inconsistent in an imported scenario as warnings of its report, which is returned.

    Kinds that its reader has counted already are not counted again.

    Raises
    ------
    NetworkError, ProgramError, DemandError : where a hard check fails, which no reader lets pass
    """
    findings = find_all(scenario)
    _refuse([finding for finding in findings if finding.check.is_hard], scenario, {})
    report = scenario.report
    for finding in findings:
        if finding.check.kind not in report.warnings:
            for item in finding.items:
                report.warn(finding.check.kind, item)
    return report


def _refuse(findings: tuple[Finding, ...] | list[Finding], scenario: Scenario, admitted: Mapping[str, int]) -> None:
    failed = [one for one in findings if one.check.is_hard or len(one.items) > admitted.get(one.check.kind, 0)]
    if not failed:
        return
    first, others = failed[0], failed[1:]
    count = len(first.items)
    more = f"; {len(others)} other checks fail too: {', '.join(one.check.kind for one in others)}" if others else ""
    raise first.check.error(
        f"'{scenario.name}' is inconsistent: {first.check.kind} ({count})",
        expected=first.check.expected,
        where=scenario.source,
        items=first.items,
        hint=f"correct what is listed{more}",
    )
