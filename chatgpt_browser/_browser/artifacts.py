"""A screenshot and a trace of the browser after a failure, without secrets."""

from __future__ import annotations

import json
import tempfile
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from .._core.errors import ChatGPTError
from .._core.files import write_private
from .._core.log import logger
from .._protocol.failure_trace import redacted_trace
from .._protocol.redaction import reveals
from .playwright_errors import map_playwright_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .browser import Browser


#: The maximum time to collect the artifacts, in seconds. A crashed browser may not respond: without this limit, it would never be
#: closed, because the browser is closed after the collection.
_COLLECT_TIMEOUT = 10.0
#: Time limit for one operation on the page, in milliseconds.
_PAGE_TIMEOUT = 4_000


class FailureArtifacts:
    """The screenshot and the trace of a client's newest browser, which are collected before the browser closes.

    ``screenshot`` is a PNG image of the newest page. It may show the user's account and conversations, but never a token.
    ``trace`` is a zip file in the format of Playwright's traces. Each of the two is None if it could not be created.

    This class implements ``BrowserObserver`` of the browser manager.
    """

    def __init__(self) -> None:
        self.screenshot: bytes | None = None
        self.trace: bytes | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._enabled = True

    def discard(self) -> None:
        """Switch off the collection of artifacts when the browser closes. Call this if nothing has failed."""
        self._enabled = False

    def save(self, folder: Path, name: str) -> list[Path]:
        """Write the artifacts that are not None to ``folder``, as ``<name>.png`` and ``<name>-trace.zip``.

        The folder is created if it does not exist. Only the owner of the files can read them.

        :return: the paths of the files that were written.
        """
        artifacts = {f"{name}.png": self.screenshot, f"{name}-trace.zip": self.trace}
        files = {folder / file: data for file, data in artifacts.items() if data is not None}
        if files:
            folder.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            write_private(path, data)
        return list(files)

    # ---- BrowserObserver ---------------------------------------------------------------------------------------------

    async def begin(self, browser: Browser) -> None:
        """Start to record the requests of a browser that has just started.

        The requests are recorded as a HAR, which is later converted to a trace without secrets. The HAR stays in the driver's
        memory until the recording stops. Playwright's own recording of a trace is not used: it continuously writes a file that
        contains all cookies. If the driver were killed, this file would stay on disk.
        """
        self.screenshot = self.trace = None
        # Only the owner can read the temporary folder.
        self._folder = tempfile.TemporaryDirectory(prefix="chatgpt-browser-")
        with map_playwright_errors():
            await browser.context.tracing.start_har(Path(self._folder.name) / "trace.har", content="omit")

    @asynccontextmanager
    async def closing(self, browser: Browser, front_page: str, session_token: str) -> AsyncIterator[None]:
        """Collect the artifacts, and then run the block, which closes the browser. Errors of the collection are only logged.

        If the recording was not stopped, the HAR is written to its folder when the browser closes. Therefore this folder is
        removed only after the block.
        """
        folder, self._folder = self._folder, None
        try:
            if folder is not None and self._enabled:
                with anyio.move_on_after(_COLLECT_TIMEOUT, shield=True):
                    with _logging_failure("trace"):
                        self.trace = await _stop_trace(browser, Path(folder.name), [session_token])
                    with _logging_failure("screenshot"):
                        self.screenshot = await _take_screenshot(browser, front_page, [session_token])
            yield
        finally:
            if folder is not None:
                folder.cleanup()


@contextmanager
def _logging_failure(artifact: str) -> Iterator[None]:
    """If the block raises an error, log the error and suppress it."""
    try:
        with map_playwright_errors():
            yield
    except (ChatGPTError, OSError, ValueError, KeyError) as exc:
        logger.debug("no %s: %s", artifact, exc)


async def _take_screenshot(browser: Browser, front_page: str, secrets: list[str]) -> bytes | None:
    """Return a screenshot of the newest page, or None if there is no page or the page contains a secret.

    If the newest page is blank, first open the site's front page in it.
    """
    if not browser.context.pages:
        return None
    page = browser.context.pages[-1]
    if not (await page.inner_text("html")).strip():
        # If the navigation fails, the screenshot shows the browser's error page.
        with suppress(ChatGPTError), map_playwright_errors():
            await page.goto(front_page, timeout=_PAGE_TIMEOUT)
    if reveals(await page.inner_text("html"), secrets):
        return None
    return await page.screenshot(timeout=_PAGE_TIMEOUT)


async def _stop_trace(browser: Browser, folder: Path, secrets: list[str]) -> bytes:
    """Stop the recording of the HAR. Convert the HAR to a trace without secrets, and return the trace."""
    await browser.context.tracing.stop_har()
    return await anyio.to_thread.run_sync(_read_trace, folder, secrets)


def _read_trace(folder: Path, secrets: list[str]) -> bytes:
    har = json.loads((folder / "trace.har").read_text("utf-8"))
    return redacted_trace(har["log"], secrets)
