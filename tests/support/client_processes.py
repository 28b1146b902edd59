"""The processes and folders of a running client (driver, browser, renderers, profile), and ways to kill each process."""

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

#: The prefixes of the folders that the driver and Chromium create.
FOLDERS = ("playwright_", "org.chromium", ".org.chromium", "chatgpt_browser")


class Mark:
    """Finds the processes of the browsers that were launched with :attr:`argument`."""

    def __init__(self) -> None:
        self.argument = f"--test-mark={uuid.uuid4().hex}"

    def browsers(self) -> list[psutil.Process]:
        """Return the main processes of the browsers, including launcher scripts."""
        return [process for process in psutil.process_iter(["cmdline"]) if self._is_browser(process)]

    def _is_browser(self, process: psutil.Process) -> bool:
        arguments = process.info["cmdline"] or []
        return self.argument in arguments and not any(each.startswith("--type=") for each in arguments)

    def browser(self) -> psutil.Process:
        """Return the main process of the browser, below any launcher script."""
        return max(self.browsers(), key=lambda process: len(process.parents()))

    def driver(self) -> psutil.Process:
        """Return the process of Playwright's driver."""
        first = min(self.browsers(), key=lambda process: len(process.parents()))
        parent = first.parent()
        # The parent of an orphan is an unrelated process.
        if parent is None or "run-driver" not in _arguments(parent):
            raise psutil.NoSuchProcess(first.pid, msg="its driver is gone")
        return parent

    def renderers(self) -> list[psutil.Process]:
        """Return the renderer processes of the browser."""
        descendants = self.browser().children(recursive=True)
        return [process for process in descendants if "--type=renderer" in _arguments(process)]

    def all(self) -> list[psutil.Process]:
        """Return the driver and all of its descendants."""
        driver = self.driver()
        return [driver, *driver.children(recursive=True)]

    # ---- kill a process

    def kill_renderers(self) -> None:
        _kill(self.renderers())

    def kill_browser(self) -> None:
        _kill([self.browser()])

    def kill_driver(self) -> None:
        _kill([self.driver()])


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # it has just ended, or is a zombie
        return []


def _kill(processes: list[psutil.Process]) -> None:
    assert processes
    for process in processes:
        process.send_signal(signal.SIGKILL)


def client_threads() -> list[str]:
    """Return the names of the threads of sync clients."""
    return [thread.name for thread in threading.enumerate() if "chatgpt_browser" in thread.name]


def folders(place: Path) -> list[str]:
    """Return the folders of the driver and of Chromium in a folder for temporary files."""
    return sorted(name for name in os.listdir(place) if name.startswith(FOLDERS))


def posts_by_message(server: FakeChatGPT) -> Counter[str]:
    """Return how often the server received each message."""
    return Counter(str(post.json["messages"][0]["content"]["parts"][0]) for post in posts_of(server.requests))


def until(condition: Callable[[], object], timeout: float = 30) -> None:
    """Poll a condition for which there is no event, every 5 ms.

    :param timeout: in seconds; exceeding it fails the test.
    """
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.005)
