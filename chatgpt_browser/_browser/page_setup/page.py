"""A browser page with methods that set its identity and session cookies, and that navigate it to a document of the site."""

from __future__ import annotations

import asyncio
import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio

from ..._core.errors import BrowserCrashedError, ChatGPTTimeoutError, OriginError
from ..._core.urls import origin_of
from ..cdp_target import GONE
from ..playwright_errors import map_playwright_errors, suppress_close_errors
from . import cookies
from .challenge import wait_for_document
from .identity import override_identity
from .navigation import EmptyDocument, NavigationWatcher, navigate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..._core.errors import ChatGPTError
    from ..._core.options import Options
    from ..._protocol.cookies import SessionToken
    from ..cdp_target import Target


class BrowserPage:
    """A page of the browser with its identity, its session cookies and its state.

    A page is alive until it closes, until it crashes, or until :meth:`die` is called. :attr:`dead` is the error that ended it.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._empty_document = EmptyDocument(target)
        self._dead: ChatGPTError | None = None
        self._life = anyio.CancelScope()
        #: The parameters of ``Emulation.setUserAgentOverride``, or None if the user agent is not overridden.
        self.identity: dict[str, Any] | None = None

        target.on("Page.javascriptDialogOpening", functools.partial(_close_dialog, target))
        target.on(GONE, self._on_gone)

    async def set_up(self, options: Options, origin: str) -> None:
        """Enable the events of the page, and override its identity. Call this before the first navigation.

        The identity is not overridden if the browser has a window and the options contain no user agent.

        The method returns only after the renderer has responded once. If a page navigates before its renderer has responded,
        Chromium 150 crashes in about 30 % of the cases.
        """
        certificates = {"ignore": options.ignore_https_errors}
        with map_playwright_errors():
            await asyncio.gather(
                self._target.send("Page.enable"),
                # Chromium reports a crash of the page only if the Inspector domain is enabled.
                self._target.send("Inspector.enable"),
                # Chromium throttles a page that is behind another window. An emulated focus prevents this.
                self._target.send("Emulation.setFocusEmulationEnabled", {"enabled": True}),
                self._target.send("Security.setIgnoreCertificateErrors", certificates),
            )
            if options.headless or options.user_agent is not None:
                # The user agent and the client hints must match before the first request leaves the browser.
                await self._empty_document.show(origin)
                self.identity = await override_identity(self._target, options.user_agent)

    async def close(self) -> None:
        """Close the page. Errors are logged, because the page may have ended already."""
        await suppress_close_errors(self._target.close)

    @property
    def dead(self) -> ChatGPTError | None:
        """The error that ended the page, or None while the page is alive."""
        return self._dead

    def die(self, error: ChatGPTError) -> None:
        """Mark the page as dead, and cancel the block of :meth:`while_alive`. :attr:`dead` keeps the error of the first call."""
        self._dead = self.dead or error
        self._life.cancel()

    @contextmanager
    def while_alive(self) -> Iterator[None]:
        """Cancel the block when the page dies, because a crashed renderer never responds to a command.

        :raises ChatGPTError: the error that ended the page.
        """
        with anyio.CancelScope() as self._life:
            yield
        if self.dead is not None:
            raise self.dead

    async def set_session_token(self, token: SessionToken, origin: str) -> None:
        """Replace all session cookies of the origin by cookies that contain this token."""
        await cookies.set_session_token(self._target, token, origin)

    async def copy_cookies(self, source: BrowserPage, origin: str) -> None:
        """Copy the origin's cookies from another page, for example the cookie that proves that a challenge was passed."""
        await cookies.copy_cookies(source._target, self._target, origin)

    async def get_session_token(self, origin: str) -> SessionToken | None:
        """Return the session token in the cookie store, or None if the origin has no session cookie."""
        return await cookies.get_session_token(self._target, origin)

    async def visit(self, url: str, options: Options) -> None:
        """Navigate to a document of the site, and wait for a challenge to pass if the site shows one.

        The site must respond within ``first_byte_timeout``. A challenge must pass, and the document must load, within
        ``challenge_timeout``.

        :raises ChallengeError: the challenge did not pass in time.
        :raises OriginError: the site redirected to another origin.
        :raises ChatGPTTimeoutError: the site did not respond, or its document did not load, in time.
        :raises APIConnectionError: the network failed.
        """
        with map_playwright_errors(), NavigationWatcher(self._target) as watcher:
            with anyio.move_on_after(options.first_byte_timeout) as scope:
                _, loader = await asyncio.gather(watcher.enable(), navigate(self._target, url))
            if scope.cancelled_caught:
                raise ChatGPTTimeoutError(
                    "ChatGPT timed out: the site did not respond to the page within "
                    f"{options.first_byte_timeout:g} s"
                )
            if loader is None:
                # The response contained no document, so it is unknown whether the site has redirected to another origin. If it
                # has, the later requests of the page fail.
                return
            await wait_for_document(self._target, watcher, loader, options.challenge_timeout)

        arrived, expected = origin_of(watcher.url), origin_of(url)
        if arrived != expected:
            raise OriginError(
                f"The site redirected from {expected} to {arrived}. The session token was not sent there.",
                origin=arrived,
            )

    def _on_gone(self, event: dict[str, Any]) -> None:
        self.die(BrowserCrashedError(f"The page was closed or has crashed: {event['reason']}."))


def _close_dialog(target: Target, event: dict[str, Any]) -> None:
    """Close a JavaScript dialog, because it blocks its page. A ``beforeunload`` dialog is accepted; all others are dismissed."""
    target.send_soon("Page.handleJavaScriptDialog", {"accept": event["type"] == "beforeunload"})
