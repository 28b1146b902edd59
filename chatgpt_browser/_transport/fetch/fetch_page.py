"""A page on the API's origin that sends requests with ``fetch`` from its isolated world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._browser.extra_headers import ExtraHeaders
from ..._browser.page_setup.identity import read_identity_script
from ..._browser.page_setup.page import BrowserPage
from ..._browser.playwright_errors import map_playwright_errors
from ..._core.background import BackgroundTasks
from ..._core.errors import BrowserCrashedError, ChatGPTError
from ..._core.log import logger
from ..._core.single_flight import SingleFlight
from .isolated_world import IsolatedWorld, read_world_scripts

if TYPE_CHECKING:
    from ..._browser.cdp_target import Target
    from ..._core.models import Request
    from ..response_stream import ResponseStream


class FetchPage(BrowserPage):
    """A page that sends requests from its document. :meth:`prepare` comes before the first request.

    The document is replaced by an empty one of the same origin, between requests, when it uses too much memory.
    """

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._headers = ExtraHeaders(target, {})
        self._world: IsolatedWorld | None = None
        self._origin = ""
        self._renewal = SingleFlight(self._renew_document)
        self._is_retired = False
        self._closing = BackgroundTasks()

        target.on("Page.frameNavigated", self._on_navigated)

    @property
    def is_idle(self) -> bool:
        """True if no request is in flight."""
        return self._world is None or self._world.is_idle

    @property
    def dead(self) -> ChatGPTError | None:
        """The error that ended the page or its isolated world, or None while both are alive."""
        return self._dead or (self._world.dead if self._world is not None else None)

    def die(self, error: ChatGPTError) -> None:
        """End the page with this error, unless it has ended before. Requests in flight fail with the same error."""
        error = self.dead or error
        if self._world is not None:
            self._world.die(error)
        super().die(error)

    async def ignore_policy(self) -> None:
        """Allow requests from any document by ignoring its Content-Security-Policy."""
        with map_playwright_errors():
            await self._target.send("Page.setBypassCSP", {"enabled": True})

    async def prepare(self, origin: str) -> None:
        """Create the isolated world in a document of the origin. A later navigation ends the page."""
        with map_playwright_errors():
            world = await self._enter_world(origin)
            if world is None:  # no document, or one in a sandbox, which has no origin
                await self._empty_document.show(origin)
                world = await self._enter_world(origin)
            assert world is not None, "the empty document belongs to the origin"
            if world.protocol == "http/1.1":
                # Chromium sends a request again, even a POST, if a reused connection closes without a response. Therefore no
                # connection is reused. Measured on Chromium 156.
                self._headers = ExtraHeaders(self._target, {"Connection": "close"})
                self._headers.enable()
        self._origin, self._world = origin, world

    async def _enter_world(self, origin: str, protocol: str = "") -> IsolatedWorld | None:
        return await IsolatedWorld.enter(self._target, origin, protocol, when_idle=self._on_idle)

    @property
    def protocol(self) -> str:
        """The protocol that transferred the site's document: "h2", "http/1.1", or "" if it is unknown."""
        return self._world.protocol if self._world is not None else ""

    def open(self, request: Request) -> ResponseStream:
        """Send a request and return the stream of its response.

        :raises BrowserCrashedError: the page is gone.
        """
        if self.dead is not None:
            raise self.dead
        assert self._world is not None, "prepare() comes first"
        self._headers.enable()
        stream = self._world.open(request)
        self._headers.disable()
        return stream

    def close_when_idle(self) -> None:
        """Close the page as soon as no request is in flight. No request may be sent after this call."""
        self._is_retired = True
        if self.is_idle:
            self._closing.spawn(self.close())

    async def ready(self) -> None:
        """Wait while the document is being replaced."""
        if self._renewal.is_under_way:
            await self._renewal()

    def _on_idle(self) -> None:
        """Replace the document if it uses too much memory; otherwise enable the extra headers for the next request."""
        if self._is_retired:
            self._closing.spawn(self.close())
            return
        if self._world is None or self._renewal.is_under_way:
            return
        if self._world.usage.needs_recycling:
            self._renewal.begin()
        else:
            self._headers.enable()

    async def _renew_document(self) -> None:
        """Replace the document by an empty one of the same origin, without a request to the network."""
        old = self._world
        assert old is not None
        try:
            with map_playwright_errors():
                old.retire()
                await self._empty_document.show(self._origin)
                world = await self._enter_world(self._origin, old.protocol)
                assert world is not None, "the empty document belongs to the origin"
        except ChatGPTError as exc:
            self.die(exc)
            raise
        self._world = world
        logger.debug("the page has a new document")

    def _on_navigated(self, event: dict[str, Any]) -> None:
        is_main_frame = "parentId" not in event["frame"]
        if is_main_frame and self._world is not None and not self._renewal.is_under_way:
            self.die(BrowserCrashedError("The page has navigated to another document."))


def read_scripts() -> None:
    """Read all scripts for the page, so that their text is cached."""
    read_identity_script()
    read_world_scripts()
