"""Recovers a reply if its stream has broken off: reads the answer from the conversation, and does not send the message again.

If a connection breaks, the site usually continues to write the answer, and stores the answer in the conversation. The site's own
page may request the rest of the stream itself. If it does, the transport delivers the rest, and the polling ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.errors import BrowserCrashedError, ChatGPTError, ConversationNotFoundError, ModerationError
from .._core.log import logger
from .._protocol.backend import conversation_path
from .._protocol.site_words import moderation_of, withheld
from .._protocol.stored_answer import Progress, StoredAnswer, read_stored_answer
from .._protocol.stored_questions import SentMessage
from .handoff import wait_without_frames
from .question_lookup import look_up_question

if TYPE_CHECKING:
    from typing import Any

    from .._core.models import QuestionRef
    from .._protocol.reply_reader import ReplyReader
    from .backend_client import BackendClient
    from .handoff import FrameWait

#: The pauses between two polls: the first and the longest pause in seconds, and the growth factor of the pauses. Polling is
#: necessary because the site sends no more data after the connection of a stream has broken.
_FIRST_PAUSE, _MAX_PAUSE, _FACTOR = 0.5, 5.0, 1.5
#: The recovery fails if the question is missing, or no answer follows it, in this many requests. One such request is normal,
#: because the site may store a new question a short time after the stream of the reply has begun.
_MAX_MISSES = 2
#: The recovery fails if an unfinished answer does not change for this many seconds. The site's own page has the same limit.
_MAX_SILENCE = 60.0
#: The longest wait in seconds for the response to the first poll. This wait may include the start of a new browser.
_FIRST_LOOK_TIMEOUT = 30.0


class Recovery:
    """Polls the conversation for the rest of a reply.

    If it is possible that the site's page requests the rest itself, the first request is sent after 0.5 s. Otherwise, the first
    request is sent immediately. The pause before each further request grows from 0.5 s to 5 s. During each pause, the recovery
    waits for a frame of the response. If a frame arrives, the rest is read from the response.

    If the stream has broken off before the first event of a new conversation, the id of the conversation is unknown. The recovery
    then looks for the question in the conversations that have changed since ``sending_at``.

    ``error`` is the error that ended the stream. The recovery raises ``error`` if the site is not writing an answer, if the
    answer does not change for too long, or if the conversation cannot be found or read.
    """

    def __init__(
        self,
        backend: BackendClient,
        reply: ReplyReader,
        question: QuestionRef,
        error: ChatGPTError,
        *,
        sending_at: float,
        idle_timeout: float,
        wait: FrameWait = wait_without_frames,
        page_may_continue: bool = False,
    ) -> None:
        self._backend = backend
        self._reply = reply
        self._question = question
        self._error = error
        self._sending_at = sending_at
        self._silence = min(idle_timeout, _MAX_SILENCE)
        self._timeout = min(idle_timeout, _FIRST_LOOK_TIMEOUT)
        self._wait = wait
        self._pause = _FIRST_PAUSE if page_may_continue else 0.0
        self._misses = 0
        logger.info(
            "the stream broke off (%s: %s): reading the rest of the answer in another way",
            type(error).__name__,
            error,
            extra={"chatgpt_event": "recovery_started"},
        )

    async def next(self) -> bool:
        """Wait until the text of the reply has changed, the reply is complete, or the response has a frame.

        Return True if the text has changed, else False.

        :raises ModerationError: the site withholds the answer.
        :raises ChatGPTError: the answer could not be read from the conversation. The original error, which ended the stream, is
            raised again.
        """
        try:
            with anyio.move_on_after(self._timeout):
                while not self._reply.done:
                    if await self._wait(self._pause):
                        return False
                    if await self._look():
                        return True
                return False
        except ChatGPTError as exc:
            if exc is self._error or isinstance(exc, ModerationError):
                raise
            raise self._error from exc
        raise self._error

    async def _look(self) -> bool:
        """Read the stored answer, and copy it to the reply. Return True if the text of the reply has changed."""
        self._pause = min(self._pause * _FACTOR or _FIRST_PAUSE, _MAX_PAUSE, self._silence / 2)
        stored = await self._read_answer()
        self._timeout = self._silence
        if stored.progress is Progress.MISSING:
            self._misses += 1
        if stored.progress is Progress.STOPPED or self._misses >= _MAX_MISSES:
            logger.info("the conversation shows no answer under way (%s)", stored.progress.value)
            raise self._error
        self._reply.turn.note_stored(reversed(stored.messages))
        changed = stored.message is not None and self._reply.take(stored.message)
        if self._reply.done:
            logger.info(
                "the answer was read from the conversation", extra={"chatgpt_event": "reply_recovered"}
            )
        return changed

    async def _read_answer(self) -> StoredAnswer:
        """Read the stored answer. If the id of the conversation is unknown, look for the conversation first."""
        try:
            if (self._reply.conversation_id or self._question.conversation_id) is None:
                question_id = self._question.question_id or self._reply.question_id
                sent = SentMessage(self._sending_at, question_id=question_id)
                found = await look_up_question(self._backend, sent)
                if found is None:
                    return StoredAnswer(Progress.MISSING)
                self._question = found
            return await read_answer(self._backend, self._reply, self._question)
        except BrowserCrashedError as exc:
            # This counts as a miss, not as a failure: the crash that ended the stream may also have ended the page of this
            # request. The next request uses a new page.
            logger.info("the conversation could not be read: %s", exc)
            return StoredAnswer(Progress.MISSING)


async def read_answer(backend: BackendClient, reply: ReplyReader, question: QuestionRef) -> StoredAnswer:
    """Read the conversation of a question, and return the stored answer, which may be incomplete.

    If the conversation is not found, the progress of the answer is ``MISSING``.

    :raises ModerationError: the site withholds the answer.
    :raises ChatGPTError: the conversation could not be read.
    """
    conversation_id = reply.conversation_id or question.conversation_id
    assert conversation_id is not None
    try:
        conversation: Any = await backend.request_json("GET", conversation_path(conversation_id))
    except ConversationNotFoundError:
        return StoredAnswer(Progress.MISSING)
    reply.conversation_id = conversation_id
    questions = (question.question_id, reply.question_id)
    ids = {name for name in (*questions, reply.message_id) if name is not None}
    if (words := moderation_of(conversation, ids)) is not None:
        raise reply.failed(*withheld(words))
    return read_stored_answer(conversation, questions, reply.message_id)
