"""Polls the conversation for the report of a deep research. The stream of the message ends before the research begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.errors import (
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    OptionNotAppliedError,
    RateLimitError,
    StreamInterruptedError,
)
from .._core.log import logger
from .._protocol.backend import conversation_path
from .._protocol.deep_research import WITH_RESEARCH, Research, is_under_way, read_research
from .handoff import wait_without_frames

if TYPE_CHECKING:
    from .._core.models import QuestionRef
    from .._protocol.reply_reader import ReplyReader
    from .backend_client import BackendClient
    from .handoff import FrameWait

#: The polling fails if the state of the research does not change for this many seconds. A research takes 3 to 40 minutes.
_LONGEST_SILENCE = 2 * 3600.0
#: After this many polls that found no research in the conversation, the poller assumes that the site gave an ordinary answer.
_ORDINARY = 2


class ResearchPoller:
    """Polls the conversation until it contains the report.

    The stream of the message contains only a short acknowledgement, which is the text of the reply at first. At the end of the
    research, the report replaces this text.
    """

    #: The pause in seconds before each request. If requests are more frequent, the site responds with 429.
    interval: float = 60.0

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
        self._limit = max(idle_timeout, _LONGEST_SILENCE)
        self._wait = wait
        self._state: Research | None = None
        self._ordinary = 0

    async def next(self) -> bool:
        """Wait until the conversation contains the report, or until a further frame of the response arrives.

        If a frame arrives first, return False. If the report arrives first, copy it to the reply, and return whether this has
        changed the text of the reply.

        :raises OptionNotAppliedError: the site gave an ordinary answer instead of starting a research.
        :raises ChatGPTTimeoutError: the state of the research has not changed for two hours, or for ``idle_timeout`` if
            ``idle_timeout`` is longer.
        :raises StreamInterruptedError: the research has failed, or the id of the conversation is unknown.
        """
        pause = self.interval
        while True:
            with anyio.move_on_after(self._limit) as scope:
                while True:
                    if await self._wait(pause):
                        return False
                    try:
                        changed = await self._poll()
                    except RateLimitError as limit:
                        pause = max(self.interval, limit.retry_after or 2 * pause)
                        continue
                    except ConversationNotFoundError:
                        continue
                    pause = self.interval
                    if self._state is not None and self._state.report is not None:
                        return self._reply.take_report(self._state.report)
                    if changed:
                        break
            if scope.cancelled_caught:
                raise ChatGPTTimeoutError(
                    f"ChatGPT timed out waiting for response: the research did not change for {self._limit:g} s",
                    limit="idle_timeout",
                    seconds=self._limit,
                )

    async def _poll(self) -> bool:
        """Read the conversation once. Return whether the state of the research has changed since the last call."""
        reply, question = self._reply, self._question
        conversation_id = reply.conversation_id or question.conversation_id
        if conversation_id is None:
            raise StreamInterruptedError(
                "The site has begun a research, and the stream contained no id of a conversation to read the report from. The "
                "message was sent."
            )
        path = f"{conversation_path(conversation_id)}?{WITH_RESEARCH}"
        conversation = await self._backend.request_json("GET", path)
        state = read_research(conversation, (reply.question_id, question.question_id))
        if state is None and not is_under_way(conversation):
            self._note_ordinary()
        if state is not None and state.is_failed:
            raise reply.failed(
                StreamInterruptedError, f"The site's research has ended with the status {state.status!r}."
            )
        changed, self._state = state != self._state, state
        if changed and state is not None:
            logger.info("the research has the status %r and %d steps", state.status, len(state.steps))
        return changed

    def _note_ordinary(self) -> None:
        self._ordinary += 1
        if self._ordinary >= _ORDINARY:
            raise OptionNotAppliedError(
                "The site gave an ordinary answer, although deep research was chosen. The message was sent; the conversation has "
                "the answer.",
                option="tools",
                requested="deep_research",
            )
