"""The button on the page that stops a reply. It is found by its label or name, or as the only button that the reply has added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.javascript import read_script

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from .elements import PageElements

#: Time limit in seconds within which the button must appear and become clickable.
_CLICK_TIMEOUT = 1.0


class StopButton:
    """The stop button of one page."""

    def __init__(self, elements: PageElements) -> None:
        self._elements = elements
        #: The composer's buttons that were seen while no reply was streamed. A string describes each button (see
        #: ``button_shapes.js``).
        self._idle_buttons: set[str] = set()
        #: The buttons that were seen last before the message was sent, described in the same way. None of them stops its reply.
        self._newest_buttons: set[str] = set()

    async def note_idle_buttons(self) -> None:
        """Record the composer's buttons while no reply is streamed. None of these buttons is the stop button."""
        self.note_shapes(await self._shapes())

    def note_shapes(self, shapes: list[str]) -> None:
        """Record buttons that are not the stop button. ``shapes`` contains one string per button (see ``button_shapes.js``)."""
        self._newest_buttons = set(shapes)
        self._idle_buttons |= self._newest_buttons

    async def click(self) -> bool:
        """Click the stop button. Return False if no stop button is found.

        If no button has a known label or name, and the reply has added exactly one button to the composer, this new button is
        clicked. So the button is found on a page in any language.
        """
        if await _click(self._elements.stop_button.first):
            return True
        shapes = await self._shapes()
        # `_idle_buttons` may contain the stop button of an earlier reply, because the page removes this button late. Then no
        # button is new, and `_newest_buttons` is used.
        for before in (self._idle_buttons, self._newest_buttons):
            new = [n for n, shape in enumerate(shapes) if shape not in before]
            if len(new) == 1:
                return await _click(self._elements.form_buttons.nth(new[0]))
        return False

    async def _shapes(self) -> list[str]:
        shapes: list[str] = await self._elements.form_buttons.evaluate_all(
            read_script(__package__ or "", "button_shapes.js")
        )
        return shapes


async def _click(button: Locator) -> bool:
    try:
        await button.click(timeout=milliseconds(_CLICK_TIMEOUT))
    except PlaywrightTimeoutError:
        return False
    return True
