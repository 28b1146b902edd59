"""`TurnLog`: the events of one reply. They are sent by feeds: the response to the message, resumed responses, and WebSockets."""

from __future__ import annotations

import asyncio
import re
import sys
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from ..script.rest import Rest

_END_OF_EVENT = re.compile(rb"(?:\r\n|\n|\r){2}")
_TOKEN = b'"resume_conversation_token"'
_ENCODING = b"event: delta_encoding"

#: The value of `Entry.number` for events after the answer, for example `[DONE]`. It is larger than any number of
#: pieces, so a feed that ends after a given number of pieces does not send these events.
AFTER_ANSWER = sys.maxsize


class Entry(NamedTuple):
    """One event of a reply.

    `number` is the number of pieces of the answer that this event and the events before it contain. For an event after the
    answer, `number` is `AFTER_ANSWER`.
    """

    data: bytes
    number: int

    @property
    def is_preamble(self) -> bool:
        """True if this event is sent at the start of every feed."""
        return _TOKEN in self.data or self.data.startswith(_ENCODING)

    @property
    def is_counted(self) -> bool:
        """True if the page counts the event in the `offset` of a resume request. The page does not count the resume token."""
        return _TOKEN not in self.data


class TurnLog:
    """The events of one reply. One task appends them, and any number of tasks read them."""

    def __init__(self, conversation_id: str, rest: Rest, newline: str) -> None:
        self.conversation_id = conversation_id
        self.rest = rest
        self.turn_id: str = str(uuid.uuid4())
        self.topic_id: str = f"conversation-turn-{self.turn_id}"
        self.response_id: str = uuid.uuid4().hex[:16]
        self.entries: list[Entry] = []
        #: True after the response to the message has ended with a hand-off.
        self.is_handed_off = False
        #: The number of entries that the response to the message contains so far. None before the first entry.
        self.handed_over: int | None = None
        self._end = newline.encode() * 2
        self._is_finished = False
        self._waiters: set[asyncio.Future[None]] = set()

    def append(self, block: bytes, number: int) -> None:
        """Append the events in a block of text, and wake the readers. Comments, and events without data, are skipped."""
        for event in _END_OF_EVENT.split(block):
            if b"data: " in event:
                self.entries.append(Entry(event + self._end, number))
        self._wake()

    def finish(self) -> None:
        """Record that no more events follow."""
        self._is_finished = True
        self._wake()

    def first_index(self, offset: int | None = None) -> int:
        """Return the index of the first entry that a resumed response or a topic of a WebSocket contains.

        If the reply is repeated (see `Rest.repeats`), the index is 0. Otherwise, the events that the page has read are left out.

        :param offset: the number of events that the page has read, as in its resume request. For a topic, it is None: the page
            has read exactly the events of the response to the message.
        """
        if self.is_handed_off and self.rest.repeats:
            return 0
        return (self.handed_over or 0) if offset is None else self._index_after(offset)

    def _index_after(self, offset: int) -> int:
        counted = [index for index, entry in enumerate(self.entries) if entry.is_counted]
        return counted[offset] if offset < len(counted) else len(self.entries)

    async def read(self, index: int) -> AsyncIterator[tuple[int, Entry]]:
        """Yield each entry from this index on, with its index. Wait for later entries until the log is finished."""
        while True:
            for entry in self.entries[index:]:
                yield index, entry
                index += 1
            if index == len(self.entries):
                if self._is_finished:
                    return
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


class OpenSocket(Protocol):
    """An open WebSocket of a page."""

    def push(self, value: Any) -> None:
        """Send a JSON value to the page."""
        ...


class TurnLogs:
    """The logs of all replies with a `Rest`, the tasks that write these logs, and the open WebSockets of pages."""

    def __init__(self) -> None:
        #: The open WebSockets of pages.
        self.sockets: set[OpenSocket] = set()
        self._logs: list[TurnLog] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, log: TurnLog) -> None:
        """Add the log of a reply."""
        self._logs.append(log)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in a task that does not depend on a request."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def with_topic(self, topic_id: str) -> TurnLog | None:
        """Return the log whose topic has this ID, or None if there is no such log."""
        return next((log for log in self._logs if log.topic_id == topic_id), None)

    def with_response(self, response_id: str) -> TurnLog | None:
        """Return the log with this `response_id`, or None. The JSON response to the message contains this ID."""
        return next((log for log in self._logs if log.response_id == response_id), None)

    def newest(self, conversation_id: str) -> TurnLog | None:
        """Return the newest log of a conversation, or None if the conversation has no log."""
        return next((log for log in reversed(self._logs) if log.conversation_id == conversation_id), None)
