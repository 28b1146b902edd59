"""Kills the process of running jobs, its driver or its browser at random moments. Nothing is sent twice, and no job is lost.

``CHATGPT_SOAK=10`` makes 10 kills with each transport a hundred.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chatgpt_browser import ChatGPTAPI, ChatGPTError
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser.testing import FakeChatGPT, Reply
from tests.support.scripted_site import base_urls

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")

WORKER = """
import sys
from chatgpt_browser import ChatGPTAPI, ChatGPTError
token, api_base_url, backend_api_base_url, job_store, send_via, prefix = sys.argv[1:]
with ChatGPTAPI(token, api_base_url=api_base_url, backend_api_base_url=backend_api_base_url, job_store=job_store,
                send_via=send_via) as api:
    api.start()
    print("ready", flush=True)
    for number in range(4):
        try:
            api.submit(f"{prefix} number {number}", keep_text=True).wait(60_000)
        except ChatGPTError as error:
            print(type(error).__name__, error, file=sys.stderr)
"""
#: The largest delay in seconds between the start of the browser and a kill. The jobs of a worker take about this long.
LONGEST_DELAY = {"fetch": 1.2, "page": 4.0}


def start_worker(server: FakeChatGPT, path: Path, send_via: str, prefix: str) -> subprocess.Popen[str]:
    urls = base_urls(server)
    arguments = [
        server.session_token,
        urls["api_base_url"],
        urls["backend_api_base_url"],
        str(path),
        send_via,
        prefix,
    ]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", WORKER, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def descendants(pid: int) -> list[tuple[int, str]]:
    """Return the process ids and the command lines of all descendants of a process, parents first."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(folder.name))
    found, pending = [], [pid]
    while pending:
        for child in parents.get(pending.pop(), ()):
            with suppress(OSError):
                found.append((child, Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")))
                pending.append(child)
    return found


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_one(worker: subprocess.Popen[str], victim: str) -> None:
    """Kill the worker, its driver or its browser. If the worker is killed, also end what it has started."""
    below = descendants(worker.pid)
    if victim == "worker":
        kill(worker.pid)
        worker.wait(60)
        for pid, _ in below:
            kill(pid)
    elif victim == "driver":
        for pid, line in below:
            if "node" in line.partition(" ")[0]:
                kill(pid)
                break
    else:
        for pid, line in below:
            if "--remote-debugging" in line and "--type=" not in line:
                kill(pid)
                break


def settle(api: ChatGPTAPI, store: JobStore) -> None:
    """Wait for all jobs that have not ended, in another process than the one that has submitted them."""
    for record in store.list_jobs():
        if record.is_active:
            with suppress(ChatGPTError):
                api.get_job(record.id).wait(60_000)


@pytest.mark.parametrize("send_via", ["fetch", "page"])
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_jobs_killed_at_random_moments_are_sent_once_and_end(
    kills: int, send_via: str, tmp_path: Path, soak: int
) -> None:
    kills *= soak if kills > 1 else 1
    chance = random.Random(send_via if kills == 1 else None)
    path = tmp_path / "jobs.sqlite3"
    store = JobStore(path)
    reply = Reply(pieces=("one ", "two ", "three"), interval=100)
    with FakeChatGPT(form="app" if send_via == "page" else "api", reply=reply) as server:
        options: dict[str, Any] = {"job_store": path, "send_via": send_via, **base_urls(server)}
        with ChatGPTAPI(server.session_token, **options) as api:
            for number in range(kills):
                run_and_kill(server, path, send_via, f"round {number}", chance)
                settle(api, store)

        jobs = store.list_jobs()
        sent = Counter(
            text for each in server.conversations.values() for role, text in each.history() if role == "user"
        )
        states = Counter(job.state for job in jobs)
        logger.info("%s, %d kills: %s", send_via, kills, dict(states))
        assert max(sent.values(), default=0) <= 1
        assert set(states) <= {"done", "failed", "uncertain"}
        assert all(sent[job.text or ""] == 1 for job in jobs if job.state == "done")
        assert all(sent[job.text or ""] == 0 for job in jobs if job.state in ("failed", "uncertain"))
        assert states["uncertain"] <= max(2, 0.02 * len(jobs))


def run_and_kill(server: FakeChatGPT, path: Path, send_via: str, prefix: str, chance: random.Random) -> None:
    """Start one or two workers, kill a process of one worker at a random moment, and end this worker. Wait for the other."""
    workers = [start_worker(server, path, send_via, f"{prefix}.{n}") for n in range(chance.choice([1, 2]))]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    time.sleep(chance.uniform(0, LONGEST_DELAY[send_via]))  # the moment of the kill
    victim = chance.choice(["worker", "worker", "driver", "browser"])
    kill_one(workers[0], victim)
    if victim != "worker":
        time.sleep(chance.uniform(0, 2.0))  # the moment of the second kill, during the recovery
        kill_one(workers[0], "worker")
    for worker in workers:
        worker.communicate(timeout=120)
