"""Sends the messages of a batch as jobs. A message that an earlier run of the batch has sent is not sent again."""

from __future__ import annotations

import asyncio
import functools
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.errors import (
    ChatGPTError,
    ClientClosedError,
    JobNotFoundError,
    JobUncertainError,
    RateLimitError,
)
from .._messaging.lease import StandaloneSlot
from .._store.job_record import question_hash
from .batch import MessageFailedError, ReplyResult, ends_batch
from .job_runner import in_thread, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.models import BatchMessage, BatchSettings, Prompt
    from .._core.reply import Reply
    from .._messaging.deadline import Deadline
    from .._store.job_record import JobRecord
    from .job_run import JobRun
    from .job_runner import JobRunner


class BatchJobs:
    """Sends the messages of one batch as jobs.

    If the batch has an id, its jobs stay in the job store, and the next run with this id continues them. If the batch has no id,
    a job is deleted when the program has handled its result.

    :param new_deadline: a function that returns the deadline of one message.
    """

    def __init__(
        self, runner: JobRunner, new_deadline: Callable[[], Deadline], settings: BatchSettings
    ) -> None:
        self._runner = runner
        self._new_deadline = new_deadline
        self._batch_id, self._retry_failed, self._retry_uncertain = settings
        self._began_at = time.time()
        self._loading = asyncio.Lock()
        #: The jobs of earlier runs that are not assigned to a message of this run yet. None until they are read from the store.
        self._earlier: list[JobRecord] | None = None
        #: The jobs that a rate limit has interrupted, and whose messages may have been sent. They are continued after the pause.
        #: The keys are the indexes of the messages.
        self._interrupted: dict[int, JobRecord] = {}
        #: Maps the index of each message to the id of its job.
        self.ids: dict[int, str] = {}

    async def send(self, index: int, message: BatchMessage, prompt: Prompt) -> ReplyResult:
        """Return the reply to a message. First send the message, unless an earlier run of the batch has sent it.

        :raises MessageFailedError: the message has failed in an earlier run, or its job was cancelled.
        :raises ChatGPTError: the message has failed in this run.
        """
        record = self._interrupted.pop(index, None) or await self._take_earlier(message)
        reply = None
        try:
            if record is not None:
                self.ids[index] = record.id
                reply = await self._finish_earlier(record)
            if reply is None:
                reply = await self._send_new(index, message, prompt)
        except RateLimitError:
            await self._keep_interrupted(index)
            raise
        return ReplyResult(reply.text, reply.conversation_id, reply.message_id)

    async def _keep_interrupted(self, index: int) -> None:
        """If a message may have been sent before the rate limit, keep its job, so that the message is not sent again."""
        with suppress(JobNotFoundError):
            record = await self._runner.get(self.ids[index])
            if record.is_active:
                self._interrupted[index] = record

    async def release(self, index: int) -> None:
        """Delete the job of a message after the program has handled its result. If the batch has an id, keep the job."""
        job_id = self.ids.pop(index, None)
        if job_id is not None and self._batch_id is None:
            await self._discard(job_id, ("done", "failed", "cancelled"))

    # ---- jobs of earlier runs --------------------------------------------------------------------------------------------

    async def _take_earlier(self, message: BatchMessage) -> JobRecord | None:
        """Return the job with which an earlier run sent this message, or None. Each job is returned only once.

        A job belongs to the message if both have the same text. If there are several such jobs, the job with the message's key is
        preferred.
        """
        if self._batch_id is None:
            return None
        async with self._loading:
            if self._earlier is None:
                self._earlier = await in_thread(
                    functools.partial(self._runner.store.of_batch, self._batch_id)
                )
        text_hash, key = question_hash(message.text), key_of(message)
        same = [record for record in self._earlier if record.text_hash == text_hash]
        found = next((record for record in same if record.batch_key == key), None)
        if found is None:
            # A job with the same text but another message id is also accepted. A program may use the line numbers of its input
            # file as message ids, and these numbers change if a line is inserted.
            found = next((record for record in same if is_id_key(record.batch_key)), None)
        if found is not None:
            self._earlier.remove(found)
        return found

    async def _finish_earlier(self, record: JobRecord) -> Reply[Any] | None:
        """Wait for the job of an earlier run, and return its reply. Return None if the message must be sent.

        :raises MessageFailedError: the message has failed, or its job was cancelled.
        :raises JobUncertainError: it is unknown whether the site received the message.
        """
        store, looks_again = self._runner.store, record.state == "uncertain" and self._retry_uncertain
        if record.state == "queued":
            claimed = await in_thread(functools.partial(store.claim, record))
            record = record if claimed is None else claimed
        is_unsent = record.state == "failed" and record.sending_at is None
        if is_unsent or (record.state in ("failed", "cancelled") and self._retry_failed):
            await self._discard(record.id)
            return None
        if looks_again:
            reopen = functools.partial(store.change, record.id, before=("uncertain",), state="sending")
            await in_thread(functools.partial(reopen, sending_at=record.sending_at, owner=None, error=None))
        try:
            return await self._runner.wait(record.id, self._new_deadline())
        except ClientClosedError:
            raise
        except JobUncertainError:
            if not looks_again:
                raise
        except ChatGPTError as error:
            raise await self._failure(record.id, error) from error
        await self._discard(record.id)
        return None

    async def _failure(self, job_id: str, error: ChatGPTError) -> Exception:
        """Return the error to raise for a job of an earlier run, whose wait has failed with ``error``.

        If the job has ended, return a :class:`MessageFailedError`, which does not end the batch. If the job is still active,
        return ``error`` itself.
        """
        record = await self._runner.get(job_id)
        if record.state == "cancelled":
            return MessageFailedError(_cancelled())
        return error if record.is_active else MessageFailedError(error)

    # ---- jobs of this run ------------------------------------------------------------------------------------------------

    async def _send_new(self, index: int, message: BatchMessage, prompt: Prompt) -> Reply[Any]:
        # Every message of the batch counts as queued at the start of the batch. So if the site has reported unusual activity
        # since then, this message is not sent.
        prompt = replace(prompt, queued_at=self._began_at)
        run = await self._runner.start(
            prompt,
            StandaloneSlot(prompt),
            deadline=self._new_deadline(),
            batch=self._batch_id,
            batch_key=key_of(message),
        )
        self.ids[index] = run.record.id
        try:
            return await result_of(run)
        except asyncio.CancelledError:
            await _leave(run)
            raise
        except Exception as error:
            if run.record.state == "cancelled":
                raise MessageFailedError(_cancelled()) from error
            is_result = isinstance(error, ChatGPTError) and not ends_batch(error)
            if run.was_refused and (not is_result or isinstance(error, RateLimitError)):
                # The message was not sent, so it is sent later in this run or in the next run, as a new job.
                await self._discard(run.record.id)
            raise

    async def _discard(
        self, job_id: str, states: tuple[str, ...] = ("failed", "cancelled", "uncertain")
    ) -> None:
        await in_thread(functools.partial(self._runner.store.discard, job_id, states))


async def _leave(run: JobRun) -> None:
    """End the task of a job. The job stays active in the store, so that another process or the next run can continue it."""
    assert run.task is not None
    run.is_leaving = True
    run.task.cancel()
    await asyncio.wait([run.task])


def key_of(message: BatchMessage) -> str:
    """Return the key of a message in its batch: the id of the message, or else the name of the message's conversation."""
    if message.id is not None:
        return f"id:{message.id}"
    return f"in:{message.conversation or message.conversation_id or ''}"


def is_id_key(key: str | None) -> bool:
    """Return whether a key contains the id of a message."""
    return key is not None and key.startswith("id:")


def _cancelled() -> ChatGPTError:
    return ChatGPTError("The job of this message was cancelled.")
