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
