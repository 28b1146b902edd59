"""Stops the work for a request when its client disconnects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.types import Receive


class ClientLeftError(Exception):
    """The client has disconnected, or no longer accepts data. No response can be sent."""


async def while_connected(receive: Receive, work: Coroutine[object, object, None]) -> None:
    """Run a coroutine. If the client disconnects, cancel the coroutine: the site then stops writing the reply.

    Read the body of the request before this call, because the function discards the parts that it receives.

    :raises ClientLeftError: the client has disconnected.
    """
    task = asyncio.create_task(work)
    watcher = asyncio.create_task(_wait_for_departure(receive))
    try:
        await asyncio.wait((task, watcher), return_when=asyncio.FIRST_COMPLETED)
    finally:
        has_left = watcher.done() and not task.done()
        watcher.cancel()
        task.cancel()  # no effect if the task is done
        await asyncio.wait((task, watcher))
    if has_left and task.cancelled():
        raise ClientLeftError
    task.result()


async def _wait_for_departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
