"""Reads a reply for the commands: its text in pieces, and the line that shows thoughts and calls of tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .activity import describe_call, describe_duration, describe_thinking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import Citation, ToolCall
    from chatgpt_browser._core.reply_events import ReplyEvent

    from .wait_spinner import WaitSpinner


class EventSource(Protocol):
    """An object with the events of one reply, such as a `ReplyStream`."""

    def events(self) -> Iterator[ReplyEvent]:
        """Yield the events."""
        ...


class ReplyPieces:
    """The text of a reply in pieces. Before the text begins, the spinner shows thoughts and calls of tools.

    If `show_thoughts` is True, the thoughts and calls are also part of the text, as a Markdown quote before the answer.
    """

    def __init__(self, stream: EventSource, spinner: WaitSpinner, *, show_thoughts: bool = False) -> None:
        self._stream = stream
        self._spinner = spinner
        self._show_thoughts = show_thoughts
        self._quote = ""  # The thoughts and calls of tools that are part of the text.
        self._thinking = ""
        self._answer = ""
        self._quoted_calls: set[tuple[str, str]] = set()  # The names and inputs of the calls in the quote.
        #: The citations of the complete reply. Their positions refer to the answer without the quote.
        self.citations: tuple[Citation, ...] = ()

    @property
    def text(self) -> str:
        """The whole text so far."""
        return self._quote + self._answer

    def __iter__(self) -> Iterator[str]:
        from chatgpt_browser import Done, TextDelta

        for event in self._stream.events():
            if isinstance(event, TextDelta):
                # The separator becomes part of the quote. So it is kept if the site later replaces the answer.
                separator = "\n\n" if self._quote and not self._answer else ""
                self._quote += separator
                self._answer = event.snapshot
                self._spinner.stop()
                yield separator + event.text
            elif isinstance(event, Done):
                self.citations = event.reply.citations
            elif piece := self._note_activity(event):
                self._spinner.stop()
                yield piece

    def _note_activity(self, event: object) -> str:
        """Show an event beside the spinner. Return the piece of the quote for the event, or "" if the quote does not change."""
        from chatgpt_browser import ThoughtDelta, ToolUpdate

        if isinstance(event, ThoughtDelta):
            self._thinking += event.text
            is_over = event.seconds is not None
            shown = describe_duration(event.seconds or 0) if is_over else describe_thinking(self._thinking)
            piece = f"\n\n{shown}" if is_over else event.text
        elif isinstance(event, ToolUpdate):
            shown = describe_call(event.tool_call)
            piece = self._describe_once(event.tool_call)
        else:
            return ""
        self._spinner.step = shown
        # The quote is printed before the answer, so nothing can be added to the quote once the answer has begun.
        return self._quoted(piece) if self._show_thoughts and not self._answer else ""

    def _describe_once(self, call: ToolCall) -> str:
        """Return the piece of the quote for a tool call. A call is added once, as soon as it has output; otherwise return ""."""
        key = call.name, call.input
        if not call.output or key in self._quoted_calls:
            return ""
        self._quoted_calls.add(key)
        return f"\n\n{describe_call(call, is_over=True)}"

    def _quoted(self, piece: str) -> str:
        if not piece:
            return ""
        text = piece if self._quote else f"> {piece.lstrip()}"
        text = text.replace("\n", "\n> ")
        self._quote += text
        return text
