"""The only file that touches a page: opens it on the API's origin, and carries requests through it.

Our half of the page, ``js/page.js``, runs in an isolated world, which the site's own scripts can neither see nor patch; what it
has to say comes back through a binding that exists in that world alone.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import itertools
import json
import logging
from importlib import resources
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import BrowserContext, CDPSession, Frame, Response
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as PlaywrightPage

from ._cookies import SessionToken, is_session_cookie
from ._errors import BrowserCrashedError, ChatGPTError, ChatGPTTimeoutError, OriginError
from ._exchange import Exchange
from ._identity import override
from ._models import Head, Request
from ._options import origin_of
from ._playwright import map_playwright_errors, mapped, shows_nothing
from ._protocol import challenge_error, is_challenge

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

__all__ = ["Page"]

logger = logging.getLogger("chatgpt_browser")

_WORLD = "chatgpt_browser"
_BINDING = "chatgptBrowserDeliver"
_CALL = "function (verb, ...args) { return this[verb](...args); }"
#: It names an icon of its own: a whole Chromium would ask the site for one, before it is told what to call itself.
_EMPTY_DOCUMENT = base64.b64encode(b'<!doctype html><link rel="icon" href="data:,">').decode()


@functools.cache
def _script(name: str) -> str:
    return (resources.files(__package__ or "chatgpt_browser") / "js" / name).read_text("utf-8")


class Page:
    """A page on the API's origin: a transport for requests, and the jar of the session's cookies."""

    def __init__(self, context: BrowserContext, page: PlaywrightPage, cdp: CDPSession) -> None:
        self._context = context
        self._page = page
        self._cdp = cdp
        self._kit: str | None = None
        self._numbers = itertools.count(1)
        self._exchanges: dict[int, Exchange] = {}
        self._errands: set[asyncio.Task[Any]] = set()
        self.dead: ChatGPTError | None = None
        self.protocol = ""  # by which the document came: "h2", "http/1.1"; "" where that isn't known

        cdp.on("Runtime.bindingCalled", self._delivered)
        page.on("framenavigated", self._navigated)
        page.on("crash", lambda _: self.die(BrowserCrashedError("the page crashed")))
        page.on("close", lambda _: self.die(BrowserCrashedError("the page was closed")))
        if context.browser is not None:
            context.browser.on(
                "disconnected", lambda _: self.die(BrowserCrashedError("the browser went away"))
            )

    @classmethod
    async def create(cls, context: BrowserContext) -> Page:
        """A page that has been nowhere yet: the one that a kept profile opens with, else a new one."""
        with map_playwright_errors():
            blank = [page for page in context.pages if page.url == "about:blank"]
            page = blank[0] if blank else await context.new_page()
            return cls(context, page, await context.new_cdp_session(page))

    async def close(self) -> None:
        """Close the page; whoever still reads from it is told that it is gone."""
        with map_playwright_errors():
            await self._page.close()

    def die(self, error: ChatGPTError) -> None:
        """Nothing works here any more, for this reason. The first reason counts."""
        self.dead = self.dead or error
        exchanges, self._exchanges = self._exchanges, {}
        for exchange in exchanges.values():
            exchange.fail(self.dead)

    # ---- who we are --------------------------------------------------------------------------------------------------

    async def identify(self, origin: str, user_agent: str | None) -> None:
        """Have the user agent and its hints say the same, before the first request leaves.

        The engine tells its hints to a secure document alone, so it is shown an empty one of that origin first.
        """
        with map_playwright_errors():
            await self._show_empty_document(origin)
            question = {"expression": _script("identity.js"), "awaitPromise": True, "returnByValue": True}
            engine = (await self._cdp.send("Runtime.evaluate", question))["result"]["value"]
            change = override(engine["userAgent"], engine["hints"], user_agent)
            if change is not None:
                await self._cdp.send("Emulation.setUserAgentOverride", change)

    async def _show_empty_document(self, origin: str) -> None:
        """An empty document of that origin, answered from here: no request leaves."""

        def answer(event: dict[str, Any]) -> None:
            document = {"requestId": event["requestId"], "responseCode": 200, "body": _EMPTY_DOCUMENT}
            self._errand(self._cdp.send("Fetch.fulfillRequest", document))

        self._cdp.on("Fetch.requestPaused", answer)
        try:
            await self._cdp.send("Fetch.enable", {"patterns": [{"urlPattern": f"{origin}/*"}]})
            await self._page.goto(f"{origin}/", wait_until="commit")
        finally:
            self._cdp.remove_listener("Fetch.requestPaused", answer)
        await self._cdp.send("Fetch.disable")

    # ---- cookies -----------------------------------------------------------------------------------------------------

    async def set_session_token(self, token: SessionToken, origin: str) -> None:
        """Put the session's cookies into the jar, for that origin alone, after the whole family has been taken out."""
        with map_playwright_errors():
            for cookie in await self._context.cookies(f"{origin}/"):
                if is_session_cookie(cookie["name"]):
                    place = {"name": cookie["name"], "domain": cookie["domain"], "path": cookie["path"]}
                    await self._cdp.send("Network.deleteCookies", place)
        try:
            await self._context.add_cookies(token.cookies(origin))  # type: ignore[arg-type]
        except PlaywrightError as exc:
            # Not chained: Playwright's own frames hold the cookies' values.
            raise type(mapped(exc))("the browser did not take the session's cookies") from None

    async def get_session_token(self, origin: str) -> SessionToken | None:
        """The session token as the jar has it now, or None where it has none."""
        with map_playwright_errors():
            cookies = await self._context.cookies(f"{origin}/")
        family = {cookie["name"]: cookie["value"] for cookie in cookies if is_session_cookie(cookie["name"])}
        return SessionToken.parse(family) if family else None

    # ---- going places ------------------------------------------------------------------------------------------------

    async def visit(self, url: str, *, timeout: float, challenge_timeout: float) -> None:
        """Open a document of the site, and wait out a challenge that passes by itself. Times are in seconds.

        :raises ChallengeError: the challenge did not pass in its time.
        :raises OriginError: the site sent us to another origin.
        :raises ChatGPTTimeoutError: the site did not answer in time.
        :raises AuthenticationError: the network failed.
        """
        with map_playwright_errors(), _Arrivals(self._page) as arrivals:
            with anyio.move_on_after(timeout) as scope:
                response = await self._go(url)
            if scope.cancelled_caught:
                raise ChatGPTTimeoutError("ChatGPT timed out: the site did not answer the page")
            if response is None:
                return  # it answered with nothing that can be shown; where from, a request will tell
            await self._settle_down(response, arrivals, challenge_timeout)

        arrived, expected = origin_of(self._page.url), origin_of(url)
        if arrived != expected:
            message = (
                f"the site sent us from {expected} to {arrived}, which the session token is not meant for"
            )
            raise OriginError(message, origin=arrived)

    async def _go(self, url: str) -> Response | None:
        """Go there; what the document came in, or None where there is none."""
        try:
            return await self._page.goto(url, wait_until="commit", timeout=0)
        except PlaywrightError as exc:
            if shows_nothing(exc):
                return None
            raise

    async def _settle_down(self, response: Response, arrivals: _Arrivals, timeout: float) -> None:
        """Wait until the document is there, and until no challenge is any more."""
        started = asyncio.get_running_loop().time()
        challenged = await self._is_challenged(response)

        with anyio.move_on_after(timeout) as scope:
            while await self._is_challenged(await arrivals.next()):
                challenged = True

        if scope.cancelled_caught and challenged:
            raise challenge_error(f"a challenge did not pass by itself within {timeout:g} s")
        if scope.cancelled_caught:
            raise ChatGPTTimeoutError("ChatGPT timed out: the site's document did not come to its end")
        if challenged:
            seconds = asyncio.get_running_loop().time() - started
            logger.info("challenge passed in %.2f s", seconds, extra={"chatgpt_event": "challenge_passed"})

    async def _is_challenged(self, response: Response | None) -> bool:
        if response is None:
            return False
        head = Head(response.status, response.status_text, response.headers)
        if is_challenge(head) or head.status not in (403, 503) or not head.is_html:
            return is_challenge(head)
        try:
            return is_challenge(head, await self._page.content())
        except PlaywrightError:
            return True  # it is on its way to another document, which arrives next

    # ---- requests ----------------------------------------------------------------------------------------------------

    async def ignore_policy(self) -> None:
        """Let our requests leave from any document, whatever its Content-Security-Policy says of the site's own scripts."""
        with map_playwright_errors():
            await self._cdp.send("Page.setBypassCSP", {"enabled": True})

    async def prepare(self, origin: str) -> None:
        """Put our half into a document of that origin. From here on a navigation is the end of the page."""
        with map_playwright_errors():
            kit = await self._enter_world()
            protocol = await self._call("settle", origin, kit=kit)
            if protocol is None:  # a sandboxed document, or none at all
                await self._show_empty_document(origin)
                kit = await self._enter_world()
            self._kit, self.protocol = kit, protocol or ""
            if self.protocol == "http/1.1":
                # A request on a connection that was used before is sent once more by Chromium itself, a message too, where
                # the connection closes without a word. So none is used twice; measured on Chromium 156.
                await self._context.set_extra_http_headers({"Connection": "close"})
        self._errand(self._call("lifetime", wait=True)).add_done_callback(self._ended)

    async def _enter_world(self) -> str:
        """An isolated world in the document that is open now, with our script in it: the script's handle."""
        tree = await self._cdp.send("Page.getFrameTree")
        frame = {"frameId": tree["frameTree"]["frame"]["id"], "worldName": _WORLD}
        world = await self._cdp.send("Page.createIsolatedWorld", frame)
        # After the world: Chromium 156 adds a binding to one that is still to come only where Runtime is enabled.
        await self._cdp.send("Runtime.addBinding", {"name": _BINDING, "executionContextName": _WORLD})
        script = {"expression": _script("page.js"), "contextId": world["executionContextId"]}
        evaluated = await self._cdp.send("Runtime.evaluate", script)
        return str(evaluated["result"]["objectId"])

    def open(self, request: Request) -> Exchange:
        """Send a request from the page; the answer comes through the exchange.

        :raises BrowserCrashedError: the page is gone.
        """
        if self.dead is not None:
            raise self.dead

        number = next(self._numbers)
        exchange = self._exchanges[number] = Exchange(_Line(self, number))
        fields = {
            "url": request.url,
            "method": request.method,
            "headers": request.headers,
            "body": request.body,
            "stream": request.stream,
        }
        self._errand(self._call("open", number, fields)).add_done_callback(
            lambda errand: self._fail(number, errand)
        )
        return exchange

    def _ended(self, lifetime: asyncio.Task[Any]) -> None:
        """The world is gone, and with it all that was under way: the one sign that every kind of death gives."""
        error = None if lifetime.cancelled() else lifetime.exception()
        self.die(mapped(error) if isinstance(error, Exception) else BrowserCrashedError("the page is gone"))

    async def _call(self, verb: str, *args: Any, kit: str | None = None, wait: bool = False) -> Any:
        call = {
            "objectId": kit or self._kit,
            "functionDeclaration": _CALL,
            "arguments": [{"value": value} for value in (verb, *args)],
            "returnByValue": True,
            "awaitPromise": wait,
        }
        answer = await self._cdp.send("Runtime.callFunctionOn", call)
        return answer["result"].get("value")

    def _errand(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Have something done that nobody waits for."""
        errand = asyncio.get_running_loop().create_task(work)
        self._errands.add(errand)
        errand.add_done_callback(self._done)
        return errand

    def _done(self, errand: asyncio.Task[Any]) -> None:
        self._errands.discard(errand)
        if not errand.cancelled() and isinstance(error := errand.exception(), Exception):
            logger.debug("the page did not take a message: %s", mapped(error))

    def _fail(self, number: int, errand: asyncio.Task[Any]) -> None:
        error = None if errand.cancelled() else errand.exception()
        exchange = self._exchanges.pop(number, None) if isinstance(error, Exception) else None
        if exchange is not None and isinstance(error, Exception):
            exchange.fail(mapped(error))

    def _delivered(self, event: dict[str, Any]) -> None:
        if event["name"] != _BINDING:
            return
        for number, *frame in json.loads(event["payload"]):
            exchange = self._exchanges.get(number)
            if exchange is None:
                continue  # it was ended from here while this was on its way
            exchange.deliver(frame)
            if exchange.settled:
                del self._exchanges[number]

    def _navigated(self, frame: Frame) -> None:
        if self._kit is not None and frame == self._page.main_frame:
            self.die(BrowserCrashedError("the page was taken to another document"))

    def abort(self, number: int) -> None:
        """End a request, without waiting for it."""
        if self._exchanges.pop(number, None) is not None and self.dead is None:
            self._errand(self._call("abort", number))

    def grant(self, number: int, chars: int) -> None:
        """Let the page read on."""
        if self.dead is None:
            self._errand(self._call("grant", number, chars))


class _Line:
    """An exchange's way back to its page."""

    def __init__(self, page: Page, number: int) -> None:
        self._page = page
        self._number = number

    def grant(self, chars: int) -> None:
        self._page.grant(self._number, chars)

    def abort(self) -> None:
        self._page.abort(self._number)


class _Arrivals:
    """The documents that a page's main frame comes to, in order, as soon as each is there to look at.

    A document's own script may have the next one answered before it has ended itself: so an answer counts for what arrives
    from the moment in which its document takes the frame, and not before.
    """

    def __init__(self, page: PlaywrightPage) -> None:
        self._page = page
        self._answer: Response | None = None
        self._current: Response | None = None
        self._arrived: asyncio.Queue[Response | None] = asyncio.Queue()

    def __enter__(self) -> _Arrivals:
        self._page.on("response", self._answered)
        self._page.on("framenavigated", self._navigated)
        self._page.on("domcontentloaded", self._loaded)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._page.remove_listener("response", self._answered)
        self._page.remove_listener("framenavigated", self._navigated)
        self._page.remove_listener("domcontentloaded", self._loaded)

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == self._page.main_frame:
            self._answer = response

    def _navigated(self, frame: Frame) -> None:
        if frame == self._page.main_frame:
            self._current = self._answer

    def _loaded(self, _: PlaywrightPage) -> None:
        self._arrived.put_nowait(self._current)

    async def next(self) -> Response | None:
        """The answer that the next document came in; None where it came from no answer."""
        return await self._arrived.get()
