"""The site's own application in a page of its own: a message goes through it as a person would send it.

The page's scripts do their work as in any browser, whatever it is that they send along. Here it is only told what to write and
when to send, and its response is read from outside (:mod:`chatgpt_browser._observer`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
from playwright.async_api import Error as PlaywrightError

from ._composer import Composer
from ._errors import (
    APIStatusError,
    BrowserCrashedError,
    ChatGPTError,
    ClientClosedError,
    OriginError,
    PageError,
)
from ._models import Head
from ._observer import Observer
from ._options import origin_of
from ._playwright import map_playwright_errors, mapped, milliseconds, quietly
from ._protocol import challenge_error, is_challenge
from ._world import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import BrowserContext, CDPSession
    from playwright.async_api import Page as PlaywrightPage

    from ._exchange import Exchange
    from ._models import Prompt
    from ._options import Site

__all__ = ["Tab"]

logger = logging.getLogger("chatgpt_browser")

#: Statuses from here on are refusals.
_REFUSED = 400
#: Seconds that an answer may go on after the page was told to stop it.
_STOPPING = 5.0
#: In bytes: of a longer one it is not looked up which id the page has given to it.
_LARGEST_MESSAGE = 1 << 20
#: A size at which the site shows all of itself: without a window a page is smaller than that.
_VIEWPORT: Any = {"width": 1280, "height": 900}


class Tab:
    """One page on the site's application, with at most one message under way. Times are in seconds."""

    def __init__(self, page: PlaywrightPage, cdp: CDPSession, on_idle: Callable[[Tab], object]) -> None:
        self._page = page
        self._cdp = cdp
        self._composer = Composer(page)
        self._on_idle = on_idle
        self._observer: Observer | None = None
        #: The id of the newest message that was sent from here, where that was to be seen.
        self.question_id: str | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self.dead: ChatGPTError | None = None
        page.on("crash", lambda _: self.die(BrowserCrashedError("the page crashed")))
        page.on("close", lambda _: self.die(BrowserCrashedError("the page was closed")))

    @classmethod
    async def open(
        cls,
        context: BrowserContext,
        identity: dict[str, Any] | None,
        on_idle: Callable[[Tab], object],
        *,
        headless: bool,
    ) -> Tab:
        """A page that has been nowhere yet and says of itself what the others do."""
        with map_playwright_errors():
            page = await context.new_page()
            cdp = await context.new_cdp_session(page)
            await cdp.send("Network.enable", {"maxPostDataSize": _LARGEST_MESSAGE})
            await cdp.send("Page.enable")
            if identity is not None:
                await cdp.send("Emulation.setUserAgentOverride", identity)
            if headless:
                await page.set_viewport_size(_VIEWPORT)
            return cls(page, cdp, on_idle)

    def die(self, error: ChatGPTError) -> None:
        """Nothing works here any more. The first reason counts."""
        self.dead = self.dead or error
        if self._observer is not None:
            self._observer.fail(self.dead)

    async def close(self, reason: ChatGPTError | None = None) -> None:
        """Close the page, and with it what it has under way."""
        self.die(reason or ClientClosedError())
        await quietly(self._page.close)

    def shows(self, conversation_id: str | None, question_id: str | None) -> bool:
        """Whether it is on that conversation's page, and knows its newest question; never on one that has yet to begin."""
        return question_id is not None and question_id == self.question_id and self._is_at(conversation_id)

    def _is_at(self, conversation_id: str | None) -> bool:
        return conversation_id is not None and urlsplit(self._page.url).path == _path(conversation_id)

    # ---- one message -------------------------------------------------------------------------------------------------

    async def send(
        self, prompt: Prompt, site: Site, *, model: str | None, question_id: str | None, timeout: float
    ) -> Exchange:
        """Write the message and send it; the exchange's frames are the page's own response.

        ``question_id`` is the newest question of its conversation: a page that has sent another has to look again.

        Raised before anything was sent, unless it says otherwise:

        :raises ChallengeError: the site wants to see a person.
        :raises SessionExpiredError: the page asks to sign in.
        :raises APIStatusError: the site has no such page, or can't give it.
        :raises PageError: the page is not as it is known here.
        """
        with map_playwright_errors():
            try:
                if not self.shows(prompt.conversation_id, question_id) or await self._composer.is_answering():
                    await self._go(prompt.conversation_id, site, model, timeout)
                return await self._send(prompt, site, timeout)
            except PageError as error:
                error.elements = tuple(await self._composer.outline(script("outline.js")))
                raise

    async def _send(self, prompt: Prompt, site: Site, timeout: float) -> Exchange:
        await self._composer.ready(timeout)
        self._check_place(prompt.conversation_id, site)
        await self._composer.write(prompt.text, timeout=timeout)
        await self._composer.check_way()
        self.question_id = None
        observer = self._observer = Observer(self._cdp, site, _Line(self), self._rest)
        await self._composer.send()
        with anyio.move_on_after(timeout):
            await observer.sent.wait()
        if not observer.sent.is_set():
            raise PageError(
                f"of the site's page no message was seen to go out in {timeout:g} s after it was told to send one: "
                "look into the conversation before you send it again"
            )
        if observer.failure is not None:
            raise observer.failure
        self.question_id = observer.question_id
        return observer.exchange

    async def _go(self, conversation_id: str | None, site: Site, model: str | None, timeout: float) -> None:
        query = "?" + urlencode({"model": model}) if model and conversation_id is None else ""
        url = f"{site.origin}{_path(conversation_id)}{query}"
        response = await self._page.goto(url, wait_until="domcontentloaded", timeout=milliseconds(timeout))
        if response is None:
            return
        head = Head(response.status, response.status_text, response.headers)
        text = await self._page.content() if head.is_html and not head.ok else ""
        if is_challenge(head, text):
            raise challenge_error("the site answered its own page with a challenge")
        if head.status >= _REFUSED:
            raise APIStatusError(
                f"the site answered its own page with {head.status} {head.status_text}",
                status_code=head.status,
                body=text,
            )

    def _check_place(self, conversation_id: str | None, site: Site) -> None:
        arrived = origin_of(self._page.url)
        if arrived != site.origin:
            message = f"the site's page is at {arrived}, and not at {site.origin}"
            raise OriginError(message, origin=arrived)
        if conversation_id is not None and not self._is_at(conversation_id):
            raise PageError("the site's page did not open the conversation; nothing was sent")

    def _rest(self) -> None:
        self._observer = None
        self._on_idle(self)

    # ---- stopping it -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the answer as a person does, without waiting for it; a page that can't be stopped is closed."""
        if self._observer is None or self.dead is not None:
            return
        errand = asyncio.get_running_loop().create_task(self._stop(self._observer))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _stop(self, observer: Observer) -> None:
        try:
            stopped = await self._composer.stop()
            if stopped:
                with anyio.move_on_after(_STOPPING):
                    await observer.over.wait()
        except (PlaywrightError, ConnectionError) as exc:
            logger.debug("stopping an answer: %s", mapped(exc))
            stopped = False
        if not (stopped and observer.over.is_set()) and self._observer is observer:
            await self.close(
                BrowserCrashedError("the page was closed, since its answer could not be stopped")
            )


class _Line:
    """An exchange's way back to its page."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    def grant(self, chars: int) -> None:
        """The page reads on as it likes."""

    def abort(self) -> None:
        self._tab.stop()


def _path(conversation_id: str | None) -> str:
    return "/" if conversation_id is None else f"/c/{quote(conversation_id, safe='')}"
