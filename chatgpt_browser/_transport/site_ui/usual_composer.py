"""Operates a usual composer quickly: one command reads the state of all its elements.

A composer is called usual if its state shows that a message can be written and that no reply is in progress (see
``usual_composer.js``). Any other composer is operated by :mod:`.composer`. That module tries all ways to find an element, and
raises an error that describes the problem.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

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
#: Maximum length in characters of a text that this module writes. The page needs more time for a longer text.
_MAX_LENGTH = 4000
#: Maximum age in seconds of a state that is used again. This is long enough for the next step of the same message.
_MAX_AGE = 0.1


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


class _Reading(NamedTuple):
    """A state, and the time of the event loop's clock at which it was read."""

    state: UsualState
    at: float

    @classmethod
    def of(cls, state: UsualState | None) -> _Reading | None:
        """Return this state with the current time, or None if there is no state."""
        return None if state is None else cls(state, asyncio.get_running_loop().time())


def _recent(reading: _Reading | None) -> UsualState | None:
    """Return the state in a reading. Return None if there is no reading, or if it is older than ``_MAX_AGE`` seconds."""
    now = asyncio.get_running_loop().time()
    return None if reading is None or now - reading.at > _MAX_AGE else reading.state


class UsualComposer:
    """The composer of one page, if it is usual."""

    def __init__(self, page: Page, evaluation: IsolatedEvaluation) -> None:
        self._page = page
        self._evaluation = evaluation
        #: The state after :meth:`select`, and the state after :meth:`write`. None if the page may have changed since.
        self._selected: _Reading | None = None
        self._written: _Reading | None = None

    @property
    def selected(self) -> UsualState | None:
        """The state that :meth:`select` has just returned. None after a text was written, or if the state is old."""
        return _recent(self._selected)

    @property
    def written(self) -> UsualState | None:
        """The state that :meth:`write` has just returned. None if the state is old."""
        return _recent(self._written)

    def forget(self) -> None:
        """Forget the states, because the page may have changed. The next step reads the state again."""
        self._selected = self._written = None

    async def look(
        self, message: str = "", *, selects: bool = False, timeout: float = 0
    ) -> UsualState | None:
        """Return the state of the composer, or None if it is not usual. Count the copies of ``message`` outside the message box.

        :param selects: if True, also focus the message box and select its text.
        :param timeout: wait at most this many seconds until the message box has the beginning of ``message`` and the message can
            be sent.
        """
        arguments = beginning_of(message), selects, milliseconds(timeout) if timeout else 0
        try:
            found = await self._evaluation.call(
                "usual_composer.js", *arguments, constants=[_RULES], helpers=_HELPERS
            )
        except PlaywrightError:  # the document was replaced
            return None
        if found is None:
            return None
        return UsualState(found["text"], found["copies"], found["isEnabled"], found["send"], found["shapes"])

    async def select(self) -> UsualState | None:
        """Focus the message box, select its text, and return the state. Return None if the composer is not usual."""
        if (state := self.selected) is None:
            self.forget()
            state = await self.look(selects=True)
            self._selected = _Reading.of(state)
        return state

    async def write(self, text: str) -> UsualState | None:
        """Replace the text in the message box, and return the state after that.

        Return None if the composer is not usual, the text is too long for this module, or the send button is not enabled within
        ``_ENABLE_TIMEOUT`` seconds.
        """
        is_long = len(text) > _MAX_LENGTH or text.count("\n") > MAX_TYPED_LINES
        is_selected = not is_long and await self.select() is not None
        self.forget()
        if not is_selected:
            return None
        # `look` is sent before `insert_text` has ended, to save time. In the page, `look` waits until the text is inserted.
        _, state = await asyncio.gather(
            self._page.keyboard.insert_text(text), self.look(text, timeout=_ENABLE_TIMEOUT)
        )
        if state is None or not state.can_send(text):
            return None
        self._written = _Reading.of(state)
        return state

    async def click_send(self, text: str) -> bool:
        """Click the send button. If the composer is not usual or has another text, do not click anything, and return False.

        :raises PlaywrightError: the button cannot be clicked, or was replaced.
        """
        state = self.written or await self.look()
        self.forget()
        if state is None or state.send_selector is None or not state.can_send(text):
            return False
        await self._page.click(state.send_selector, timeout=milliseconds(_CLICK_TIMEOUT), strict=True)
        return True
