"""A browser page that shows the site's own application. It sends messages through the application's composer, like a person.

The application's own scripts send the request. This package types the text, clicks the buttons, and observes the response through
the DevTools protocol (:mod:`.request_observer`).
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._browser.playwright_errors import map_playwright_errors, suppress_close_errors, to_library_error
from ..._core.background import BackgroundTasks
from ..._core.errors import BrowserCrashedError, ChatGPTError, ClientClosedError, PageError
from ..._core.log import logger
from ..base import DeliveryState
from .captured_request import check_captured_request
from .composer import Composer
from .connection_log import ConnectionLog
from .message_box import TextAttachedError
from .message_controls import MessageControls, upload_time
from .navigation import Navigation
from .page_events import PageEvents
from .page_options import address_of
from .page_report import PageReport
from .preparation_observer import PreparationObserver
from .request_observer import RequestObserver
from .step_limit import limit_steps
from .submission import NativeSubmitError, Submission
from .view import set_up_view

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Page

    from ..._core.options import Options
    from ..._core.urls import Site
    from ..._protocol.conversation_tree import Turn
    from ..base import OutgoingMessage
    from ..response_stream import ResponseStream


#: Time limit in seconds within which a reply must end after a click on the stop button.
_STOP_TIMEOUT = 2.0
#: Time limit in seconds for finding and clicking the stop button. It is needed because the page may not respond.
_CLICK_STOP_TIMEOUT = 6.0
#: Time limit in seconds within which Playwright must close a page.
_CLOSE_TIMEOUT = 2.0
#: Maximum size in bytes of a body that the browser reports together with the request. A longer body is read separately.
_MAX_POST_DATA_SIZE = 1 << 20


class PageState(Enum):
    """The states of a :class:`SitePage`."""

    #: The page can take a message.
    IDLE = "idle"
    #: The page is reserved for a message, or has a message in flight.
    BUSY = "busy"
    #: The reply is being stopped. The page takes no other message, because that message would also be stopped.
    STOPPING = "stopping"
    #: The page is closed, or unusable for another reason.
    CLOSED = "closed"


class SitePage:
    """One page with at most one message in flight. All times are in seconds.

    States of the page (:meth:`die` changes each state to CLOSED)::

        IDLE --reserve()--> BUSY --abort of the reply--> STOPPING
          ^                  |                              |
          +--message over----+-------reply has ended--------+
    """

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self.state = PageState.IDLE
        #: The time (of the event loop's clock) at which the page became idle.
        self.idle_since: float = asyncio.get_running_loop().time()
        #: The reason why the page is unusable, or None.
        self.dead: ChatGPTError | None = None
        self._page = page
        self._cdp = cdp
        self._composer = Composer(page, cdp)
        self._report = PageReport(page, cdp)
        self._controls = MessageControls(page, cdp)
        self._navigation = Navigation(page, cdp, self._composer)
        self._observer: RequestObserver | None = None
        #: The id of the last message that was sent from this page, or None if unknown.
        self._question_id: str | None = None
        self._events = PageEvents(cdp)
        self._connections = ConnectionLog()
        self._tasks = BackgroundTasks(on_error=lambda error: self.die(to_library_error(error)))
        add_listeners(cdp, {"Network.responseReceived": self._connections.add})
        page.on("crash", lambda _: self.die(BrowserCrashedError("The site's page crashed.")))
        page.on("close", lambda _: self.die(BrowserCrashedError("The site's page was closed.")))

    @classmethod
    async def open(
        cls, context: BrowserContext, identity: dict[str, Any] | None, options: Options
    ) -> SitePage:
        """Open an empty page. ``identity`` contains the parameters of ``Emulation.setUserAgentOverride``; None: no override."""
        with map_playwright_errors():
            page = await context.new_page()
            cdp = await context.new_cdp_session(page)
            commands: dict[str, dict[str, Any]] = {
                "Network.enable": {"maxPostDataSize": _MAX_POST_DATA_SIZE},
                # If a reused connection closes without a response, Chromium sends the request again, even a POST. This header
                # prevents the reuse over HTTP/1.1. HTTP/2 has no such header, so Chromium omits it there.
                "Network.setExtraHTTPHeaders": {"headers": {"Connection": "close"}},
                "Page.enable": {},
            }
            if identity is not None:
                commands["Emulation.setUserAgentOverride"] = identity
            await asyncio.gather(*map(cdp.send, commands, commands.values()), set_up_view(page, cdp, options))
            return cls(page, cdp)

    @property
    def is_idle(self) -> bool:
        """True if the page can take a message."""
        return self.state is PageState.IDLE

    def shows(self, conversation_id: str | None, question_id: str | None) -> bool:
        """Return whether the page shows the conversation, and the last message from this page had the id ``question_id``.

        The result is False for a new conversation.
        """
        is_newest = question_id is not None and question_id == self._question_id
        return is_newest and self._navigation.is_still_at(conversation_id)

    async def shows_newest(self, turn: Turn) -> bool:
        """Return whether the last message on the page belongs to this turn.

        Return False if the page contains no message ids or does not respond.
        """
        with map_playwright_errors():
            # The composer reads its state at the same time, so that `send`, which is called directly after this, need not wait.
            ids, _ = await asyncio.gather(self._report.newest_message_ids(), self._composer.is_usual())
        return not turn.parents.isdisjoint(ids)

    def reserve(self) -> None:
        """Reserve the page for a message."""
        self._enter(PageState.BUSY)

    def die(self, error: ChatGPTError) -> None:
        """Mark the page as unusable, and end the message in flight with the error. Only the error of the first call is used."""
        self.dead = self.dead or error
        self.state = PageState.CLOSED
        if self._observer is not None:
            self._observer.fail(self.dead)

    async def close(self, reason: ChatGPTError | None = None) -> None:
        """Close the page. A message in flight fails with ``reason``, by default a :class:`ClientClosedError`."""
        self.die(reason or ClientClosedError())
        await self._close_page()

    async def send(
        self, message: OutgoingMessage, site: Site, *, model: str | None, timeout: float
    ) -> ResponseStream:
        """Write a message, send it, and return the stream of the response.

        If the page does not show the conversation, or the newest question was not sent from this page, the conversation is
        opened. ``model`` is the model for a new conversation; None means the page's default. ``timeout`` limits each step.

        ``message.delivery`` records whether the message was sent, even if an error is raised.

        :raises ChallengeError: the site responded with a challenge.
        :raises SessionExpiredError: the page asks to log in.
        :raises APIStatusError: the site responded with an error status instead of the page.
        :raises OriginError: the page is on another origin.
        :raises PageError: the page has an unknown layout, is blocked by a dialog, or did not send the message unchanged.
        """
        with map_playwright_errors(), PreparationObserver(self._cdp, site) as preparation:
            try:
                with limit_steps(timeout, message.delivery):
                    await self._prepare(message, site, model, timeout)
                with limit_steps(timeout + upload_time(message.prompt.options.files), message.delivery):
                    return await self._submit(message, site, preparation, model=model, timeout=timeout)
            except PageError as error:
                is_unsent = message.delivery.state is DeliveryState.NOT_STARTED
                if is_unsent and (refusal := await preparation.error()) is not None:
                    raise refusal from error
                with suppress(PlaywrightError):
                    error.elements = tuple(await self._report.outline())
                    error.matches = tuple(await self.matches())
                raise

    async def matches(self) -> list[dict[str, str]]:
        """Return the entries of :mod:`.selectors` that match the page now. Return an empty list if it does not respond."""
        return await self._report.matches()

    # ---- The steps of a message --------------------------------------------------------------------------------------

    async def _prepare(self, message: OutgoingMessage, site: Site, model: str | None, timeout: float) -> None:
        """Make the page show the message's conversation, and wait until a message can be written."""
        conversation_id, turn = message.prompt.conversation_id, message.turn
        is_shown = self.shows(conversation_id, turn.question_id)
        if is_shown and self._navigation.is_at(conversation_id) and await self._composer.is_usual():
            return
        is_shown = is_shown and not await self._composer.is_replying()
        if is_shown and await self._navigation.wait_for_address(conversation_id):
            await self._composer.wait_until_ready(timeout)
        else:
            await self._open(message, site, model, timeout)

    async def _open(self, message: OutgoingMessage, site: Site, model: str | None, timeout: float) -> None:
        """Open the address of the message's conversation."""
        await self._navigation.open(address_of(message.prompt, model), message, site, timeout=timeout)
        await self._controls.check_mode()

    async def _prepare_again(
        self, message: OutgoingMessage, site: Site, model: str | None, timeout: float
    ) -> None:
        """Prepare the page again after a reload. If the message may have been sent, only wait for the composer."""
        if message.delivery.state is DeliveryState.NOT_STARTED:
            await self._prepare(message, site, model, timeout)
        else:
            await self._composer.wait_until_ready(timeout)

    async def _submit(
        self,
        message: OutgoingMessage,
        site: Site,
        preparation: PreparationObserver,
        *,
        model: str | None,
        timeout: float,
    ) -> ResponseStream:
        """Write the message, wait until the page has sent it, and return the stream of the response.

        If the page submits a form natively or turns the text into an attachment, open the conversation again and repeat.
        """
        submission = Submission(
            self._composer,
            self._events,
            preparation,
            self._report,
            message.prompt.text,
            timeout,
            prepare=functools.partial(self._prepare_again, message, site, model, timeout),
            apply_options=lambda: self._controls.apply(
                message.prompt.options, site, model=model, document=self._events.documents
            ),
        )
        self._controls.forget()
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            try:
                observer = await submission.run(
                    functools.partial(self._observe, message, site), message.delivery
                )
                break
            except (NativeSubmitError, TextAttachedError) as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                logger.info("the message is written again: %s", error)
                if isinstance(error, TextAttachedError):
                    self._composer.type_only()
            self._observer = None
            await self._open(message, site, model, timeout)
        observer.stream.when_over(functools.partial(self._on_over, observer))
        self._navigation.note_sent()
        try:
            message.delivery.is_checked = check_captured_request(
                observer.captured, message.prompt, message.turn, model=model
            )
        except PageError:
            await self._stop_reply(observer.stream)
            raise
        self._question_id = observer.captured.message_id
        self._navigation.has_address = "temporary" not in observer.captured.options
        return observer.stream

    def _observe(self, message: OutgoingMessage, site: Site) -> RequestObserver:
        self._question_id = None
        self._observer = RequestObserver(self._cdp, site, message.delivery, self._stop, self._connections)
        return self._observer

    def _on_over(self, observer: RequestObserver) -> None:
        """After a message, make the page idle. If the page may send the message again, close the page instead."""
        self._observer = None
        if observer.may_be_repeated and self.dead is None:
            self.die(BrowserCrashedError("The site's page was closed: it may send the message again."))
            self._tasks.spawn(self._close_page())
        if self.state is PageState.BUSY:
            self._enter(PageState.IDLE)

    # ---- Stopping a reply --------------------------------------------------------------------------------------------

    def _stop(self, observer: RequestObserver) -> bool:
        """Begin to stop the reply, and return False. Return True if there is none: its message is not in flight on this page."""
        if self._observer is not observer or self.dead is not None:
            return True
        if self.state is not PageState.STOPPING:
            self._enter(PageState.STOPPING)
            self._tasks.spawn(self._stop_reply(observer.stream))
        return False

    async def _stop_reply(self, stream: ResponseStream) -> None:
        """Click the stop button and wait until the reply has ended. If this fails, close the page."""
        is_stopped = await self._click_stop(stream)
        if is_stopped and stream.is_handed_off:
            stream.end()
        if stream.is_over:
            self._enter(PageState.IDLE)
        else:
            await self.close(
                BrowserCrashedError("The page was closed, because its reply could not be stopped.")
            )

    async def _click_stop(self, stream: ResponseStream) -> bool:
        """Click the stop button, and wait until the reply has ended. Return False if the button could not be clicked."""
        is_over, is_stopped = asyncio.Event(), False
        stream.when_over(is_over.set)
        try:
            with anyio.move_on_after(_CLICK_STOP_TIMEOUT):
                is_stopped = await self._composer.stop()
            if is_stopped and not stream.is_handed_off:
                with anyio.move_on_after(_STOP_TIMEOUT):
                    await is_over.wait()
        except (PlaywrightError, ConnectionError) as exc:
            logger.debug("the reply could not be stopped: %s", to_library_error(exc))
            return False
        return is_stopped

    # ---- The page ----------------------------------------------------------------------------------------------------

    def _enter(self, state: PageState) -> None:
        """Change the state, unless the page is closed."""
        if self.state is PageState.CLOSED:
            return
        self.state = state
        if state is PageState.IDLE:
            self.idle_since = asyncio.get_running_loop().time()

    async def _close_page(self) -> None:
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
            try:
                await self._page.close()
            except (PlaywrightError, ConnectionError) as exc:
                logger.debug("the site's page could not be closed: %s", to_library_error(exc))
        # After a cancelled call, Playwright may still regard the page as open. Then the browser is told to close it.
        if not self._page.is_closed():
            await suppress_close_errors(functools.partial(self._cdp.send, "Page.close"))
