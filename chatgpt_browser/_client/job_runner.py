"""Starts the jobs of one client, continues the jobs of ended processes, waits for jobs, and cancels them."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from .._core.errors import AbortError, ClientClosedError
from .._core.log import logger
from .._store.job_store import JobStore
from .job_codec import decode_error, decode_reply
from .job_run import JobRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from .._core.models import Prompt
    from .._core.reply import Reply
    from .._messaging.deadline import Deadline
    from .._messaging.lease import ConversationSlot
    from .._messaging.sender import MessageSender
    from .._store.job_record import JobRecord

    T = TypeVar("T")

#: Interval in seconds at which the state of a job of another process is read. SQLite does not notify other processes of a change.
_INTERVAL = 0.5


class JobRunner:
    """Runs the jobs of one client. Each job that this process works on has a task."""

    def __init__(self, sender: MessageSender) -> None:
        self._sender = sender
        self._store: JobStore | None = None
        self._runs: dict[str, JobRun] = {}

    @property
    def store(self) -> JobStore:
        """The job store. The object is created on first use; the first call of one of its methods opens the file."""
        if self._store is None:
            self._sender.pace.use_store()
            self._store = JobStore(self._sender.options.job_store)
        return self._store

    async def start(
        self,
        prompt: Prompt,
        slot: ConversationSlot,
        *,
        keep_text: bool = False,
        deadline: Deadline | None = None,
        **columns: Any,
    ) -> JobRun:
        """Store a job and start a task for it. Return the object that runs the task.

        The task sends the message of the job and reads the reply.

        :raises JobStoreError: the job cannot be stored. The message is not sent.
        """
        self._sender.check_open()
        create = functools.partial(
            self.store.create,
            origin=self._sender.options.site.origin,
            text=prompt.text,
            keep_text=keep_text,
            conversation_id=prompt.conversation_id,
            parent_message_id=prompt.parent_message_id,
            **columns,
        )
        run = JobRun(self._sender, self.store, await in_thread(create), deadline)
        self._start(run, slot)
        return run

    async def submit(
        self, prompt: Prompt, slot: ConversationSlot, *, keep_text: bool, **columns: Any
    ) -> JobRecord:
        """Send a message as a job. When the store contains the id of the message's conversation, return the job's record.

        :raises JobStoreError: the job cannot be stored. The message is not sent.
        :raises ChatGPTError: the message was not accepted.
        """
        run = await self.start(prompt, slot, keep_text=keep_text, **columns)
        task = run.task
        assert task is not None
        try:
            await run.accepted.wait()
        except asyncio.CancelledError:
            run.is_leaving = True
            task.cancel()
            raise
        if task.done() or run.record.state not in ("running", "done"):
            await task  # This raises the error of the job.
        return run.record

    async def get(self, job_id: str) -> JobRecord:
        """Return the newest record of a job.

        :raises JobNotFoundError: there is no job with this id.
        """
        return await in_thread(functools.partial(self.store.get, job_id))

    async def list_jobs(self) -> list[JobRecord]:
        """Return the records of all jobs, the newest first."""
        return await in_thread(self.store.list_jobs)

    async def wait(self, job_id: str, deadline: Deadline) -> Reply[Any]:
        """Wait until a job has ended, and return its reply. A job without an owner is taken over.

        :raises ChatGPTTimeoutError: the deadline has passed. The job continues.
        :raises ChatGPTError: the error of the job.
        """
        self._sender.check_open()
        logged = None
        with deadline.limit():
            while True:
                if (run := self._runs.get(job_id)) is not None and run.task is not None:
                    return await result_of(run)
                record = await self.get(job_id)
                if not record.is_active:
                    return outcome(record)
                if record.event != logged:
                    logged = record.event
                    logger.info("waiting for the job %s (%s): %s", job_id, record.state, logged)
                claimed = await in_thread(functools.partial(self.store.claim, record))
                if claimed is None:
                    await asyncio.sleep(_INTERVAL)
                elif claimed.is_active:
                    self._start(JobRun(self._sender, self.store, claimed))

    async def cancel(self, job_id: str) -> None:
        """Cancel a job if it has not ended. If this process works on the job, also cancel the task of the job."""
        await in_thread(functools.partial(self.store.change, job_id, state="cancelled"))
        run = self._runs.get(job_id)
        if run is not None and run.task is not None:
            run.is_leaving = True
            run.task.cancel()
            await asyncio.wait([run.task])

    def begin_close(self) -> None:
        """Mark all jobs, so that they stay active in the store when their streams end because the client closes."""
        for run in self._runs.values():
            run.is_leaving = True

    async def close(self) -> None:
        """End all tasks and close the store. Another process can take the jobs over."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._store is not None:
            await in_thread(self._store.close)

    def _start(self, run: JobRun, slot: ConversationSlot | None = None) -> asyncio.Task[Reply[Any]]:
        job_id = run.record.id
        self._runs[job_id] = run
        task = run.start(slot)
        task.add_done_callback(lambda _: self._runs.pop(job_id, None))
        return task


def outcome(record: JobRecord) -> Reply[Any]:
    """Return the reply of a job that has ended, or raise its error."""
    if record.state == "done" and record.reply is not None:
        return decode_reply(record.reply)
    if record.state == "cancelled":
        raise AbortError("The job was cancelled.")
    raise decode_error(record.error or {})


async def result_of(run: JobRun) -> Reply[Any]:
    """Wait for the task of a job, and return the reply. If the caller is cancelled, the task continues."""
    assert run.task is not None
    await asyncio.wait([run.task])
    if run.task.cancelled():
        raise AbortError("The job was cancelled.") if run.record.state == "cancelled" else ClientClosedError
    return run.task.result()


async def in_thread(function: Callable[[], T]) -> T:
    """Call a function of the store in a worker thread."""
    return await anyio.to_thread.run_sync(function)
