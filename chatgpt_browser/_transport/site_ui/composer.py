"""Operates the composer of the site's page with trusted input events: writes and sends a message, and stops the reply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import is_replaced, may_have_clicked, milliseconds
from ..._core.background import cancel_tasks
from ..._core.errors import ComposerNotFoundError, MessageTooLongError, PageError, SessionExpiredError
from .dialogs import Dialogs, choice_error
from .elements import PageElements, becomes, first_of
from .isolated_evaluation import IsolatedEvaluation
from .message_box import BoxContent, MessageBox
from .page_activity import PageActivity
from .stop_button import StopButton
from .text_pieces import has_same_words
from .usual_composer import UsualComposer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from playwright.async_api import CDPSession, Locator, Page

    from ..._core.errors import ChatGPTError


#: Time limit in seconds within which an existing element must become clickable.
_CLICK_TIMEOUT = 5.0
#: Seconds that are added to `_CLICK_TIMEOUT` for each character of the text: an editor needs more time to lay out a long text.
_CLICK_TIMEOUT_PER_CHARACTER = 1e-4
#: Time limit in seconds for the first attempt to find and click the send button. The limit doubles for each further attempt.
_CLICK_ATTEMPT = 1.0
#: The last attempt has at least this time limit in seconds: in a page with a long text, the search for the button is slow.
_LONGEST_ATTEMPT = 4.0
#: Threshold in characters: a text with more characters may be too long for the site.
_LONG_TEXT = 2_000
#: Time limit in seconds within which the page's network should become idle.
_NETWORK_IDLE_TIMEOUT = 5.0
#: Time limit in seconds within which a page must accept text. A page is drawn before its scripts handle input.
_HYDRATION_TIMEOUT = 15.0
#: The first pause in seconds before the text is written again, if the page did not accept it. Each pause is twice as long as the
#: pause before.
_FIRST_RETRY = 0.5
#: If the composer has buttons, but no recognized send button: seconds to wait for a send button before Enter is used.
_ENTER_DELAY = 2.0
#: Factor: the client waits for the send button at least this many times as long as the insertion of the text took.
_PATIENCE = 3
#: Time limit in seconds within which the page must show a change of its state, for example hide the stop button.
_RENDER_TIMEOUT = 1.0

_NOT_SENT = "Nothing was sent."
_UNKNOWN_LAYOUT = f"{_NOT_SENT} To report the page's layout, run `chatgpt-browser doctor --live`."


class Composer:
    """Operates the composer of one page. Each method searches for the elements again. All times are in seconds."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self._page = page
        self._elements = PageElements(page)
        evaluation = IsolatedEvaluation(cdp)
        self._activity = PageActivity(page, self._elements, evaluation)
        self._dialogs = Dialogs(page, evaluation)
        self._stop_button = StopButton(self._elements)
        self._box = MessageBox(page, self._elements)
        self._usual = UsualComposer(page, evaluation)

    def type_only(self) -> None:
        """Type all later texts and never paste them, because the page turns pasted texts into attachments."""
        self._box.may_paste = False

    async def is_usual(self) -> bool:
        """Return whether the composer is usual: it can certainly take a message, and no reply is in progress."""
        state = await self._usual.select()
        if state is not None:
            self._stop_button.note_shapes(state.shapes)
        return state is not None

    async def wait_until_ready(self, timeout: float) -> None:
        """Wait until a message can be written.

        :raises SessionExpiredError: the page asks to log in.
        :raises DialogInTheWayError: a dialog blocks the page.
        :raises ComposerNotFoundError: no message box was found within the timeout.
        """
        if await self.is_usual():
            return
        elements = self._elements
        outcome = elements.message_box.or_(elements.log_in).or_(elements.blocking_dialogs)
        if not await self._activity.appears(outcome, timeout):
            await self._check_dialogs()
            if await self._elements.shell.count():
                raise ComposerNotFoundError(
                    f"The site's page did not become interactive within {timeout:g} s. {_NOT_SENT} Try again later."
                )
            raise ComposerNotFoundError(
                f"The site's page shows no message box that this version recognizes. {_UNKNOWN_LAYOUT}"
            )
        await self.check_unobstructed()

    async def check_unobstructed(self) -> bool:
        """Close announcements, and raise an error if another dialog, an element or a log-in prompt blocks the composer.

        Return whether an announcement was closed.

        :raises DialogInTheWayError: a person must answer a dialog.
        :raises RateLimitError: a dialog reports too many requests.
        :raises SessionExpiredError: the page asks to log in; a message written there would not belong to the account.
        """
        was_closed = await self._dialogs.check()
        if await self._asks_to_log_in():
            raise SessionExpiredError(
                "The site's page asks to sign in, so the session has expired. "
                f"{_NOT_SENT} Sign in again and use the new session token."
            )
        await self._stop_button.note_idle_buttons()
        return was_closed

    async def write(self, text: str, *, timeout: float) -> None:
        """Replace the text in the message box, and wait until the send button is enabled.

        Until a page is hydrated, it may ignore or lose the text. A page may also replace its composer. In these cases, the text
        is written again: immediately if the page has removed the text, and otherwise after a pause.

        :raises ComposerNotFoundError: no send button was found.
        :raises MessageTooLongError: the page shows that the text is too long.
        :raises PageError: the text is blank, or the page ignored or changed it.
        """
        if not text.strip():
            raise PageError(f"The site's page cannot send a message without text. {_NOT_SENT}")
        if await self._usual.write(text) is not None:
            return
        clock = asyncio.get_running_loop().time
        remaining, pause, changed = min(timeout, _HYDRATION_TIMEOUT), _FIRST_RETRY, ""
        alerts = await self._elements.too_long_alerts.count() if len(text) > _LONG_TEXT else 0
        while remaining > 0:
            start = clock()
            if not await self._insert(text, timeout):
                await becomes(self._elements.message_box, "visible", min(pause, remaining))
                remaining -= clock() - start
                continue
            inserted = clock()
            # If the page has needed a long time to insert a long text, it needs a long time for its next steps, too. So this wait
            # is at least `_PATIENCE` times as long as the insertion.
            pause = max(min(pause, remaining), min(_PATIENCE * (inserted - start), timeout))
            is_enabled = await self._becomes_enabled(pause)
            remaining -= clock() - inserted
            written = (await self._box.read()).text
            if len(text) > _LONG_TEXT and await self._elements.too_long_alerts.count() > alerts:
                raise await self._too_long_error()
            if is_enabled and has_same_words(written, text):
                return
            if is_enabled and written.strip() and written == changed:
                break
            changed = written if is_enabled else ""
            pause *= 2
        raise await self._write_error(was_changed=bool(changed.strip()))

    async def check(self, text: str) -> BoxContent | None:
        """Check that the page is not blocked. Return the content of the message box, or None if the page has replaced the text.

        Call this directly before a message is sent. It raises the same errors as :meth:`check_unobstructed`.
        """
        state = self._usual.written or await self._usual.look(text)
        if state is not None:
            self._stop_button.note_shapes(state.shapes)
            content = BoxContent(state.text, state.copies)
        else:
            await self.check_unobstructed()
            content = await self._box.read(text)
        return content if has_same_words(content.text, text) else None

    async def read(self, text: str) -> BoxContent:
        """Return the content of the message box, and the number of copies of ``text`` elsewhere on the page."""
        return await self._box.read(text)

    async def read_anew(self) -> str:
        """Read the message box again, and return its text. Call this after an option was applied: options can change the text."""
        self._usual.forget()
        return (await self._box.read()).text

    async def shows_reply(self) -> bool:
        """Return whether the page shows a stop button now."""
        return await self._elements.stop_button.count() > 0

    async def wait_until_lost(self, timeout: float) -> None:
        """Wait until the page has removed the text of the message box, for at most ``timeout`` seconds."""
        self._usual.forget()
        await self._box.wait_until_lost(timeout)

    async def wait_for_network_idle_if_always_enabled(self) -> None:
        """If the send button is enabled although the message box is empty, wait until the page's network is idle.

        Some layouts always enable the button. Then the button's state does not show whether the page is hydrated.
        """
        state = self._usual.selected or await self._usual.look()
        if state is not None and (not state.is_enabled or state.text.strip()):
            return
        if not await self._elements.enabled_send_button.count() or (await self._box.read()).text.strip():
            return
        await self._activity.wait_for_network_idle(_NETWORK_IDLE_TIMEOUT)

    async def press_send(self, text: str) -> bool:
        """Click the send button, or press Enter if the page has no send button. Return True after the click or the key press.

        If the page has lost the text, do not click or press anything, and return False.

        :raises PageError: the button cannot be clicked.
        """
        if await self._tries(self._usual.click_send(text)):
            return True
        clock, timeout, attempt = asyncio.get_running_loop().time, _click_timeout(text), _CLICK_ATTEMPT
        deadline = clock() + timeout
        while True:
            button = await first_of(self._elements.send_buttons)
            if button is not None and await self._tries_click(button, attempt):
                return True
            attempt *= 2
            if not has_same_words((await self._box.read()).text, text):
                return False
            was_closed = await self.check_unobstructed()
            if button is None:
                await self._page.keyboard.press("Enter")
                return True
            if was_closed:
                deadline = clock() + timeout
            if clock() >= deadline and attempt > _LONGEST_ATTEMPT:
                raise await self._click_error("send button")

    async def stop(self) -> bool:
        """Click the stop button. Return False if there is no stop button."""
        return await self._stop_button.click()

    async def is_replying(self) -> bool:
        """Return whether a reply is in progress: the page shows a stop button for at least ``_RENDER_TIMEOUT`` seconds."""
        return not await becomes(self._elements.stop_button, "hidden", _RENDER_TIMEOUT)

    async def shows_any(self, message_ids: Sequence[str], timeout: float) -> bool:
        """Wait until one of these messages is on the page. Return False if none appears within the timeout."""
        if not message_ids:
            return False
        return await becomes(self._elements.messages(message_ids), "attached", timeout)

    async def dialog_error(self) -> ChatGPTError | None:
        """Return the error for an element that covers the composer and cannot be closed, or None if there is no such element."""
        obstruction = await self._dialogs.find()
        return None if obstruction is None or obstruction.is_closable else obstruction.error()

    async def _can_send(self, timeout: float) -> bool:
        """Wait until the send button is enabled. Return whether the message can be sent by this button or by Enter.

        Enter is used if the composer has no button at all. If the composer has buttons, but no send button is recognized, Enter
        is used only with a timeout of at least ``_ENTER_DELAY``, because the send button may appear late.
        """
        if await becomes(self._elements.enabled_send_button, "visible", timeout):
            return True
        has_box = await self._elements.message_box.count() and not await first_of(self._elements.send_buttons)
        return bool(has_box) and (timeout >= _ENTER_DELAY or not await self._elements.form_buttons.count())

    async def _insert(self, text: str, timeout: float) -> bool:
        """Replace the text in the message box. Return False if there is no message box."""
        box = await first_of(self._elements.message_boxes)
        if box is None:
            return False
        try:
            if await self._click_box(box, _click_timeout(text)):
                await self._box.replace(text, timeout)
                return True
        except PlaywrightError as error:
            if not is_replaced(error):
                raise
        return False

    async def _click_box(self, box: Locator, timeout: float) -> bool:
        """Click the message box. Return False if it was removed. Announcements that appear meanwhile are closed."""
        attempt = _CLICK_ATTEMPT
        while not await self._tries_click(box, attempt):
            if not await box.count():
                return False
            attempt *= 2
            if not await self.check_unobstructed() and attempt > timeout:
                raise await self._click_error("message box")
        return True

    async def _tries_click(self, element: Locator, timeout: float) -> bool:
        """Click an element. Return False if it was certainly not clicked, for example because it was replaced."""
        return await self._tries(element.click(timeout=milliseconds(timeout)))

    async def _tries(self, click: Awaitable[bool | None]) -> bool:
        """Await ``click``, which clicks an element. Return False if the element was certainly not clicked."""
        try:
            return await click is not False
        except PlaywrightError as error:
            if not is_replaced(error):
                raise
            return may_have_clicked(error)

    async def _click_error(self, name: str) -> PageError:
        """Return the error for an element that cannot be clicked, or raise a more specific error."""
        await self.check_unobstructed()
        await self._check_dialogs()
        return PageError(f"The {name} of the site's page cannot be clicked. {_UNKNOWN_LAYOUT}")

    async def _becomes_enabled(self, timeout: float) -> bool:
        """Wait until the send button is enabled or the page removes the text. Return whether the button is enabled."""
        enabled = asyncio.ensure_future(self._can_send(timeout))
        lost = asyncio.ensure_future(self._box.wait_until_lost(timeout))
        try:
            await asyncio.wait((enabled, lost), return_when=asyncio.FIRST_COMPLETED)
            return enabled.done() and enabled.result()
        finally:
            await cancel_tasks(enabled, lost)

    async def _asks_to_log_in(self) -> bool:
        if not await self._elements.log_in.count():
            return False
        return not await self._elements.message_box.count() or await self._elements.log_in_of_site.count() > 0

    async def _check_dialogs(self) -> None:
        """Raise an error if a dialog blocks the page. This is called if an element is missing or cannot be clicked."""
        if (obstruction := await self._dialogs.find()) is not None:
            raise obstruction.error()
        if await (choice := self._elements.choice).count():
            raise choice_error((await choice.first.inner_text()).partition("\n")[0][:80])

    async def _write_error(self, *, was_changed: bool) -> ChatGPTError:
        """Return the error for a text that the page ignored or, if ``was_changed`` is True, changed."""
        await self.check_unobstructed()
        await self._check_dialogs()
        if await self._elements.too_long_alerts.count():
            return await self._too_long_error()
        if await first_of(self._elements.send_buttons) is None:
            words = "no send button that this version recognizes"
            return ComposerNotFoundError(f"The site's page has {words}. {_UNKNOWN_LAYOUT}")
        what = "changed the text that was written" if was_changed else "did not react to the text"
        return PageError(f"The site's page {what}. {_UNKNOWN_LAYOUT}")

    async def _too_long_error(self) -> MessageTooLongError:
        words = " ".join((await self._elements.too_long_alerts.first.inner_text()).split())[:200]
        return MessageTooLongError(
            f"The site's page does not accept a message of this length ({words!r}). {_NOT_SENT}"
        )


def _click_timeout(text: str) -> float:
    """Return the time limit in seconds for a click on an existing element. It is longer if the message box has a long text."""
    return _CLICK_TIMEOUT + len(text) * _CLICK_TIMEOUT_PER_CHARACTER
