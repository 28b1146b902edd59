"""The composer of the site's page: writes a message, sends it and stops its reply, with trusted keyboard and mouse events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import anyio
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.errors import ComposerNotFoundError, DialogInTheWayError, PageError, SessionExpiredError
from ..._core.javascript import read_script
from ..._core.log import logger
from .elements import PageElements, first_of
from .selectors import MESSAGE_ID_ATTRIBUTES, OUTLINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Locator, Page


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

#: Limit in seconds for a script to read the page: its controls, or the ids of its messages.
_READ_TIMEOUT = 5.0

_NOT_SENT = "Nothing was sent."
_UNKNOWN_LAYOUT = f"{_NOT_SENT} To report the page's layout, run `chatgpt-browser doctor --live`."


class Composer:
    """Operates the composer of one page. Each operation searches the page again. All times are in seconds."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._elements = PageElements(page)

    async def wait_until_ready(self, timeout: float) -> None:
        """Wait until a message can be written.

        :raises SessionExpiredError: the page asks to log in.
        :raises DialogInTheWayError: a dialog blocks the page.
        :raises ComposerNotFoundError: no message box was found within the timeout.
        """
        elements = self._elements
        outcome = elements.message_box.or_(elements.log_in).or_(elements.modal_dialogs)
        if not await _becomes(outcome, "visible", timeout):
            await self._check_dialogs()
            raise ComposerNotFoundError(
                f"The site's page shows no message box that this version recognizes. {_UNKNOWN_LAYOUT}"
            )
        await self.check_unobstructed()

    async def check_unobstructed(self) -> None:
        """Check that no modal dialog and no log-in prompt blocks the page.

        :raises DialogInTheWayError: a modal dialog is open.
        :raises SessionExpiredError: the page asks to log in; a message written there would not belong to the account.
        """
        if await self._elements.modal_dialogs.count():
            raise await _dialog_error(self._elements.modal_dialogs.first)
        if await self._asks_to_log_in():
            raise SessionExpiredError(
                "The site's page asks to sign in, so the session has expired. "
                f"{_NOT_SENT} Sign in again and use the new session token."
            )

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
            await self._wait_for_network_idle()
        remaining, pause, times_changed = min(timeout, _HYDRATION_TIMEOUT), _FIRST_RETRY, 0
        while remaining > 0 and times_changed < 2:
            pause = min(pause, remaining)
            remaining -= pause
            if await self._insert(text, timeout):
                is_enabled = await _becomes(self._elements.enabled_send_button, "visible", pause)
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
        """Click the send button.

        :raises ComposerNotFoundError: no send button was found.
        :raises PageError: the button cannot be clicked.
        """
        button = await first_of(self._elements.send_buttons)
        if button is None:
            raise _no_send_button()
        await self._click(button, "send button")

    async def stop(self) -> bool:
        """Click the stop button. Return False if there is none."""
        try:
            await self._elements.stop_button.first.click(timeout=milliseconds(_RENDER_TIMEOUT))
        except PlaywrightTimeoutError:
            return False
        return True

    async def is_replying(self) -> bool:
        """Return whether the page shows a reply as in progress, and still does after a moment."""
        return not await _becomes(self._elements.stop_button, "hidden", _RENDER_TIMEOUT)

    async def shows_any(self, message_ids: Sequence[str], timeout: float) -> bool:
        """Wait until one of these messages is on the page. Return False if none appears within the timeout."""
        if not message_ids:
            return False
        return await _becomes(self._elements.messages(message_ids), "attached", timeout)

    async def newest_message_ids(self) -> list[str]:
        """Return the ids of the last message on the page. The list is empty if the page shows no ids, or does not respond."""
        script = read_script(__package__ or "", "newest_message_ids.js")
        found = await _list_from(self._elements.all_messages, script, MESSAGE_ID_ATTRIBUTES)
        return [item for item in found if isinstance(item, str)]

    async def outline(self) -> list[dict[str, Any]]:
        """Return a description of the page's controls without personal data (see ``outline.js``)."""
        script = read_script(__package__ or "", "outline.js")
        found = await _list_from(self._elements.describable, script, OUTLINE)
        return [item for item in found if isinstance(item, dict)]

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

    async def _click(self, element: Locator, name: str) -> None:
        try:
            await element.click(timeout=milliseconds(_CLICK_TIMEOUT))
        except PlaywrightTimeoutError:
            await self.check_unobstructed()
            await self._check_dialogs()
            raise PageError(f"The {name} of the site's page cannot be clicked. {_UNKNOWN_LAYOUT}") from None

    async def _wait_for_network_idle(self) -> None:
        try:
            await self._page.wait_for_load_state("networkidle", timeout=milliseconds(_NETWORK_IDLE_TIMEOUT))
        except PlaywrightTimeoutError:
            logger.debug("the site's page is still loading after %g s", _NETWORK_IDLE_TIMEOUT)

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
        """Raise an error if any dialog is open, modal or not. Called if an element is missing or cannot be clicked."""
        if await self._elements.dialogs.count():
            raise await _dialog_error(self._elements.dialogs.first)

    async def _write_error(self, *, was_changed: bool) -> PageError:
        """Return the error for a text that the page did not accept."""
        await self.check_unobstructed()
        if await first_of(self._elements.send_buttons) is None:
            return _no_send_button()
        what = "changed the text that was written" if was_changed else "did not react to the text"
        return PageError(f"The site's page {what}. {_UNKNOWN_LAYOUT}")


async def _list_from(elements: Locator, script: str, argument: Any) -> list[Any]:
    """Return the list that a script returns for these elements; an empty list if the page does not respond in time."""
    found: Any = None
    with anyio.move_on_after(_READ_TIMEOUT):
        found = await elements.evaluate_all(script, argument)
    # The page can change what a script in its own world returns.
    return found if isinstance(found, list) else []


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


async def _dialog_error(dialog: Locator) -> DialogInTheWayError:
    title = await dialog.get_attribute("aria-label")
    title = title or (await dialog.inner_text()).strip().partition("\n")[0][:80]
    return DialogInTheWayError(
        f"The site's page shows a dialog ({title!r}). {_NOT_SENT} "
        "Answer the dialog in a window with the same profile (`chatgpt-browser login`)."
    )
