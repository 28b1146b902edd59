"""The reply stream. When it is opened, it sends a message. After that, it returns the pieces of the reply as they arrive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from .._core.errors import BrowserCrashedError, MalformedEventError, StreamInterruptedError
from .._core.log import logger
from .._core.public import FileT, public_type
from .handoff import HandoffPoller, wait_without_frames
from .lease import MessageLease
from .recovery import Recovery
from .reply_assembler import ReplyAssembler, Update
from .reply_warnings import warn_about_reply
from .research_poller import ResearchPoller
from .stream_errors import with_partial_text
from .whole_reply import WholeReplyMixin, keep_ref

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core.models import ConversationEvent, QuestionRef
    from .._core.public import MaybeNone
    from .._core.telemetry import MessageSpan
    from .deadline import Deadline
    from .idle_timer import IdleTimer
    from .lease import ConversationSlot
    from .sender import MessageSender
    from .whole_reply import BindFile

#: The longest wait in seconds for the end of the body after an event has marked the reply as complete. The idle timer cannot
#: limit this wait, because each ping of the site restarts the timer.
_END_TIMEOUT = 5.0
#: If the rest of the reply comes from a resumed stream or a WebSocket, and no data arrives for this many seconds, the
#: conversation is polled instead.
_FEED_TIMEOUT = 30.0
#: The maximum number of updates in one list. If many events arrive together, this limit keeps the time for one list short, and
#: the memory for the texts small.
_BATCH_SIZE = 64


@public_type
class AsyncReplyStream(WholeReplyMixin[FileT]):
    """An async iterator over the pieces of a reply's text. It is also an async context manager that ends the request.

    The message is sent when the ``async with`` block is entered. Without ``async with``, the message is sent when the stream is
    read for the first time. If the block is left before the reply is complete, the request is aborted.
    """

    def __init__(
        self,
        sender: MessageSender,
        slot: ConversationSlot,
        deadline: Deadline,
        *,
        want_events: bool = False,
        bind_file: BindFile[FileT] = keep_ref,
        markdown: bool | None = None,
    ) -> None:
        self._sender = sender
        self._bind_file = bind_file
        self._deadline = deadline
        self._lease = MessageLease(slot)
        markdown = sender.options.markdown if markdown is None else markdown
        self._assembler = ReplyAssembler(markdown=markdown, want_events=want_events)
        self._question: QuestionRef | None = None
        self._poller: HandoffPoller | ResearchPoller | None = None
        self._recovery: Recovery | None = None
        self._idle_timer: IdleTimer | None = None
        self._span: MessageSpan | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        #: The model of the message: the prompt's model, or else the client's model. None until the message is sent.
        self._model: str | None = None
        self._is_open = self._is_closed = False
        #: True if a resumed stream or a WebSocket may deliver the rest of the reply. False after it has delivered an event that
        #: contradicts the reply so far. Then the rest is read only from the conversation.
        self._follows = True

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "open" if self._is_open else "new"
        return f"<{type(self).__name__} {state}, {len(self._assembler.reader.text)} characters>"

    @property
    def text(self) -> str:
        """The reply's whole text so far. It is plain text if the client was created with ``markdown=False``."""
        return self._assembler.text

    @property
    def conversation_id(self) -> str | MaybeNone:
        """The id of the conversation, or None until the site has sent the id."""
        return self._assembler.reader.conversation_id

    @property
    def message_id(self) -> str | MaybeNone:
        """The message id of the reply, or None until the site has sent this id. Use the id as the next ``parent_message_id``."""
        return self._assembler.reader.message_id

    @property
    def event(self) -> ConversationEvent | None:
        """The newest event, as the site sent it, or None before the first event."""
        return self._assembler.reader.event

    @property
    def is_request_checked(self) -> bool:
        """False if the site's page has sent the message in a format that this version cannot read.

        If the value is False, the page may have changed the message, and a warning is logged. The value is True before the
        message is sent, and for every message that this package sends with ``fetch``.
        """
        return self._lease.is_request_checked

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._close(error=error)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """Wait for the next piece of text and return it.

        :raises ChatGPTError: any error that :meth:`AsyncChatGPTAPI.send_message` may raise.
        """
        while await self._next_updates(limit=1, convert=False) is not None:
            if piece := self._assembler.take_piece(frames_wait=self._lease.has_frames):
                return piece
        if piece := self._assembler.take_piece(at_end=True):
            return piece
        raise StopAsyncIteration

    async def close(self) -> None:
        """End the request if it is still in flight. A second call has no effect."""
        self._close()

    async def aclose(self) -> None:
        """Call :meth:`close`. :func:`contextlib.aclosing` requires a method with this name."""
        self._close()

    async def _next_updates(self, limit: int = _BATCH_SIZE, *, convert: bool = True) -> list[Update] | None:
        """Read the next events, and return at most ``limit`` updates. Return None when the reply is complete.

        If the events did not change the reply, the returned list is empty. If ``convert`` is False, the texts of the updates are
        Markdown, even if the client was created with ``markdown=False``.
        """
        self._sender.process.check()
        await self._open()
        if self._is_closed:
            return None
        try:
            self._check()
            if self._assembler.is_starved:
                if (poller := self._active_poller()) is not None:
                    if not self._can_follow():
                        return await self._poll(poller)
                    self._follow(poller)
                await self._receive()
            updates = self._assembler.read(limit, convert=convert, frames_wait=self._lease.has_frames)
            if updates is None:
                await self._wait_for_images()
        except BaseException as exc:
            if self._start_recovery(exc):
                return self._assembler.read(limit, convert=convert)
            await self._sender.note_refusal(exc)
            self._close(error=exc)
            raise self._with_partial_text(exc) from exc.__cause__
        if updates is None:
            self._close(finished=True)
        elif updates and self._span is not None and self._assembler.reader.text:
            self._span.text_received()
        return updates

    def _check(self) -> None:
        """Raise an error if the call was aborted or its deadline has passed.

        This method is needed because the idle timer can interrupt a caller only while the caller waits for a frame.
        """
        if self._idle_timer is not None and not self._is_closed:
            try:
                self._idle_timer.check()
            except BaseException as exc:
                raise self._with_partial_text(exc) from exc.__cause__

    def _active_poller(self) -> HandoffPoller | ResearchPoller | Recovery | None:
        """Return the poller that reads the rest of the reply, or None if the response delivers the rest."""
        reader = self._assembler.reader
        if reader.is_following:
            return None
        return self._recovery or (self._poller if reader.is_elsewhere else None)

    def _can_follow(self) -> bool:
        """Return whether the rest of the reply has begun to arrive from a resumed stream or a WebSocket."""
        return self._follows and self._lease.has_frames

    def _follow(self, poller: HandoffPoller | ResearchPoller | Recovery) -> None:
        """Start to read the rest of the reply from the frames of the response instead of from the conversation."""
        self._assembler.reader.follow()
        if poller is self._recovery:
            logger.info("the site's page continues the reply", extra={"chatgpt_event": "reply_recovered"})

    async def _wait_for_frames(self, seconds: float) -> bool:
        """Wait at most ``seconds`` for a frame with the rest of the reply. Return whether a frame has arrived."""
        if not self._follows or self._lease.response is None:
            return await wait_without_frames(seconds)
        return await self._lease.response.wait_for_frames(seconds)

    async def _poll(self, poller: HandoffPoller | ResearchPoller | Recovery) -> list[Update]:
        """Poll once for more text. Return a list with one update, or an empty list if the text has not changed."""
        with self._deadline.limit():
            changed = await poller.next()
        return [Update(self.text, None)] if changed else []

    def _start_recovery(self, error: BaseException) -> bool:
        """If the stream broke off and the ids for a recovery are known, start a recovery. Return whether it was started."""
        reader, question, sender = self._assembler.reader, self._lease.question, self._sender
        if not isinstance(error, (StreamInterruptedError, BrowserCrashedError, MalformedEventError)):
            return False
        does_not_fit = isinstance(error, MalformedEventError)
        if does_not_fit and not reader.is_following:
            return False
        if self._recovery is not None and self._active_poller() is self._recovery:
            return False  # `error` was raised by the recovery itself.
        if isinstance(error, StreamInterruptedError):
            reader.conversation_id = reader.conversation_id or error.conversation_id
        is_known = question.question_id or reader.question_id
        if not (sender.options.recover and is_known) or sender.is_closed or reader.is_explained:
            return False
        self._assembler.leave_stream()
        error.__traceback__ = None  # The traceback refers to events, which may contain private text.
        self._follows = not does_not_fit
        response = self._lease.response
        self._recovery = Recovery(
            sender.backend,
            reader,
            question,
            error,
            sending_at=self._lease.sending_at,
            idle_timeout=sender.options.idle_timeout,
            wait=self._wait_for_frames,
            page_may_continue=self._follows and response is not None and response.may_continue,
        )
        return True

    async def _receive(self) -> None:
        """Receive the next frame, and add it to the assembler.

        If the reply is already complete, wait only a short time for the end of the body. If the rest of the reply comes from a
        resumed stream or a WebSocket, and no data arrives for some time, stop waiting. The conversation is then polled.
        """
        reader = self._assembler.reader
        if not (reader.is_settled or reader.is_following):
            await self._receive_frame()
            return
        may_be_over = reader.is_settled or reader.is_finished
        timeout = min(_END_TIMEOUT if may_be_over else _FEED_TIMEOUT, self._sender.options.idle_timeout / 2)
        with anyio.move_on_after(timeout) as scope:
            while self._assembler.is_starved:
                await self._receive_frame()
        if not scope.cancelled_caught:
            return
        if reader.is_settled:
            self._assembler.end_body()
        else:
            reader.leave_stream()

    async def _receive_frame(self) -> None:
        response = self._lease.response
        assert response is not None
        try:
            frame = await response.receive()
        except (BrowserCrashedError, StreamInterruptedError):  # No further frame will arrive.
            if not self._assembler.reader.may_end:
                raise
            self._assembler.end_body()
        else:
            self._assembler.add_frame(frame)

    async def _open(self) -> None:
        if self._is_closed or self._is_open:
            return
        lease, sender = self._lease, self._sender
        # Checked before waiting for the slot: a forked process would wait forever for a slot that its parent process holds.
        sender.process.check()
        self._loop = asyncio.get_running_loop()
        try:
            with self._deadline.limit():
                prompt = await lease.acquire_slot()
                self._assembler.reader.expects_report = prompt.options.is_deep_research
                self._span = sender.start_span(prompt)
                self._model = prompt.options.model or sender.options.model
                with self._span.activate():
                    lease.hold_permit(await sender.acquire_permit(prompt))
                    self._assembler.observer = sender.observe_reply and sender.observe_reply(prompt.text)
                    self._deadline.check()  # The caller may have aborted the message during the wait for the permit.
                    self._question = await sender.send(prompt, lease, self._span)
        except BaseException as exc:
            if not self._start_recovery(exc):
                self._close(error=exc)
                raise
            self._question = lease.question
        self._start_reading(self._question)
        self._is_open = True

    def _start_reading(self, question: QuestionRef) -> None:
        """Create the poller for a reply that continues outside its response. If there is a response, start its idle timer."""
        sender, reader, response = self._sender, self._assembler.reader, self._lease.response
        idle_timeout = sender.options.idle_timeout
        poller = ResearchPoller if reader.expects_report else HandoffPoller
        self._poller = poller(
            sender.backend, reader, question, idle_timeout=idle_timeout, wait=self._wait_for_frames
        )
        if response is not None:
            self._idle_timer = self._deadline.start_idle_timer(response, idle_timeout)
            self._lease.start_reading(self._idle_timer)

    def _close(self, *, finished: bool = False, error: BaseException | None = None) -> None:
        """Release all resources, and end the tracing span of the message.

        :param finished: True if the reply is complete.
        :param error: the error that ended the stream, or None.
        """
        self._is_closed = True
        self._assembler.end_observation(error, finished=finished)
        if self._sender.process.is_forked:
            return  # The request belongs to the parent process, so it is not ended here.
        if self._span is not None:
            self._span.end(error, conversation_id=self.conversation_id, message_id=self.message_id)
        if finished and self._question is not None:
            self._sender.conversations.note_answered(self._question, self._assembler.reader)
        if finished:
            warn_about_reply(self._assembler.reader, self._model)
        self._lease.release(self._assembler.reader if finished else None)

    def _with_partial_text(self, error: BaseException) -> BaseException:
        return with_partial_text(error, self._assembler, self._sender.secrets)

    def __del__(self) -> None:
        # The caller may have dropped the stream without closing it, for example after a `break`. Then the request must end here.
        if self._sender.process.is_forked:
            return
        if not self._is_closed and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._lease.release)
        if self._span is not None:
            self._span.end(conversation_id=self.conversation_id, message_id=self.message_id)
