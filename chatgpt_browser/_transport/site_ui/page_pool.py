"""The site-page transport: a pool of browser pages that show the site's own application. A page sends one message at a time."""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..._core.background import BackgroundTasks
from ..._core.errors import BrowserCrashedError, ChallengeError, ChatGPTError, ClientClosedError, PageError
from ..._core.options import SITE_CHOICE_MODELS
from ..base import DeliveryState
from .lost_message import LostMessageError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ..._core.options import Options
    from ..._protocol.conversation_tree import Turn
    from ..base import OutgoingMessage
    from ..browser_manager import BrowserManager
    from ..response_stream import ResponseStream
    from .site_page import SitePage


class SitePagePool:
    """Sends messages through pages of the site's own application.

    After a reply has ended, its page is reused for another message. If this message continues the same conversation, the page
    need not navigate.
    """

    needs_newest_turn = True
    may_renew_session = True
    keeps_message_id = False
    can_resend_refused = False
    unusual_activity_advice = (
        "the site rejected the message although its own page sent it, and there is no other way to send it: check in an "
        "ordinary browser whether the site accepts messages from this account and network"
    )

    def __init__(self, options: Options, browser_manager: BrowserManager) -> None:
        self._options = options
        self._browser_manager = browser_manager
        #: Time limit in seconds for each step that a page takes until the message is sent, for example to show a message box.
        self.step_timeout: float = options.first_byte_timeout
        self._pages: list[SitePage] = []
        self._closing = BackgroundTasks()
        #: The number of pages that are being closed.
        self._leaving = 0
        self._is_closed = False
        browser_manager.page_budget.register(self._count_pages, self._close_idle_page)

    @property
    def idle_pages(self) -> list[SitePage]:
        """The pages without a message in flight. The page that has been idle for the longest time is the first."""
        return sorted((page for page in self._pages if page.is_idle), key=lambda page: page.idle_since)

    async def send(self, message: OutgoingMessage) -> ResponseStream:
        """Send a message through a page, and return the stream of the response. The model is used only for a new conversation.

        In three cases, a second attempt is made in another page: the site responds with a challenge, the page crashes before the
        send button is clicked, or the page accepts the message and then does nothing.

        :raises PageError: the parent message is not the newest message, or the page could not send the message.
        :raises ChatGPTError: the page could not be opened.
        """
        _check_parent(message)
        try:
            try:
                return await self._send_once(message)
            except ChallengeError:
                await self._browser_manager.pass_challenge()
            except (BrowserCrashedError, LostMessageError):
                if message.delivery.state is not DeliveryState.NOT_STARTED:
                    raise
            return await self._send_once(message)
        except ChatGPTError as exc:
            if self._is_closed:
                raise ClientClosedError from exc
            raise

    async def shows(self, conversation_id: str, turn: Turn) -> bool:
        """Return whether an idle page shows the conversation, and the last message on this page belongs to this turn.

        If the result is True and :meth:`send` is called before any other task runs, the message is sent from this page.
        """
        page = next((page for page in self.idle_pages if page.shows(conversation_id, turn.question_id)), None)
        try:
            is_newest = page is not None and await page.shows_newest(turn)
        except ChatGPTError:  # this page has crashed or was closed, so `send` will use another page
            return False
        return (
            page is not None and is_newest and page.is_idle and page.shows(conversation_id, turn.question_id)
        )

    async def matches(self) -> list[dict[str, str]]:
        """Return the entries of :mod:`.selectors` that match the page that was used last, or an empty list if no page is idle."""
        pages = self.idle_pages
        return await pages[-1].matches() if pages else []

    async def _send_once(self, message: OutgoingMessage) -> ResponseStream:
        page = await self._take(message.prompt.conversation_id, message.turn.question_id)
        try:
            stream = await page.send(
                message,
                self._browser_manager.site,
                model=None if message.model in SITE_CHOICE_MODELS else message.model,
                timeout=self.step_timeout,
            )
        except BaseException as exc:
            self._discard(page, exc if isinstance(exc, ChatGPTError) else ClientClosedError())
            raise
        stream.when_over(self._browser_manager.page_budget.notify)
        return stream

    async def _take(self, conversation_id: str | None, question_id: str | None) -> SitePage:
        """Reserve a page for a message and return the page.

        The first choice is an idle page that shows the conversation. The second choice is the page that has been idle for the
        longest time, because its conversation is the least likely to continue. If no page is idle, open a new page. If the
        maximum number of pages is open, wait until a page is idle or is closed.
        """
        budget = self._browser_manager.page_budget
        while not self._is_closed:
            # `is_full` calls `_count_pages`, which removes crashed pages from the pool. So read `is_full` before `idle_pages`.
            is_full = budget.is_full
            if idle := self.idle_pages:
                page = next((page for page in idle if page.shows(conversation_id, question_id)), idle[0])
            elif is_full:
                await budget.wait_for_change()
                continue
            else:
                with budget.opening():
                    page = await self._open()
                    self._pages.append(page)
            page.reserve()
            return page
        raise ClientClosedError

    async def _open(self) -> SitePage:
        """Open a page and return it. If the caller is cancelled meanwhile, close the page as soon as it is open."""
        from .site_page import SitePage

        open_page = functools.partial(SitePage.open, options=self._options)
        opening = asyncio.get_running_loop().create_task(self._browser_manager.run_in_context(open_page))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._leave(_close_once_open(opening))
            raise

    def _discard(self, page: SitePage, reason: ChatGPTError) -> None:
        """Remove a page from the pool, mark it as unusable, and close it in the background.

        The caller does not wait, because Playwright may never confirm that a page is closed. This happened for one page in a test
        that cancelled a hundred calls a few milliseconds after their start.
        """
        self._pages = [other for other in self._pages if other is not page]
        page.die(reason)
        self._leave(page.close(reason))

    def _leave(self, closing: Coroutine[Any, Any, None]) -> None:
        """Close a page in the background. Until it is closed, the page counts as open."""
        self._leaving += 1
        self._closing.spawn(closing).add_done_callback(self._on_left)

    def _on_left(self, _: object) -> None:
        self._leaving -= 1
        self._browser_manager.page_budget.notify()

    def _count_pages(self) -> int:
        """Return the number of open pages, and begin to close the pages that have crashed."""
        for page in [page for page in self._pages if page.dead is not None]:
            self._discard(page, page.dead or ClientClosedError())
        return len(self._pages) + self._leaving

    def _close_idle_page(self) -> bool:
        """Begin to close the page that has been idle for the longest time. Return False if no page is idle."""
        idle = self.idle_pages
        if idle:
            self._discard(idle[0], ClientClosedError())
        return bool(idle)

    async def close(self) -> None:
        """End all messages in flight with a :class:`ClientClosedError`.

        The pages are closed later, together with their browser.
        """
        self._is_closed = True
        pages, self._pages = self._pages, []
        for page in pages:
            page.die(ClientClosedError())
        self._browser_manager.page_budget.notify()
        await self._closing.cancel()


def _check_parent(message: OutgoingMessage) -> None:
    prompt = message.prompt
    if prompt.conversation_id is None or prompt.parent_message_id is None:
        return
    if prompt.parent_message_id not in message.turn.parents:
        raise PageError(
            'The parent_message_id is not the newest message of the conversation, and send_via="page" can only reply to the '
            "newest. Nothing was sent. Leave parent_message_id out to reply to the newest message."
        )


async def _close_once_open(opening: asyncio.Task[SitePage]) -> None:
    with suppress(ChatGPTError):
        page = await opening
        await page.close()
