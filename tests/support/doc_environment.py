"""The environments for the code on some pages: an HTTP proxy, a browser of another program, or the server of `serve`."""

from __future__ import annotations

import asyncio
import base64
import functools
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

import chatgpt_browser
from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT
from tests.support.http_proxy import copy_stream
from tests.support.openai_server import KEY, OpenAIServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager

    import pytest

    from tests.support.doc_runner import CodeRunner

USER, PASSWORD = "ada", "proxy-password"


@contextmanager
def environment_of(page: str, runner: CodeRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """Provide the environment that a page requires. Yields the server that its programs send to."""
    make = PAGES.get(page)
    if make is None:
        yield runner.server
    else:
        with make(runner, monkeypatch) as server:
            yield server


@contextmanager
def behind_a_proxy(runner: CodeRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """Provide a site under its real name behind a proxy, which accepts the right password or none."""
    with (
        FakeChatGPT(tls=True, public_origin="https://chat.openai.com") as site,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_proxy_to(site)) as (url, tunnels),
    ):
        # The fake site's certificate is self-signed.
        monkeypatch.setattr(
            chatgpt_browser, "ChatGPTAPI", functools.partial(ChatGPTAPI, ignore_https_errors=True)
        )
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", site.session_token)
        monkeypatch.setenv("MY_PROXY", url)
        monkeypatch.setenv("MY_PROXY_PASSWORD", PASSWORD)
        yield site
        assert "chat.openai.com:443" in tunnels


@asynccontextmanager
async def _proxy_to(site: FakeChatGPT) -> AsyncIterator[tuple[str, list[str]]]:
    """Run a proxy whose tunnels all end at the fake site. Yields its URL and the targets of the CONNECT requests."""
    tunnels: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        verb, target, _ = head[0].split()
        credentials = [
            line.rpartition(" ")[2] for line in head if line.lower().startswith("proxy-authorization:")
        ]
        if verb == "CONNECT" and set(credentials) <= {
            base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        }:
            tunnels.append(target)
            upstream = await asyncio.open_connection(site.host, site.port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(copy_stream(reader, upstream[1]), copy_stream(upstream[0], writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", tunnels
    finally:
        server.close()


@contextmanager
def with_remote_browser(runner: CodeRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """Provide a Chromium with a DevTools port, started by another client, which finds the right executable."""
    with TemporaryDirectory() as folder:
        with ChatGPTAPI(
            runner.server.session_token,
            api_base_url=runner.server.api_base_url,
            backend_api_base_url=runner.server.backend_api_base_url,
            user_data_dir=folder,
            browser_args=["--remote-debugging-port=0"],
        ) as host:
            host.start()
            port = (Path(folder) / "DevToolsActivePort").read_text("ascii").splitlines()[0]
            monkeypatch.setenv("BROWSER_URL", f"http://127.0.0.1:{port}")
            yield runner.server


@contextmanager
def with_openai_server(runner: CodeRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """Run the server of `serve`, and set the variables that the `openai` package reads."""
    with TemporaryDirectory() as folder, OpenAIServer(runner.server, Path(folder)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield runner.server


PAGES: dict[str, Callable[[CodeRunner, pytest.MonkeyPatch], AbstractContextManager[FakeChatGPT]]] = {
    "docs/how-to/proxy.md": behind_a_proxy,
    "docs/how-to/remote-browser.md": with_remote_browser,
    "docs/how-to/serve.md": with_openai_server,
}
