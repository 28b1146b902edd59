"""`Scripted`, the type of the values that a test can give as a reply, and `as_step`, which converts such a value to a step."""

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


_STEPS = (Reply, Recorded, RawBody, Answer, Stall, Break)


@dataclass(frozen=True)
class Turn:
    """One user message and data about its conversation. If a reply is a function, it is called with this object."""

    #: The text of the message.
    message: str
    #: The messages before this user message in the same branch of the conversation, as (role, text) pairs, oldest first.
    history: list[tuple[str, str]]
    conversation_id: str
    #: 1 for the user's first message in this branch of the conversation, 2 for the user's second message, and so on.
    number: int
    model: str
    request: RecordedRequest
    #: The match of the rule's pattern in the message, if a rule selected the reply (see `FakeChatGPT.when`). Otherwise None.
    match: re.Match[str] | None = field(default=None, kw_only=True)


#: The value that a callable reply returns: a text, a step, or an iterator that yields the text in pieces.
Made = str | Step | Iterator[str] | AsyncIterator[str]
#: A reply, as passed to `script`, `when` or `reply`: a text, a step, or a function that returns a text, a step or an iterator of
#: pieces. Coroutine functions and generators are also accepted. The function runs in the server's thread, so it must not block. A
#: function that has to wait must be asynchronous.
Scripted = str | Step | Callable[[Turn], Made | Awaitable[Made]]


def check_scripted(value: object) -> None:
    """Check the type of a reply.

    :raises TypeError: if the value is neither a text, a step nor a function.
    """
    if not (isinstance(value, (str, *_STEPS)) or callable(value)):
        raise TypeError(
            f"a reply must be a str, a step such as Reply, or a function, not {type(value).__name__}"
        )


async def as_step(scripted: Scripted, turn: Turn) -> Step:
    """Convert a scripted item to a step. If the item is a callable, it is called with `turn`, and its result is converted.

    :raises TypeError: if the return value of the callable is neither a text, a step nor an iterator.
    """
    made: Any = scripted(turn) if callable(scripted) else scripted
    if inspect.isawaitable(made):
        made = await made
    if isinstance(made, str):
        return Reply(made)
    if isinstance(made, _STEPS):
        return made
    if isinstance(made, (Iterator, AsyncIterator)):
        return Reply(pieces=made)
    raise TypeError(f"a reply must be a str, a step, or an iterator of pieces, not {type(made).__name__}")


def remember(turn: Turn) -> str:
    """Return the text of the default reply: it quotes the user's message and the user's previous message."""
    before = [text for role, text in turn.history if role == "user"]
    reply = f'You said: "{_shorten(turn.message)}".'
    if before:
        reply += f' Before that you said: "{_shorten(before[-1])}".'

    return reply


def _shorten(text: str, limit: int = 200) -> str:
    # The quote is shortened, because in the format `whole` each event repeats the reply so far: without this limit, a message of
    # twice the length would have a reply of four times as many bytes.
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
