"""`play`: sends the response for a step that needs no conversation (`Answer`, `RawBody`, `Stall`, `Break`)."""

from __future__ import annotations

import asyncio

from ..script.gate import Gate, Hold
from ..script.responses import Answer
from ..script.steps import BREAK, Break, Pace, RawBody, Stall, Step
from .response_writer import EVENT_STREAM, ResponseWriter
from .schedule import Schedule


async def play(step: Step, writer: ResponseWriter) -> None:
    """Send the response for a step that needs no conversation.

    :raises TypeError: if the step is a `Reply` or a `Recorded`, because these steps need a conversation.
    """
    if isinstance(step, Answer):
        await _answer(step, writer)
    elif isinstance(step, RawBody):
        await _raw_body(step, writer)
    elif isinstance(step, Stall):
        await _stall(step, writer)
    elif isinstance(step, Break):
        await _break(step, writer)
    else:
        raise TypeError(f"{type(step).__name__} can only answer POST /backend-api/conversation")


async def _answer(step: Answer, writer: ResponseWriter) -> None:
    content_type, body = step.encode()
    headers = [("content-type", content_type), ("content-length", str(len(body))), *step.headers]
    await writer.head(step.status, headers)
    await writer.end(body)


async def _raw_body(step: RawBody, writer: ResponseWriter) -> None:
    await writer.head(step.status, [("content-type", step.content_type), ("cache-control", "no-cache")])
    schedule, pace = Schedule(), Pace.of_interval(step.interval)
    for chunk in step.items:
        if chunk is BREAK:
            await writer.drop()
        elif isinstance(chunk, Hold):
            await schedule.hold(chunk.gate)
        else:
            sent = writer.record.events_sent
            await schedule.wait_until(None if pace is None else pace.due(sent, 0))
            await writer.chunk(chunk)
            writer.record.events_sent += 1

    await writer.end()


async def _stall(step: Stall, writer: ResponseWriter) -> None:
    if not step.before_head:
        await writer.head(200, EVENT_STREAM)
    if step.gate is None:
        await writer.stall()

    await step.gate.wait()
    if step.before_head:
        await writer.head(200, EVENT_STREAM)

    await writer.end()


async def _break(step: Break, writer: ResponseWriter) -> None:
    if isinstance(step.after, Gate):
        await step.after.wait()
    else:
        await asyncio.sleep(step.after / 1000)

    await writer.drop()
