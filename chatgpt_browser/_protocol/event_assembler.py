"""Assembles the newest event of a stream from the pieces that the page delivers.

The page delivers only the part of an event that differs from the previous event (see ``reader.js``).
"""

from __future__ import annotations

import json
from typing import Any

from .site_json import parse_json
from .sse import DONE

#: The type of an event as the page delivers it. ``reader.js`` describes the possible forms.
ReducedEvent = str | list[str] | dict[str, str]

_decode = json.JSONDecoder(strict=False).decode


def unescaped(raw: str) -> str:
    r"""Return the text that a piece of a JSON string represents: ``\n`` becomes a newline. The piece has no quotes around it.

    :raises ValueError: the piece is not valid JSON.
    """
    return str(_decode(f'"{raw}"')) if "\\" in raw else raw


def is_handoff(item: ReducedEvent) -> bool:
    """Return whether an unparsed event looks like a hand-off. After a hand-off, the rest of the reply is not in this stream."""
    return isinstance(item, dict) and '"stream_handoff"' in item.get("data", "")


class EventAssembler:
    """Stores the newest event of a stream as the pieces that the page has delivered.

    The event's data is ``head + text + tail``. While a reply grows, only ``text`` changes.
    """

    def __init__(self) -> None:
        #: The type of the event, or an empty string if the event has no type.
        self.type = ""
        self._head = ""
        self._text: list[str] = []
        self._tail: str | None = None
        self._parsed: Any = None
        self._is_parsed = True

    @property
    def raw_text(self) -> str | None:
        """The part ``text`` of the event's data: a JSON string without its quotes. None if the data has no such part."""
        if self._tail is None:
            return None
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0]

    @property
    def data(self) -> str:
        """The whole data of the newest event, as the server sent it."""
        return self._head if self._tail is None else f"{self._head}{self.raw_text}{self._tail}"

    def parse(self) -> Any:
        """Parse the event's data as JSON and return the result. A second call for the same event returns the same object.

        :raises ValueError: the data is not JSON, or is nested too deeply.
        """
        if not self._is_parsed:
            self._parsed = parse_json(self.data)
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
        """Store the next event. It equals the previous event, except that ``fresh`` is appended to the part ``text``."""
        self._text.append(fresh)
        self._is_parsed = False

    def replace(self, item: list[str] | dict[str, str]) -> None:
        """Store the next event, which ``item`` describes. If ``item`` is a str, the caller must use :meth:`grow` instead."""
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
