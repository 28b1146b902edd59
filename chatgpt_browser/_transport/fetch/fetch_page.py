"""The only file that touches a page: opens it on the API's origin, and carries requests through it.

Requests go through our half of its document, which :mod:`chatgpt_browser._transport.fetch.isolated_world` keeps.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_response import head_from_cdp
from ..._browser.cdp_target import GONE
from ..._browser.interception import ExtraHeaders, Interception
from ..._browser.playwright_errors import map_playwright_errors, shows_nothing, to_library_error
from ..._core.errors import BrowserCrashedError, ChatGPTError, ChatGPTTimeoutError, OriginError
from ..._core.javascript import read_script
from ..._core.single_flight import SingleFlight
from ..._core.telemetry import record_step
from ..._core.urls import origin_of
from ..._protocol.cookies import SessionToken, is_session_cookie
from ..._protocol.refusals import challenge_error, is_challenge
from ..._protocol.user_agent import override
from .isolated_world import IsolatedWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from ..._browser.cdp_target import Target
    from ..._core.models import Head, Request
    from ..response_stream import ResponseStream

__all__ = ["FetchPage", "read_scripts"]

logger = logging.getLogger("chatgpt_browser")

_PACKAGE = __package__ or ""

#: It names an icon of its own: a whole Chromium would ask the site for one, before it is told what to call itself.
_EMPTY_DOCUMENT = base64.b64encode(b'<!doctype html><link rel="icon" href="data:,">').decode()


class FetchPage:
    """A page on the API's origin: a transport for requests, and the jar of the session's cookies."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._interception = Interception(target)
        self._headers = ExtraHeaders(target, {})
        self._world: IsolatedWorld | None = None
        self._url = "about:blank"
        self._origin = ""
        self._renewal = SingleFlight(self._renew)
        self._dead: ChatGPTError | None = None
        #: What it has been told to say of itself (``Emulation.setUserAgentOverride``); None: what it is.
        self.identity: dict[str, Any] | None = None
        self._life = anyio.CancelScope()

        target.on("Page.javascriptDialogOpening", functools.partial(_dismiss, target))
        target.on("Page.frameNavigated", self._navigated)
        target.on(GONE, lambda event: self.die(BrowserCrashedError(f"the page is gone: {event['reason']}")))

    async def set_up(self, *, ignore_https_errors: bool) -> None:
        """Have it tell what happens to it; before it goes anywhere.

        Its renderer has answered then. Chromium 150 crashes where a page is sent on before that, some three times of ten.
        """
        with map_playwright_errors():
            await asyncio.gather(
                self._target.send("Page.enable"),
                self._target.send("Inspector.enable"),  # says when the page has crashed
                # Behind another window a page is slowed down: this one is to be as awake as one in front.
                self._target.send("Emulation.setFocusEmulationEnabled", {"enabled": True}),
                self._target.send("Security.setIgnoreCertificateErrors", {"ignore": ignore_https_errors}),
            )

    async def close(self) -> None:
        """Close the page; whoever still reads from it is told that it is gone."""
        with map_playwright_errors():
            await self._target.close()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._world is None or self._world.is_idle

    @property
    def dead(self) -> ChatGPTError | None:
        """Why nothing works here any more, or None."""
        return self._dead or (self._world.dead if self._world is not None else None)

    def die(self, error: ChatGPTError) -> None:
        """Nothing works here any more, for this reason. The first reason counts."""
        self._dead = self.dead or error
        if self._world is not None:
            self._world.die(self._dead)
        self._life.cancel()

    @contextmanager
    def while_alive(self) -> Iterator[None]:
        """End the block when the page dies: nobody answers what a dead renderer was asked.

        :raises ChatGPTError: what it died of.
        """
        with anyio.CancelScope() as self._life:
            yield
        if self.dead is not None:
            raise self.dead

    # ---- who we are --------------------------------------------------------------------------------------------------

    async def identify(self, origin: str, user_agent: str | None) -> None:
        """Have the user agent and its hints say the same, before the first request leaves.

        The engine tells its hints to a secure document alone, so it is shown an empty one of that origin first.
        """
        with map_playwright_errors():
            await self._show_empty_document(origin)
            question = {
                "expression": read_script(_PACKAGE, "identity.js"),
                "awaitPromise": True,
                "returnByValue": True,
            }
            engine = (await self._target.send("Runtime.evaluate", question))["result"]["value"]
            change = override(engine["userAgent"], engine["hints"], user_agent)
            if change is not None:
                await self._target.send("Emulation.setUserAgentOverride", change)
            self.identity = change

    async def _show_empty_document(self, origin: str) -> None:
        """An empty document of that origin, answered from here: no request leaves."""
        async with self._interception.answering(origin, _EMPTY_DOCUMENT):
            await self._go(f"{origin}/")

    # ---- cookies -----------------------------------------------------------------------------------------------------

    async def set_session_token(self, token: SessionToken, origin: str) -> None:
        """Put the session's cookies into the jar, for that origin alone, after the whole family has been taken out."""
        with map_playwright_errors():
            for cookie in await self._cookies(origin):
                if is_session_cookie(cookie["name"]):
                    place = {"name": cookie["name"], "domain": cookie["domain"], "path": cookie["path"]}
                    await self._target.send("Network.deleteCookies", place)
        try:
            await self._target.send("Network.setCookies", {"cookies": token.cookies(origin)})
        except PlaywrightError as exc:
            # Not chained: the frames on its way hold the cookies' values.
            raise type(to_library_error(exc))("the browser did not take the session's cookies") from None

    async def get_session_token(self, origin: str) -> SessionToken | None:
        """The session token as the jar has it now, or None where it has none."""
        with map_playwright_errors():
            cookies = await self._cookies(origin)
        family = {cookie["name"]: cookie["value"] for cookie in cookies if is_session_cookie(cookie["name"])}
        return SessionToken.parse(family) if family else None

    async def _cookies(self, origin: str) -> list[dict[str, Any]]:
        jar = await self._target.send("Network.getCookies", {"urls": [f"{origin}/"]})
        cookies: list[dict[str, Any]] = jar["cookies"]
        return cookies

    # ---- going places ------------------------------------------------------------------------------------------------

    async def visit(self, url: str, *, timeout: float, challenge_timeout: float) -> None:
        """Open a document of the site, and wait out a challenge that passes by itself. Times are in seconds.

        :raises ChallengeError: the challenge did not pass in its time.
        :raises OriginError: the site sent us to another origin.
        :raises ChatGPTTimeoutError: the site did not answer in time.
        :raises AuthenticationError: the network failed.
        """
        with map_playwright_errors():
            with _Arrivals(self._target) as arrivals:
                with anyio.move_on_after(timeout) as scope:
                    _, loader = await asyncio.gather(arrivals.begin(), self._go(url))
                if scope.cancelled_caught:
                    raise ChatGPTTimeoutError("ChatGPT timed out: the site did not answer the page")
                if loader is None:
                    return  # it answered with nothing that can be shown; where from, a request will tell
                await self._settle_down(arrivals, loader, challenge_timeout)

        arrived, expected = origin_of(self._url), origin_of(url)
        if arrived != expected:
            message = (
                f"the site sent us from {expected} to {arrived}, which the session token is not meant for"
            )
            raise OriginError(message, origin=arrived)

    async def _go(self, url: str) -> str | None:
        """Go there; the id of what loads the document, or None where there is none."""
        found = await self._target.send("Page.navigate", {"url": url})
        if "errorText" not in found:
            loader: str | None = found.get("loaderId")
            return loader
        error = PlaywrightError(f"{found['errorText']} at {url}")
        if shows_nothing(error):
            return None
        raise error

    async def _settle_down(self, arrivals: _Arrivals, loader: str, timeout: float) -> None:
        """Wait until the document is there, and until no challenge is any more."""
        started = asyncio.get_running_loop().time()
        challenged = await self._is_challenged(arrivals.head_of(loader))

        with anyio.move_on_after(timeout) as scope:
            while await self._is_challenged(await arrivals.next()):
                challenged = True

        seconds = asyncio.get_running_loop().time() - started
        if challenged:
            record_step("challenge", seconds, "ChallengeError" if scope.cancelled_caught else None)
        if scope.cancelled_caught and challenged:
            raise challenge_error(f"a challenge did not pass by itself within {timeout:g} s")
        if scope.cancelled_caught:
            raise ChatGPTTimeoutError("ChatGPT timed out: the site's document did not come to its end")
        if challenged:
            logger.info("challenge passed in %.2f s", seconds, extra={"chatgpt_event": "challenge_passed"})

    async def _is_challenged(self, head: Head | None) -> bool:
        if head is None:
            return False
        if is_challenge(head) or head.status not in (403, 503) or not head.is_html:
            return is_challenge(head)
        try:
            look = {"expression": "document.documentElement?.outerHTML ?? ''", "returnByValue": True}
            return is_challenge(head, (await self._target.send("Runtime.evaluate", look))["result"]["value"])
        except PlaywrightError:
            return True  # it is on its way to another document, which arrives next

    # ---- requests ----------------------------------------------------------------------------------------------------

    async def ignore_policy(self) -> None:
        """Let our requests leave from any document, whatever its Content-Security-Policy says of the site's own scripts."""
        with map_playwright_errors():
            await self._target.send("Page.setBypassCSP", {"enabled": True})

    async def prepare(self, origin: str) -> None:
        """Put our half into a document of that origin. From here on a navigation is the end of the page."""
        with map_playwright_errors():
            world = await self._enter(origin)
            if world is None:  # a sandboxed document, or none at all
                await self._show_empty_document(origin)
                world = await self._enter(origin)
            assert world is not None, "an empty document of that origin is one of that origin"
            if world.protocol == "http/1.1":
                # A request on a connection that was used before is sent once more by Chromium itself, a message too, where
                # the connection closes without a word. So none is used twice; measured on Chromium 156.
                self._headers = ExtraHeaders(self._target, {"Connection": "close"})
                self._headers.begin()
        self._origin, self._world = origin, world

    async def _enter(self, origin: str, protocol: str = "") -> IsolatedWorld | None:
        return await IsolatedWorld.enter(self._target, origin, protocol, when_idle=self._rest)

    @property
    def protocol(self) -> str:
        """By which the site's document came: "h2", "http/1.1"; "" where that isn't known."""
        return self._world.protocol if self._world is not None else ""

    def open(self, request: Request) -> ResponseStream:
        """Send a request from the page; the answer comes through the exchange.

        :raises BrowserCrashedError: the page is gone.
        """
        if self.dead is not None:
            raise self.dead
        assert self._world is not None, "prepare() comes first"
        self._headers.begin()
        exchange = self._world.open(request)
        self._headers.end()
        return exchange

    async def ready(self) -> None:
        """Wait while the document is being changed."""
        if self._renewal.is_under_way:
            await self._renewal()

    def _rest(self) -> None:
        """Nothing is under way: the moment to change a document that is worn."""
        if self._world is None or self._renewal.is_under_way:
            return
        if self._world.needs_recycling:
            self._renewal.begin()
        else:
            self._headers.begin()

    async def _renew(self) -> None:
        """Change the document for an empty one of the same origin; no request is made for it, and nobody is in the middle."""
        worn = self._world
        assert worn is not None
        try:
            with map_playwright_errors():
                worn.retire()
                await self._show_empty_document(self._origin)
                world = await self._enter(self._origin, worn.protocol)
                assert world is not None, "an empty document of that origin is one of that origin"
        except ChatGPTError as exc:
            self.die(exc)
            raise
        self._world = world
        logger.debug("the page has a new document")

    def _navigated(self, event: dict[str, Any]) -> None:
        frame = event["frame"]
        if "parentId" in frame:
            return
        self._url = frame["url"]
        if self._world is not None and not self._renewal.is_under_way:
            self.die(BrowserCrashedError("the page was taken to another document"))


def read_scripts() -> None:
    """Read what is said to a document, so that it is at hand."""
    for name in ("identity.js", "reader.js", "page.js"):
        read_script(_PACKAGE, name)


def _dismiss(target: Target, event: dict[str, Any]) -> None:
    """A dialog holds up its page until somebody answers it."""
    answer = {"accept": event["type"] == "beforeunload"}
    target.tell("Page.handleJavaScriptDialog", answer)


class _Arrivals:
    """The documents that a page's main frame comes to, in order, as soon as each is there to look at.

    A document's own script may have the next one answered before it has ended itself: so an answer counts for the document that
    it brought, and not before that takes the frame. One that is no HTML has no script: it is there as soon as it takes the frame.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._heads: dict[str, Head] = {}
        self._current = ""
        self._is_there = False  # the current one has been told of
        self._arrived: asyncio.Queue[Head | None] = asyncio.Queue()
        self._listeners = {
            "Network.responseReceived": self._answered,
            "Page.frameNavigated": self._navigated,
            "Page.domContentEventFired": self._loaded,
        }

    def __enter__(self) -> _Arrivals:
        for event, listener in self._listeners.items():
            self._target.on(event, listener)
        return self

    async def begin(self) -> None:
        """Have the answers reported, from before the page goes anywhere."""
        await self._target.send("Network.enable")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for event, listener in self._listeners.items():
            self._target.remove_listener(event, listener)
        self._target.tell("Network.disable", {})

    def head_of(self, loader: str) -> Head | None:
        """The answer that the document with this loader came in; None where it came from no answer."""
        return self._heads.get(loader)

    async def next(self) -> Head | None:
        """The answer that the next document came in; None where it came from no answer."""
        return await self._arrived.get()

    def _answered(self, event: dict[str, Any]) -> None:
        if event["type"] != "Document":
            return
        self._heads[event["loaderId"]] = head_from_cdp(event["response"])

    def _navigated(self, event: dict[str, Any]) -> None:
        if "parentId" in event["frame"]:
            return
        self._current = event["frame"]["loaderId"]
        head = self._heads.get(self._current)
        self._is_there = head is not None and not head.is_html
        if self._is_there:
            self._arrived.put_nowait(head)

    def _loaded(self, _: dict[str, Any]) -> None:
        if not self._is_there:
            self._arrived.put_nowait(self._heads.get(self._current))
