"""A program that sends a message to a fake ChatGPT, and reports the sandbox as JSON: log lines and each renderer's isolation.

It is run by users who may not have access to the tests' dependencies, so it imports only the package.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT

NAMESPACES = ("user", "pid", "net")


def namespaces(process: str) -> dict[str, str]:
    return {name: os.readlink(f"/proc/{process}/ns/{name}") for name in NAMESPACES}


def status(process: str) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def renderers() -> list[dict[str, Any]]:
    """Return the isolation of each renderer process below this process."""
    parents: dict[str, str] = {}
    for path in Path("/proc").iterdir():
        # Another process of the machine may end at any time.
        with suppress(FileNotFoundError, ProcessLookupError):
            if path.name.isdigit():
                parents[path.name] = status(path.name)["PPid"]
    family = {str(os.getpid())}
    while grown := {process for process, parent in parents.items() if parent in family} - family:
        family |= grown
    found = {process: Path(f"/proc/{process}/cmdline").read_text() for process in family}
    return [
        {"namespaces": namespaces(process), "seccomp": int(status(process)["Seccomp"])}
        for process, command in found.items()
        if "--type=renderer" in command
    ]


def main() -> None:
    log: SimpleQueue[logging.LogRecord] = SimpleQueue()
    logger = logging.getLogger("chatgpt_browser")
    logger.addHandler(QueueHandler(log))
    logger.setLevel("INFO")
    with FakeChatGPT() as server:
        with ChatGPTAPI(
            server.session_token,
            api_base_url=server.api_base_url,
            backend_api_base_url=server.backend_api_base_url,
        ) as api:
            reply = api.send_message("Hello")
            isolated = renderers()
    lines = [log.get().getMessage() for _ in range(log.qsize())]
    report = {
        "reply": reply,
        "log": [line for line in lines if "sandbox" in line],
        "outside": namespaces("self"),
        "renderers": isolated,
    }
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main()
