"""What a page takes for granted in the reader's surroundings: a proxy, a browser that somebody else runs."""

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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager

    import pytest

    from tests.support.doc_reader import Reader

USER, PASSWORD = "ada", "of-the-proxy"


@contextmanager
def of(page: str, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """The server that a page's programs talk to, and whatever else has to be there."""
    make = PAGES.get(page)
    if make is None:
        yield reader.server
    else:
        with make(reader, monkeypatch) as server:
            yield server


@contextmanager
def behind_a_proxy(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """The site by its own name, to be reached by a proxy alone; the proxy takes whoever shows the right password, or none."""
    with (
        FakeChatGPT(tls=True, public_origin="https://chat.openai.com") as site,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_proxy_to(site)) as (url, tunnels),
    ):
        # Nobody vouches for the fake site's certificate.
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
    """A proxy whose every tunnel ends at the fake site: its URL, and where it was asked to go."""
    tunnels: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        verb, target, _ = head[0].split()
        shown = [line.rpartition(" ")[2] for line in head if line.lower().startswith("proxy-authorization:")]
        if verb == "CONNECT" and set(shown) <= {base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}:
            tunnels.append(target)
            there = await asyncio.open_connection(site.host, site.port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", tunnels
    finally:
        server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@contextmanager
def with_a_browser_elsewhere(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """A Chromium with its DevTools port: that of another client, which finds and starts one as this machine needs it."""
    with TemporaryDirectory() as folder:
        with ChatGPTAPI(
            reader.server.session_token,
            api_base_url=reader.server.api_base_url,
            backend_api_base_url=reader.server.backend_api_base_url,
            user_data_dir=folder,
            browser_args=["--remote-debugging-port=0"],
        ) as host:
            host.start()
            port = (Path(folder) / "DevToolsActivePort").read_text("ascii").splitlines()[0]
            monkeypatch.setenv("BROWSER_URL", f"http://127.0.0.1:{port}")
            yield reader.server


PAGES: dict[str, Callable[[Reader, pytest.MonkeyPatch], AbstractContextManager[FakeChatGPT]]] = {
    "docs/how-to/proxy.md": behind_a_proxy,
    "docs/how-to/remote-browser.md": with_a_browser_elsewhere,
}
