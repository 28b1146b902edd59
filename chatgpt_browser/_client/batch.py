"""Sends a batch of messages. This module controls the order of the messages, the pauses, and the end of the batch.

The module does not depend on browsers, pages or the job store, because the caller passes the object that sends the messages.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple, Protocol

import anyio

from .._core.abort import AbortSignal
from .._core.background import cancel_tasks
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
    JobStoreError,
    OriginError,
    PageError,
    RateLimitError,
    UnusualActivityError,
)
from .._core.log import logger
from .._core.message_options import MessageOptions
from .._core.models import BatchMessage, BatchResult, Prompt

#: Errors that end the batch, because the next message would also fail. They concern the session, the browser, the job store or an
#: abort.
_ENDS_BATCH = (
    AbortError,
    APIConnectionError,
    AuthenticationError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChallengeError,
    ClientClosedError,
    JobStoreError,
    OriginError,
    PageError,
    UnusualActivityError,
)


class ReplyResult(NamedTuple):
    """The text of a complete reply, the id of its conversation, and the message id of the reply."""

    text: str
    conversation_id: str | None
    message_id: str | None


class MessageFailedError(Exception):
    """Wraps the ``error`` of a failed message. :func:`ends_batch` returns False for this class, so the batch continues."""

    def __init__(self, error: ChatGPTError) -> None:
        super().__init__(str(error))
        self.error = error


class MessageJobs(Protocol):
    """Sends the messages of a batch. Each message is a job."""

    #: Maps the index of each message to the id of its job.
    ids: dict[int, str]

    async def send(self, index: int, message: BatchMessage, prompt: Prompt) -> ReplyResult:
        """Send a message and return its reply.

        :raises MessageFailedError: the message has failed, and the batch continues.
        :raises ChatGPTError: the message has failed. :func:`ends_batch` returns whether the error ends the batch.
        """
        ...

    async def release(self, index: int) -> None:
        """Record that the user of the batch has handled the result of a message. The job may then be deleted."""
        ...


def not_sent() -> ChatGPTError:
    """Return the error for a message that is not sent, because an earlier message of its conversation failed."""
    return ChatGPTError("not sent: an earlier message of its conversation failed")


class _Conversation:
    """One conversation of the batch: the ids of its newest reply, and whether a message of the conversation has failed."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.conversation_id: str | None = None
        self.message_id: str | None = None
        self.has_failed = False

    def prompt(self, message: BatchMessage) -> Prompt:
        """Return the prompt for the next message.

        The message follows the conversation's newest reply, unless the message has its own ``parent_message_id``.
        """
        return Prompt(
            message.text,
            self.conversation_id or message.conversation_id,
            message.parent_message_id or self.message_id,
            MessageOptions(model=message.model),
        )


class BatchState(Enum):
    """The state of a batch. It changes from OPEN to COMPLETE and then to ENDED, or from OPEN to ENDED directly."""

    OPEN = "messages may be added"
    COMPLETE = "no message is added any more; those that were added are sent"
    ENDED = "nothing more is sent"


class Batch:
    """A queue that sends messages and returns results, with at most ``window`` messages in flight.

    A message and its result occupy one place in the window. The place becomes free when the caller requests the next result.
    Therefore another message is sent only after the caller has handled a result. If the caller writes the results to a file and
    crashes, at most the results of ``window`` messages are lost.

    After an error that concerns all messages, no other message is sent. :meth:`get` raises this error after the messages in
    flight have ended and their results have been returned.
    """

    def __init__(
        self,
        jobs: MessageJobs,
        *,
        window: int,
        in_order: bool,
        longest_pause: float,
        signal: AbortSignal | None,
    ) -> None:
        self._jobs = jobs
        self._window = window
        self._in_order = in_order
        self._longest_pause = longest_pause
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[BatchResult]] = []
        self._handed_out: asyncio.Task[BatchResult] | None = None
        self._conversations: defaultdict[object, _Conversation] = defaultdict(_Conversation)
        self._count = 0
        self._state = BatchState.OPEN
        self._error: BaseException | None = None  # After the last result, `get` raises this error.
        self._changed = asyncio.Event()
        self._resume_at = 0.0
        signal = signal or AbortSignal()
        self._stop_listening = signal.listen(
            lambda: self._loop.call_soon_threadsafe(self.stop, signal.error())
        )

    # ---- adding messages -------------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """True if another message may be added now."""
        return len(self._tasks) < self._window and self._state is BatchState.OPEN

    async def wait_for_room(self) -> bool:
        """Wait until another message may be added, and return True. If the batch has ended, return False."""
        while not self.has_room and self._state is not BatchState.ENDED:
            await self._changed.wait()
        return self._state is not BatchState.ENDED

    async def put(self, message: str | BatchMessage) -> None:
        """Add a message and start sending it.

        :raises TypeError: ``message`` is neither a str nor a BatchMessage.
        """
        message = BatchMessage(message) if isinstance(message, str) else message
        if not isinstance(message, BatchMessage):
            raise TypeError(f"a message must be a str or a BatchMessage, not {type(message).__name__}")
        task = self._loop.create_task(self._answer(self._count, message))
        self._count += 1
        task.add_done_callback(lambda _: self._notify_change())
        self._tasks.append(task)

    async def complete(self, error: Exception | None = None) -> None:
        """Mark the batch as complete: no message will be added. After the last result, :meth:`get` raises ``error``, if given."""
        if self._state is BatchState.OPEN:
            self._state, self._error = BatchState.COMPLETE, error
        self._notify_change()

    def stop(self, error: BaseException) -> None:
        """End the batch with an error, so that no other message is sent. If the batch has already ended, do nothing."""
        if self._state is not BatchState.ENDED:
            self._state, self._error = BatchState.ENDED, error
        self._notify_change()

    # ---- results ---------------------------------------------------------------------------------------------------------

    async def release_result(self) -> None:
        """Remove the result that :meth:`get` has just returned from the window, so that another message may be added."""
        if self._handed_out is not None:
            task, self._handed_out = self._handed_out, None
            self._tasks.remove(task)
            await self._jobs.release(task.result().index)
            self._notify_change()

    async def get(self) -> BatchResult | None:
        """Wait for the next result and return it. Return None after the last result.

        :raises BaseException: An error ended the batch, or the iterable that supplies the messages raised an error. The error is
            raised after the last result was returned.
        """
        await self.release_result()
        while (task := self._ready()) is None:
            if not self._tasks and self._error is not None:
                raise self._error
            if not self._tasks and self._state is BatchState.COMPLETE:
                return None
            await self._changed.wait()
        self._handed_out = task
        return task.result()

    async def close(self) -> None:
        """Cancel the messages in flight and wait until they have ended. A second call has no effect."""
        self._stop_listening()
        tasks, self._tasks = self._tasks, []
        await cancel_tasks(*tasks)

    def _ready(self) -> asyncio.Task[BatchResult] | None:
        """Return the next task that has a result, or None. Remove the failed tasks: such a task has no result."""
        self._tasks = [task for task in self._tasks if not (task.done() and _failure(task))]
        candidates = self._tasks[:1] if self._in_order else self._tasks
        return next((task for task in candidates if task.done()), None)

    def _notify_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # ---- one message -------------------------------------------------------------------------------------------------

    async def _answer(self, index: int, message: BatchMessage) -> BatchResult:
        try:
            name = message.conversation or message.conversation_id
            if name is None:
                return await self._next(index, message, _Conversation())
            conversation = self._conversations[message.conversation is None, name]
            async with conversation.lock:
                return await self._next(index, message, conversation)
        except BaseException as exc:
            self.stop(exc)
            raise

    async def _next(self, index: int, message: BatchMessage, conversation: _Conversation) -> BatchResult:
        """Send the next message of a conversation and return its result.

        If the site responds with a rate limit and a delay, pause the batch for this delay, and then send the message again.
        """
        if conversation.has_failed:
            return BatchResult(index, message, error=not_sent())
        while True:
            await self._wait_for_pause_end()
            began = time.perf_counter()
            try:
                reply = await self._jobs.send(index, message, conversation.prompt(message))
            except RateLimitError as exc:
                self._pause(exc)
            except (ChatGPTError, MessageFailedError) as exc:
                if ends_batch(exc):
                    raise
                conversation.has_failed = True
                error = exc.error if isinstance(exc, MessageFailedError) else exc
                return self._result(index, message, began, error=error)
            else:
                conversation.conversation_id, conversation.message_id = (
                    reply.conversation_id,
                    reply.message_id,
                )
                return self._result(index, message, began, *reply)

    def _result(
        self,
        index: int,
        message: BatchMessage,
        began: float,
        reply: str | None = None,
        conversation_id: str | None = None,
        message_id: str | None = None,
        *,
        error: ChatGPTError | None = None,
    ) -> BatchResult:
        seconds = round(time.perf_counter() - began, 3)
        ids = conversation_id, message_id
        return BatchResult(
            index, message, reply, error, *ids, seconds=seconds, job_id=self._jobs.ids.get(index)
        )

    # ---- pauses ------------------------------------------------------------------------------------------------------

    def _pause(self, error: RateLimitError) -> None:
        """Pause the whole batch for the delay that the site requests, or until ``messages_per_hour`` allows the next message.

        :raises RateLimitError: The site requested no delay, or a delay that is longer than ``longest_pause``.
        """
        seconds, is_local = error.retry_after, error.scope == "local"
        if seconds is None or (seconds > self._longest_pause and not is_local):
            raise error
        resume_at = self._loop.time() + seconds
        if resume_at > self._resume_at:
            self._resume_at = resume_at
            until = f"{datetime.now() + timedelta(seconds=seconds):%H:%M:%S}"
            text = (
                "waiting %.0f s, until %s: %s"
                if is_local
                else "paused for %.0f s, until %s, as the site asks: %s"
            )
            reason = error.detail if is_local else error
            logger.info(text, seconds, until, reason, extra={"chatgpt_event": "paused"})

    async def _wait_for_pause_end(self) -> None:
        """Wait until the pause for a rate limit has ended. If there is no pause, return immediately.

        :raises BaseException: The batch has ended. The error raised is the error that ended the batch.
        """
        while self._state is not BatchState.ENDED and (left := self._resume_at - self._loop.time()) > 0:
            with anyio.move_on_after(left):
                await self._changed.wait()
        if self._state is BatchState.ENDED and self._error is not None:
            raise self._error


def ends_batch(error: Exception) -> bool:
    """Return whether this error ends the batch, because the next message would also fail.

    An error with the status 403 ends the batch, because it concerns the account or the IP address.
    """
    return isinstance(error, _ENDS_BATCH) or (isinstance(error, APIStatusError) and error.status_code == 403)


def _failure(task: asyncio.Task[BatchResult]) -> bool:
    return task.cancelled() or task.exception() is not None
