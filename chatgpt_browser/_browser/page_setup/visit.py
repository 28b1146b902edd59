"""A visit: navigation to a document of the site, including challenges and a check of the origin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from ..._core.errors import ChatGPTTimeoutError, OriginError
from ..._core.urls import origin_of
from ..playwright_errors import map_playwright_errors
from .challenge import wait_for_document
from .navigation import NavigationWatcher, navigate

if TYPE_CHECKING:
    from ..cdp_target import Target

__all__ = ["visit"]


async def visit(target: Target, url: str, *, timeout: float, challenge_timeout: float) -> None:
    """Navigate to a document of the site, and wait for a challenge to pass if the site shows one.

    :param timeout: seconds until the site must have responded.
    :param challenge_timeout: seconds until a challenge must have passed, and the document must have loaded.

    :raises ChallengeError: the challenge did not pass in time.
    :raises OriginError: the site redirected to another origin.
    :raises ChatGPTTimeoutError: the site did not respond, or its document did not load, in time.
    :raises APIConnectionError: the network failed.
    """
    with map_playwright_errors(), NavigationWatcher(target) as watcher:
        with anyio.move_on_after(timeout) as scope:
            _, loader = await asyncio.gather(watcher.enable(), navigate(target, url))
        if scope.cancelled_caught:
            raise ChatGPTTimeoutError(
                f"ChatGPT timed out: the site did not respond to the page within {timeout:g} s"
            )
        if loader is None:
            return  # the response brought no document; the first request will show whether the site redirects
        await wait_for_document(target, watcher, loader, challenge_timeout)

    arrived, expected = origin_of(watcher.url), origin_of(url)
    if arrived != expected:
        message = (
            f"The site redirected from {expected} to {arrived}. The session token is not sent to that origin."
        )
        raise OriginError(message, origin=arrived)
