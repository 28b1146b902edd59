"""The server: `FakeChatGPT` in a separate process, so that it shares no interpreter with the measured clients."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .script import Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chatgpt_browser.testing import Reply, Turn

__all__ = ["Address", "serving"]


@dataclass(frozen=True)
class Address:
    """The address and the session token of a server. The token is not secret."""

    protocol: str
    origin: str
    session_token: str
    certificate_authority: str | None
    pid: int

    @property
    def is_http2(self) -> bool:
        """True if the server uses HTTP/2 over TLS."""
        return self.certificate_authority is not None

    @property
    def session_url(self) -> str:
        """The URL that returns an access token."""
        return f"{self.origin}/api/auth/session"

    @property
    def message_url(self) -> str:
        """The URL that messages are sent to."""
        return f"{self.origin}/backend-api/conversation"

    @property
    def cookie(self) -> str:
        """The session cookie as a header value, for clients without a cookie jar."""
        prefix = "__Secure-" if self.is_http2 else ""
        return f"{prefix}next-auth.session-token={self.session_token}"


@asynccontextmanager
async def serving(*, http2: bool) -> AsyncIterator[Address]:
    """Run a server: HTTP/1.1 without TLS, or HTTP/2 over TLS. It exits when its standard input is closed."""
    arguments = ["--http2"] if http2 else []
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, *arguments, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Address(**json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


def _reply(turn: Turn) -> Reply:
    from chatgpt_browser.testing import Reply

    script = Script.from_message(turn.message)
    pieces = script.pieces(time.monotonic())
    return Reply(pieces=pieces, interval=script.interval, encoding=script.encoding)


def main(http2: bool) -> None:
    """Serve until standard input is closed. The first line of standard output is the address as JSON."""
    from chatgpt_browser.testing import FakeChatGPT

    with FakeChatGPT(reply=_reply, tls=http2) as server:
        authority = server.certificate_authority_pem
        address = Address(
            protocol="HTTP/2" if http2 else "HTTP/1.1",
            origin=server.origin,
            session_token=server.session_token,
            certificate_authority=None if authority is None else authority.decode(),
            pid=os.getpid(),
        )
        sys.stdout.write(json.dumps(asdict(address)) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main("--http2" in sys.argv)
