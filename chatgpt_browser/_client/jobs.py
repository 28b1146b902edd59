"""Jobs: messages that are sent now and whose replies this or another process fetches later. The npm API has no jobs."""

from __future__ import annotations

import functools
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .._core.models import Prompt
from .._core.options import to_limit
from .._core.public import public_type
from .._messaging.deadline import Deadline
from .._messaging.lease import StandaloneSlot
from .file_binding import bind_reply

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._core.errors import ChatGPTError
    from .._core.message_options import MessageArguments, MessageOptions
    from .._core.options import Milliseconds
    from .._core.reply import Reply
    from .._messaging.sender import MessageSender
    from .._store.job_record import JobRecord, JobState
    from .file_binding import FileBinder, SyncFileBinder
    from .job_runner import JobRunner
    from .portal import Portal
    from .reply_file import AsyncReplyFile, ReplyFile


#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True


@public_type
class AsyncJob:
    """A message in the job store. The attributes show the state at the last :meth:`refresh` or :meth:`wait`."""

    def __init__(self, api: AsyncJobsMixin, record: JobRecord) -> None:
        self._api = api
        self._record = record

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state}>"

    @property
    def id(self) -> str:
        """The id of the job. Any process can pass the id to ``get_job()`` to find the job again."""
        return self._record.id

    @property
    def state(self) -> JobState:
        """The state of the job.

        ``"queued"``: the message was not sent yet. ``"sending"``: the message is being sent. ``"running"``: the site has accepted
        the message, and its reply is not complete. ``"done"``, ``"failed"``, ``"cancelled"``: the job has ended. ``"uncertain"``:
        it is unknown whether the site received the message.
        """
        return self._record.state

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation, or None until it is known."""
        return self._record.conversation_id

    @property
    def question_id(self) -> str | None:
        """The id of the message at the site, or None until it is known."""
        return self._record.question_id

    @property
    def created_at(self) -> datetime:
        """The time at which the job was submitted, with a time zone."""
        return datetime.fromtimestamp(self._record.created_at, timezone.utc)

    @property
    def updated_at(self) -> datetime:
        """The time of the last event of the job, with a time zone."""
        return datetime.fromtimestamp(self._record.updated_at, timezone.utc)

    @property
    def last_event(self) -> str | None:
        """A readable description of the last event of the job. None if the store contains no description."""
        return self._record.event

    @property
    def error(self) -> ChatGPTError | None:
        """The error of a job in the state ``"failed"`` or ``"uncertain"``, else None."""
        from .job_codec import decode_error  # most programs use no jobs

        return None if self._record.error is None else decode_error(self._record.error)

    async def refresh(self) -> None:
        """Read the state of the job from the store.

        :raises JobNotFoundError: The job was deleted.
        """
        self._record = await self._api._jobs.get(self.id)

    async def wait(self, timeout_ms: Milliseconds | None = None) -> Reply[AsyncReplyFile]:
        """Wait until the job has ended, and return the whole reply. Nothing is sent again.

        If the process that submitted the job has ended, this client reads the reply from the conversation.

        :raises ChatGPTTimeoutError: ``timeout_ms`` was exceeded. The job continues, and you can wait again.
        :raises AbortError: The job was cancelled.
        :raises JobUncertainError: It is unknown whether the site received the message.
        :raises ChatGPTError: The error of the job.
        """
        deadline = Deadline(to_limit("timeout_ms", timeout_ms), None)
        try:
            reply = await self._api._jobs.wait(self.id, deadline)
        finally:
            if not self._api._sender.is_closed:
                await self.refresh()
        return bind_reply(reply, self._api._files.bind)

    async def cancel(self) -> None:
        """Cancel the job, unless it has ended. A process that is reading the reply stops reading."""
        await self._api._jobs.cancel(self.id)
        await self.refresh()


class AsyncJobsMixin:
    """The methods of :class:`AsyncChatGPTAPI` for jobs."""

    _sender: MessageSender
    _files: FileBinder
    _job_runner: JobRunner | None = None

    @property
    def _jobs(self) -> JobRunner:
        if self._job_runner is None:
            # Most programs have no jobs, so SQLite is imported on first use.
            from .job_runner import JobRunner

            self._job_runner = JobRunner(self._sender)
        return self._job_runner

    def _check(self, options: MessageArguments) -> MessageOptions:
        raise NotImplementedError

    async def submit(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        keep_text: bool = False,
        **options: Unpack[MessageArguments],
    ) -> AsyncJob:
        """Send a message, and return a job as soon as the site has accepted the message.

        Each change of the job is stored. If this process ends, any process can wait for the reply with the job's id; see
        :meth:`AsyncChatGPTAPI.get_job`.

        :param conversation_id: The id of the conversation to continue. None: a new conversation is started.
        :param parent_message_id: The id of the message to reply to. None: the newest message of the conversation.
        :param keep_text: If True, the job store contains the text of the message. If False, it contains only a hash of the text.
        :param options: The options of the message: ``files``, ``model``, ``effort``, ``tools``, ``temporary`` and ``project``.
        :raises JobStoreError: The job cannot be stored. The message was not sent.
        :raises ChatGPTError: The errors of :meth:`AsyncChatGPTAPI.send_message` until the site has accepted the message.
        """
        prompt = Prompt(message, conversation_id, parent_message_id, self._check(options))
        return AsyncJob(self, await self._jobs.submit(prompt, StandaloneSlot(prompt), keep_text=keep_text))

    async def get_job(self, job_id: str) -> AsyncJob:
        """Return the job with this id. Any process may have submitted the job.

        :raises JobNotFoundError: There is no job with this id.
        :raises JobStoreError: The job store cannot be read.
        """
        return AsyncJob(self, await self._jobs.get(job_id))

    async def list_jobs(self) -> list[AsyncJob]:
        """Return all jobs in the job store, the newest first.

        :raises JobStoreError: The job store cannot be read.
        """
        return [AsyncJob(self, record) for record in await self._jobs.list_jobs()]


@public_type
class Job:
    """A message in the job store; see :class:`AsyncJob`."""

    def __init__(self, api: JobsMixin, core: AsyncJob) -> None:
        self._api = api
        self._core = core

    def __repr__(self) -> str:
        return repr(self._core).replace("AsyncJob", "Job")

    @property
    def id(self) -> str:
        """The id of the job. Any process can pass the id to ``get_job()`` to find the job again."""
        return self._core.id

    @property
    def state(self) -> JobState:
        """The state of the job; see :attr:`AsyncJob.state`."""
        return self._core.state

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation, or None until it is known."""
        return self._core.conversation_id

    @property
    def question_id(self) -> str | None:
        """The id of the message at the site, or None until it is known."""
        return self._core.question_id

    @property
    def created_at(self) -> datetime:
        """The time at which the job was submitted, with a time zone."""
        return self._core.created_at

    @property
    def updated_at(self) -> datetime:
        """The time of the last event of the job, with a time zone."""
        return self._core.updated_at

    @property
    def last_event(self) -> str | None:
        """A readable description of the last event of the job. None if the store contains no description."""
        return self._core.last_event

    @property
    def error(self) -> ChatGPTError | None:
        """The error of a job in the state ``"failed"`` or ``"uncertain"``, else None."""
        return self._core.error

    def refresh(self) -> None:
        """Read the state of the job from the store; see :meth:`AsyncJob.refresh`."""
        self._api._portal.call(self._core.refresh)

    def wait(self, timeout_ms: Milliseconds | None = None) -> Reply[ReplyFile]:
        """Wait until the job has ended, and return the whole reply; see :meth:`AsyncJob.wait`."""
        return bind_reply(self._api._portal.call(self._core.wait, timeout_ms), self._api._files.bind)

    def cancel(self) -> None:
        """Cancel the job; see :meth:`AsyncJob.cancel`."""
        self._api._portal.call(self._core.cancel)


class JobsMixin:
    """The methods of :class:`ChatGPTAPI` for jobs; see :class:`AsyncChatGPTAPI`."""

    _core: AsyncJobsMixin
    _portal: Portal
    _files: SyncFileBinder

    def submit(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        keep_text: bool = False,
        **options: Unpack[MessageArguments],
    ) -> Job:
        """Send a message, and return a job when the site has accepted the message; see :meth:`AsyncChatGPTAPI.submit`."""

        async def submit() -> AsyncJob:
            return await self._core.submit(
                message,
                conversation_id=conversation_id,
                parent_message_id=parent_message_id,
                keep_text=keep_text,
                **options,
            )

        return Job(self, self._portal.call(submit))

    def _submit(
        self,
        message: str,
        *,
        job_id: str,
        keep_text: bool,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        **options: Unpack[MessageArguments],
    ) -> Job:
        """Submit a job with the id ``job_id``. The caller chooses the id, and so can find the job even after a crash."""
        prompt = Prompt(message, conversation_id, parent_message_id, self._core._check(options))
        submit = functools.partial(self._core._jobs.submit, keep_text=keep_text, id=job_id)
        return Job(self, AsyncJob(self._core, self._portal.call(submit, prompt, StandaloneSlot(prompt))))

    def get_job(self, job_id: str) -> Job:
        """Return the job with this id; see :meth:`AsyncChatGPTAPI.get_job`."""
        return Job(self, self._portal.call(self._core.get_job, job_id))

    def list_jobs(self) -> list[Job]:
        """Return all jobs in the job store, the newest first."""
        return [Job(self, job) for job in self._portal.call(self._core.list_jobs)]
