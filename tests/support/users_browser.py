"""A running Chromium that plays the user's own browser: its tabs, their state, and the user's session in it."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from websockets.sync.client import connect

from tests.support.remote_browsers import RemoteBrowser, http_url, start_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

#: What a tab sees of the other programs: whether it is shown and focused, its size, and a value that a reload would remove.
STATE = "[document.visibilityState, document.hasFocus(), innerWidth, innerHeight, navigator.userAgent, window.mark]"


class UsersBrowser:
    """The browser, its profile folder, and the tabs that the user has opened."""

    def __init__(self, browser: RemoteBrowser, profile: Path) -> None:
        self.browser = browser
        self.profile = profile
        self.url = http_url(browser)

    def open_tab(self, title: str) -> str:
        """Open a tab, wait until its document is loaded and has the focus, and return the tab's id."""
        page = f"data:text/html,<title>{title}</title><script>window.mark = '{title}'</script>"
        tab: str = httpx.put(f"{self.url}/json/new?{page}").json()["id"]
        end = time.monotonic() + 30
        while not self._is_ready(tab, title):
            assert time.monotonic() < end, "the tab was not loaded"
            time.sleep(
                0.02
            )  # An event of one connection cannot be awaited here: each command uses a connection.
        return tab

    def _is_ready(self, tab: str, title: str) -> bool:
        expression = f"window.mark === '{title}' && document.hasFocus()"
        found = self.call("Runtime.evaluate", tab=tab, expression=expression, returnByValue=True)
        return found["result"]["value"] is True

    def tabs(self) -> dict[str, str]:
        """Return the address of each tab, by the tab's id."""
        found = httpx.get(f"{self.url}/json/list").json()
        return {tab["id"]: tab["url"] for tab in found if tab["type"] == "page"}

    def call(self, method: str, *, tab: str = "", **params: Any) -> Any:
        """Send a DevTools command to a tab or to the browser, and return its result."""
        base = self.browser.url.partition("/devtools/")[0]
        url = f"{base}/devtools/page/{tab}" if tab else self.browser.url
        with connect(url) as connection:
            connection.send(json.dumps({"id": 1, "method": method, "params": params}))
            while "id" not in (message := json.loads(connection.recv(timeout=30))):
                pass
        return message["result"]

    def state(self, tab: str) -> Any:
        """Return what a tab sees of the other programs."""
        found = self.call("Runtime.evaluate", tab=tab, expression=STATE, returnByValue=True)
        return found["result"]["value"]

    @contextmanager
    def busy(self, tab: str) -> Iterator[None]:
        """Run an endless script in a tab during the block, so that the tab does not respond."""
        with connect(f"{self.browser.url.partition('/devtools/')[0]}/devtools/page/{tab}") as connection:
            endless = {"expression": "while (true);"}
            connection.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": endless}))
            yield
            connection.send(json.dumps({"id": 2, "method": "Runtime.terminateExecution"}))
            connection.recv(timeout=30)

    def sign_in(self, site: FakeChatGPT) -> None:
        """Sign the user in at the site, as the site does."""
        cookie = {
            "name": "next-auth.session-token",
            "value": site.session_token,
            "domain": "127.0.0.1",
            "path": "/",
            "httpOnly": True,
        }
        self.call("Storage.setCookies", cookies=[cookie])

    def cookies(self) -> list[dict[str, Any]]:
        """Return all cookies of the user."""
        cookies: list[dict[str, Any]] = self.call("Storage.getCookies")["cookies"]
        return cookies

    def cookie_values(self) -> dict[str, str]:
        """Return the names and values of all cookies. The site itself extends the lifetime of its session cookie."""
        return {cookie["name"]: cookie["value"] for cookie in self.cookies()}


@contextmanager
def start_users_browser(profile: Path) -> Iterator[UsersBrowser]:
    """Start a browser with this profile folder and a debugging port that it chooses itself."""
    with start_chromium(profile) as browser:
        yield UsersBrowser(browser, profile)
