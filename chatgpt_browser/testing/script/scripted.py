"""`Scripted`: the values that a test may give as a reply, their conversion to steps, and the argument of callables."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .responses import Answer
from .steps import Break, RawBody, Recorded, Reply, Stall, Step

if TYPE_CHECKING:
    import re

    from ..data.recorded_request import RecordedRequest


@dataclass(frozen=True)
class Turn:
    """One user message, as passed to a callable reply."""

    #: The text of the message.
    message: str
    #: (role, text) pairs of the preceding messages in this branch of the conversation, oldest first.
    history: list[tuple[str, str]]
    conversation_id: str
    #: The number of this user message in the conversation, starting with 1.
    number: int
    model: str
    request: RecordedRequest
    #: The match of the rule's pattern in the message; None if the reply does not belong to a rule.
    match: re.Match[str] | None = field(default=None, kw_only=True)


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
