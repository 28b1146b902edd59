"""Record docs/assets/*.svg: commands in a pseudo-terminal, with a fake server on this machine.

    python scripts/record.py            # all recordings
    python scripts/record.py demo ask   # only these

Run it in an environment where `chatgpt-browser` is installed with its extras. A pseudo-terminal needs a POSIX system.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatgpt_browser.testing import FakeChatGPT, Reply
from scripts.terminal_svg import frames_of, to_svg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASSETS = Path(__file__).parent.parent / "docs" / "assets"
COLUMNS = 80
SECONDS_A_KEY = 0.035

FJORD = """\
A **fjord** is a drowned valley:

1. A *glacier* cut it deep, well below the level of the sea.
2. The ice melted, and the sea came in.

That is why fjords are deepest in the middle, and shallow at their mouth.
"""


@dataclass(frozen=True)
class Recording:
    command: str
    lines: int
    title: str


RECORDINGS = {
    "demo": Recording("chatgpt-browser demo", 22, "chatgpt-browser demo"),
    "ask": Recording('chatgpt-browser ask "What is a fjord?"', 8, "a question on the command line"),
}


def main(names: Sequence[str]) -> None:
    for name in names or RECORDINGS:
        recording = RECORDINGS[name]
        output = list(played(recording))
        frames = frames_of(output, COLUMNS, recording.lines)
        path = ASSETS / f"{name}.svg"
        path.write_text(to_svg(frames, COLUMNS, recording.lines, recording.title), "utf-8")
        sys.stderr.write(f"{path.name}: {len(frames)} frames, {path.stat().st_size // 1024} KiB\n")


def played(recording: Recording) -> Iterator[tuple[float, str]]:
    """Yield a prompt, the typed command and its output in pieces, each with its time in seconds."""
    at = 0.0
    yield at, "\x1b[32m$\x1b[0m "
    for key in recording.command:
        at += SECONDS_A_KEY
        yield at, key
    at += 0.4
    yield at, "\r\n"
    for since, piece in written(recording):
        yield at + since, piece


def written(recording: Recording) -> Iterator[tuple[float, str]]:
    """Run the command in a terminal; yield each piece of its output when it arrives, with the seconds since the start."""
    with FakeChatGPT(reply=Reply(FJORD, interval=40)) as server:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "CHATGPT_SESSION_TOKEN": server.session_token,
            "CHATGPT_API_BASE_URL": server.api_base_url,
            "CHATGPT_BACKEND_API_BASE_URL": server.backend_api_base_url,
        }
        # PATH selects the Python that runs the command; PYTHONPATH selects the modules that it imports.
        environment |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        child = pexpect.spawn(
            "bash",
            ["-c", recording.command],
            env=environment,
            dimensions=(recording.lines, COLUMNS),
            encoding="utf-8",
            timeout=60,
        )
        start = time.monotonic()
        try:
            while True:
                piece = child.read_nonblocking(4096)
                yield time.monotonic() - start, re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:50123", piece)
        except pexpect.EOF:
            pass
        finally:
            child.close()
        if child.exitstatus:
            raise SystemExit(f"{recording.command} failed with exit status {child.exitstatus}")


if __name__ == "__main__":
    main(sys.argv[1:])
