"""The event stream with a client that accepts data slowly or not at all, and the limits of a request's body."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from chatgpt_browser.server import event_stream, request_body
from chatgpt_browser.server.departure import ClientLeftError
from chatgpt_browser.server.errors import APIError
from chatgpt_browser.server.event_stream import EventStream

pytestmark = pytest.mark.anyio


class SlowClient:
    """The `send` of a client that accepts nothing until `reads` is set. `parts` contains what it has accepted."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.parts: list[bytes] = []

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
            self.parts.append(message["body"])


async def test_event_stream_slow_client_gets_all_events_in_few_writes() -> None:
    client = SlowClient()
    async with EventStream(client) as stream:
        for number in range(1000):
            stream.add(b"%d " % number)
            if number == 0:
                await asyncio.sleep(0)  # the first event is being written
        client.reads.set()

    assert b"".join(client.parts).split() == [b"%d" % number for number in range(1000)]
    assert len(client.parts) <= 3


async def test_event_stream_client_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_STALL_TIMEOUT", 0.01)
    with pytest.raises(ClientLeftError):
        async with EventStream(SlowClient()) as stream:
            stream.add(b"1")


async def test_event_stream_client_that_stalls_at_the_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "_STALL_TIMEOUT", 0.01)

    async def send(message: Any) -> None:
        """Wait for the client before the next part, as uvicorn does, and not after a large part."""
        if not message.get("more_body", True):
            await asyncio.Event().wait()

    with pytest.raises(ClientLeftError):
        with anyio.fail_after(60):
            async with EventStream(send) as stream:
                stream.add(b"1")


async def test_event_stream_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_KEEP_ALIVE", 0.001)
    has_comment = asyncio.Event()

    async def send(message: Any) -> None:
        if message.get("body", b"").startswith(b":"):
            has_comment.set()

    async with EventStream(send):
        await asyncio.wait_for(has_comment.wait(), 60)


# ---- bodies ----------------------------------------------------------------------------------------------------------


def request(receive: Any, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


async def test_body_too_large_is_read_without_keeping_it() -> None:
    left = iter(range(100))

    async def receive() -> Any:
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": next(left) < 98}

    tracemalloc.start()
    with pytest.raises(APIError) as refused:
        await request_body.read_body(request(receive, content_length=str(100 << 20)), dict)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.status == 413
    assert peak < 5 << 20


async def test_body_that_stops_arriving_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "_IDLE_TIMEOUT", 0.01)

    async def receive() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(APIError) as refused:
        await request_body.read_body(request(receive), dict)
    assert refused.value.status == 408


async def test_body_of_client_that_waits_for_permission_is_refused_without_reading() -> None:
    async def receive() -> Any:
        raise AssertionError("the body was requested")

    with pytest.raises(APIError) as refused:
        await request_body.read_body(
            request(receive, content_length=str(1 << 30), expect="100-continue"), dict
        )
    assert refused.value.status == 413


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"\xff", b"null"),
        rb'{"a": ["\uD83D"]}',
        r'{"a": ["\ud83d"]}'.encode("utf-16"),
        '{"a": ["\ud83d"]}'.encode("utf-8", "surrogatepass"),
    ],
)
async def test_body_that_is_no_object_or_no_text_is_refused(body: bytes) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    with pytest.raises(APIError) as refused:
        await request_body.read_body(request(receive), dict)
    assert (refused.value.status, refused.value.code) == (400, "invalid_json")


async def test_body_with_both_halves_of_a_surrogate_pair_is_accepted() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": rb'{"a": "\ud83d\ude00"}'}

    assert await request_body.read_body(request(receive), dict) == {"a": "\U0001f600"}
