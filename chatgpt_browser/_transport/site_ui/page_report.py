"""Reads the site's page: the ids of the last message on the page, and descriptions of its controls for errors and reports."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._core.javascript import read_script
from .elements import PageElements, first_of
from .isolated_evaluation import IsolatedEvaluation
from .message_box import MessageBox
from .selectors import ALERTS, MESSAGE_ID_ATTRIBUTES, OUTLINE
from .text_pieces import has_same_words

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

#: Time limit in seconds within which the page must respond to a query.
_TIMEOUT = 5.0


class PageReport:
    """Reads one page, and changes nothing on it."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self._page = page
        self._elements = PageElements(page)
        self._box = MessageBox(page, self._elements)
        self._evaluation = IsolatedEvaluation(cdp)

    async def newest_message_ids(self) -> list[str]:
        """Return the ids of the last message on the page. Its element may contain several ids, for example in several attributes.

        Return an empty list if the page contains no message ids or does not respond.
        """
        found: list[str] = []
        with anyio.move_on_after(_TIMEOUT):
            found.extend(await self._evaluation.call("newest_message_ids.js", MESSAGE_ID_ATTRIBUTES))
        return found

    async def outline(self) -> list[dict[str, Any]]:
        """Return a description of the page's controls without personal data (see ``outline.js``)."""
        script = read_script(__package__ or "", "outline.js")
        found: Any = None
        with anyio.move_on_after(_TIMEOUT):
            found = await self._elements.describable.evaluate_all(script, OUTLINE)
        # The script runs in the page's own world, so the page's scripts may have changed the result.
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    async def matches(self) -> list[dict[str, str]]:
        """Return the entries of :mod:`.selectors` that match the composer now, or an empty list if the page does not respond."""
        with anyio.move_on_after(_TIMEOUT):
            return [match._asdict() for match in await self._elements.matches()]
        return []

    async def composer_state(self, text: str) -> str:
        """Return a description of the composer after a click on Send. It does not contain ``text``, the text of the message."""
        with anyio.move_on_after(_TIMEOUT), suppress(PlaywrightError):
            content = await self._box.read(text)
            box = "empty" if not content.text.strip() else "filled with another text"
            if has_same_words(content.text, text):
                box = "filled with the message"
            elif await first_of(self._elements.message_boxes) is None:
                box = "missing"
            send = "enabled" if await self._elements.enabled_send_button.count() else "disabled"
            if await first_of(self._elements.send_buttons) is None:
                send = "missing"
            stop = "shown" if await self._elements.stop_button.count() else "missing"
            alerts = await self._page.locator(ALERTS).filter(visible=True).count()
            return (
                f"message box {box}, send button {send}, stop button {stop}, "
                f"{content.copies} copies of the message, {alerts} alerts"
            )
        return "unknown, because the page does not respond"
