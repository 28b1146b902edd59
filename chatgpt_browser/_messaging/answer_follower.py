"""Polls the conversation for the answer to a question that was sent earlier, perhaps by another process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .._core.errors import (
    APIConnectionError,
    BrowserError,
    ChatGPTTimeoutError,
    RateLimitError,
    StreamInterruptedError,
)
from .._core.log import logger
from .._protocol.stored_answer import Progress
from .deadline import Deadline
from .recovery import read_answer
from .reply_assembler import ReplyAssembler
from .whole_reply import WholeReplyMixin, keep_ref

if TYPE_CHECKING:
    from typing import Any

    from .._core.errors import ChatGPTError
    from .._core.models import QuestionRef
    from .._core.reply import Reply
    from .sender import MessageSender

#: The pauses between two polls: the first and the longest pause in seconds, and the growth factor of the pauses. Polling is
#: necessary because the stream of the reply is not available: it belonged to an earlier request. The pauses become longer than
#: those of the site's own page (at most 5 s), because the site limits how often an account may read its conversations.
_FIRST_PAUSE, _MAX_PAUSE, _FACTOR = 0.5, 15.0, 1.5
#: The pause in seconds after a rate limit for which the site has stated no delay.
_RATE_LIMIT_PAUSE = 60.0
#: Reading fails if the question is missing, or no answer follows it, in this many consecutive requests. A few such requests are
#: normal, because the site may store a new question a short time after the stream of the reply has begun.
_MAX_MISSES = 5
#: Reading fails after this many consecutive network or browser errors, that is, after about two minutes.
_MAX_FAILURES = 10
#: Reading fails if an unfinished answer does not change for this many seconds.
_MAX_SILENCE = 6 * 3600.0


class AnswerFollower(WholeReplyMixin):
    """Polls the conversation of a question, and collects the whole reply. The pauses grow from 0.5 s to 15 s."""

    def __init__(self, sender: MessageSender, question: QuestionRef) -> None:
        self._sender = sender
        self._question: QuestionRef = question
        self._bind_file = keep_ref
        self._deadline = Deadline(float("inf"), None)
        self._assembler = ReplyAssembler(markdown=sender.options.markdown, want_events=False)
        self._assembler.reader.conversation_id = question.conversation_id
        self._assembler.reader.leave_stream()
        self._misses = self._failures = 0
        #: True if :meth:`run` has failed, and polling again is useless: the site has stopped writing the answer, the answer is
        #: missing, or it has not changed for six hours.
        self.is_over = False

    @property
    def text(self) -> str:
        """The reply's whole text so far."""
        return self._assembler.text

    async def run(self) -> Reply[Any]:
        """Poll until the answer is complete, and return the whole reply.

        :raises StreamInterruptedError: the site has stopped writing the answer, or the conversation contains no answer.
        :raises ChatGPTTimeoutError: the answer did not change for six hours.
        :raises ChatGPTError: the answer could not be read, or the site withholds the answer.
        """
        reader, clock = self._assembler.reader, asyncio.get_running_loop().time
        pause, changed_at = 0.0, clock()
        while not reader.done:
            await asyncio.sleep(pause)
            changed, requested = await self._look()
            changed_at = clock() if changed else changed_at
            if clock() - changed_at > _MAX_SILENCE:
                self.is_over = True
                raise ChatGPTTimeoutError(
                    f"ChatGPT timed out waiting for response: the answer did not change for {_MAX_SILENCE / 3600:g} h",
                    partial_text=self.text,
                )
            pause = max(requested, min(pause * _FACTOR or _FIRST_PAUSE, _MAX_PAUSE))
        return await self._complete_reply()

    async def _look(self) -> tuple[bool, float]:
        """Read the stored answer once. Return whether it has changed, and the minimum time in seconds before the next read."""
        reader = self._assembler.reader
        try:
            stored = await read_answer(self._sender.backend, reader, self._question)
        except RateLimitError as limit:
            delay = _RATE_LIMIT_PAUSE if limit.retry_after is None else limit.retry_after
            logger.info("the conversation is read again in %.0f s: %s", delay, limit)
            return False, delay
        except (APIConnectionError, BrowserError, StreamInterruptedError) as error:
            self._note_failure(error)
            return False, 0.0
        self._failures = 0
        self._misses = self._misses + 1 if stored.progress is Progress.MISSING else 0
        if stored.progress is Progress.STOPPED or self._misses >= _MAX_MISSES:
            raise self._stopped(stored.progress)
        changed = reader.turn.note_stored(reversed(stored.messages))
        if stored.message is not None:
            changed = reader.take(stored.message) or changed
        return changed, 0.0

    def _note_failure(self, error: ChatGPTError) -> None:
        self._failures += 1
        if self._failures >= _MAX_FAILURES or self._sender.is_closed:
            raise error
        logger.info("the conversation could not be read, and is read again: %s", error)

    def _stopped(self, progress: Progress) -> StreamInterruptedError:
        self.is_over, reader = True, self._assembler.reader
        reason = (
            "The site has stopped writing the answer before its end."
            if progress is Progress.STOPPED
            else "The conversation does not contain the answer."
        )
        return StreamInterruptedError(
            f"{reason} The message was sent.",
            partial_text=self.text,
            conversation_id=reader.conversation_id,
            message_id=reader.message_id,
        )
