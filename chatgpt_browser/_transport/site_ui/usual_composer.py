"""The short way to operate a usual composer, whose state is read with one command instead of one command for each element.

A composer that is not usual is operated by :mod:`.composer`, which tries all ways to find an element, and raises an
error that describes the problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import milliseconds
from . import selectors
from .text_pieces import MAX_TYPED_LINES, beginning_of, has_same_words

if TYPE_CHECKING:
    from re import Pattern

    from playwright.async_api import Page

    from .isolated_evaluation import IsolatedEvaluation

#: Limit in seconds for a usual composer to show a text and to enable its send button.
_ENABLE_TIMEOUT = 0.5
#: Limit in seconds for a click on the send button.
_CLICK_TIMEOUT = 0.5
#: Maximum length in characters of a text that is written in the short way. The page needs more time for a longer text.
_MAX_LENGTH = 4000


def _rule(names: str, label: Pattern[str]) -> dict[str, str]:
    return {"names": names, "label": label.pattern}


#: The selectors and labels for ``usual_composer.js``.
_RULES = {
    "form": selectors.FORM,
    "editors": f"{selectors.EDITORS}, [role=textbox]:not(input)",
    "outside": f":is({selectors.CONVERSATION_TEXT}, {selectors.DIALOGS}, form[inert]) *, {selectors.SHELL}",
    "shell": "form[inert]",
    "buttons": selectors.BUTTONS,
    "enabled": selectors.ENABLED,
    "send": _rule(selectors.SEND_BUTTON.name, selectors.SEND_BUTTON.label),
    "sendInForm": _rule(selectors.SEND_BUTTON.name, selectors.SEND_BUTTON.label_in_form),
    # The last structure is left out, because it may match several buttons.
    "sendStructures": [entry.pattern for entry in selectors.SEND_BUTTON.structures[:-1]],
    "stop": _rule(selectors.STOP_BUTTON.name, selectors.STOP_BUTTON.label),
    "stopInForm": _rule(selectors.STOP_BUTTON.name, selectors.STOP_BUTTON.label_in_form),
    "logIn": _rule(selectors.LOG_IN.name, selectors.LOG_IN.label),
    "obstruction": selectors.OBSTRUCTION,
}
_HELPERS = ("read_box.js", "obstruction.js", "button_shapes.js")


@dataclass(frozen=True)
class UsualState:
    """The state of a usual composer. No reply is in progress, nothing covers the composer, and nothing asks to log in."""

    #: The text in the message box.
    text: str
    #: The number of times that the page shows the beginning of the message outside the box.
    copies: int
    #: True if there is a send button, and it is enabled.
    is_enabled: bool
    #: A CSS selector for the send button. None if the composer has no send button yet.
    send_selector: str | None
    #: The strings that identify the composer's buttons (see ``button_shapes.js``).
    shapes: list[str]

    def can_send(self, text: str) -> bool:
        """Return whether the box has this text, and the send button is enabled."""
        return self.is_enabled and has_same_words(self.text, text)


class UsualComposer:
    """The composer of one page, if it is usual."""

    def __init__(self, page: Page, evaluation: IsolatedEvaluation) -> None:
        self._page = page
        self._evaluation = evaluation

    async def look(
        self, message: str = "", *, selects: bool = False, timeout: float = 0
    ) -> UsualState | None:
        """Return the state of the composer, or None if it is not usual. Count the copies of ``message`` elsewhere on the page.

        :param selects: focus the message box, and select its text.
        :param timeout: seconds to wait until the composer has a text and can send it.
        """
        arguments = _RULES, beginning_of(message), selects, milliseconds(timeout) if timeout else 0
        try:
            found = await self._evaluation.call("usual_composer.js", *arguments, helpers=_HELPERS)
        except PlaywrightError:  # the document was replaced
            return None
        if found is None:
            return None
        return UsualState(found["text"], found["copies"], found["isEnabled"], found["send"], found["shapes"])

    async def write(self, text: str) -> UsualState | None:
        """Replace the text in the message box, and return the state after that.

        Return None if the composer is not usual, or cannot send the text at once.
        """
        is_long = len(text) > _MAX_LENGTH or text.count("\n") > MAX_TYPED_LINES
        if is_long or await self.look(selects=True) is None:
            return None
        await self._page.keyboard.insert_text(text)
        state = await self.look(text, timeout=_ENABLE_TIMEOUT)
        return state if state is not None and state.can_send(text) else None

    async def click_send(self, text: str) -> bool:
        """Click the send button. If the composer is not usual or has another text, click nothing and return False.

        :raises PlaywrightError: the button cannot be clicked, or was replaced.
        """
        state = await self.look()
        if state is None or state.send_selector is None or not state.can_send(text):
            return False
        await self._page.click(state.send_selector, timeout=milliseconds(_CLICK_TIMEOUT), strict=True)
        return True
