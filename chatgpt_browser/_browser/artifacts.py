"""What a browser showed and did, for whoever has to find out why something failed: a screenshot and a trace, without secrets."""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from .._core.errors import ChatGPTError
from .._core.files import write_private
from .._protocol.redaction import redacted_trace, reveals
from .playwright_errors import map_playwright_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from .launcher import Browser

__all__ = ["FailureArtifacts"]

logger = logging.getLogger("chatgpt_browser")

#: Seconds that the last look may take: the browser may have died, and whoever closes it waits.
_PATIENCE = 10.0
_PAGE_MILLISECONDS = 4_000


class FailureArtifacts:
    """Watches the browsers of a client, as its engine's witness; what is kept is of the last one.

    ``screenshot`` is a PNG of what the page showed in the end, ``trace`` the zip file of a Playwright trace; each is None where
    it could not be had. The picture is of the site as it shows itself to whoever is signed in, but never of a token.
    """

    def __init__(self) -> None:
        self.screenshot: bytes | None = None
        self.trace: bytes | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._wanted = True

    def discard(self) -> None:
        """Nothing has failed: keep nothing of what is still to come."""
        self._wanted = False

    def save(self, folder: Path, name: str) -> list[Path]:
        """Write what there is as ``name.png`` and ``name-trace.zip``, for the owner alone; gives the files' paths."""
        there = {f"{name}.png": self.screenshot, f"{name}-trace.zip": self.trace}
        files = {folder / file: data for file, data in there.items() if data is not None}
        if files:
            folder.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            write_private(path, data)
        return list(files)

    # ---- as a witness ------------------------------------------------------------------------------------------------

    async def begin(self, browser: Browser) -> None:
        """A browser has just started.

        Playwright's own trace is not asked for: it is written as it goes, with every cookie that it is told of, with pictures
        and copies of documents, and a driver that is killed leaves it there. A HAR stays in the driver's memory until its end.
        """
        self.screenshot = self.trace = None
        self._folder = tempfile.TemporaryDirectory(prefix="chatgpt-browser-")  # for its owner alone
        with map_playwright_errors():
            await browser.context.tracing.start_har(Path(self._folder.name) / "trace.har", content="omit")

    @asynccontextmanager
    async def closing(self, browser: Browser, front_page: str, session_token: str) -> AsyncIterator[None]:
        """A browser is about to be closed, and is closed within. Never raises: what can't be had any more is left out.

        The folder stays until then: a browser that is closed writes there what was not asked for before.
        """
        folder, self._folder = self._folder, None
        try:
            if folder is not None and self._wanted:
                with anyio.move_on_after(_PATIENCE, shield=True):
                    self.trace = await self._trace(browser, Path(folder.name), [session_token])
                    self.screenshot = await self._look(browser, front_page, [session_token])
            yield
        finally:
            if folder is not None:
                folder.cleanup()

    async def _look(self, browser: Browser, front_page: str, secrets: list[str]) -> bytes | None:
        try:
            with map_playwright_errors():
                pages = browser.context.pages
                return await _photograph(pages[-1], front_page, secrets) if pages else None
        except ChatGPTError as exc:
            logger.debug("no screenshot: %s", exc)
            return None

    async def _trace(self, browser: Browser, folder: Path, secrets: list[str]) -> bytes | None:
        try:
            with map_playwright_errors():
                await browser.context.tracing.stop_har()
            return await anyio.to_thread.run_sync(_read_trace, folder, secrets)
        except (ChatGPTError, OSError, ValueError, KeyError) as exc:
            logger.debug("no trace: %s", exc)
            return None


async def _photograph(page: Page, front_page: str, secrets: list[str]) -> bytes | None:
    """A picture of the page; of the site's front page where there is nothing to see. None where it would show a secret."""
    if not (await page.inner_text("html")).strip():
        with suppress(ChatGPTError), map_playwright_errors():  # the browser's own page about that will do
            await page.goto(front_page, timeout=_PAGE_MILLISECONDS)
    if reveals(await page.inner_text("html"), secrets):
        return None
    return await page.screenshot(timeout=_PAGE_MILLISECONDS)


def _read_trace(folder: Path, secrets: list[str]) -> bytes:
    har = json.loads((folder / "trace.har").read_text("utf-8"))
    return redacted_trace(har["log"], secrets)
