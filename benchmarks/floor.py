"""Benchmark of the minimum cost of a message in a browser: one `evaluate(fetch)` of Playwright in an open page."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from chatgpt_browser._browser.sandbox import sandbox_refusal

from .clients import in_turn
from .figures import Row
from .first_reply.bare import FETCH, read_text
from .plain import message_body
from .processes import browser_executable
from .sample import Sample, timed
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Clients

__all__ = ["measure_floor"]


class BareFetch:
    """A client that reads the reply as one text after it is complete. It cannot report single events."""

    name = "bare"

    def __init__(self, clients: Clients) -> None:
        self._address = clients.address
        self._headers = clients.plain.headers
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> BareFetch:
        async with AsyncExitStack() as stack:
            playwright = await stack.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(
                executable_path=browser_executable(), chromium_sandbox=sandbox_refusal() is None
            )
            stack.push_async_callback(browser.close)
            self._page = await browser.new_page(ignore_https_errors=self._address.is_http2)
            await self._page.goto(self._address.origin, wait_until="commit")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_progress: Callable[[str], object]) -> str:
        body = message_body(message).decode()
        request = {"url": self._address.message_url, "headers": self._headers, "body": body}
        text = read_text(await self._page.evaluate(FETCH, request))
        on_progress(text)
        return text


async def measure_floor(clients: Clients, rounds: int) -> Row:
    """Return a row for a reply of one event, with the bare fetch in the column of the plain client."""
    async with BareFetch(clients) as bare:
        heard = await in_turn([clients.plain, bare, clients.ours], Script(1), rounds)
    samples = {
        who: [sample.seconds * 1000 for sample in heard[name]]
        for who, name in (("plain", "bare"), ("ours", "ours"))
    }
    name = "… beside Playwright's `evaluate(fetch)` alone"
    return Row(name, clients.protocol, samples, detail={"plain": "bare"})
