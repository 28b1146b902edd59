"""Playing a step: the only place where scripted time passes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .answers import Answer
from .gate import Gate, Hold
from .steps import BREAK, Break, RawBody, Stall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .events import ReplyEvents
    from .steps import Step
    from .wire import Wire

_EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
# Sending to a socket with room does not yield: without a pause now and then, one long reply would hold up
# all others, and the news that its client has left.
_EVENTS_PER_TURN = 8


class Pace:
    """An absolute schedule: the n-th event is due `n * interval` after the first."""

    def __init__(self, interval_ms: float) -> None:
        self._interval = interval_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()

    async def wait(self, index: int) -> None:
        """Wait until the event with this index is due; without an interval, let others run now and then."""
        if self._interval:
            await asyncio.sleep(max(0.0, self._start + index * self._interval - self._loop.time()))
        elif index % _EVENTS_PER_TURN == 0:
            await asyncio.sleep(0)

    async def hold(self, gate: Gate) -> None:
        """Wait at a gate. The schedule moves along: a hold is not lateness to be made up for."""
        before = self._loop.time()
        await gate.wait()
        self._start += self._loop.time() - before


@dataclass(frozen=True)
class ReplyPlayback:
    """Sends one `Reply`; `commit` is told how much of its text went out, whole or not."""

    events: ReplyEvents
    commit: Callable[[str], None]

    async def play(self, wire: Wire) -> None:
        """Send it all."""
        reply = self.events.reply
        send = _byte_by_byte(wire) if reply.byte_by_byte else wire.chunk
        await wire.head(200, _EVENT_STREAM)
        await _send_all(send, self.events.opening())
        try:
            await self._pieces(wire, send)
        finally:
            self._commit(wire)

        await _send_all(send, self.events.closing())
        if reply.hang_after_done:
            await wire.stall()

        await wire.end()

    def _commit(self, wire: Wire) -> None:
        if wire.record.events_sent:
            self.commit("".join(self.events.pieces[: wire.record.events_sent]))

    async def _pieces(self, wire: Wire, send: Callable[[bytes], Awaitable[None]]) -> None:
        pieces = self.events.pieces
        pace = Pace(self.events.reply.interval)
        fillers = self.events.fillers()
        for index, event in enumerate(self.events.pieces_as_events(pieces)):
            await self._before(index, wire, pace)
            await pace.wait(index)
            await send(event)
            wire.record.events_sent = index + 1
            if index == 0:
                # From here on the client knows the message's id and may go on from it.
                self._commit(wire)
            if fillers:
                await _send_all(send, fillers)

        await self._before(len(pieces), wire, pace, last=True)

    async def _before(self, sent: int, wire: Wire, pace: Pace, *, last: bool = False) -> None:
        reply = self.events.reply
        if reply.gate is not None and reply.hold_after is not None and _due(sent, reply.hold_after, last):
            self._commit(wire)
            await pace.hold(reply.gate)
        if reply.break_after is not None and _due(sent, reply.break_after, last):
            await wire.drop()


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
    pace = Pace(step.interval)
    for chunk in step.chunks:
        if chunk is BREAK:
            await wire.drop()
        elif isinstance(chunk, Hold):
            await pace.hold(chunk.gate)
        else:
            await pace.wait(wire.record.events_sent)
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
