"""The hook for the browsers of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from .._browser.browser import Browser


class BrowserObserver(Protocol):
    """A hook for the browsers of a client. Its methods are called after a browser has started and when the browser is closed."""

    async def begin(self, browser: Browser) -> None:
        """Prepare to observe a browser. The browser has just started, and the client has not opened a page in it yet."""

    def closing(
        self, browser: Browser, front_page: str, session_token: str
    ) -> AbstractAsyncContextManager[None]:
        """Return a context manager. The client closes the browser in the block of this context manager.

        The browser may already have crashed. The context manager must not raise an error.
        """
