"""Sends replies: `ReplyPlayback` sends a `Reply`, and `play_recorded` sends a `Recorded`, which is a recorded reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..recording.file_format import text_of, text_parts
from ..script.reply_parts import marked_pieces
from ..script.responses import Answer
from ..script.steps import Pace, Recorded, Reply, role_of, split_words
from .response_writer import EVENT_STREAM, ResponseWriter
from .schedule import Schedule
from .step_playback import play

if TYPE_CHECKING:
    from ..data.conversations import Progress
    from ..script.cumulative_events import ReplyEvents
    from .change_notifier import ChangeNotifier


@dataclass(frozen=True)
class ReplyPlayback:
    """Sends one `Reply` to one client, at the pace of the reply, and with its hold, break or hand-off.

    `commit(sent, unsaid, progress)` stores the answer. `sent` is the text that was sent so far. `unsaid` contains the pieces that
    the client must fetch from the conversation: after a hand-off, or after a break with `continues`. `progress` is the progress
    of the stored answer (see `Progress`).

    If the client disconnects, the whole answer is stored, as on the site. But if the reply has a gate or a break, or if its
    pieces come from an iterator, only the part that was sent is stored.
    """

    events: ReplyEvents
    commit: Callable[[str, list[str], Progress], None]
    changes: ChangeNotifier
    #: The pace of a reply that sets neither `pace` nor `interval`.
    pace: Pace | None = None
    _sent: list[str] = field(default_factory=list, init=False)
    _unsaid: list[str] = field(default_factory=list, init=False)

    async def play(self, writer: ResponseWriter) -> None:
        """Send the whole response: the events before the answer, the answer, and the events after the answer."""
        reply = self.events.reply
        if reply.as_json:
            self._unsaid.extend([piece async for piece, _ in _pieces_of(reply)])
            self._commit(self._final_progress())
            await play(Answer(200, self.events.websocket()), writer)
            return

        send = _byte_by_byte(writer) if reply.byte_by_byte else writer.chunk
        await writer.head(200, EVENT_STREAM)
        await _send_all(send, [*self.events.opening(), *self.events.side_message_events()])
        if reply.has_answer:
            await self._send_answer(writer, send)
        await _send_all(send, self.events.closing())
        if reply.hang_after_done:
            await writer.stall()

        await writer.end()

    async def _send_answer(self, writer: ResponseWriter, send: Callable[[bytes], Awaitable[None]]) -> None:
        reply, is_sent = self.events.reply, False
        ends = bool(reply.done or reply.final_status or reply.after_done)
        source = _all_pieces(reply)
        rest = source if isinstance(source, Sequence) else None
        try:
            await self._send_pieces(writer, send)
            is_sent = ends
        except asyncio.CancelledError:  # the client has disconnected
            if reply.gate is None and reply.break_after is None and rest is not None:
                self._sent[:], self._unsaid[:] = rest, []
                is_sent = ends
            raise
        finally:
            if reply.continues and not is_sent and rest is not None:
                self._unsaid.extend(rest[len(self._sent) :])
            self._commit("interrupted" if not (is_sent or reply.continues) else self._final_progress())

    def _final_progress(self) -> Progress:
        finish = self.events.reply.finish
        return "finished" if finish == "stop" else finish

    def _commit(self, progress: Progress) -> None:
        if self._sent or self._unsaid:
            self.commit("".join(self._sent), self._unsaid, progress)

    async def _send_pieces(self, writer: ResponseWriter, send: Callable[[bytes], Awaitable[None]]) -> None:
        reply, schedule = self.events.reply, Schedule()
        pace = reply.pace or Pace.of_interval(reply.interval) or self.pace
        fillers, encode = self.events.fillers(), self.events.piece_encoder()
        is_complete = self.events.is_complete
        characters = 0
        async with aclosing(_pieces_of(reply)) as pieces:
            async for piece, is_last in pieces:
                sent = len(self._sent)
                if reply.handoff_after is not None and sent >= reply.handoff_after:
                    self._unsaid.append(piece)
                    continue
                characters += len(piece) if sent else 0
                await self._hold_or_break(sent, writer, schedule)
                await schedule.wait_until(None if pace is None else pace.due(sent, characters))
                await send(encode(piece, is_last and is_complete))
                self._sent.append(piece)
                writer.record.events_sent = sent + 1
                if sent == 0 or self.changes.are_watched:
                    # The first event contains the ID of the answer. After this event, the client can send a message whose parent
                    # is this answer. So the answer must be stored now.
                    self._commit("in_progress")
                    self.changes.notify()
                if fillers:
                    await _send_all(send, fillers)

        await self._hold_or_break(len(self._sent), writer, schedule, last=True)

    async def _hold_or_break(
        self, sent: int, writer: ResponseWriter, schedule: Schedule, *, last: bool = False
    ) -> None:
        reply = self.events.reply
        if reply.gate is not None and reply.hold_after is not None and _due(sent, reply.hold_after, last):
            self._commit("in_progress")
            await schedule.hold(reply.gate)
        if reply.break_after is not None and _due(sent, reply.break_after, last):
            await writer.drop()


async def play_recorded(step: Recorded, writer: ResponseWriter, commit: Callable[[str, str], None]) -> None:
    """Send a recorded reply.

    :param commit: a function that stores an assistant message. After each event of an assistant message, it is called with the
        message's ID and the message's text so far.
    """
    await writer.head(200, EVENT_STREAM)
    schedule = Schedule()
    if step.encoding == "delta":
        await writer.chunk(b'event: delta_encoding\ndata: "v1"\n\n')
    for at, recorded in step.events:
        event = step.renamed(recorded)
        await schedule.wait_until(None if step.speed is None else at / step.speed)
        is_delta = step.encoding == "delta" and not event.keys() & {"type", "message"}
        line = f"{'event: delta' * is_delta}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".lstrip("\n")
        await writer.chunk(line.encode("utf-8", "replace"))
        writer.record.events_sent += 1
        if text_parts(event) is not None and role_of(event["message"]) == "assistant":
            commit(str(event["message"].get("id")), text_of(event))

    if step.final is not None:
        commit(step.renamed_text(step.final[0]), step.final[1])
    await _end_recorded(step, writer, schedule)


async def _end_recorded(step: Recorded, writer: ResponseWriter, schedule: Schedule) -> None:
    await schedule.wait_until(None if step.speed is None else step.ended_at / step.speed)
    if step.end in ("stalled", "left"):
        await writer.stall()
    elif step.end == "broken":
        await writer.drop()
    else:
        await writer.end(b'data: {"message": {"id"\n\n' if step.end == "garbled" else b"data: [DONE]\n\n")


def _all_pieces(reply: Reply) -> Iterable[str] | AsyncIterator[str]:
    pieces = split_words(reply.text) if reply.pieces is None else reply.pieces
    return marked_pieces(reply, pieces) if isinstance(pieces, Sequence) and reply.citations else pieces


async def _pieces_of(reply: Reply) -> AsyncGenerator[tuple[str, bool], None]:
    """Yield pairs: a piece of the reply, and True if it is the last piece.

    While an iterator is read, it is not known which piece is the last one. So for an iterator, an empty last piece is added.
    """
    source = _all_pieces(reply)
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


def _due(sent: int, wanted: int, last: bool) -> bool:
    return sent == wanted or (last and wanted > sent)


async def _send_all(send: Callable[[bytes], Awaitable[None]], blocks: Iterable[bytes]) -> None:
    for block in blocks:
        await send(block)


def _byte_by_byte(writer: ResponseWriter) -> Callable[[bytes], Awaitable[None]]:
    async def send(data: bytes) -> None:
        for index in range(len(data)):
            await writer.chunk(data[index : index + 1])
            # Yield to the event loop, so that the byte is written to the socket before the next byte is sent.
            await asyncio.sleep(0)

    return send
