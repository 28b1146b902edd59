"""The site's page as a person sees it: where a message is written, what sends it, what stops the answer, what stands in the way.

Everything that is known of its elements stands in this file. Each is looked for by its role and its label; the names that
the site has given it are a second choice, for pages in another language.
"""

from __future__ import annotations

import functools
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.errors import (
    ComposerNotFoundError,
    DialogInTheWayError,
    PageError,
    SessionExpiredError,
)
from ..._core.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Locator, Page

__all__ = ["Composer"]

logger = logging.getLogger("chatgpt_browser")

_MESSAGE = re.compile(
    r"^\s*(((send|type|write|enter|your)\s+)?((a|your)\s+)?(message|prompt)|ask\b|chat with|write|talk to|reply to)",
    re.IGNORECASE,
)
_SEND = re.compile(r"^\s*send(\s+(a\s+|your\s+)?(message|prompt))?\s*$", re.IGNORECASE)
_STOP = re.compile(r"^\s*stop(\s+(answering|generating|streaming|responding|response))?\s*$", re.IGNORECASE)
_LOG_IN = re.compile(r"^\s*(log|sign) in\s*$", re.IGNORECASE)

#: Within the composer's own form, whatever begins so is meant.
_SEND_SOMETHING = re.compile(r"^\s*send\b", re.IGNORECASE)
_STOP_SOMETHING = re.compile(r"^\s*stop\b", re.IGNORECASE)

_MESSAGE_NAMES = '#prompt-textarea, [data-testid="prompt-textarea"], [data-testid="composer-input"]'
_SEND_NAMES = (
    '[data-testid="send-button"], [data-testid="composer-send-button"], '
    '#composer-submit-button:not([data-testid="stop-button"])'  # the one button may be both
)
_STOP_NAMES = '[data-testid="stop-button"]'
_LOG_IN_NAMES = '[data-testid="login-button"]'

#: What holds a message that has been said: whatever stands in there, somebody has written.
_SAID = "article, [role=article], [role=log], [aria-live], [data-message-id], [data-message-author-role]"
_DIALOGS = "dialog, [role=dialog], [role=alertdialog]"
#: Such a dialog lets nobody past it. Another may stand in a corner.
_MODAL = "dialog:modal, [role=alertdialog], [role=dialog][aria-modal=true]"
_LINES = ":is(textarea, [contenteditable]:not([contenteditable=false]))"  # a field of several lines
_READY = ":not(:disabled, [aria-disabled=true])"
_TELLING = "textarea, input:not([type=hidden]), [contenteditable], [role=textbox], button, [role=button], [data-testid]"

#: Seconds that something which is there may take to be ready to be pressed,
_PATIENCE = 5.0
#: and that a page may take to see to what it shows: it is drawn first, and comes alive later. It is asked again after so many.
_COMING_ALIVE, _FIRST_TRY = 15.0, 0.5
#: Seconds in which a page shows what it knows.
_MOMENT = 1.0

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
        something = self._text_box.or_(self._log_in).or_(self._modal)
        try:
            await something.first.wait_for(state="visible", timeout=milliseconds(timeout))
        except PlaywrightTimeoutError:
            await self._check_dialogs()
            message = f"the site's page has no place for a message, or none that is known here; {_REPORT}"
            raise ComposerNotFoundError(message) from None
        await self.check_way()

    async def check_way(self) -> None:
        """See that nothing stands in the way.

        :raises DialogInTheWayError: a dialog does.
        :raises SessionExpiredError: the page is for whoever has not signed in: what is written there belongs to nobody.
        """
        if await self._modal.count():
            raise await self._in_the_way(self._modal.first)
        if await self._asks_to_sign_in():
            raise SessionExpiredError("the site's page asks to sign in: the session has ended")

    async def write(self, text: str, *, timeout: float) -> None:
        """Put a text into the composer, in place of what is there, and see that the page has noticed: it can be sent.

        A page that is drawn before it is alive loses what is written meanwhile, or doesn't see it: then it is written again. The
        time is in seconds.

        :raises ComposerNotFoundError: there is nothing that sends it.
        :raises PageError: the page made something else of it.
        """
        if not text.strip():
            raise PageError("the site's page sends no message without a text; nothing was sent")
        if await self._ready_to_send.count():
            # With nothing written: whether such a page is alive, its button won't tell.
            await self._settle()
        left, patience, changed = min(timeout, _COMING_ALIVE), _FIRST_TRY, 0
        while left > 0 and changed < 2:
            patience = min(patience, left)
            left -= patience
            if await self._insert(text, timeout):
                can_be_sent = await self._is_visible(self._ready_to_send, patience)
                written = await self._read()
                if can_be_sent and written.split() == text.split():
                    return
                changed += bool(can_be_sent and written.strip())
            else:
                await self._is_visible(self._text_box, patience)
            patience *= 2
        raise await self._not_taken(was_changed=changed > 0)

    async def _insert(self, text: str, timeout: float) -> bool:
        """Put a text in place of what is there; False where there is no place."""
        box = await self._first(*self._text_boxes)
        if box is None:
            return False
        await self._press(box, "the place for a message")
        await self._page.keyboard.press("ControlOrMeta+A")
        with anyio.move_on_after(timeout) as scope:
            await self._page.keyboard.insert_text(text)
        if scope.cancelled_caught:
            raise PageError(
                f"the site's page took longer than {timeout:g} s to take {len(text):,} characters; nothing was sent"
            )
        return True

    async def check(self, text: str) -> None:
        """See, right before it is sent, that nothing stands in the way and that it is this text which would be sent.

        :raises PageError: the page has put another text in its place; and what :meth:`check_way` raises.
        """
        await self.check_way()
        if (await self._read()).split() != text.split():
            raise PageError("the site's page has put another text in place of the message; nothing was sent")

    async def send(self) -> None:
        """Press what sends it.

        :raises ComposerNotFoundError: there is nothing to press.
        :raises PageError: it can't be pressed.
        """
        button = await self._first(*self._send_buttons)
        if button is None:
            raise self._no_button()
        await self._press(button, "what sends a message")

    async def stop(self) -> bool:
        """Press what stops the answer; False where there is nothing to press."""
        try:
            await self._stop_button.first.click(timeout=milliseconds(_MOMENT))
        except PlaywrightTimeoutError:
            return False
        return True

    async def is_answering(self) -> bool:
        """Whether the page shows an answer as under way, and goes on to do so for a moment."""
        try:
            await self._stop_button.first.wait_for(state="hidden", timeout=milliseconds(_MOMENT))
        except PlaywrightTimeoutError:
            return True
        return False

    async def shows(self, message_ids: Sequence[str], timeout: float) -> bool:
        """Wait until one of these messages is on the page, by its id; False where none comes, or none has an id there."""
        if not message_ids:
            return False
        names = (f"[data-message-id={json.dumps(name, ensure_ascii=False)}]" for name in message_ids)
        try:
            await self._page.locator(", ".join(names)).first.wait_for(
                state="attached", timeout=milliseconds(timeout)
            )
        except PlaywrightTimeoutError:
            return False
        return True

    async def outline(self, script: str) -> list[dict[str, Any]]:
        """The elements of the page that can be told apart, as the script gives them."""
        found: list[dict[str, Any]] = await self._page.locator(_TELLING).evaluate_all(script)
        return found

    # ---- what is done with them --------------------------------------------------------------------------------------

    async def _press(self, element: Locator, what: str) -> None:
        try:
            await element.click(timeout=milliseconds(_PATIENCE))
        except PlaywrightTimeoutError:
            await self.check_way()
            await self._check_dialogs()
            raise PageError(
                f"on the site's page {what} can't be pressed; nothing was sent. {_REPORT}"
            ) from None

    async def _settle(self) -> None:
        """Wait until a page has loaded what it loads."""
        try:
            await self._page.wait_for_load_state("networkidle", timeout=milliseconds(_PATIENCE))
        except PlaywrightTimeoutError:
            logger.debug("the site's page goes on loading")

    async def _read(self) -> str:
        """What stands in the composer; nothing where the page has taken it away."""
        box = await self._first(*self._text_boxes)
        if box is None:
            return ""
        try:
            if await box.and_(self._page.locator("textarea, input")).count():
                return await box.input_value(timeout=milliseconds(_MOMENT))
            return await box.inner_text(timeout=milliseconds(_MOMENT))
        except PlaywrightTimeoutError:
            return ""

    async def _asks_to_sign_in(self) -> bool:
        """Where there is a place for a message, a link to another site is no part of the page: it is somebody's text."""
        if not await self._log_in.count():
            return False
        origin = origin_of(self._page.url)
        elsewhere = f'a[href*="//"]:not([href="{origin}"], [href^="{origin}/"]):not({_LOG_IN_NAMES})'
        return not await self._text_box.count() or bool(await self._log_in.and_(self._but(elsewhere)).count())

    async def _check_dialogs(self) -> None:
        """Where something can't be had: does a dialog stand there?"""
        if await self._dialog.count():
            raise await self._in_the_way(self._dialog.first)

    async def _in_the_way(self, dialog: Locator) -> DialogInTheWayError:
        title = await dialog.get_attribute("aria-label")
        title = title or (await dialog.inner_text()).strip().partition("\n")[0][:80]
        return DialogInTheWayError(f"the site's page shows a dialog ({title!r}): {_BY_HAND} and answer it")

    async def _not_taken(self, *, was_changed: bool) -> PageError:
        await self.check_way()
        if await self._first(*self._send_buttons) is None:
            return self._no_button()
        what = "did not take the text as it is" if was_changed else "took no notice of the text"
        return PageError(f"the site's page {what}; nothing was sent. {_REPORT}")

    @staticmethod
    def _no_button() -> ComposerNotFoundError:
        return ComposerNotFoundError(
            f"the site's page has nothing that sends a message, or nothing that is known here; {_REPORT}"
        )

    @staticmethod
    async def _is_visible(element: Locator, patience: float) -> bool:
        try:
            await element.first.wait_for(state="visible", timeout=milliseconds(patience))
        except PlaywrightTimeoutError:
            return False
        return True

    # ---- where things are --------------------------------------------------------------------------------------------

    @staticmethod
    async def _first(*choices: Locator) -> Locator | None:
        """The first element of the first choice that there is."""
        for choice in choices:
            if await choice.count():
                return choice.first
        return None

    def _but(self, selector: str) -> Locator:
        return self._page.locator(f":not({selector})")

    @property
    def _unsaid(self) -> Locator:
        """What is the page's own."""
        return self._but(f":is({_SAID}, {_DIALOGS}) *")

    @property
    def _text_boxes(self) -> tuple[Locator, ...]:
        """Places for a message, the surest first."""
        named = self._page.locator(_MESSAGE_NAMES).filter(visible=True)
        labelled = self._page.get_by_role("textbox", name=_MESSAGE).and_(self._unsaid).filter(visible=True)
        of_lines = labelled.and_(self._page.locator(_LINES))
        return labelled.and_(named), of_lines.and_(self._page.locator("form *")), of_lines, labelled, named

    @property
    def _text_box(self) -> Locator:
        return _any_of(*self._text_boxes[-2:])

    @property
    def _form(self) -> Locator:
        return self._page.locator("form").filter(has=self._text_box)

    @property
    def _send_buttons(self) -> tuple[Locator, ...]:
        """What sends it, the surest first: the form's own, else one that says that it sends a message."""
        return self._buttons(_SEND_SOMETHING, _SEND, _SEND_NAMES)

    @property
    def _ready_to_send(self) -> Locator:
        return _any_of(*self._send_buttons).and_(self._page.locator(_READY))

    @property
    def _stop_button(self) -> Locator:
        return _any_of(*self._buttons(_STOP_SOMETHING, _STOP, _STOP_NAMES))

    def _buttons(
        self, in_form: re.Pattern[str], anywhere: re.Pattern[str], names: str
    ) -> tuple[Locator, ...]:
        return (
            self._form.get_by_role("button", name=in_form).filter(visible=True),
            self._form.locator(names).filter(visible=True),
            self._page.get_by_role("button", name=anywhere).and_(self._unsaid).filter(visible=True),
            self._page.locator(names).filter(visible=True),
        )

    @property
    def _log_in(self) -> Locator:
        links = self._page.get_by_role("link", name=_LOG_IN).or_(
            self._page.get_by_role("button", name=_LOG_IN)
        )
        return links.and_(self._unsaid).or_(self._page.locator(_LOG_IN_NAMES)).filter(visible=True)

    @property
    def _dialog(self) -> Locator:
        return self._page.locator(_DIALOGS).filter(visible=True)

    @property
    def _modal(self) -> Locator:
        return self._page.locator(_MODAL).filter(visible=True)


def _any_of(first: Locator, *others: Locator) -> Locator:
    return functools.reduce(lambda one, other: one.or_(other), others, first)
