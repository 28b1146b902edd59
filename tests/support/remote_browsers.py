"""Remote browsers for tests: a Playwright server, a Chromium with a debugging port, and a Selenium hub."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING

import httpx
from playwright._impl._driver import compute_driver_executable

from chatgpt_browser._browser.executables import find_on_path
from chatgpt_browser._browser.sandbox import sandbox_refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The system's Chromium, or None if there is only the one that Playwright has downloaded.
EXECUTABLE = find_on_path()
#: The client options for a Playwright server: the executable, if Playwright has not downloaded one.
SERVER_OPTIONS = {} if EXECUTABLE is None else {"executable_path": EXECUTABLE}


class RemoteBrowser:
    """A process that serves browsers at a URL."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        """Kill the process and its children, like a power failure of the machine."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None


@contextmanager
def start_playwright_server() -> Iterator[RemoteBrowser]:
    """Run `playwright run-server`, which starts a browser for each connection.

    With ``--unsafe`` the client may choose the executable.
    """
    # Start the driver directly: `python -m playwright` would be its parent process.
    command = (*compute_driver_executable(), "run-server", "--host", "127.0.0.1", "--port", "0", "--unsafe")
    with _running(*command, ready=r"Listening on (ws://\S+)") as browser:
        yield browser


@contextmanager
def start_chromium(profile: Path) -> Iterator[RemoteBrowser]:
    """Run a Chromium with a debugging port."""
    assert EXECUTABLE is not None
    sandbox = ("--no-sandbox",) if sandbox_refusal() else ()
    arguments = ("--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *sandbox)
    with _running(
        EXECUTABLE, *arguments, "about:blank", ready=r"DevTools listening on (ws://\S+)"
    ) as browser:
        yield browser


@contextmanager
def _running(*command: str, ready: str) -> Iterator[RemoteBrowser]:
    # A separate process group: the system's Chromium is a shell script, which does not forward signals.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            url = _find(process.stdout, ready)
            # Read the rest of the output, so that the process never blocks.
            drain = threading.Thread(target=process.stdout.read)
            drain.start()
            yield RemoteBrowser(process, url)
        finally:
            with suppress(ProcessLookupError):  # it was killed by the test
                os.killpg(process.pid, signal.SIGTERM)
    drain.join()


def _find(output: IO[str], pattern: str) -> str:
    for line in output:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"the process ended without printing {pattern}")


def http_url(browser: RemoteBrowser) -> str:
    """Return the http URL of the browser's DevTools endpoint."""
    return re.sub(r"^ws://([^/]+)/.*", r"http://\1", browser.url)


def page_ids(browser: RemoteBrowser) -> set[str]:
    """Return the ids of the open pages of a Chromium."""
    return {target["id"] for target in httpx.get(f"{http_url(browser)}/json/list").json()}


class SeleniumHub(ThreadingHTTPServer):
    """The part of Selenium Grid 4 that Playwright uses: a session has a DevTools endpoint."""

    daemon_threads = True

    def __init__(self, devtools: str) -> None:
        super().__init__(("127.0.0.1", 0), _HubHandler)
        self.devtools = devtools
        self.calls: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _HubHandler(BaseHTTPRequestHandler):
    server: SeleniumHub

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._respond({"sessionId": "one", "capabilities": {"se:cdp": self.server.devtools}})

    def do_DELETE(self) -> None:
        self._respond(None)

    def _respond(self, value: object) -> None:
        self.server.calls.append(f"{self.command} {self.path}")
        body = json.dumps({"value": value}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
