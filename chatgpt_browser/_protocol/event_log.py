"""The newest event of a stream, put together again from the pieces in which the page passes it on. Pure: no I/O, no clock.

The page passes on of each event only what is new in it (``js/reader.js``).
"""

from __future__ import annotations

import json
from typing import Any

from .sse import DONE

__all__ = ["EventLog", "ReducedEvent", "is_handoff", "unescaped"]

#: The forms in which the page passes an event on: see js/reader.js.
ReducedEvent = str | list[str] | dict[str, str]

_decode = json.JSONDecoder(strict=False).decode


def unescaped(raw: str) -> str:
    """The text that a piece of a JSON string stands for.

    :raises ValueError: it is none.
    """
    return str(_decode(f'"{raw}"')) if "\\" in raw else raw


def is_handoff(item: ReducedEvent) -> bool:
    """Whether an event, unread yet, may be the one that says that the rest of its reply comes from elsewhere."""
    return isinstance(item, dict) and '"stream_handoff"' in item.get("data", "")


class EventLog:
    """The newest event of a stream, kept in the pieces in which it came."""

    def __init__(self) -> None:
        self.type = ""
        self._head = ""
        self._text: list[str] = []
        self._tail: str | None = None
        self._parsed: Any = None
        self._is_parsed = True

    @property
    def raw_text(self) -> str | None:
        """The JSON of the text that grows, without its quotes; None where the event has none."""
        if self._tail is None:
            return None
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0]

    @property
    def data(self) -> str:
        """The event's data, as the server sent it."""
        return self._head if self._tail is None else f"{self._head}{self.raw_text}{self._tail}"

    def parse(self) -> Any:
        """The event's data as JSON: a new object for each event, the same one when asked again.

        :raises ValueError: where the data is no JSON.
        """
        if not self._is_parsed:
            try:
                self._parsed = _decode(self.data)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            self._is_parsed = True
        return self._parsed

    @property
    def is_whole(self) -> bool:
        """Whether the event's data is the last word, or can be parsed."""
        if self.data == DONE:
            return True
        try:
            self.parse()
        except ValueError:
            return False
        return True

    def grow(self, fresh: str) -> None:
        """The event before, with more text."""
        self._text.append(fresh)
        self._is_parsed = False

    def replace(self, item: list[str] | dict[str, str]) -> None:
        """An event that differs in more than its text."""
        self._is_parsed = False
        if isinstance(item, list):
            if len(item) == 1:
                self._text = item
            else:
                self._text.append(item[0])
                self._tail = item[1]
            return

        self.type = item["type"]
        self._head = item["data"] if "data" in item else item["head"]
        self._text = [item.get("text", "")]
        self._tail = item.get("tail")
