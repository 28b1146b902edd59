"""Measure the times that a user notices, and print them as a table for docs/explanation/speed.md.

    python scripts/timings.py            print the table
    python scripts/timings.py --write    also replace the table on the page

Run it on an idle machine, in an environment where the package is installed with its extras. Each value is the median of five
runs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "speed.md"
BEGIN, END = "<!-- timings: written by scripts/timings.py -->\n", "<!-- end of timings -->\n"
RUNS = 5


def seconds(action: Callable[[], object]) -> float:
    """Return the median duration of an action in seconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return median(times)


def run(*words: str) -> Callable[[], object]:
    """Return a function that runs a command of this environment."""
    command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def measured() -> dict[str, float]:
    """Return the measured durations in seconds. The keys describe what was measured."""
    with FakeChatGPT() as server:

        def first_reply() -> None:
            with ChatGPTAPI(**server.client_options) as api:
                api.send_message("Hello.")

        found = {
            "`python -c 'import chatgpt_browser'`": seconds(run("python", "-c", "import chatgpt_browser")),
            "`chatgpt-browser --version`": seconds(run("chatgpt-browser", "--version")),
            "`chatgpt-browser ask --help`": seconds(run("chatgpt-browser", "ask", "--help")),
            "a new client, its first reply, and `close()`": seconds(first_reply),
        }
        with ChatGPTAPI(**server.client_options) as api:
            api.start()
            found["a reply of a client that is already started"] = seconds(lambda: api.send_message("Hello."))
            conversation = api.get_conversation()
            found["a follow-up in a conversation"] = seconds(lambda: conversation.send_message("And?"))
    return found


def table(times: dict[str, float], day: date, load: float = 0.0) -> str:
    """Return the durations as a Markdown table with the date. ``load`` is the load average for each processor."""
    rows = [f"| {what} | {_readable(value)} |" for what, value in times.items()]
    busy = " The machine was busy with other work, so the times are too long." if load > 1 else ""
    head = f"Medians of {RUNS} runs on {day.day} {day:%B %Y}, with a fake server on the same machine.{busy}"
    return "\n".join([head, "", "| what | time |", "| --- | --- |", *rows, ""])


def _readable(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.0f} ms"


def replaced(page: str, text: str) -> str:
    """Return the page with ``text`` between the two marks."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{text}\n{END}", page, flags=re.DOTALL)


def main(*arguments: str) -> None:
    """Measure the times and print the table. With ``--write``, also write the table to the page."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    text = table(measured(), date.today(), load)
    sys.stdout.write(text)
    if "--write" in arguments:
        PAGE.write_text(replaced(PAGE.read_text("utf-8"), text), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
