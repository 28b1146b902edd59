"""The part of pytest's summary about the real site: its tests, the recorded cassettes, and the differences from cassettes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def write(reporter: pytest.TerminalReporter, interval: str) -> None:
    """Write the summary. If no test has used the real site, write nothing.

    :param interval: the setting for the minimum time between two tests on the real site: a number of milliseconds, as text.
    """
    tests = _properties(reporter, "chatgpt_live")
    if not tests:
        return

    reporter.section("tests on the real site")
    for site in sorted({site for _, site in tests}):
        reporter.line(f"{site}, at least {float(interval) / 1000:g} s apart:")
        for test in (test for test, used in tests if used == site):
            reporter.line(f"  {test}")
    for _, path in _properties(reporter, "chatgpt_recorded"):
        reporter.line(f"recorded {path}")
    for _, text in _properties(reporter, "chatgpt_drift"):
        reporter.line("")
        reporter.line(text, yellow=True)


def _properties(reporter: pytest.TerminalReporter, name: str) -> list[tuple[str, str]]:
    """Return a property of all reports as (test, value) pairs."""
    # The statistics may contain a report twice. A set of reports is not possible, because reports of subtests are not hashable.
    reports = {id(report): report for each in reporter.stats.values() for report in each}
    return [
        (report.nodeid, str(value))
        for report in reports.values()
        for key, value in getattr(report, "user_properties", ())
        if key == name
    ]
