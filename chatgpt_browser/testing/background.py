"""A `FakeChatGPT` in a background process: `start_in_background`, and the conditions that end such a process."""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from .server.fake_chatgpt import FakeChatGPT

#: The idle timeout of a background server in seconds.
IDLE_SECONDS = 3600
# Interval in seconds between checks of a process, on platforms that cannot report its end.
_CHECK_INTERVAL = 1.0


def start_in_background(arguments: Sequence[str]) -> int:
    """Start a server in a background process, print shell commands for its clients, and return the exit code.

    The commands set the environment variables of a client. The server ends with the shell that evaluates the commands.

    :param arguments: further arguments of `python -m chatgpt_browser.testing` for the server.
    """
    options = ["--json", "--detach", *_end_with_shell(), "--idle-timeout", str(IDLE_SECONDS), *arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__.rpartition(".")[0], *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in the shell must not end the server.
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    with process.stdout, process.stderr:
        line = process.stdout.readline()
        if not line:
            sys.stderr.write(process.stderr.read())
            return process.wait()

    sys.stdout.write(export_commands(json.loads(line)))
    process.returncode = 0  # Python would otherwise warn that the process is still running.
    return 0


def export_commands(description: dict[str, Any]) -> str:
    """Return shell commands that set the environment variables for clients of a server.

    :param description: the JSON object that the server's process has printed.
    """
    variables = {
        "CHATGPT_SESSION_TOKEN": description["session_token"],
        "CHATGPT_API_BASE_URL": description["api_base_url"],
        "CHATGPT_BACKEND_API_BASE_URL": description["backend_api_base_url"],
        "FAKE_CHATGPT_PID": str(description["pid"]),
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def wait_until_idle(server: FakeChatGPT, stop: threading.Event, seconds: float | None) -> None:
    """Wait until `stop` is set, or until the server has had no request for this number of seconds. None: no limit."""
    last_activity = time.monotonic()
    while seconds is not None:
        if requests := server.requests:
            last_activity = max(last_activity, requests[-1].finished_at or requests[-1].received_at)
        if server.active_messages:
            last_activity = time.monotonic()
        remaining = last_activity + seconds - time.monotonic()
        if remaining <= 0 or stop.wait(remaining):
            return

    stop.wait()


def stop_with_process(pid: int, stop: threading.Event) -> None:
    """Set `stop` when the process with this ID ends."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            stop.set()
            return
        except OSError:  # for example a sandbox that forbids the system call
            pass
        else:
            select.select([descriptor], [], [])
            stop.set()
            return

    while _is_running(pid) and not stop.wait(_CHECK_INTERVAL):
        pass
    stop.set()


def detach_output() -> None:
    """Discard everything that this process writes from now on. This closes the pipes to the parent process."""
    sys.stdout.flush()
    with open(os.devnull, "w") as null:
        for number in (1, 2):
            os.dup2(null.fileno(), number)


def _end_with_shell() -> list[str]:
    # On Windows, `os.kill` would end the shell instead of checking it. So the server ends only after its idle timeout.
    return [] if sys.platform == "win32" else ["--end-with", str(_calling_shell())]


def _calling_shell() -> int:
    """Return the ID of the shell that evaluates the output of this process.

    In `eval "$(…)"`, other processes can be between this process and the shell: subshells, and programs such as `uv run`. They
    end together with this process, so they are skipped. They are recognized by their standard output, which is the same pipe as
    that of this process. Without `/proc`, return the ID of the parent process.
    """
    pid = parent = os.getppid()
    try:
        pipe = os.readlink("/proc/self/fd/1")
        while pipe.startswith("pipe:") and pid > 1 and os.readlink(f"/proc/{pid}/fd/1") == pipe:
            # The fourth field is the parent's ID. The second field, the name in parentheses, may contain spaces.
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # no /proc, or a process of another user
        pass
    return pid if pid > 1 else parent


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user
        return True
    return True
