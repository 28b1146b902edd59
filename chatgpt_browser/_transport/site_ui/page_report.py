"""Reads from the site's page the ids of its newest message, and a description of its controls for a bug report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from ..._core.javascript import read_script
from .elements import PageElements
from .isolated_evaluation import IsolatedEvaluation
from .selectors import MESSAGE_ID_ATTRIBUTES, OUTLINE

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

#: Time limit in seconds within which the page must respond to a query.
_TIMEOUT = 5.0


class PageReport:
    """Reads one page, and changes nothing on it."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self._elements = PageElements(page)
        self._evaluation = IsolatedEvaluation(cdp)

    async def newest_message_ids(self) -> list[str]:
        """Return the ids of the last message on the page. Return an empty list if the page has no ids or does not respond."""
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
