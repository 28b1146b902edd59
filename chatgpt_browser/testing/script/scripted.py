"""`Scripted`: the values that a test may give as a reply, and their conversion to steps."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from .recorded_reply import Recorded
from .responses import Answer
from .steps import Break, RawBody, Reply, Stall, Step
from .turn import Turn

#: A return value of a callable reply: a text, a step, or an iterator of the text's pieces.
Made = str | Step | Iterator[str] | AsyncIterator[str]
#: An argument of `script`, `when` and `reply`: a text, a step, or a function that returns a text, a step or an iterator
#: of pieces. The function may be a coroutine function or a generator, and runs in the server's thread: it must not
#: block, so it has to be asynchronous if it waits.
Scripted = str | Step | Callable[[Turn], Made | Awaitable[Made]]


async def as_step(scripted: Scripted, turn: Turn) -> Step:
    """Convert a scripted item to a step; a callable is called with `turn`.

    :raises TypeError: if the item, or the callable's return value, has another type.
    """
    made: Any = scripted(turn) if callable(scripted) else scripted
    if inspect.isawaitable(made):
        made = await made
    if isinstance(made, str):
        return Reply(made)
    if isinstance(made, (Reply, Recorded, RawBody, Answer, Stall, Break)):
        return made
    if isinstance(made, (Iterator, AsyncIterator)):
        return Reply(pieces=made)
    raise TypeError(f"a reply must be a str, a step, or an iterator of pieces, not {type(made).__name__}")


def remember(turn: Turn) -> str:
    """Return the default reply: it quotes the message and the user's previous message."""
    before = [text for role, text in turn.history if role == "user"]
    reply = f'You said: "{_shorten(turn.message)}".'
    if before:
        reply += f' Before that you said: "{_shorten(before[-1])}".'

    return reply


def _shorten(text: str, limit: int = 200) -> str:
    # Each event repeats the whole text so far, so the size of a quoted long message would grow with its square.
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
