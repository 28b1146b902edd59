"""The composer of the site's page: writes a message, sends it and stops its reply, with trusted keyboard and mouse events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import anyio
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.errors import ComposerNotFoundError, PageError, SessionExpiredError
from ..._core.javascript import read_script
from .dialogs import Dialogs, choice_error
from .elements import Match, PageElements, first_of
from .isolated_evaluation import IsolatedEvaluation
from .page_activity import PageActivity
from .selectors import MESSAGE_ID_ATTRIBUTES, OUTLINE
from .stop_button import StopButton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import CDPSession, Locator, Page

    from ..._core.errors import ChatGPTError


#: Limit in seconds for an element that exists to become clickable.
_CLICK_TIMEOUT = 5.0
#: Limit in seconds for the page's network to become idle.
_NETWORK_IDLE_TIMEOUT = 5.0
#: Limit in seconds for a page to accept text: a page is drawn before its scripts handle input.
_HYDRATION_TIMEOUT = 15.0
#: Seconds until text that the page did not accept is written again. Each pause is twice as long as the previous one.
_FIRST_RETRY = 0.5
#: Limit in seconds for the page to show a change of its state.
_RENDER_TIMEOUT = 1.0

#: Limit in seconds for the page to describe its controls.
_OUTLINE_TIMEOUT = 5.0

_NOT_SENT = "Nothing was sent."
_UNKNOWN_LAYOUT = f"{_NOT_SENT} To report the page's layout, run `chatgpt-browser doctor --live`."


class Composer:
    """Operates the composer of one page. Each operation searches the page again. All times are in seconds."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self._page = page
        self._elements = PageElements(page)
        evaluation = IsolatedEvaluation(cdp)
        self._activity = PageActivity(page, self._elements, evaluation)
        self._dialogs = Dialogs(page, evaluation)
        self._stop_button = StopButton(self._elements)

    async def wait_until_ready(self, timeout: float) -> None:
        """Wait until a message can be written.

        :raises SessionExpiredError: the page asks to log in.
        :raises DialogInTheWayError: a dialog blocks the page.
        :raises ComposerNotFoundError: no message box was found within the timeout.
        """
        elements = self._elements
        outcome = elements.message_box.or_(elements.log_in).or_(elements.blocking_dialogs)
        if not await self._activity.appears(outcome, timeout):
            await self._check_dialogs()
            raise ComposerNotFoundError(
                f"The site's page shows no message box that this version recognizes. {_UNKNOWN_LAYOUT}"
            )
        await self.check_unobstructed()

    async def check_unobstructed(self) -> bool:
        """Check that nothing covers the composer, and that no dialog and no log-in prompt blocks the page.

        An announcement is closed. Return whether one was.

        :raises DialogInTheWayError: a dialog has to be answered by a person.
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

        A page that is drawn but not hydrated loses or ignores the text. In that case it is written again.

        :raises ComposerNotFoundError: no send button was found.
        :raises PageError: the text is blank, or the page ignored or changed it.
        """
        if not text.strip():
            raise PageError(f"The site's page cannot send a message without text. {_NOT_SENT}")
        if await self._elements.enabled_send_button.count():
            # The button is enabled without text, so its state does not show when the page is hydrated.
            await self._activity.wait_for_network_idle(_NETWORK_IDLE_TIMEOUT)
        remaining, pause, times_changed = min(timeout, _HYDRATION_TIMEOUT), _FIRST_RETRY, 0
        while remaining > 0 and times_changed < 2:
            pause = min(pause, remaining)
            remaining -= pause
            if await self._insert(text, timeout):
                is_enabled = await self._can_send(pause)
                written = await self._read()
                if is_enabled and _same_words(written, text):
                    return
                times_changed += bool(is_enabled and written.strip())
            else:
                await _becomes(self._elements.message_box, "visible", pause)
            pause *= 2
        raise await self._write_error(was_changed=times_changed > 0)

    async def check(self, text: str) -> None:
        """Check, directly before a message is sent, that the page is not blocked and that it holds this text.

        :raises PageError: the page has replaced the text, or :meth:`check_unobstructed` raised it.
        """
        await self.check_unobstructed()
        if not _same_words(await self._read(), text):
            raise PageError(f"The site's page has replaced the message with another text. {_NOT_SENT}")

    async def send(self) -> None:
        """Click the send button, or press Enter if the composer has no button at all.

        :raises ComposerNotFoundError: no send button was found.
        :raises PageError: the button cannot be clicked.
        """
        button = await first_of(self._elements.send_buttons)
        if button is not None:
            await self._click(button, "send button")
        elif await self._has_no_buttons():
            await self._page.keyboard.press("Enter")
        else:
            raise _no_send_button()

    async def stop(self) -> bool:
        """Click the stop button. Return False if there is none."""
        return await self._stop_button.click()

    async def is_replying(self) -> bool:
        """Return whether the page shows a reply as in progress, and still does after a moment."""
        return not await _becomes(self._elements.stop_button, "hidden", _RENDER_TIMEOUT)

    async def shows_any(self, message_ids: Sequence[str], timeout: float) -> bool:
        """Wait until one of these messages is on the page. Return False if none appears within the timeout."""
        if not message_ids:
            return False
        return await _becomes(self._elements.messages(message_ids), "attached", timeout)

    async def newest_message_ids(self) -> list[str]:
        """Return the ids of the last message on the page; none if the page does not show ids of messages."""
        script = read_script(__package__ or "", "newest_message_ids.js")
        found: list[str] = await self._elements.all_messages.evaluate_all(script, MESSAGE_ID_ATTRIBUTES)
        return found

    async def outline(self) -> list[dict[str, Any]]:
        """Return a description of the page's controls without personal data (see ``outline.js``)."""
        script = read_script(__package__ or "", "outline.js")
        found: Any = None
        with anyio.move_on_after(_OUTLINE_TIMEOUT):
            found = await self._elements.describable.evaluate_all(script, OUTLINE)
        # The page can change what a script in its own world returns.
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    async def dialog_error(self) -> ChatGPTError | None:
        """Return the error for what covers the composer; None if nothing does, or an announcement that can be closed."""
        obstruction = await self._dialogs.find()
        return None if obstruction is None or obstruction.is_closable else obstruction.error()

    async def matches(self) -> list[Match]:
        """Return the entries of :mod:`.selectors` that match the composer now."""
        return await self._elements.matches()

    async def _can_send(self, timeout: float) -> bool:
        """Return whether the send button becomes enabled within the timeout. A composer without buttons is always ready."""
        if await _becomes(self._elements.enabled_send_button, "visible", timeout):
            return True
        return await first_of(self._elements.send_buttons) is None and await self._has_no_buttons()

    async def _has_no_buttons(self) -> bool:
        """Return whether there is a composer whose form has no button: Enter sends the message then."""
        return (
            bool(await self._elements.message_box.count()) and not await self._elements.form_buttons.count()
        )

    async def _insert(self, text: str, timeout: float) -> bool:
        """Replace the text in the message box. Return False if there is no message box."""
        box = await first_of(self._elements.message_boxes)
        if box is None:
            return False
        await self._click(box, "message box")
        await self._page.keyboard.press("ControlOrMeta+A")
        with anyio.move_on_after(timeout) as scope:
            await self._page.keyboard.insert_text(text)
        if scope.cancelled_caught:
            raise PageError(
                f"The site's page did not accept {len(text):,} characters within {timeout:g} s. {_NOT_SENT} "
                "Send a shorter message or raise `first_byte_timeout`."
            )
        return True

    async def _click(self, element: Locator, name: str, attempts: int = 2) -> None:
        """Click an element, and once more if an announcement that has covered it was closed."""
        try:
            await element.click(timeout=milliseconds(_CLICK_TIMEOUT))
            return
        except PlaywrightTimeoutError:
            was_closed = await self.check_unobstructed()
        if was_closed and attempts > 1:
            await self._click(element, name, attempts - 1)
            return
        await self._check_dialogs()
        raise PageError(f"The {name} of the site's page cannot be clicked. {_UNKNOWN_LAYOUT}")

    async def _read(self) -> str:
        """Return the text in the message box, or "" if the page has removed the box."""
        box = await first_of(self._elements.message_boxes)
        if box is None:
            return ""
        limit = milliseconds(_RENDER_TIMEOUT)
        try:
            if await self._elements.with_value(box).count():
                return await box.input_value(timeout=limit)
            return await box.inner_text(timeout=limit)
        except PlaywrightTimeoutError:
            return ""

    async def _asks_to_log_in(self) -> bool:
        if not await self._elements.log_in.count():
            return False
        has_message_box = await self._elements.message_box.count()
        return not has_message_box or bool(await self._elements.log_in_of_site.count())

    async def _check_dialogs(self) -> None:
        """Raise an error if a dialog blocks the page. Called if an element is missing or cannot be used."""
        if (obstruction := await self._dialogs.find()) is not None:
            raise obstruction.error()
        if await self._elements.choice.count():
            raise choice_error((await self._elements.choice.first.inner_text()).partition("\n")[0][:80])

    async def _write_error(self, *, was_changed: bool) -> PageError:
        """Return the error for a text that the page did not accept."""
        await self.check_unobstructed()
        await self._check_dialogs()
        if await first_of(self._elements.send_buttons) is None:
            return _no_send_button()
        what = "changed the text that was written" if was_changed else "did not react to the text"
        return PageError(f"The site's page {what}. {_UNKNOWN_LAYOUT}")


async def _becomes(element: Locator, state: Literal["attached", "hidden", "visible"], timeout: float) -> bool:
    """Return whether the first matching element reaches the state within the timeout."""
    try:
        await element.first.wait_for(state=state, timeout=milliseconds(timeout))
    except PlaywrightTimeoutError:
        return False
    return True


def _same_words(one: str, other: str) -> bool:
    """Return whether two texts differ in white space at most: an editor changes line breaks and indentation."""
    return one.split() == other.split()


def _no_send_button() -> ComposerNotFoundError:
    return ComposerNotFoundError(
        f"The site's page has no send button that this version recognizes. {_UNKNOWN_LAYOUT}"
    )
