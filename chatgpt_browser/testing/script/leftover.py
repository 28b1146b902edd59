"""`Leftover`: a part of a test's script that was not used, with the text that reports it."""

from __future__ import annotations

import os
import reprlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PACKAGE = __name__.partition(".script.")[0]
_PLUGIN = "chatgpt_browser.pytest_plugin"
#: The maximum length of messages and patterns in a report.
LONGEST_TEXT = 200
# A report quotes the text that is most similar to the expected text, if its similarity (0 to 1) is at least this. Otherwise, the
# report quotes the newest text.
_NEAR = 0.5


@dataclass(frozen=True)
class Leftover:
    """One part of a test's script that was not used, or one message that no part of the script expected."""

    #: The first line of the report: the call that added the unused part, or a phrase such as `a message that no rule expected`.
    title: str
    expected: str
    asked: str

    def __str__(self) -> str:
        return f"{self.title}\n    expected: {self.expected}\n    asked:    {self.asked}"


def call_site() -> str:
    """Return the file and the line from which the test called this package, for example `tests/test_it.py:7`.

    If the pytest plugin made the call with the arguments of a marker, return `the marker chatgpt`.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        frame = frame.f_back

    if frame.f_globals.get("__name__") == _PLUGIN:
        return "the marker chatgpt"
    path = frame.f_code.co_filename
    relative = os.path.relpath(path) if path.startswith(os.getcwd() + os.sep) else path
    return f"{relative}:{frame.f_lineno}"


def short(value: object, limit: int = 80) -> str:
    """Return the repr of a value, shortened to about `limit` characters."""
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = limit
    return shortener.repr(value)


def nearest(texts: Sequence[str], similarity: Callable[[str], float], kind: str) -> str:
    """Quote the text that is most similar to the expected text, or the newest text if none is similar enough.

    The result also contains the number of texts, for example `'Hello' (the nearest of 3 messages)`.

    :param texts: the texts, oldest first.
    :param similarity: a function that returns how similar a text is to the expected text, from 0 to 1.
    :param kind: the singular of the noun for the texts, for example `message`.
    """
    if not texts:
        return f"no {kind}"

    best = max(texts, key=similarity)
    adjective, text = ("nearest", best) if similarity(best) >= _NEAR else ("newest", texts[-1])
    return f"{short(text, LONGEST_TEXT)} (the {adjective} of {count(len(texts), kind)})"


def count(number: int, noun: str) -> str:
    """Return the number with the noun, for example `1 message` or `2 messages`."""
    return f"{number} {noun}{'s' * (number != 1)}"
