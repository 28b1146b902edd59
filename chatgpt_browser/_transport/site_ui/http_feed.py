"""One response that the site's page receives, decoded into frames while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._browser.cdp_target import read_head
from .response_body import BodyDecoder, BodySource

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import CDPSession

    from ..._core.background import BackgroundTasks
    from ..response_stream import Frame


class HttpFeed:
    """Turns the browser's events of one request into frames, and calls ``deliver`` with each frame, in order.

    The frames are ``head``, then ``events`` or ``text``, then ``end`` or ``error`` (see :data:`.response_stream.Frame`). The
    caller passes each event to the method for this kind of event.
    """

    def __init__(
        self, cdp: CDPSession, request_id: str, deliver: Callable[[Frame], object], tasks: BackgroundTasks
    ) -> None:
        self._deliver = deliver
        self._tasks = tasks
        self._decoder: BodyDecoder | None = None
        #: Chunks of the body that arrived before the head. They are decoded after the head has arrived.
        self._early_chunks: list[bytes] = []
        self._body = BodySource(cdp, request_id, self._on_chunk)
        tasks.spawn(self._body.open())

    @property
    def is_complete(self) -> bool:
        """True if the last event of the stream has arrived. The connection may still be open."""
        return self._decoder is not None and self._decoder.is_complete

    def respond(self, event: dict[str, Any]) -> None:
        """Process the ``Network.responseReceived`` event."""
        head = read_head(event["response"])
        self._decoder = BodyDecoder(head)
        self._deliver(["head", head])
        chunks, self._early_chunks = self._early_chunks, []
        for chunk in chunks:
            self._on_chunk(chunk)

    def add(self, event: dict[str, Any]) -> None:
        """Process a ``Network.dataReceived`` event."""
        self._body.add(event)

    def finish(self) -> None:
        """Process the ``Network.loadingFinished`` event."""
        self._tasks.spawn(self._finish())

    def fail(self, event: dict[str, Any]) -> None:
        """Process the ``Network.loadingFailed`` event."""
        self._tasks.spawn(self._finish_with_error(event["errorText"]))

    async def _finish(self) -> None:
        await self._body.finish()
        self._on_chunk(b"", final=True)
        self._deliver(["end"])

    async def _finish_with_error(self, message: str) -> None:
        await self._body.wait_until_decided()
        part = "head" if self._decoder is None else "body"
        self._deliver(["error", part, "NetworkError", message])

    def _on_chunk(self, chunk: bytes, *, final: bool = False) -> None:
        if self._decoder is None:
            self._early_chunks.append(chunk)
            return
        was_damaged = self._decoder.is_damaged
        frame = self._decoder.decode(chunk, final=final)
        if frame is not None:
            self._deliver(frame)
        if self._decoder.is_damaged and not was_damaged:
            self._deliver(["error", "body", "EncodingError", "the body is not valid UTF-8"])
