"""The site's own application in a page of its own: a message goes through it as a person would send it.

The page's scripts do their work as in any browser, whatever it is that they send along. Here it is only told what to write and
when to send, and its response is read from outside (:mod:`chatgpt_browser._transport.site_ui.observer`).
"""

from __future__ import annotations

import asyncio
import functools
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import (
    is_interrupted,
    map_playwright_errors,
    milliseconds,
    suppress_close_errors,
    to_library_error,
)
from ..._core.errors import (
    APIStatusError,
    BrowserCrashedError,
    ChatGPTError,
    ClientClosedError,
    OriginError,
    PageError,
)
from ..._core.javascript import read_script
from ..._core.models import Head
from ..._core.models import Response as Answer
from ..._core.urls import origin_of
from ..._protocol.backend import conversation_path
from ..._protocol.refusals import challenge_error, is_challenge, status_error
from .composer import Composer
from .observer import CapturedRequest, Loading, Observer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from playwright.async_api import BrowserContext, CDPSession, Response
    from playwright.async_api import Page as PlaywrightPage

    from ..._core.models import Prompt
    from ..._core.urls import Site
    from ..._protocol.answer import Turn
    from ..base import OutgoingMessage
    from ..response_stream import ResponseStream

__all__ = ["SitePage"]

logger = logging.getLogger("chatgpt_browser")

#: Statuses from here on are refusals.
_REFUSED, _NOT_FOUND = 400, 404
#: Seconds that an answer may go on after the page was told to stop it.
_STOPPING = 2.0
#: Seconds that Playwright may take to close a page.
_CLOSING = 2.0
#: Seconds that a page may take to load what was said in a conversation, and to show it then.
_LOADING, _MOMENT = 15.0, 1.0
#: In bytes: of a longer one it is not looked up which id the page has given to it.
_LARGEST_MESSAGE = 1 << 20
#: A size at which the site shows all of itself: without a window a page is smaller than that.
_VIEWPORT: Any = {"width": 1280, "height": 900}


class SitePage:
    """One page on the site's application, with at most one message under way. Times are in seconds."""

    def __init__(self, page: PlaywrightPage, cdp: CDPSession) -> None:
        self._page = page
        self._cdp = cdp
        self._composer = Composer(page)
        #: True if the page can take a message; and since when, in the loop's time.
        self.is_idle = True
        self.idle_since = asyncio.get_running_loop().time()
        self._observer: Observer | None = None
        #: The id of the newest message that was sent from here, where that was to be seen.
        self.question_id: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.dead: ChatGPTError | None = None
        self._stopping = False  # until that is done, the page gets no other message: it would be stopped, too
        self._documents = 0  # that the page has shown
        cdp.on("Page.frameNavigated", self._shown)
        page.on("crash", lambda _: self.die(BrowserCrashedError("the page crashed")))
        page.on("close", lambda _: self.die(BrowserCrashedError("the page was closed")))

    @classmethod
    async def open(
        cls,
        context: BrowserContext,
        identity: dict[str, Any] | None,
        *,
        headless: bool,
    ) -> SitePage:
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
            return cls(page, cdp)

    def _shown(self, event: dict[str, Any]) -> None:
        self._documents += "parentId" not in event["frame"]

    def die(self, error: ChatGPTError) -> None:
        """Nothing works here any more. The first reason counts."""
        self.dead, self.is_idle = self.dead or error, False
        if self._observer is not None:
            self._observer.fail(self.dead)

    async def close(self, reason: ChatGPTError | None = None) -> None:
        """Close the page, and with it what it has under way."""
        self.die(reason or ClientClosedError())
        await self._close_page()

    async def _close_page(self) -> None:
        with anyio.move_on_after(_CLOSING, shield=True):
            try:
                await self._page.close()
            except (PlaywrightError, ConnectionError) as exc:
                logger.debug("closing a page: %s", to_library_error(exc))
        # Of one whose call was cancelled, Playwright is sometimes never told that it has closed: it is told itself.
        if not self._page.is_closed():
            await suppress_close_errors(functools.partial(self._cdp.send, "Page.close"))

    def shows(self, conversation_id: str | None, question_id: str | None) -> bool:
        """Whether it is on that conversation's page, and knows its newest question; never on one that has yet to begin."""
        return question_id is not None and question_id == self.question_id and self._is_at(conversation_id)

    def _is_at(self, conversation_id: str | None) -> bool:
        # A project's conversation has its project before it.
        return conversation_id is not None and urlsplit(self._page.url).path.endswith(_path(conversation_id))

    # ---- one message -------------------------------------------------------------------------------------------------

    async def send(
        self,
        message: OutgoingMessage,
        site: Site,
        *,
        model: str | None,
        timeout: float,
    ) -> ResponseStream:
        """Write the message and send it; the exchange's frames are the page's own response.

        A page that has sent another question than that of the message's ``turn`` has to load the conversation again.

        Raised before anything was sent, unless it says otherwise:

        :raises ChallengeError: the site wants to see a person.
        :raises SessionExpiredError: the page asks to sign in.
        :raises APIStatusError: the site has no such page, or can't give it.
        :raises OriginError: the page is another site's.
        :raises PageError: the page is not as it is known here.
        """
        prompt, turn = message.prompt, message.turn
        with map_playwright_errors():
            try:
                if (
                    not self.shows(prompt.conversation_id, turn.question_id)
                    or await self._composer.is_answering()
                ):
                    await self._open(prompt.conversation_id, site, model, turn, timeout)
                else:
                    await self._composer.ready(timeout)
                return await self._send(message, site, timeout)
            except PageError as error:
                with suppress(PlaywrightError):
                    error.elements = tuple(
                        await self._composer.outline(read_script(__package__ or "", "outline.js"))
                    )
                raise

    async def _send(
        self,
        message: OutgoingMessage,
        site: Site,
        timeout: float,
    ) -> ResponseStream:
        await self._write(message.prompt.text, timeout)
        self.question_id = None
        line = _Line(self)
        observer = Observer(self._cdp, site, line, message.delivery)
        observer.exchange.when_over(self._rest)
        self._observer = line.observer = observer
        message.delivery.start()
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
        _check_posted(observer.posted, message.prompt, message.turn)
        self.question_id = observer.posted.message_id
        return observer.exchange

    async def _write(self, text: str, timeout: float) -> None:
        """Write a message, and once more where the page was loaded anew meanwhile."""
        seen = self._documents
        try:
            await self._composer.write(text, timeout=timeout)
            await self._composer.check(text)
        except (PageError, PlaywrightError):
            if self._documents == seen:
                raise
            await self._composer.ready(timeout)
            await self._composer.write(text, timeout=timeout)
            await self._composer.check(text)

    async def _open(
        self, conversation_id: str | None, site: Site, model: str | None, turn: Turn, timeout: float
    ) -> None:
        """Go to a conversation, or to where one begins, and wait until it is there, with what was said in it."""
        where = conversation_path(conversation_id) if conversation_id is not None else ""
        with Loading(self._cdp, f"{site.backend_api_base_url}/{where}") as loading:
            await self._go(conversation_id, site, model, timeout)
            self._check_origin(site)
            await self._composer.ready(timeout)
            self._check_origin(site)
            if conversation_id is None:
                return
            loaded = self._is_at(conversation_id) and await self._has_loaded(
                loading, turn, min(timeout, _LOADING)
            )
            if not self._is_at(conversation_id):
                raise PageError("the site's page did not open the conversation; nothing was sent")
            if not loaded:
                raise PageError(
                    "the site's page did not show what was said in the conversation; nothing was sent"
                )

    async def _has_loaded(self, loading: Loading, turn: Turn, timeout: float) -> bool:
        """Whether the page knows the conversation in time: it shows its newest messages, or has loaded it and had a moment."""
        showing = asyncio.ensure_future(self._composer.shows(turn.ids, timeout))
        loaded = asyncio.ensure_future(loading.done.wait())
        try:
            with anyio.move_on_after(timeout):
                await asyncio.wait((showing, loaded), return_when=asyncio.FIRST_COMPLETED)
                if showing.done() and showing.result():
                    return True
                await loaded
                await asyncio.wait((showing,), timeout=_MOMENT)
                return True
            return False
        finally:
            showing.cancel()
            loaded.cancel()
            await asyncio.gather(showing, loaded, return_exceptions=True)

    async def _go(self, conversation_id: str | None, site: Site, model: str | None, timeout: float) -> None:
        query = "?" + urlencode({"model": model}) if model and conversation_id is None else ""
        url = f"{site.origin}{_path(conversation_id)}{query}"
        response = await self._load(url, timeout)
        if response is None or response.ok:
            return
        head = Head(response.status, response.status_text, response.headers)
        text = await _text_of(response)
        if is_challenge(head, text):
            raise challenge_error("the site answered its own page with a challenge")
        refusal: ChatGPTError = status_error(Answer(head, text))
        if head.status == _NOT_FOUND and conversation_id is None:
            refusal = APIStatusError(str(refusal), status_code=head.status, body=text)
        if head.status >= _REFUSED:
            raise refusal

    async def _load(self, url: str, timeout: float, tries: int = 3) -> Response | None:
        limit = milliseconds(timeout)
        try:
            return await self._page.goto(url, wait_until="domcontentloaded", timeout=limit)
        except PlaywrightError as error:
            if not is_interrupted(error) or tries == 1:
                raise
        # The page was on its way elsewhere by itself: once it is there, it is told again.
        await self._page.wait_for_load_state("domcontentloaded", timeout=limit)
        return await self._load(url, timeout, tries - 1)

    def _check_origin(self, site: Site) -> None:
        arrived = origin_of(self._page.url)
        if arrived != site.origin:
            message = f"the site's page is at {arrived}, and not at {site.origin}"
            raise OriginError(message, origin=arrived)

    def reserve(self) -> None:
        """Take the page for one message."""
        self.is_idle = False

    def _become_idle(self) -> None:
        if self.dead is None:
            self.is_idle, self.idle_since = True, asyncio.get_running_loop().time()

    def _rest(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None and observer.came_to_nothing and self.dead is None:
            self.die(BrowserCrashedError("the page was closed, since it may try again by itself"))
            self._spawn(self._close_page())
        if not self._stopping:
            self._become_idle()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        errand = asyncio.get_running_loop().create_task(work)
        self._tasks.add(errand)
        errand.add_done_callback(self._tasks.discard)

    # ---- stopping it -------------------------------------------------------------------------------------------------

    def stop(self, observer: Observer) -> bool:
        """Stop an answer as a person does, without waiting for it; a page that can't be stopped is closed.

        True if nothing has to be stopped.
        """
        if self._observer is not observer or self.dead is not None:
            return True
        if not self._stopping:
            self._stopping = True
            self._spawn(self._stop(observer))
        return False

    async def _stop(self, observer: Observer) -> None:
        try:
            stopped = await self._composer.stop()
            if stopped and not observer.exchange.is_handed_off:
                over = asyncio.Event()
                observer.exchange.when_over(over.set)
                with anyio.move_on_after(_STOPPING):
                    await over.wait()
        except (PlaywrightError, ConnectionError) as exc:
            logger.debug("stopping an answer: %s", to_library_error(exc))
            stopped = False
        finally:
            self._stopping = False
        if observer.exchange.is_over:
            self._become_idle()
        elif stopped and observer.exchange.is_handed_off:
            observer.exchange.end()
        else:
            await self.close(
                BrowserCrashedError("the page was closed, since its answer could not be stopped")
            )


async def _text_of(response: Response) -> str:
    """The body of an answer; nothing where the page has left it already, as a challenge may that passes by itself."""
    try:
        return await response.text()
    except PlaywrightError:
        return ""


def _check_posted(posted: CapturedRequest, prompt: Prompt, turn: Turn) -> None:
    """See that the page has sent what it was told to, where it was told to, as far as that is to be seen.

    :raises PageError: it has sent another message: its answer would be one to that.
    """
    if posted.text is not None and posted.text.split() != prompt.text.split():
        raise PageError(
            "the site's page has sent another text than it was given; its answer is not waited for"
        )
    place, parent = prompt.conversation_id, posted.parent_message_id
    is_elsewhere = posted != CapturedRequest() and posted.conversation_id != place
    if is_elsewhere or (place is not None and parent is not None and parent not in turn.parents):
        raise PageError(
            "the site's page has sent the message to another place than where it was told to; its answer is not waited for"
        )


class _Line:
    """An exchange's way back to its page: about its own message, whatever the page has been given since."""

    observer: Observer

    def __init__(self, tab: SitePage) -> None:
        self._tab = tab

    def grant(self, chars: int) -> None:
        """The page reads on as it likes."""

    def abort(self) -> bool:
        return self._tab.stop(self.observer)


def _path(conversation_id: str | None) -> str:
    return "/" if conversation_id is None else f"/c/{quote(conversation_id, safe='')}"
