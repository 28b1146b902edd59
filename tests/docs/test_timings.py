"""The table of durations that `scripts/timings.py` writes into the page about speed."""

from __future__ import annotations

from datetime import date

from scripts import timings


def test_timings_table_replaces_the_table_of_the_page() -> None:
    text = timings.table({"`--version`": 0.1234, "a reply": 0.0171}, date(2026, 12, 1))
    page = timings.PAGE.read_text("utf-8")
    changed = timings.replaced(page, text)

    assert "1 December 2026" in text
    assert "| `--version` | 0.12 s |\n| a reply | 17 ms |" in changed
    assert timings.replaced(changed, text) == changed
    assert changed.startswith(page.partition(timings.BEGIN)[0])


def test_timings_of_busy_machine_are_marked() -> None:
    assert "was busy" in timings.table({}, date(2026, 12, 1), load=3.0)
    assert "was busy" not in timings.table({}, date(2026, 12, 1), load=0.2)
