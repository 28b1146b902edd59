"""Polls the conversation for the rest of a reply, if the site continues the reply outside the stream (a hand-off).

While the reply grows, the site saves the reply in the conversation. The site's own page receives the rest over a WebSocket, or
requests the rest. If neither works, the page polls the conversation. This module polls the conversation in the same way, until
the transport delivers frames of the rest.
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
from .._protocol.conversation_tree import find_turn_messages, newest_answer
from .._protocol.message import is_written

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.models import QuestionRef
    from .._protocol.reply_reader import ReplyReader
    from .backend_client import BackendClient

    #: A function that waits at most the given number of seconds for a frame of the response. It returns True if a frame arrived.
    FrameWait = Callable[[float], Awaitable[bool]]

#: The pauses between two polls: the first and the longest pause in seconds, and the growth factor of the pauses. The site's own
#: page uses the same values.
_FIRST_PAUSE, _MAX_PAUSE, _FACTOR = 0.5, 5.0, 1.5
#: During this many seconds of polling, a 404 is ignored, because the site may not have stored a new conversation yet.
_CREATION_TIME = 10.0
#: The longest wait in seconds that the site may request with ``Retry-After``. For a longer wait, the :class:`RateLimitError` is
#: raised.
_MAX_RETRY_AFTER = 30.0


async def wait_without_frames(seconds: float) -> bool:
    """Wait for ``seconds``, and return False. This is the :data:`FrameWait` for a reply whose response sends no more frames."""
    await anyio.sleep(seconds)
    return False


class HandoffPoller:
    """Polls the conversation for the rest of a reply. The pause before each request grows from 0.5 s to 5 s.

    During each pause, the poller waits for a frame of the response. If a frame arrives, the rest is read from the response.
    """

    def __init__(
        self,
        backend: BackendClient,
        reply: ReplyReader,
        question: QuestionRef,
        *,
        idle_timeout: float,
        wait: FrameWait = wait_without_frames,
    ) -> None:
        self._backend = backend
        self._reply = reply
        self._question = question
        self._idle_timeout = idle_timeout
        self._wait = wait
        self._pause = _FIRST_PAUSE
        self._waited = 0.0

    async def next(self) -> bool:
        """Wait until the text of the reply has changed, the reply is complete, or the response has a frame.

        Return True if the text has changed, else False. Other messages of the reply, such as tool calls, may have changed in both
        cases.

        :raises ChatGPTTimeoutError: the reply did not change within ``idle_timeout``.
        :raises StreamInterruptedError: the id of the conversation is unknown.
        :raises ChatGPTError: the conversation could not be read.
        """
        with anyio.move_on_after(self._idle_timeout):
            while not self._reply.done:
                if await self._wait(self._pause):
                    return False
                self._waited += self._pause
                self._pause = min(self._pause * _FACTOR, _MAX_PAUSE)
                text_changed, has_changed = await self._poll()
                if has_changed:
                    return text_changed
            return False
        silence = f"the rest of the reply was handed off, and nothing more came for {self._idle_timeout:g} s"
        message = f"ChatGPT timed out waiting for response: {silence}"
        raise ChatGPTTimeoutError(message, limit="idle_timeout", seconds=self._idle_timeout)

    async def _poll(self) -> tuple[bool, bool]:
        """Read the conversation once. Return whether the text has changed, and whether any part of the reply has changed."""
        reply, question = self._reply, self._question
        conversation_id = reply.conversation_id or question.conversation_id
        if conversation_id is None:
            raise StreamInterruptedError(
                "The site continues the reply outside the stream, and the stream contained no id of a conversation to read "
                "the rest from. The message was sent."
            )
        try:
            conversation = await self._backend.request_json("GET", conversation_path(conversation_id))
        except ConversationNotFoundError:
            if self._waited > _CREATION_TIME:
                raise
            return False, False
        except RateLimitError as limit:
            if limit.retry_after is None or limit.retry_after > _MAX_RETRY_AFTER:
                raise
            self._pause = max(self._pause, limit.retry_after)
            return False, False
        reply.conversation_id = conversation_id
        messages = find_turn_messages(
            conversation,
            questions=(reply.question_id, question.question_id),
            answer_id=reply.message_id,
            parent_message_id=question.parent_message_id,
        )
        has_changed = reply.turn.note_stored(reversed(messages))
        answer = newest_answer(messages)
        if answer is None or answer.get("id") is None:
            is_over = not conversation.get("async_status") and not any(map(is_written, messages))
            return False, (is_over and reply.finish_without_text()) or has_changed
        text_changed = reply.take(answer)
        return text_changed, text_changed or has_changed
