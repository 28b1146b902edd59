"""Playwright's driver, a Node.js program of its own: started quickly, and ended even where it has not come up."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import platformdirs
from playwright.async_api import Playwright, async_playwright

from .._core.errors import BrowserLaunchError
from .playwright_errors import CLOSE_TIMEOUT, map_driver_errors, suppress_close_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["start_driver"]

logger = logging.getLogger("chatgpt_browser")

#: After so many turns of the loop Playwright has started its driver's process; before, what is done meanwhile would hold it up.
_TURNS_TO_SPAWN = 3

#: Node's own names for where it keeps compiled code, and for that it is to keep none.
_CODE_CACHE = "NODE_COMPILE_CACHE"
_NO_CODE_CACHE = "NODE_DISABLE_COMPILE_CACHE"


async def start_driver(meanwhile: Callable[[], object] = lambda: None) -> Playwright:
    """Playwright's driver. Half started, nobody can end it: who is cancelled waits until it is there, and ends it then.

    It takes 0.2 s to come up, in which ``meanwhile`` is called.

    :raises BrowserLaunchError: it does not start.
    """
    before = asyncio.all_tasks()
    starting = asyncio.get_running_loop().create_task(async_playwright().start())
    try:
        with _keeping_compiled_code():
            for _ in range(_TURNS_TO_SPAWN):
                await asyncio.sleep(0)
        meanwhile()
        with map_driver_errors():
            return await asyncio.shield(starting)
    except BrowserLaunchError:
        await _ended(before)
        raise
    except BaseException:
        await asyncio.wait([starting], timeout=CLOSE_TIMEOUT)
        starting.cancel()
        await asyncio.wait([starting])
        if starting.cancelled() or starting.exception() is not None:
            await _ended(before)
        else:
            await suppress_close_errors(starting.result().stop)
        raise


async def _ended(before: set[asyncio.Task[Any]]) -> None:
    """Wait for the end of a driver that failed to start: Playwright says so when it falls silent, and gives no hold of it.

    Its reader, a task, ends with the process. A loop that closes before leaves the process behind.
    """
    new = asyncio.all_tasks() - before
    if readers := [
        task for task in new if getattr(task.get_coro(), "__qualname__", "") == "PipeTransport.run"
    ]:
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await asyncio.wait(readers)


@contextmanager
def _keeping_compiled_code() -> Iterator[None]:
    """Have a driver that is spawned within the block keep what Node compiles for the next one: that is up in 0.2 s, not 0.28.

    Node is told by its environment, which is a copy of ours: so ours says it for a moment. In the end the name stands for no
    folder, and is not taken away: another thread that copies the environment just then would trip over that.
    """
    wanted = not os.environ.get(_CODE_CACHE) and not os.environ.get(_NO_CODE_CACHE)
    folder = _folder_of_compiled_code() if wanted else None
    if folder is None:
        yield
        return
    os.environ[_CODE_CACHE] = str(folder)
    try:
        yield
    finally:
        os.environ[_CODE_CACHE] = ""


def _folder_of_compiled_code() -> Path | None:
    """Where the driver's compiled code is kept: a folder that nobody else can write to, as Node runs what it finds there."""
    try:
        folder = platformdirs.user_cache_path("chatgpt-browser-api", appauthor=False) / "driver"
        if not folder.is_absolute():  # older versions of platformdirs say so by this, newer ones raise
            raise RuntimeError("the user has no home")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError) as exc:
        logger.debug("the driver's compiled code is not kept: %s", exc)
        return None
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        logger.debug("the driver's compiled code is not kept: others may write to its folder")
        return None
    return folder
