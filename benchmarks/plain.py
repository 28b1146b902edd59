"""The plain clients for comparison: aiohttp over HTTP/1.1 and httpx over HTTP/2, optimised as far as possible."""

from __future__ import annotations

import codecs
import json
import ssl
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx

from .sample import Sample, timed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .server import Address

__all__ = ["PlainHttp1", "PlainHttp2", "message_headers", "message_body"]


class PlainHttp1:
    """A client with aiohttp, which supports only HTTP/1.1."""

    name = "plain"

    def __init__(self, address: Address) -> None:
        self._address = address
        #: Request headers; they include an access token after the client was opened.
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> PlainHttp1:
        # A buffer of 256 KiB instead of 64 KiB: long replies need fewer iterations of the event loop.
        self._session = aiohttp.ClientSession(read_bufsize=2**18)
        async with self._session.get(
            self._address.session_url, headers={"cookie": self._address.cookie}
        ) as answer:
            self.headers = message_headers(await answer.json())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._session.close()

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_progress: Callable[[str], object]) -> str:
        body = message_body(message)
        async with self._session.post(self._address.message_url, data=body, headers=self.headers) as answer:
            answer.raise_for_status()
            return await _follow(answer.content.iter_any(), on_progress)


class PlainHttp2:
    """A client with httpx, with all streams on one connection."""

    name = "plain"

    def __init__(self, address: Address) -> None:
        self._address = address
        #: Request headers; they include an access token after the client was opened.
        self.headers: dict[str, str] = {}
        context = ssl.create_default_context(cadata=address.certificate_authority)
        self._client = httpx.AsyncClient(http1=False, http2=True, verify=context, timeout=None)

    async def __aenter__(self) -> PlainHttp2:
        answer = await self._client.get(self._address.session_url, headers={"cookie": self._address.cookie})
        self.headers = message_headers(answer.json())
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.aclose()

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_progress: Callable[[str], object]) -> str:
        body, url = message_body(message), self._address.message_url
        async with self._client.stream("POST", url, content=body, headers=self.headers) as answer:
            answer.raise_for_status()
            return await _follow(answer.aiter_bytes(), on_progress)


def message_body(message: str) -> bytes:
    """Return the request body of a message."""
    content = {"content_type": "text", "parts": [message]}
    fields = {
        "action": "next",
        "messages": [{"id": str(uuid.uuid4()), "role": "user", "content": content}],
        "model": "text-davinci-002-render",
        "parent_message_id": str(uuid.uuid4()),
    }
    return json.dumps(fields).encode()


def message_headers(session: dict[str, Any]) -> dict[str, str]:
    """Return the request headers of a message, with the access token of a session."""
    return {
        "accept": "text/event-stream",
        "authorization": f"Bearer {session['accessToken']}",
        "content-type": "application/json",
    }


async def _follow(chunks: AsyncIterator[bytes], on_progress: Callable[[str], object]) -> str:
    """Parse the events of a reply, call `on_progress` with the text so far, and return the text."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    read: Callable[[str], str | None] = _read
    text = rest = ""
    async for chunk in chunks:
        *events, rest = (rest + decode(chunk)).split("\n\n")
        for event in events:
            if event.startswith("event: delta_encoding"):
                read = Deltas().read
                continue
            seen = read(event)
            if seen is not None and seen != text:
                text = seen
                on_progress(text)
    return text


def _read(event: str) -> str | None:
    """Return the text in an event of the assistant's message, otherwise None."""
    if not event.startswith("data: {"):
        return None
    message = json.loads(event[6:])["message"]
    if message is None or message["author"]["role"] != "assistant":
        return None
    text: str = message["content"]["parts"][0]
    return text


class Deltas:
    """A minimal decoder of deltas, for replies with one message of the assistant."""

    def __init__(self) -> None:
        self._text = ""
        self._path = ""
        self._is_answer = False

    def read(self, event: str) -> str | None:
        """Return the text after this event if it belongs to the assistant's message, otherwise None."""
        if not event.startswith("event: delta\ndata: "):
            return None
        delta = json.loads(event[19:])
        self._path = delta.get("p", self._path)
        value = delta["v"]
        if isinstance(value, str):
            self._change(self._path, value)
        elif isinstance(value, list):
            for change in value:
                self._change(change["p"], change["v"])
        else:
            self._is_answer = value["message"]["author"]["role"] == "assistant"
            self._text = value["message"]["content"]["parts"][0]
        return self._text if self._is_answer else None

    def _change(self, path: str, value: Any) -> None:
        if path == "/message/content/parts/0":
            self._text += value
