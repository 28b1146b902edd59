"""Parses a body of server-sent events (WHATWG HTML, section 9.2.6).

This parser is used for requests that the site's application has sent in its page. For requests that this package sends itself,
``reader.js`` parses the bodies in the page.
"""

from __future__ import annotations

import codecs
import re

#: The ``data`` of the event that ends a stream.
DONE = "[DONE]"

_LINE_END = re.compile(r"\r\n|\r|\n")


class EventReader:
    """Parses bytes into events ``{"type", "data"}``. This is one of the forms of :data:`.event_assembler.ReducedEvent`."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._rest: list[str] = []  # The pieces of the last line, which is incomplete.
        self._type = ""
        self._data: list[str] = []
        self._begun = False
        #: True after the event ``[DONE]``, which is the last event.
        self.last = False
        #: True if the body contains a byte that is not valid UTF-8. The events before this byte are returned.
        self.is_damaged = False

    def feed(self, chunk: bytes, *, final: bool = False) -> list[dict[str, str]]:
        """Return the events that this chunk completes.

        :param final: True if the body has ended. In this case, an event that was not ended by an empty line is returned too, with
            the additional key ``unended``.
        """
        if self.is_damaged:
            return []
        try:
            text = self._decode(chunk, final)
        except UnicodeDecodeError as damage:
            # `damage.object` begins with the undecoded end of the previous chunk, so no text is lost here.
            text, final = damage.object[: damage.start].decode(), False
            self.is_damaged = True
        if not self._begun and text:
            text, self._begun = text.removeprefix("\ufeff"), True
        lines = self._lines(text, final=final)
        events = [event for line in lines if (event := self._line(line)) is not None]
        if final and self._data and not self.last:
            events.append({**self._event(), "unended": "yes"})
        return events

    def _lines(self, text: str, *, final: bool) -> list[str]:
        if (
            not final
            and _LINE_END.search(text) is None
            and not (self._rest and self._rest[-1].endswith("\r"))
        ):
            # A line may arrive in thousands of chunks. Therefore its pieces are joined only once, when the line is complete.
            self._rest.append(text)
            return []
        whole = "".join(self._rest) + text
        # A CR at the end may be the first half of a CRLF, so it is kept for the next chunk.
        held = "\r" if whole.endswith("\r") and not final else ""
        *lines, rest = _LINE_END.split(whole[: len(whole) - len(held)])
        rest += held
        self._rest = [rest]
        return [*lines, rest] if final and rest else lines

    def _line(self, line: str) -> dict[str, str] | None:
        if line == "":
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        return None

    def _dispatch(self) -> dict[str, str] | None:
        event = self._event()
        if not event["data"] or self.last:  # Events after [DONE] are ignored.
            return None
        self.last = event["data"] == DONE
        return event

    def _event(self) -> dict[str, str]:
        event = {"type": self._type, "data": "\n".join(self._data)}
        self._type, self._data = "", []
        return event
