"""A load of jobs and batches by several processes on one job store, and kills of any process of this load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tests.support.processes import marked, still_running
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

#: The environment variable that marks the processes of a load, and all processes that they start.
MARK = "JOB_LOAD_MARK"
#: What can be killed. "network" closes all connections of the server for a moment.
VICTIMS = ("client", "driver", "browser", "renderer", "network")
#: The number of prompts in each batch.
BATCH_SIZE = 4
#: The exit codes of a batch with a result for each prompt: 0 if all have replies, 13 if some failed, 16 if some are uncertain.
ENDED = (0, 13, 16)

#: Submits jobs until its standard input ends. First it waits for all jobs that an earlier process left behind.
CLIENT = """
import json, sys, threading
from chatgpt_browser import ChatGPTAPI, ChatGPTError
name, options = sys.argv[1], json.loads(sys.argv[2])
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
with ChatGPTAPI(**options) as api:
    for job in api.list_jobs():
        if job.state in ("queued", "sending", "running"):
            try:
                job.wait(timeout_ms=60_000)
            except ChatGPTError:
                pass
    number = 0
    while not stop.is_set():
        number += 1
        try:
            job = api.submit(f"{name}.{number}", keep_text=True)
            print(json.dumps([job.id, f"{name}.{number}"]), flush=True)
            job.wait(timeout_ms=60_000)
        except ChatGPTError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
"""


@dataclass
class JobLoad:
    """Processes that send messages until :meth:`stop`. A process that was killed is replaced."""

    server: FakeChatGPT
    folder: Path
    send_via: str
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: The message of each job whose id a process has printed.
    messages: dict[str, str] = field(default_factory=dict)
    #: The errors that the processes printed.
    errors: list[str] = field(default_factory=list)
    #: The prompts of each batch, by the path of its output.
    batches: dict[Path, list[str]] = field(default_factory=dict)
    #: For each kill: the time, and the kind of process that was killed.
    kills: list[tuple[float, str]] = field(default_factory=list)
    _started: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _clients: list[subprocess.Popen[str]] = field(default_factory=list)
    _failures: list[BaseException] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def store(self) -> Path:
        """The path of the job store, which all processes share."""
        return self.folder / "data" / "jobs.sqlite3"

    @property
    def client_options(self) -> dict[str, Any]:
        """The options of each client of the load."""
        return {
            "session_token": self.server.session_token,
            "send_via": self.send_via,
            "job_store": str(self.store),
            **base_urls(self.server),
        }

    def start(self, *, clients: int = 0, detached: int = 0, batches: int = 0) -> None:
        """Start threads. Each thread runs one process after another, until :meth:`stop`."""
        works = [self._run_client] * clients + [self._run_detached] * detached + [self._run_batch] * batches
        self._threads = [threading.Thread(target=self._repeat, args=(work,), daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 120) -> None:
        """Let each process finish its message, and wait for the ends of all processes."""
        self._stopping.set()
        for client in [*self._clients]:
            if client.stdin is not None:
                client.stdin.close()
        for thread in self._threads:
            thread.join(timeout)
        assert not any(thread.is_alive() for thread in self._threads), "a process of the load did not end"
        assert self._failures == []

    def kill(self, kind: str, choice: random.Random) -> bool:
        """Kill a random process of this kind. Return False if the load has no such process at the moment."""
        is_killed = self._kill(kind, choice)
        if is_killed:
            self.kills.append((time.time(), kind))
        return is_killed

    def _kill(self, kind: str, choice: random.Random) -> bool:
        if kind == "network":
            self.server.close()
            self._stopping.wait(choice.uniform(0, 0.2))
            self.server.start()
            return True
        found = [process for process in self._processes() if _kind(process) == kind]
        if not found:
            return False
        try:
            choice.choice(found).send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return False
        return True

    def _processes(self) -> set[psutil.Process]:
        """Return the marked processes and their descendants. Chromium's renderers overwrite their environment."""
        found = marked(MARK, self.mark)
        for process in [*found]:
            with suppress(psutil.Error):  # the process has ended
                found += process.children(recursive=True)
        return {*found}

    def remaining_processes(self) -> list[psutil.Process]:
        """Return the processes of the load that do not end."""
        return still_running([*self._processes()])

    # ---- the processes -----------------------------------------------------------------------------------------------

    def _repeat(self, work: Any) -> None:
        try:
            while not self._stopping.is_set():
                work()
        except BaseException as error:
            self._failures.append(error)

    def _number(self) -> int:
        with self._lock:
            self._started += 1
            return self._started

    def _run_client(self) -> None:
        code = [sys.executable, "-c", CLIENT, f"job{self._number()}", json.dumps(self.client_options)]
        with self._popen(code, subprocess.PIPE) as process:
            assert process.stdin and process.stdout
            self._clients.append(process)
            if self._stopping.is_set():
                process.stdin.close()
            for line in process.stdout:
                job_id, message = json.loads(line)
                self.messages[job_id] = message
        self._clients.remove(process)
        process.stdin = None

    def _run_detached(self) -> None:
        """Run `ask --detach`, and then `jobs wait` until no run of it was killed."""
        message = f"detached{self._number()}"
        job_id = self._run_command("ask", "--detach", "--keep-text", "--send-via", self.send_via, message)[
            1
        ].strip()
        if job_id:
            self.messages[job_id] = message
            while not self._stopping.is_set() and self._run_command("jobs", "wait", job_id)[0] < 0:
                pass

    def _run_batch(self) -> None:
        """Run one batch, again and again until no run of it was killed."""
        number = self._number()
        prompts = [f"batch{number}.{index}" for index in range(BATCH_SIZE)]
        output = self.folder / f"replies{number}.jsonl"
        self.batches[output] = prompts
        while not self._stopping.is_set() and self.run_batch(output) not in ENDED:
            pass

    def run_batch(self, output: Path, *options: str) -> int:
        """Run `chatgpt-browser batch` once with the prompts of this output, and return its exit code."""
        source = output.with_suffix(".txt")
        source.write_text("\n".join(self.batches[output]) + "\n")
        return self._run_command(
            "batch", str(source), "-o", str(output), "--send-via", self.send_via, *options
        )[0]

    def _run_command(self, *arguments: str) -> tuple[int, str]:
        """Run `chatgpt-browser`, and return its exit code and its standard output."""
        command = [sys.executable, "-m", "chatgpt_browser", *arguments]
        with self._popen(command, subprocess.DEVNULL) as process:
            assert process.stdout
            output = process.stdout.read()
        return process.returncode, output

    def _popen(self, command: list[str], stdin: int) -> subprocess.Popen[str]:
        urls = {f"CHATGPT_{name.upper()}": str(url) for name, url in base_urls(self.server).items()}
        own = {
            MARK: self.mark,
            "CHATGPT_SESSION_TOKEN": self.server.session_token,
            "CHATGPT_DATA_DIR": str(self.store.parent),
        }
        with open(self.folder / "stderr.log", "a") as log:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **urls, **own},
            )


def _kind(process: psutil.Process) -> str:
    """Return the kind of a process of the load, as in :data:`VICTIMS`, or another word."""
    try:
        arguments = process.cmdline()
    except psutil.Error:  # the process has ended
        return "ended"
    if "run-driver" in arguments:
        return "driver"
    types = [each for each in arguments if each.startswith("--type=")]
    if any("headless" in each or "chrom" in each for each in arguments[:3]) and "-m" not in arguments:
        return types[0].removeprefix("--type=") if types else "browser"
    return "client" if arguments[1:2] in (["-c"], ["-m"]) else "other"
