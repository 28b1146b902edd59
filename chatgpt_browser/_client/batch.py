"""Many messages, one after another or a few at once: what is sent next, what waits, and how the whole comes to its end.

Knows nothing of browsers and pages: it is given the one verb that sends a message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import anyio

from .._core.abort import AbortSignal
from .._core.errors import (
    AbortError,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChallengeError,
    ChatGPTError,
    ClientClosedError,
    OriginError,
    PageError,
    RateLimitError,
)
from .._core.models import BatchMessage, BatchResult, Prompt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["ReplyResult", "Batch", "not_sent"]

logger = logging.getLogger("chatgpt_browser")

#: After one of these the next message would fare no better: a person is wanted, or a browser.
_ENDS_ALL = (
    AbortError,
    APIConnectionError,
    AuthenticationError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChallengeError,
    ClientClosedError,
    OriginError,
    PageError,
)


class ReplyResult(NamedTuple):
    """A whole reply, and where it stands."""

    text: str
    conversation_id: str | None
    message_id: str | None


def not_sent() -> ChatGPTError:
    """The error of a message whose conversation did not come to it."""
    return ChatGPTError("not sent: an earlier message of its conversation has failed")


class _Conversation:
    """Where one of the conversations stands."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.conversation_id: str | None = None
        self.message_id: str | None = None
        self.broken = False

    def prompt(self, message: BatchMessage) -> Prompt:
        """A message as the next one here, where it doesn't say itself where it goes."""
        return Prompt(
            message.text,
            self.conversation_id or message.conversation_id,
            message.parent_message_id or self.message_id,
            message.model,
        )


class Batch:
    """Messages in, results out; in between at most ``window``, the one that was handed out last included.

    So a message is sent when its forerunner's result has been dealt with: whoever writes results down loses no more than what
    is under way. An error that is about all of them ends the batch: what is under way comes to its own end first.
    """

    def __init__(
        self,
        send: Callable[[Prompt], Awaitable[ReplyResult]],
        *,
        window: int,
        in_order: bool,
        longest_pause: float,
        signal: AbortSignal | None,
    ) -> None:
        self._send = send
        self._window = window
        self._in_order = in_order
        self._longest_pause = longest_pause
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[BatchResult]] = []
        self._handed_out: asyncio.Task[BatchResult] | None = None
        self._conversations: defaultdict[object, _Conversation] = defaultdict(_Conversation)
        self._count = 0
        self._complete = False
        self._failure: Exception | None = None
        self._end: BaseException | None = None
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._resume_at = 0.0
        self._signal = signal or AbortSignal()
        self._stop_listening = self._signal.listen(self._abort)

    # ---- messages in -------------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether another message may be put in now."""
        return len(self._tasks) < self._window and self._end is None and not self._complete

    async def room(self) -> bool:
        """Wait until another message may be put in; False where none may any more."""
        while not self.has_room and self._end is None:
            await self._changed.wait()
        return self._end is None

    async def put(self, message: str | BatchMessage) -> None:
        """Have a message sent.

        :raises TypeError: it is something else.
        """
        message = BatchMessage(message) if isinstance(message, str) else message
        if not isinstance(message, BatchMessage):
            raise TypeError(f"a message must be a str or a BatchMessage, not {type(message).__name__}")
        task = self._loop.create_task(self._answer(self._count, message))
        self._count += 1
        task.add_done_callback(lambda _: self._change())
        self._tasks.append(task)

    async def complete(self, error: Exception | None = None) -> None:
        """There are no more; an error is why, and is raised after the last result."""
        self._complete, self._failure = True, error
        self._change()

    def _finish(self, error: BaseException) -> None:
        """Send nothing any more. The first reason counts."""
        self._end = self._end or error
        self._ended.set()
        self._change()

    # ---- results out -------------------------------------------------------------------------------------------------

    async def let_go(self) -> None:
        """The result that was handed out last has been dealt with."""
        if self._handed_out is not None:
            self._tasks.remove(self._handed_out)
            self._handed_out = None
            self._change()

    async def get(self) -> BatchResult | None:
        """The next result, or None after the last.

        :raises BaseException: what has ended the batch, or its messages, after the results of what was under way.
        """
        await self.let_go()
        while (task := self._ready()) is None:
            if not self._tasks and self._end is not None:
                raise self._end
            if not self._tasks and self._failure is not None:
                raise self._failure
            if not self._tasks and self._complete:
                return None
            await self._changed.wait()
        self._handed_out = task
        return task.result()

    async def close(self) -> None:
        """End what is under way. May be called twice."""
        self._stop_listening()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ready(self) -> asyncio.Task[BatchResult] | None:
        """The next task with a result. One that has failed has none, and has ended the batch."""
        self._tasks = [task for task in self._tasks if not (task.done() and _failure(task))]
        candidates = self._tasks[:1] if self._in_order else self._tasks
        return next((task for task in candidates if task.done()), None)

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _abort(self) -> None:
        self._loop.call_soon_threadsafe(self._finish, self._signal.error())

    # ---- one message -------------------------------------------------------------------------------------------------

    async def _answer(self, index: int, message: BatchMessage) -> BatchResult:
        try:
            name = message.conversation or message.conversation_id
            if name is None:
                return await self._next(index, message, _Conversation())
            conversation = self._conversations[message.conversation is None, name]
            async with conversation.turn:
                return await self._next(index, message, conversation)
        except BaseException as exc:
            self._finish(exc)
            raise

    async def _next(self, index: int, message: BatchMessage, conversation: _Conversation) -> BatchResult:
        """Send a message as the next one of its conversation; again where a pause was asked for, when that is over."""
        if conversation.broken:
            return BatchResult(index, message, error=not_sent())
        while True:
            await self._sit_out_pause()
            began = time.perf_counter()
            try:
                reply, conversation_id, message_id = await self._send(conversation.prompt(message))
            except RateLimitError as exc:
                self._pause(exc)
            except ChatGPTError as exc:
                if _ends_all(exc):
                    raise
                conversation.broken = True
                return BatchResult(index, message, error=exc, seconds=time.perf_counter() - began)
            else:
                conversation.conversation_id, conversation.message_id = conversation_id, message_id
                seconds = time.perf_counter() - began
                return BatchResult(
                    index, message, reply, None, conversation_id, message_id, seconds=round(seconds, 3)
                )

    # ---- pauses ------------------------------------------------------------------------------------------------------

    def _pause(self, error: RateLimitError) -> None:
        """Send nothing for as long as the site asks.

        :raises RateLimitError: it does not say how long, or longer than the caller is ready to wait.
        """
        seconds = error.retry_after
        if seconds is None or seconds > self._longest_pause:
            raise error
        resume_at = self._loop.time() + seconds
        if resume_at > self._resume_at:
            self._resume_at = resume_at
            until = datetime.now() + timedelta(seconds=seconds)
            logger.info(
                "paused for %.0f s, until %s, as the site asks: %s",
                seconds,
                f"{until:%H:%M:%S}",
                error,
                extra={"chatgpt_event": "paused"},
            )

    async def _sit_out_pause(self) -> None:
        """Wait until messages may be sent.

        :raises BaseException: what has ended the batch meanwhile.
        """
        while self._end is None and (left := self._resume_at - self._loop.time()) > 0:
            with anyio.move_on_after(left):
                await self._ended.wait()
        if self._end is not None:
            raise self._end


def _ends_all(error: ChatGPTError) -> bool:
    """Whether the next message would fare no better. A 403 is about the account or the address."""
    return isinstance(error, _ENDS_ALL) or (isinstance(error, APIStatusError) and error.status_code == 403)


def _failure(task: asyncio.Task[BatchResult]) -> bool:
    return task.cancelled() or task.exception() is not None
