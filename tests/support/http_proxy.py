"""An HTTP proxy in a thread, which sends every request and every tunnel to one fake site, whatever their host is."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatgpt_browser.testing import FakeChatGPT


class HttpProxy:
    """The proxy: its address, and the targets that it has connected to.

    :param status: the status line with which it refuses everything; None: it connects.
    """

    def __init__(
        self, site: FakeChatGPT, credentials: tuple[str, str] | None = None, status: str | None = None
    ) -> None:
        self.port = 0
        self.targets: list[str] = []
        self.requests = 0
        self._site = site
        self._status = status
        pair = None if credentials is None else ":".join(credentials).encode()
        self._expected = None if pair is None else b"basic " + base64.b64encode(pair).lower()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _refusal(self, head: bytes) -> str | None:
        if self._status is not None:
            return self._status
        lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"proxy-authorization: ")]
        given = [line.partition(b": ")[2] for line in lines]
        is_refused = self._expected is not None and given != [self._expected]
        return "407 Proxy Authentication Required" if is_refused else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                refusal = self._refusal(head)
                if refusal is None:
                    await self._connect(head, reader, writer)
                    return
                lines = [f"HTTP/1.1 {refusal}", "Content-Type: text/html", "Content-Length: 13"]
                if refusal.startswith("407"):
                    lines.append('Proxy-Authenticate: Basic realm="proxy"')
                writer.write("\r\n".join([*lines, "", "Access denied"]).encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _connect(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, target, _ = head.decode("latin-1").split("\r\n")[0].split()
        self.targets.append(target)
        upstream_reader, upstream_writer = await asyncio.open_connection(self._site.host, self._site.port)
        if verb == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = "/" + target.partition("://")[2].partition("/")[2]
            head = head.replace(target.encode(), path.encode(), 1)
            upstream_writer.write(head.replace(b"Proxy-Connection: keep-alive", b"Connection: close"))
        await asyncio.gather(copy_stream(reader, upstream_writer), copy_stream(upstream_reader, writer))

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()


async def copy_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write all data of the reader until its end or until the connection breaks, then close the writer."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@contextmanager
def http_proxy(
    site: FakeChatGPT, credentials: tuple[str, str] | None = None, status: str | None = None
) -> Iterator[HttpProxy]:
    """Run a proxy, which requires these credentials, or refuses everything with this status line."""
    proxy = HttpProxy(site, credentials, status)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(proxy._running()):
        yield proxy
