"""Benchmark of a stream through `chatgpt-browser serve`, compared with the same stream of the library alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from .clients import in_turn
from .figures import Limit, Row
from .sample import timed
from .script import Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from chatgpt_browser import AsyncChatGPTAPI

    from .clients import Clients
    from .sample import Client, Sample
    from .server import Address

__all__ = ["measure_serve"]

#: Name of a row: the reply, and the largest ratio to the library alone.
ROWS = {
    "50 events a second through serve": (Script(100, interval=20), 1.15),
    "2,000 events in a burst through serve": (Script(2000), 1.5),
    "2,000 deltas in a burst through serve": (Script(2000, encoding="delta"), 1.5),
}


async def measure_serve(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return rows for streams through the server. Only HTTP/1.1: `serve` accepts only certificates that Chromium trusts."""
    if clients.address.is_http2:
        return []
    rows = []
    async with _serving(clients.address) as server:
        both: list[Client] = [_Library(clients.ours.api), server]
        for name, (script, largest) in ROWS.items():
            rounds = 2 if quick else 7
            say(f"{clients.protocol}: {name}, {rounds} rounds")
            heard = await in_turn(both, script, rounds)
            samples = {who: [sample.seconds * 1000 for sample in heard[who]] for who in heard}
            row = Row(name, clients.protocol, samples)
            rows.append(row.limited(Limit(row.ratio(), largest, "x")))
    return rows


class _Library:
    """The library alone. The table shows it in the column "plain"."""

    name = "plain"

    def __init__(self, api: AsyncChatGPTAPI) -> None:
        self._api = api

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_piece: Callable[[str], object]) -> str:
        async with self._api.stream_message(message) as stream:
            async for piece in stream:
                on_piece(piece)
        return stream.text


class _Server:
    """The server in a process with a browser of its own, called by a client that parses each event."""

    name = "ours"

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        return await timed(self._ask, message)

    async def _ask(self, message: str, on_piece: Callable[[str], object]) -> str:
        body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": message}]}
        pieces = []
        rest = b""
        async with self._session.post(f"{self._url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.content.iter_any():
                *events, rest = (rest + data).split(b"\n\n")
                for event in events:
                    if event.startswith(b"data: {"):
                        piece = json.loads(event[6:])["choices"][0]["delta"].get("content")
                        if piece:
                            on_piece(piece)
                            pieces.append(piece)
        return "".join(pieces)


@asynccontextmanager
async def _serving(address: Address) -> AsyncIterator[_Server]:
    """Run `chatgpt-browser serve` for the fake site at this address."""
    pipe = asyncio.subprocess.PIPE
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "CHATGPT_SESSION_TOKEN": address.session_token,
            "CHATGPT_API_BASE_URL": f"{address.origin}/api",
            "CHATGPT_BACKEND_API_BASE_URL": f"{address.origin}/backend-api",
            "CHATGPT_DATA_DIR": folder,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chatgpt_browser", "serve", env=environment, stdout=pipe, stderr=pipe
        )
        assert process.stdout is not None
        try:
            printed: Any = dict(
                [(await process.stdout.readline()).decode().split()[1].split("=", 1) for _ in range(2)]
            )
            headers = {"authorization": f"Bearer {printed['OPENAI_API_KEY']}"}
            async with aiohttp.ClientSession(headers=headers) as session:
                yield _Server(session, printed["OPENAI_BASE_URL"])
        finally:
            process.terminate()
            await process.communicate()
