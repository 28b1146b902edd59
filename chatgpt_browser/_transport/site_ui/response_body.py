"""Reads, over the DevTools protocol, the body of a response to the site's page, and decodes the body into frames."""

from __future__ import annotations

import asyncio
import base64
import codecs
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import to_library_error
from ..._core.log import logger
from ..._protocol.sse import EventReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import CDPSession

    from ..._core.models import Head
    from ..response_stream import Frame


#: The UTF-8 bytes of the replacement character. A browser replaces bytes that are not valid UTF-8 with this character.
_REPLACEMENT = "\ufffd".encode()
#: Maps each character of windows-1252 that is not in Latin-1 to the byte that a browser has decoded to this character
#: [https://encoding.spec.whatwg.org/#windows-1252].
_WINDOWS_1252 = {
    ord(character): byte
    for byte in range(0x80, 0xA0)
    if (character := bytes([byte]).decode("cp1252", "ignore"))
}


class BodyState(Enum):
    """The way in which the browser provides the body of a response."""

    #: The browser was asked to stream the body, but has not replied yet.
    REQUESTED = "requested"
    #: The browser sends each chunk as it arrives.
    STREAMED = "streamed"
    #: The browser stores the body. The whole body can be read when the request has ended.
    BUFFERED = "buffered"


class BodySource:
    """Reads the bytes of one response body. ``on_chunk`` is called with each chunk, in order.

    States of the body::

        REQUESTED --browser streams the body--> STREAMED
        REQUESTED --browser refuses to stream--> BUFFERED
    """

    def __init__(self, cdp: CDPSession, request_id: str, on_chunk: Callable[[bytes], object]) -> None:
        #: The browser's id of the request.
        self.request_id = request_id
        self.state = BodyState.REQUESTED
        self._cdp = cdp
        self._on_chunk = on_chunk
        self._is_decided = asyncio.Event()
        #: Chunks that arrived before the browser's reply. The reply itself contains the bytes before these chunks.
        self._pending: list[bytes] = []
        self._length = 0

    async def open(self) -> None:
        """Command the browser to send each chunk of the body as soon as the chunk arrives. Wait for the browser's reply.

        Call this as soon as the request is known: after the response has failed, the browser refuses the command.
        """
        try:
            result = await self._send("Network.streamResourceContent")
            self.state = BodyState.STREAMED
            pending, self._pending = self._pending, []
            for chunk in (base64.b64decode(result["bufferedData"]), *pending):
                self._on_chunk(chunk)
        except PlaywrightError as exc:
            self.state = BodyState.BUFFERED
            logger.debug("the response cannot be read as it arrives: %s", to_library_error(exc))
        finally:
            self._is_decided.set()

    def add(self, event: dict[str, Any]) -> None:
        """Process a ``Network.dataReceived`` event."""
        self._length += event["dataLength"]
        if not event.get("data"):
            return
        chunk = base64.b64decode(event["data"])
        if self.state is BodyState.STREAMED:
            self._on_chunk(chunk)
        else:
            self._pending.append(chunk)

    async def wait_until_decided(self) -> None:
        """Wait until the browser has replied to the command of :meth:`open`, or until that command has failed."""
        await self._is_decided.wait()

    async def finish(self) -> None:
        """If the body was not streamed, read the whole body. Call this after the HTTP request has ended."""
        await self.wait_until_decided()
        if self.state is not BodyState.STREAMED:
            result = await self._send("Network.getResponseBody")
            is_base64, body = result["base64Encoded"], result["body"]
            self._on_chunk(base64.b64decode(body) if is_base64 else self._encode(body))

    async def _send(self, method: str) -> dict[str, Any]:
        return await self._cdp.send(method, {"requestId": self.request_id})

    def _encode(self, text: str) -> bytes:
        """Return the bytes of a body that the browser has decoded to a text.

        If the response names no charset, Chromium has decoded the body as windows-1252, one character for each byte. So each
        character is converted back to its byte.

        If the body was not valid UTF-8, the browser has inserted replacement characters. The length of the text's bytes then
        differs from the number of bytes received. In this case, one replacement character is replaced with an invalid byte, so
        that the decoder detects the damage.
        """
        encoded = text.encode()
        if len(encoded) == self._length:
            return encoded
        if len(text) == self._length:
            with suppress(UnicodeEncodeError):
                return text.translate(_WINDOWS_1252).encode("latin-1")
        return encoded.replace(_REPLACEMENT, b"\xff", 1)


class BodyDecoder:
    """Decodes a body into frames. An event stream becomes frames with events; any other body becomes frames with text."""

    def __init__(self, head: Head) -> None:
        self._events = EventReader() if head.ok and not head.is_document else None
        self._decode_text = codecs.getincrementaldecoder("utf-8")("replace").decode

    @property
    def is_complete(self) -> bool:
        """True if the last event of an event stream has arrived."""
        return self._events is not None and self._events.last

    @property
    def is_damaged(self) -> bool:
        """True if the events were not valid UTF-8."""
        return self._events is not None and self._events.is_damaged

    def decode(self, chunk: bytes, *, final: bool = False) -> Frame | None:
        """Decode a chunk and return the frame for it. ``final`` is True for the last chunk of the body.

        If the response is an event stream and no event is complete, return an ``alive`` frame. If the response is a text and no
        character is complete, return None.
        """
        if self._events is not None:
            events = self._events.feed(chunk, final=final)
            return ["events", events, len(chunk)] if events else ["alive"]
        text = self._decode_text(chunk, final)
        return ["text", text, len(chunk)] if text else None
