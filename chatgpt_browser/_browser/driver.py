"""Starts Playwright's driver (a Node.js process) with a compile cache. After a failed start, waits until the driver has ended."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import platformdirs
from playwright.async_api import Playwright, async_playwright

from .._core.errors import BrowserLaunchError
from .._core.log import logger
from .child_environment import clean_driver_environment
from .playwright_errors import CLOSE_TIMEOUT, map_driver_errors, suppress_close_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


#: Playwright needs this many iterations of the event loop to spawn the driver's process. Until then, this module does no other
#: work, because that would delay the process.
_ITERATIONS_TO_SPAWN = 3

#: Node's environment variables for its compile cache: the first sets the folder of the cache, the second disables the cache.
_CACHE_FOLDER = "NODE_COMPILE_CACHE"
_CACHE_DISABLED = "NODE_DISABLE_COMPILE_CACHE"


async def start_driver(meanwhile: Callable[[], object] = lambda: None) -> Playwright:
    """Start Playwright's driver, which takes 0.2 s.

    A driver that is still starting cannot be stopped. If this call is cancelled, it waits until the driver has started, and then
    stops the driver.

    :param meanwhile: called while the driver starts.

    :raises BrowserLaunchError: the driver does not start.
    """
    before = asyncio.all_tasks()
    with clean_driver_environment():
        starting = asyncio.get_running_loop().create_task(async_playwright().start())
    try:
        with _compile_cache():
            for _ in range(_ITERATIONS_TO_SPAWN):
                await asyncio.sleep(0)
        meanwhile()
        with map_driver_errors():
            return await asyncio.shield(starting)
    except BrowserLaunchError:
        await _wait_for_end(before)
        raise
    except BaseException:
        # Without the shield, a cancelled scope of anyio (such as an expired time limit) would also cancel the waits below.
        with anyio.CancelScope(shield=True):
            await asyncio.wait([starting], timeout=CLOSE_TIMEOUT)
            starting.cancel()
            await asyncio.wait([starting])
            if starting.cancelled() or starting.exception() is not None:
                await _wait_for_end(before)
            else:
                await suppress_close_errors(starting.result().stop)
        raise


async def _wait_for_end(before: set[asyncio.Task[Any]]) -> None:
    """Wait until a driver that failed to start has ended.

    Playwright reports a failed start when the driver closes its output. The driver's process ends a little later. If the event
    loop closed before this, asyncio could not clean up the process. Playwright gives no access to the process, so this function
    waits for Playwright's task that reads the output: this task ends only after the process.

    :param before: the tasks that existed before the start.
    """
    new = asyncio.all_tasks() - before
    readers = [task for task in new if getattr(task.get_coro(), "__qualname__", "") == "PipeTransport.run"]
    if readers:
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await asyncio.wait(readers)


@contextmanager
def _compile_cache() -> Iterator[None]:
    """Enable Node's compile cache for a driver that is spawned within the block. The driver starts in 0.2 s instead of 0.28 s.

    The driver inherits a copy of this process's environment, so a variable is set during the block. After the block, the variable
    is empty. It is not removed, because another thread may copy the environment at the same time, and this copy would fail.
    """
    configured = os.environ.get(_CACHE_FOLDER) or os.environ.get(_CACHE_DISABLED)
    folder = None if configured else _compile_cache_folder()
    if folder is None:
        yield
        return
    os.environ[_CACHE_FOLDER] = str(folder)
    try:
        yield
    finally:
        os.environ[_CACHE_FOLDER] = ""


def _compile_cache_folder() -> Path | None:
    """Create the folder of the compile cache if it does not exist. Return its path, or None if the folder is not safe.

    Other users must not be able to write to the folder, because Node runs the code in it.
    """
    try:
        folder = platformdirs.user_cache_path("chatgpt-browser-api", appauthor=False) / "driver"
        # If there is no home folder, older versions of platformdirs return a relative path; newer ones raise.
        if not folder.is_absolute():
            raise RuntimeError("the user has no home folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError) as exc:
        logger.debug("the driver's compile cache is off: %s", exc)
        return None
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        logger.debug("the driver's compile cache is off: other users may write to its folder")
        return None
    return folder
