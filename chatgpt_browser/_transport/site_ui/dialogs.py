"""Finds a dialog of the site's page that covers the composer. Announcements are closed; for other dialogs, an error is raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from ..._core.errors import (
    ChatGPTError,
    DialogInTheWayError,
    RateLimitError,
    SessionExpiredError,
    UnusualActivityError,
)
from ..._core.log import logger
from ..._protocol.site_words import reports_unusual_activity
from .selectors import DIALOG_RULES, OBSTRUCTION, DialogKind

if TYPE_CHECKING:
    from playwright.async_api import Page

    from .isolated_evaluation import IsolatedEvaluation

#: Time limit in seconds within which a dialog should disappear after a click on its close button.
_CLOSE_TIMEOUT = 2.0
#: Seconds for which the document must not change after the click. The time is needed because dialogs may fade out.
_CLOSE_QUIET_TIME = 0.4

_NOT_SENT = "Nothing was sent."
_BY_HAND = "in a window with the same profile (`chatgpt-browser login`)"


@dataclass(frozen=True)
class Obstruction:
    """An element that covers the composer, or a dialog that blocks the page."""

    title: str
    kind: DialogKind | None = None
    #: The position of the dialog's close button (see ``CLOSE_BUTTONS``), or None if it has no such button.
    close_at: tuple[float, float] | None = None

    @property
    def is_closable(self) -> bool:
        """True for an announcement with a close button."""
        return self.kind == "announcement" and self.close_at is not None

    def error(self) -> ChatGPTError:
        """Return the library's error that describes this obstruction."""
        shows = f"The site's page shows a dialog ({self.title!r})"
        if self.kind == "rate_limit":
            return RateLimitError(
                f"{shows}: the account has made too many requests, and its conversations are blocked for some minutes. "
                f"{_NOT_SENT} Wait a few minutes before you send the message again.",
                scope="conversations",
            )
        if self.kind == "session":
            return SessionExpiredError(
                f"{shows}: the session has expired. {_NOT_SENT} Sign in again and use the new session token."
            )
        if self.kind == "unusual_activity":
            return UnusualActivityError(
                f"{shows}: the site has detected unusual activity. {_NOT_SENT} Open the site {_BY_HAND}, and wait before you "
                "send the message again."
            )
        if self.kind == "choice":
            return choice_error(self.title)
        return DialogInTheWayError(f"{shows}. {_NOT_SENT} Answer the dialog {_BY_HAND}.", title=self.title)


def choice_error(title: str) -> DialogInTheWayError:
    """Return the error for the site's question "which answer do you prefer?". The client does not answer for the user."""
    return DialogInTheWayError(
        f"The site's page asks which of two answers you prefer ({title!r}). {_NOT_SENT} Choose one {_BY_HAND}.",
        title=title,
    )


class Dialogs:
    """Finds and handles the dialogs of one page."""

    def __init__(self, page: Page, evaluation: IsolatedEvaluation) -> None:
        self._page = page
        self._evaluation = evaluation

    async def check(self) -> bool:
        """Close the announcements that are in the way, and raise an error for any other obstruction.

        Return whether an announcement was closed. The error is also raised for an announcement that has no close button, or that
        is still there after a click on this button. No other button of a dialog is clicked.

        :raises RateLimitError: a dialog reports too many requests.
        :raises UnusualActivityError: a dialog reports unusual activity.
        :raises SessionExpiredError: a dialog reports that the session has expired.
        :raises DialogInTheWayError: an element covers the composer, or a person must answer a dialog.
        """
        closed: set[str] = set()
        while (obstruction := await self.find()) is not None:
            title = obstruction.title
            if not obstruction.is_closable or title in closed:
                raise obstruction.error()
            closed.add(title)
            await self._close(obstruction)
            logger.info("closed a dialog of the site's page: %r", title)
        return bool(closed)

    async def find(self) -> Obstruction | None:
        """Return the element that covers the composer, or else a dialog that blocks the page. Return None if there is neither."""
        found = await self._evaluation.call("obstruction.js", OBSTRUCTION)
        if found is None:
            return None
        words = f"{found['title']}\n{found['text']}"
        kind = found["kind"] or next((rule.kind for rule in DIALOG_RULES if rule.text.search(words)), None)
        if kind is None and reports_unusual_activity(words):
            kind = "unusual_activity"
        close = found["close"]
        return Obstruction(found["title"], kind, (close["x"], close["y"]) if close else None)

    async def _close(self, obstruction: Obstruction) -> None:
        """Click the close button, and wait until the document stops changing."""
        assert obstruction.close_at is not None
        await self._page.mouse.click(*obstruction.close_at)
        with anyio.move_on_after(_CLOSE_TIMEOUT):
            await self._evaluation.call("quiet.js", _CLOSE_QUIET_TIME * 1000)
