"""Compares the messages of a reply with their earlier state, and returns the differences as typed events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.reply_events import CitationFound, ReplyEvent, ThoughtDelta, ToolUpdate
from .message import content_type_of, message_metadata
from .reply_collector import find_all_citations, messages_of_reply
from .reply_text import common_length
from .thoughts import is_recap, recap_seconds, thinking_text
from .tool_calls import find_tool_calls, is_tool_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.reply import Citation, Reply, ToolCall
    from .reply_reader import ReplyReader

#: If a search finds n citations, the next n // 16 calls do not search for new citations.
_CITATIONS_PER_SKIP = 16


class ReplyChanges:
    """Returns the thoughts, tool calls and citations that have changed since the last call.

    If the caller needs only the text, this object is not created, and no messages are compared.
    """

    def __init__(self, reader: ReplyReader, *, with_positions: bool) -> None:
        self._reader = reader
        #: False if the text is converted to plain text. In this case, the positions of citations are known only at the end.
        self._with_positions = with_positions
        self._thinking: dict[str, str] = {}  # Maps the id of a message to the thoughts in the message so far.
        self._recaps: set[str] = set()
        self._calls: list[ToolCall] = []
        self._citations: set[Citation] = set()
        self._skips = 0  # The number of following calls that skip the search for new citations.
        turn = reader.turn
        turn.changed = {name for message in turn.messages if isinstance(name := message.get("id"), str)}

    def read(self) -> Iterator[ReplyEvent]:
        """Yield the events for the messages that have changed since the last call."""
        turn = self._reader.turn
        if not turn.changed:
            return
        changed, turn.changed = turn.changed, set()
        messages = messages_of_reply(turn, self._reader.message_id)
        fresh = [message for message in messages if (message.get("id") or "") in changed]
        for message in fresh:
            yield from self._read_thoughts(message)
        if any(map(is_tool_message, fresh)):
            yield from self._compare_calls(find_tool_calls(messages))
        if self._with_positions and (turn.reference_patches or any(map(_has_references, fresh))):
            yield from self._find_new_citations()

    def finish(self, reply: Reply[Any]) -> Iterator[ReplyEvent]:
        """Yield the last events, after the reply is complete: the changes that no earlier event contains.

        ``reply`` is the whole reply.
        """
        yield from self.read()
        yield from self._compare_calls(list(reply.tool_calls))
        yield from self._compare_citations(list(reply.citations))

    def _read_thoughts(self, message: dict[str, Any]) -> Iterator[ReplyEvent]:
        name = message.get("id") or ""
        if content_type_of(message) == "thoughts":
            before, text = self._thinking.get(name, ""), thinking_text(message)
            same = common_length(before, text)
            is_first_part = not before and any(self._thinking.values())
            self._thinking[name] = text
            if text[same:]:
                yield ThoughtDelta(("\n\n" if is_first_part else "") + text[same:])
        elif is_recap(message) and name not in self._recaps and recap_seconds(message) is not None:
            self._recaps.add(name)
            yield ThoughtDelta("", recap_seconds(message))

    def _find_new_citations(self) -> Iterator[ReplyEvent]:
        """Yield the new citations that have a position.

        A search compares all citations. Therefore, the more citations there are, the longer a search takes, and the more calls
        after a search are skipped: they yield nothing, and a later call yields the new citations. In this way, the time for a
        whole reply grows only linearly.
        """
        if self._skips > 0:
            self._skips -= 1
            return
        turn = self._reader.turn
        citations = find_all_citations(turn, self._reader.message_id, is_complete=False)
        self._skips = len(citations) // _CITATIONS_PER_SKIP
        yield from self._compare_citations([each for each in citations if each.start is not None])

    def _compare_calls(self, calls: list[ToolCall]) -> Iterator[ReplyEvent]:
        before, self._calls = self._calls, calls
        for index, call in enumerate(calls):
            if index >= len(before) or before[index] != call:
                yield ToolUpdate(call)

    def _compare_citations(self, citations: list[Citation]) -> Iterator[ReplyEvent]:
        for citation in citations:
            if citation not in self._citations:
                self._citations.add(citation)
                yield CitationFound(citation)


def _has_references(message: dict[str, Any]) -> bool:
    metadata = message_metadata(message)
    return bool(metadata.get("content_references") or metadata.get("citations"))
