"""The memory of one conversation, in a new process. Arguments: the client's name, and JSON. It prints the megabytes as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from ..processes import held_in_all
from ..script import BenchmarkError
from ..server import Address

if TYPE_CHECKING:
    from .bare import BarePage
    from .ours import OursByPage

__all__ = ["memory_of"]

MESSAGES = 3


async def memory_of(who: str, task: dict[str, Any]) -> dict[str, float]:
    """Return the megabytes of a client's process, and of the processes that it has started, by their kind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, who, json.dumps(task), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise BenchmarkError(f"{__name__} failed with exit status {process.returncode}")
    held: dict[str, float] = json.loads(said)
    return held


async def main(who: str, task: dict[str, Any]) -> None:
    """Send some messages in one conversation and print the memory as JSON."""
    async with _client(who, task) as client:
        await client.ask(task["message"], None)
        for _ in range(MESSAGES - 1):
            await client.follow_up(task["message"])
        await client.collect_garbage()
        sys.stdout.write(json.dumps(held_in_all()))


def _client(who: str, task: dict[str, Any]) -> BarePage | OursByPage:
    """Return the client. Each process imports only the modules of its own client."""
    if who == "plain":
        from .bare import BarePage

        return BarePage(task)
    from .ours import OursByPage

    return OursByPage(Address.from_json(json.dumps(task["address"])))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
