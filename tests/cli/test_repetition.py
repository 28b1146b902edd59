"""The line of `doctor` and `smoke` about messages that Chromium may send twice."""

from __future__ import annotations

import pytest

from chatgpt_browser.cli.repetition import repetition_note


@pytest.mark.parametrize(
    ("protocol", "send_via", "may_repeat", "words"),
    [
        ("http/1.1", "auto", False, "no message twice (HTTP/1.1)"),
        ("h2", "fetch", False, "no message twice (HTTP/2)"),
        ("h2", "auto", True, "never by fetch; by the site's page"),
        ("h3", "page", True, "(HTTP/3)"),
        ("", "page", True, "(protocol unknown)"),
    ],
)
def test_repetition_note_depends_on_protocol_and_transport(
    protocol: str, send_via: str, may_repeat: bool, words: str
) -> None:
    note, may = repetition_note(protocol, send_via)
    assert may is may_repeat
    assert words in note
