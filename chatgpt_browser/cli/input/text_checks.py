"""Checks that a text can be a message: no control characters, no characters that UTF-8 cannot represent."""

from __future__ import annotations

import re

#: Control characters except tab, line feed, form feed (which separates pages of source code) and carriage return.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_problem(text: str) -> str | None:
    """Return why a text cannot be sent, as the end of a sentence about it, or None."""
    if match := _CONTROL.search(text):
        line = text.count("\n", 0, match.start()) + 1
        return f"contains the control character U+{ord(match[0]):04X} in line {line}: only text can be sent"
    return encoding_problem(text)


def encoding_problem(text: str) -> str | None:
    """Return that a text cannot be encoded as UTF-8, or None. Python decodes invalid bytes of arguments as surrogates."""
    return "is not valid UTF-8" if _SURROGATE.search(text) else None
