"""Kills of any process, or of the network, while several processes add jobs and batches to one store.

``CHATGPT_SOAK=10`` makes 100 kills with each transport, so 200 in all. `test_job_kills.py` is the short test of this kind.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI, ChatGPTError, Job
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser.testing import FakeChatGPT, Reply, Turn, remember
from tests.support.client_processes import posts_by_message, until
from tests.support.job_load import ENDED, VICTIMS, JobLoad

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: At most this share of the jobs may be uncertain.
UNCERTAIN_SHARE = 0.02
#: The options of the server for each transport.
FORMS: dict[str, Any] = {"fetch": {"form": "api"}, "page": {"form": "app"}}


def slow_reply(turn: Turn) -> Reply:
    """Return a reply of three words that takes about three seconds, which is short for a reply of the site."""
    return Reply(remember(turn), interval=1000)


@pytest.fixture
def load(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[JobLoad]:
    """Yield a load for the transport that is the fixture's parameter. At the end, no process of the load may be running."""
    with FakeChatGPT(reply=slow_reply, **FORMS[request.param]) as server:
        load = JobLoad(server, tmp_path, request.param)
        yield load
        load.stop()
    assert load.remaining_processes() == []


def kill_at_random(load: JobLoad, wanted: int, choice: random.Random) -> Counter[str]:
    """Kill this many victims at random moments. Return the number of kills for each kind."""
    kills, pause = Counter[str](), threading.Event()
    while kills.total() < wanted:
        # The first kills are one of each kind.
        kind = VICTIMS[kills.total()] if kills.total() < len(VICTIMS) else choice.choice(VICTIMS)
        sent = len(posts_by_message(load.server))
        until(lambda: len(posts_by_message(load.server)) > sent, timeout=120)  # noqa: B023
        pause.wait(choice.uniform(0, 4.0))  # a message and the start of the next one
        until(lambda: load.kill(kind, choice), timeout=60)  # noqa: B023
        kills[kind] += 1
    return kills


def end_all(load: JobLoad) -> dict[str, Job]:
    """Wait for all jobs and batches of a stopped load. Return the jobs."""
    for output in load.batches:
        code = load.run_batch(output)
        assert code in ENDED, (output, code)
    with ChatGPTAPI(**load.client_options) as api:
        jobs = api.list_jobs()
        for job in jobs:
            with suppress(ChatGPTError):
                job.wait(timeout_ms=120_000)
        check_replies(load, jobs)
    return {job.id: job for job in jobs}


def check_replies(load: JobLoad, jobs: list[Job]) -> None:
    """Check the states of the jobs, and that each reply belongs to the message of its job."""
    sent = posts_by_message(load.server)
    assert {job.state for job in jobs} <= {"done", "failed", "uncertain"}, Counter(job.state for job in jobs)
    replies = Counter(str(job.wait()) for job in jobs if job.state == "done")
    assert all(count == 1 for count in replies.values()), replies
    assert replies.keys() <= {f'You said: "{message}".' for message in sent}
    for job in jobs:
        message = load.messages.get(job.id)
        if message is not None and job.state == "done":
            assert str(job.wait()) == f'You said: "{message}".'


def check_batches(load: JobLoad) -> int:
    """Check the rows of all batches. Return the number of rows that do not belong to jobs in the store."""
    written = 0
    for output, prompts in load.batches.items():
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        assert sorted(row["prompt"] for row in rows) == sorted(prompts)
        written += sum("state" not in row for row in rows)
        assert all(row["reply"] == f'You said: "{row["prompt"]}".' for row in rows if row.get("reply"))
    return written


def describe_uncertain(load: JobLoad) -> list[str]:
    """Return a line for each uncertain job: the time from "sending" to the nearest kill, and whether the site has its message."""
    sent, rows = posts_by_message(load.server), dict[str, str]()
    for output in load.batches:
        rows |= {row.get("job_id"): row["prompt"] for row in map(json.loads, output.read_text().splitlines())}
    lines = []
    for record in JobStore(load.store).list_jobs():
        if record.state == "uncertain":
            sending_at = record.sending_at or 0.0
            text = record.text or rows.get(record.id, "?")
            delays = [(at - sending_at, kind) for at, kind in load.kills]
            delay, kind = min(delays, key=lambda each: abs(each[0]), default=(0.0, "no kill"))
            lines.append(f"{text}: {kind} {delay * 1000:+.0f} ms, at the site: {sent[text]}")
    return lines


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("load", ["fetch", "page"], indirect=True)
@pytest.mark.long
def test_kills_at_random_moments_send_no_message_twice_and_end_each_job(load: JobLoad, soak: int) -> None:
    wanted = 10 * soak
    load.start(clients=1, detached=1, batches=1)
    kills = kill_at_random(load, wanted, random.Random(17))
    load.stop()

    jobs = end_all(load)
    states = Counter(job.state for job in jobs.values())
    total = len(jobs) + check_batches(load)
    messages = posts_by_message(load.server)
    print(f"{dict(kills)}, {dict(states)}, {total} messages", *describe_uncertain(load), sep="\n")  # noqa: T201
    assert [message for message, count in messages.items() if count > 1] == []
    assert states["done"] >= 1
    if total >= 100:
        assert states["uncertain"] / total < UNCERTAIN_SHARE
