"""Observes a page before it sends a message: the documents that it loads, native form submissions, and preparation requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ..._browser.cdp_target import add_listeners
from .selectors import SHELL_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import CDPSession

#: A POST request prepares a message if its path contains one of these texts. A request with the first text fetches the proofs
#: that the site requires for a message.
_PREPARATIONS = ("/sentinel/", "/conversation/prepare")


class PageEvents:
    """Counts the documents of a page, and detects that the page prepares a message or submits a form natively.

    A form is submitted natively if the page's scripts do not handle its submit event because they are not running yet. The
    browser then navigates to the form's address, and no message is sent.
    """

    def __init__(self, cdp: CDPSession) -> None:
        #: The number of documents that the page has loaded.
        self.documents = 0
        #: A function that is called when the page submits a form natively.
        self.on_native_submit: Callable[[], object] | None = None
        self._main_frame: str | None = None
        self._pending: set[str] = set()
        self._last_preparation = float("-inf")
        listeners = {
            "Page.frameNavigated": self._on_navigated,
            "Page.frameRequestedNavigation": self._on_navigation_requested,
            "Network.requestWillBeSent": self._on_request,
            "Network.loadingFinished": self._on_request_ended,
            "Network.loadingFailed": self._on_request_ended,
        }
        add_listeners(cdp, listeners)

    def forget_preparations(self) -> None:
        """Ignore all preparation requests that were observed before this call."""
        self._pending.clear()
        self._last_preparation = float("-inf")

    def is_preparing(self, within: float) -> bool:
        """Return whether a preparation request is in flight, or has ended less than ``within`` seconds ago."""
        return bool(self._pending) or asyncio.get_running_loop().time() - self._last_preparation < within

    def _on_request(self, event: dict[str, Any]) -> None:
        path = urlsplit(event["request"]["url"]).path
        if event["request"]["method"] == "POST" and any(part in path for part in _PREPARATIONS):
            self._pending.add(event["requestId"])

    def _on_request_ended(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._pending:
            self._pending.discard(event["requestId"])
            self._last_preparation = asyncio.get_running_loop().time()

    def _on_navigation_requested(self, event: dict[str, Any]) -> None:
        is_form = event["reason"] == "formSubmissionGet"
        if event["frameId"] == self._main_frame and (is_form or _is_shell_address(event["url"])):
            self._report_native_submit()

    def _on_navigated(self, event: dict[str, Any]) -> None:
        frame = event["frame"]
        if "parentId" in frame:
            return
        self.documents += 1
        self._main_frame = frame["id"]
        self._pending.clear()
        if _is_shell_address(frame["url"]):
            self._report_native_submit()

    def _report_native_submit(self) -> None:
        if self.on_native_submit is not None:
            self.on_native_submit()


def _is_shell_address(url: str) -> bool:
    return SHELL_PARAMETER in parse_qs(urlsplit(url).query, keep_blank_values=True)
