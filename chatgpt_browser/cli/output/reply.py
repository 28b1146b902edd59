"""Writes a reply to standard output, streamed or complete: on a terminal as rendered Markdown, otherwise as text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from .consoles import is_terminal, out, shows_markdown
from .footnotes import Footnotes
from .terminal_text import PrintableStream

if TYPE_CHECKING:
    from chatgpt_browser import Citation


class TextPieces(Protocol):
    """An iterable over the pieces of a reply's text, such as `ReplyPieces`."""

    @property
    def text(self) -> str:
        """The whole text so far."""
        ...

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations of the complete reply."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Yield the pieces."""
        ...


def stream_reply(pieces: TextPieces, *, markdown: bool = True) -> None:
    """Write a reply while it arrives. After that, if standard output is a terminal, write the sources of the reply.

    On a terminal, Markdown is rendered unless `markdown` is False. If the terminal is the log of a CI system, the Markdown is
    rendered once, after the last piece. A pipe or a file receives the text unchanged.
    """
    if not (markdown and shows_markdown()):
        write_reply(pieces)
    elif not out.is_animated:
        try:
            for _ in pieces:
                pass
        finally:
            print_reply(pieces.text)
    else:
        from .markdown_renderer import LiveMarkdown

        with LiveMarkdown(out) as live:
            for _ in pieces:
                live.show(pieces.text)
    print_sources(pieces.citations)


def print_sources(citations: Sequence[Citation]) -> None:
    """Print the sources of a reply as a numbered list if standard output is a terminal.

    A pipe or a file receives only the text of the reply.
    """
    if citations and is_terminal(sys.stdout):
        out.print()
        for line in Footnotes(citations).lines():
            out.print(line, style="dim")


def print_reply(text: str, *, markdown: bool = True) -> None:
    """Write a complete reply: as rendered Markdown on a terminal if `markdown` is True, otherwise as text."""
    if markdown and shows_markdown():
        from .markdown_renderer import print_markdown

        print_markdown(out, text)
    else:
        write_reply([text])


def write_reply(pieces: Iterable[str]) -> None:
    """Write and flush each piece. If the text does not end with a line feed, append a line feed for the output that follows."""
    stdout, last = sys.stdout, "\n"
    printable = PrintableStream() if is_terminal(stdout) else None
    try:
        for piece in pieces:
            stdout.write(printable.feed(piece) if printable else piece)
            stdout.flush()
            last = piece or last
    finally:
        stdout.write(printable.finish() if printable else "")
        if not last.endswith("\n"):
            stdout.write("\n")
        stdout.flush()
