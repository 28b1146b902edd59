"""Measurement of the two programs in turn."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from chatgpt_browser._browser.sandbox import sandbox_refusal

from ..figures import Limit, Row
from ..plain import message_body
from ..processes import browser_executable
from ..script import BenchmarkError, Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clients import Clients

__all__ = ["alternate", "measure_first_reply"]

LARGEST_RATIO = 1.1
SCRIPT = Script(1)
PROGRAMS = {"plain": "benchmarks.first_reply.bare", "ours": "benchmarks.first_reply.ours"}


async def measure_first_reply(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return a row with the times from process start to reply."""
    if quick and clients.address.is_http2:
        return []
    rounds = 1 if quick else 9
    say(f"{clients.protocol}: first reply of a new process, {rounds} rounds")
    samples = await alternate(PROGRAMS, _task(clients), SCRIPT, rounds)
    row = Row("first reply of a new process", clients.protocol, samples)
    return [row.limited(Limit(row.ratio(), LARGEST_RATIO, "x"))]


async def alternate(
    programs: dict[str, str], task: dict[str, Any], script: Script, rounds: int
) -> dict[str, list[float]]:
    """Run the programs in turn. Return the milliseconds from process start to reply.

    The warm-up round also writes the bytecode of the programs.
    """
    samples: dict[str, list[float]] = {who: [] for who in programs}
    for turn in range(rounds + 1):
        for who, program in programs.items():
            seconds = await _run(program, json.dumps(task), script)
            if turn > 0:
                samples[who].append(seconds * 1000)
    return samples


def _task(clients: Clients) -> dict[str, Any]:
    """Return the arguments of both programs: the same browser, sandbox and message."""
    address, message = clients.address, SCRIPT.to_message()
    headers = clients.plain.headers
    return {
        "origin": address.origin,
        "session_token": address.session_token,
        "ignore_https_errors": address.is_http2,
        "executable": browser_executable(),
        "sandbox": sandbox_refusal() is None,
        "message": message,
        "request": {
            "url": address.message_url,
            "headers": headers,
            "body": message_body(message).decode(),
        },
    }


async def _run(program: str, task: str, script: Script) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipe = asyncio.subprocess.PIPE

    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", program, task, stdout=pipe, env=environment
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    seconds = time.monotonic() - started

    if await process.wait() != 0:
        raise BenchmarkError(f"{program} failed with exit status {process.returncode}")
    script.check(program, json.loads(line), script.events)
    return seconds
