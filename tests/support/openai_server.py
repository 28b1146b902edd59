"""Runs the server of `serve` in a thread, with a client of a fake site."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser.cli.serve.runner import Server
from chatgpt_browser.server import create_app
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from chatgpt_browser.testing import FakeChatGPT

KEY = "sk-key-of-the-tests"


class OpenAIServer:
    """The server, its site and its client. Use it as a context manager."""

    def __init__(self, site: FakeChatGPT, data_folder: Path, **client_options: Any) -> None:
        self.site = site
        self._options = {
            "job_store": data_folder / "jobs.sqlite3",
            **base_urls(site),
            **client_options,
        }
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._end, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with AsyncChatGPTAPI(self.site.session_token, **self._options) as api:
            await api.start()
            self._api = api
            server = Server(create_app(api, api_key=KEY))
            serving = asyncio.create_task(server.serve(sockets=[self._listener]))
            await server.wait_until_started(serving)
            self._started.set()
            await self._end.wait()
            await api.close()
            server.should_exit = True
            await serving

    def forget_limits(self) -> None:
        """Forget the rate limits of earlier requests. While a limit is remembered, the client sends no message."""
        self._api._sender.pace.forget_limits()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60)
        assert not self._thread.is_alive()
