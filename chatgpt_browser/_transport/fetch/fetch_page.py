"""A page on the site's origin that sends requests with ``fetch`` from its isolated world."""

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
    """A page that sends requests from its document. :meth:`prepare` must be called before the first request.

    If the document uses too much memory while no request is in flight, an empty document of the same origin replaces it.
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
        """The error that ended the page or its isolated world. None if neither has ended."""
        return self._dead or (self._world.dead if self._world is not None else None)

    def die(self, error: ChatGPTError) -> None:
        """End the page and all requests in flight with this error, or with the error that has already ended the page."""
        error = self.dead or error
        if self._world is not None:
            self._world.die(error)
        super().die(error)

    async def ignore_policy(self) -> None:
        """Make the browser ignore the Content-Security-Policy of the page's documents, because a policy could block requests."""
        with map_playwright_errors():
            await self._target.send("Page.setBypassCSP", {"enabled": True})

    async def prepare(self, origin: str) -> None:
        """Create the isolated world in a document of the origin, so that requests can be sent.

        If the current document does not belong to the origin, an empty document of the origin replaces it. If the page navigates
        after this call, the page and its requests end with an error.
        """
        with map_playwright_errors():
            world = await self._enter_world(origin)
            if world is None:  # there is no document, or it is in a sandbox and therefore has no origin
                await self._empty_document.show(origin)
                world = await self._enter_world(origin)
            assert world is not None, "the empty document belongs to the origin"
            if world.protocol == "http/1.1":
                # If a reused connection closes without a response, Chromium sends the request again, even a POST (measured on
                # Chromium 156). This header prevents the reuse of connections.
                self._headers = ExtraHeaders(self._target, {"Connection": "close"})
                self._headers.enable()
        self._origin, self._world = origin, world

    async def clear(self) -> None:
        """Replace the document with an empty document of the same origin."""
        await self._renewal()

    async def _enter_world(self, origin: str, protocol: str = "") -> IsolatedWorld | None:
        return await IsolatedWorld.enter(self._target, origin, protocol, when_idle=self._on_idle)

    @property
    def protocol(self) -> str:
        """The protocol over which the site's document was transferred: "h2", "http/1.1", or "" if it is unknown."""
        return self._world.protocol if self._world is not None else ""

    def open(self, request: Request) -> ResponseStream:
        """Send a request and return the stream of its response.

        :raises ChatGPTError: the page has ended; usually a ``BrowserCrashedError``.
        """
        if self.dead is not None:
            raise self.dead
        assert self._world is not None, "prepare() comes first"
        self._headers.enable()
        stream = self._world.open(request)
        self._headers.disable()
        return stream

    async def check_alive(self) -> None:
        """Wait for a response of the page to an empty command.

        :raises ChatGPTError: the page or its browser has ended; usually a ``BrowserCrashedError``.
        """
        if self._world is not None:
            await self._world.check_alive()

    def close_when_idle(self) -> None:
        """Close the page as soon as no request is in flight. After this call, no new request may be sent."""
        self._is_retired = True
        if self.is_idle:
            self._closing.spawn(self.close())

    async def ready(self) -> None:
        """Wait until the document has been replaced, if a replacement is in progress."""
        if self._renewal.is_under_way:
            await self._renewal()

    def _on_idle(self) -> None:
        """Handle the end of the last request in flight.

        If the page is retired, close it. Otherwise, if the document must be replaced, begin to replace the document. Otherwise,
        enable the extra headers for the next request.
        """
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
        """Replace the document with an empty document of the same origin. No network request is needed."""
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
    """Read all scripts that the page runs, so that later reads use the cache."""
    read_identity_script()
    read_world_scripts()
