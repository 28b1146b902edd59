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
        #: The strings (see ``button_shapes.js``) of the composer's buttons that were seen while no reply was streamed.
        self._idle_buttons: set[str] = set()

    async def note_idle_buttons(self) -> None:
        """Record the composer's buttons while no reply is streamed. None of these buttons is the stop button."""
        self.note_shapes(await self._shapes())

    def note_shapes(self, shapes: list[str]) -> None:
        """Record buttons that are not the stop button. ``shapes`` contains their strings (see ``button_shapes.js``)."""
        self._idle_buttons.update(shapes)

    async def click(self) -> bool:
        """Click the stop button. Return False if no stop button is found.

        If no label or name matches, and exactly one button of the composer was not there before the reply, that button is used.
        This works in any language.
        """
        if await _click(self._elements.stop_button.first):
            return True
        new = [n for n, shape in enumerate(await self._shapes()) if shape not in self._idle_buttons]
        return len(new) == 1 and await _click(self._elements.form_buttons.nth(new[0]))

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
