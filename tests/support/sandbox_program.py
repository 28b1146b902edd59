"""A program: one message to a fake ChatGPT, then what the log says of the sandbox and what each renderer is locked into, as JSON.

It is run by users who may not have what the tests' own interpreter has, so it takes no more than the package.
"""

from __future__ import annotations

import json
import logging
import os
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
    """The renderers below this process: the processes of Chromium's own that run what the site sends."""
    parents = {
        path.name: status(path.name)["PPid"] for path in Path("/proc").iterdir() if path.name.isdigit()
    }
    ours = {str(os.getpid())}
    while grown := {process for process, parent in parents.items() if parent in ours} - ours:
        ours |= grown
    found = {process: Path(f"/proc/{process}/cmdline").read_text() for process in ours}
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
            seen = renderers()
    said = [log.get().getMessage() for _ in range(log.qsize())]
    report = {
        "reply": reply,
        "log": [line for line in said if "sandbox" in line],
        "outside": namespaces("self"),
        "renderers": seen,
    }
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main()
