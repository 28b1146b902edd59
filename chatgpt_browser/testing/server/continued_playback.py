"""`ContinuedPlayback`: sends the first part of a `Reply` as the response. Other responses or a WebSocket contain the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..script.reply_parts import marked_pieces
from ..script.responses import Answer
from ..script.steps import Pace, split_words
from .json_body import json_object
from .response_writer import EVENT_STREAM
from .schedule import Schedule
from .step_playback import play
from .turn_log import AFTER_ANSWER
from .turn_socket import SOCKET_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..data.conversations import Progress
    from ..data.recorded_request import RecordedRequest
    from ..script.cumulative_events import ReplyEvents
    from .response_writer import ResponseWriter
    from .site import Site
    from .turn_log import TurnLog


@dataclass(frozen=True)
class ContinuedPlayback:
    """The playback of one `Reply` with a `Rest`.

    A task writes all events into a `TurnLog`, even if no client reads them. The response contains only the first events.
    """

    site: Site
    events: ReplyEvents
    log: TurnLog
    commit: Callable[[str, list[str], Progress], None]

    async def play(self, writer: ResponseWriter) -> None:
        """Send the response: the events up to the hand-off or the break, or the JSON object that announces the reply."""
        reply = self.events.reply
        self.site.turns.add(self.log)
        self.site.turns.start(self._write_log())
        if reply.as_json:
            await play(Answer(200, self._document()), writer)
            return
        await writer.head(200, EVENT_STREAM)
        limit = reply.break_after if reply.handoff_after is None else reply.handoff_after
        if limit is None:
            raise ValueError("Reply.rest needs handoff_after, break_after or as_json")
        async for index, entry in self.log.read(0):
            if entry.number > limit:
                break
            await writer.chunk(entry.data)
            self.log.handed_over = index + 1
            writer.record.events_sent = entry.number
        if reply.handoff_after is None:
            await writer.drop()
        self.log.is_handed_off = True
        await writer.end(self._handoff())

    def _document(self) -> dict[str, Any]:
        """Return the JSON object that announces the reply. It contains the address of the page's WebSocket."""
        ids = {"conversation_id": self.log.conversation_id, "response_id": self.log.response_id}
        return {"wss_url": socket_url(self.site, response_id=self.log.response_id), **ids}

    def _handoff(self) -> bytes:
        kind = "subscribe_ws_topic" if self.log.rest.via == "socket" else "resume_sse_endpoint"
        event = {
            "type": "stream_handoff",
            "conversation_id": self.log.conversation_id,
            "turn_exchange_id": self.log.turn_id,
            "options": [{"type": kind, "topic_id": self.log.topic_id}],
        }
        return f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()

    async def _write_log(self) -> None:
        try:
            await self._write()
        except Exception as error:
            self.site.note_error(error)
        finally:
            self.log.finish()

    async def _write(self) -> None:
        """Write all events of the reply into the log, and its text into the conversation, at the pace of the reply."""
        reply = replace(self.events.reply, handoff_after=None)
        events, log, schedule = replace(self.events, reply=reply), self.log, Schedule()
        pieces = marked_pieces(reply, _pieces_of(reply.text if reply.pieces is None else reply.pieces))
        pace = reply.pace or Pace.of_interval(reply.interval) or self.site.settings.pace
        for block in [*events.opening(), *events.side_message_events()]:
            log.append(block, 0)
        encode, characters = events.piece_encoder(), 0
        for index, piece in enumerate(pieces):
            characters += len(piece) if index else 0
            if reply.gate is not None and reply.hold_after == index:
                await schedule.hold(reply.gate)
            await schedule.wait_until(None if pace is None else pace.due(index, characters))
            is_last = index == len(pieces) - 1
            log.append(encode(piece, is_last and events.is_complete), index + 1)
            self.commit("".join(pieces[: index + 1]), [], "finished" if is_last else "in_progress")
        for block in events.closing():
            log.append(block, AFTER_ANSWER)


def _pieces_of(source: Any) -> Sequence[str]:
    return split_words(source) if isinstance(source, str) else [*source]


def socket_url(site: Site, **query: str) -> str:
    """Return the address of the WebSocket. `query` contains the parameters of the address."""
    fields = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{site.origin.replace('http', 'ws', 1)}{SOCKET_PATH}?{fields}"


async def resume_reply(site: Site, record: RecordedRequest, writer: ResponseWriter) -> None:
    """Respond to `POST /f/conversation/resume`: with the rest of the newest reply of a conversation, or with a 404."""
    body = json_object(record)
    log = site.turns.newest(str(body.get("conversation_id")))
    offset = body.get("offset")
    refusal = site.session.refuse(record)
    if refusal is None and (log is None or log.rest.via != "resume" or not isinstance(offset, int)):
        code = "tokenless_resume_unavailable"
        refusal = Answer.error(404, {"message": "This reply cannot be resumed.", "code": code})
    if refusal is not None:
        await play(refusal, writer)
        return
    assert log is not None and isinstance(offset, int)
    await writer.head(200, EVENT_STREAM)
    for entry in log.entries:
        if entry.is_preamble:
            await writer.chunk(entry.data)
    limit, sent = log.rest.ends_after, 0
    async for _, entry in log.read(log.first_index(offset)):
        if limit is not None and sent <= limit < entry.number and sent:
            await writer.drop()
        if not entry.is_preamble:
            await writer.chunk(entry.data)
            sent = entry.number
    await writer.end()
