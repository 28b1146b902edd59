"""Waiting for a challenge that the browser passes without a person."""

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


async def wait_for_document(target: Target, watcher: NavigationWatcher, loader: str, timeout: float) -> None:
    """Wait until the page shows a document that is not a challenge.

    :param loader: the loader id of the navigation.
    :param timeout: in seconds.

    :raises ChallengeError: the challenge did not pass in time.
    :raises ChatGPTTimeoutError: the document did not load in time.
    """
    started = asyncio.get_running_loop().time()
    challenged = await _is_challenge_shown(target, watcher.head_of(loader))

    with anyio.move_on_after(timeout) as scope:
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
    """Return whether the document that came with this head is a challenge; read its text only if the head leaves it open."""
    if head is None:
        return False
    if is_challenge(head) or head.status not in (403, 503) or not head.is_html:
        return is_challenge(head)
    try:
        params = {"expression": "document.documentElement?.outerHTML ?? ''", "returnByValue": True}
        return is_challenge(head, (await target.send("Runtime.evaluate", params))["result"]["value"])
    except PlaywrightError:
        return True  # the page is navigating again, and the next document decides
