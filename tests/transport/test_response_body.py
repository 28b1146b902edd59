"""Bodies as the browser hands them over: as a stream, or whole at the end."""

from __future__ import annotations

import base64

import pytest
from playwright.async_api import Error as PlaywrightError

from chatgpt_browser._transport.site_ui.response_body import BodySource, BodyState
from tests.support.cdp_event_source import CDPEventSource

pytestmark = pytest.mark.anyio

STREAM = "Network.streamResourceContent"


async def test_body_source_refused_stream_reads_whole_body_at_end() -> None:
    cdp, chunks = CDPEventSource(), list[bytes]()
    body = BodySource(cdp.session, "1", chunks.append)
    states = [body.state]
    cdp.complete(STREAM, PlaywrightError("no stream"))
    await body.open()
    states.append(body.state)
    body.add({"dataLength": 3})
    cdp.complete(
        "Network.getResponseBody", {"body": base64.b64encode(b"abc").decode(), "base64Encoded": True}
    )
    await body.finish()

    assert states == [BodyState.REQUESTED, BodyState.BUFFERED]
    assert chunks == [b"abc"]


async def test_body_source_agreed_stream_does_not_read_body_again() -> None:
    cdp, chunks = CDPEventSource(), list[bytes]()
    body = BodySource(cdp.session, "1", chunks.append)
    cdp.complete(STREAM, {"bufferedData": base64.b64encode(b"a").decode()})
    await body.open()
    assert body.state is BodyState.STREAMED
    body.add({"dataLength": 1, "data": base64.b64encode(b"b").decode()})
    await body.finish()

    assert chunks == [b"a", b"b"]
    assert [method for method, _ in cdp.commands] == [STREAM]


@pytest.mark.parametrize(("received", "is_valid"), [(b"fo\xef\xbf\xbdur", True), (b"fo\xffur", False)])
async def test_body_source_decoded_body_keeps_damage(received: bytes, is_valid: bool) -> None:
    """The browser replaces each invalid byte by U+FFFD, which is three bytes long."""
    cdp, chunks = CDPEventSource(), list[bytes]()
    body = BodySource(cdp.session, "1", chunks.append)
    cdp.complete(STREAM, PlaywrightError("no stream"))
    await body.open()
    body.add({"dataLength": len(received)})
    cdp.complete("Network.getResponseBody", {"body": "fo\ufffdur", "base64Encoded": False})
    await body.finish()

    assert chunks == [received]
    assert is_valid == ("\ufffd".encode() in chunks[0])


@pytest.mark.parametrize("text", ["ünïcödé – “日本語” 🎉 €", "".join(map(chr, range(0x20, 0x250)))])
async def test_body_source_body_decoded_without_charset_returns_received_bytes(text: str) -> None:
    """Chromium decodes an event stream as windows-1252 if the response names no charset."""
    cdp, chunks = CDPEventSource(), list[bytes]()
    body = BodySource(cdp.session, "1", chunks.append)
    cdp.complete(STREAM, PlaywrightError("already finished"))
    await body.open()
    received = text.encode()
    body.add({"dataLength": len(received)})
    decoded = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in received)
    cdp.complete("Network.getResponseBody", {"body": decoded, "base64Encoded": False})
    await body.finish()

    assert chunks == [received]
