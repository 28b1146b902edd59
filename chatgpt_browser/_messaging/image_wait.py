"""Waits for images that the site makes after the end of a reply's stream. The images appear in the stored conversation.

The site reports a finished image only over a WebSocket, which this module does not read. Therefore this module polls the
conversation, as after a hand-off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from .._core.errors import ChatGPTTimeoutError, ConversationNotFoundError, RateLimitError
from .._core.log import logger
from .._protocol.backend import conversation_path
from .._protocol.conversation_tree import find_turn_messages, newest_answer
from .._protocol.file_refs import announces_image, has_image, is_image_pending
from .._protocol.message import has_ended_turn, is_finished
from .._protocol.reply_collector import messages_of_reply

if TYPE_CHECKING:
    from .._core.models import QuestionRef
    from .._protocol.reply_reader import ReplyReader
    from .backend_client import BackendClient

#: The pauses between two polls: the first and the longest pause in seconds, and the growth factor of the pauses.
_FIRST_PAUSE, _MAX_PAUSE, _FACTOR = 0.5, 5.0, 1.5
#: The longest wait in seconds. The site makes an image in one to three minutes.
_MAX_WAIT = 600.0
#: During this many seconds of polling, a 404 is ignored, because the site may not have stored a new conversation yet.
_CREATION_TIME = 10.0
#: The longest wait in seconds that the site may request with ``Retry-After``. For a longer wait, the :class:`RateLimitError` is
#: raised.
_MAX_RETRY_AFTER = 30.0


class ImageWait:
    """Polls the conversation of a reply until the site has made all images. New messages are stored in ``reply.turn``."""

    def __init__(self, backend: BackendClient, reply: ReplyReader, question: QuestionRef) -> None:
        self._backend = backend
        self._reply = reply
        self._question = question
        self._pause = _FIRST_PAUSE
        self._waited = 0.0
        self._known = {message.get("id") for message in reply.turn.messages}
        #: The number of messages with an image when the site has made all images that it has announced in the stream.
        self._expected = sum(has_image(each) or announces_image(each) for each in self._messages())
        self._is_busy = False  # True if the site was working on the conversation at the newest poll

    async def run(self) -> None:
        """Wait until the site has made all images of the reply. The pause before each request grows from 0.5 s to 5 s.

        The wait also ends if the site has ended the turn with another message instead of the image. If no image is pending when
        this method is called, or if the id of the conversation is unknown, the method does nothing.

        :raises ChatGPTTimeoutError: the site has not made all images within ten minutes.
        :raises ChatGPTError: the conversation could not be read.
        """
        conversation_id = self._reply.conversation_id or self._question.conversation_id
        if not self._is_pending() or conversation_id is None:
            return
        logger.info("waiting for an image that the site is making", extra={"chatgpt_event": "image_pending"})
        with anyio.move_on_after(_MAX_WAIT):
            while self._is_pending():
                await anyio.sleep(self._pause)
                self._waited += self._pause
                self._pause = min(self._pause * _FACTOR, _MAX_PAUSE)
                if await self._look(conversation_id):
                    break
            return
        raise ChatGPTTimeoutError(
            f"ChatGPT timed out waiting for response: the site made no image within {_MAX_WAIT:g} s",
            seconds=_MAX_WAIT,
        )

    def _messages(self) -> list[dict[str, Any]]:
        return messages_of_reply(self._reply.turn, self._reply.message_id)

    def _is_pending(self) -> bool:
        messages = self._messages()
        # The messages do not show which announcement an image belongs to. If one of several images is missing, the site decides.
        return is_image_pending(messages) or (
            self._is_busy and sum(map(has_image, messages)) < self._expected
        )

    async def _look(self, conversation_id: str) -> bool:
        """Read the conversation once. Return whether the site has ended the turn without the pending image."""
        reply, question = self._reply, self._question
        try:
            data = await self._backend.request_json("GET", conversation_path(conversation_id))
        except ConversationNotFoundError:
            if self._waited > _CREATION_TIME:
                raise
            return False
        except RateLimitError as limit:
            if limit.retry_after is None or limit.retry_after > _MAX_RETRY_AFTER:
                raise
            self._pause = max(self._pause, limit.retry_after)
            return False
        messages = find_turn_messages(
            data,
            questions=(reply.question_id, question.question_id),
            answer_id=reply.message_id,
            parent_message_id=question.parent_message_id,
        )
        self._is_busy = bool(data.get("async_status"))
        reply.turn.note_stored(reversed(messages))
        answer = newest_answer(messages)
        if not reply.answer.has_answer():
            reply.adopt(answer)
        return self._is_pending() and self._ends_turn(answer)

    def _ends_turn(self, answer: dict[str, Any] | None) -> bool:
        """Return whether the site has ended the turn with a new message.

        This is the case if ``answer`` did not exist before the wait, is complete and is marked as the end of the turn, and the
        site is no longer working on the conversation.
        """
        if answer is None or answer.get("id") in self._known:
            return False
        return has_ended_turn(answer) and is_finished(answer) and not self._is_busy
