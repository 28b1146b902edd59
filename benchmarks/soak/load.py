"""Load of a soak test: conversations, streams read and left, timeouts, many messages at once, and the history."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from chatgpt_browser import ChatGPTError
from chatgpt_browser.testing import Reply, Turn

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from chatgpt_browser import AsyncChatGPTAPI

    from .ledger import Ledger

__all__ = ["Caller", "answer_to", "reply_to"]

_WORDS = 12
_INTERVAL = 4  # milliseconds
#: One in so many replies is slow, so that a fault can hit it in the middle.
_SLOW = 10


def answer_to(message: str) -> str:
    """Return the expected reply to a message; it contains non-ASCII text."""
    return " ".join(f"{message}:{number}é" for number in range(_WORDS))


def reply_to(ledger: Ledger) -> Callable[[Turn], Reply]:
    """Return the server's reply function, which counts accepted messages."""
    count = itertools.count(1)

    def reply(turn: Turn) -> Reply:
        ledger.taken[turn.message] += 1
        slow = next(count) % _SLOW == 0
        return Reply(answer_to(turn.message), interval=20 * _INTERVAL if slow else _INTERVAL)

    return reply


class Caller:
    """One of several callers that share a client. Each of its messages is unique."""

    def __init__(self, name: str, api: AsyncChatGPTAPI, ledger: Ledger, chance: random.Random) -> None:
        self._name = name
        self._api = api
        self._ledger = ledger
        self._chance = chance
        self._numbers = itertools.count(1)
        self._conversation = api.get_conversation()

    async def step(self) -> None:
        """Do one random action."""
        acts: dict[Callable[[], Awaitable[None]], int] = {
            self._talk: 50,
            self._stream: 15,
            self._leave: 10,
            self._hurry: 5,
            self._send_many: 5,
            self._look_around: 5,
            self._turn_over: 10,
        }
        (act,) = self._chance.choices([*acts], [*acts.values()])
        await act()

    def _next(self) -> str:
        message = f"{self._name}.{next(self._numbers)}"
        self._ledger.begin(message)
        return message

    async def _talk(self) -> None:
        message = self._next()
        try:
            text = await self._conversation.send_message(message)
        except Exception as error:
            self._ledger.error(message, error)
        else:
            self._ledger.reply(message, text, answer_to(message))

    async def _stream(self) -> None:
        message = self._next()
        try:
            async with self._api.stream_message(message) as stream:
                text = "".join([piece async for piece in stream])
        except Exception as error:
            self._ledger.error(message, error)
        else:
            self._ledger.reply(message, text, answer_to(message))

    async def _leave(self) -> None:
        message = self._next()
        try:
            async with self._api.stream_message(message) as stream:
                await anext(stream)
        except Exception as error:
            self._ledger.error(message, error)
        else:
            self._ledger.leave(message)

    async def _hurry(self) -> None:
        message = self._next()
        try:
            text = await self._api.send_message(message, timeout_ms=self._chance.uniform(1, 100))
        except Exception as error:
            self._ledger.error(message, error)
        else:
            self._ledger.reply(message, text, answer_to(message))

    async def _send_many(self) -> None:
        messages = [self._next() for _ in range(3)]
        seen: set[str] = set()
        try:
            async for result in self._api.send_many(messages, longest_pause=0):
                seen.add(result.message.text)
                if result.error is not None:
                    self._ledger.error(result.message.text, result.error)
                else:
                    self._ledger.reply(
                        result.message.text, result.reply or "", answer_to(result.message.text)
                    )
        except Exception as error:
            for message in messages:
                if message not in seen:
                    self._ledger.error(message, error)

    async def _look_around(self) -> None:
        try:
            await self._api.list_conversations(limit=5)
            await self._api.get_is_authenticated()
        except ChatGPTError:
            pass  # a fault for another request may hit this one

    async def _turn_over(self) -> None:
        self._conversation = self._api.get_conversation()
