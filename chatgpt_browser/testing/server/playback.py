"""Playing a step: the only place where scripted time passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..script.cumulative_events import cut
from ..script.gate import Gate, Hold
from ..script.pace import Pace, Schedule
from ..script.responses import Answer
from ..script.steps import BREAK, Break, RawBody, Stall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ..script.cumulative_events import ReplyEvents
    from ..script.steps import Reply, Step
    from .change_notifier import Changes
    from .response_writer import Wire

_EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]


@dataclass(frozen=True)
class ReplyPlayback:
    """Sends one `Reply`; `commit` is told how much of its text went out, whole or not, and what is left for elsewhere."""

    events: ReplyEvents
    commit: Callable[[str, list[str]], None]
    changes: Changes
    #: How fast a reply comes that does not say so itself.
    pace: Pace | None = None
    _sent: list[str] = field(default_factory=list, init=False)
    _unsaid: list[str] = field(default_factory=list, init=False)

    async def play(self, wire: Wire) -> None:
        """Send it all."""
        reply = self.events.reply
        send = _byte_by_byte(wire) if reply.byte_by_byte else wire.chunk
        await wire.head(200, _EVENT_STREAM)
        await _send_all(send, [*self.events.opening(), *self.events.asides()])
        try:
            await self._pieces(wire, send)
        finally:
            self._commit()

        await _send_all(send, self.events.closing())
        if reply.hang_after_done:
            await wire.stall()

        await wire.end()

    def _commit(self) -> None:
        if self._sent:
            self.commit("".join(self._sent), self._unsaid)

    async def _pieces(self, wire: Wire, send: Callable[[bytes], Awaitable[None]]) -> None:
        reply, schedule = self.events.reply, Schedule()
        pace = reply.pace or Pace.of_interval(reply.interval) or self.pace
        fillers, growing = self.events.fillers(), self.events.growing()
        comes_through = self.events.comes_through
        characters = 0
        async with aclosing(pieces_of(reply)) as pieces:
            async for piece, is_last in pieces:
                sent = len(self._sent)
                if reply.handoff_after is not None and sent >= reply.handoff_after:
                    self._unsaid.append(piece)
                    continue
                characters += len(piece) if sent else 0
                await self._before(sent, wire, schedule)
                await schedule.wait_until(None if pace is None else pace.due(sent, characters))
                await send(growing.add(piece, finished=is_last and comes_through))
                self._sent.append(piece)
                wire.record.events_sent = sent + 1
                if sent == 0 or self.changes.are_watched:
                    # From the first on the client knows the message's id and may go on from it.
                    self._commit()
                    self.changes.note()
                if fillers:
                    await _send_all(send, fillers)

        await self._before(len(self._sent), wire, schedule, last=True)

    async def _before(self, sent: int, wire: Wire, schedule: Schedule, *, last: bool = False) -> None:
        reply = self.events.reply
        if reply.gate is not None and reply.hold_after is not None and _due(sent, reply.hold_after, last):
            self._commit()
            await schedule.hold(reply.gate)
        if reply.break_after is not None and _due(sent, reply.break_after, last):
            await wire.drop()


async def pieces_of(reply: Reply) -> AsyncGenerator[tuple[str, bool], None]:
    """The pieces of a reply as they come, each with whether it is the last: a source that is asked piece by piece
    doesn't know that, and ends with an empty one."""
    source = cut(reply.text) if reply.pieces is None else reply.pieces
    if isinstance(source, Sequence):
        pieces = [*source] or [""]
        for index, piece in enumerate(pieces):
            yield piece, index == len(pieces) - 1
        return

    if isinstance(source, AsyncIterator):
        async with AsyncExitStack() as stack:
            if isinstance(source, AsyncGenerator):
                await stack.enter_async_context(aclosing(source))
            async for piece in source:
                yield piece, False
    else:
        for piece in source:
            yield piece, False

    yield "", True


async def play(step: Step, wire: Wire) -> None:
    """Send a step that needs no conversation.

    :raises TypeError: for a `Reply`, which does.
    """
    if isinstance(step, Answer):
        await _answer(step, wire)
    elif isinstance(step, RawBody):
        await _raw_body(step, wire)
    elif isinstance(step, Stall):
        await _stall(step, wire)
    elif isinstance(step, Break):
        await _break(step, wire)
    else:
        raise TypeError(f"{type(step).__name__} answers POST /backend-api/conversation alone")


async def _answer(step: Answer, wire: Wire) -> None:
    content_type, body = step.encode()
    headers = [("content-type", content_type), ("content-length", str(len(body))), *step.headers]
    await wire.head(step.status, headers)
    await wire.end(body)


async def _raw_body(step: RawBody, wire: Wire) -> None:
    await wire.head(step.status, [("content-type", step.content_type), ("cache-control", "no-cache")])
    schedule, pace = Schedule(), Pace.of_interval(step.interval)
    for chunk in step.chunks:
        if chunk is BREAK:
            await wire.drop()
        elif isinstance(chunk, Hold):
            await schedule.hold(chunk.gate)
        else:
            sent = wire.record.events_sent
            await schedule.wait_until(None if pace is None else pace.due(sent, 0))
            await wire.chunk(chunk)
            wire.record.events_sent += 1

    await wire.end()


async def _stall(step: Stall, wire: Wire) -> None:
    if not step.before_head:
        await wire.head(200, _EVENT_STREAM)
    if step.gate is None:
        await wire.stall()

    await step.gate.wait()
    if step.before_head:
        await wire.head(200, _EVENT_STREAM)

    await wire.end()


async def _break(step: Break, wire: Wire) -> None:
    if isinstance(step.after, Gate):
        await step.after.wait()
    else:
        await asyncio.sleep(step.after / 1000)

    await wire.drop()


def _due(sent: int, wanted: int, last: bool) -> bool:
    return sent == wanted or (last and wanted > sent)


async def _send_all(send: Callable[[bytes], Awaitable[None]], blocks: Iterable[bytes]) -> None:
    for block in blocks:
        await send(block)


def _byte_by_byte(wire: Wire) -> Callable[[bytes], Awaitable[None]]:
    async def send(data: bytes) -> None:
        for index in range(len(data)):
            await wire.chunk(data[index : index + 1])
            # Lets the byte reach the socket before the next one can join it.
            await asyncio.sleep(0)

    return send
