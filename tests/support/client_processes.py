"""What a client consists of when it runs: a driver, a browser, its renderers, its profile's folder; and ways to end each."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING

import psutil

from tests.support.scripted_site import posts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

#: What the driver and Chromium call the folders that they make.
FOLDERS = ("playwright_", "org.chromium", ".org.chromium", "chatgpt_browser")


class Mark:
    """Finds the processes of those browsers that were started with :attr:`argument`."""

    def __init__(self) -> None:
        self.argument = f"--test-mark={uuid.uuid4().hex}"

    def browsers(self) -> list[psutil.Process]:
        """The browsers' main processes; a launcher script in front of one comes before it."""
        return [process for process in psutil.process_iter(["cmdline"]) if self._is_browser(process)]

    def _is_browser(self, process: psutil.Process) -> bool:
        arguments = process.info["cmdline"] or []
        return self.argument in arguments and not any(each.startswith("--type=") for each in arguments)

    def browser(self) -> psutil.Process:
        return max(self.browsers(), key=lambda process: len(process.parents()))

    def driver(self) -> psutil.Process:
        first = min(self.browsers(), key=lambda process: len(process.parents()))
        parent = first.parent()
        # An orphan has been taken in by somebody who has nothing to do with this.
        if parent is None or "run-driver" not in _arguments(parent):
            raise psutil.NoSuchProcess(first.pid, msg="its driver is gone")
        return parent

    def renderers(self) -> list[psutil.Process]:
        family = self.browser().children(recursive=True)
        return [process for process in family if "--type=renderer" in _arguments(process)]

    def all(self) -> list[psutil.Process]:
        """The driver and everything under it."""
        driver = self.driver()
        return [driver, *driver.children(recursive=True)]

    # ---- ways to die

    def kill_renderers(self) -> None:
        _kill(self.renderers())

    def kill_browser(self) -> None:
        _kill([self.browser()])

    def kill_driver(self) -> None:
        _kill([self.driver()])


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # it has just ended, and perhaps waits to be reaped
        return []


def _kill(processes: list[psutil.Process]) -> None:
    assert processes
    for process in processes:
        process.send_signal(signal.SIGKILL)


def client_threads() -> list[str]:
    """The names of the threads that belong to synchronous clients."""
    return [thread.name for thread in threading.enumerate() if "chatgpt_browser" in thread.name]


def folders(place: Path) -> list[str]:
    """What the driver and Chromium have in a folder for temporary files."""
    return sorted(name for name in os.listdir(place) if name.startswith(FOLDERS))


def posts_by_message(server: FakeChatGPT) -> Counter[str]:
    """How often the server was sent each message."""
    return Counter(str(post.json["messages"][0]["content"]["parts"][0]) for post in posts_of(server.requests))


def until(condition: Callable[[], object], timeout: float = 30) -> None:
    """Wait for what nobody announces."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
