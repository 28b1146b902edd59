"""Our client, in the one form in which everything is measured; and the only look behind its interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatgpt_browser import AsyncChatGPTAPI

from .sample import Sample, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Address

__all__ = ["Ours", "make_client"]

#: Over HTTP/2. Over HTTP/1.1 the client itself keeps to what a browser's six connections allow.
STREAMS = 64


def make_client(address: Address, **options: Any) -> AsyncChatGPTAPI:
    """A client of this server, with the defaults for all that is not about the server."""
    return AsyncChatGPTAPI(
        address.session_token,
        api_base_url=f"{address.origin}/api",
        backend_api_base_url=f"{address.origin}/backend-api",
        ignore_https_errors=address.is_http2,
        **options,
    )


class Ours:
    """`AsyncChatGPTAPI`, its browser started beforehand."""

    name = "ours"

    def __init__(self, address: Address) -> None:
        self.api = make_client(address, max_concurrent_messages=STREAMS if address.is_http2 else 1)

    async def __aenter__(self) -> Ours:
        await self.api.ensure_auth()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.api.close()

    async def listen(self, message: str) -> Sample:
        """Send a message; the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_progress: Callable[[str], object]) -> str:
        return await self.api.send_message(message, on_progress=on_progress)

    def count_pages(self) -> int:
        """How many pages its browser has open."""
        return len(self._context.pages)

    async def collect_garbage(self) -> None:
        """Have the page's JavaScript let go of what nobody holds, so that memory is what is held."""
        page = self._context.pages[0]
        session = await self._context.new_cdp_session(page)
        await session.send("HeapProfiler.collectGarbage")
        await session.detach()

    @property
    def _context(self) -> Any:
        browser = self.api._engine._browser
        assert browser is not None, "the browser has not been started"
        return browser.context
