"""Converts the complete reply of a job to the text and the fields that `jobs wait` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chatgpt_browser import Done, TextDelta, ThoughtDelta, ToolUpdate

from ..output.reply_object import parts_object
from ..output.reply_pieces import ReplyPieces
from ..output.wait_spinner import WaitSpinner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import Reply
    from chatgpt_browser._core.reply_events import ReplyEvent


class StoredEvents(NamedTuple):
    """The events of a complete reply: its thoughts, its calls of tools, and its text."""

    reply: Reply[Any]

    def events(self) -> Iterator[ReplyEvent]:
        """Yield the events."""
        for number, thought in enumerate(self.reply.thoughts):
            separator = "\n\n" if number else ""
            yield ThoughtDelta(separator + "\n\n".join(filter(None, (thought.summary, thought.text))))
            if thought.seconds is not None:
                yield ThoughtDelta("", seconds=thought.seconds)
        for call in self.reply.tool_calls:
            yield ToolUpdate(call)
        yield TextDelta(self.reply.text, self.reply.text)
        yield Done(self.reply)


def text_of(reply: Reply[Any], *, show_thoughts: bool, plain_text: bool) -> str:
    """Return the text of a reply. If ``show_thoughts`` is True, a quote of the thoughts and tool calls precedes the text."""
    pieces = ReplyPieces(StoredEvents(reply), WaitSpinner("the reply"), show_thoughts=show_thoughts)
    text = "".join(pieces)
    if not plain_text:
        return text
    from chatgpt_browser._protocol.plain_text import to_plain_text

    return to_plain_text(text)


def reply_fields(reply: Reply[Any]) -> dict[str, Any]:
    """Return the fields of a reply that `jobs wait --json` writes besides the fields of the job."""
    return {"message_id": reply.message_id, "model": reply.model, **parts_object(reply)}
