"""A reply while it comes: what a caller reads from, and the one place that decides how a reply ends."""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

import anyio

from .._core.errors import (
    BrowserCrashedError,
    ChatGPTError,
    MalformedEventError,
    StreamError,
    StreamInterruptedError,
)
from .._core.public import public_type
from .._protocol.event_assembler import is_handoff
from .._protocol.plain_text import to_plain_text
from .._protocol.reply_reader import ReducedEvent, ReplyReader
from .handoff import HandoffPoller

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .._core.models import ConversationEvent, Prompt, QuestionRef
    from .._core.telemetry import MessageSpan
    from .._transport.response_stream import ResponseStream
    from .deadline import Deadline, IdleTimer
    from .sender import MessageSender

__all__ = ["AsyncReplyStream", "Place", "Update"]

#: Seconds that a stream may be silent after it has said that nothing more has to come in it. Pings are no events.
_LAST_WORDS = 5.0
#: So many events are read before a caller gets to see them: a long burst is no long silence, nor all of it in memory.
_UPDATES_AT_ONCE = 64


class Update(NamedTuple):
    """What one event has changed: ``text`` is the whole text now, or None where it stayed; ``event`` is the event, if wanted."""

    text: str | None
    event: ConversationEvent | None


class Place(Protocol):
    """Where in a conversation a message goes."""

    async def enter(self) -> Prompt:
        """Wait until it is this message's turn there, and say where it goes."""
        ...

    def leave(self, reply: ReplyReader | None) -> None:
        """The message is through: with its reply, or with None where none came through."""
        ...


@public_type
class AsyncReplyStream:
    """The new text of a reply, piece by piece: an async iterator, and a context manager that ends the request.

    The message is sent when the stream is entered or first read. Leaving it early aborts the request.
    """

    def __init__(
        self, courier: MessageSender, place: Place, deadline: Deadline, *, want_events: bool = False
    ) -> None:
        self._sender = courier
        self._place = place
        self._deadline = deadline
        self._want_events = want_events
        self._reply = ReplyReader()
        self._items: deque[ReducedEvent | None] = deque()  # None: the body is over
        self._exchange: ResponseStream | None = None
        self._asked: QuestionRef | None = None
        self._remainder: HandoffPoller | None = None
        self._release: Callable[[ReplyReader | None], None] | None = None
        self._failure: StreamError | None = None
        self._idle_timer: IdleTimer | None = None
        self._chat: MessageSpan | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._shown = ""

    def __repr__(self) -> str:
        state = "closed" if self._closed else "new" if self._exchange is None else "open"
        return f"<{type(self).__name__} {state}, {len(self._reply.text)} characters>"

    # ---- what it says ------------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The whole text so far; without its Markdown where the client was made with ``markdown=False``."""
        return self._reply.text if self._sender.options.markdown else to_plain_text(self._reply.text)

    @property
    def conversation_id(self) -> str | None:
        """The conversation's id, once the site has named it."""
        return self._reply.conversation_id

    @property
    def message_id(self) -> str | None:
        """The reply's own id, which the next message names as its parent."""
        return self._reply.message_id

    @property
    def event(self) -> ConversationEvent | None:
        """The newest event, as the site sent it."""
        return self._reply.event

    # ---- reading -----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> AsyncReplyStream:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close(error=error)

    def __aiter__(self) -> AsyncReplyStream:
        return self

    async def __anext__(self) -> str:
        """The text that is new since the last piece.

        :raises ChatGPTError: what :meth:`AsyncChatGPTAPI.send_message` raises.
        """
        while (updates := await self._next_updates(limit=1)) is not None:
            piece = self._piece() if any(update.text is not None for update in updates) else ""
            if piece:
                return piece

        if piece := self._piece(at_end=True):
            return piece
        raise StopAsyncIteration

    async def close(self) -> None:
        """End the request, if it is still under way. May be called twice."""
        self._close()

    async def aclose(self) -> None:
        """The same as :meth:`close`, under the name that :func:`contextlib.aclosing` calls."""
        self._close()

    def _piece(self, *, at_end: bool = False) -> str:
        """What follows the text that has been shown. Plain text may still change until its block has ended."""
        text = self._reply.text
        if not self._sender.options.markdown:
            text = to_plain_text(text if at_end else _ended_blocks(text))
        if not text.startswith(self._shown):
            kept = _common_prefix(text, self._shown)
            piece, self._shown = text[kept:], text
            return piece
        piece, self._shown = text[len(self._shown) :], text
        return piece

    async def _next_updates(self, limit: int = _UPDATES_AT_ONCE) -> list[Update] | None:
        """What the next events have changed, at most ``limit`` of them; None when the reply is whole."""
        await self._open()
        if self._closed:
            return None
        try:
            self._check()
            if not (self._items or self._reply.done or self._failure):
                if self._reply.is_elsewhere:
                    return await self._read_on()
                await self._receive()
            return self._read(limit)
        except BaseException as exc:
            self._close(error=exc)
            raise self._with_partial_text(exc) from exc.__cause__

    def _check(self) -> None:
        """Raise what has ended the call meanwhile: while updates are handed out, nobody waits who could be told."""
        if self._idle_timer is not None and not self._closed:
            try:
                self._idle_timer.check()
            except BaseException as exc:
                raise self._with_partial_text(exc) from exc.__cause__

    async def _read_on(self) -> list[Update]:
        """The stream is over, the reply is not: what there is of it elsewhere by now."""
        assert self._remainder is not None
        with self._deadline.over():
            changed = await self._remainder.next()
        return [Update(self.text, None)] if changed else []

    def _read(self, limit: int) -> list[Update] | None:
        """Feed what is here to the reply. An error waits until what came before it has been handed out."""
        updates: list[Update] = []
        while self._items and len(updates) < limit and not self._is_over():
            seen = self._reply.events
            changed = False
            try:
                changed = self._feed()
            except StreamError as exc:
                # Without the frames that the event is in: it may repeat a token, and is the user's anyway.
                self._failure = exc.with_traceback(None)
            event = self._reply.event if self._want_events and self._reply.events > seen else None
            if changed or event is not None:
                updates.append(Update(self.text if changed else None, event))

        if updates:
            if self._chat is not None and self._reply.text:
                self._chat.text_received()
            return updates
        if self._failure is not None:
            raise self._failure
        if self._reply.done:
            self._close(self._reply)
            return None
        return updates

    def _feed(self) -> bool:
        item = self._items.popleft()  # in no frame that an error keeps
        return self._reply.end() if item is None else self._reply.feed(item)

    def _is_over(self) -> bool:
        return self._reply.done or self._reply.is_elsewhere or self._failure is not None

    async def _receive(self) -> None:
        """Take what comes next off the exchange. Where nothing more has to come, its end is not waited for without end."""
        if not self._reply.is_settled:
            await self._take_frame()
            return
        patience = min(_LAST_WORDS, self._sender.options.idle_timeout / 2)
        with anyio.move_on_after(patience) as scope:
            while not self._items:
                await self._take_frame()
        if scope.cancelled_caught:
            self._items.append(None)

    async def _take_frame(self) -> None:
        assert self._exchange is not None
        try:
            kind, *rest = await self._exchange.receive()
        except (BrowserCrashedError, StreamInterruptedError):  # its page is gone
            if not self._reply.is_settled:
                raise
            self._items.append(None)
            return
        if kind == "events":
            self._items.extend(rest[0])
        elif kind == "end" or (kind == "error" and self._reply.is_settled):
            self._items.append(None)
        elif kind == "error":
            damaged = rest[1] == "EncodingError"
            error = MalformedEventError if damaged else StreamInterruptedError
            raise error(f"the reply broke off: {rest[2]}")

    # ---- opening and closing -----------------------------------------------------------------------------------------

    async def _open(self) -> None:
        if self._closed or self._exchange is not None:
            return
        self._loop = asyncio.get_running_loop()
        try:
            with self._deadline.over():
                prompt = await self._place.enter()
                self._release = self._place.leave
                self._chat = self._sender.chat(prompt)
                with self._chat.activate():
                    end_turn = await self._sender.take_turn()
                    self._release = functools.partial(_release, self._place, end_turn, None, None)
                    self._deadline.check()  # one signal may have ended the message before this one too
                    self._exchange, self._asked = await self._sender.post(
                        prompt, self._chat, functools.partial(self._begin, end_turn)
                    )
                self._remainder = HandoffPoller(self._sender, self._reply, self._asked)
        except BaseException as exc:
            self._close(error=exc)
            raise
        self._idle_timer = self._deadline.idle_timer(self._exchange, self._sender.options.idle_timeout)
        self._release = functools.partial(_release, self._place, end_turn, self._exchange, self._idle_timer)
        # The turn is about what the site has under way, not about how fast the caller reads.
        self._exchange.when_settled(
            functools.partial(_end_turn, self._exchange, self._items, self._reply, end_turn)
        )

    def _begin(self, end_turn: Callable[[], None], exchange: ResponseStream) -> None:
        """The message is under way, whether or not its answer begins: the turn lasts until it is over."""
        self._release = functools.partial(_release, self._place, end_turn, exchange, None)

    def _close(self, reply: ReplyReader | None = None, error: BaseException | None = None) -> None:
        """Let go of everything. ``reply`` is given when it came through, ``error`` where that is why it did not."""
        self._closed = True
        if self._chat is not None:
            self._chat.end(error, conversation_id=self.conversation_id, message_id=self.message_id)
        release, self._release = self._release, None
        if release is None:
            return
        if reply is not None and self._asked is not None:
            self._sender.note_answered(self._asked)
        release(reply)

    def _with_partial_text(self, error: BaseException) -> BaseException:
        """The error, with what has come of the reply. One that the page gave to many streams is copied first."""
        if isinstance(error, BrowserCrashedError):
            return BrowserCrashedError(str(error), partial_text=self.text)
        if isinstance(error, ChatGPTError):
            error.partial_text = self.text
        if isinstance(error, StreamError):
            self._sender.hide_secrets(error)
            error.conversation_id, error.message_id = self.conversation_id, self.message_id
        return error

    def __del__(self) -> None:
        # Somebody broke out of a loop and let go of the stream: the request must not go on for nobody.
        if self._release is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._release, None)
        if self._chat is not None:
            self._chat.end(conversation_id=self.conversation_id, message_id=self.message_id)


def _release(
    place: Place,
    end_turn: Callable[[], None],
    exchange: ResponseStream | None,
    idle_timer: IdleTimer | None,
    reply: ReplyReader | None,
) -> None:
    """Give back all that a stream holds, in the order in which the next message wants it."""
    if idle_timer is not None:
        idle_timer.stop()
    if exchange is None:
        end_turn()
    else:
        exchange.leave(finished=reply is not None)
        exchange.when_over(end_turn)
    place.leave(reply)


def _end_turn(
    exchange: ResponseStream,
    items: deque[ReducedEvent | None],
    reply: ReplyReader,
    end_turn: Callable[[], None],
) -> None:
    """The stream is over, and so is the turn; unless the site goes on outside of it, as what is not read yet may say."""
    unread = (*items, *exchange.unread)
    if not (reply.is_handed_off or any(item is not None and is_handoff(item) for item in unread)):
        exchange.when_over(end_turn)


def _common_prefix(one: str, other: str) -> int:
    length = min(len(one), len(other))
    return next((index for index in range(length) if one[index] != other[index]), length)


def _ended_blocks(markdown: str) -> str:
    """The part of a growing Markdown text that more text can't change: all before its last empty line outside of code."""
    fenced, end, position = False, 0, 0
    for line in markdown.splitlines(keepends=True):
        position += len(line)
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not line.strip() and line.endswith("\n") and not fenced:
            end = position
    return markdown[:end]
