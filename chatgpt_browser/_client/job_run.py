"""Works on one job in this process: sends the message, reads the reply, and stores each change of the job's state."""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from .._core.errors import (
    AbortError,
    ChatGPTError,
    ChatGPTTimeoutError,
    ClientClosedError,
    JobStoreError,
    JobUncertainError,
    StreamInterruptedError,
)
from .._core.log import logger
from .._core.models import QuestionRef
from .._core.suspend_clock import SuspendClock
from .._messaging.answer_follower import AnswerFollower
from .._messaging.deadline import Deadline
from .._messaging.question_lookup import look_up_question
from .._messaging.reply_stream import AsyncReplyStream
from .._messaging.whole_reply import keep_ref
from .._protocol.stored_questions import SentMessage
from .._store.job_record import question_hash
from .job_codec import encode_error, encode_reply
from .job_errors import FINAL_ERRORS, FinalError, is_own_timeout, is_refusal, may_be_sent
from .journaled_slot import JournaledSlot

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.models import Prompt
    from .._core.reply import Reply
    from .._messaging.lease import ConversationSlot
    from .._messaging.sender import MessageSender
    from .._store.job_record import JobRecord
    from .._store.job_store import JobStore

#: Interval in seconds at which the text so far is stored, and at which the store is checked for a cancellation by another
#: process. SQLite does not notify other processes of a change.
_WATCH_INTERVAL = 1.0
#: The pauses in seconds between the lookups of a message that was sent a short time ago: it may still be on its way to the site.
_LOOKUP_PAUSES = (1.0, 3.0)
#: If the machine has slept for more than this number of seconds, the connection of a stream is assumed to be broken.
_SHORT_SLEEP = 30.0
#: Maximum time in seconds for which a message can be on its way to the site.
_DELIVERY_TIME = 60.0


class JobRun:
    """Works on one job that this client owns in the job store."""

    def __init__(
        self, sender: MessageSender, store: JobStore, record: JobRecord, deadline: Deadline | None = None
    ) -> None:
        self._sender = sender
        self._store = store
        self._deadline = deadline or Deadline(float("inf"), None)
        #: The newest record of the job.
        self.record = record
        #: Set when the store contains the id of the message's conversation. Also set when the task ends, so that no caller waits
        #: forever.
        self.accepted: asyncio.Event = asyncio.Event()
        #: True after this process has cancelled the job or has begun to close the client.
        self.is_leaving = False
        #: True if the job has failed, and it is certain that the site has not accepted the message.
        self.was_refused = False
        self.task: asyncio.Task[Reply[Any]] | None = None
        self._text: Callable[[], str] = str
        #: The stream of the reply, while it is read.
        self._stream: AsyncReplyStream | None = None
        #: The error that ended the stream of the message, or None.
        self._stream_error: ChatGPTError | None = None

    @property
    def text(self) -> str:
        """The reply's text so far."""
        return self._text()

    def start(self, slot: ConversationSlot | None = None) -> asyncio.Task[Reply[Any]]:
        """Start a task that works on the job. If ``slot`` is None, the message was sent earlier, and its answer is read."""
        self.task = asyncio.get_running_loop().create_task(self._run(slot))
        self.task.add_done_callback(_retrieve)
        return self.task

    # ---- the task ----------------------------------------------------------------------------------------------------

    async def _run(self, slot: ConversationSlot | None) -> Reply[Any]:
        watching = asyncio.get_running_loop().create_task(self._watch())
        try:
            reply = await (self._continue() if slot is None else self._send(slot))
            await self._store_reply(reply)
            return reply
        except Exception as error:
            cause = error.error if isinstance(error, FinalError) else error
            is_unsent = self.record.state == "queued" and not self.is_leaving
            self.was_refused |= is_unsent
            if is_unsent or isinstance(error, FINAL_ERRORS):
                await self._fail(cause)
            raise cause from cause.__cause__
        finally:
            watching.cancel()
            await self._leave()
            self.accepted.set()

    async def _send(self, slot: ConversationSlot) -> Reply[Any]:
        """Send the message and read its reply. If the stream breaks off, read the reply from the conversation."""
        journaled = JournaledSlot(slot, self._note_sending)
        stream = AsyncReplyStream(self._sender, journaled, self._deadline, bind_file=keep_ref)
        self._text = lambda: stream.text
        self._stream = stream
        try:
            async with stream:
                await self._note_accepted(stream)
                while await stream._next_updates(convert=False) is not None:
                    await self._note_accepted(stream)
                return await stream._complete_reply()
        except ChatGPTError as error:
            is_over = self.is_leaving or not self.record.is_active
            if is_over or isinstance(error, (AbortError, ClientClosedError, *FINAL_ERRORS)):
                raise
            if self.record.state == "queued" or not may_be_sent(error, stream):
                self.was_refused = is_refusal(error, stream)
                raise FinalError(error) from error
            if is_own_timeout(error):
                raise FinalError(error) from error
            logger.info("the job %s continues without its stream: %s", self.record.id, error)
            self._stream_error = error
            self._stream = None
            await self._note("the stream broke off; the answer is read from the conversation")
        return await self._continue()

    async def _continue(self) -> Reply[Any]:
        """Read the reply to a message that was sent earlier. If it is unknown whether the message was sent, first look for it."""
        try:
            with self._deadline.limit():
                if self.record.state == "sending" or self.record.question_id is None:
                    await self._note("the message is looked for in the conversations")
                    await self._resolve()
                self.accepted.set()
                return await self._follow_answer()
        except ChatGPTTimeoutError as error:
            if is_own_timeout(error):
                raise FinalError(error) from error
            raise

    async def _follow_answer(self) -> Reply[Any]:
        """Poll the conversation until the answer is complete, and return the reply."""
        record = self.record
        question = QuestionRef(record.conversation_id, record.question_id, record.parent_message_id)
        follower = AnswerFollower(self._sender, question)
        self._text = lambda: follower.text
        try:
            return await follower.run()
        except ChatGPTError as error:
            if follower.is_over:
                raise FinalError(error) from error
            raise

    async def _resolve(self) -> None:
        """Look for the message in the conversations of the account, and store its ids.

        :raises JobUncertainError: no conversation contains the message.
        """
        record = self.record
        sending_at = record.sending_at or record.created_at
        others = await self._in_thread(self._other_questions) if record.question_id is None else frozenset()
        sent = SentMessage(
            has_text=lambda text: question_hash(text) == record.text_hash,
            sending_at=sending_at,
            conversation_id=record.conversation_id,
            parent_message_id=record.parent_message_id,
            question_id=record.question_id,
            others=others,
        )
        pauses = _LOOKUP_PAUSES if time.time() - sending_at < _DELIVERY_TIME else ()
        for pause in (*pauses, None):
            found = await look_up_question(self._sender.backend, sent)
            if found is not None:
                await self._change(
                    state="running",
                    event="the message was found in a conversation",
                    conversation_id=found.conversation_id,
                    question_id=found.question_id,
                )
                return
            if pause is not None:
                await asyncio.sleep(pause)
        raise JobUncertainError(
            "It is unknown whether the site received the message, and the conversations do not contain it. The message was "
            "not sent again.",
            job_id=record.id,
        ) from self._stream_error

    def _other_questions(self) -> frozenset[str]:
        jobs = self._store.list_jobs()
        return frozenset(job.question_id for job in jobs if job.question_id and job.id != self.record.id)

    # ---- changes of the state ----------------------------------------------------------------------------------------

    async def _note_sending(self, prompt: Prompt, message_id: str | None) -> None:
        """Store the state "sending", directly before the message is sent.

        :raises AbortError: the job was cancelled.
        :raises JobStoreError: the state cannot be stored. Then the message is not sent.
        """
        await self._change(
            before=("queued", "sending"),
            state="sending",
            event="the message is being sent",
            question_id=message_id,
            transport="page" if message_id is None else "fetch",
            conversation_id=prompt.conversation_id,
            parent_message_id=prompt.parent_message_id,
        )

    async def _note_accepted(self, stream: AsyncReplyStream) -> None:
        """Store the ids of the message and of its conversation as soon as the id of the conversation is known."""
        if self.accepted.is_set():
            return
        question, reader = stream._lease.question, stream._assembler.reader
        conversation_id = reader.conversation_id or question.conversation_id
        if conversation_id is None:
            return
        try:
            await self._change(
                state="running",
                event="the site has accepted the message",
                conversation_id=conversation_id,
                question_id=question.question_id or reader.question_id or self.record.question_id,
            )
        except JobStoreError as error:
            logger.warning("the state of the job %s was not stored: %s", self.record.id, error)
        self.accepted.set()

    async def _store_reply(self, reply: Reply[Any]) -> None:
        try:
            await self._change(
                state="done",
                event="the reply is complete",
                reply=encode_reply(reply),
                partial=None,
                conversation_id=reply.conversation_id or self.record.conversation_id,
            )
        except JobStoreError as error:
            # The job stays "running", so that another process can read the reply from the conversation.
            logger.warning("the reply of the job %s was not stored: %s", self.record.id, error)

    async def _fail(self, error: BaseException) -> None:
        """Store the error that has ended the job."""
        if not self.record.is_active:
            return
        state = "uncertain" if isinstance(error, JobUncertainError) else "failed"
        try:
            await self._change(state=state, event=None, error=encode_error(error))
        except (JobStoreError, AbortError) as exc:
            logger.warning("the state of the job %s was not stored: %s", self.record.id, exc)

    async def _leave(self) -> None:
        """If the job has not ended, give up its ownership, so that another process can take the job over."""
        with anyio.CancelScope(shield=True):
            try:
                if self.record.is_active:
                    await self._in_thread(self._store.disown, self.record.id)
            except JobStoreError as error:
                logger.warning("the job %s was not given up: %s", self.record.id, error)

    async def _change(self, **values: Any) -> None:
        changed = await self._in_thread(self._store.change, self.record.id, owned=True, **values)
        if changed is None:
            self.record = await self._in_thread(self._store.get, self.record.id)
            raise AbortError("The job was cancelled, or another process has taken it over.")
        self.record = changed

    async def _watch(self) -> None:
        """Store the text so far, and end the task if another process has cancelled the job.

        If the machine has slept, also end the stream of the reply.
        """
        stored, clock = "", SuspendClock()
        while True:
            await asyncio.sleep(_WATCH_INTERVAL)
            self._leave_dead_stream(clock.slept())
            text, job_id = self.text, self.record.id
            try:
                if text != stored and self.record.state == "running":
                    event = f"the reply has {len(text):,} characters"
                    change = functools.partial(self._store.change, before=("running",), owned=True)
                    await self._in_thread(change, job_id, partial=text, event=event)
                    stored = text
                state = (await self._in_thread(self._store.get, job_id)).state
            except JobStoreError as error:
                logger.debug("the job %s could not be watched: %s", job_id, error)
                continue
            if state == "cancelled" and self.task is not None:
                self.record = replace(self.record, state="cancelled")
                self.task.cancel()
                return

    def _leave_dead_stream(self, slept: float) -> None:
        """End the stream if the machine has slept for more than 30 s. The rest of the reply is then read from the conversation.

        After such a sleep, the connection of the stream is usually broken, but the browser does not report this.
        """
        response = self._stream._lease.response if self._stream is not None else None
        if slept > _SHORT_SLEEP and response is not None:
            logger.info("the machine slept for %.0f s: the job %s leaves its stream", slept, self.record.id)
            response.fail(StreamInterruptedError(f"The machine slept for {slept:.0f} s."))

    async def _note(self, event: str) -> None:
        """Store ``event``, a readable description of the job's progress."""
        try:
            await self._change(event=event)
        except JobStoreError as error:
            logger.warning("the event of the job %s was not stored: %s", self.record.id, error)

    async def _in_thread(self, function: Callable[..., Any], *args: Any, **values: Any) -> Any:
        return await anyio.to_thread.run_sync(lambda: function(*args, **values))


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Mark the error of a task as retrieved, so that asyncio logs no traceback if no caller waits for the reply."""
    if not task.cancelled():
        task.exception()
