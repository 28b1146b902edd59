"""The message box of the site's page. This module reads and replaces its text, and waits until the page removes the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import is_replaced, milliseconds
from ..._core.errors import PageError
from ..._core.javascript import read_script
from .elements import first_of
from .text_pieces import MAX_TYPED_LINES, beginning_of, has_same_lines, split_text

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from .elements import PageElements

#: Time limit in seconds for a script that runs on an existing message box.
_TIMEOUT = 5.0
#: Time limit in seconds within which an editor must show pasted text.
_PASTE_TIMEOUT = 1.0


class TextAttachedError(PageError):
    """The page has turned the text into an attachment. Nothing was sent."""


class BoxContent(NamedTuple):
    """The text in the message box, and the number of copies of the message outside the box."""

    text: str = ""
    #: The number of places outside the box in which the page shows the beginning of the message, for example as a sent message.
    copies: int = 0


class MessageBox:
    """The message box of one page. Each method searches for the box again, because the page may replace it at any time."""

    def __init__(self, page: Page, elements: PageElements) -> None:
        #: True if texts with many lines may be pasted. If False, they are typed, which takes longer.
        self.may_paste = True
        self._page = page
        self._elements = elements

    async def read(self, message: str = "") -> BoxContent:
        """Return the text of the box, and the number of copies of ``message`` outside it. Without a box, the text is empty."""
        box = await first_of(self._elements.message_boxes)
        if box is None:
            return BoxContent()
        try:
            found = await box.evaluate(
                _script("read_box.js"), beginning_of(message), timeout=milliseconds(_TIMEOUT)
            )
        except PlaywrightError as error:
            if not is_replaced(error):
                raise
            return BoxContent()
        return BoxContent(found["text"], found["elsewhere"])

    async def replace(self, text: str, timeout: float) -> None:
        """Replace the text of the box. The box must have the focus.

        :raises TextAttachedError: the page has turned the text into an attachment.
        :raises PageError: the page did not accept the text within the timeout.
        """
        with anyio.move_on_after(timeout) as scope:
            if not await self._replace_lines(text):
                await self._type(text)
        if scope.cancelled_caught:
            raise PageError(
                f"The site's page did not accept {len(text):,} characters within {timeout:g} s. Nothing was sent. "
                "Send a shorter message or raise `first_byte_timeout`."
            )

    async def wait_until_lost(self, timeout: float) -> None:
        """Wait until the page has removed the box or its text, for at most ``timeout`` seconds."""
        box = await first_of(self._elements.message_boxes)
        if box is None:
            return
        try:
            await box.evaluate(
                _script("watch_box.js"), milliseconds(timeout), timeout=milliseconds(_TIMEOUT + timeout)
            )
        except PlaywrightError as error:
            if not is_replaced(error):
                raise

    async def _type(self, text: str) -> None:
        await self._page.keyboard.press("ControlOrMeta+A")
        # A text with many lines is typed only if it could not be pasted. It is not split, because several pieces take longer.
        pieces = split_text(text) if text.count("\n") <= MAX_TYPED_LINES else [text]
        for piece in pieces:
            await self._page.keyboard.insert_text(piece)

    async def _replace_lines(self, text: str) -> bool:
        """If the text has many lines, paste it into the box. Return whether the box now shows the text.

        If the text has few lines, or pasting is not allowed, do nothing and return False.
        """
        if not self.may_paste or text.count("\n") <= MAX_TYPED_LINES:
            return False
        for html in (False, True):
            box = await first_of(self._elements.message_boxes)
            if box is None:
                return False
            await self._page.keyboard.press("ControlOrMeta+A")
            result = await _insert_lines(box, text, html=html)
            if result == "missing":
                raise TextAttachedError(
                    f"The site's page turned the {len(text):,} characters of the message into an attachment. "
                    "Nothing was sent. Send a shorter message."
                )
            if result == "ignored":
                return False
            if has_same_lines((await self.read()).text, text):
                return True
        return False


async def _insert_lines(box: Locator, text: str, *, html: bool) -> str:
    options: Any = {"pieces": split_text(text), "html": html, "timeout": milliseconds(_PASTE_TIMEOUT)}
    result: str = await box.evaluate(_script("insert_lines.js"), options)
    return result


def _script(name: str) -> str:
    return read_script(__package__ or "", name)
