"""The newest event of a stream, assembled from the pieces that the page delivers.

The page delivers only the part of each event that is new (``reader.js``).
"""

from __future__ import annotations

import json
from typing import Any

from .sse import DONE

#: The forms of an event that the page delivers; ``reader.js`` describes them.
ReducedEvent = str | list[str] | dict[str, str]

_decode = json.JSONDecoder(strict=False).decode


def unescaped(raw: str) -> str:
    """Decode a piece of the inside of a JSON string.

    :raises ValueError: the piece is not valid JSON.
    """
    return str(_decode(f'"{raw}"')) if "\\" in raw else raw


def is_handoff(item: ReducedEvent) -> bool:
    """Return whether an event that is not parsed yet may be a hand-off: the rest of its reply does not come in the stream."""
    return isinstance(item, dict) and '"stream_handoff"' in item.get("data", "")


class EventAssembler:
    """The newest event of a stream, kept in pieces as it was delivered.

    The event's data is ``head + text + tail``. While a reply grows, only the text changes.
    """

    def __init__(self) -> None:
        #: The event's type; an empty string if it has none.
        self.type = ""
        self._head = ""
        self._text: list[str] = []
        self._tail: str | None = None
        self._parsed: Any = None
        self._is_parsed = True

    @property
    def raw_text(self) -> str | None:
        """The text that grows, as JSON without its quotes; None if the event was delivered in one piece."""
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
        """Parse the event's data as JSON. Each event is a new object; a second call returns the same object.

        :raises ValueError: the data is not JSON.
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
        """True if the event's data is ``[DONE]`` or can be parsed."""
        if self.data == DONE:
            return True
        try:
            self.parse()
        except ValueError:
            return False
        return True

    def grow(self, fresh: str) -> None:
        """Start the next event: the previous one, with more text."""
        self._text.append(fresh)
        self._is_parsed = False

    def replace(self, item: list[str] | dict[str, str]) -> None:
        """Start an event that differs from the previous one in more than added text."""
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
