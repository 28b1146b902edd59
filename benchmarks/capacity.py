"""Capacity of a browser server: memory and CPU for each client, page and stream. Run `python -m benchmarks.capacity`.

A Playwright server runs on this machine. Clients connect to it and receive streams of 20 events per second, while the memory
and CPU time of the server are measured. deploy/README.md shows the totals.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import psutil
from playwright._impl._driver import compute_driver_executable
from rich.console import Console
from rich.table import Table

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser._browser.executables import find_on_path
from chatgpt_browser.testing import FakeChatGPT, Reply

from .processes import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVENTS, INTERVAL = 160, 50  # a stream of 8 seconds
STREAMS = (1, 5)
CLIENTS = (1, 2, 4)


@asynccontextmanager
async def playwright_server() -> AsyncIterator[tuple[psutil.Process, str]]:
    command = (*compute_driver_executable(), "run-server", "--host", "127.0.0.1", "--port", "0", "--unsafe")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        found = re.search(rb"ws://\S+", await process.stdout.readline())
        assert found is not None
        yield psutil.Process(process.pid), found[0].decode()
    finally:
        process.terminate()
        await process.wait()


def family(server: psutil.Process) -> list[psutil.Process]:
    return [server, *server.children(recursive=True)]


def megabytes(server: psutil.Process) -> float:
    """Return the proportional memory (PSS): shared memory counts once, as in a container's memory limit."""
    return float(sum(process.memory_full_info().pss for process in family(server)) / MEGABYTE)


def cpu_seconds(server: psutil.Process) -> float:
    return float(sum(sum(process.cpu_times()[:2]) for process in family(server)))


async def stream_all(clients: list[AsyncChatGPTAPI], streams: int) -> None:
    await asyncio.gather(*(api.send_message("Hello") for api in clients for _ in range(streams)))


async def main() -> None:
    table = Table("clients", "streams each", "MB", "MB a client more", "CPU cores")
    pieces = [f"{number} and so on, " for number in range(EVENTS)]
    executable = find_on_path()
    with FakeChatGPT(reply=lambda turn: Reply(pieces=pieces, interval=INTERVAL)) as server:
        async with playwright_server() as (process, url):
            idle = megabytes(process)
            table.add_row("0", "0", f"{idle:.0f}", "", "0.00")
            for count in CLIENTS:
                async with AsyncExitStack() as stack:
                    options: dict[str, Any] = {"max_concurrent_messages": max(STREAMS), "browser_url": url}
                    options |= {"executable_path": executable} if executable else {}
                    where = {
                        "api_base_url": server.api_base_url,
                        "backend_api_base_url": server.backend_api_base_url,
                    }
                    clients = [
                        await stack.enter_async_context(
                            AsyncChatGPTAPI(server.session_token, **where, **options)
                        )
                        for _ in range(count)
                    ]
                    await asyncio.gather(*(api.ensure_auth() for api in clients))
                    held = megabytes(process)
                    table.add_row(str(count), "0", f"{held:.0f}", f"{(held - idle) / count:.0f}", "")
                    for streams in STREAMS:
                        before = cpu_seconds(process)
                        running = asyncio.create_task(stream_all(clients, streams))
                        await asyncio.sleep(EVENTS * INTERVAL / 1000 / 2)
                        held = megabytes(process)
                        await running
                        used = (cpu_seconds(process) - before) / (EVENTS * INTERVAL / 1000)
                        table.add_row(
                            str(count),
                            str(streams),
                            f"{held:.0f}",
                            f"{(held - idle) / count:.0f}",
                            f"{used:.2f}",
                        )
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
