"""The temporary profile of a launched browser. This module removes the profile after a crash."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from .playwright_errors import CLOSE_TIMEOUT

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

#: The interval in seconds between two attempts to remove the folder.
_REMOVE_INTERVAL = 0.02
_PROFILE_ARGUMENT = re.compile(r"--user-data-dir=(\S+playwright_chromiumdev_profile-\w+)")


class TemporaryProfile:
    """The profile folder that Playwright's driver creates for a browser.

    The driver removes the folder when the browser closes. If the driver is killed, it cannot remove the folder.
    """

    def __init__(self) -> None:
        self._search: asyncio.Task[list[Path]] | None = None

    def start_search(self, devtools: CDPSession) -> None:
        """Start a task that requests the folder's path from the browser, because the response takes up to 0.1 s."""
        self._search = asyncio.get_running_loop().create_task(self._find(devtools))

    async def _find(self, devtools: CDPSession) -> list[Path]:
        command = (await devtools.send("SystemInfo.getInfo"))["commandLine"]
        return [Path(folder) for folder in _PROFILE_ARGUMENT.findall(command)]

    async def remove(self) -> None:
        """Remove the folder if it still exists after the driver has ended.

        A Chromium process that is shutting down may still write to the folder for a short time. The client cannot wait for the
        end of Chromium, because Chromium is a child process of the driver, not of the client. Therefore the removal is repeated
        every 20 ms, until the folder is gone or the close timeout expires.
        """
        if self._search is None:
            return
        self._search.cancel()
        await asyncio.wait([self._search])
        if self._search.cancelled() or self._search.exception() is not None:
            return

        import shutil

        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            for folder in self._search.result():
                while folder.exists():
                    shutil.rmtree(folder, ignore_errors=True)
                    await anyio.sleep(_REMOVE_INTERVAL)
