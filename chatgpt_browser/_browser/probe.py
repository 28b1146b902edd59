"""Looks at a browser, and through it at a site, without a session: what `chatgpt-browser doctor` has to tell."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from .._core.errors import ChatGPTError
from .._transport.fetch.fetch_page import FetchPage
from .launcher import Browser
from .playwright_errors import map_playwright_errors

if TYPE_CHECKING:
    from playwright.async_api import Page as PlaywrightPage
    from playwright.async_api import Response

    from .._core.options import Options

__all__ = ["BrowserFacts", "Probe", "Sighting"]

_NETWORK_ERROR = re.compile(r"net::(ERR_\w+)")
#: Seconds that the browser may take to tell of a connection that it has already made.
_DETAILS_PATIENCE = 5.0


@dataclass(frozen=True)
class BrowserFacts:
    """Which browser it is, as it says itself."""

    version: str
    executable: Path
    #: Whether it is one that Playwright has downloaded.
    is_playwrights: bool
    #: Whether Chromium's own sandbox is on.
    is_sandboxed: bool

    @property
    def is_shell(self) -> bool:
        """Whether it is the build without a window's code."""
        return "headless" in self.executable.name


@dataclass(frozen=True)
class Sighting:
    """One navigation as the browser saw it; times in seconds, those of the clock since the epoch.

    ``error`` is the browser's name of what went wrong (``ERR_NAME_NOT_RESOLVED``), or what Playwright said; "" where there was an
    answer. ``timings`` has, as far as they took place, ``dns``, ``connection``, ``tls`` and ``answer``.
    """

    url: str
    began: float
    ended: float
    error: str = ""
    status: int = 0
    status_text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    address: str = ""
    tls: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)


class Probe:
    """A browser of its own with one page, which has no cookies."""

    def __init__(self, browser: Browser, page: PlaywrightPage, options: Options) -> None:
        self._browser = browser
        self._page = page
        self._options = options

    @classmethod
    async def start(cls, options: Options) -> Probe:
        """Start a browser as the options say, but for the profile, and have it say who it is as a client's does.

        :raises BrowserError: there is none to be had.
        """
        browser = await Browser.start(options, watched=True)
        try:
            with map_playwright_errors():
                page = await browser.context.new_page()
                target = await browser.target_of(page)
            if options.headless or options.user_agent is not None:
                identity = FetchPage(target)
                await identity.set_up(ignore_https_errors=options.ignore_https_errors)
                await identity.identify(options.site.origin, options.user_agent)
        except BaseException:
            await browser.close()
            raise
        return cls(browser, page, options)

    async def close(self) -> None:
        """Close the browser."""
        await self._browser.close()

    async def facts(self) -> BrowserFacts:
        """What there is to know of the browser.

        :raises BrowserError: it does not tell.
        """
        browser = self._browser.context.browser
        assert browser is not None, "a browser without a profile has one"
        with map_playwright_errors():
            cdp = await browser.new_browser_cdp_session()
            command = str((await cdp.send("SystemInfo.getInfo"))["commandLine"])
            await cdp.detach()
        executable = Path(command.partition(" --")[0].strip("\"' "))
        downloads = Path(browser.browser_type.executable_path).parents[2]
        return BrowserFacts(
            version=f"Chromium {self._browser.version}",
            executable=executable,
            is_playwrights=executable.is_relative_to(downloads),
            is_sandboxed="--no-sandbox" not in command,
        )

    async def look(self, url: str) -> Sighting:
        """Go there, and tell what came of it; a site that can't be reached is no exception."""
        answers: list[Response] = []

        def note(response: Response) -> None:
            if response.request.is_navigation_request() and response.frame == self._page.main_frame:
                answers.append(response)

        error, began = "", time.time()
        self._page.on("response", note)
        try:
            with anyio.move_on_after(self._options.first_byte_timeout) as scope, map_playwright_errors():
                await self._page.goto(url, wait_until="commit", timeout=0)
        except ChatGPTError as exc:
            found = _NETWORK_ERROR.search(str(exc))
            error = found[1] if found else str(exc)
        finally:
            self._page.remove_listener("response", note)
        if scope.cancelled_caught:
            error = "ERR_TIMED_OUT"
        ended = time.time()
        if not answers or (error and 300 <= answers[-1].status < 400):  # sent on to where nobody answered
            return Sighting(url, began, ended, error or "no answer")
        return await self._describe(answers[-1], began, ended)

    async def _describe(self, answer: Response, began: float, ended: float) -> Sighting:
        address: dict[str, Any] = {}
        tls: dict[str, Any] = {}
        with anyio.move_on_after(_DETAILS_PATIENCE), map_playwright_errors():
            address = dict(await answer.server_addr() or {})
            tls = dict(await answer.security_details() or {})
        return Sighting(
            answer.url,
            began,
            ended,
            status=answer.status,
            status_text=answer.status_text,
            headers=answer.headers,
            address=f"{address['ipAddress']} port {address['port']}" if address else "",
            tls=tls,
            timings=_timings(dict(answer.request.timing)),
        )


def _timings(timing: dict[str, Any]) -> dict[str, float]:
    """Seconds for each part of a request, out of Playwright's milliseconds; -1 there is what did not take place."""
    parts = {
        "dns": ("domainLookupStart", "domainLookupEnd"),
        "connection": ("connectStart", "connectEnd"),
        "tls": ("secureConnectionStart", "connectEnd"),
        "answer": ("requestStart", "responseStart"),
    }
    return {
        part: round((timing[end] - timing[start]) / 1000, 4)
        for part, (start, end) in parts.items()
        if timing[start] >= 0 and timing[end] >= timing[start]
    }
