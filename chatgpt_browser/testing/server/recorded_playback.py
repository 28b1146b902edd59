"""`play_recorded`: sends a reply of a recording."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..recording.event_text import text_parts
from ..script.recorded_reply import role_of
from .response_writer import EVENT_STREAM
from .schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..script.recorded_reply import Recorded
    from .response_writer import ResponseWriter


async def play_recorded(step: Recorded, writer: ResponseWriter, commit: Callable[[str, str], None]) -> None:
    """Send a recorded reply.

    :param commit: called with the ID and the text so far of each assistant message.
    """
    await writer.head(200, EVENT_STREAM)
    schedule = Schedule()
    for at, recorded in step.events:
        event = step.renamed(recorded)
        await schedule.wait_until(None if step.speed is None else at / step.speed)
        await writer.chunk(
            b"data: " + json.dumps(event, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"
        )
        writer.record.events_sent += 1
        message, parts = event.get("message"), text_parts(event)
        if isinstance(message, dict) and parts is not None and role_of(message) == "assistant":
            commit(str(message.get("id")), "".join(part for part in parts if isinstance(part, str)))

    await schedule.wait_until(None if step.speed is None else step.ended_at / step.speed)
    if step.end in ("stalled", "left"):
        await writer.stall()
    elif step.end == "broken":
        await writer.drop()
    else:
        await writer.end(b'data: {"message": {"id"\n\n' if step.end == "garbled" else b"data: [DONE]\n\n")
