"""Browsers as other people run them: Playwright's server, a Chromium with a debugging port, a Selenium hub."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING

import httpx
from playwright._impl._driver import compute_driver_executable

from chatgpt_browser._browser.launcher import SHELLS, WHOLE
from chatgpt_browser._browser.sandbox import sandbox_refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The system's Chromium, or None where Playwright has one of its own.
EXECUTABLE = next(filter(None, map(shutil.which, SHELLS + WHOLE)), None)
#: What a client of a Playwright server has to say where Playwright has none of its own.
OVER_THERE = {} if EXECUTABLE is None else {"executable_path": EXECUTABLE}


class Machine:
    """A process that serves browsers at a URL."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        """As a machine that loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None


@contextmanager
def playwright_server() -> Iterator[Machine]:
    """`playwright run-server`: a browser of its own for each connection. ``--unsafe``: the client may name the executable."""
    # The driver itself: `python -m playwright` would be a process in front of it.
    command = (*compute_driver_executable(), "run-server", "--host", "127.0.0.1", "--port", "0", "--unsafe")
    with _running(*command, says=r"Listening on (ws://\S+)") as machine:
        yield machine


@contextmanager
def chromium(profile: Path) -> Iterator[Machine]:
    """A Chromium of somebody's, with a debugging port."""
    assert EXECUTABLE is not None
    sandbox = ("--no-sandbox",) if sandbox_refusal() else ()
    arguments = ("--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *sandbox)
    with _running(EXECUTABLE, *arguments, "about:blank", says=r"DevTools listening on (ws://\S+)") as machine:
        yield machine


@contextmanager
def _running(*command: str, says: str) -> Iterator[Machine]:
    # A group of its own: the system's Chromium is a shell script, which does not pass a signal on.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            url = _find(process.stdout, says)
            # What it says from here on is read, so that it never waits for us.
            drain = threading.Thread(target=process.stdout.read)
            drain.start()
            yield Machine(process, url)
        finally:
            with suppress(ProcessLookupError):  # it has been killed
                os.killpg(process.pid, signal.SIGTERM)
    drain.join()


def _find(output: IO[str], pattern: str) -> str:
    for line in output:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"it ended without saying {pattern}")


def http_of(machine: Machine) -> str:
    """The same DevTools endpoint, by http."""
    return re.sub(r"^ws://([^/]+)/.*", r"http://\1", machine.url)


def targets(machine: Machine) -> set[str]:
    """The ids of the pages that a Chromium has open."""
    return {target["id"] for target in httpx.get(f"{http_of(machine)}/json/list").json()}


class SeleniumHub(ThreadingHTTPServer):
    """As much of a Selenium Grid 4 as Playwright asks of it: a session has a DevTools endpoint."""

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
        self._answer({"sessionId": "one", "capabilities": {"se:cdp": self.server.devtools}})

    def do_DELETE(self) -> None:
        self._answer(None)

    def _answer(self, value: object) -> None:
        self.server.calls.append(f"{self.command} {self.path}")
        body = json.dumps({"value": value}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
