"""Our client as all benchmarks use it. This is the only module of the benchmarks that reads private attributes of the client."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from chatgpt_browser import AsyncChatGPTAPI

from .sample import Sample, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import BrowserContext, CDPSession

    from .server import Address

__all__ = ["Ours", "context_of", "make_client"]

#: Maximum of concurrent messages over HTTP/2. Over HTTP/1.1, a browser opens at most six connections.
STREAMS = 64


def make_client(address: Address, **options: Any) -> AsyncChatGPTAPI:
    """Return a client of this server with default options."""
    return AsyncChatGPTAPI(
        address.session_token,
        api_base_url=f"{address.origin}/api",
        backend_api_base_url=f"{address.origin}/backend-api",
        ignore_https_errors=address.is_http2,
        **options,
    )


class Ours:
    """`AsyncChatGPTAPI` with a started browser."""

    name = "ours"

    def __init__(self, address: Address, **options: Any) -> None:
        self.api = make_client(address, max_concurrent_messages=STREAMS if address.is_http2 else 1, **options)

    async def __aenter__(self) -> Ours:
        await self.api.ensure_auth()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.api.close()

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_progress: Callable[[str], object]) -> str:
        return await self.api.send_message(message, on_progress=on_progress)

    async def count_pages(self) -> int:
        """Return the number of open pages in the browser."""
        return len(await _pages(self._devtools()))

    async def collect_garbage(self) -> None:
        """Collect garbage in all pages, so that only reachable memory is measured."""
        session = self._devtools()
        for target in await _pages(session):
            await _collect_garbage(session, target)

    def _devtools(self) -> CDPSession:
        """Return the CDP session of the browser, which lists all pages."""
        running = self.api._browser_manager._browser
        assert running is not None, "the browser is not running"
        return running.devtools


def context_of(api: AsyncChatGPTAPI) -> BrowserContext:
    """Return the context of a started client that sends through the site's page."""
    running = api._browser_manager._browser
    assert running is not None, "the browser is not running"
    return running.context


async def _pages(session: CDPSession) -> list[str]:
    targets = (await session.send("Target.getTargets"))["targetInfos"]
    return [target["targetId"] for target in targets if target["type"] == "page"]


async def _collect_garbage(session: CDPSession, target: str) -> None:
    answered = asyncio.Event()
    child = await session.send("Target.attachToTarget", {"targetId": target, "flatten": False})

    def receive(event: dict[str, Any]) -> None:
        if event["sessionId"] == child["sessionId"]:
            answered.set()

    session.on("Target.receivedMessageFromTarget", receive)
    message = json.dumps({"id": 1, "method": "HeapProfiler.collectGarbage"})
    await session.send("Target.sendMessageToTarget", {"sessionId": child["sessionId"], "message": message})
    await answered.wait()
    session.remove_listener("Target.receivedMessageFromTarget", receive)
    await session.send("Target.detachFromTarget", child)
