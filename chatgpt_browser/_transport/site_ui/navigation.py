"""Opens conversations in the site's page, and records the changes of the page's address."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._browser.playwright_errors import is_interrupted, milliseconds
from ..._core.background import cancel_tasks
from ..._core.errors import APIStatusError, OriginError, PageError
from ..._core.models import Head, Response
from ..._core.urls import origin_of
from ..._protocol.error_responses import challenge_error, is_challenge, status_error
from .conversation_load import observe_load

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page
    from playwright.async_api import Response as PlaywrightResponse

    from ..._core.errors import ChatGPTError
    from ..._core.urls import Site
    from ..._protocol.conversation_tree import Turn
    from ..base import OutgoingMessage
    from .composer import Composer

#: Time limit in seconds within which the page must load the messages of a conversation.
_LOAD_TIMEOUT = 15.0
#: Time limit in seconds within which the page must show a message after it has loaded the conversation.
_RENDER_TIMEOUT = 1.0
#: Time limit in seconds within which the page must have the address of its conversation before the next message. If the page does
#: not have the address by then, the client opens the conversation again.
_ADDRESS_TIMEOUT = 2.0
#: Maximum number of navigation attempts. A navigation is repeated if another navigation, started by the page, interrupts it.
_ATTEMPTS = 3

_FIRST_ERROR_STATUS, _NOT_FOUND = 400, 404
#: The maximum number of changes of the page's address that are stored after each message. The site makes one or two changes. If
#: the site makes more changes than this limit, the conversation is opened again for the next message.
_MAX_PATHS = 100
#: Maximum number of characters that are read of an error page. The rest of a longer page is ignored.
_MAX_ERROR_PAGE = 1 << 20
#: The part of a path that shows that the conversation's id is temporary.
_TEMPORARY = "/c/WEB:"


class Navigation:
    """Opens conversations in one page. All times are in seconds."""

    def __init__(self, page: Page, cdp: CDPSession, composer: Composer) -> None:
        self._page = page
        self._cdp = cdp
        self._composer = composer
        self._main_frame: str | None = None
        #: False if the newest message belongs to a temporary chat: the page never gets the address of a conversation.
        self.has_address = True
        #: The first item is the path of the page when it sent the newest message. The other items are all later paths. None if no
        #: message was sent from the current document.
        self._paths: list[str] | None = None
        self._path_changed = asyncio.Event()
        listeners = {
            "Page.frameNavigated": self._on_navigated,
            "Page.navigatedWithinDocument": self._on_path_changed,
        }
        add_listeners(cdp, listeners)

    def note_sent(self) -> None:
        """Record that the page has sent a message, and start to store the changes of the page's address."""
        self._paths = [_path_of(self._page.url)]

    def is_still_at(self, conversation_id: str | None) -> bool:
        """Return whether the page has shown only this conversation since the page sent the newest message.

        The page of a new conversation may get the conversation's address only during or after the reply. Until then, it has the
        address of a new chat or a temporary address (``/c/WEB:…``). In a project, a path begins with the project's path.
        """
        if conversation_id is None or not self._paths:
            return False
        has_arrived, first = False, self._paths[0]
        for path in self._paths:
            if path.endswith(f"/c/{conversation_id}"):
                has_arrived = True
            elif has_arrived or (path != first and _TEMPORARY not in path):
                return False
        return has_arrived or "/c/" not in first or _TEMPORARY in first

    async def wait_for_address(self, conversation_id: str | None) -> bool:
        """Wait until the page has the address of the conversation. Return False if the page does not have the address in time.

        Also return False if the page has changed to another conversation. A page without the address may not have the
        conversation's id yet. Such a page would start a new conversation with the next message.
        """
        if not self.has_address:
            return self.is_still_at(conversation_id)
        with anyio.move_on_after(_ADDRESS_TIMEOUT):
            while self.is_still_at(conversation_id):
                # The new address is reported twice: by Playwright, and by an event of the DevTools protocol. Either may arrive
                # first.
                has_path = self._paths is not None and self._paths[-1].endswith(f"/c/{conversation_id}")
                if has_path or self.is_at(conversation_id):
                    return True
                self._path_changed.clear()
                await self._path_changed.wait()
        return False

    def is_at(self, conversation_id: str | None) -> bool:
        """Return whether the page has the address of this conversation. Return False for None, which means a new conversation."""
        # The path of a conversation in a project begins with the path of the project.
        return conversation_id is not None and _path_of(self._page.url).endswith(f"/c/{conversation_id}")

    async def open(self, address: str, message: OutgoingMessage, site: Site, *, timeout: float) -> None:
        """Open the conversation of a message, and wait until its messages are loaded and a message can be entered.

        ``address`` is the address of the conversation, or of a new conversation, without the origin. ``timeout`` is in seconds.

        :raises ChallengeError: the site responded with a challenge.
        :raises SessionExpiredError: the page shows that the user is not logged in.
        :raises APIStatusError: the site responded with an error status.
        :raises OriginError: the page is on another origin.
        :raises PageError: the conversation was not loaded, or the composer is not ready.
        """
        conversation_id, turn = message.prompt.conversation_id, message.turn
        with (
            nullcontext(asyncio.Event())
            if conversation_id is None
            else observe_load(self._cdp, site.origin, conversation_id, turn.ids)
        ) as is_loaded:
            response = await self._goto(f"{site.origin}{address}", timeout)
            await _check_response(response, is_new=conversation_id is None)
            self._check_origin(site)
            await self._composer.wait_until_ready(timeout)
            self._check_origin(site)
            if conversation_id is not None:
                await self._check_loaded(conversation_id, is_loaded, turn, min(timeout, _LOAD_TIMEOUT))

    def _on_navigated(self, event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"]:
            self._main_frame, self._paths = event["frame"]["id"], None
            self._path_changed.set()

    def _on_path_changed(self, event: dict[str, Any]) -> None:
        if self._paths is not None and event["frameId"] == self._main_frame:
            self._paths = [*self._paths, _path_of(event["url"])] if len(self._paths) < _MAX_PATHS else None
            self._path_changed.set()

    async def _goto(self, url: str, timeout: float, attempts: int = _ATTEMPTS) -> PlaywrightResponse | None:
        limit = milliseconds(timeout)
        try:
            return await self._page.goto(url, wait_until="domcontentloaded", timeout=limit)
        except PlaywrightError as error:
            if not is_interrupted(error) or attempts == 1:
                raise
        # The page has started another navigation. That navigation must end first, so that it does not interrupt the next attempt.
        await self._page.wait_for_load_state("domcontentloaded", timeout=limit)
        return await self._goto(url, timeout, attempts - 1)

    def _check_origin(self, site: Site) -> None:
        origin = origin_of(self._page.url)
        if origin != site.origin:
            raise OriginError(
                f"The site's page is on {origin} instead of {site.origin}. Nothing was sent.", origin=origin
            )

    async def _check_loaded(
        self, conversation_id: str, is_loaded: asyncio.Event, turn: Turn, timeout: float
    ) -> None:
        has_messages = self.is_at(conversation_id) and await self._has_messages(is_loaded, turn, timeout)
        if not self.is_at(conversation_id):
            raise PageError("The site's page did not open the conversation's address. Nothing was sent.")
        if not has_messages:
            raise PageError(
                f"The site's page did not load the messages of the conversation within {timeout:g} s. Nothing was sent."
            )

    async def _has_messages(self, is_loaded: asyncio.Event, turn: Turn, timeout: float) -> bool:
        """Wait until the page has the messages of the conversation's newest turn. Return False if ``timeout`` seconds pass first.

        The page has the messages if it contains the id of one of them. But some layouts of the page contain no message ids. So it
        is also sufficient that ``_RENDER_TIMEOUT`` seconds have passed after the page loaded the conversation.
        """
        showing = asyncio.ensure_future(self._composer.shows_any(turn.ids, timeout))
        loading = asyncio.ensure_future(is_loaded.wait())
        try:
            with anyio.move_on_after(timeout):
                await asyncio.wait((showing, loading), return_when=asyncio.FIRST_COMPLETED)
                if showing.done() and showing.result():
                    return True
                await loading
                await asyncio.wait((showing,), timeout=_RENDER_TIMEOUT)
                return True
            return False
        finally:
            await cancel_tasks(showing, loading)


async def _check_response(response: PlaywrightResponse | None, *, is_new: bool) -> None:
    """Raise an error if the response to a navigation is a challenge or has an error status."""
    if response is None or response.ok:
        return
    head = Head(response.status, response.status_text, response.headers)
    text = await _text_of(response)
    if is_challenge(head, text):
        raise challenge_error("The site responded to its own page with a challenge")
    error: ChatGPTError = status_error(Response(head, text))
    if head.status == _NOT_FOUND and is_new:
        # No conversation was requested, so this is not a ConversationNotFoundError.
        error = APIStatusError(str(error), status_code=head.status, body=text)
    if head.status >= _FIRST_ERROR_STATUS:
        raise error


async def _text_of(response: PlaywrightResponse) -> str:
    """Return the body of a response, or "" if it cannot be read.

    The browser drops the body when the page navigates again, for example after the page has passed a challenge.
    """
    try:
        return (await response.text())[:_MAX_ERROR_PAGE]
    except PlaywrightError:
        return ""


def _path_of(url: str) -> str:
    return unquote(urlsplit(url).path)
