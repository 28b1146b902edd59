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

__all__ = ["LONG", "Address", "serving"]

#: The number of messages in a long conversation, and the text of each.
LONG = 500
MESSAGE = "word " * 100


@dataclass(frozen=True)
class Address:
    """The address and the session token of a server. The token is not secret."""

    protocol: str
    origin: str
    session_token: str
    certificate_authority: str | None
    pid: int
    #: The ids of the conversations that exist from the start. See `serving`.
    conversation_ids: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes) -> Address:
        """Return the address in the JSON of `asdict(address)`."""
        fields = json.loads(text)
        return cls(**{**fields, "conversation_ids": tuple(fields["conversation_ids"])})

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
async def serving(*, http2: bool, app: bool = False) -> AsyncIterator[Address]:
    """Run a server: HTTP/1.1 without TLS, or HTTP/2 over TLS. It exits when its standard input is closed.

    With `app`, the server has a web application, accepts messages only from the page of that application, and has two
    conversations of `LONG` messages.
    """
    arguments = [*["--http2"] * http2, *["--app"] * app]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, *arguments, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Address.from_json(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def _reply(turn: Turn) -> Reply:
    from chatgpt_browser.testing import Reply

    script = Script.from_message(turn.message)
    pieces = script.pieces(time.monotonic())
    return Reply(pieces=pieces, interval=script.interval, encoding=script.encoding)


def main(*, http2: bool, app: bool) -> None:
    """Serve until standard input is closed. The first line of standard output is the address as JSON."""
    from chatgpt_browser.testing import FakeChatGPT

    with FakeChatGPT(reply=_reply, tls=http2, form="app" if app else "api") as server:
        turns = [(role, MESSAGE) for _ in range(LONG // 2) for role in ("user", "assistant")]
        kept = [server.add_conversation(turns) for _ in range(2)] if app else []
        authority = server.certificate_authority_pem
        address = Address(
            protocol="HTTP/2" if http2 else "HTTP/1.1",
            origin=server.origin,
            session_token=server.session_token,
            certificate_authority=None if authority is None else authority.decode(),
            pid=os.getpid(),
            conversation_ids=tuple(conversation.id for conversation in kept),
        )
        sys.stdout.write(json.dumps(asdict(address)) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(http2="--http2" in sys.argv, app="--app" in sys.argv)
