"""A reply on its way to standard output: live on a terminal, as it comes in a pipe, or in one piece."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .consoles import out, printable, shows_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chatgpt_browser import ReplyStream


def show_reply(stream: ReplyStream, first_word: Callable[[], None], *, markdown: bool = True) -> None:
    """Write a reply as it comes; `first_word` is called before anything is written.

    On a terminal Markdown is rendered, unless `markdown` is False; anywhere else, the text stays as it is.
    """
    pieces = announcing(stream, first_word)
    if not (markdown and shows_markdown()):
        write_reply(pieces)
        return

    from .markdown import LiveMarkdown

    with LiveMarkdown(out) as live:
        for _ in pieces:
            live.show(stream.text)


def show_whole_reply(text: str, *, markdown: bool = True) -> None:
    """Write a reply that is there already."""
    if markdown and shows_markdown():
        from .markdown import print_markdown

        print_markdown(out, text)
    else:
        write_reply([text])


def announcing(pieces: Iterable[str], first_word: Callable[[], None]) -> Iterator[str]:
    """Pass the pieces on; call before each, so that whatever stands in the way is gone."""
    for piece in pieces:
        first_word()
        yield piece


def write_reply(pieces: Iterable[str]) -> None:
    """Write each piece at once; end the line whatever happens, so that an error has a line of its own."""
    out, last = sys.stdout, "\n"
    clean = printable if out.isatty() else str
    try:
        for piece in pieces:
            out.write(clean(piece))
            out.flush()
            last = piece or last
    finally:
        if not last.endswith("\n"):
            out.write("\n")
            out.flush()
