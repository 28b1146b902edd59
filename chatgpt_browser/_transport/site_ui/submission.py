"""Submits one message through the site's page: writes and checks the text, and clicks Send until the page has sent it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import to_library_error
from ..._core.background import BackgroundTasks, cancel_tasks
from ..._core.errors import (
    ChatGPTError,
    DialogInTheWayError,
    PageError,
    RateLimitError,
    SessionExpiredError,
    UnusualActivityError,
)
from ..base import DeliveryState
from .lost_message import LostMessageError
from .text_pieces import has_same_words, with_mention

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..base import Delivery
    from .composer import Composer
    from .message_box import BoxContent
    from .page_events import PageEvents
    from .page_report import PageReport
    from .preparation_observer import PreparationObserver
    from .request_observer import RequestObserver

#: Interval in seconds at which the page is polled after a click on the send button. No event shows that a click had no effect.
_INTERVAL = 0.5
#: Seconds without a visible effect of a click on the send button, after which the button is clicked again. The first limit
#: applies while the text is still in the message box. The second limit applies after the box has become empty, because the page
#: is then probably sending the message. Both limits are doubled after each click.
_QUIET_WITH_TEXT, _QUIET_WITHOUT_TEXT = 1.0, 2.0
#: This limit replaces `_QUIET_WITH_TEXT` and `_QUIET_WITHOUT_TEXT` while a request that began after the click is in flight. The
#: page may need its response before it sends the message, so a second click could send the message twice. The limit is finite,
#: because the request may have another purpose.
_QUIET_WHILE_LOADING = 15.0
#: If the page shows the message in the conversation but then does nothing for this many seconds, the message is treated as lost.
#: While any request is in flight, the message is not treated as lost, because the page may be waiting for the response.
_QUIET_WITH_COPY = 10.0
#: Seconds that the page may need for calculations after a request that prepares a message, before it sends the message.
_CALCULATION = 5.0
#: Interval in seconds at which the client searches the page for a dialog that blocks the page. No event shows such a dialog.
_DIALOG_INTERVAL = 5.0
#: After a native submission of a form, the text is written again, and the page sometimes discards it. Before the click on Send,
#: the client waits this many seconds to see whether the text disappears. The time is doubled after each native submission.
_FIRST_DISCARD = 0.5
#: The errors for dialogs that block the page. A message is withdrawn if the page has not sent it before such a dialog appears.
_BLOCKING = (DialogInTheWayError, RateLimitError, SessionExpiredError, UnusualActivityError)


class NativeSubmitError(PageError):
    """The page has submitted a form natively. So the page's document is replaced, and the message was not sent."""


class Submission:
    """Submits one message through one page. All times are in seconds.

    Until the page has sent a request with the message, it is safe to write the text again. The send button is clicked again only
    if the previous click had no visible effect. A visible effect is a request that sends or prepares the message, a stop button,
    or a new copy of the message's text outside the message box.

    If the page shows a new copy but then does nothing, for example after an error in its scripts, the message is withdrawn.
    """

    def __init__(
        self,
        composer: Composer,
        activity: PageEvents,
        preparation: PreparationObserver,
        report: PageReport,
        text: str,
        timeout: float,
        *,
        prepare: Callable[[], Awaitable[None]],
        apply_options: Callable[[], Awaitable[bool]],
    ) -> None:
        self._prepare = prepare
        self._apply_options = apply_options
        self._preparation = preparation
        self._report = report
        self._composer = composer
        self._activity = activity
        #: The text to write, and the text that the message box then shows. They differ if a tool has added its name in the box.
        self._text = self._shown = text
        self._timeout = timeout
        self._clock = asyncio.get_running_loop().time
        self._native_submits = self._clicks = 0
        #: True if the message box became empty after a click that had no other effect. The page may still react to this click.
        self._may_react_late = False

    async def run(self, observe: Callable[[], RequestObserver], delivery: Delivery) -> RequestObserver:
        """Send the message. Return the observer of its request.

        :param observe: creates the observer; called before the first click.
        :raises NativeSubmitError: the page has submitted a form natively. Open the conversation again and repeat the call.
        :raises TextAttachedError: the page has turned the text into an attachment.
        :raises LostMessageError: the page has accepted the message, but does not send it.
        :raises PageError: the page cannot send the message, or has not sent it within the timeout.
        """
        if not self._native_submits:
            await self._composer.wait_for_network_idle_if_always_enabled()
        content = await self._write()
        observer, self._clicks = observe(), 0
        self._preparation.requests.clear(self._text)
        self._activity.on_native_submit = lambda: self._on_native_submit(observer, delivery)
        watching = BackgroundTasks(on_error=lambda error: observer.fail(to_library_error(error)))
        watching.spawn(self._withdraw_if_prevented(observer))
        try:
            with anyio.move_on_after(self._timeout):
                await self._click_until_sent(observer, delivery, content)
                if self._may_react_late:
                    await observer.expect_repetition()
        finally:
            self._activity.on_native_submit = None
            await watching.cancel()
        if not observer.sent.is_set():
            raise await self._not_sent_error(delivery)
        if observer.failure is not None:
            raise observer.failure
        return observer

    async def _not_sent_error(self, delivery: Delivery) -> PageError:
        if delivery.state is DeliveryState.NOT_STARTED:
            return PageError(
                f"The site's page discarded the message for {self._timeout:g} s. Nothing was sent."
            )
        return PageError(
            f"The site's page sent no message within {self._timeout:g} s after the send button was clicked. "
            f"It may still have been sent: check the conversation before you send it again. {await self._describe()}"
        )

    async def _describe(self) -> str:
        """Return a sentence that describes the page after the clicks, without private data."""
        state = await self._report.composer_state(self._shown)
        requests = self._preparation.requests.describe()
        return f"(Clicks: {self._clicks}. Composer: {state}. Requests after the first click: {requests}.)"

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
        """Write the text, apply the message's options, and check the text. Return the content of the message box.

        If the page reloads or replaces the text meanwhile, write the text again.
        """
        deadline = self._clock() + self._timeout
        while True:
            documents = self._activity.documents
            try:
                await self._composer.write(self._text, timeout=self._timeout)
                self._shown = self._text
                if await self._apply_options():
                    self._shown = with_mention(await self._composer.read_anew(), self._text)
                if self._native_submits:
                    await self._composer.wait_until_lost(_FIRST_DISCARD * 2.0 ** (self._native_submits - 1))
                content = await self._composer.check(self._shown)
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
        """Write the text and click the send button, repeatedly, until the page has sent the message or the page has failed."""
        try:
            while not observer.sent.is_set():
                if await self._click(delivery, is_first=self._clicks == 0):
                    self._clicks += 1
                    if await self._has_effect(observer, content, patience=2.0 ** (self._clicks - 1)):
                        return
                content = await self._write()
        except (ChatGPTError, PlaywrightError) as error:
            is_blocked = isinstance(error, _BLOCKING)
            if not observer.sent.is_set() and self._clicks == 0:
                raise
            if is_blocked and isinstance(error, ChatGPTError):
                await observer.withdraw(error)
            # The page may have accepted the message and then changed its composer, so that the next step failed. So wait for the
            # page's request instead of raising the error.
            await observer.sent.wait()

    async def _click(self, delivery: Delivery, *, is_first: bool) -> bool:
        """Click the send button. Return False if the button was certainly not clicked."""
        self._activity.forget_preparations()
        await delivery.announce()
        delivery.start()
        is_clicked = False
        try:
            is_clicked = await self._composer.press_send(self._shown)
        except PageError:
            if is_first:
                delivery.withdraw()
            raise
        if is_first and not is_clicked:
            delivery.withdraw()
        return is_clicked

    async def _has_effect(self, observer: RequestObserver, before: BoxContent, patience: float) -> bool:
        """Wait for the effect of a click. Return False if Send must be clicked again, because no effect was visible in time.

        Return True after the page has sent the message, or after the message was withdrawn because the page has lost it.

        :param before: the content of the message box before the click.
        :param patience: the factor for the time limits.
        """
        busy_at = accepted_at = loaded_at = self._clock()
        while True:
            with anyio.move_on_after(_INTERVAL):
                await observer.sent.wait()
            if observer.sent.is_set():
                return True
            content = await self._composer.read(self._shown)
            is_preparing = self._activity.is_preparing(_CALCULATION) or self._preparation.is_pending
            if is_preparing or await self._composer.shows_reply():
                busy_at = self._clock()
            if content.copies > before.copies:
                accepted_at = self._clock()
                if self._preparation.requests.is_loading:
                    loaded_at = accepted_at
                is_idle = accepted_at - max(busy_at, loaded_at) >= _QUIET_WITH_COPY
                if is_idle and not self._preparation.requests.may_contain_message:
                    await observer.withdraw(await self._lost_error())
            is_kept = has_same_words(content.text, self._shown)
            limit = _QUIET_WITH_TEXT if is_kept else _QUIET_WITHOUT_TEXT
            if self._preparation.requests.is_reacting:
                limit = _QUIET_WHILE_LOADING
            if self._clock() - max(busy_at, accepted_at) >= limit * patience:
                self._may_react_late = self._may_react_late or not is_kept
                return False

    async def _lost_error(self) -> LostMessageError:
        return LostMessageError(
            f"The site's page has accepted the message but did not send it. Nothing was sent. {await self._describe()}"
        )

    async def _withdraw_if_prevented(self, observer: RequestObserver) -> None:
        """Wait until the page has sent the message. If the site or a dialog prevents this, withdraw the message."""
        sending = asyncio.ensure_future(observer.sent.wait())
        refusing = asyncio.ensure_future(self._preparation.wait_until_refused())
        covering = asyncio.ensure_future(self._wait_for_dialog())
        tasks = (sending, refusing, covering)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                await observer.withdraw((refusing if refusing.done() else covering).result())
                await sending
        finally:
            await cancel_tasks(*tasks)

    async def _wait_for_dialog(self) -> ChatGPTError:
        """Wait until a dialog blocks the page, and return the error for the dialog.

        The page is examined every ``_DIALOG_INTERVAL`` seconds, because no event shows that a dialog has appeared.
        """
        while True:
            await asyncio.sleep(_DIALOG_INTERVAL)
            with suppress(PlaywrightError):  # the document was replaced
                if (error := await self._composer.dialog_error()) is not None:
                    return error
