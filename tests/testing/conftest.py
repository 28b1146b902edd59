"""A plain client for the fake site, so that what is tested here is the server and nothing of ours beside it."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import pytest

from chatgpt_browser.testing import FakeChatGPT
from chatgpt_browser.testing.server.listener import ServerConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

DONE = "[DONE]"


@dataclass
class Said:
    """A response to a message, taken apart."""

    response: httpx.Response
    #: The data of every event, `[DONE]` and empty ones too.
    data: list[str] = field(init=False)

    def __post_init__(self) -> None:
        lines = re.split(r"\r\n|\n|\r", self.response.text)
        self.data = [line[5:].strip() for line in lines if line.startswith("data:")]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(data) for data in self.data if data not in ("", DONE)]

    @property
    def replies(self) -> list[dict[str, Any]]:
        """The messages of the assistant."""
        messages = [event["message"] for event in self.events if event.get("message")]
        return [message for message in messages if message["author"]["role"] == "assistant"]

    @property
    def texts(self) -> list[str]:
        return [message["content"]["parts"][0] for message in self.replies]

    @property
    def text(self) -> str:
        return self.texts[-1]

    @property
    def place(self) -> tuple[str, str]:
        """The ids of the conversation and of the reply: where to go on."""
        return self.events[-1]["conversation_id"], self.replies[-1]["id"]


class Visitor:
    """A user agent with cookies: signs in, and says things."""

    def __init__(self, server: FakeChatGPT, *, http2: bool = False) -> None:
        self.server = server
        self._how: dict[str, Any] = {"verify": trust(server), "http2": http2, "timeout": 10}
        self.http = httpx.Client(**self._how)
        self.messages_url = f"{server.backend_api_base_url}/conversation"
        secure = server.origin.startswith("https")
        self.cookie_name = f"{'__Secure-' if secure else ''}next-auth.session-token"

    def session(self, cookies: dict[str, str] | None = None) -> httpx.Response:
        """Ask for the session, by default with the server's token in one cookie."""
        cookies = {self.cookie_name: self.server.session_token} if cookies is None else cookies
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return self.http.get(f"{self.server.api_base_url}/auth/session", headers={"cookie": header})

    def sign_in(self) -> str:
        token: str = self.session().json()["accessToken"]
        self.http.headers["authorization"] = f"Bearer {token}"
        return token

    def say(self, text: str, place: tuple[str, str] | None = None) -> Said:
        return Said(self.http.post(self.messages_url, json=message(text, place)))

    async def say_at_once(self, *texts: str) -> list[Said | BaseException]:
        """Say several things at the same time; over HTTP/2 on one connection, which httpx can't share among threads."""
        async with httpx.AsyncClient(headers=self.http.headers, **self._how) as http:
            posts = [http.post(self.messages_url, json=message(text)) for text in texts]
            answers = await asyncio.gather(*posts, return_exceptions=True)
        return [Said(answer) if isinstance(answer, httpx.Response) else answer for answer in answers]

    def stream(self, text: str = "Hello") -> AbstractContextManager[httpx.Response]:
        return self.http.stream("POST", self.messages_url, json=message(text))

    def backend(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self.http.request(method, f"{self.server.backend_api_base_url}{path}", json=body)


def message(text: str, place: tuple[str, str] | None = None) -> dict[str, Any]:
    """The body of a message, in a new conversation or at a place in one."""
    conversation_id, parent_id = place or (None, str(uuid.uuid4()))
    content = {"content_type": "text", "parts": [text]}
    return {
        "action": "next",
        "messages": [{"id": str(uuid.uuid4()), "role": "user", "content": content}],
        "model": "text-davinci-002-render",
        "parent_message_id": parent_id,
        "conversation_id": conversation_id,
    }


def trust(server: FakeChatGPT) -> ssl.SSLContext:
    """A context that trusts the server alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if server.certificate_authority_pem is not None:
        context.load_verify_locations(cadata=server.certificate_authority_pem.decode())

    return context


class Visit(Protocol):
    """Give a visitor of a server, signed in unless told otherwise."""

    def __call__(
        self, server: FakeChatGPT | None = None, *, signed_in: bool = True, http2: bool = False
    ) -> Visitor: ...


class Serve(Protocol):
    """Start a server with these options."""

    def __call__(self, **options: Any) -> FakeChatGPT: ...


@pytest.fixture
def long_graceful_timeout(monkeypatch: pytest.MonkeyPatch) -> float:
    """Return a graceful timeout in seconds, set for servers started later, that no close() may wait for on any machine."""
    monkeypatch.setattr(
        ServerConfig, "graceful_timeout", property(lambda config: 60.0, lambda config, value: None)
    )
    return 60.0


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(**options: Any) -> FakeChatGPT:
            return stack.enter_context(FakeChatGPT(**options))

        yield start


@pytest.fixture
def visit(server: FakeChatGPT) -> Iterator[Visit]:
    default = server
    with ExitStack() as stack:

        def make(
            server: FakeChatGPT | None = None, *, signed_in: bool = True, http2: bool = False
        ) -> Visitor:
            visitor = Visitor(server or default, http2=http2)
            stack.enter_context(visitor.http)
            if signed_in:
                visitor.sign_in()

            return visitor

        yield make


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A visitor of `server`, signed in."""
    return visit()
