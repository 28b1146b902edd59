"""`ResponseWriter`: the transitions between the states of a response."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatgpt_browser.testing import RecordedRequest
from chatgpt_browser.testing.server.response_writer import ResponseState, ResponseWriter


class RecordingSend:
    """An ASGI `send` that stores its messages."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)


def make_writer(send: RecordingSend) -> tuple[ResponseWriter, asyncio.Event]:
    """Return a writer, and an event that is set when the writer breaks the connection."""
    dropped = asyncio.Event()
    return ResponseWriter(RecordedRequest("GET", "/", "", [], b"", "2"), send, dropped.set), dropped


@pytest.mark.anyio
async def test_response_writer_complete_response_walks_all_states() -> None:
    send = RecordingSend()
    writer, _ = make_writer(send)
    states = [writer.state]
    for step in (writer.head(200, []), writer.chunk(b"a"), writer.end(b"b")):
        await step
        states.append(writer.state)

    assert states == [
        ResponseState.WAITING,
        ResponseState.STREAMING,
        ResponseState.STREAMING,
        ResponseState.ENDING,
    ]
    assert writer.record.status == 200
    await writer.finish_abandoned()
    assert len(send.messages) == 3, "a complete response needs no further message"


@pytest.mark.anyio
@pytest.mark.parametrize("with_head", [False, True])
async def test_response_writer_drop_breaks_connection(with_head: bool) -> None:
    writer, dropped = make_writer(RecordingSend())
    if with_head:
        await writer.head(200, [])
    dropping = asyncio.ensure_future(writer.drop())
    await dropped.wait()
    dropping.cancel()

    assert writer.state is ResponseState.DROPPED
    assert writer.record.dropped


@pytest.mark.anyio
@pytest.mark.parametrize("with_head", [False, True])
async def test_response_writer_abandoned_response_is_completed(with_head: bool) -> None:
    send = RecordingSend()
    writer, _ = make_writer(send)
    if with_head:
        await writer.head(200, [])
    await writer.finish_abandoned()

    assert [message["type"].rpartition(".")[2] for message in send.messages] == ["start", "body"]
    assert send.messages[0]["status"] == (200 if with_head else 499)
