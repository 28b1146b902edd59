"""Writes a reply to standard output, streamed or complete: on a terminal as rendered Markdown, otherwise as text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from .consoles import is_terminal, out, shows_markdown
from .terminal_text import PrintableStream


class TextStream(Protocol):
    """An iterable over the pieces of a text, such as a `ReplyStream`."""

    @property
    def text(self) -> str:
        """The whole text so far."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Yield the pieces."""
        ...


def stream_reply(stream: TextStream, before_write: Callable[[], None], *, markdown: bool = True) -> None:
    """Write a reply while it arrives. Call `before_write` before each piece.

    On a terminal, Markdown is rendered unless `markdown` is False. If the terminal is the log of a CI system, the Markdown is
    rendered once, after the last piece. A pipe or a file receives the text unchanged.
    """
    pieces = calling_before_each(stream, before_write)
    if not (markdown and shows_markdown()):
        write_reply(pieces)
        return
    if not out.is_animated:
        try:
            for _ in pieces:
                pass
        finally:
            print_reply(stream.text)
        return

    from .markdown_renderer import LiveMarkdown

    with LiveMarkdown(out) as live:
        for _ in pieces:
            live.show(stream.text)


def print_reply(text: str, *, markdown: bool = True) -> None:
    """Write a complete reply: as rendered Markdown on a terminal if `markdown` is True, otherwise as text."""
    if markdown and shows_markdown():
        from .markdown_renderer import print_markdown

        print_markdown(out, text)
    else:
        write_reply([text])


def calling_before_each(pieces: Iterable[str], callback: Callable[[], None]) -> Iterator[str]:
    """Yield the pieces. Before each piece, call `callback()`, for example to remove a spinner."""
    for piece in pieces:
        callback()
        yield piece


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
