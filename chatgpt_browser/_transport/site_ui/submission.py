"""The submission of one message by the site's page: written, checked and sent, again and again until the page has sent it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._core.errors import ChatGPTError, DialogInTheWayError, PageError, RateLimitError, SessionExpiredError
from ..base import DeliveryState
from .text_pieces import has_same_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..base import Delivery
    from .composer import Composer
    from .message_box import BoxContent
    from .page_events import PageEvents
    from .preparation_observer import PreparationObserver
    from .request_observer import RequestObserver

#: Interval in seconds at which the page is examined after the send button was clicked. No event shows that a click had no effect.
_INTERVAL = 0.5
#: Seconds without any sign of an effect until the send button is clicked again: if the text is still in the message box, and if
#: the message box is empty, which is also the first effect of a click. Doubled after each click.
_QUIET_WITH_TEXT, _QUIET_WITHOUT_TEXT = 1.0, 2.0
#: Seconds that a page may calculate between a request that prepares a message and the message.
_CALCULATION = 5.0
#: Seconds after which the page is searched for a dialog if it has not sent the message.
_DIALOG_DELAY = 5.0
#: Limit in seconds for waiting whether the page discards the text, after it has submitted a form natively. Doubled each time.
_FIRST_DISCARD = 0.5


class NativeSubmitError(PageError):
    """The page has submitted a form natively, so its document is replaced and the message was not sent."""


class Submission:
    """One message on one page. All times are in seconds.

    Until the page has sent a request with the message, writing it again is safe. The button is clicked again only if the previous
    click had no visible effect: no request with the message or in preparation of it, no stop button, no copy of the message.
    """

    def __init__(
        self,
        composer: Composer,
        activity: PageEvents,
        preparation: PreparationObserver,
        text: str,
        timeout: float,
        *,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self._prepare = prepare
        self._preparation = preparation
        self._composer = composer
        self._activity = activity
        self._text = text
        self._timeout = timeout
        self._clock = asyncio.get_running_loop().time
        self._native_submits = 0

    async def run(self, observe: Callable[[], RequestObserver], delivery: Delivery) -> RequestObserver:
        """Send the message. Return its observer, which ``observe`` creates before the first click.

        :raises NativeSubmitError: the page has submitted a form natively. Open the conversation again, and repeat the call.
        :raises TextAttachedError: the page has turned the text into an attachment.
        :raises PageError: the page did not send the message within the timeout after the first click, or cannot send it.
        """
        if not self._native_submits:
            await self._composer.wait_for_network_idle_if_always_enabled()
        content = await self._write()
        observer = observe()
        self._activity.on_native_submit = lambda: self._on_native_submit(observer, delivery)
        watching = asyncio.ensure_future(self._withdraw_if_prevented(observer))
        try:
            with anyio.move_on_after(self._timeout):
                await self._click_until_sent(observer, delivery, content)
        finally:
            self._activity.on_native_submit = None
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        if not observer.sent.is_set():
            raise self._not_sent_error(delivery)
        if observer.failure is not None:
            raise observer.failure
        return observer

    def _not_sent_error(self, delivery: Delivery) -> PageError:
        if delivery.state is DeliveryState.NOT_STARTED:
            return PageError(
                f"The site's page discarded the message for {self._timeout:g} s. Nothing was sent."
            )
        return PageError(
            f"The site's page sent no message within {self._timeout:g} s after the send button was clicked. "
            "It may still have been sent: check the conversation before you send it again."
        )

    def _on_native_submit(self, observer: RequestObserver, delivery: Delivery) -> None:
        if not observer.sent.is_set():
            self._native_submits += 1
            delivery.withdraw()
            observer.fail(
                NativeSubmitError(
                    "The site's page did not become interactive. Nothing was sent. Try again later."
                )
            )

    # ---- Writing -----------------------------------------------------------------------------------------------------

    async def _write(self) -> BoxContent:
        """Write the text and check it, again if the page reloads or replaces the text meanwhile. Return the checked content."""
        deadline = self._clock() + self._timeout
        while True:
            documents = self._activity.documents
            try:
                await self._composer.write(self._text, timeout=self._timeout)
                if self._native_submits:
                    await self._composer.wait_until_lost(_FIRST_DISCARD * 2.0 ** (self._native_submits - 1))
                content = await self._composer.check(self._text)
            except (PageError, PlaywrightError):
                if self._activity.documents == documents or self._clock() >= deadline:
                    raise
                await self._prepare()
                continue
            if content is not None:
                return content
            if self._clock() >= deadline:
                raise PageError(
                    "The site's page has replaced the message with another text. Nothing was sent."
                )

    # ---- Clicking ----------------------------------------------------------------------------------------------------

    async def _click_until_sent(
        self, observer: RequestObserver, delivery: Delivery, content: BoxContent
    ) -> None:
        """Click the send button until the page has sent the message, or has failed to."""
        clicks = 0
        try:
            while not observer.sent.is_set():
                if await self._click(delivery, is_first=clicks == 0):
                    clicks += 1
                    if await self._has_effect(observer, content, patience=2.0 ** (clicks - 1)):
                        return
                content = await self._write()
        except (ChatGPTError, PlaywrightError) as error:
            is_blocked = isinstance(error, (DialogInTheWayError, RateLimitError, SessionExpiredError))
            if not observer.sent.is_set() and clicks == 0:
                raise
            if is_blocked and isinstance(error, ChatGPTError):
                await observer.withdraw(error)
            # The page may have accepted the message, and shows another state of the composer for that reason.
            await observer.sent.wait()

    async def _click(self, delivery: Delivery, *, is_first: bool) -> bool:
        """Click the send button. Return False if it was certainly not clicked."""
        self._activity.forget_preparations()
        delivery.start()
        is_clicked = False
        try:
            is_clicked = await self._composer.press_send(self._text)
        except PageError:
            if is_first:
                delivery.withdraw()
            raise
        if is_first and not is_clicked:
            delivery.withdraw()
        return is_clicked

    async def _has_effect(self, observer: RequestObserver, before: BoxContent, patience: float) -> bool:
        """Wait until the page has sent the message, or until evidently the click had no effect."""
        quiet_since = self._clock()
        while True:
            with anyio.move_on_after(_INTERVAL):
                await observer.sent.wait()
            if observer.sent.is_set():
                return True
            content = await self._composer.read(self._text)
            is_busy = self._activity.is_preparing(_CALCULATION) or await self._composer.shows_reply()
            if is_busy or content.copies > before.copies:
                quiet_since = self._clock()
            is_kept = has_same_words(content.text, self._text)
            limit = _QUIET_WITH_TEXT if is_kept else _QUIET_WITHOUT_TEXT
            if self._clock() - quiet_since >= limit * patience:
                return False

    async def _withdraw_if_prevented(self, observer: RequestObserver) -> None:
        """Wait until the page has sent the message. Withdraw the message if the site or a dialog prevents it."""
        sending = asyncio.ensure_future(observer.sent.wait())
        refusing = asyncio.ensure_future(self._preparation.wait_until_refused())
        both = (sending, refusing)
        try:
            await asyncio.wait(both, timeout=_DIALOG_DELAY, return_when=asyncio.FIRST_COMPLETED)
            error = None
            if not sending.done() and not refusing.done():
                error = await self._composer.dialog_error()
            if error is None:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                await observer.withdraw(error or refusing.result())
                await sending
        finally:
            sending.cancel()
            refusing.cancel()
