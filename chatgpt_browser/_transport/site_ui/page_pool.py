"""The pages through which messages are sent: one for each message that is under way, used again where that saves a navigation."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..._core.errors import BrowserCrashedError, ChallengeError, ChatGPTError, ClientClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ..._core.models import Prompt
    from ..._core.options import Options
    from ..._protocol.conversation_tree import Turn
    from ..browser_manager import BrowserManager
    from ..response_stream import ResponseStream
    from .site_page import SitePage

__all__ = ["SitePagePool"]

logger = logging.getLogger("chatgpt_browser")


class SitePagePool:
    """Opens them, keeps those that are idle, and lets go of those that are dead."""

    def __init__(self, options: Options, engine: BrowserManager) -> None:
        self._options = options
        self._browser_manager = engine
        self._idle: list[SitePage] = []
        self._busy: set[SitePage] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def send(
        self, prompt: Prompt, *, model: str | None, turn: Turn, on_posted: Callable[[str | None], object]
    ) -> tuple[ResponseStream, str | None]:
        """Send a message through one of them. A challenge before it is passed once, and so is a death; nothing is sent twice.

        ``turn`` is the newest one of its conversation. Beside the exchange comes the id that the page has given to the message,
        None where that was not to be seen; ``on_posted`` is told as soon as it has gone out.

        :raises ChatGPTError: the page could not be brought to send it.
        """
        try:
            tab = await self._take(prompt.conversation_id, turn.question_id)
            try:
                return await self._send(tab, prompt, model, turn, on_posted)
            except ChallengeError:
                await self._browser_manager.pass_challenge()
            except BrowserCrashedError:
                if tab.was_told:
                    raise
            tab = await self._take(prompt.conversation_id, turn.question_id)
            return await self._send(tab, prompt, model, turn, on_posted)
        except ChatGPTError as exc:
            if self._closed:
                raise ClientClosedError from exc
            raise

    async def _send(
        self,
        tab: SitePage,
        prompt: Prompt,
        model: str | None,
        turn: Turn,
        on_posted: Callable[[str | None], object],
    ) -> tuple[ResponseStream, str | None]:
        site, timeout = self._browser_manager.site, self._options.first_byte_timeout
        try:
            exchange = await tab.send(
                prompt, site, model=model, turn=turn, timeout=timeout, on_posted=on_posted
            )
            await self._browser_manager.read_back()  # the page has looked at its session as well
            return exchange, tab.question_id
        except BaseException as exc:
            if tab.is_in_doubt:
                on_posted(None)
            # Whatever is on it now, nobody wants to find it there.
            self._busy.discard(tab)
            self._close_aside(tab, exc if isinstance(exc, ChatGPTError) else ClientClosedError())
            raise

    def _close_aside(self, tab: SitePage, reason: ChatGPTError) -> None:
        """Close a page while the caller goes on: a call that has ended waits for nothing.

        Of a hundred pages whose call was cancelled a few milliseconds after it had begun, one was never said to be closed.
        """
        tab.die(reason)
        self._closing_aside(tab.close(reason))

    def _closing_aside(self, work: Coroutine[Any, Any, None]) -> None:
        closing = asyncio.get_running_loop().create_task(work)
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _take(self, conversation_id: str | None, question_id: str | None) -> SitePage:
        self._idle = [tab for tab in self._idle if tab.dead is None]
        if self._closed:
            raise ClientClosedError
        if self._idle:
            # Else the one that has rested longest: its conversation is the least likely to go on.
            tab = next((tab for tab in self._idle if tab.shows(conversation_id, question_id)), self._idle[0])
            self._idle.remove(tab)
        else:
            tab = await self._open()
        self._busy.add(tab)
        return tab

    async def _open(self) -> SitePage:
        """Open one. Where the caller is cancelled meanwhile, the page comes nevertheless: it is closed then."""
        opening = asyncio.get_running_loop().create_task(self._browser_manager.open_site_page(self._rest))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._closing_aside(_close_once_open(opening))
            raise

    def _rest(self, tab: SitePage) -> None:
        """A page has nothing under way any more."""
        self._busy.discard(tab)
        if tab.dead is None and not self._closed:
            self._idle.append(tab)

    async def close(self) -> None:
        """Let go of them all; whoever still reads gets :class:`ClientClosedError`. They close with their browser, next."""
        self._closed = True
        tabs = [*self._idle, *self._busy]
        self._idle, self._busy = [], set()
        for tab in tabs:
            tab.die(ClientClosedError())
        closing = [*self._closing]
        for errand in closing:
            errand.cancel()
        await asyncio.gather(*closing, return_exceptions=True)


async def _close_once_open(opening: asyncio.Task[SitePage]) -> None:
    with suppress(ChatGPTError):
        tab = await opening
        await tab.close()
