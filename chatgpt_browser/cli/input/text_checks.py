"""Checks whether a text can be sent as a message: valid UTF-8, and no control characters other than white space."""

from __future__ import annotations

import re

#: The control characters that cannot be sent: all except tab, line feed, carriage return and form feed. Form feeds are allowed
#: because source code may contain them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_problem(text: str) -> str | None:
    """Return the reason why a text cannot be sent, such as "is not valid UTF-8". Return None if the text can be sent."""
    if match := _CONTROL.search(text):
        line = text.count("\n", 0, match.start()) + 1
        return f"contains the control character U+{ord(match[0]):04X} in line {line}: only text can be sent"
    return encoding_problem(text)


def encoding_problem(text: str) -> str | None:
    """Return "is not valid UTF-8" if a text contains surrogates, else None.

    Python decodes invalid bytes of command-line arguments as surrogates.
    """
    return "is not valid UTF-8" if _SURROGATE.search(text) else None
