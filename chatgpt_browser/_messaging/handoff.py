"""The rest of a reply that the site has taken out of its stream: read from the conversation, where it is written as it grows.

The site's own page follows it over a WebSocket. To look at the conversation now and then is what the page itself falls back to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.errors import (
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    RateLimitError,
    StreamInterruptedError,
)
from .._protocol.backend import conversation_path
from .._protocol.conversation_tree import find_answer

if TYPE_CHECKING:
    from .._core.models import QuestionRef
    from .._protocol.reply_reader import ReplyReader
    from .sender import MessageSender

__all__ = ["HandoffPoller"]

#: Seconds before the first look, and between two at most: for so long the page waits. Each pause is longer than the one before.
_SHORTEST, _LONGEST, _GROWTH = 0.5, 5.0, 1.5
#: Seconds in which a conversation that the site has just named may still be missing, and that it may ask us to wait at most.
_APPEARING, _LONGEST_WAIT = 10.0, 30.0


class HandoffPoller:
    """Reads on where a stream has left off."""

    def __init__(self, courier: MessageSender, reply: ReplyReader, asked: QuestionRef) -> None:
        self._sender = courier
        self._reply = reply
        self._asked = asked
        self._pause = _SHORTEST
        self._looks_for = 0.0  # seconds

    async def next(self) -> bool:
        """Wait until there is more of the reply, or its end. True where the text changed.

        :raises ChatGPTTimeoutError: for so long as a stream may be silent, there was no more.
        :raises StreamInterruptedError: the site did not say in which conversation the reply goes on.
        :raises ChatGPTError: the conversation could not be had.
        """
        idle = self._sender.options.idle_timeout
        with anyio.move_on_after(idle):
            while not self._reply.done:
                await anyio.sleep(self._pause)
                self._looks_for += self._pause
                self._pause = min(self._pause * _GROWTH, _LONGEST)
                if await self._look():
                    return True
            return False
        silence = (
            f"nothing more came for {idle:g} s of a reply that the site goes on with outside of its stream"
        )
        raise ChatGPTTimeoutError(f"ChatGPT timed out waiting for response: {silence}")

    async def _look(self) -> bool:
        reply, asked = self._reply, self._asked
        place = reply.conversation_id or asked.conversation_id
        if place is None:
            raise StreamInterruptedError("the site goes on with the reply elsewhere, and did not say where")
        try:
            conversation = await self._sender.ask("GET", conversation_path(place))
        except ConversationNotFoundError:
            if self._looks_for > _APPEARING:
                raise
            return False  # a new one may not be there yet
        except RateLimitError as limit:
            if limit.retry_after is None or limit.retry_after > _LONGEST_WAIT:
                raise
            self._pause = max(self._pause, limit.retry_after)
            return False
        answer = find_answer(
            conversation,
            questions=(reply.question_id, asked.question_id),
            answer_id=reply.message_id,
            parent_message_id=asked.parent_message_id,
        )
        if answer is None or answer.get("id") is None:
            return False
        return reply.take(answer)
