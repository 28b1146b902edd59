"""Waits for a challenge that the browser passes without a person."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._core.errors import ChatGPTTimeoutError
from ..._core.log import logger
from ..._core.telemetry import record_step
from ..._protocol.error_responses import challenge_error, is_challenge

if TYPE_CHECKING:
    from ..._core.models import Head
    from ..cdp_target import Target
    from .navigation import NavigationWatcher

#: A script that returns the beginning of the document. It runs in an isolated world, where the page cannot replace properties.
#: The property `document.documentElement` is not used, because an element of the page with the name "documentElement" would hide
#: the property. The getter of the prototype cannot be hidden.
_READ_HTML = (
    "Object.getOwnPropertyDescriptor(Document.prototype, 'documentElement')"
    ".get.call(document)?.outerHTML.slice(0, 1 << 20) ?? ''"
)


async def wait_for_document(target: Target, watcher: NavigationWatcher, loader: str, timeout: float) -> None:
    """Wait until the page shows a document that is not a challenge.

    :param loader: the loader id of the navigation.
    :param timeout: in seconds.

    :raises ChallengeError: the challenge did not pass in time.
    :raises ChatGPTTimeoutError: the document did not load in time.
    """
    started = asyncio.get_running_loop().time()
    challenged = False

    with anyio.move_on_after(timeout) as scope:
        challenged = await _is_challenge_shown(target, watcher.head_of(loader))
        while await _is_challenge_shown(target, await watcher.next()):
            challenged = True

    seconds = asyncio.get_running_loop().time() - started
    if challenged:
        record_step("challenge", seconds, "ChallengeError" if scope.cancelled_caught else None)
    if scope.cancelled_caught and challenged:
        raise challenge_error(f"A challenge did not pass without a person within {timeout:g} s")
    if scope.cancelled_caught:
        raise ChatGPTTimeoutError(f"ChatGPT timed out: the HTML document did not load within {timeout:g} s")
    if challenged:
        logger.info("challenge passed in %.2f s", seconds, extra={"chatgpt_event": "challenge_passed"})


async def _is_challenge_shown(target: Target, head: Head | None) -> bool:
    """Return whether the document with this response head is a challenge. If the head is not sufficient, read the document."""
    if head is None:
        return False
    if is_challenge(head) or head.status not in (403, 503) or not head.is_html:
        return is_challenge(head)
    try:
        world = {"frameId": target.id, "worldName": "chatgpt_browser_reader"}
        context_id = (await target.send("Page.createIsolatedWorld", world))["executionContextId"]
        params = {"expression": _READ_HTML, "contextId": context_id, "returnByValue": True}
        text = (await target.send("Runtime.evaluate", params))["result"].get("value")
        return is_challenge(head, text if isinstance(text, str) else "")
    except PlaywrightError:
        return True  # the page is navigating again, so the next document is checked
