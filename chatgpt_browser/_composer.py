"""The site's page as a person sees it: where a message is written, what sends it, what stops the answer, what stands in the way.

Everything that is known of its elements stands in this file. Each is looked for by its role and its label; the names that
the site has given it are a second choice, for pages in another language.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ._errors import ComposerNotFoundError, DialogInTheWayError, PageError, SessionExpiredError
from ._playwright import milliseconds

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

__all__ = ["Composer"]

_MESSAGE = re.compile(r"^\s*(message|ask\b|chat with|prompt|write|talk to)", re.IGNORECASE)
_SEND = re.compile(r"^\s*send\b", re.IGNORECASE)
_STOP = re.compile(r"^\s*stop\b", re.IGNORECASE)
_LOG_IN = re.compile(r"^\s*(log|sign) in\s*$", re.IGNORECASE)

_MESSAGE_NAMES = '#prompt-textarea, [data-testid="prompt-textarea"], [data-testid="composer-input"]'
_SEND_NAMES = '[data-testid="send-button"], [data-testid="composer-send-button"], #composer-submit-button'
_STOP_NAMES = '[data-testid="stop-button"]'
_TELLING = "textarea, [contenteditable], [role=textbox], form button, dialog button, [role=dialog] button, [data-testid]"
_LOG_IN_NAMES = '[data-testid="login-button"]'

#: Milliseconds that something which is there may take to be ready to be pressed.
_PATIENCE = 5000

_REPORT = "`chatgpt-browser doctor --live` saves what the page shows, for a report"
_BY_HAND = "open the site in a window with the same profile (`chatgpt-browser login`)"


class Composer:
    """The elements of one page that matter, found anew each time: the page may have put others in their place."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def ready(self, timeout: float) -> None:
        """Wait until a message can be written. The time is in seconds.

        :raises SessionExpiredError: the page is for whoever has not signed in.
        :raises DialogInTheWayError: a dialog has to be answered first.
        :raises ComposerNotFoundError: there is no place for a message, or none that is known.
        """
        something = self._text_box.or_(self._log_in).or_(self._dialog)
        try:
            await something.first.wait_for(state="visible", timeout=milliseconds(timeout))
        except PlaywrightTimeoutError:
            message = f"the site's page has no place for a message, or none that is known here; {_REPORT}"
            raise ComposerNotFoundError(message) from None
        await self.check_way()

    async def check_way(self) -> None:
        """See that nothing stands in the way.

        :raises DialogInTheWayError: a dialog does.
        :raises SessionExpiredError: the page is for whoever has not signed in: what is written there belongs to nobody.
        """
        if await self._dialog.count():
            title = await self._dialog.first.get_attribute("aria-label") or await self._heading()
            raise DialogInTheWayError(f"the site's page shows a dialog ({title!r}): {_BY_HAND} and answer it")
        if await self._log_in.count():
            raise SessionExpiredError("the site's page asks to sign in: the session has ended")

    async def write(self, text: str) -> None:
        """Put a text into the composer, in place of what is there.

        :raises PageError: the page made something else of it.
        """
        box = self._text_box.first
        await self._press(box, "the place for a message")
        await self._page.keyboard.press("ControlOrMeta+A")
        await self._page.keyboard.insert_text(text)
        written = await box.inner_text() or await self._value(box)
        if written.split() != text.split():
            raise PageError(f"the site's page did not take the text as it is; nothing was sent. {_REPORT}")

    async def send(self) -> None:
        """Press what sends it.

        :raises ComposerNotFoundError: there is nothing to press.
        :raises PageError: it can't be pressed.
        """
        try:
            await self._send.first.wait_for(state="visible", timeout=_PATIENCE)
        except PlaywrightTimeoutError:
            message = (
                f"the site's page has nothing that sends a message, or nothing that is known here; {_REPORT}"
            )
            raise ComposerNotFoundError(message) from None
        await self._press(self._send.first, "what sends a message")

    async def stop(self) -> bool:
        """Press what stops the answer; False where there is nothing to press."""
        try:
            await self._stop.first.click(timeout=_PATIENCE)
        except PlaywrightTimeoutError:
            return False
        return True

    async def outline(self, script: str) -> list[dict[str, Any]]:
        """The elements of the page that can be told apart, as the script gives them."""
        found: list[dict[str, Any]] = await self._page.locator(_TELLING).evaluate_all(script)
        return found

    async def _press(self, element: Locator, what: str) -> None:
        try:
            await element.click(timeout=_PATIENCE)
        except PlaywrightTimeoutError:
            await self.check_way()
            raise PageError(
                f"on the site's page {what} can't be pressed; nothing was sent. {_REPORT}"
            ) from None

    async def _heading(self) -> str:
        return (await self._dialog.first.inner_text()).strip().partition("\n")[0][:80]

    @staticmethod
    async def _value(box: Locator) -> str:
        tag = await box.evaluate("element => element.localName")
        return await box.input_value() if tag in ("textarea", "input") else ""

    # ---- where things are --------------------------------------------------------------------------------------------

    @property
    def _text_box(self) -> Locator:
        by_label = self._page.get_by_role("textbox", name=_MESSAGE)
        return by_label.or_(self._page.locator(_MESSAGE_NAMES)).filter(visible=True)

    @property
    def _send(self) -> Locator:
        by_label = self._page.get_by_role("button", name=_SEND)
        return by_label.or_(self._page.locator(_SEND_NAMES)).filter(visible=True)

    @property
    def _stop(self) -> Locator:
        by_label = self._page.get_by_role("button", name=_STOP)
        return by_label.or_(self._page.locator(_STOP_NAMES)).filter(visible=True)

    @property
    def _log_in(self) -> Locator:
        links = self._page.get_by_role("link", name=_LOG_IN).or_(
            self._page.get_by_role("button", name=_LOG_IN)
        )
        return links.or_(self._page.locator(_LOG_IN_NAMES)).filter(visible=True)

    @property
    def _dialog(self) -> Locator:
        dialogs = self._page.get_by_role("dialog").or_(self._page.get_by_role("alertdialog"))
        return dialogs.filter(visible=True)
