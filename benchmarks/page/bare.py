"""A Playwright script that sends messages through the site's page by hand, without waits other than Playwright's own.

As a program, it sends one message in a new conversation. Its argument is JSON; it prints the reply.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

from playwright.async_api import async_playwright

from .timing import PressClock, Timing

__all__ = ["BarePage"]

_VIEWPORT: Any = {"width": 1280, "height": 900}
_BOX, _SEND = "#prompt-textarea", "#composer-submit-button"

#: Reports the first word of a reply, in the same task in which the page shows the word, and the end of the reply.
_REPORT_REPLY = """
(() => {
  const answers = document.getElementsByClassName("assistant");
  let before = null, answer = null;
  addEventListener("submit", () => { before = answers.length; answer = null; }, true);
  new MutationObserver(() => {
    if (before === null) return;
    if (answer === null) {
      if (answers.length === before || answers[before].textContent === "") return;
      answer = answers[before];
      reportFirstWord();
    }
    if (answer.hasAttribute("aria-busy")) return;
    before = null;
    reportEnd(answer.textContent);
  }).observe(document, {childList: true, subtree: true, attributeFilter: ["aria-busy"]});
})();
"""


class BarePage:
    """The script's browser with one page of the site. `task` contains the browser and the server: see `measure.task_of`."""

    name = "plain"

    def __init__(self, task: dict[str, Any]) -> None:
        self._task = task
        self._clock = PressClock()
        self._timing = Timing()
        self._is_over = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> BarePage:
        task = self._task
        async with AsyncExitStack() as stack:
            playwright = await stack.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(
                executable_path=task["executable"], chromium_sandbox=task["sandbox"]
            )
            stack.push_async_callback(browser.close)
            context = await browser.new_context(
                viewport=_VIEWPORT, ignore_https_errors=task["ignore_https_errors"]
            )
            await context.add_cookies([task["cookie"]])
            await self._clock.install(context)
            await context.expose_function("reportFirstWord", self._note_first_word)
            await context.expose_function("reportEnd", self._note_end)
            await context.add_init_script(_REPORT_REPLY)
            self._page = await context.new_page()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def ask(self, message: str, conversation_id: str | None) -> Timing:
        """Open a conversation (None: a new one), send a message and wait until the reply is over."""
        self._timing = Timing()
        path = "/" if conversation_id is None else f"/c/{conversation_id}"
        await self._page.goto(self._task["origin"] + path, wait_until="domcontentloaded")
        if conversation_id is not None:
            await self._page.wait_for_selector("#thread > *", state="attached")
        return await self._send(message)

    async def follow_up(self, message: str) -> Timing:
        """Send a message in the conversation of the previous message, and wait until the reply is over."""
        self._timing = Timing()
        return await self._send(message)

    async def collect_garbage(self) -> None:
        """Collect garbage in the page, so that only reachable memory is measured."""
        session = await self._page.context.new_cdp_session(self._page)
        await session.send("HeapProfiler.collectGarbage")
        await session.detach()

    async def _send(self, message: str) -> Timing:
        self._is_over.clear()
        await self._page.fill(_BOX, message)
        await self._page.click(_SEND)
        await self._is_over.wait()
        self._timing.pressed = self._clock.pressed
        return self._timing

    def _note_first_word(self) -> None:
        self._timing.first_word = time.time()

    def _note_end(self, text: str) -> None:
        self._timing.ended = time.time()
        self._timing.text = text
        self._is_over.set()


async def main(task: dict[str, Any]) -> None:
    """Send one message in a new conversation and print its reply."""
    async with BarePage(task) as page:
        timing = await page.ask(task["message"], None)
        sys.stdout.write(json.dumps(timing.text) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
