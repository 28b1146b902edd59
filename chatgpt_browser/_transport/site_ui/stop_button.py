"""The button of the site's page that stops a reply: found by its label or name, or as the button that only a reply brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.javascript import read_script

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from .elements import PageElements

#: Limit in seconds for the button to appear, and for the page to let it be clicked.
_CLICK_TIMEOUT = 1.0


class StopButton:
    """The stop button of one page."""

    def __init__(self, elements: PageElements) -> None:
        self._elements = elements
        #: The composer's buttons that were seen while no reply was streamed.
        self._idle_buttons: set[str] = set()

    async def note_idle_buttons(self) -> None:
        """Remember the composer's buttons: none of them is the stop button. Call this while no reply is streamed."""
        self.note_shapes(await self._shapes())

    def note_shapes(self, shapes: list[str]) -> None:
        """Remember buttons that are not the stop button, by their identification (see ``button_shapes.js``)."""
        self._idle_buttons.update(shapes)

    async def click(self) -> bool:
        """Click the button. Return False if there is none.

        If no label and no name matches, it is the only button of the composer that was not there before the reply: this works in
        any language.
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
