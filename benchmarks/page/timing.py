"""The times of one message on the site's page, and the clock in the page that both clients use."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

__all__ = ["PageClient", "PressClock", "Timing"]

#: Reports the time of each submit event of the composer, before the page's own listener handles the event.
_REPORT_PRESS = """
addEventListener("submit", () => reportPress(performance.timeOrigin + performance.now()), true);
"""


@dataclass
class Timing:
    """One message. All times are `time.time()`, because the page has no monotonic clock in common with this process."""

    #: The call, before anything is written or opened.
    called: float = field(default_factory=time.time)
    #: The press of the send button, by the page's clock.
    pressed: float = 0
    #: The first word of the reply in this process.
    first_word: float = 0
    #: The end of the reply in this process.
    ended: float = 0
    text: str = ""
    #: The number of calls of `on_progress`; 0 for the script, which has no callback.
    updates: int = 0

    @property
    def to_first_word(self) -> float:
        """Return the milliseconds from the call to the first word."""
        return (self.first_word - self.called) * 1000

    @property
    def press_to_first_word(self) -> float:
        """Return the milliseconds from the press of the send button to the first word."""
        return (self.first_word - self.pressed) * 1000

    @property
    def press_to_end(self) -> float:
        """Return the milliseconds from the press of the send button to the end of the reply."""
        return (self.ended - self.pressed) * 1000


class PageClient(Protocol):
    """A client that sends messages through the site's page."""

    name: str

    async def ask(self, message: str, conversation_id: str | None) -> Timing:
        """Open a conversation (None: a new one), send a message and wait until the reply is over."""
        ...

    async def follow_up(self, message: str) -> Timing:
        """Send a message in the conversation of the previous message, and wait until the reply is over."""
        ...


class PressClock:
    """The time at which the page's composer was last submitted. It costs both clients the same."""

    def __init__(self) -> None:
        self.pressed = 0.0

    async def install(self, context: BrowserContext) -> None:
        """Observe all documents that the context's pages load from now on."""
        await context.expose_binding("reportPress", self._note)
        await context.add_init_script(_REPORT_PRESS)

    def _note(self, _source: Any, milliseconds: float) -> None:
        self.pressed = milliseconds / 1000
