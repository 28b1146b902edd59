"""Inspects a browser, and a site that the browser loads without a session. `chatgpt-browser doctor` uses this module."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from .._core.errors import ChatGPTError
from .browser import Browser
from .page_setup.page import BrowserPage
from .playwright_errors import map_playwright_errors, network_error_name

if TYPE_CHECKING:
    from playwright.async_api import Page as PlaywrightPage
    from playwright.async_api import Response

    from .._core.options import Options

#: Time limit in seconds for reading the server's address and the TLS details of a response that has arrived.
_DETAILS_TIMEOUT = 5.0


@dataclass(frozen=True)
class BrowserFacts:
    """The properties of a browser, as the browser reports them."""

    version: str
    executable: Path
    #: True if Playwright has downloaded the browser.
    is_playwrights: bool
    #: True if Chromium's own sandbox is on.
    is_sandboxed: bool

    @property
    def is_shell(self) -> bool:
        """True if the browser is a headless shell: a build that cannot show windows."""
        return "headless" in self.executable.name


@dataclass(frozen=True)
class Sighting:
    """One navigation and its response. ``began`` and ``ended`` are times in seconds since the epoch.

    ``error`` is Chromium's name of the network error (such as ``ERR_NAME_NOT_RESOLVED``), or the text of another error.
    ``error`` is empty if there was a response. ``timings`` contains the durations in seconds of the phases ``dns``,
    ``connection``, ``tls`` and ``answer``. If a phase did not take place, it is missing.
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
    """A browser that no client uses, with one page that has no cookies."""

    def __init__(self, browser: Browser, page: PlaywrightPage, options: Options) -> None:
        self._browser = browser
        self._page = page
        self._options = options

    @classmethod
    async def start(cls, options: Options) -> Probe:
        """Start a browser with these options. Its page has the same user agent as the page of a client.

        :raises BrowserError: no browser is installed, or it does not start.
        """
        browser = await Browser.start(options, watched=True)
        try:
            with map_playwright_errors():
                page = await browser.context.new_page()
                target = await browser.target_of(page)
            await BrowserPage(target).set_up(options, options.site.origin)
        except BaseException:
            await browser.close()
            raise
        return cls(browser, page, options)

    async def close(self) -> None:
        """Close the browser."""
        await self._browser.close()

    async def facts(self) -> BrowserFacts:
        """Return the properties of the browser.

        :raises BrowserError: the browser does not respond.
        """
        browser = self._browser.context.browser
        assert browser is not None, "it is None only for a persistent profile"
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
        """Navigate to the URL and return the result. If the site cannot be reached, the result contains the error."""
        responses: list[Response] = []

        def record(response: Response) -> None:
            if response.request.is_navigation_request() and response.frame == self._page.main_frame:
                responses.append(response)

        error, began = "", time.time()
        self._page.on("response", record)
        try:
            with anyio.move_on_after(self._options.first_byte_timeout) as scope, map_playwright_errors():
                await self._page.goto(url, wait_until="commit", timeout=0)
        except ChatGPTError as exc:
            error = network_error_name(exc) or str(exc)
        finally:
            self._page.remove_listener("response", record)
        if scope.cancelled_caught:
            error = "ERR_TIMED_OUT"
        ended = time.time()
        # If the last response is a redirect and there is an error, the server that the redirect leads to did not respond. In this
        # case, return the error, not the redirect.
        if not responses or (error and 300 <= responses[-1].status < 400):
            return Sighting(url, began, ended, error or "no answer")
        return await self._describe(responses[-1], began, ended)

    async def _describe(self, response: Response, began: float, ended: float) -> Sighting:
        address: dict[str, Any] = {}
        tls: dict[str, Any] = {}
        with anyio.move_on_after(_DETAILS_TIMEOUT), map_playwright_errors():
            address = dict(await response.server_addr() or {})
            tls = dict(await response.security_details() or {})
        return Sighting(
            response.url,
            began,
            ended,
            status=response.status,
            status_text=response.status_text,
            headers=response.headers,
            address=f"{address['ipAddress']} port {address['port']}" if address else "",
            tls=tls,
            timings=_timings(dict(response.request.timing)),
        )


def _timings(timing: dict[str, Any]) -> dict[str, float]:
    """Return the duration of each phase in seconds. ``timing`` has milliseconds; -1 means that a phase did not happen."""
    phases = {
        "dns": ("domainLookupStart", "domainLookupEnd"),
        "connection": ("connectStart", "connectEnd"),
        "tls": ("secureConnectionStart", "connectEnd"),
        "answer": ("requestStart", "responseStart"),
    }
    return {
        phase: round((timing[end] - timing[start]) / 1000, 4)
        for phase, (start, end) in phases.items()
        if timing[start] >= 0 and timing[end] >= timing[start]
    }
