"""The pieces into which the text of a reply is cut; each becomes one event."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .steps import Reply

_WORDS = re.compile(r"\s*\S+|\s+")


def split_words(text: str) -> list[str]:
    """Return the words of a text, each with the white space before it; at least one item."""
    return _WORDS.findall(text) or [""]


async def pieces_of(reply: Reply) -> AsyncGenerator[tuple[str, bool], None]:
    """Yield each piece of a reply, and whether it is the last.

    An iterator does not announce its last item, so its pieces are followed by an empty last piece.
    """
    source = split_words(reply.text) if reply.pieces is None else reply.pieces
    if isinstance(source, Sequence):
        pieces = [*source] or [""]
        for index, piece in enumerate(pieces):
            yield piece, index == len(pieces) - 1
        return

    if isinstance(source, AsyncIterator):
        async with AsyncExitStack() as stack:
            if isinstance(source, AsyncGenerator):
                await stack.enter_async_context(aclosing(source))
            async for piece in source:
                yield piece, False
    else:
        for piece in source:
            yield piece, False

    yield "", True
